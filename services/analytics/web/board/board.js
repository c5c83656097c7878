// The board: asks for the figures every two seconds, shows them, and says how old they are.
// With a key (#key=… in the address) exact figures and the table of agencies; without, the public ones.
"use strict";

const EVERY_MS = 2000;
const PATIENCE_MS = 8000;
const BUCKETS = [
  ["early", "Trước hạn", "Early"],
  ["on_time", "Đúng hạn", "On time"],
  ["not_due", "Chưa đến hạn", "Not yet due"],
  ["paused", "Tạm dừng, chờ bổ sung", "Paused"],
  ["late", "Quá hạn", "Late"],
  ["refused", "Từ chối", "Refused"],
  ["withdrawn", "Đã rút", "Withdrawn"],
  ["stopped", "Dừng giải quyết", "Stopped"],
];
// A rate's label says its numerator and denominator: the three differ.
const RATES = [
  ["on_time_of_received", "Trên tổng số đã nộp", "Of all handed in",
    "(trước hạn + đúng hạn) ÷ đã nộp", "(early + on time) ÷ handed in"],
  ["on_time_of_decided", "Trên số đã nộp, trừ chưa đến hạn", "Of all but the not yet due",
    "(trước hạn + đúng hạn) ÷ (đã nộp − chưa đến hạn)", "(early + on time) ÷ (handed in − not yet due)"],
  ["on_time_of_solved", "Trên số đã giải quyết hoặc quá hạn", "Of the solved or late",
    "(trước hạn + đúng hạn) ÷ (trước hạn + đúng hạn + quá hạn)", "(early + on time) ÷ (early + on time + late)"],
];
const whole = new Intl.NumberFormat("vi-VN");
const percent = new Intl.NumberFormat("vi-VN", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 3 });

const $ = (id) => document.getElementById(id);
const key = new URLSearchParams(location.hash.slice(1)).get("key");
let seen = null; // the last good answer's age and when it came: {age, at}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function labelled(name, vietnamese, english) {
  const made = element(name, vietnamese);
  made.append(" ", element("small", english, { lang: "en" }));
  return made;
}

const shown = (count) => (typeof count === "number" ? whole.format(count) : count === null ? "–" : count);

function rateText(rate) {
  if (typeof rate.value === "number") return percent.format(rate.value);
  return typeof rate.at_least === "number" ? "≥ " + percent.format(rate.at_least) : "–";
}

async function ask(path) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const answer = await fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(problem.detail || answer.statusText), { reason: problem.reason || "" });
  }
  return answer.json();
}

function showCounts(figures) {
  $("received").textContent = shown(figures.received);
  const bar = [], list = [];
  for (const [name, vietnamese, english] of BUCKETS) {
    const count = figures[name];
    if (typeof count === "number" && typeof figures.received === "number" && figures.received > 0) {
      const piece = element("span", undefined, { "data-shade": name, title: vietnamese });
      piece.style.width = (100 * count) / figures.received + "%";
      bar.push(piece);
    }
    const entry = element("div", undefined, { "data-shade": name });
    entry.append(labelled("dt", vietnamese, english), element("dd", shown(count)));
    list.push(entry);
  }
  $("bar").replaceChildren(...bar);
  $("buckets").replaceChildren(...list);
}

function showRates(rates) {
  const cards = RATES.map(([name, vietnamese, english, formula, inEnglish]) => {
    const rate = rates[name], card = element("div", undefined, { class: "panel" });
    card.append(labelled("h3", vietnamese, english), element("p", rateText(rate), { class: "value" }));
    if (typeof rate.denominator === "number") {
      card.append(element("p", `${whole.format(rate.numerator)} ÷ ${whole.format(rate.denominator)}`, { class: "of" }));
    }
    const note = labelled("p", formula, inEnglish);
    note.className = "note";
    card.append(note);
    return card;
  });
  $("rates").replaceChildren(...cards);
}

// A narrow screen shows each row as a card, so a cell knows the label of its column.
function cell(text, label) {
  return element("td", text, { role: "cell", "data-label": label });
}

function showAgencies(table) {
  const columns = [["received", "Đã nộp", "Handed in"], ...BUCKETS];
  const rate = ["Tỷ lệ đúng hạn", "On time of solved or late"];
  const head = [labelled("th", "Cơ quan", "Agency")];
  head.push(...columns.map(([, vietnamese, english]) => labelled("th", vietnamese, english)), labelled("th", ...rate));
  for (const one of head) {
    one.setAttribute("scope", "col");
    one.setAttribute("role", "columnheader");
  }
  $("agencies-head").replaceChildren(...head);
  const lines = table.rows.map((row) => {
    const line = element("tr", undefined, { role: "row" });
    const name = element("th", row.agency_name || row.agency, { scope: "row", role: "rowheader" });
    if (row.agency_name) name.append(" ", element("small", row.agency));
    line.append(name);
    for (const [name, label] of columns) {
      const made = cell(shown(row[name]), label);
      if (name === "late" && row.late > 0) made.className = "alarm";
      line.append(made);
    }
    line.append(cell(rateText(row.rates.on_time_of_solved), rate[0]));
    return line;
  });
  $("agencies").replaceChildren(...lines);
  $("agencies-panel").hidden = lines.length === 0;
}

function showNotice(error) {
  const words = {
    unauthorized: "Khóa truy cập không hợp lệ. (The key is not valid.)",
    role_not_allowed: "Khóa này không được xem số liệu. (This key may not see figures.)",
    warehouse_down: "Kho số liệu đang gián đoạn; số liệu trên trang, nếu có, là số liệu cũ. (The warehouse does not answer; any figures here are old.)",
  };
  const known = words[error.reason];
  $("notice").textContent = known || "Mất kết nối tới dịch vụ; sẽ tự thử lại. (No connection to the service; trying again.)";
  $("notice").hidden = false;
}

function showAge() {
  const age = seen && seen.age !== null ? Math.round(seen.age + (performance.now() - seen.at) / 1000) : null;
  $("age-text").textContent = age === null ? "Chưa rõ số liệu của lúc nào" : `Số liệu cách đây ${whole.format(age)} giây`;
  $("age").dataset.state = age === null ? "unknown" : age <= 10 ? "well" : age <= 60 ? "warn" : "bad";
}

async function refresh() {
  try {
    const [figures, table] = key
      ? await Promise.all([ask("v1/figures"), ask("v1/compliance?period=all&by=agency")])
      : [await ask("v1/public/figures"), { rows: [] }];
    showCounts(figures);
    showRates(figures.rates);
    showAgencies(table);
    seen = { age: figures.age_seconds, at: performance.now() };
    $("notice").hidden = true;
  } catch (error) {
    showNotice(error);
  }
  showAge();
}

async function run() {
  if (!document.hidden) await refresh();
  setTimeout(run, EVERY_MS);
}

$("hint").hidden = Boolean(key);
addEventListener("hashchange", () => location.reload());
setInterval(showAge, 1000);
run();
