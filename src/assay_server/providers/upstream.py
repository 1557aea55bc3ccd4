"""The seam to other people's servers: one request out, one answer in. `http.HttpUpstream` is the one driver."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True, frozen=True)
class Endpoint:
    """Where a provider listens, with the key to send; `repr` does not show it."""

    name: str
    base_url: str
    key: str | None = None

    def __repr__(self) -> str:
        return f"Endpoint(name={self.name!r}, base_url={self.base_url!r})"


@dataclass(slots=True, frozen=True)
class Outgoing:
    """One request to a provider."""

    url: str
    headers: dict[str, str]
    body: bytes | None = None
    method: str = "POST"


class Incoming(Protocol):
    """An answer whose head has arrived and whose body has not. Whoever holds it must close it."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Case-insensitive."""
        ...

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes in. Raises UpstreamError where the connection breaks before its end."""
        ...

    async def release(self) -> None:
        """After the whole body was read: the connection may serve the next call."""
        ...

    def close(self) -> None:
        """Hang up now, so that the provider stops generating."""
        ...


class Upstream(Protocol):
    """Sends requests to providers."""

    async def send(self, request: Outgoing) -> Incoming:
        """Returns when the answer's head is there, whatever its status. Raises UpstreamError without one."""
        ...

    async def close(self) -> None: ...
