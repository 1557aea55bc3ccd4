"""Errors become HTTP here and nowhere else: RFC 9457 problem documents with field, value, fix and request id."""

import json
import logging
import math
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from assay_server.api.fixes import fix_of
from assay_server.core import errors

_log = logging.getLogger(__name__)

DOCS = "https://github.com/assay-dev/assay/blob/main/docs/errors.md"

STATUS: dict[type[errors.AssayError], int] = {
    errors.InvalidInput: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.Refused: 422,
    errors.RateLimited: 429,
    errors.Corrupt: 500,
    errors.UpstreamError: 502,
    errors.Busy: 503,
    errors.Unavailable: 503,
    errors.PermanentError: 400,
    errors.RetryableError: 503,
    errors.AssayError: 500,
}

_LONGEST_VALUE = 200
_PLACES = frozenset({"body", "query", "path", "header", "cookie"})
_SHAPE = re.compile(r"[A-Z][A-Za-z]+|list\[\w+\]")  # `ScoreInput | list[ScoreInput]`: pydantic names the branch
_OTHER_SHAPE = frozenset({"list_type", "model_type", "model_attributes_type", "dataclass_type", "dict_type"})
_NO_SUCH_FIELD = "leave it out, or correct its name: /api/v1/openapi.json has those there are"
_SECRET = re.compile(r"\bsk[-_][\w-]{12,}")  # ours, and those of most vendors


def status_of(error: errors.AssayError) -> int:
    """The HTTP status of an error: that of the nearest class in `STATUS`."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def headers_of(error: errors.AssayError) -> dict[str, str]:
    """`Retry-After` in whole seconds where the error knows when to come back; a challenge where a key is missing."""
    headers: dict[str, str] = {}
    if isinstance(error, errors.RetryableError) and error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="assay"'
    if isinstance(error, _MethodNotAllowed):
        headers["Allow"] = error.allow
    return headers


def problem(error: errors.AssayError, request_id: str | None = None) -> dict[str, Any]:
    """The problem document of an error."""
    title = (type(error).__doc__ or "Error").strip().splitlines()[0]
    document: dict[str, Any] = {
        "type": f"{DOCS}#{error.code}",
        "title": title,
        "status": status_of(error),
        "code": error.code,
        "detail": without_secrets(error.message),
    }
    if error.field is not None:
        document |= {"field": error.field, "value": _shown(error.value)}
    if error.fix is not None:
        document["fix"] = error.fix
    if request_id is not None:
        document["request_id"] = request_id
    return document


def without_secrets(text: str) -> str:
    """A key that stands where something else belongs is not repeated: error texts end up in logs and in tickets."""
    return _SECRET.sub("sk_…", text)


def problem_response(error: errors.AssayError, request_id: str | None = None) -> Response:
    """The problem document as a response with its status and headers."""
    return Response(
        json.dumps(problem(error, request_id), default=str),
        status_of(error),
        headers_of(error),
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Every error of the tree, of FastAPI's validation and of routing leaves as a problem document."""

    async def ours(request: Request, error: Exception) -> Response:
        return problem_response(as_assay(request, error), _request_id(request))

    async def gone(request: Request, error: Exception) -> Response:
        """Whoever hung up in the middle of a body reads no answer, and nothing here is broken."""
        return problem_response(TooSlow("The connection ended before the body did."), _request_id(request))

    async def unexpected(request: Request, error: Exception) -> Response:
        request_id = _request_id(request)
        _log.error("unexpected error, request %s", request_id, exc_info=error)
        hidden = errors.AssayError(f"Unexpected error; the server's log has it as {request_id}.")
        return problem_response(hidden, request_id)

    app.add_exception_handler(errors.AssayError, ours)
    app.add_exception_handler(RequestValidationError, ours)
    app.add_exception_handler(HTTPException, ours)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, unexpected)


def as_assay(request: Request, error: Exception) -> errors.AssayError:
    """An error of FastAPI's, or of routing, as one of the tree."""
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        if isinstance(error.__cause__, errors.AssayError):  # FastAPI's word for what a body's reader raised
            return error.__cause__
        return _routing(request, error)
    return error if isinstance(error, errors.AssayError) else errors.AssayError(str(error))


def _invalid(error: RequestValidationError) -> errors.InvalidInput:
    """All faults in the message, the first one as field and value."""
    faults = error.errors()
    if unread := next((fault for fault in faults if _is_unread(fault)), None):
        return _unread(unread)
    faults = _texts_at_once([fault for fault in faults if not _is_other_shape(fault)])
    if not faults:
        return _unread(error.errors()[0])
    told = "; ".join(f"{_path(fault)}: {_said(fault)}" for fault in faults)
    first = faults[0]
    fix = _NO_SUCH_FIELD if first["type"] in _EXTRA else first.get("fix") or fix_of(first)
    return errors.InvalidInput(told, field=_path(first), value=first.get("input"), fix=fix)


_EXTRA = frozenset({"extra_forbidden", "unexpected_keyword_argument"})  # of a model, and of a dataclass


def _is_other_shape(fault: dict[str, Any]) -> bool:
    """Where a body may be one document or a list of them, the shape it does not have is no fault of a field."""
    loc = fault["loc"]
    return fault["type"] in _OTHER_SHAPE and len(loc) == 2 and _SHAPE.fullmatch(str(loc[1])) is not None


def _texts_at_once(faults: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where a text or a list of texts may stand, pydantic tells of both, under its own names: that is one fault."""
    places = {fault["loc"][:-1] for fault in faults if fault["loc"][-1:] == ("str",)}
    told = []
    for fault in faults:
        loc = fault["loc"]
        if loc[:-1] in places and loc[-1] == "str":
            told.append({**fault, "loc": loc[:-1], "msg": "This is no text, and no list of texts", "fix": _TEXTS})
        elif not any(loc[: len(place) + 1] == (*place, "list[str]") for place in places):
            told.append(fault)
    return told


_TEXTS = 'send a text, or a list of them: "a" or ["a", "b"]'


def _said(fault: dict[str, Any]) -> str:
    return "there is no such field" if fault["type"] in _EXTRA else str(fault["msg"])


def _is_unread(fault: dict[str, Any]) -> bool:
    return fault["type"] == "json_invalid" or (fault["type"], fault["loc"]) == ("model_attributes_type", ("body",))


def _unread(fault: dict[str, Any]) -> errors.InvalidInput:
    """The body itself is at fault, not one of its fields."""
    if fault["type"] == "json_invalid":
        why = fault.get("ctx", {}).get("error", "it cannot be read")
        return errors.InvalidInput(
            f"The body is not JSON: {why} (character {fault['loc'][-1]}).", field="body", fix="send one JSON document"
        )
    return errors.InvalidInput(
        "The body is not read as JSON.", field="body", fix="send a JSON object, with 'Content-Type: application/json'"
    )


_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


def _routing(request: Request, error: HTTPException) -> errors.AssayError:
    if error.status_code == 404:
        return errors.NotFound("There is no such address.", fix="see /api/v1/openapi.json for the addresses there are")
    if error.status_code == 405:
        return _MethodNotAllowed(_allowed(request))
    return errors.PermanentError(str(error.detail))


def _allowed(request: Request) -> str:
    """Every method that the address takes: several routes may share one, in routers that know only their own."""
    routes = request.app.routes
    asked = ({**request.scope, "method": method} for method in _METHODS)
    taken = [each["method"] for each in asked if any(route.matches(each)[0] is Match.FULL for route in routes)]
    return ", ".join(taken) or "GET"


class _MethodNotAllowed(errors.PermanentError):
    """This address does not take that method."""

    code = "method_not_allowed"

    def __init__(self, allow: str = "GET") -> None:
        super().__init__("This address does not take that method.", field="method", fix=f"use {allow}")
        self.allow = allow


class HeadTooLarge(errors.PermanentError):
    """The request line and headers are too large."""

    code = "head_too_large"


class TooSlow(errors.RetryableError):
    """The request did not come in time."""

    code = "too_slow"


STATUS |= {_MethodNotAllowed: 405, HeadTooLarge: 431, TooSlow: 408}


def _path(fault: dict[str, Any]) -> str:
    """Names as people write them: without where they stand, and without our names of a body's shapes."""
    where, *parts = fault["loc"] if fault["loc"] and fault["loc"][0] in _PLACES else ("", *fault["loc"])
    if where == "body" and parts and _SHAPE.fullmatch(str(parts[0])):
        parts = parts[1:]
    return ".".join(map(str, parts)) or where or "body"


def _shown(value: Any) -> Any:
    """The value as sent, without keys, cut where it is long: enough to find the place."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = without_secrets(value if isinstance(value, str) else json.dumps(value, default=str))
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _request_id(request: Request) -> str | None:
    found: str | None = request.scope.get("assay.request_id")
    return found
