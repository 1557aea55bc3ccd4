"""The HTTP application: REST routes, the plain ASGI paths beside them, the web interface under everything else."""

from collections.abc import Awaitable, Callable
from functools import partial

from fastapi import FastAPI
from starlette.types import ASGIApp

from assay_server import __version__
from assay_server.api import problems
from assay_server.api.auth import identify_by
from assay_server.api.bounded import Bounded
from assay_server.api.chat import CHAT_PATHS, MODELS_PATHS, NOT_SPOKEN, ChatApp, ModelsApp, NotSpoken
from assay_server.api.cors import FeedbackCors
from assay_server.api.dialects import ROUTERS as DIALECTS
from assay_server.api.door import Door
from assay_server.api.idempotent import Idempotent
from assay_server.api.openapi import documented
from assay_server.api.otlp import PATHS, Otlp
from assay_server.api.routes import (
    audit,
    backups,
    canaries,
    channels,
    checks,
    connect,
    costs,
    dashboards,
    datasets,
    deletions,
    export,
    exports,
    flags,
    forwards,
    health,
    incidents,
    keys,
    media,
    metrics,
    monitors,
    notifications,
    outgoing,
    people,
    prices,
    projects,
    prompts,
    providers,
    quotas,
    releases,
    retention,
    retrieval,
    runs,
    sampling,
    scores,
    session,
    sql,
    suites,
    tail,
    traces,
    tracing,
    verdicts,
    views,
)
from assay_server.api.services import Services
from assay_server.api.web import Pages, Web

Readiness = Callable[[], Awaitable[dict[str, str]]]
"""What is not ready, by part, in words; empty when everything is."""

ROUTERS = (
    traces.router,
    media.router,
    tracing.router,
    scores.router,
    prompts.router,
    retrieval.router,
    datasets.router,
    releases.router,
    channels.router,
    checks.router,
    connect.router,
    suites.router,
    runs.router,
    verdicts.router,
    canaries.router,
    incidents.router,
    monitors.router,
    notifications.router,
    providers.router,
    quotas.router,
    exports.router,
    forwards.router,
    sampling.router,
    flags.router,
    keys.router,
    projects.router,
    session.router,
    audit.router,
    sql.router,
    people.router,
    export.router,
    views.router,
    dashboards.router,
    tail.router,
    prices.router,
    costs.router,
    retention.router,
    deletions.router,
    backups.router,
    outgoing.router,
)


def build(services: Services, readiness: Readiness) -> ASGIApp:
    """The whole application. Constructs routes, never rooms."""
    plain: dict[str, ASGIApp] = {}
    plain |= dict.fromkeys(PATHS, Otlp(services))
    plain |= dict.fromkeys(CHAT_PATHS, ChatApp(services.gateway, services.accounts.authenticate))
    plain |= dict.fromkeys(MODELS_PATHS, ModelsApp(services.gateway, services.accounts.authenticate))
    plain |= dict.fromkeys(NOT_SPOKEN, NotSpoken())
    return Door(Bounded(FeedbackCors(rest(services, readiness)), partial(identify_by, services.accounts)), plain)


def rest(services: Services, readiness: Readiness) -> FastAPI:
    """The REST API with its OpenAPI document, and the pages."""
    app = FastAPI(
        title="Assay",
        version=__version__,
        description="Did this get better or worse, why, and how do I undo it?",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its pages fetch scripts from elsewhere; nothing here does
        redoc_url=None,
    )
    app.state.services = services
    app.state.readiness = readiness
    problems.install(app)
    app.include_router(health.router)
    app.include_router(metrics.router)
    for router in ROUTERS:
        app.include_router(router, prefix="/api/v1")
    for dialect in DIALECTS:
        app.include_router(dialect)
    documented(app)
    app.add_middleware(Idempotent)
    app.router.redirect_slashes = False
    web = Web()
    app.router.default = web  # not a mount: that would match first, and a wrong method would read as a wrong address
    app.add_middleware(Pages, routes=app.routes, web=web)
    return app
