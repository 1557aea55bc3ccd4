"""Assay's thin client: traces, prompts, releases and scores, on the OpenTelemetry SDK.

    import assay

    assay.init(service="support")

    @assay.observe
    def answer(question: str) -> str: ...

Names are imported when they are first used: a command that needs the REST client alone does not load OpenTelemetry.
"""

import importlib
from typing import TYPE_CHECKING, Any

from assay import _version

if TYPE_CHECKING:
    from assay._calls import Json, Page
    from assay._client import AsyncClient, Client
    from assay._context import context, headers
    from assay._errors import (
        AssayError,
        Conflict,
        Forbidden,
        InvalidInput,
        LoopDetected,
        NotFound,
        RateLimited,
        Refused,
        RetryableError,
        ServerError,
        ServerUnreachable,
        TooLarge,
        Unauthenticated,
        Unavailable,
        UnsupportedMedia,
        UpstreamError,
    )
    from assay._face import aprompt, arelease, prompt, release, score
    from assay._loops import loop_guard
    from assay._observe import observe
    from assay._releases import Prompt, Release
    from assay._runtime import flush, init, shutdown
    from assay._spans import Span, current_span, span
    from assay._threads import carry, executor, in_thread

__version__ = _version.VERSION

_HOMES = {
    "_calls": ("Json", "Page"),
    "_client": ("AsyncClient", "Client"),
    "_context": ("context", "headers"),
    "_errors": (
        "AssayError",
        "Conflict",
        "Forbidden",
        "InvalidInput",
        "LoopDetected",
        "NotFound",
        "RateLimited",
        "Refused",
        "RetryableError",
        "ServerError",
        "ServerUnreachable",
        "TooLarge",
        "Unauthenticated",
        "Unavailable",
        "UnsupportedMedia",
        "UpstreamError",
    ),
    "_face": ("aprompt", "arelease", "prompt", "release", "score"),
    "_loops": ("loop_guard",),
    "_observe": ("observe",),
    "_releases": ("Prompt", "Release"),
    "_runtime": ("flush", "init", "shutdown"),
    "_spans": ("Span", "current_span", "span"),
    "_threads": ("carry", "executor", "in_thread"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AssayError",
    "AsyncClient",
    "Client",
    "Conflict",
    "Forbidden",
    "InvalidInput",
    "Json",
    "LoopDetected",
    "NotFound",
    "Page",
    "Prompt",
    "RateLimited",
    "Refused",
    "Release",
    "RetryableError",
    "ServerError",
    "ServerUnreachable",
    "Span",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedMedia",
    "UpstreamError",
    "__version__",
    "aprompt",
    "arelease",
    "carry",
    "context",
    "current_span",
    "executor",
    "flush",
    "headers",
    "in_thread",
    "init",
    "loop_guard",
    "observe",
    "prompt",
    "release",
    "score",
    "shutdown",
    "span",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'assay' has no attribute '{name}'")
    found = getattr(importlib.import_module(f"assay.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
