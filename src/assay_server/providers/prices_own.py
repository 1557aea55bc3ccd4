"""Prices a project set itself: which of them goes for a call, and what the call then costs."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from assay_server.core.records import Tokens
from assay_server.providers.prices import Rates, in_dollars


@dataclass(slots=True, frozen=True)
class OwnPrice:
    """`model` may hold `*`; it is compared with the model as it was sent and with `provider/model`.

    `batch` is the factor for batch calls; None means nobody said what those cost.
    """

    id: str
    model: str
    provider: str | None
    valid_from_ns: int | None
    rates: Rates
    batch: float | None = None

    def covers(self, provider: str | None, model: str) -> bool:
        """For this model at all, whenever the call was made."""
        if self.provider is not None and self.provider.lower() != (provider or "").lower():
            return False
        names = {model.lower()} if provider is None else {model.lower(), f"{provider}/{model}".lower()}
        return any(fnmatchcase(name, _literal_brackets(self.model.lower())) for name in names)

    def holds(self, at_ns: int) -> bool:
        return self.valid_from_ns is None or self.valid_from_ns <= at_ns

    def cost(self, tokens: Tokens, *, batch: bool) -> float | None:
        """US dollars; None when a bucket that was used has no rate, or a batch call no batch rate."""
        full = self.rates.cost(tokens)
        if full is None or not batch:
            return full
        return None if self.batch is None else in_dollars(full * self.batch)


def applying(prices: Iterable[OwnPrice], provider: str | None, model: str, at_ns: int) -> OwnPrice | None:
    """The closest one: exact before pattern, with before without provider, the longer pattern, then the newest date."""
    found = [price for price in prices if price.holds(at_ns) and price.covers(provider, model)]
    return max(found, key=_closeness, default=None)


def _closeness(price: OwnPrice) -> tuple[bool, bool, int, int]:
    literal = len(price.model.replace("*", ""))
    return "*" not in price.model, price.provider is not None, literal, price.valid_from_ns or 0


def _literal_brackets(pattern: str) -> str:
    """`*` is the only sign with a meaning; `?` and `[` occur in the names of fine-tuned models."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
