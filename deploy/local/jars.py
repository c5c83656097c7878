"""Apache Kafka's server and a Java to run it: found on this machine, or fetched once with Maven.

`deploy/kafka/pom.xml` pins the version. The jars lie in the user's cache, one folder a version of that file,
so every stack of the user shares them; a folder appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Final

from deploy.local.errors import StackError
from deploy.local.leash import leashed

OLDEST_JAVA: Final = 17
_FETCH_SECONDS: Final = 600
_ASK_SECONDS: Final = 30
_FILES: Final = resources.files("deploy.kafka")
_VERSION: Final = re.compile(r"<kafka\.version>([\d.]+)</kafka\.version>")
_JAVA_VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')


def kafka_version() -> str:
    """The release the pom pins, such as "4.1.0"."""
    found = _VERSION.search(_pom())
    if found is None:
        raise StackError("deploy/kafka/pom.xml names no kafka.version")
    return found[1]


def jars_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the jars are, or will be: below XDG_CACHE_HOME, by default ~/.cache."""
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "motcua" / f"kafka-{kafka_version()}-{hashlib.sha256(_pom().encode()).hexdigest()[:8]}"


def find_java(environ: Mapping[str, str] = os.environ) -> str:
    """The `java` of JAVA_HOME, else of PATH. Raises StackError when there is none, or only an older one."""
    install = (
        f"install Java {OLDEST_JAVA} or newer (Debian: apt-get install openjdk-17-jre-headless) and name it"
        " by PATH or JAVA_HOME, or use --broker tansu"
    )
    home = environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java", path=environ.get("PATH"))
    if not java or not Path(java).exists():
        raise StackError(f"Apache Kafka needs Java, and {java or 'java'} is not there: {install}")
    try:
        told = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(f"{java} does not start ({error}): {install}") from error
    found = _JAVA_VERSION.search(told.stderr + told.stdout)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise StackError(f"{java} is Java {found[1] if found else '(unknown)'}: {install}")
    return java


def find_maven(environ: Mapping[str, str] = os.environ) -> str:
    """The `mvn` of PATH. Raises StackError when there is none."""
    maven = shutil.which("mvn", path=environ.get("PATH"))
    if maven is None:
        raise StackError(
            "Apache Kafka's jars are fetched with Maven, and mvn is not there: install it (Debian:"
            " apt-get install maven), or use --broker tansu"
        )
    return maven


def ensure_jars(say: Callable[[str], None]) -> Path:
    """The folder of the jars; fetched when it is not there, checksums checked. Raises StackError."""
    folder = jars_folder()
    if folder.is_dir():
        return folder
    maven = find_maven()
    say(f"Fetching Apache Kafka {kafka_version()} into {folder} (once)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kafka-", dir=folder.parent) as scratch:
        pom = Path(scratch, "pom.xml")
        pom.write_text(_pom(), encoding="utf-8")
        fetched = Path(scratch, "jars")
        _run(
            [
                *(maven, "--batch-mode", "--quiet", "--no-transfer-progress", "--strict-checksums"),
                *("--file", str(pom), "dependency:copy-dependencies"),
                *("-DincludeScope=runtime", f"-DoutputDirectory={fetched}"),
            ]
        )
        try:
            fetched.rename(folder)
        except OSError:
            if not folder.is_dir():  # somebody else was faster: theirs is the same
                raise
    return folder


def log_settings() -> str:
    """The address of the server's logging settings, as Java wants it."""
    return Path(str(_FILES / "log4j2.properties")).as_uri()


def _run(command: list[str]) -> None:
    try:
        # On a leash: an interrupted start leaves nothing running.
        done = subprocess.run(
            leashed(command, signal.SIGKILL),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"Maven did not fetch Apache Kafka within {_FETCH_SECONDS} s") from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise StackError(f"Maven could not fetch Apache Kafka:\n{said}")


def _pom() -> str:
    return (_FILES / "pom.xml").read_text(encoding="utf-8")
