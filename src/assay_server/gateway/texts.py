"""Where the texts stand in messages, answers and streamed events of OpenAI's dialect, and how to replace them."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from assay_server.providers import Event, Transcript, data_of

_SAID = ("content", "reasoning_content", "reasoning", "refusal")


class Texts:
    """Texts found in a decoded document, which can be replaced where they stand."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._places: list[tuple[dict[str, Any], str]] = []

    def add(self, holder: dict[str, Any], key: str) -> None:
        self.all.append(holder[key])
        self._places.append((holder, key))

    def replace(self, texts: Sequence[str]) -> None:
        """One text for each, in order."""
        for (holder, key), text in zip(self._places, texts, strict=True):
            holder[key] = text


class PassOn(Protocol):
    """Takes a piece of a choice's text and gives what may go now; `last` where no more of it will come."""

    def __call__(self, index: int, name: str, piece: str, *, last: bool) -> str: ...


def texts_of_messages(messages: list[Any]) -> Texts:
    """The contents of a request's messages, whoever speaks."""
    texts = Texts()
    for message in messages:
        if isinstance(message, dict):
            _add(texts, message, "content")
    return texts


def texts_of_answer(answer: dict[str, Any]) -> Texts:
    """What an answer's choices say to a reader. Log-probabilities are taken out: they spell the text once more."""
    texts = Texts()
    for choice in _choices(answer):
        choice.pop("logprobs", None)
        message = choice.get("message")
        if isinstance(message, dict):
            for name in _SAID:
                _add(texts, message, name)
    return texts


def rewritten_event(event: Event, pass_on: PassOn) -> Event:
    """A streamed event with the texts of its deltas passed through `pass_on`; others are returned as they are."""
    data = data_of(event.raw)
    if data is None or not data.startswith(b"{"):
        return event
    chunk = msgspec.json.decode(data)
    for position, choice in enumerate(_choices(chunk)):
        choice.pop("logprobs", None)
        _pass_delta(choice, choice.get("index", position), pass_on)
    return Event(_event(chunk), event.begins)


def text_event(transcript: Transcript, index: int, name: str, text: str) -> Event:
    """A streamed event of our own, with a text of one choice."""
    choice = {"index": index, "delta": {name: text}, "finish_reason": None}
    head = {"id": transcript.id, "object": "chat.completion.chunk", "created": int(time.time())}
    chunk: dict[str, Any] = {**head, "model": transcript.model, "choices": [choice]}
    return Event(_event(chunk), begins=True)


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(chunk)


def _pass_delta(choice: dict[str, Any], index: int, pass_on: PassOn) -> None:
    """The last event of a choice gets the rest of all its texts."""
    last = choice.get("finish_reason") is not None
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        if not last:
            return
        delta = choice["delta"] = {}
    for name in _SAID:
        piece = delta.get(name)
        if isinstance(piece, str):
            delta[name] = pass_on(index, name, piece, last=last)
        elif last and (rest := pass_on(index, name, "", last=True)):
            delta[name] = rest


def _choices(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for choice in document.get("choices") or ():
        if isinstance(choice, dict):
            yield choice


def _add(texts: Texts, holder: dict[str, Any], name: str) -> None:
    value = holder.get(name)
    if isinstance(value, str):
        texts.add(holder, name)
    elif isinstance(value, list):
        for part in value:
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                texts.add(part, "text")
