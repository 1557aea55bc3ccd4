"""A provider's refusal as our error: status, Retry-After and body ride along to the caller."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from assay_server.core.errors import UpstreamError

_LONGEST_EXCERPT = 500


def failure(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The error of an answer that is none. The body is kept where it is an error in OpenAI's dialect.

    A redirect is a failure too: a provider's key goes to the host it was given for, and nowhere else.
    """
    told = _error_document(body)
    wrapped = told is not None
    said = _excerpt(body if told is None else str(told.get("message") or "").encode("utf-8", "replace"))
    return UpstreamError(
        f"The provider answered {status}{said.rstrip('.')}.",
        status=status if status >= 400 else 502,
        body=body if wrapped else None,
        content_type="application/json" if wrapped else None,
        retry_after_s=retry_after(headers),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the provider wants to be asked again (RFC 9110 10.2.3: seconds or a date). None: it did not say."""
    told = headers.get("Retry-After")
    if told is None:
        return None
    try:
        seconds = float(told)
    except ValueError:
        return _until(told)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _error_document(body: bytes) -> dict[str, Any] | None:
    """What it says of the error, where it is a document of OpenAI's."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    told = document.get("error") if isinstance(document, dict) else None
    return told if isinstance(told, dict) else None


def _excerpt(body: bytes) -> str:
    text = " ".join(body[: 4 * _LONGEST_EXCERPT].decode(errors="replace").split())
    return f": {text[:_LONGEST_EXCERPT]}" if text else ""
