"""The environment of intake: read whole, refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.access import hash_key
from contracts.words import Clock
from services.intake.settings import SettingError, read_settings


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[clients.a]\nsha256 = "{hash_key("x")}"\nrole = "counter"\n', encoding="utf-8")
    province = tmp_path / "province"
    province.write_text("00" * 32 + "\n", encoding="utf-8")
    return {
        "MOTCUA_KAFKA": "one:9092,two:9092",
        "MOTCUA_HTTP": "127.0.0.1:8801",
        "MOTCUA_API_KEYS": str(keys),
        "MOTCUA_PROVINCE_KEY": str(province),
        "MOTCUA_ANALYTICS_URL": "https://figures.test/",
    }


def test_defaults_and_values(environ: dict[str, str]) -> None:
    settings = read_settings(environ)
    assert settings.kafka == ("one:9092", "two:9092")
    assert (settings.host, settings.port) == ("127.0.0.1", 8801)
    assert (settings.broker, settings.clock, settings.instance) == ("apache", Clock.SYSTEM, "intake")
    assert settings.analytics_url == "https://figures.test"
    assert len(settings.province_key) == 32
    assert settings.trust is None
    assert settings.keys.identify("x") is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MOTCUA_KAFKA", ""),
        ("MOTCUA_KAFKA", "one:9092,,two:9092"),
        ("MOTCUA_HTTP", "x"),
        ("MOTCUA_HTTP", "host:0"),
        ("MOTCUA_HTTP", "host:70000"),
        ("MOTCUA_BROKER", "rabbit"),
        ("MOTCUA_CLOCK", "sundial"),
        ("MOTCUA_LOG", "LOUD"),
        ("MOTCUA_INSTANCE", "a b"),
        ("MOTCUA_ANALYTICS_URL", "figures.test"),
        ("MOTCUA_API_KEYS", "/nowhere/at/all"),
        ("MOTCUA_PROVINCE_KEY", "/nowhere/at/all"),
        ("MOTCUA_TRUST", "/nowhere/at/all"),
    ],
)
def test_a_wrong_value_is_refused_by_name(environ: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{name}: "):
        read_settings({**environ, name: value})


def test_the_folder_of_trust_is_taken_as_it_is(environ: dict[str, str], tmp_path: Path) -> None:
    assert read_settings({**environ, "MOTCUA_TRUST": str(tmp_path)}).trust == tmp_path


@pytest.mark.parametrize("text", ["not hex", "00ff"])
def test_a_bad_province_key_is_refused_without_being_shown(
    environ: dict[str, str], tmp_path: Path, text: str
) -> None:
    path = tmp_path / "bad"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingError, match=r"^MOTCUA_PROVINCE_KEY: ") as refused:
        read_settings({**environ, "MOTCUA_PROVINCE_KEY": str(path)})
    assert text not in str(refused.value).replace(str(path), "")


def test_a_bad_key_file_names_the_client(environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "bad"
    path.write_text('[clients.b]\nsha256 = "x"\nrole = "counter"\n', encoding="utf-8")
    with pytest.raises(SettingError, match=r"^MOTCUA_API_KEYS: .*'b'"):
        read_settings({**environ, "MOTCUA_API_KEYS": str(path)})
