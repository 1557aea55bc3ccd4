"""The two drivers: blocking and asynchronous HTTP for the same calls."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

import httpx

from assay._calls import Call, Pause, Request, Response, Step, not_assay
from assay._errors import ServerUnreachable, from_response

T = TypeVar("T")

_EMPTY = Response(0)


class SyncDriver:
    """Runs calls on an `httpx.Client`; safe to share between threads."""

    blocking = True

    def __init__(self, url: str, headers: dict[str, str], timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s)

    def run(self, call: Call[T]) -> T:
        """The call's result. Raises AssayError."""
        advance: Callable[[], Step] = call.__next__
        while True:
            try:
                step = advance()
            except StopIteration as stop:
                result: T = stop.value
                return result
            try:
                advance = _sending(call, self._carry_out(step))
            except httpx.TransportError as error:
                advance = _throwing(call, unreachable(self._url, error))

    def download(self, request: Request, to: BinaryIO) -> int:
        """Writes an answer as it comes; how many bytes. Raises AssayError."""
        size = 0
        try:
            with self._http.stream(**_arguments(request, self._timeout_s)) as answer:
                if not answer.is_success:
                    raise from_response(answer.status_code, answer.headers, answer.read())
                if answer.headers.get("content-type", "").startswith("text/html"):
                    raise not_assay(answer.status_code, "a file")
                for chunk in answer.iter_bytes():
                    size += to.write(chunk)
        except httpx.TransportError as error:
            raise unreachable(self._url, error) from error
        return size

    def close(self) -> None:
        self._http.close()

    def _carry_out(self, step: Step) -> Response:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return _EMPTY
        return _response(self._http.request(**_arguments(step, self._timeout_s)))


class AsyncDriver:
    """Runs calls on an `httpx.AsyncClient`."""

    asynchronous = True

    def __init__(self, url: str, headers: dict[str, str], timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout_s)

    async def run(self, call: Call[T]) -> T:
        """The call's result. Raises AssayError."""
        advance: Callable[[], Step] = call.__next__
        while True:
            try:
                step = advance()
            except StopIteration as stop:
                result: T = stop.value
                return result
            try:
                advance = _sending(call, await self._carry_out(step))
            except httpx.TransportError as error:
                advance = _throwing(call, unreachable(self._url, error))

    async def close(self) -> None:
        await self._http.aclose()

    async def _carry_out(self, step: Step) -> Response:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return _EMPTY
        return _response(await self._http.request(**_arguments(step, self._timeout_s)))


def unreachable(url: str, error: httpx.TransportError) -> ServerUnreachable:
    """No answer, as our own error."""
    return ServerUnreachable(
        f"No answer from {url} ({str(error) or type(error).__name__}).",
        connected=not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout),
        fix=_fix(url, error),
    )


def _fix(url: str, error: httpx.TransportError) -> str:
    """Who listens there and is not understood may speak with TLS where we do not, or the other way round."""
    scheme, _, rest = url.partition("://")
    tls = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)), None)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return (
            "set SSL_CERT_FILE to the certificate of who signed the server's, and ASSAY_URL to a name that stands in it"
        )
    if tls is not None:
        return f"something listens there, and not with TLS as asked: set ASSAY_URL to http://{rest} if that is Assay"
    if scheme == "http" and isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
        return (
            f"something listens there and hung up: if it speaks TLS, set ASSAY_URL to https://{rest}; if not, try again"
        )
    return "start the server with 'assay up', or set ASSAY_URL to where it runs"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _arguments(request: Request, timeout_s: float) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.path,
        "params": request.query(),
        "headers": request.headers(),
        "content": request.content(),
        "timeout": timeout_s if request.timeout_s is None else request.timeout_s,
    }


def _response(answer: httpx.Response) -> Response:
    return Response(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content)


def _sending(call: Call[Any], response: Response) -> Callable[[], Step]:
    return lambda: call.send(response)


def _throwing(call: Call[Any], error: Exception) -> Callable[[], Step]:
    return lambda: call.throw(error)
