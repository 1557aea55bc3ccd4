"""How clients are pointed here: shapes of docs/api/otlp.md."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from tests.fakes.ui_world import Json, World

Answer = Callable[[Request], Any]

_CLIENTS: list[Json] = [
    {
        "client": "assay",
        "title": "Assay's SDK (Python)",
        "language": "bash",
        "lines": ["export ASSAY_URL=http://assay.test:4600", "export ASSAY_API_KEY={key}"],
    },
    {
        "client": "otel-grpc",
        "title": "OpenTelemetry SDK, gRPC",
        "language": "bash",
        "lines": [
            "export OTEL_EXPORTER_OTLP_ENDPOINT={grpc}",
            'export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer {key}"',
        ],
    },
]


def connect_routes(world: Callable[[], World]) -> list[tuple[str, Answer, str]]:
    """The same for every world."""
    return [("/connect", lambda request: {"items": _CLIENTS, "total": len(_CLIENTS), "next": None}, "GET")]
