"""An answer of many parts that ends where nobody reads it, or may read it any more: it holds a page of texts, and a
place in a short row."""

import asyncio
import logging

from starlette.responses import StreamingResponse
from starlette.types import Message, Send

IDLE_S = 300.0
"""For one part of it, a page of rows: whoever reads twenty kilobytes a second is in time."""

_log = logging.getLogger(__name__)


class CutOff(Exception):
    """Raised where the next part would come: there is none, and it says why."""


class ReadInTime(StreamingResponse):
    """Is cut off, not ended: the connection closes without the last part, so whoever comes back sees a broken file."""

    async def stream_response(self, send: Send) -> None:
        async def taken(message: Message) -> None:
            try:
                async with asyncio.timeout(IDLE_S):
                    await send(message)
            except TimeoutError as error:
                raise CutOff(f"nobody had read of it for {IDLE_S:g} s") from error

        try:
            await super().stream_response(taken)
        except CutOff as why:
            _log.warning("a download was cut off: %s", why)
        finally:
            close = getattr(self.body_iterator, "aclose", None)
            if close is not None:
                await close()
