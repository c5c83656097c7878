"""What the warehouse endpoint reads out of a statement before the engine sees it."""

from __future__ import annotations

import pytest

from deploy.local.warehouse import sql


@pytest.mark.parametrize(
    ("text", "target", "settings", "described", "all_columns"),
    [
        ("INSERT INTO t VALUES", "INSERT INTO t", "", "t", True),
        (" insert into d.t (a, b) values ;", " insert into d.t (a, b)", "", "(SELECT a, b FROM d.t)", False),
        ("INSERT INTO t(a)VALUES", "INSERT INTO t(a)", "", "(SELECT a FROM t)", False),
        ("INSERT INTO TABLE `d b`.`t` FORMAT Native", "INSERT INTO TABLE `d b`.`t`", "", "`d b`.`t`", True),
        (
            "INSERT INTO t (* EXCEPT(a)) SETTINGS x = 'VALUES' VALUES",
            "INSERT INTO t (* EXCEPT(a))",
            "SETTINGS x = 'VALUES' ",
            "(SELECT * EXCEPT(a) FROM t)",
            False,
        ),
        (
            "/* why */ INSERT INTO t -- (b)\n(a) VALUES",
            "/* why */ INSERT INTO t -- (b)\n(a)",
            "",
            "(SELECT a FROM t)",
            False,
        ),
    ],
)
def test_an_insert_that_waits_for_blocks_is_recognised(
    text: str, target: str, settings: str, described: str, all_columns: bool
) -> None:
    expected = sql.Insert(target, settings, f"DESCRIBE TABLE {described}", all_columns)
    assert sql.client_insert(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "INSERT INTO t SELECT * FROM s",
        "INSERT INTO t VALUES (1)",
        "INSERT INTO t FORMAT CSV 1",
        "INSERT INTO FUNCTION null('a Int8') VALUES",
        "SELECT 'INSERT INTO t VALUES'",
    ],
)
def test_other_statements_do_not_wait_for_blocks(text: str) -> None:
    assert sql.client_insert(text) is None


@pytest.mark.parametrize(
    ("text", "inline"),
    [
        ("INSERT INTO t VALUES (1)", True),
        ("insert into t format CSV 1,2", True),
        ("INSERT INTO t VALUES ;", False),
        ("INSERT INTO t FORMAT Native", False),
        ("SELECT 'INSERT INTO t VALUES (1)'", False),
    ],
)
def test_rows_in_the_text_of_an_insert_are_seen(text: str, inline: bool) -> None:
    assert sql.has_inline_data(text) is inline


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("INSERT INTO t VALUES (1); DROP TABLE t", True),
        ("INSERT INTO t VALUES (1);(2)", True),
        ("INSERT INTO t VALUES ('a') -- '\n;DROP TABLE t -- '", True),
        ("INSERT INTO t VALUES ('a') # '\n;DROP TABLE t # '", True),
        ("INSERT INTO t VALUES ('; DROP TABLE t')", False),
        ("INSERT INTO t VALUES (1) ; ; -- the end\n", False),
    ],
)
def test_a_statement_behind_rows_is_seen(text: str, several: bool) -> None:
    assert sql.several(text) is several


@pytest.mark.parametrize(
    ("text", "settings", "what"),
    [
        ("create  temporary table t (a Int8)", {}, "temporary tables are"),
        ("CREATE TABLE temporary (a Int8)", {}, ""),
        ("SELECT 1 GROUP BY 1 WITH TOTALS", {}, "WITH TOTALS is"),
        ("SELECT * FROM (SELECT f(1) GROUP BY 1 WITH TOTALS)", {}, ""),
        ("SELECT ' WITH TOTALS' -- INTO OUTFILE", {}, ""),
        ("SELECT 1 INTO OUTFILE 'x'", {}, "INTO OUTFILE is"),
        ("SELECT 1 SETTINGS a = 1, extremes=true", {}, "the setting extremes is"),
        ("SELECT 1 SETTINGS extremes = 0", {}, ""),
        ("SELECT 1", {"extremes": "1"}, "the setting extremes is"),
        ("SELECT 1", {"extremes": "0"}, ""),
        ("SELECT 1", {"send_logs_level": "trace"}, "the setting send_logs_level is"),
    ],
)
def test_what_the_endpoint_cannot_do_is_seen(text: str, settings: dict[str, str], what: str) -> None:
    assert sql.not_served(text, settings) == what


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("SELECT 1 FORMAT JSON", "SELECT 1"),
        ("SELECT 1\nFORMAT TSV ;", "SELECT 1"),
        ("SELECT 1 FORMAT TSV -- as text", "SELECT 1"),
        ("SELECT ' FORMAT JSON'", "SELECT ' FORMAT JSON'"),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_a_closing_format_is_dropped(text: str, left: str) -> None:
    assert sql.without_format(text) == left


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("use x", "USE"),
        ("-- note\n SET a = 1", "SET"),
        ("CREATE TABLE temporary (a Int8)", "CREATE"),
        ("(SELECT 1)", "(SELECT"),
        ("", ""),
    ],
)
def test_the_verb_is_the_first_word(text: str, verb: str) -> None:
    assert sql.verb(text) == verb


def test_values_and_names_are_quoted() -> None:
    assert sql.set_statement({"a": "it's \\", "b": "1"}) == r"SET a = 'it\'s \\', b = '1'"
    assert sql.name("a`b\\") == r"`a\`b\\`"
