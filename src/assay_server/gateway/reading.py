"""Reading a provider's answer: never more than was agreed, never longer, and never left hanging."""

import asyncio
from contextlib import aclosing
from types import TracebackType

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


class deadline:  # noqa: N801 (reads like the function it would be, if that were not twice as slow)
    """Raises UpstreamError, as a gateway's time-out, when what is inside takes longer than `seconds`."""

    __slots__ = ("_message", "_timeout")

    def __init__(self, seconds: float, message: str) -> None:
        self._timeout = asyncio.timeout(seconds)
        self._message = message

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise UpstreamError(self._message, status=504) from late


class hung_up_on_failure:  # noqa: N801
    """Whatever goes wrong inside, the provider is told to stop."""

    __slots__ = ("_incoming",)

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._incoming.close()
