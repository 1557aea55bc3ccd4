"""Another collector as people name it: checked once, with every fault named."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from assay_server.core.errors import InvalidInput
from assay_server.governance import Match, parse_match
from assay_server.outbound.definition import variable, web_address

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_MOST_HEADERS = 20
_ENV = "env:"
_TRACES, _LOGS = "traces", "logs"
_SPANS_PATH, _LOGS_PATH = "/v1/traces", "/v1/logs"


@dataclass(frozen=True, slots=True)
class Forward:
    """`headers`: header -> name of the environment variable that holds its value. `share`: of the traces."""

    name: str
    endpoint: str
    headers: Mapping[str, str] = field(default_factory=dict)
    filter: Match = field(default_factory=dict)
    share: float = 1.0
    enabled: bool = True
    logs: bool = False
    """Log records go, too."""

    @property
    def logs_url(self) -> str:
        """Where log records are posted: beside the spans."""
        return self.url.removesuffix(_SPANS_PATH) + _LOGS_PATH

    @property
    def url(self) -> str:
        """Where spans are posted: OTLP's path is added to an address without one."""
        parts = urlsplit(self.endpoint)
        return urlunsplit(parts._replace(path=_SPANS_PATH)) if parts.path in {"", "/"} else self.endpoint


def parse(name: str, given: Mapping[str, Any]) -> Forward:
    """From JSON. Raises InvalidInput naming the field."""
    if not _NAME.fullmatch(name):
        told = "A forward's name has 1 to 100 of a-z, 0-9, '.', '_', '-', and begins with a letter or digit."
        raise InvalidInput(told, field="name", value=name[:80], fix="write it in lower case, with '-' for spaces")
    share = given.get("share", 1.0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not math.isfinite(share) or not 0 < share <= 1:
        raise InvalidInput(field="share", value=str(share)[:80], fix="a number over 0, at most 1")
    forward = Forward(
        name,
        web_address(given.get("endpoint"), "endpoint"),
        _headers(given.get("headers") or {}),
        parse_match(given.get("filter") or {}, "filter"),
        float(share),
        bool(given.get("enabled", True)),
        _logs(given.get("signals", [_TRACES])),
    )
    if forward.logs and not forward.url.endswith(_SPANS_PATH):
        raise InvalidInput(
            "Log records are posted beside spans, and nobody can say where that is.", field="endpoint",
            value=forward.endpoint[:80], fix=f"give the address alone, or one that ends with {_SPANS_PATH}",
        )  # fmt: skip
    return forward


def _logs(signals: Any) -> bool:
    if not isinstance(signals, list) or _TRACES not in signals or not set(map(str, signals)) <= {_TRACES, _LOGS}:
        raise InvalidInput(field="signals", value=str(signals)[:80], fix='["traces"] or ["traces", "logs"]')
    return _LOGS in signals


def to_json(forward: Forward) -> dict[str, Any]:
    """As the API shows it; there are no secrets in it."""
    return {
        "name": forward.name,
        "endpoint": forward.endpoint,
        "headers": {header: _ENV + name for header, name in forward.headers.items()},
        "signals": [_TRACES, _LOGS] if forward.logs else [_TRACES],
        "filter": {name: list(values) if len(values) > 1 else values[0] for name, values in forward.filter.items()},
        "share": forward.share,
        "enabled": forward.enabled,
    }


def _headers(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping) or len(given) > _MOST_HEADERS:
        raise InvalidInput(field="headers", fix='an object such as {"authorization": "env:COLLECTOR_TOKEN"}')
    found = {}
    for header, value in given.items():
        where = f"headers.{header}"
        if not _HEADER.fullmatch(header):
            raise InvalidInput("This is no name of a header.", field="headers", value=header[:80], fix="letters, '-'")
        if not isinstance(value, str) or not value.startswith(_ENV):
            raise InvalidInput(
                "A header's value may be a secret, so it is read from the environment.", field=where,
                fix="write env:NAME, the name of a variable of the server's environment",
            )  # fmt: skip
        found[header.lower()] = variable(value.removeprefix(_ENV), where)
    return found
