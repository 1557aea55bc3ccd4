"""Reading a provider's answer: never more than was agreed, never longer, and never left hanging."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from assay_server.core.errors import UpstreamError
from assay_server.providers import Incoming


async def read(incoming: Incoming, limit: int) -> bytes:
    """The whole body. Raises UpstreamError where it is larger than `limit` bytes or breaks off."""
    body = await read_start(incoming, limit)
    if len(body) > limit:
        raise UpstreamError(f"The provider's answer is larger than {limit} bytes.")
    await incoming.release()
    return body


async def read_start(incoming: Incoming, limit: int) -> bytes:
    """The body; where it is larger than `limit`, a little more than that much of it."""
    parts, size = [], 0
    async with aclosing(incoming.chunks()) as chunks:
        async for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            if size > limit:
                break
    return parts[0] if len(parts) == 1 else b"".join(parts)


@asynccontextmanager
async def hung_up_on_failure(incoming: Incoming) -> AsyncGenerator[None, None]:
    """Whatever goes wrong inside, the provider is told to stop."""
    try:
        yield
    except BaseException:
        incoming.close()
        raise


@asynccontextmanager
async def deadline(seconds: float, message: str) -> AsyncGenerator[None, None]:
    """Raises UpstreamError, as a gateway's time-out, when what is inside takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise UpstreamError(message, status=504) from error
