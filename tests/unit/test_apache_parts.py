"""Apache Kafka in a one-machine stack, as far as it needs no process: settings, ports, version."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from deploy.local import jars
from deploy.local.apache import Apache, escaped
from deploy.local.broker import BrokerKind
from deploy.local.home import Home
from deploy.local.plan import choose_broker, description, refuse_taken_ports, service_settings
from deploy.local.ports import Ports, any_free
from tests.architecture.sources import ROOT


def apache(folder: Path, size: int = 1, clock: str = "system") -> Apache:
    """A cluster that is not started."""
    return Apache(Home(folder), clock, tuple(range(9001, 9001 + size)), tuple(range(9101, 9101 + size)))


def test_the_version_is_that_of_the_image() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{jars.kafka_version()}"


def test_a_cluster_of_three_has_the_settings_of_production(tmp_path: Path) -> None:
    settings = apache(tmp_path, 3).settings(2)
    assert settings["node.id"] == "2"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103"
    assert settings["listeners"] == "CLIENTS://127.0.0.1:9002,CONTROLLER://127.0.0.1:9102"
    assert settings["auto.create.topics.enable"] == settings["unclean.leader.election.enable"] == "false"
    copies = {name: value for name, value in settings.items() if name.endswith("replication.factor")}
    assert set(copies.values()) == {"3"}
    assert {"offsets.topic.replication.factor", "transaction.state.log.replication.factor"} < set(copies)
    in_step = [value for name, value in settings.items() if re.search(r"min\.(isr|insync\.replicas)$", name)]
    assert in_step == ["2", "2", "2"]


def test_a_single_server_keeps_the_only_copy(tmp_path: Path) -> None:
    settings = apache(tmp_path).settings(1)
    wanted = re.compile(r"(replication\.factor|min\.isr|min\.insync\.replicas)$")
    assert {value for name, value in settings.items() if wanted.search(name)} == {"1"}


def test_it_listens_to_this_machine_only(tmp_path: Path) -> None:
    for node in (1, 2, 3):
        settings = apache(tmp_path, 3).settings(node)
        for name in ("listeners", "advertised.listeners"):
            assert all("://127.0.0.1:" in one for one in settings[name].split(","))


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("/srv/motcua", "/srv/motcua"),
        ("/srv/hồ sơ", "/srv/h\\u1ed3 s\\u01a1"),
        ("C:\\data", "C:\\\\data"),
        ("𝄞", "\\ud834\\udd1e"),
    ],
)
def test_values_are_spelt_as_java_reads_them(text: str, spelt: str) -> None:
    assert escaped(text) == spelt
    assert json.loads(f'"{spelt}"') == text  # the same escapes, by chance, as JSON's


def test_three_servers_take_the_ports_after_the_warehouse(tmp_path: Path) -> None:
    ports = Ports()
    broker = choose_broker(Home(tmp_path), BrokerKind.APACHE, 3, "system", ports, free=False)
    assert broker.bootstrap == "127.0.0.1:9392,127.0.0.1:9394,127.0.0.1:9395"
    assert sorted(broker.ports.values()) == [9392, *range(9394, 9399)]
    assert description("log", ports, broker).broker == "apache"
    settings = service_settings(Home(tmp_path), "log", description("log", ports, broker).urls, broker.kind)
    assert {one["MOTCUA_BROKER"] for one in settings.values()} == {"apache"}
    assert {one["MOTCUA_KAFKA"] for one in settings.values()} == {broker.bootstrap}


def test_free_ports_are_all_different(tmp_path: Path) -> None:
    ports = any_free()
    broker = choose_broker(Home(tmp_path), BrokerKind.APACHE, 3, "system", ports, free=True)
    refuse_taken_ports({**ports.by_name(), **broker.ports})
    assert len(set(broker.ports.values())) == 6
