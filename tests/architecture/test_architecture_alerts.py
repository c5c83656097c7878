"""Alert rules: each says what to do, and names only metrics and labels that the code really exports."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from functools import cache
from typing import Any, Final

import pytest
import yaml

from tests.architecture.sources import ROOT, SERVICES, modules, tree

FOLDER: Final = ROOT / "deploy" / "prometheus"
RULE_FILES: Final = sorted((FOLDER / "rules").glob("*.yml"))
RULE_TESTS: Final = sorted((FOLDER / "rule_tests").glob("*.yml"))
METRIC: Final = re.compile(r"\bmotcua_([a-z]+)_([a-z_]+)(\{[^}]*\})?")
LABEL: Final = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
SCRAPED_LABELS: Final = {"job", "instance", "le"}


def _rules() -> list[dict[str, Any]]:
    return [
        rule
        for path in RULE_FILES
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


@cache
def _strings(service: str) -> frozenset[str]:
    """Every piece of text in a service's code, parts of f-strings too."""
    folder = ROOT / "services" / service
    return frozenset(
        node.value
        for path in modules("services")
        if folder in path.parents
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _exported(service: str, name: str) -> bool:
    plain = re.sub(r"_(?:bucket|sum|count)$", "", name)
    forms = {plain, f"_{plain}", f"motcua_{service}_{plain}"}
    # The client library adds `_total` to a counter named without it.
    forms |= {form.removesuffix("_total") for form in forms}
    return bool(forms & _strings(service))


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_happened_and_what_to_do(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]+", rule["alert"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert len(rule["annotations"]["summary"]) > 15
    assert len(rule["annotations"]["action"]) > 40


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_an_alert_names_metrics_and_labels_of_the_code(rule: dict[str, Any]) -> None:
    text = rule["expr"] + " " + " ".join(rule["annotations"].values())
    for service, name, selector in METRIC.findall(text):
        assert service in SERVICES
        assert _exported(service, name), f"motcua_{service}_{name} is not in services/{service}"
        for label in LABEL.findall(selector):
            assert label in SCRAPED_LABELS | _strings(service), f"{name} has no label {label}"


def test_alert_names_are_unique_and_documented() -> None:
    names = [rule["alert"] for rule in _rules()]
    assert len(names) == len(set(names))
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert not [name for name in names if f"`{name}`" not in operations]


def test_every_service_is_scraped_under_its_name() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    assert {job["job_name"] for job in config["scrape_configs"]} == set(SERVICES)


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "config", str(FOLDER / "prometheus.yml")],
        ["check", "rules", *map(str, RULE_FILES)],
        ["test", "rules", *map(str, RULE_TESTS)],
    ],
    ids=["config", "rules", "behaviour"],
)
def test_promtool_agrees(arguments: list[str]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: run 'make tools'")
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
