"""Scores as they are given over the API: checked here, stored through the same door as everything else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar, get_args

from assay_server.core.clock import parse_rfc3339
from assay_server.core.errors import InvalidInput
from assay_server.core.ids import canonical_json, new_id
from assay_server.core.ports import Principal
from assay_server.core.records import Score, ScoreSource
from assay_server.ingest.normalise.values import LARGEST, within

SAID = ("name", "value", "label", "error", "reason", "trace_id", "span_id", "session", "run", "item", "source")
"""What a score says, and of what."""
_SOURCES = get_args(ScoreSource)
_TRACE_ID = re.compile(r"(?:-*[0-9a-fA-F]){32}")  # also in the way of a UUID
_LONGEST_NAME = 200
_LONGEST_TEXT = 20_000
_AHEAD_NS = 300 * 1_000_000_000
"""Clocks differ."""


@dataclass(slots=True)
class ScoreInput:
    """One score as it is sent."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # a `comment` would be lost without a word

    name: str
    value: float | None = None
    label: str | None = None
    error: str | None = None
    reason: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    session: str | None = None
    run: str | None = None
    item: str | None = None
    source: str | None = None
    id: str | None = None
    time: str | None = None
    """When it was given, in RFC 3339, where that was before it is sent; not from keys that only score."""
    metadata: dict[str, Any] = field(default_factory=dict)


def scores_of(given: Sequence[ScoreInput], caller: Principal, now_ns: int) -> list[Score]:
    """Raises `InvalidInput` with the field that is wrong, of several scores with its place among them."""
    scores = []
    for place, one in enumerate(given):
        try:
            scores.append(score_of(one, caller, now_ns))
        except InvalidInput as error:
            if len(given) > 1:
                error.field = f"{place}.{error.field}"
            raise
    return scores


def score_of(given: ScoreInput, caller: Principal, now_ns: int) -> Score:
    """Raises `InvalidInput` with the field that is wrong."""
    _check(given)
    return Score(
        project=caller.project,
        id=given.id or new_id("scr"),
        name=given.name,
        time_ns=now_ns if given.time is None else _told_time(given.time, caller, now_ns),
        source=_source(given.source, caller),
        value=given.value,
        label=given.label,
        error=given.error,
        reason=given.reason,
        author=caller.actor,
        trace_id=given.trace_id.replace("-", "").lower() if given.trace_id else None,
        span_id=given.span_id.lower() if given.span_id else None,
        session=given.session,
        run=given.run,
        item=given.item,
        metadata=given.metadata,
    )


def told_again(score: Score) -> ScoreInput:
    """A score whose id is known, and which says something else: it is kept beside the first, under an id that says what
    it says."""
    said = {name: getattr(score, name) for name in SAID}
    digest = blake2b(canonical_json(said).encode(), digest_size=6).hexdigest()
    return ScoreInput(
        **said, id=f"{score.id[: _LONGEST_NAME - 13]}~{digest}", metadata={**score.metadata, "changes": score.id}
    )


def _check(given: ScoreInput) -> None:
    if not given.name.strip() or len(given.name) > _LONGEST_NAME:
        raise InvalidInput("A score needs a name.", field="name", value=given.name, fix="give 1 to 200 characters")
    if given.value is not None and given.error is not None:
        raise InvalidInput(
            "A score has a value, or an error where the judgement failed.",
            field="value",
            value=given.value,
            fix="leave one of value and error out",
        )
    if given.value is None and not (given.error or given.label or given.reason):
        raise InvalidInput(
            "A score says something.",
            field="value",
            value=None,
            fix="give a number, a label, a comment as reason, or say in error why there is none",
        )
    if given.value is not None and not within(given.value):
        fix = f"give a number from -{LARGEST:g} to {LARGEST:g}"
        raise InvalidInput("A score is a finite number.", field="value", value=str(given.value), fix=fix)
    if not any((given.trace_id, given.session, given.run, given.item)):
        raise InvalidInput(
            "A score must say what it is about.",
            field="trace_id",
            value=None,
            fix="give trace_id, session or run and item",
        )
    if given.trace_id is not None and not _TRACE_ID.fullmatch(given.trace_id):
        raise InvalidInput(
            "This is no trace's id.", field="trace_id", value=given.trace_id[:80], fix="give its 32 hex digits"
        )
    for name in ("label", "error", "reason", "id", "trace_id", "span_id", "session", "run", "item"):
        text = getattr(given, name)
        if text is not None and len(text) > (_LONGEST_TEXT if name in {"error", "reason"} else _LONGEST_NAME):
            raise InvalidInput(f"'{name}' is too long.", field=name, value=text[:80], fix="shorten it")


def _told_time(told: str, caller: Principal, now_ns: int) -> int:
    """What is judged later than the trace was made, or comes from another tool, keeps its day."""
    if caller.role == "score":  # in everybody's hands: what a canary or monitor has decided shall not change behind it
        raise InvalidInput(
            "Scores of a key that only scores have the time at which they come.",
            field="time",
            value=told[:80],
            fix="leave it out, or use a key that may ingest",
        )
    try:
        time_ns = parse_rfc3339(told)
    except (ValueError, OverflowError) as error:
        fix = "write it like 2026-11-21T08:00:00Z"
        raise InvalidInput("'time' is not a time.", field="time", value=told[:80], fix=fix) from error
    if not 0 <= time_ns <= now_ns + _AHEAD_NS:
        fix = "give when the score was given, not before 1970 nor ahead of the server's clock"
        raise InvalidInput("A score is not given at such a time.", field="time", value=told[:80], fix=fix)
    return time_ns


def _source(said: str | None, caller: Principal) -> ScoreSource:
    """A key that can only score sits in browsers: what it sends is an end user's, whatever it says."""
    if caller.role == "score":
        return "end_user"
    if said is None:
        return "human" if caller.actor.startswith("user:") else "code"
    for source in _SOURCES:
        if said == source:
            found: ScoreSource = source
            return found
    raise InvalidInput("There is no such source.", field="source", value=said, fix=f"use one of {', '.join(_SOURCES)}")
