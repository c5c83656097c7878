"""The operators' page: ``/healthz``, ``/readyz``, ``/metrics``. A thread of its own, so that it answers
while the worker is busy."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

log = logging.getLogger(__name__)

JSON: Final = "application/json"
Readiness = Callable[[], dict[str, Any]]


class OperatorPage:
    """Listens from construction on; `readiness` gives the body of ``/readyz``, with `ready` in it."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, readiness: Readiness) -> None:
        def respond(path: str) -> tuple[int, str, bytes]:
            match path.partition("?")[0]:
                case "/healthz":
                    return 200, JSON, b'{"status":"ok"}'
                case "/readyz":
                    body = readiness()
                    return (200 if body["ready"] else 503), JSON, json.dumps(body).encode()
                case "/metrics":
                    return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
                case _:
                    return 404, JSON, b'{"status":"not found"}'

        class Handler(BaseHTTPRequestHandler):
            timeout = 10  # a silent client must not hold a thread

            def do_GET(self) -> None:
                status, content_type, body = respond(self.path)
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                log.debug(format, *args)

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port: Final = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
