"""The one error tree. The class says whether trying again can help; `api/problems.py` maps it to HTTP.

    AssayError
    ├── PermanentError            trying again changes nothing
    │   ├── InvalidInput          400  a field is wrong: field, value, fix
    │   ├── Unauthenticated       401  no key, or an unknown one
    │   ├── Forbidden             403  the key may not do this
    │   ├── NotFound              404  no such thing in this project
    │   ├── Conflict              409  the thing has changed, or exists with other content
    │   ├── TooLarge              413  a body, a depth or a count over its limit
    │   ├── UnsupportedMedia      415  a content type or encoding nobody here reads
    │   ├── Refused               422  understood, and the rules say no (a gate that failed)
    │   └── Corrupt               500  stored data cannot be read; nothing was changed
    └── RetryableError            the same request may succeed later
        ├── Busy                  503  a bounded queue is full: retry_after_s
        ├── RateLimited           429  a limit was reached: retry_after_s
        ├── Unavailable           503  a part is not ready, or locked by another process
        └── UpstreamError         502  a provider failed: its status and Retry-After ride along

A class's docstring is its default message.
"""

from typing import Any


class AssayError(Exception):
    """Something went wrong in Assay."""

    code = "error"

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        value: Any = None,
        fix: str | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.field = field
        self.value = value
        self.fix = fix
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message if self.fix is None else f"{self.message} Fix: {self.fix}"


class PermanentError(AssayError):
    """Trying again changes nothing."""

    code = "permanent"


class InvalidInput(PermanentError):
    """A field has a value that cannot be used."""

    code = "invalid_input"


class Unauthenticated(PermanentError):
    """No key was given, or nobody knows it."""

    code = "unauthenticated"


class Forbidden(PermanentError):
    """This key may not do that."""

    code = "forbidden"


class NotInSql(Forbidden):
    """SQL here does not have that, whoever asks."""


class NotFound(PermanentError):
    """There is no such thing in this project."""

    code = "not_found"


class ModelNotFound(NotFound):
    """This provider has no such model."""

    code = "model_not_found"


class Deleted(NotFound):
    """It was deleted, or is being deleted."""

    code = "deleted"


class Conflict(PermanentError):
    """It has changed since you read it, or exists with other content."""

    code = "conflict"


class TooLarge(PermanentError):
    """It is over a limit."""

    code = "too_large"


class UnsupportedMedia(PermanentError):
    """Nobody here reads that content type or encoding."""

    code = "unsupported_media"


class Refused(PermanentError):
    """Understood, and the rules say no."""

    code = "refused"


class Corrupt(PermanentError):
    """Stored data cannot be read. Nothing was changed."""

    code = "corrupt"


class RetryableError(AssayError):
    """The same request may succeed later."""

    code = "retryable"

    def __init__(self, message: str | None = None, *, retry_after_s: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after_s = retry_after_s


class Busy(RetryableError):
    """The queue is full."""

    code = "busy"


class RateLimited(RetryableError):
    """A limit was reached."""

    code = "rate_limited"


class Unavailable(RetryableError):
    """A part is not ready, or another process holds it."""

    code = "unavailable"


class UpstreamError(RetryableError):
    """A provider failed."""

    code = "upstream_error"

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int | None = None,
        body: bytes | None = None,
        content_type: str | None = None,
        retry_after_s: float | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **details)
        self.status = status
        self.body = body
        self.content_type = content_type
