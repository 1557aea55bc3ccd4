"""Errors as Langfuse's clients show them: `message` and `error` beside our own problem document."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from assay_server.api.problems import as_assay, headers_of, problem, status_of
from assay_server.core.errors import AssayError


class LangfuseRoute(APIRoute):
    """The SDKs print `message`; it says what to do as well, since nothing else of the document is looked at."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except (AssayError, RequestValidationError) as error:
                return _answer(as_assay(request, error), request)

        return handler


def _answer(error: AssayError, request: Request) -> Response:
    told = problem(error, request.scope.get("assay.request_id"))
    message = f"{told['detail']} Fix: {told['fix']}." if told.get("fix") else told["detail"]
    body = {**told, "error": type(error).__name__, "message": message}
    return Response(
        json.dumps(body, default=str), status_of(error), headers_of(error), media_type="application/problem+json"
    )
