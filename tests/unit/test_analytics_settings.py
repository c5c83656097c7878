"""The environment of analytics: what is read, and what is refused by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.access import hash_key
from contracts.words import Clock
from services.analytics.settings import SettingError, read_settings


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[clients.boss]\nsha256 = "{hash_key("k")}"\nrole = "admin"\n', encoding="utf-8")
    return {
        "MOTCUA_KAFKA": "one:9092,two:9092",
        "MOTCUA_CLICKHOUSE": "clickhouse://reader:secret@house:9000/motcua",
        "MOTCUA_HTTP": "127.0.0.1:8802",
        "MOTCUA_API_KEYS": str(keys),
    }


def test_what_is_needed_is_enough(environ: dict[str, str]) -> None:
    settings = read_settings(environ)
    assert settings.kafka == ("one:9092", "two:9092")
    assert (settings.host, settings.port) == ("127.0.0.1", 8802)
    assert (settings.broker, settings.clock, settings.instance) == ("apache", Clock.SYSTEM, "analytics")
    assert (settings.lane, settings.poison_share) == (0, 0.05)
    assert settings.keys.identify("k") is not None


def test_all_of_it_can_be_said(environ: dict[str, str]) -> None:
    said = {"MOTCUA_LANE": "0", "MOTCUA_CLOCK": "log", "MOTCUA_POISON_SHARE": "0.5", "MOTCUA_BROKER": "tansu"}
    settings = read_settings({**environ, **said})
    assert (settings.lane, settings.clock, settings.poison_share) == (0, Clock.LOG, 0.5)


@pytest.mark.parametrize("name", ["MOTCUA_KAFKA", "MOTCUA_CLICKHOUSE", "MOTCUA_HTTP", "MOTCUA_API_KEYS"])
def test_what_is_missing_is_named(environ: dict[str, str], name: str) -> None:
    with pytest.raises(SettingError, match=f"{name}: needed"):
        read_settings({**environ, name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MOTCUA_KAFKA", "one"),
        ("MOTCUA_HTTP", "x"),
        ("MOTCUA_HTTP", "host:70000"),
        ("MOTCUA_BROKER", "rabbit"),
        ("MOTCUA_CLOCK", "sun"),
        ("MOTCUA_LOG", "LOUD"),
        ("MOTCUA_INSTANCE", "a b"),
        ("MOTCUA_LANES", "1"),
        ("MOTCUA_LANES", "2"),
        ("MOTCUA_LANE", "1"),
        ("MOTCUA_LANE", "many"),
        ("MOTCUA_LANE", "-1"),
        ("MOTCUA_POISON_SHARE", "2"),
        ("MOTCUA_CLICKHOUSE", "http://house:8123/motcua"),
        ("MOTCUA_CLICKHOUSE", "clickhouse://house/motcua"),
        ("MOTCUA_CLICKHOUSE", "clickhouse://house:x/motcua"),
        ("MOTCUA_CLICKHOUSE", "clickhouse://house:9000/"),
        ("MOTCUA_API_KEYS", "/does/not/exist"),
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{name}: "):
        read_settings({**environ, name: value})


def test_who_still_splits_by_hand_is_told_what_replaces_it(environ: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=r"8 partitions for life.*MOTCUA_LANE "):
        read_settings({**environ, "MOTCUA_LANES": "2", "MOTCUA_LANE": "1"})
    with pytest.raises(SettingError, match="the topic's 8 partitions make lanes 0 to 0, got 1"):
        read_settings({**environ, "MOTCUA_LANE": "1"})


def test_a_password_is_never_repeated(environ: dict[str, str]) -> None:
    with pytest.raises(SettingError) as caught:
        read_settings({**environ, "MOTCUA_CLICKHOUSE": "clickhouse://me:secret@house/db"})
    assert "secret" not in str(caught.value)


def test_a_key_file_without_clients_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(SettingError, match="names no client"):
        read_settings({**environ, "MOTCUA_API_KEYS": str(empty)})
