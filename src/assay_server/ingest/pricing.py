"""What a span costs when it comes in, and when prices change afterwards: one rule for both."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from assay_server.core.records import Span, Tokens
from assay_server.providers import BATCH_KEYS, says_batch

ROLL_UPS = ("agent", "chain")
"""Kinds that often repeat the sum of their children: those are priced, these are not."""

_SOUND_SAID, _HOUR_SAID = "assay.audio", "assay.cache_write_1h_tokens"
_OBJECTS = ("langfuse.observation.usage_details", "langsmith.metadata.usage_metadata")
"""Usage as an object, which says both."""

AUDIO_KEYS = (
    _SOUND_SAID,
    "llm.token_count.prompt_details.audio",
    "llm.token_count.completion_details.audio",
    "gen_ai.usage.details.input_audio_tokens",
    "gen_ai.usage.details.output_audio_tokens",
    "gen_ai.usage.details.audio_tokens",
    *_OBJECTS,
)
"""Attributes that say how many of a call's tokens were sound, which costs many times what text does."""

HOUR_KEYS = (_HOUR_SAID, *_OBJECTS)
"""Attributes that say how many tokens stay in a cache for an hour, which costs more than the usual five minutes."""

_HOUR = re.compile(r"""["'](?:input_)?ephemeral_1hr?_input_tokens["']\s*:\s*(\d{1,15})\b""")
_SOUND = re.compile(r'"\w*audio\w*"\s*:\s*[1-9]')


class Prices(Protocol):
    """What `registry.OwnPrices` does: (US dollars, source), or None when unknown."""

    def price(
        self,
        provider: str | None,
        model: str,
        tokens: Tokens,
        at_ns: int,
        *,
        project: str | None = None,
        batch: bool = False,
        audio: bool = False,
        kept_an_hour: int = 0,
    ) -> tuple[float, str] | None: ...


def price_span(span: Span, prices: Prices) -> None:
    """In place. A cost that the client told stays."""
    if span.cost is None and span.tokens is not None and span.model is not None and span.kind not in ROLL_UPS:
        audio = _any(span.attributes, AUDIO_KEYS, says_audio)
        hour = kept_an_hour(span.attributes.get(key) for key in HOUR_KEYS) if span.tokens.cache_write else 0
        if audio or hour:
            _remember(span.attributes, audio, hour)
        priced = prices.price(
            span.provider, span.model, span.tokens, span.start_ns, project=span.project,
            batch=_any(span.attributes, BATCH_KEYS, says_batch), audio=audio, kept_an_hour=hour,
        )  # fmt: skip
        if priced is not None:
            span.cost, span.cost_source = priced


def _remember(attributes: dict[str, Any], audio: bool, hour: int) -> None:
    """A usage object is a long text that sampling and retention take away, and prices may change after that: what it
    says of them is kept as a flag and a number, which stay."""
    if any(key in attributes for key in _OBJECTS):
        if audio:
            attributes.setdefault(_SOUND_SAID, True)
        if hour:
            attributes.setdefault(_HOUR_SAID, hour)


def says_audio(value: Any) -> bool:
    """That it was so, a count, or the JSON of a usage object that holds one."""
    text = str(value)
    if text.lower() == "true":
        return True
    return text.isdigit() and int(text) > 0 if not text.startswith("{") else _SOUND.search(text) is not None


def kept_an_hour(values: Iterable[Any]) -> int:
    """Of what a call says in `HOUR_KEYS`: a count, or a usage object that holds one."""
    return max((_count(value) for value in values if value is not None), default=0)


def _count(value: Any) -> int:
    text = str(value)
    if text.isdigit():
        return int(text)
    found = _HOUR.search(text)
    return int(found[1]) if found else 0


def _any(attributes: Mapping[str, Any], keys: Sequence[str], says: Callable[[Any], bool]) -> bool:
    return any(says(attributes[key]) for key in keys if key in attributes)
