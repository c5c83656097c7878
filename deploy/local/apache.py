"""Apache Kafka on one machine: one or three servers, each broker and controller in one (KRaft), data kept.

Everything that lasts lies in one folder of the home: the servers' data, the id of their cluster, and the
warehouse that counts their log, so that log and warehouse always belong together. Number of servers and clock
are fixed by the first start. Ports may differ from start to start.
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from contracts.words import Clock
from deploy.local.broker import BrokerKind
from deploy.local.child import ProcessSpec
from deploy.local.errors import StackError
from deploy.local.home import Home
from deploy.local.jars import ensure_jars, find_java, jars_folder, log_settings
from deploy.local.leash import leashed
from deploy.local.ports import HOST
from deploy.local.probes import listening

SIZES: Final = (1, 3)
_FORMAT_SECONDS: Final = 120
# Small: what one office needs, three of them beside the rest of a stack in a few GiB. Serial collection and
# the quick compiler start faster and leave the cores to the services.
_JVM: Final = (
    *("-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData", "-Djava.awt.headless=true"),
)
# Java names files in the locale's encoding; without one it cannot open a folder with a Vietnamese name.
_LOCALE: Final = {"LC_ALL": "C.UTF-8"}
_TOPIC_SETTINGS: Final = {
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
}
_SMALL: Final = {
    "num.network.threads": "2",
    "num.io.threads": "4",
    "offsets.topic.num.partitions": "8",
    "log.cleaner.dedupe.buffer.size": "33554432",
    "group.initial.rebalance.delay.ms": "0",
    "group.share.enable": "false",
    # A stack that stands still for weeks finds its groups where they were: a year, in minutes.
    "offsets.retention.minutes": "525600",
}


class ClusterFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the first start has fixed."""

    cluster_id: str
    brokers: int
    clock: str


@dataclass(frozen=True)
class Apache:
    """The servers of a stack, a port each of `listeners` (for clients) and `controllers` (for each other)."""

    home: Home
    clock: str
    listeners: tuple[int, ...]
    controllers: tuple[int, ...]
    kind: BrokerKind = BrokerKind.APACHE
    promise: str = "Log and warehouse are kept."

    @property
    def folder(self) -> Path:
        """All that lasts. Delete it, with the stack stopped, to start from nothing."""
        return _folder(self.home)

    @property
    def bootstrap(self) -> str:
        """Every server, so that one that is down is no obstacle."""
        return ",".join(f"{HOST}:{port}" for port in self.listeners)

    @property
    def replication(self) -> int:
        """One copy a server."""
        return len(self.listeners)

    @property
    def ports(self) -> Mapping[str, int]:
        """Every port, by process."""
        named = dict(zip(self._names(), self.listeners, strict=True))
        return named | {
            f"{name} (controller)": port for name, port in zip(self._names(), self.controllers, strict=True)
        }

    @property
    def warehouse(self) -> Path:
        """See the protocol."""
        return self.folder / "warehouse"

    def prepare(self, say: Callable[[str], None]) -> None:
        """Find Java and the jars, write the settings, format what is new. Raises StackError."""
        java, jars = find_java(), ensure_jars(say)
        self.folder.mkdir(parents=True, exist_ok=True)
        cluster = self._cluster()
        for node in self._nodes():
            shutil.rmtree(self._scratch(node), ignore_errors=True)
            self._scratch(node).mkdir()
            settings = "".join(f"{key}={escaped(value)}\n" for key, value in self.settings(node).items())
            self._settings_file(node).write_text(settings, encoding="ascii")
        fresh = [node for node in self._nodes() if not (self._data(node) / "meta.properties").exists()]
        _format([self._format_command(java, jars, node, cluster.cluster_id) for node in fresh])

    def processes(self, env: Mapping[str, str]) -> tuple[ProcessSpec, ...]:
        """One process a server, none of them vital: what it acknowledged is on the disk."""
        java, jars = find_java(), jars_folder()
        return tuple(
            ProcessSpec(
                name=name,
                command=self._java(java, jars, node, "kafka.Kafka", str(self._settings_file(node))),
                env={**env, **_LOCALE},
                url=f"{HOST}:{port}",
                probe=listening(port),
                group="broker",  # the last of three could not sign off: alone it has no majority to ask
            )
            for node, name, port in zip(self._nodes(), self._names(), self.listeners, strict=True)
        )

    def settings(self, node: int) -> dict[str, str]:
        """The server properties of `node` (1, 2, …): production's, only sizes are small."""
        copies = self.replication
        in_step = str(max(1, copies - 1))
        voters = [f"{one}@{HOST}:{port}" for one, port in zip(self._nodes(), self.controllers, strict=True)]
        client, control = self.listeners[node - 1], self.controllers[node - 1]
        replicated = {
            f"{topic}.replication.factor": str(copies)
            for topic in (
                "default",
                "offsets.topic",
                "transaction.state.log",
                "share.coordinator.state.topic",
            )
        }
        return {
            "process.roles": "broker,controller",
            "node.id": str(node),
            "controller.quorum.voters": ",".join(voters),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "CLIENTS",
            "listeners": f"CLIENTS://{HOST}:{client},CONTROLLER://{HOST}:{control}",
            "advertised.listeners": f"CLIENTS://{HOST}:{client}",
            "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self._data(node)),
            **replicated,
            "min.insync.replicas": in_step,
            "transaction.state.log.min.isr": in_step,
            "share.coordinator.state.topic.min.isr": in_step,
            **_TOPIC_SETTINGS,
            **_SMALL,
        }

    def _cluster(self) -> ClusterFile:
        """The cluster of this home, made when there is none. Raises StackError when it is another one."""
        path = _cluster_file(self.home)
        asked = ClusterFile(cluster_id=_new_cluster_id(), brokers=self.replication, clock=self.clock)
        if "," in str(path):  # the server would read a list of folders
            raise StackError(f"Apache Kafka cannot keep its data in {self.folder}: the path has a comma")
        if not path.exists():
            fresh = path.with_suffix(".new")
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(asked), indent=2) + b"\n")
            fresh.replace(path)
            return asked
        try:
            found = msgspec.json.decode(path.read_bytes(), type=ClusterFile)
        except msgspec.DecodeError as error:
            raise StackError(f"{path} cannot be read ({error}); the data beside it belong to it") from error
        if (found.brokers, found.clock) != (asked.brokers, asked.clock):
            raise StackError(
                f"{self.folder} was begun with --brokers {found.brokers} --clock {found.clock}: start it so,"
                " name another folder with --home, or delete this one to start from nothing"
            )
        return found

    def _format_command(self, java: str, jars: Path, node: int, cluster_id: str) -> tuple[str, ...]:
        words = ("format", "--ignore-formatted", "-t", cluster_id, "-c", str(self._settings_file(node)))
        return self._java(java, jars, node, "kafka.tools.StorageTool", *words)

    def _java(self, java: str, jars: Path, node: int, main: str, *words: str) -> tuple[str, ...]:
        return (
            java,
            *_JVM,
            f"-Djava.io.tmpdir={self._scratch(node)}",
            f"-Dlog4j2.configurationFile={log_settings()}",
            *("-cp", f"{jars}/*", main, *words),
        )

    def _nodes(self) -> range:
        return range(1, self.replication + 1)

    def _names(self) -> list[str]:
        return ["broker"] if self.replication == 1 else [f"broker-{node}" for node in self._nodes()]

    def _data(self, node: int) -> Path:
        return self.folder / f"broker-{node}"

    def _scratch(self, node: int) -> Path:
        """Native libraries are unpacked here; a killed server leaves them behind."""
        return self.folder / f"scratch-{node}"

    def _settings_file(self, node: int) -> Path:
        return self.folder / f"broker-{node}.properties"


def begun_with(home: Home) -> str:
    """The options of `motcua up` by which the data in `home` were begun; empty without any data there."""
    path = _cluster_file(home)
    if not path.exists():
        return ""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=ClusterFile)
    except msgspec.DecodeError:
        return "--broker apache"  # which says what is wrong with the file
    size = "" if found.brokers == 1 else f" --brokers {found.brokers}"
    return f"--broker apache{size}" + ("" if found.clock == Clock.SYSTEM else f" --clock {found.clock}")


def _folder(home: Home) -> Path:
    return home.path / "apache"


def _cluster_file(home: Home) -> Path:
    return _folder(home) / "cluster.json"


def escaped(value: str) -> str:
    """`value` as a Java properties file spells it: ASCII, UTF-16 units for everything else."""
    units = value.replace("\\", "\\\\").encode("utf-16-be")
    pairs = (int.from_bytes(units[n : n + 2], "big") for n in range(0, len(units), 2))
    return "".join(chr(unit) if 0x20 <= unit < 0x7F else f"\\u{unit:04x}" for unit in pairs)


def _new_cluster_id() -> str:
    """16 random bytes as Kafka writes them; a leading dash would be read as an option."""
    while True:
        made = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if not made.startswith("-"):
            return made


def _format(commands: list[tuple[str, ...]]) -> None:
    """Run them side by side. Raises StackError with what the first failed one said."""
    env = {**os.environ, **_LOCALE}
    running = [
        subprocess.Popen(
            leashed(command, signal.SIGKILL),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        for command in commands
    ]
    failed = ""
    for process in running:
        try:
            said, _ = process.communicate(timeout=_FORMAT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        if process.returncode and not failed:
            failed = said.strip()[-2000:] or f"exit code {process.returncode}"
    if failed:
        raise StackError(f"Apache Kafka cannot prepare its data folder:\n{failed}")
