"""The OpenAPI document as the server really answers: errors are problem documents, and most addresses want a key.

FastAPI writes 422 for what its validation refuses; here that is a 400 with a problem document (`api/problems.py`).
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

Document = dict[str, Any]


def answers(*media: str, status: int = 200) -> dict[int | str, Document]:
    """`responses=` of a route whose answer is not JSON, or has another status than the usual one."""
    return {status: {"content": {one: {"schema": {}} for one in media}}}


_OPEN = frozenset(
    {
        "/healthz",
        "/readyz",
        "/info",
        "/version",
        "/arize_phoenix_version",
        "/api/v1/info",
        "/api/v1/session",
        "/api/public/health",
        "/api/public/media/{media_id}/content",
        "/api/is-alive/ping",
    }
)
"""What anybody may ask: `tests/integration/test_access.py` knows them too."""

_PROBLEM: Document = {
    "type": "object",
    "description": "RFC 9457. `code` says what kind of error it is; `fix` says what to do about it.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
        "value": {},
        "fix": {"type": "string"},
        "request_id": {"type": "string"},
    },
}

_ANY_ERROR: Document = {
    "description": "An error: docs/errors.md has every code",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}

_SCHEMES: Document = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key, `sk_…`"},
    "session": {"type": "apiKey", "in": "cookie", "name": "assay_session", "description": "A browser that signed in"},
}


def documented(app: FastAPI) -> None:
    """Has `app.openapi()` give the document of this server; it is made once, when it is first asked for."""

    def document() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI) -> Document:
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = _SCHEMES
    for path, operations in made["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _ANY_ERROR
            operation["security"] = [] if path in _OPEN else [{name: []} for name in _SCHEMES]
    return made
