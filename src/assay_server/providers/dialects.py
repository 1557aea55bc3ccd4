"""What a vendor's language must offer. A vendor that speaks OpenAI's is a row of data; any other is a file here."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from assay_server.core.errors import InvalidInput
from assay_server.providers.openai import OpenAi
from assay_server.providers.transcript import Event, Transcript
from assay_server.providers.upstream import Endpoint, Outgoing


class Reader(Protocol):
    """Reads one streamed answer, without I/O. Raises UpstreamError where the provider breaks its own language."""

    @property
    def done(self) -> bool: ...

    def feed(self, data: bytes) -> Iterator[Event]: ...

    def finish(self) -> Iterator[Event]: ...


class Dialect(Protocol):
    """Builds requests and understands answers."""

    def request(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> Outgoing: ...

    def answer(self, body: bytes, into: Transcript) -> None: ...

    def models_request(self, endpoint: Endpoint) -> Outgoing: ...

    def models(self, body: bytes) -> list[str]: ...

    def reader(self, into: Transcript, *, keep_usage: bool) -> Reader: ...


def dialect(kind: str) -> Dialect:
    """The dialect of a provider's `kind`. Raises InvalidInput naming those there are."""
    found = _DIALECTS.get(kind)
    if found is None:
        raise InvalidInput(
            f"No provider of the kind '{kind}' can be called.",
            field="kind",
            value=kind,
            fix=f"use one of: {', '.join(sorted(_DIALECTS))}",
        )
    return found


_DIALECTS: dict[str, Dialect] = {"openai": OpenAi()}
