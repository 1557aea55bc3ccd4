"""What `POST /runs` asks for, validated with all faults named at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from assay_server.checks import Catalogue
from assay_server.core.errors import InvalidInput
from assay_server.evals.items import Item, as_text
from assay_server.evals.targets import Answer

DEFAULT_METRICS = (
    "exact_match", "fuzzy_match", "token_f1", "groundedness", "refusal", "hit_rate", "mrr", "citation", "schema_valid",
    "latency_ms", "cost_usd",
)  # fmt: skip
"""Those that do not apply to an item are skipped and counted, so asking for all of them costs nothing."""


@dataclass(slots=True, frozen=True)
class RunRequest:
    """A valid request. Exactly one of `endpoint`, `recorded` and a bare `release` says who answers."""

    dataset: str
    release: str | None
    endpoint: str | None
    recorded: Sequence[Mapping[str, Any]] | None
    metrics: tuple[str, ...]
    concurrency: int
    repeats: int


def parse_request(body: Mapping[str, Any], catalogue: Catalogue, metrics: Collection[str] = ()) -> RunRequest:
    """`metrics` stand in where the body names none (those of a suite). Raises InvalidInput."""
    faults: list[str] = []
    request = RunRequest(
        dataset=str(body.get("dataset") or ""),
        release=body.get("release") or None,
        endpoint=body.get("endpoint") or None,
        recorded=body.get("recorded"),
        metrics=_metrics(body, catalogue, metrics, faults),
        concurrency=_whole(body, "concurrency", 8, 64, faults),
        repeats=_whole(body, "repeats", 1, 20, faults),
    )
    if not request.dataset:
        faults.append("'dataset' must name a dataset, e.g. 'golden' or 'golden@3'")
    _refuse_unclear(request, faults)
    if faults:
        raise InvalidInput("; ".join(faults), field=_first_field(faults), fix="see POST /api/v1/runs")
    return request


def parse_recorded(recorded: Sequence[Mapping[str, Any]], items: Mapping[str, Item]) -> list[tuple[Item, Answer]]:
    """Recorded answers beside their items. Raises InvalidInput with every row that does not fit."""
    faults: list[str] = []
    found: dict[str, tuple[Item, Answer]] = {}
    for index, row in enumerate(recorded):
        item = items.get(str(row.get("item"))) if isinstance(row, Mapping) else None
        if item is None:
            faults.append(f"recorded[{index}]: 'item' is not in the dataset")
        elif item.id in found:
            faults.append(f"recorded[{index}]: item '{item.id}' stands twice")
        elif "output" not in row or not _are_contexts(row.get("contexts") or []):
            faults.append(f"recorded[{index}]: needs 'output', and 'contexts' as a list of objects")
        else:
            found[item.id] = (item, _answer(row))
    if faults:
        raise InvalidInput("; ".join(faults[:20]), field="recorded", value=len(faults))
    return list(found.values())


def _answer(row: Mapping[str, Any]) -> Answer:
    return Answer(as_text(row["output"]), row.get("contexts") or [], row.get("latency_ms"), row.get("cost"))


def _are_contexts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(context, Mapping) for context in value)


def _metrics(
    body: Mapping[str, Any], catalogue: Catalogue, suite: Collection[str], faults: list[str]
) -> tuple[str, ...]:
    names = body.get("metrics") or suite or DEFAULT_METRICS
    if not isinstance(names, Collection) or isinstance(names, str) or not all(isinstance(n, str) for n in names):
        faults.append("'metrics' must be a list of names")
        return ()
    for name in names:
        try:
            catalogue.get(name)
        except InvalidInput as error:
            faults.append(f"'metrics': no check '{name}', {error.fix}")
    return tuple(dict.fromkeys(names))


def _whole(body: Mapping[str, Any], key: str, default: int, most: int, faults: list[str]) -> int:
    value = body.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        faults.append(f"'{key}' must be a whole number from 1 to {most}")
        return default
    return value


def _refuse_unclear(request: RunRequest, faults: list[str]) -> None:
    if request.endpoint is not None and request.recorded is not None:
        faults.append("'endpoint' and 'recorded' exclude each other")
    if request.endpoint is None and request.recorded is None and request.release is None:
        faults.append("'release' or 'endpoint' or 'recorded' must say who answers")
    if request.recorded is not None and (not isinstance(request.recorded, list) or not request.recorded):
        faults.append("'recorded' must be a list of at least one answer")
    if request.recorded is not None and request.repeats != 1:
        faults.append("'repeats' must be 1 with recorded answers")
    if request.endpoint is not None and not _is_url(request.endpoint):
        faults.append("'endpoint' must be an http or https address")


def _is_url(endpoint: Any) -> bool:
    if not isinstance(endpoint, str):
        return False
    parts = urlsplit(endpoint)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _first_field(faults: Sequence[str]) -> str:
    return faults[0].split("'")[1]
