"""The commands' client of the services' HTTP interfaces.

Address and key come, first found first, from the arguments (`--url`, `--key`), from the environment
(MOTCUA_URL, MOTCUA_KEY), or from the one-machine stack running in `--home`. The address is intake's;
analytics is found through intake's `GET /v1/about`. Every failure is a `ClientError` whose text can be
shown to a person.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Literal

import httpx
import msgspec

from contracts.words import Role
from deploy.local.home import home_from
from motcua.failure import Failure, WrongUsage

Service = Literal["intake", "analytics"]
NDJSON: Final = "application/x-ndjson"


class ClientError(Failure):
    """A request that did not succeed.

    `status` is None when nobody answered; `problem` holds the problem+json members; `retry_after` is the
    number of seconds the service asked to wait, when it did. `retriable` says that the same request may
    succeed later.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        problem: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem: Mapping[str, Any] = problem or {}
        self.retry_after = retry_after

    @property
    def retriable(self) -> bool:
        """Nobody answered, or the service is too busy or not ready."""
        return self.status is None or self.status in (429, 502, 503, 504)


class Client:
    """A session with one stack. Safe to share between threads. Use as a context manager, or close()."""

    def __init__(
        self,
        intake_url: str,
        key: str | None,
        *,
        analytics_url: str | None = None,
        timeout: float = 35.0,
        transport: httpx.BaseTransport | None = None,
        advice: str = "Is the stack running?",
    ) -> None:
        """`timeout` in seconds; longer than the 30 s a caller may wait for an outcome. `advice` is for whom
        nobody answers.
        """
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.key = key
        self._advice = advice
        self._http = httpx.Client(timeout=timeout, headers=headers, transport=transport)
        self._urls: dict[str, str] = {"intake": intake_url.rstrip("/")}
        if analytics_url:
            self._urls["analytics"] = analytics_url.rstrip("/")

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def url(self, service: Service) -> str:
        """Base URL of a service. Asks intake once where analytics is."""
        if service not in self._urls:
            links = self.get("/v1/about").get("links", {})
            if service not in links:
                raise ClientError(f"{self._urls['intake']} does not say where {service} is")
            self._urls[service] = str(links[service]).rstrip("/")
        return self._urls[service]

    def request(
        self,
        method: str,
        path: str,
        *,
        service: Service = "intake",
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        """One request. Raises ClientError for everything but 2xx, and when nobody answers."""
        sent = dict(headers or {})
        if json is not None:
            content, sent["Content-Type"] = msgspec.json.encode(json), "application/json"
        given = {name: str(value) for name, value in (query or {}).items() if value is not None}
        url = self.url(service) + path
        try:
            answer = self._http.request(method, url, content=content, headers=sent, params=given or None)
        except httpx.InvalidURL as error:
            raise ClientError(f"{url!r} is no address: {error}") from error
        except httpx.TimeoutException as error:
            raise ClientError(f"{url}: no answer within {self._http.timeout.read:g} s") from error
        except httpx.HTTPError as error:
            raise ClientError(f"{url}: {error or type(error).__name__}. {self._advice}") from error
        if not answer.is_success:
            raise _refused(method, url, answer)
        return answer

    def get(self, path: str, service: Service = "intake", **query: object) -> Any:
        """The JSON at `path`. Query values of None are left out."""
        return _body(self.request("GET", path, service=service, query=query))

    def post(
        self,
        path: str,
        json: object = None,
        service: Service = "intake",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a JSON body, return the JSON answer (None when empty)."""
        return _body(self.request("POST", path, service=service, json=json, headers=headers))

    def post_ndjson(
        self,
        path: str,
        lines: Iterable[bytes | Mapping[str, object] | msgspec.Struct],
        service: Service = "intake",
    ) -> Iterator[dict[str, Any]]:
        """Send one body of JSON lines, return the answer's lines in their order.

        The request is complete when this returns; a bulk body holds at most 5 000 lines and 8 MiB,
        which is the caller's to keep.
        """
        body = b"\n".join(line if isinstance(line, bytes) else msgspec.json.encode(line) for line in lines)
        answer = self.request("POST", path, service=service, content=body, headers={"Content-Type": NDJSON})
        return (
            msgspec.json.decode(line, type=dict[str, Any]) for line in answer.content.splitlines() if line
        )


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments `connect` reads."""
    parser.add_argument("--url", help="address of intake (default: MOTCUA_URL, or the stack running here)")
    parser.add_argument("--key", help="API key (default: MOTCUA_KEY, or the development key of the stack)")
    add_home(parser)


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add `--home`."""
    parser.add_argument("--home", help="folder of the local stack (default: MOTCUA_HOME, or .motcua here)")


def connect(args: argparse.Namespace, role: str = Role.ADMIN, *, timeout: float = 35.0) -> Client:
    """A client as the arguments say; `role` picks the development key when no key is given."""
    url = args.url or os.environ.get("MOTCUA_URL")
    if url:
        return Client(url, key_for(args, url, role), timeout=timeout)
    home = home_from(args.home)
    run = home.running()
    if run is None:
        raise ClientError(
            f"no stack runs in {home.path}; start one with `motcua up`, or name one with --url and --key"
        )
    key = args.key or os.environ.get("MOTCUA_KEY") or home.dev_keys().get(role)
    analytics, advice = run.urls.get("analytics"), "The stack runs: `motcua status` shows how each process is"
    return Client(run.urls["intake"], key, analytics_url=analytics, timeout=timeout, advice=advice)


def key_for(args: argparse.Namespace, url: str, role: str) -> str:
    """The key for the stack at `url`: the one given, or the development key of the stack of `--home` when
    that is the one. Raises ClientError without any, WrongUsage for a `url` that is none.
    """
    if not is_address(url):
        raise WrongUsage(f"not a URL: {url!r}; expected http://host:port or https://host")
    key = args.key or os.environ.get("MOTCUA_KEY")
    if key:
        return str(key)
    home = home_from(args.home)
    run = home.running()
    if run is not None and _place(run.urls["intake"]) == _place(url) and role in home.dev_keys():
        return home.dev_keys()[role]
    raise ClientError(
        f"no API key for {url}: give --key or MOTCUA_KEY (role {role}), or --home of a stack that runs here"
    )


def _place(url: str) -> tuple[str, str, int | None]:
    place = httpx.URL(url)
    return place.scheme, "127.0.0.1" if place.host == "localhost" else place.host, place.port


def is_address(text: str) -> bool:
    """Whether `text` is the address of a web service."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def _body(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return msgspec.json.decode(answer.content)
    except msgspec.DecodeError as error:
        raise ClientError(f"{answer.url} did not answer in JSON", status=answer.status_code) from error


def _refused(method: str, url: str, answer: httpx.Response) -> ClientError:
    problem: Mapping[str, Any] = {}
    try:
        decoded = msgspec.json.decode(answer.content)
        problem = decoded if isinstance(decoded, dict) else {}
    except msgspec.DecodeError:
        pass  # not a problem document: the status line has to do
    words = problem.get("detail") or problem.get("title") or answer.reason_phrase or "refused"
    reason = f" ({problem['reason']})" if problem.get("reason") else ""
    wait = answer.headers.get("Retry-After", "")
    return ClientError(
        f"{method} {url}: {answer.status_code} {words}{reason}",
        status=answer.status_code,
        problem=problem,
        retry_after=float(wait) if wait.isdigit() else None,
    )
