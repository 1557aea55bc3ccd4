"""What every room stands on: the data directory, the two databases, the clock and the scrubber."""

import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from assay_server.app.config import Config
from assay_server.checks.pii import Scrubber
from assay_server.core.clock import Clock, SystemClock
from assay_server.core.errors import InvalidInput
from assay_server.governance import Audit
from assay_server.keeping import refuse_half
from assay_server.ledger import Ledger
from assay_server.store import DuckStore, Settings

_SALT_BYTES = 32


@dataclass(slots=True, frozen=True)
class Site:
    """The two databases, and what nearly every room needs."""

    store: DuckStore
    ledger: Ledger
    clock: Clock
    scrub: Callable[..., tuple[str, list[str]]]
    audit: Audit


def make(data: Path) -> None:
    """The data directory. Raises InvalidInput where it cannot be one, Refused for half of a backup."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidInput(
            f"{data} cannot be the data directory: {error.strerror}.",
            field="data",
            value=str(data),
            fix="assay up --data DIR, with a folder this user may write to",
        ) from error
    refuse_half(data)


async def site(config: Config, scrubber: Scrubber, stack: AsyncExitStack) -> Site:
    reading = Settings(read_limit=config.read_memory, read_threads=config.read_threads)
    store = await DuckStore.open(config.data / "facts", reading)
    stack.push_async_callback(store.close)
    ledger = await Ledger.open(config.decisions_url)
    stack.push_async_callback(ledger.close)
    clock = SystemClock()

    def scrub(text: str, before: str = "") -> tuple[str, list[str]]:
        clean, types = scrubber.scrub(text, before)
        return clean, list(types)

    return Site(store, ledger, clock, scrub, Audit(ledger, clock, scrub))


def salt(path: Path) -> bytes:
    """The secret that keys the pseudonyms of people: made once, readable by this user only."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(_SALT_BYTES))
    return path.read_bytes()
