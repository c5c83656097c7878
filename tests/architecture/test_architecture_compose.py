"""docker-compose.yml and the Dockerfile say what the code says: services, settings, ports, extras."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from contracts.access import hash_key
from tests.architecture.sources import ROOT, SERVICES

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
DOCKERFILE: Final = (ROOT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
KNOWN: Final = re.compile(r"[\"'](MOTCUA_[A-Z_]+)[\"']")


def _settings_names(service: str) -> set[str]:
    return set(KNOWN.findall((ROOT / "services" / service / "settings.py").read_text(encoding="utf-8")))


def _environment(service: str) -> dict[str, str]:
    """What the container is given, with `${NAME:-default}` and `${NAME:?complaint}` filled in."""
    given: dict[str, str] = COMPOSE["services"][service]["environment"]
    return {
        name: re.sub(
            r"\$\{\w+:([-?])([^}]*)\}", lambda found: found[2] if found[1] == "-" else "filled-in", value
        )
        for name, value in given.items()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_is_given_the_settings_its_service_reads(service: str) -> None:
    given = {name for name in _environment(service) if name.startswith("MOTCUA_")}
    assert given <= _settings_names(service)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_accepts_what_its_container_is_given(service: str, tmp_path: Path) -> None:
    contents = {
        "api_keys": f'[clients.admin]\nsha256 = "{hash_key("k")}"\nrole = "admin"\n',
        "province_key": "00" * 32,
    }
    environment = _environment(service)
    for secret in COMPOSE["services"][service].get("secrets", []):
        (tmp_path / secret).write_text(contents[secret], encoding="utf-8")
    inside = {name: value.replace("/run/secrets", str(tmp_path)) for name, value in environment.items()}
    settings = importlib.import_module(f"services.{service}.settings")
    settings.read_settings(inside)
    with pytest.raises(Exception, match="MOTCUA_BROKER: expected one of"):
        settings.read_settings({**inside, "MOTCUA_BROKER": "carrier-pigeon"})


@pytest.mark.parametrize("service", SERVICES)
def test_the_port_a_service_listens_on_is_the_one_asked_and_scraped(service: str) -> None:
    container = COMPOSE["services"][service]
    port = container["environment"]["MOTCUA_HTTP"].rsplit(":", 1)[1]
    assert container["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"http://127.0.0.1:{port}/healthz" in container["healthcheck"]["test"][-1]
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in scraped["scrape_configs"]}
    assert targets[service] == [f"{service}:{port}"]


def test_the_readme_lists_every_setting_and_only_those() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## Configuration")[1]
    listed = set(re.findall(r"`(MOTCUA_[A-Z_]+)`", table))
    read = {name for service in SERVICES for name in _settings_names(service)}
    tools = {"MOTCUA_HOME", "MOTCUA_URL", "MOTCUA_KEY", "MOTCUA_DATA"}
    assert listed == read | tools


def test_images_are_pinned_and_services_built_from_their_lock() -> None:
    for name, container in COMPOSE["services"].items():
        if "image" in container:
            assert re.search(r":v?\d+\.\d+", container["image"]), f"{name}: pin a version"
        else:
            args = container["build"]["args"]
            assert args["SERVICE"] == (name if name in SERVICES else "intake")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    assert set(SERVICES) <= set(extras)
    assert "requirements-${SERVICE}.lock" in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE
    assert all((ROOT / f"requirements-{service}.lock").is_file() for service in SERVICES)


def test_an_image_holds_every_package_and_no_more_than_the_build_context_lets_in() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    assert copied == {"contracts", "legalclock", "services", "motcua", "deploy"}
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert allowed[0] == "*"
    assert {f"!{folder}" for folder in copied} <= set(allowed)


def test_nothing_starts_before_what_it_needs() -> None:
    for service in SERVICES:
        needs = COMPOSE["services"][service]["depends_on"]
        assert needs["topics"]["condition"] == "service_completed_successfully"
    assert COMPOSE["services"]["analytics"]["depends_on"]["clickhouse"]["condition"] == "service_healthy"
    assert COMPOSE["services"]["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert COMPOSE["services"]["topics"]["command"][:3] == ["python", "-m", "deploy.kafka"]


def test_nothing_listens_beyond_the_machine() -> None:
    for name, container in COMPOSE["services"].items():
        for port in container.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
