"""What Apache Kafka needs before it starts, with stand-ins for Java and Maven: done once, and well said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local import jars
from deploy.local.apache import Apache
from deploy.local.errors import StackError
from deploy.local.home import Home
from motcua.__main__ import main
from tests.crash.run import main as crash

Script = Callable[[str, str], Path]


def silent(text: str) -> None:
    """Nobody listens."""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Puts a program of the given name and shell text on a PATH of its own, with an empty cache."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def write(name: str, text: str) -> Path:
        program = programs / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        return program

    return write


@pytest.fixture
def fake_java(script: Script, tmp_path: Path) -> Path:
    """A Java 21 that notes what it is asked to run, beside jars fetched before; the file of the notes."""
    notes = tmp_path / "asked"
    script("java", f"""echo 'openjdk version "21.0.2"' >&2; [ "$1" = -version ] || echo "$@" >>{notes}""")
    jars.jars_folder().mkdir(parents=True)
    return notes


def apache(folder: Path, size: int = 1, clock: str = "system") -> Apache:
    """A cluster that is not started."""
    return Apache(Home(folder), clock, tuple(range(9001, 9001 + size)), tuple(range(9101, 9101 + size)))


def test_what_the_first_start_fixed_is_kept(tmp_path: Path, fake_java: Path) -> None:
    home = tmp_path / "home"
    apache(home, 3, "log").prepare(silent)
    assert fake_java.read_text().count("kafka.tools.StorageTool format") == 3
    cluster = (home / "apache" / "cluster.json").read_text()

    apache(home, 3, "log").prepare(silent)
    assert (home / "apache" / "cluster.json").read_text() == cluster
    for size, clock in ((1, "log"), (3, "system")):
        with pytest.raises(StackError, match="was begun with --brokers 3 --clock log: start it so"):
            apache(home, size, clock).prepare(silent)


def test_data_is_prepared_once(tmp_path: Path, fake_java: Path) -> None:
    data = tmp_path / "home" / "apache" / "broker-1"
    data.mkdir(parents=True)
    (data / "meta.properties").touch()
    apache(tmp_path / "home").prepare(silent)
    assert not fake_java.exists()


def test_a_folder_that_cannot_be_prepared_is_said_in_javas_words(tmp_path: Path, script: Script) -> None:
    script("java", """echo 'version "17.0.1"' >&2; [ "$1" = -version ] || { echo no space left; exit 1; }""")
    jars.jars_folder().mkdir(parents=True)
    with pytest.raises(StackError, match=r"cannot prepare its data folder:\n(.*\n)?no space left"):
        apache(tmp_path / "home").prepare(silent)


def test_a_path_the_server_would_split_is_refused(tmp_path: Path, fake_java: Path) -> None:
    with pytest.raises(StackError, match="the path has a comma"):
        apache(tmp_path / "a,b").prepare(silent)


def test_without_java_it_says_how_to_get_it(tmp_path: Path, script: Script) -> None:
    empty = {"PATH": str(tmp_path)}
    with pytest.raises(StackError, match="apt-get install openjdk-17-jre-headless"):
        jars.find_java(empty)
    with pytest.raises(StackError, match=r"nowhere/bin/java is not there"):
        jars.find_java({"JAVA_HOME": "/nowhere", **empty})
    script("java", """echo 'openjdk version "11.0.2" 2019-01-15' >&2""")
    with pytest.raises(StackError, match="is Java 11: install Java 17 or newer"):
        jars.find_java()


def test_without_maven_it_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="apt-get install maven"):
        jars.find_maven({"PATH": str(tmp_path)})


def test_the_crash_proof_says_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert crash(["--schedules", "0", "--real", "1", "--broker", "apache"]) == 2
    assert "apt-get install openjdk-17-jre-headless" in capsys.readouterr().err


def test_doctor_says_what_is_missing(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script("java", """echo 'openjdk version "17.0.15"' >&2""")
    script("mvn", "exit 1")
    words = ["doctor", "--home", str(tmp_path / "home"), "--broker", "apache"]
    main(words)
    found = capsys.readouterr().out
    assert f"ok    Java at {tmp_path / 'programs' / 'java'}" in found
    assert f"ok    Apache Kafka {jars.kafka_version()} will be fetched" in found

    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(words) == 1
    found = capsys.readouterr().out
    assert "WRONG Apache Kafka needs Java" in found
    assert "WRONG Apache Kafka's jars are fetched with Maven" in found


def test_the_jars_are_fetched_once_and_appear_whole(script: Script, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    script(
        "mvn",
        f"""echo call >>{calls}; for word; do case $word in -DoutputDirectory=*) mkdir "${{word#*=}}"; """
        """touch "${word#*=}/kafka.jar";; esac; done""",
    )
    said: list[str] = []
    folder = jars.ensure_jars(said.append)
    assert jars.ensure_jars(said.append) == folder == jars.jars_folder()
    assert [path.name for path in folder.iterdir()] == ["kafka.jar"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert calls.read_text() == "call\n"
    assert len(said) == 1


def test_a_failed_fetch_leaves_nothing(script: Script) -> None:
    script("mvn", "echo the mirror is away; exit 1")
    with pytest.raises(StackError, match="Maven could not fetch Apache Kafka:\nthe mirror is away"):
        jars.ensure_jars(silent)
    assert list(jars.jars_folder().parent.iterdir()) == []
