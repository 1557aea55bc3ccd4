"""What an incident says when the machine stopped a canary: the numbers, what differs, who was touched, what to do."""

from collections.abc import Mapping
from typing import Any

from assay_server.core.errors import NotFound
from assay_server.rollout.decide import Move
from assay_server.rollout.ports import Releases
from assay_server.rollout.rows import Record
from assay_server.rollout.story import blast_radius


async def incident(record: Record, move: Move, releases: Releases) -> dict[str, Any]:
    """The arguments of `OpenIncident`. The key makes it the same incident however often it is opened."""
    rolled_back = move.action == "rollback"
    differs = await _differences(record, releases)
    return {
        "key": f"{record.id}:{move.action}",
        "kind": "canary_rollback" if rolled_back else "canary_held",
        "severity": "critical" if rolled_back else "warning",
        "title": f"Canary on {record.channel} {'rolled back' if rolled_back else 'held for a person'}",
        "subject": record.id,
        "sentence": _sentence(move, differs),
        "evidence": _evidence(record, move, differs),
        "actions": _actions(record, rolled_back),
        "by": move.by,
    }


async def _differences(record: Record, releases: Releases) -> Mapping[str, Any]:
    try:
        return await releases.differences(record.project, record.baseline, record.candidate)
    except NotFound:
        return {"summary": None, "changes": []}  # an incident must not fail for want of its explanation


def _sentence(move: Move, differs: Mapping[str, Any]) -> str:
    summary = differs.get("summary")
    return move.sentence if not summary else f"{move.sentence} What differs: {summary}"


def _evidence(record: Record, move: Move, differs: Mapping[str, Any]) -> dict[str, Any]:
    seen = record.latest or {}
    return {
        "channel": record.channel,
        "canary": record.id,
        "baseline": record.baseline,
        "candidate": record.candidate,
        "why": move.why,
        "step": record.step,
        "share": record.share,
        "unit": record.plan.unit,
        "alpha": record.plan.alpha,
        **{name: seen.get(name) for name in ("units", "srm_p", "srm_chi_square_p", "metrics", "guardrails", "arms")},
        "affected": blast_radius(seen) if seen else None,
        "differs": {"summary": differs.get("summary"), "changes": differs.get("changes", [])},
    }


def _actions(record: Record, rolled_back: bool) -> list[dict[str, str]]:
    canary = f"/api/v1/canaries/{record.id}"
    look = [
        {"label": "Look at the canary", "method": "GET", "path": canary},
        {
            "label": "Compare the two releases",
            "method": "GET",
            "path": f"/api/v1/releases/{record.baseline}/diff?to={record.candidate}",
        },
        {
            "label": "Read what the candidate answered",
            "method": "GET",
            "path": f"/api/v1/traces?release={record.candidate}&channel={record.channel}&arm=candidate",
        },
    ]
    if rolled_back:
        return look
    decide = [
        {"label": "Roll the candidate back", "method": "POST", "path": f"{canary}/rollback"},
        {"label": "Ship the candidate", "method": "POST", "path": f"{canary}/promote"},
    ]
    return [*decide, *look]
