"""The traces of spans that a client names alone."""

import asyncio
from collections.abc import Sequence

from assay_server.api.services import Services
from assay_server.core.errors import NotFound

_PATIENCE = 20  # looks
_BETWEEN_S = 0.25


async def traces_of(rooms: Services, project: str, span_ids: Sequence[str]) -> dict[str, str]:
    """The trace of each. Raises NotFound, and then nothing of the request was stored.

    Clients send a span and what is thought of it over several connections at once: a judgement that is first waits
    five seconds for its span.
    """
    found = await known_traces_of(rooms, project, span_ids, looks=_PATIENCE)
    missing = [one for one in span_ids if one not in found]
    if not missing:
        return found
    raise NotFound(
        f"There is no span {', '.join(missing[:5])} in this project.",
        field="span_id",
        value=missing[0],
        fix="send its span first: flush the client that traced it",
    )


async def known_traces_of(rooms: Services, project: str, span_ids: Sequence[str], *, looks: int) -> dict[str, str]:
    """The traces of those that are known, or become known while it looks that often, a quarter of a second apart."""
    found: dict[str, str] = {}
    missing = list(dict.fromkeys(span_ids))
    for look in range(looks):
        found |= await rooms.traces.traces_of(project, missing)
        missing = [one for one in missing if one not in found]
        if missing:
            found |= await rooms.partial_spans.traces_of(project, missing)
            missing = [one for one in missing if one not in found]
        if not missing:
            break
        if look + 1 < looks:
            await asyncio.sleep(_BETWEEN_S)
    return found
