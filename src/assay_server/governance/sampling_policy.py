"""What a project keeps of what comes in: the definition, checked once when it is written."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.core.known import refuse_unknown_values

FIELDS = ("name", "kind", "service", "environment", "model", "provider", "user", "session", "status", "scope")
ACTIONS = ("keep", "sample", "drop")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}")
_MOST_RULES = 50
_MOST_VALUES = 100
_LONGEST_VALUE = 500

Match = Mapping[str, tuple[str, ...]]
"""Field -> the patterns of which one must match; all fields must. `*` stands for any characters."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The first rule that matches a span decides. `rate`: the share of traces whose content is kept by `sample`."""

    name: str
    match: Match
    action: str
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Tail:
    """Decides over a whole trace once it is quiet: content is kept for each of these reasons, or by the share."""

    share: float
    quiet_s: float = 30.0
    patience_s: float = 600.0
    errors: bool = True
    slower_than_ms: float | None = None
    slower_than_quantile: float | None = None
    flagged: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    """No rules and no tail: everything is kept."""

    rules: tuple[Rule, ...] = ()
    tail: Tail | None = None
    revision: int = 0
    updated_ns: int | None = field(default=None, compare=False)
    updated_by: str | None = field(default=None, compare=False)

    @property
    def keeps_all(self) -> bool:
        return not self.rules and self.tail is None


def parse(rules: Sequence[Mapping[str, Any]], tail: Mapping[str, Any] | None) -> Policy:
    """From JSON. Raises InvalidInput naming the field."""
    if len(rules) > _MOST_RULES:
        raise InvalidInput(f"At most {_MOST_RULES} rules.", field="rules", value=len(rules), fix="join some of them")
    parsed = tuple(_rule(rule, f"rules[{number}]") for number, rule in enumerate(rules))
    twice = {rule.name for rule in parsed if sum(other.name == rule.name for other in parsed) > 1}
    if twice:
        raise InvalidInput("Two rules have one name.", field="rules", value=min(twice), fix="name them apart")
    return Policy(parsed, None if tail is None else _tail(tail))


def rule_json(rule: Rule) -> dict[str, Any]:
    match = {name: list(patterns) if len(patterns) > 1 else patterns[0] for name, patterns in rule.match.items()}
    told = {"name": rule.name, "match": match, "action": rule.action}
    return told if rule.rate is None else {**told, "rate": rule.rate}


def tail_json(tail: Tail | None) -> dict[str, Any] | None:
    return None if tail is None else asdict(tail)


def parse_match(given: Any, where: str) -> Match:
    """A mapping of fields to a text or a list of texts; '-' in front of one leaves out. Raises InvalidInput."""
    if not isinstance(given, Mapping):
        raise InvalidInput(field=where, value=str(given)[:80], fix="an object of field: text or [texts]")
    return {name: _patterns(name, value, where) for name, value in given.items()}


def refuse_idle_rules(policy: Policy) -> None:
    """A rule of a kind of span that there is not decides nothing. Asked when rules are written. Raises InvalidInput."""
    for number, rule in enumerate(policy.rules):
        refuse_unknown_values(rule.match, f"rules[{number}].match", patterns=True)


def _rule(given: Mapping[str, Any], where: str) -> Rule:
    unknown = given.keys() - {"name", "match", "action", "rate"}
    if unknown:
        raise InvalidInput("A rule has no such field.", field=f"{where}.{min(unknown)}", fix="leave it out")
    name, action = given.get("name"), given.get("action")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        told = "A rule's name has 1 to 80 of a-z, A-Z, 0-9, ' ', '.', '_', '-', and begins with a letter or digit."
        raise InvalidInput(told, field=f"{where}.name", value=name, fix="write one like 'health checks'")
    if action not in ACTIONS:
        raise InvalidInput(field=f"{where}.action", value=action, fix=f"one of {', '.join(ACTIONS)}")
    match = parse_match(given.get("match") or {}, f"{where}.match")
    if not match and action == "drop":
        raise InvalidInput(
            "This rule would drop everything.", field=f"{where}.match", value={}, fix="say what is to be dropped"
        )
    return Rule(name, match, action, _rate(given.get("rate"), action, where))


def _rate(given: Any, action: Any, where: str) -> float | None:
    if action != "sample":
        if given is not None:
            raise InvalidInput("Only 'sample' has a rate.", field=f"{where}.rate", value=given, fix="leave it out")
        return None
    return _share(given, f"{where}.rate")


def _patterns(name: str, value: Any, where: str) -> tuple[str, ...]:
    if name.removeprefix("-") not in FIELDS:
        fix = ", ".join(FIELDS) + "; with '-' in front it is left out"
        raise InvalidInput("There is no such field to match.", field=f"{where}.{name}", value=name, fix=fix)
    values = value if isinstance(value, list) else [value]
    if not 1 <= len(values) <= _MOST_VALUES or not all(
        isinstance(v, str) and 0 < len(v) <= _LONGEST_VALUE for v in values
    ):
        raise InvalidInput(field=f"{where}.{name}", value=str(value)[:80], fix="a text, or a list of 1 to 100 texts")
    return tuple(values)


def _tail(given: Mapping[str, Any]) -> Tail:
    unknown = given.keys() - set(Tail.__slots__)
    if unknown:
        raise InvalidInput("The tail has no such field.", field=f"tail.{min(unknown)}", fix="leave it out")
    quiet = _number(given.get("quiet_s", 30.0), "tail.quiet_s", 1, 3600)
    patience = _number(given.get("patience_s", max(600.0, quiet)), "tail.patience_s", quiet, 86_400)
    slow, quantile = given.get("slower_than_ms"), given.get("slower_than_quantile")
    return Tail(
        share=_share(given.get("share"), "tail.share"),
        quiet_s=quiet,
        patience_s=patience,
        errors=_flag(given.get("errors", True), "tail.errors"),
        slower_than_ms=None if slow is None else _number(slow, "tail.slower_than_ms", 0, 1e12),
        slower_than_quantile=None if quantile is None else _share(quantile, "tail.slower_than_quantile"),
        flagged=_flag(given.get("flagged", True), "tail.flagged"),
    )


def _share(given: Any, where: str) -> float:
    return _number(given, where, 0, 1)


def _number(given: Any, where: str, low: float, high: float) -> float:
    right = isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)
    if not right or not low <= given <= high:
        raise InvalidInput(field=where, value=given, fix=f"a number from {low:g} to {high:g}")
    return float(given)


def _flag(given: Any, where: str) -> bool:
    if not isinstance(given, bool):
        raise InvalidInput(field=where, value=given, fix="true or false")
    return given
