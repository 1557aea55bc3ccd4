"""Rules of retention: what is kept for how many days. Pure: from JSON to bounds in time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from assay_server.core.clock import DAY_NS
from assay_server.core.errors import InvalidInput

LONGEST_DAYS = 36_500

_MOST_RULES = 50
_LONGEST_NAME = 200
_DAYS = ("metadata_days", "text_days", "scores_days", "runs_days")
_WHOLE_PROJECT = ("scores_days", "runs_days")


@dataclass(slots=True, frozen=True)
class Rule:
    """None keeps. `environment` None: the rule of the whole project."""

    environment: str | None = None
    metadata_days: int | None = None
    text_days: int | None = None
    scores_days: int | None = None
    runs_days: int | None = None


@dataclass(slots=True, frozen=True)
class Bound:
    """What goes of the facts of an environment: those before the times; None: none of them.

    `environment` None: of all environments but `others`, which have bounds of their own.
    """

    environment: str | None
    others: tuple[str, ...]
    rows_before_ns: int | None
    text_before_ns: int | None
    text_days: int | None

    @property
    def label(self) -> str:
        return self.environment if self.environment is not None else "*"


def parse(given: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Raises InvalidInput naming the field."""
    if len(given) > _MOST_RULES:
        raise InvalidInput(f"There are at most {_MOST_RULES} rules.", field="rules", value=len(given))
    rules = tuple(_rule(one, f"rules[{index}]") for index, one in enumerate(given))
    names = [rule.environment for rule in rules]
    twice = next((name for index, name in enumerate(names) if name in names[:index]), "")
    if twice != "":
        raise InvalidInput(
            "There are two rules for the same facts.", field="rules", value=twice, fix="one rule for each environment"
        )
    return rules


def rules_json(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    return [asdict(rule) for rule in rules]


def bounds(rules: Sequence[Rule], now_ns: int) -> list[Bound]:
    """One for each rule; an environment without a rule of its own is under the project's."""
    named = tuple(sorted(rule.environment for rule in rules if rule.environment is not None))
    return [
        Bound(
            rule.environment,
            named if rule.environment is None else (),
            before(rule.metadata_days, now_ns),
            before(rule.text_days, now_ns),
            rule.text_days,
        )
        for rule in rules
    ]


def project_rule(rules: Sequence[Rule]) -> Rule:
    """The one of the whole project; without one, everything is kept."""
    return next((rule for rule in rules if rule.environment is None), Rule())


def media_before(rules: Sequence[Rule], now_ns: int) -> int | None:
    """Media are text, and know no environment: they go by the longest that any rule keeps text (or whole spans)."""
    if not any(rule.environment is None for rule in rules):
        return None
    kept = [rule.metadata_days if rule.text_days is None else rule.text_days for rule in rules]
    known = [days for days in kept if days is not None]
    return before(max(known), now_ns) if len(known) == len(kept) else None


def rules_of(rules: Sequence[Rule], environment: str | None) -> Sequence[Rule]:
    """Those that spans of an environment are under: its own, or else the project's. None: of any."""
    if environment is None:
        return rules
    return [rule for rule in rules if rule.environment == environment] or [project_rule(rules)]


def shortest_days(rules: Sequence[Rule], what: str, environment: str | None = None) -> int | None:
    """The days after which the first of these goes, or a part of it: `spans` or `scores`. None: nothing does.

    `environment`: of spans of this one alone, which are under its own rule, or else the project's.
    """
    if what == "scores":
        known = [(rule := project_rule(rules)).scores_days, rule.text_days]
    else:
        known = [days for rule in rules_of(rules, environment) for days in (rule.metadata_days, rule.text_days)]
    return min((days for days in known if days is not None), default=None)


def before(days: int | None, now_ns: int) -> int | None:
    return None if days is None else now_ns - days * DAY_NS


def _rule(given: Mapping[str, Any], field: str) -> Rule:
    unknown = sorted(set(given) - {"environment", *_DAYS})
    if unknown:
        raise InvalidInput("A rule has no such field.", field=f"{field}.{unknown[0]}", fix=f"use {', '.join(_DAYS)}")
    environment = given.get("environment")
    if environment is not None and (not isinstance(environment, str) or not 1 <= len(environment) <= _LONGEST_NAME):
        raise InvalidInput("An environment is a name, or null.", field=f"{field}.environment", value=environment)
    rule = Rule(environment, *(_days(given.get(name), f"{field}.{name}") for name in _DAYS))
    if rule.metadata_days is not None and rule.text_days is not None and rule.text_days > rule.metadata_days:
        raise InvalidInput(
            "Text cannot stay longer than the span that it belongs to.",
            field=f"{field}.text_days",
            value=rule.text_days,
            fix=f"give at most metadata_days, {rule.metadata_days}",
        )
    for name in _WHOLE_PROJECT:
        if environment is not None and getattr(rule, name) is not None:
            raise InvalidInput(
                "Scores and runs know no environment.",
                field=f"{field}.{name}",
                value=getattr(rule, name),
                fix="give it in the rule whose environment is null",
            )
    return rule


def _days(value: Any, field: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST_DAYS:
        raise InvalidInput(
            f"That is not a number of days from 1 to {LONGEST_DAYS}.",
            field=field,
            value=value,
            fix="null keeps for ever",
        )
    return value
