"""Looks for personal data in texts and in streamed texts. The detector itself is injected."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from assay_server.gateway.texts import rewritten_event, text_event
from assay_server.providers import DONE, Event, Transcript


class Scrub(Protocol):
    """`text -> (text with placeholders, entity types found)`; `before` is what stood in front of the text."""

    def __call__(self, text: str, before: str = "") -> tuple[str, Sequence[str]]: ...


_INLINE = 16_384  # characters: about a millisecond of work
_SENTENCE_END = re.compile(r"(?<!\d)[.!?][\"')\]]*\s+|(?<!\d)\n\s*\n")
_CONTEXT = 64  # characters of what has gone that help to understand what comes


async def masked(scrub: Scrub, texts: Sequence[str]) -> tuple[list[str], set[str]]:
    """The texts with placeholders, and all types found. Long ones are done beside the event loop."""
    if sum(map(len, texts)) > _INLINE:
        return await asyncio.to_thread(_mask, scrub, texts)
    return _mask(scrub, texts)


class HeldText:
    """A streamed text is let go sentence by sentence: what is personal hardly ever stands in two of them.

    A sentence that ends in a digit waits for the next one, since numbers are written with breaks, and lines wait for
    their paragraph, since keys are written in many. A text without any end of a sentence waits for its own.
    """

    def __init__(self, scrub: Scrub) -> None:
        self._scrub = scrub
        self._waiting = ""
        self._before = ""
        self.found: set[str] = set()

    def add(self, piece: str) -> str:
        """What may go now, masked; empty while its sentence is not over."""
        self._waiting += piece
        ends = [end.end() for end in _SENTENCE_END.finditer(self._waiting)]
        return self._let_go(ends[-1]) if ends else ""

    def end(self) -> str:
        """The rest, masked."""
        return self._let_go(len(self._waiting))

    def _let_go(self, length: int) -> str:
        ready, self._waiting = self._waiting[:length], self._waiting[length:]
        if not ready:
            return ""
        clean, types = self._scrub(ready, self._before)
        self._before = (self._before + ready)[-_CONTEXT:]
        self.found.update(types)
        return clean


class HeldEvents:
    """A streamed answer whose texts are held: each choice's content, reasoning and refusal apart."""

    def __init__(self, scrub: Scrub, transcript: Transcript) -> None:
        self._scrub = scrub
        self._transcript = transcript
        self._texts: dict[tuple[int, str], HeldText] = {}

    @property
    def found(self) -> set[str]:
        """The entity types found in what was let go."""
        return {kind for text in self._texts.values() for kind in text.found}

    def release(self, batch: Sequence[Event]) -> list[Event]:
        """The batch with the texts that may go by now."""
        return [event for held in batch for event in self._release(held)]

    def _release(self, event: Event) -> list[Event]:
        if event.raw != DONE:
            return [rewritten_event(event, self._pass_on)]
        rests = {place: text.end() for place, text in self._texts.items()}
        return [*(text_event(self._transcript, *place, rest) for place, rest in rests.items() if rest), event]

    def _pass_on(self, index: int, name: str, piece: str, *, last: bool) -> str:
        text = self._texts.setdefault((index, name), HeldText(self._scrub))
        ready = text.add(piece)
        return ready + text.end() if last else ready


def _mask(scrub: Scrub, texts: Iterable[str]) -> tuple[list[str], set[str]]:
    clean: list[str] = []
    found: set[str] = set()
    for text in texts:
        changed, types = scrub(text)
        clean.append(changed)
        found.update(types)
    return clean, found
