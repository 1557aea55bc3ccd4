"""What the routes may call: one field per room face, filled by `app`, the only composition root."""

from dataclasses import dataclass, field
from typing import Any, cast

from starlette.requests import HTTPConnection


@dataclass(slots=True)
class GrpcPort:
    """Where OTLP over gRPC is taken; 0: nowhere. Certain once the door was tried, after HTTP opened."""

    number: int = 0


@dataclass(slots=True, frozen=True)
class Services:
    """The faces of the rooms below. Routes reach them through `services(request)`."""

    accounts: Any
    intake: Any
    outbound: Any
    audit: Any
    idempotency: Any
    ingest: Any
    partial_spans: Any
    experiments: Any
    media: Any
    media_tickets: Any
    traces: Any
    graphs: Any
    trace_pairs: Any
    scores: Any
    run_items: Any
    comparisons: Any
    prompts: Any
    retrieval_configs: Any
    datasets: Any
    releases: Any
    verdicts: Any
    channels: Any
    providers: Any
    gateway: Any
    checks: Any
    suites: Any
    runs: Any
    gate: Any
    canaries: Any
    incidents: Any
    monitors: Any
    silences: Any
    notification_channels: Any
    notifications: Any
    prices: Any
    repricer: Any
    costs: Any
    cost_changes: Any
    savings: Any
    token_use: Any
    sql: Any
    people: Any
    exports: Any
    views: Any
    dashboards: Any
    panels: Any
    tail: Any
    figures: Any
    keeping: Any
    public_url: str
    grpc_port: GrpcPort = field(default_factory=GrpcPort)


def services(connection: HTTPConnection) -> Services:
    """The services of the application that serves this request; also usable as `Depends(services)`."""
    return cast("Services", connection.app.state.services)
