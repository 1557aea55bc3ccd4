"""What is long is scrubbed beside the loop, on every way in."""

import threading
from hashlib import sha256
from pathlib import Path

from assay_server.checks.pii import Scrubber
from assay_server.core.records import Facts, Score
from assay_server.ingest import Ingest, MediaLink, MediaShelf, Part, PartialSpans
from assay_server.ingest.weight import INLINE, is_heavy
from assay_server.ledger import Ledger
from assay_server.providers import Prices
from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fixtures.ledger import PROJECT

LONG, TRACE = "17 " * INLINE, "1" * 32


class _Noting(Scrubber):
    """Remembers which threads scrubbed something long."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[str] = set()

    def scrub(self, text: str, before: str = "") -> tuple[str, tuple[str, ...]]:
        if len(text) > INLINE:
            self.threads.add(threading.current_thread().name)
        found: tuple[str, tuple[str, ...]] = super().scrub(text, before)
        return found


def score(**fields: object) -> Score:
    return Score(PROJECT, "scr_1", "ok", 1, "code", 1.0, **fields)  # type: ignore[arg-type]


def beside(threads: set[str]) -> bool:
    return bool(threads) and threading.main_thread().name not in threads


def test_texts_keys_and_values_count_wherever_they_stand() -> None:
    assert not is_heavy([score(reason="short", metadata={"a": [{"b": 1}]})])
    assert is_heavy([score(reason=LONG)])
    assert is_heavy([score(metadata={"a": [{"b": LONG}]})])
    assert is_heavy([score(metadata={"a": {LONG: 1}})])
    assert is_heavy([score(metadata={"a": [0] * INLINE})])
    assert is_heavy([score(reason=LONG[: INLINE // 2 + 10])] * 2)


async def test_facts_of_our_own_making() -> None:
    scrubber = _Noting()
    ingest = Ingest(MemoryStore(), scrubber, Prices())
    await ingest.write(Facts(scores=[score(metadata={"said": LONG})]))
    await ingest.close()

    assert beside(scrubber.threads)


async def test_spans_in_pieces(ledger: Ledger) -> None:
    scrubber = _Noting()
    pieces = PartialSpans(ledger, MemoryStore(), scrubber)  # type: ignore[arg-type]
    await pieces.put(PROJECT, [Part(TRACE, "2" * 16, attributes={"input.value": LONG})])

    assert beside(scrubber.threads)


async def test_media(ledger: Ledger, tmp_path: Path) -> None:
    scrubber, content = _Noting(), LONG.encode()
    shelf = MediaShelf(ledger, tmp_path, scrubber.scrub, FakeClock(), 1 << 20)
    link = MediaLink(TRACE, "", LONG)
    await shelf.announce(PROJECT, "m", "text/plain", len(content), sha256(content).hexdigest(), link)
    assert not scrubber.threads, "of where it stood no more is read than is kept"
    await shelf.store(PROJECT, "m", content)

    assert beside(scrubber.threads)
