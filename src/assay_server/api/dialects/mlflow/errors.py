"""Errors as MLflow's clients read them: `error_code` and `message` beside our own problem document."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from assay_server.api.problems import headers_of, problem, status_of
from assay_server.core import errors

_CODES: tuple[tuple[type[errors.AssayError], str], ...] = (
    (errors.NotFound, "RESOURCE_DOES_NOT_EXIST"),
    (errors.Conflict, "RESOURCE_ALREADY_EXISTS"),
    (errors.Unauthenticated, "UNAUTHENTICATED"),
    (errors.Forbidden, "PERMISSION_DENIED"),
    (errors.PermanentError, "INVALID_PARAMETER_VALUE"),
    (errors.RetryableError, "TEMPORARILY_UNAVAILABLE"),
    (errors.AssayError, "INTERNAL_ERROR"),
)


class MlflowRoute(APIRoute):
    """A client asks `error_code`, not the status, whether an experiment is missing; it shows `message` alone."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except errors.AssayError as error:
                return _answer(error, request)

        return handler


def _answer(error: errors.AssayError, request: Request) -> Response:
    code = next(code for kind, code in _CODES if isinstance(error, kind))
    told = problem(error, request.scope.get("assay.request_id"))
    message = f"{told['detail']} Fix: {told['fix']}." if told.get("fix") else told["detail"]
    body = {**told, "error_code": code, "message": message}
    return Response(
        json.dumps(body, default=str), status_of(error), headers_of(error), media_type="application/problem+json"
    )
