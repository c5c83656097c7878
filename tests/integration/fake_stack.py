"""A stack of small fakes under the real supervisor, to be killed in tests.

``python -m tests.integration.fake_stack up HOME KIND=PORT…`` supervises one fake a KIND, the first one
vital; ``… serve KIND PORT ORDER`` is one fake. A fake answers /readyz and notes its orderly end in the file
ORDER. Kinds: plain…; `unready…` says 503 and why; `broken…` ends at once; `stubborn…` ignores SIGTERM;
`refusing…` refuses to start; `doubting…` refuses to go on at SIGUSR1.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import FrameType
from typing import NoReturn

from deploy.local.child import Backoff, ProcessSpec
from deploy.local.errors import StackError
from deploy.local.home import Home
from deploy.local.probes import answers_ready
from deploy.local.supervisor import Description, Stage, Supervisor, only_one

READY_SECONDS = 20.0
UNREADY_SECONDS = 2.0
STUBBORN_SECONDS = 0.5
REFUSED = 78


def serve(kind: str, port: int, order: Path) -> None:
    """Answer /readyz until SIGTERM."""
    if kind.startswith("broken"):
        sys.exit("broken on purpose")
    if kind.startswith("refusing"):
        refuse()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ready = not kind.startswith("unready")
            body = b'{"ready":true}' if ready else b'{"ready":false,"law":"not yet read"}'
            self.send_response(200 if ready else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def end(number: int, frame: FrameType | None) -> None:
        with order.open("a") as out:
            out.write(f"{kind}\n")
        os._exit(0)  # from within a signal handler: the server loop has nothing to save

    if kind.startswith("doubting"):
        signal.signal(signal.SIGUSR1, lambda *_: refuse())
    signal.signal(signal.SIGTERM, signal.SIG_IGN if kind.startswith("stubborn") else end)
    with HTTPServer(("127.0.0.1", port), Handler) as server:
        server.serve_forever()


def refuse() -> NoReturn:
    """End as a service does that needs a person."""
    sys.stderr.write("CRITICAL this needs a person\nfinished\n")
    sys.stderr.flush()
    os._exit(REFUSED)


def stages(home: Home, ports: dict[str, int]) -> list[Stage]:
    """The first fake alone, the others after it."""
    specs = [
        ProcessSpec(
            name=kind,
            command=(
                *(sys.executable, "-m", "tests.integration.fake_stack", "serve"),
                *(kind, str(port), str(home.path / "order")),
            ),
            env=dict(os.environ),
            url=f"http://127.0.0.1:{port}",
            probe=answers_ready(f"http://127.0.0.1:{port}"),
            vital=number == 0,
            refusals=frozenset({REFUSED}),
            stop_seconds=STUBBORN_SECONDS if kind.startswith("stubborn") else 10.0,
        )
        for number, (kind, port) in enumerate(ports.items())
    ]
    return [Stage((specs[0],)), Stage(tuple(specs[1:]))]


def up(home: Home, ports: dict[str, int]) -> int:
    """The supervisor in the foreground, as `motcua up` runs it."""
    urls = {kind: f"http://127.0.0.1:{port}" for kind, port in ports.items()}
    impatient = any(kind.startswith("unready") for kind in ports)
    try:
        with only_one(home):
            supervisor = Supervisor(
                home,
                stages(home, ports),
                Description(clock="system", broker="none", urls=urls),
                say=lambda text: print(text, flush=True),  # noqa: T201 - the test reads this output
                ready_seconds=UNREADY_SECONDS if impatient else READY_SECONDS,
                backoff=Backoff(first=0.05, most=0.2),
            )
            asyncio.run(supervisor.run())
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def main(words: Sequence[str]) -> int:
    """See the module's text."""
    if words[0] == "serve":
        serve(words[1], int(words[2]), Path(words[3]))
        return 0
    pairs = [word.split("=") for word in words[2:]]
    return up(Home(Path(words[1])), {kind: int(port) for kind, port in pairs})


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
