"""The client's core, free of I/O: a call yields requests and pauses, and a driver carries them out.

Every endpoint is written once, as a generator (httpx's auth flow has the same shape); `SyncDriver` and
`AsyncDriver` run it. The descriptor `endpoint` gives the caller the right type for either.
"""

import functools
import json
import secrets
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypedDict, TypeVar, overload
from urllib.parse import quote

from assay._errors import InvalidInput, RetryableError, ServerUnreachable, from_response

P = ParamSpec("P")
T = TypeVar("T")
D_co = TypeVar("D_co", bound="Driver", covariant=True)

Json = dict[str, Any]
"""A JSON document of the REST API, as docs/api/README.md describes it."""


Revision = int | str
"""As `revision` stands in a document; `"0"` is for what is not there yet."""


class Page(TypedDict):
    """One page of a list; `next` is the cursor of the following page, None on the last."""

    items: list[Json]
    total: int
    next: str | None


@dataclass(slots=True, frozen=True)
class Request:
    """An HTTP request, not yet sent. `path` is below the server's root; None values in `params` are left out."""

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    body: Any = None
    key: str | None = None  # Idempotency-Key
    timeout_s: float | None = None
    seen: Revision | None = None
    """The revision that a change is of: refused (Conflict) where somebody else has changed it since."""

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does what sending it once does."""
        return self.key is not None or self.method in {"GET", "PUT", "DELETE"}

    def query(self) -> list[tuple[str, str]]:
        """The query parameters as pairs, lists repeated."""
        return [pair for name, value in (self.params or {}).items() for pair in _pairs(name, value)]

    def headers(self) -> dict[str, str]:
        headers = {} if self.key is None else {"Idempotency-Key": self.key}
        headers |= {} if self.seen is None else {"If-Match": f'"{self.seen}"'}
        return headers | ({} if self.body is None else {"Content-Type": "application/json"})

    def content(self) -> bytes | None:
        return None if self.body is None else _encoded(json.dumps(self.body, ensure_ascii=False))


@dataclass(slots=True, frozen=True)
class Pause:
    """Wait, then go on."""

    seconds: float


@dataclass(slots=True, frozen=True)
class Response:
    """What the server answered; header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The parsed body; None for an empty one. Raises ServerUnreachable where it is not JSON."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise not_assay(self.status, "JSON") from error


def not_assay(status: int, wanted: str) -> ServerUnreachable:
    """For an answer that is none of Assay's, such as a page to sign in at."""
    told = f"The answer is not {wanted}: is there something else than Assay at this address?"
    return ServerUnreachable(told, connected=True, status=status)


Step = Request | Pause
Call = Generator[Step, Response, T]
"""Yields steps, is sent a `Response` for each (an empty one after a pause), returns the result."""

_ATTEMPTS = 3
_LONGEST_PAUSE_S = 5.0


def send(request: Request) -> Call[Response]:
    """Sends one request, repeating it where that is safe and may help. Raises the tree of `AssayError`."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            response = yield request
            if response.status < 300:
                return response
            raise from_response(response.status, response.headers, response.body)
        except RetryableError as error:
            if attempt == _ATTEMPTS or not _worth_repeating(request, error):
                raise
            pause = error.retry_after_s if error.retry_after_s is not None else 0.1 * 2.0**attempt
        yield Pause(min(pause, _LONGEST_PAUSE_S))
    raise AssertionError("the loop above returns or raises")


def in_path(ref: str) -> str:
    """A name, reference or id inside a URL's path: no `?` or `#` in it ends the path; slashes stay, `@` is readable."""
    return quote(_encoded(ref), safe="/@:")


def get(path: str, **params: Any) -> Call[Any]:
    """GET below `/api/v1`; the parsed answer."""
    response = yield from send(Request("GET", f"/api/v1{path}", params))
    return response.json()


def write(method: str, path: str, body: Any = None, *, seen: Revision | None = None, **params: Any) -> Call[Any]:
    """A write below `/api/v1`, with an idempotency key so that it may be repeated; the parsed answer."""
    response = yield from send(Request(method, f"/api/v1{path}", params, body, secrets.token_hex(16), seen=seen))
    return response.json()


def every(path: str, most: int | None = None, **params: Any) -> Call[list[Json]]:
    """All items of a list (or the first `most`), page after page."""
    items: list[Json] = []
    cursor: str | None = None
    while True:
        wanted = 500 if most is None else min(500, most - len(items))
        page: Page = yield from get(path, **{**params, "limit": wanted, "cursor": cursor})
        items += page["items"]
        cursor = page["next"]
        if cursor is None or (most is not None and len(items) >= most):
            return items


def items_of(call: Call[Any]) -> Call[list[Json]]:
    """The items of a list that has one page."""
    items: list[Json] = (yield from call)["items"]
    return items


class Driver(Protocol):
    """Carries out the steps of a call."""

    def run(self, call: Call[Any]) -> Any: ...


class Blocking(Driver, Protocol):
    """A driver whose results are values."""

    blocking: bool


class Asynchronous(Driver, Protocol):
    """A driver whose results are awaitables."""

    asynchronous: bool


class Noun(Generic[D_co]):
    """A group of endpoints about one noun, on one driver."""

    def __init__(self, driver: D_co) -> None:
        self._driver = driver

    def _run(self, call: Call[Any]) -> Any:
        return self._driver.run(call)


class endpoint(Generic[P, T]):  # noqa: N801 - used as a decorator
    """Makes a method that builds a call into one that runs it: a value on a blocking driver, else an awaitable."""

    def __init__(self, build: Callable[Concatenate[Any, P], Call[T]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, noun: Noun[Blocking], owner: type | None = None) -> Callable[P, T]: ...

    @overload
    def __get__(self, noun: Noun[Asynchronous], owner: type | None = None) -> Callable[P, Awaitable[T]]: ...

    @overload
    def __get__(self, noun: None, owner: type | None = None) -> "endpoint[P, T]": ...

    def __get__(self, noun: Noun[Any] | None, owner: type | None = None) -> Any:
        if noun is None:
            return self
        build = self._build

        @functools.wraps(build)
        def bound(*args: P.args, **kwargs: P.kwargs) -> Any:
            return noun._run(build(noun, *args, **kwargs))

        return bound


def without_none(**fields: Any) -> Json:
    """A body without the fields nobody set."""
    return {name: value for name, value in fields.items() if value is not None}


def _worth_repeating(request: Request, error: RetryableError) -> bool:
    """A refused connection is told at once; a dropped one may have been an idle connection the server closed."""
    if isinstance(error, ServerUnreachable):
        return error.connected and request.repeatable
    return request.repeatable


def _encoded(text: str) -> bytes:
    """Raises InvalidInput for half a character (`"\\ud800"` in a JSON file), which no encoding has."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        before = text[max(0, error.start - 20) : error.start]
        told = (
            f"A text holds half a character (U+{ord(text[error.start]):04X}), which cannot be sent; before it: {before}"
        )
        raise InvalidInput(told, fix="leave it out, or write the whole character") from error


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [pair for each in value for pair in _pairs(name, each)]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return [(name, _encoded(text).decode())]
