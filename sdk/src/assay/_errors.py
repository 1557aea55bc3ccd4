"""What can go wrong, by type. Each error says which `field`, which `value` and what `fix`, where the server knows.

AssayError
├── InvalidInput        400  a field is wrong
├── Unauthenticated     401  no key, or an unknown one
├── Forbidden           403  the key may not do this
├── NotFound            404  no such thing in this project
├── Conflict            409  the thing has changed, or exists with other content
├── TooLarge            413
├── UnsupportedMedia    415
├── Refused             422  understood, and the rules say no (a gate that failed)
├── LoopDetected             a tool was called too often with the same arguments (`assay.loop_guard`)
├── ServerError         5xx  the server failed
└── RetryableError           the same request may succeed later: `retry_after_s`
    ├── RateLimited     429
    ├── Unavailable     503  busy, starting or stopping
    ├── UpstreamError   502  a provider failed
    └── ServerUnreachable    no answer at all
"""

import json
from collections.abc import Mapping
from typing import Any

_ABOUT_A_FIELD = frozenset({400, 409, 413, 415, 422})


class AssayError(Exception):
    """Something went wrong; `str(error)` tells what, and how to fix it where that is known."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        field: str | None = None,
        value: Any = None,
        fix: str | None = None,
        request_id: str | None = None,
    ) -> None:
        self.message = message
        self.status = status
        self.code = code
        self.field = field
        self.value = value
        self.fix = fix
        self.request_id = request_id
        super().__init__(message)

    @property
    def where(self) -> str | None:
        """The field that a server found wrong, and its value, where the message does not say them."""
        if self.field is None or self.status not in _ABOUT_A_FIELD:
            return None
        value = "" if self.value is None else str(self.value)
        if self.field in self.message and value in self.message:
            return None
        return f"{self.field}: {value}" if value else self.field

    def __str__(self) -> str:
        parts = [self.message]
        parts += [] if self.where is None else [f"Field: {self.where}."]
        parts += [] if self.fix is None else [f"Fix: {self.fix}"]
        return " ".join(parts)


class InvalidInput(AssayError):
    """A field has a value that cannot be used."""


class Unauthenticated(AssayError):
    """No key was given, or nobody knows it."""


class Forbidden(AssayError):
    """This key may not do that."""


class NotFound(AssayError):
    """There is no such thing in this project."""


class Conflict(AssayError):
    """It has changed since you read it, or exists with other content."""


class TooLarge(AssayError):
    """It is over a limit."""


class UnsupportedMedia(AssayError):
    """The server does not read that content type."""


class Refused(AssayError):
    """Understood, and the rules say no."""


class LoopDetected(AssayError):
    """An agent called a tool too often with the same arguments; `assay.loop_guard` stopped it. No server is asked."""


class ServerError(AssayError):
    """The server failed; its log has the request id."""


class RetryableError(AssayError):
    """The same request may succeed later."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after_s = retry_after_s


class RateLimited(RetryableError):
    """A limit was reached."""


class Unavailable(RetryableError):
    """The server is busy, starting or stopping."""


class UpstreamError(RetryableError):
    """A model provider failed."""


class ServerUnreachable(RetryableError):
    """No answer. `connected` tells whether the server may have seen the request."""

    def __init__(self, message: str, *, connected: bool, **details: Any) -> None:
        super().__init__(message, **details)
        self.connected = connected


_BY_STATUS: dict[int, type[AssayError]] = {
    400: InvalidInput,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    415: UnsupportedMedia,
    422: Refused,
    429: RateLimited,
    502: UpstreamError,
    503: Unavailable,
}


def from_response(status: int, headers: Mapping[str, str], body: bytes) -> AssayError:
    """The error of an answer of 300 and above: a problem document (RFC 9457), OpenAI's dialect, or plain text."""
    if status < 400 or body.lstrip().startswith(b"<"):
        return _not_assays(status, headers.get("location"))
    document = _document(body)
    message = str(document.get("detail") or document.get("title") or document.get("message") or f"HTTP {status}")
    details: dict[str, Any] = {
        "status": status,
        "code": document.get("code"),
        "field": document.get("field") or document.get("param"),
        "value": document.get("value"),
        "fix": document.get("fix"),
        "request_id": document.get("request_id"),
    }
    cls = _BY_STATUS.get(status, ServerError if status >= 500 else InvalidInput)
    if issubclass(cls, RetryableError):
        return cls(message, retry_after_s=_seconds(headers.get("retry-after")), **details)
    return cls(message, **details)


def _not_assays(status: int, to: str | None) -> ServerUnreachable:
    """A redirect or a page: Assay sends neither, what stands before it does. Assay itself did not answer."""
    where = f" It leads to {to}." if to else ""
    return ServerUnreachable(
        f"HTTP {status}, and not from Assay: something stands before it, or in its place.{where}",
        connected=True,
        status=status,
        fix="look whether Assay runs behind it, let requests with a key pass to it, or set ASSAY_URL to Assay itself",
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {"message": body[:300].decode(errors="replace").strip()}
    if isinstance(parsed, dict) and isinstance(parsed.get("error"), dict):
        return dict(parsed["error"])
    return parsed if isinstance(parsed, dict) else {}


def _seconds(text: str | None) -> float | None:
    """`Retry-After` in seconds; the date form is rare and read as unknown."""
    return float(text) if text is not None and text.strip().isdigit() else None
