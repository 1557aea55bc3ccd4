"""A canary as the API shows it."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.rollout.rows import Record

_NOBODY = {"baseline": 0, "candidate": 0}


def shaped(record: Record, looks: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """JSON of a canary; `looks` are those of its page, lists leave them out."""
    plan, latest, decision = record.plan, record.latest or {}, record.decision
    return {
        "id": record.id,
        "channel": record.channel,
        "baseline": record.baseline,
        "candidate": record.candidate,
        "status": record.status,
        "share": record.share,
        "step": record.step,
        **{name: value for name, value in plan.to_json().items() if name != "guardrails"},
        "started_at": rfc3339(record.started_ns),
        "ended_at": None if record.ended_ns is None else rfc3339(record.ended_ns),
        "units": latest.get("units", _NOBODY),
        "active": latest.get("active", _NOBODY),
        "srm_p": latest.get("srm_p"),
        "metrics": latest.get("metrics", []),
        "guardrails": latest.get("guardrails") or [_unseen(*item) for item in plan.guardrails.items()],
        "arms": latest.get("arms"),
        "looks": [_look(one) for one in _with_latest(looks, latest)],
        "decision": None if decision is None else {**decision, "at": rfc3339(decision["at_ns"])},
        "by": record.by,
        "reason": record.reason,
    }


def _look(look: Mapping[str, Any]) -> dict[str, Any]:
    """`difference` and `ci` are those of the first score; `metrics` holds them for all."""
    metrics = {one["name"]: {"difference": one["difference"], "ci": one["ci"]} for one in look["metrics"]}
    first = look["metrics"][0]
    return {
        "at": rfc3339(look["at_ns"]),
        "units": sum(look["units"].values()),
        "step": look["step"],
        "metric": first["name"],
        "difference": first["difference"],
        "ci": first["ci"],
        "metrics": metrics,
    }


def _with_latest(looks: Sequence[Mapping[str, Any]], latest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Kept looks are sparse; the newest one is always shown, so that the drawn line ends where the numbers do."""
    if not looks or not latest or looks[-1]["at_ns"] >= latest["at_ns"]:
        return list(looks)
    return [*looks, latest]


def _unseen(name: str, margin: float) -> dict[str, Any]:
    return {"name": name, "margin": margin, "decision": "undecided"}
