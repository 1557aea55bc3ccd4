"""The verbs that talk to the server: scores, prompts, releases."""

import asyncio
import math
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from assay._calls import without_none
from assay._context import mark_trace, unit
from assay._errors import InvalidInput, NotFound
from assay._releases import Prompt, Release
from assay._runtime import Runtime, runtime
from assay._spans import current_span

Source = Literal["code", "judge", "human", "end_user"]

_PROMPT_TTL_S = 10.0


def score(
    name: str,
    value: float | bool | None = None,
    *,
    label: str | None = None,
    reason: str | None = None,
    error: str | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
    session: str | None = None,
    run: str | None = None,
    item: str | None = None,
    source: Source | None = None,
    id: str | None = None,  # noqa: A002 - the field's name in the API
    time: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """A judgement, sent in the background; its id. Without a target it is about the current trace.

    Give `value` (a `label` may stand beside it), a `label` or a `reason` alone (a category, a comment), or `error`
    where the judgement failed. The same `id` twice is stored once. `time` is when it was given, where that was before
    now. Raises InvalidInput where nothing is judged or nothing is said, `value` is no finite number, or `time` names
    no time zone.
    """
    if (value is not None and error is not None) or not any((value is not None, label, reason, error)):
        raise InvalidInput(
            "A score wants a value, a label or a reason, or an error where the judgement failed.",
            field="value",
            fix=f"assay.score({name!r}, 1.0)",
        )
    identity = id or f"scr_{secrets.token_hex(13)}"
    about = _target(trace_id, span_id, session, run, item)
    told = {"label": label, "reason": reason, "error": error, "source": source}
    number = None if value is None else _number(name, value)
    extra = None if metadata is None else dict(metadata)
    given = None if time is None else _moment(time)
    runtime().scores.put(
        without_none(id=identity, name=name, value=number, time=given, metadata=extra, **told, **about)
    )
    return identity


def release(
    channel: str | None = None,
    *,
    user: str | None = None,
    session: str | None = None,
    id: str | None = None,  # noqa: A002 - the field's name in the API
) -> Release:
    """What is live on a channel for this user, or the release with this `id`.

    The spans of the current trace carry it from here on. Answers come from memory while they are fresh; in an outage
    from the last good copy. Raises NotFound where nothing is live, ServerUnreachable where nothing is known.
    """
    here = runtime()
    found = _pinned(here, id) if channel is None else here.releases.resolve(channel, unit(user, session))
    mark_trace(found.mark)
    return found


async def arelease(
    channel: str | None = None,
    *,
    user: str | None = None,
    session: str | None = None,
    id: str | None = None,  # noqa: A002 - the field's name in the API
) -> Release:
    """`release` for asynchronous code: at once where the answer is known, otherwise without blocking the loop."""
    here = runtime()
    if channel is None:
        found = await asyncio.to_thread(_pinned, here, id)
    else:
        by = unit(user, session)
        known = here.releases.cached(channel, by)
        found = known if known is not None else await asyncio.to_thread(here.releases.resolve, channel, by)
    mark_trace(found.mark)
    return found


def prompt(name: str, version: int | None = None, *, label: str | None = None) -> Prompt:
    """A prompt: one version, the newest, or with `label` the one in the release that is live on that channel."""
    here = runtime()
    if label is None:
        return _prompt(here, name if version is None else f"{name}@{version}", pinned=version is not None)
    live = here.releases.resolve(label, unit(None, None))
    for found in live.prompts.values():
        if found.name == name:
            return found
    raise NotFound(
        f"The release on '{label}', {live.name}@{live.version}, has no prompt '{name}'.", field="name", value=name
    )


async def aprompt(name: str, version: int | None = None, *, label: str | None = None) -> Prompt:
    """`prompt` for asynchronous code."""
    return await asyncio.to_thread(prompt, name, version, label=label)


def _number(name: str, value: Any) -> float:
    """Refused here, where it is given, and not behind the application's back."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(
            "A score is a finite number.",
            field="value",
            value=repr(value)[:80],
            fix=f"give a number, or assay.score({name!r}, error=…) where the judgement failed",
        )
    return number


def _moment(given: datetime) -> str:
    if given.tzinfo is None:
        raise InvalidInput(
            "A time without a zone may be any of many.",
            field="time",
            value=given.isoformat(),
            fix="give datetime.now(UTC) or another aware datetime",
        )
    return given.astimezone(UTC).isoformat()


def _target(
    trace_id: str | None, span_id: str | None, session: str | None, run: str | None, item: str | None
) -> dict[str, str | None]:
    """What a score is about: as said, else the current span."""
    if not any((trace_id, session, run)):
        here = current_span()
        trace_id, span_id = here.trace_id, span_id or here.span_id
    if not any((trace_id, session, run)):
        raise InvalidInput(
            "A score wants something to be about.", field="trace_id", fix="pass trace_id, session, or run and item"
        )
    return {"trace_id": trace_id, "span_id": span_id, "session": session, "run": run, "item": item}


def _pinned(here: Runtime, release_id: str | None) -> Release:
    """A release by id never changes, so it is fetched once."""
    if release_id is None:
        raise InvalidInput("Which release?", field="channel", fix="assay.release('production', user=…)")
    document = here.documents.get(release_id, float("-inf"), lambda: here.client.releases.get(release_id))
    return Release.of({"release": document})


def _prompt(here: Runtime, ref: str, pinned: bool) -> Prompt:
    oldest = float("-inf") if pinned else time.monotonic() - _PROMPT_TTL_S
    return Prompt.of(here.documents.get(f"prompt {ref}", oldest, lambda: here.client.prompts.get(ref)))
