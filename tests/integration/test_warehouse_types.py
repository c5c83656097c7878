"""Every type `clickhouse_driver` knows goes in and comes back through the endpoint; others are refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

HANOI: Final = ZoneInfo("Asia/Ho_Chi_Minh")
MORNING: Final = datetime(2026, 1, 5, 0, 30, tzinfo=UTC)
SOME: Final = UUID("61f0c404-5cb3-11e7-907b-a6006ad3dba0")
BYTES: Final = {"strings_as_bytes": True}


def widths() -> list[tuple[str, list[object]]]:
    """Each integer type with its ends."""
    signed = [
        (f"Int{bits}", [-(2 ** (bits - 1)), 0, 2 ** (bits - 1) - 1]) for bits in (8, 16, 32, 64, 128, 256)
    ]
    unsigned = [(f"UInt{bits}", [0, 2**bits - 1]) for bits in (8, 16, 32, 64, 128, 256)]
    return [(kind, list(values)) for kind, values in signed + unsigned]


PLAIN: Final[list[tuple[str, list[object]]]] = [
    *widths(),
    ("Float32", [0.5, -1.25, math.inf, -math.inf]),
    ("Float64", [0.1, -1e300, math.inf, -math.inf, 5e-324]),
    ("Bool", [True, False]),
    ("String", ["", "Hồ sơ đúng hạn", "it's\n\0", "x" * 100_000]),
    ("FixedString(4)", ["abcd", "ổ"]),
    ("Date", [date(1970, 1, 1), date(2149, 6, 6)]),
    ("Date32", [date(1900, 1, 1), date(2299, 12, 31)]),
    (
        "DateTime('UTC')",
        [MORNING, datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)],
    ),
    ("DateTime('Asia/Ho_Chi_Minh')", [MORNING]),
    ("DateTime64(3, 'UTC')", [MORNING.replace(microsecond=123000)]),
    ("DateTime64(6, 'UTC')", [MORNING.replace(microsecond=123456)]),
    ("DateTime64(9, 'UTC')", [MORNING.replace(microsecond=123456)]),
    (
        "DateTime64(6, 'Asia/Ho_Chi_Minh')",
        [MORNING.replace(microsecond=123456), datetime(1925, 1, 1, tzinfo=UTC)],
    ),
    ("UUID", [SOME, UUID(int=0), UUID(int=2**128 - 1)]),
    ("Enum8('early' = -128, 'on)time' = 2, 'it''s' = 127)", ["early", "on)time", "it's"]),
    ("Enum16('one' = -32768, 'two' = 32767)", ["one", "two"]),
    ("IPv4", [IPv4Address("0.0.0.0"), IPv4Address("255.255.255.255")]),
    ("IPv6", [IPv6Address("::"), IPv6Address("2001:db8::1")]),
    ("Decimal(9, 2)", [Decimal("-9999999.99"), Decimal("9999999.99")]),
    ("Decimal(18, 3)", [Decimal("1.500"), Decimal("-7.125")]),
    ("Decimal(38, 10)", [Decimal("1234567890123456789012345678.0123456789")]),
    ("Decimal(76, 1)", [Decimal(-(10**60))]),
]
COMPOSED: Final[list[tuple[str, list[object]]]] = [
    ("LowCardinality(String)", ["a", "b", "a", ""]),
    ("LowCardinality(FixedString(2))", ["ab", "cd"]),
    ("LowCardinality(Nullable(String))", ["a", None, "", None]),
    ("Array(UInt8)", [[1, 2], [], [255]]),
    ("Array(Array(String))", [[["a"], []], [], [[]]]),
    ("Array(LowCardinality(String))", [["a", "b"], [], ["a"]]),
    ("Array(LowCardinality(Nullable(String)))", [["a", None], []]),
    ("Array(Nullable(UInt16))", [[1, None], []]),
    ("Array(Tuple(String, Array(Date)))", [[("a", [date(2026, 1, 5)]), ("b", [])], []]),
    ("Array(DateTime64(3, 'Asia/Ho_Chi_Minh'))", [[MORNING, MORNING], []]),
    ("Map(String, UInt32)", [{"a": 1}, {}]),
    ("Map(LowCardinality(String), Array(Nullable(Int8)))", [{"a": [1, None], "b": []}, {}]),
    ("Tuple(String, UInt8)", [("a", 1)]),
    ("Tuple(name String, n Nullable(UInt8))", [("a", 1), ("b", None)]),
    ("Tuple(inner Tuple(a UInt8, b String), c Array(UInt8))", [((1, "x"), [1, 2])]),
    ("SimpleAggregateFunction(max, UInt64)", [7]),
    ("SimpleAggregateFunction(max, DateTime('Asia/Ho_Chi_Minh'))", [MORNING]),
    ("SimpleAggregateFunction(anyLast, LowCardinality(Nullable(String)))", ["a", None]),
    ("SimpleAggregateFunction(groupArrayArray, Array(String))", [["a", "b"]]),
]
NULLABLE: Final = [(f"Nullable({kind})", [*values, None, values[0]]) for kind, values in PLAIN]


def comes_back(
    client: Client, kind: str, values: Sequence[object], engine: str = "MergeTree ORDER BY n"
) -> list[Any]:
    """The values after a columnar insert and a select; the result's own type is checked on the way."""
    client.execute(f"CREATE OR REPLACE TABLE v (n UInt32, v {kind}) ENGINE = {engine}")
    columns = [list(range(len(values))), list(values)]
    assert client.execute("INSERT INTO v (n, v) VALUES", columns, columnar=True) == len(values)
    found, described = client.execute("SELECT v FROM v ORDER BY n", with_column_types=True, columnar=True)
    assert [kind.replace("''", "\\'") for _, kind in described] == [kind.replace("''", "\\'")]
    return list(found[0])


@pytest.mark.parametrize(
    ("kind", "values"), [*PLAIN, *NULLABLE, *COMPOSED], ids=lambda value: str(value)[:40]
)
def test_values_of_every_type_come_back(client: Client, kind: str, values: list[object]) -> None:
    padded = comes_back(client, kind, values)
    assert [value.rstrip("\0") if kind.startswith("FixedString") else value for value in padded] == values


@pytest.mark.parametrize("kind", ["Float32", "Float64", "Nullable(Float64)"])
def test_not_a_number_comes_back_as_itself(client: Client, kind: str) -> None:
    [found] = comes_back(client, kind, [math.nan])
    assert math.isnan(found)


def test_texts_of_any_bytes_come_back(client: Client) -> None:
    every = bytes(range(256))
    client.execute("CREATE TABLE b (s String, f FixedString(256), l LowCardinality(String)) ENGINE = Memory")
    assert client.execute("INSERT INTO b VALUES", [(every, every, every)], settings=dict(BYTES)) == 1
    assert client.execute("SELECT s, f, l FROM b", settings=dict(BYTES)) == [(every, every, every)]


def test_the_zone_of_a_column_survives_and_nothing_is_shifted(client: Client) -> None:
    client.execute("CREATE TABLE d (at DateTime('Asia/Ho_Chi_Minh')) ENGINE = MergeTree ORDER BY at")
    client.execute("INSERT INTO d VALUES", [(MORNING,)])
    [(at, text)], columns = client.execute("SELECT at, toString(at) FROM d", with_column_types=True)
    assert (at, at.utcoffset()) == (MORNING, MORNING.astimezone(HANOI).utcoffset())
    assert text == "2026-01-05 07:30:00"
    assert columns[0] == ("at", "DateTime('Asia/Ho_Chi_Minh')")
    assert client.execute("SELECT timezone()") == [("UTC",)]


@pytest.mark.parametrize("kind", ["Variant(Int8, String)", "BFloat16", "AggregateFunction(sum, UInt8)"])
def test_a_type_the_driver_does_not_know_is_refused(client: Client, kind: str) -> None:
    client.execute(f"CREATE TABLE v (v {kind}) ENGINE = Memory")
    client.execute(
        "INSERT INTO v SELECT sumState(toUInt8(1))" if "sum" in kind else "INSERT INTO v VALUES (1)"
    )
    with pytest.raises(ServerException, match="has no reader") as caught:
        client.execute("SELECT v FROM v")
    assert caught.value.code == 50
    assert client.execute("SELECT 1") == [(1,)]


def test_results_without_values_of_a_type(client: Client) -> None:
    assert client.execute("SELECT NULL, [], toIntervalDay(3), (1.5, 2.5)::Point") == [
        (None, [], 3, (1.5, 2.5))
    ]


# --- any value of any type


def zoned(earliest: datetime, latest: datetime, microseconds: int) -> SearchStrategy[datetime]:
    """Instants with a resolution of so many microseconds."""
    most = (latest - earliest) // timedelta(microseconds=microseconds)
    return st.integers(0, most).map(lambda n: earliest + n * timedelta(microseconds=microseconds))


def decimals(digits: int, places: int) -> SearchStrategy[Decimal]:
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda n: Decimal(n).scaleb(-places))


TEXTS: Final = st.text(st.characters(codec="utf-8"))
# Before the first the driver itself loses a second, after the second microseconds.
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
Typed = tuple[str, SearchStrategy[Any]]
LEAVES: Final[list[Typed]] = [
    *(
        (f"Int{bits}", st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
        for bits in (8, 16, 32, 64, 128, 256)
    ),
    *((f"UInt{bits}", st.integers(0, 2**bits - 1)) for bits in (8, 16, 32, 64, 128, 256)),
    ("Float32", st.floats(width=32, allow_nan=False)),
    ("Float64", st.floats(allow_nan=False)),
    ("String", TEXTS),
    ("Bool", st.booleans()),
    ("UUID", st.uuids()),
    ("Date", st.dates(date(1970, 1, 1), date(2149, 6, 6))),
    ("Date32", st.dates(date(1900, 1, 1), date(2299, 12, 31))),
    ("DateTime('Asia/Ho_Chi_Minh')", zoned(EPOCH, EPOCH + timedelta(seconds=2**32 - 1), 1_000_000)),
    (
        "DateTime64(3, 'UTC')",
        zoned(EPOCH, LATEST, 1000),
    ),
    ("DateTime64(6, 'Asia/Ho_Chi_Minh')", zoned(EPOCH, LATEST, 1)),
    ("Decimal(9, 4)", decimals(9, 4)),
    ("Decimal(18, 6)", decimals(18, 6)),
    ("IPv4", st.ip_addresses(v=4)),
    ("IPv6", st.ip_addresses(v=6)),
    ("Enum8('a' = 1, 'b' = 2)", st.sampled_from(["a", "b"])),
]
WITHOUT_NULL: Final = ("Array", "Map", "Tuple", "LowCardinality", "Nullable")


def composed(inner: SearchStrategy[Typed]) -> SearchStrategy[Typed]:
    """Types made of others. A key of a map is a plain one."""

    def nullable(typed: Typed) -> Typed:
        kind, values = typed
        if kind.startswith(WITHOUT_NULL):
            return typed
        return f"Nullable({kind})", st.none() | values

    def array(typed: Typed) -> Typed:
        few = int("Tuple" in typed[0])  # the driver cannot write a column of no tuples at all
        return f"Array({typed[0]})", st.lists(typed[1], min_size=few, max_size=4)

    def mapping(typed: Typed) -> Typed:
        kind, values = typed
        if "Tuple" in kind or "Map" in kind:  # the driver takes such a map's type apart at the wrong comma
            return array(typed)
        return f"Map(String, {kind})", st.dictionaries(TEXTS, values, max_size=3)

    def pair(first: Typed, second: Typed) -> Typed:
        return f"Tuple(a {first[0]}, b {second[0]})", st.tuples(first[1], second[1])

    made: list[Callable[[Typed], Typed]] = [nullable, array, mapping]
    return st.one_of(*(inner.map(make) for make in made), st.builds(pair, inner, inner))


TYPES: Final = st.recursive(st.sampled_from(LEAVES), composed, max_leaves=3)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_values_of_any_type_come_back(client: Client, data: st.DataObject) -> None:
    kind, values = data.draw(TYPES)
    given_values = data.draw(st.lists(values, min_size=1, max_size=8))
    assert comes_back(client, kind, given_values, "Memory") == given_values


PARAMETER: Final = st.one_of(
    TEXTS,
    st.sampled_from(
        [
            "'; DROP TABLE v; --",
            "\\' OR 1=1 --",
            "\\",
            "\\\\'",
            "%(x)s",
            "{x:String}",
            "a\0b",
            "\b\f\r\n\t\a\v",
        ]
    ),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
    st.dates(date(1970, 1, 1), date(2149, 6, 6)),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PARAMETER, st.lists(TEXTS), st.uuids())
def test_parameters_arrive_as_they_are(client: Client, value: object, texts: list[str], some: UUID) -> None:
    parameters = {"value": value, "texts": texts, "some": some}
    query = "SELECT %(value)s, %(texts)s, %(some)s"
    [(came, came_texts, came_some)] = client.execute(query, parameters)
    expected = str(value) if isinstance(value, date) else value
    assert (came, came_texts, came_some) == (expected, texts, str(some))
