"""The line that narrows a list of traces: `status:error latency>2s score.helpful<0.5 refund "late delivery"`.

Read into the parameters of the list, with the place of every part. Nothing is guessed: what begins like a condition and
cannot be read is refused with the part and a fix, also where the field is nearly one. What has no known field in front
is a word; 32 hex digits are a trace's id. A part with '-' in front may not hold.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.clock import rfc3339
from assay_server.core.errors import InvalidInput
from assay_server.core.records import SPAN_KINDS
from assay_server.query.filters.near_fields import meant
from assay_server.query.filters.quoting import quoted, unquoted, values_of

LONGEST = 2000  # characters

_EQUAL = (
    "status", "model", "provider", "kind", "name", "user", "session", "service", "environment", "release", "channel",
    "canary", "arm", "run", "tag", "feature", "tenant", "cost_center",
    "prompt", "prompt_version", "error_type", "endpoint",
)  # fmt: skip
DIFFERING = ("kind", "name", "model", "provider", "service", "error_type")
"""What `!=` asks of one span: it says another one."""

_ALSO = {"env": "environment", "trace": "trace_id"}
_SINGLE: dict[str, str] = {name: name for name in _EQUAL} | _ALSO
ANY_OF = (*_EQUAL, "trace_id")
"""Parameters that may have several values, of which one must hold."""
MOST_VALUES = 50
_BOUNDS = {"<": "max", "<=": "max", ">": "min", ">=": "min"}
_WORDS = {":": "eq", "=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "~": "contains"}
_MILLISECONDS = {"ms": 1.0, "s": 1000.0, "m": 60_000.0}
_AGO_S = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SECOND_NS = 1_000_000_000
_LONGEST_AGO_S = 100 * 366 * 86_400

_PART = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_HEAD = re.compile(r"([a-z_]+)(<=|>=|!=|<|>|=|:|~)")
_SCORE = re.compile(r"score\.([^\s:<>=!~]+)(<=|>=|!=|<|>|=|:|~)")
_ATTRIBUTE = re.compile(r"attr\.([^\s:<>=!~]+)(<=|>=|!=|<|>|=|:|~)")
_LATENCY = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)")
_COST = re.compile(r"\$?(\d+(?:\.\d+)?|\.\d+)")
_TOKENS = re.compile(r"(\d{1,15}(?:\.\d+)?)([kM]?)")
_TIMES = {"": 1.0, "k": 1e3, "M": 1e6}
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?")
_AGO = re.compile(r"(\d{1,6})([mhdw])")
_OPPOSITE = {"since": "until", "until": "since"}
_TRACE_ID = re.compile(r"[0-9a-fA-F]{32}")
_MINUS = re.compile(r'-(?=[\w"])')


@dataclass(slots=True, frozen=True)
class LinePart:
    """`start` and `end` are places in the line, in characters of Python. Words have the field `text`. `values`: of a
    field that may have several (`model:a,b`); `value` is then what is written."""

    start: int
    end: int
    field: str
    op: str | None
    value: str
    negated: bool = False
    values: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Line:
    """`filter`: the parameters of the list that say the same; `score`, `attribute`, `differs` and `exclude` are
    lists, and so is what has several values; `text` is one text."""

    filter: dict[str, Any] = field(default_factory=dict)
    parts: list[LinePart] = field(default_factory=list)


def read_line(q: str, now_ns: int) -> Line:
    """`now_ns` is what `since:2d` counts back from. Raises `InvalidInput` with the part that cannot be read."""
    if len(q) > LONGEST:
        raise InvalidInput(f"A search has at most {LONGEST} characters.", field="q", fix="search for less at once")
    line = Line()
    words = []
    for part, text in _parts(q):
        line.parts.append(part)
        if part.negated:
            _excluded(part, text, now_ns)
            line.filter.setdefault("exclude", []).append(text[1:])
        elif part.field == "text":
            words.append(_word(text))
            _refuse_slip(text)
        else:
            _take(line.filter, part, text, now_ns)
    if words:
        line.filter["text"] = " ".join(words)
    return line


def fields_in(q: str) -> set[str]:
    """What a line narrows by, also where it cannot be read."""
    return {part.field for part, _ in _parts(q)}


def read_excluded(text: str, now_ns: int) -> dict[str, Any]:
    """The parameters of what may not hold: one part as it stands in the line behind its '-'. Raises `InvalidInput`."""
    parts = [part for part, _ in _parts(text)]
    try:
        if len(parts) != 1 or parts[0].negated:
            raise _unreadable(text, "This is not one condition.", "one part of a line, as status:error")
        return _excluded(parts[0], text, now_ns)
    except InvalidInput as refused:
        raise InvalidInput(refused.message, field="exclude", value=text, fix=refused.fix) from refused


def excluding(field: str, value: str) -> str | None:
    """The part of a line that finds what is to be left out, as `read_excluded` reads it; None where no part says it."""
    head = field.removeprefix("attribute:")
    if field.startswith("attribute:"):
        known = _ATTRIBUTE.fullmatch(f"attr.{head}:") is not None and value != "*"
        return f"attr.{head}:{quoted(value)}" if known else None
    if field not in _EQUAL or (field == "kind" and value not in SPAN_KINDS):
        return None
    return f"{field}:{quoted(value)}"


def line_json(q: str, line: Line) -> dict[str, Any]:
    """As the API shows it: places in UTF-16 code units, as a browser counts them."""
    return {
        "filter": line.filter,
        "parts": [
            {"from": _units(q[: part.start]), "to": _units(q[: part.end]), "field": part.field, "op": part.op,
             "value": part.value, "negated": part.negated}
            for part in line.parts
        ],
    }  # fmt: skip


def _parts(q: str) -> Iterator[tuple[LinePart, str]]:
    for match in _PART.finditer(q):
        text, start, end = match[0], match.start(), match.end()
        if _TRACE_ID.fullmatch(text):
            yield LinePart(start, end, "trace", ":", text.lower(), values=(text.lower(),)), text
            continue
        minus = _MINUS.match(text)
        said = text[1:] if minus else text
        head = _SCORE.match(said) or _ATTRIBUTE.match(said) or _HEAD.match(said)
        if head is None or (head.re is _HEAD and head[1] not in _READERS):
            yield LinePart(start, end, "text", None, unquoted(said), bool(minus)), text
            continue
        name, written = said[: head.end(1)], said[head.end() :]
        values = values_of(written) if name in _SINGLE else ()
        value = written if len(values) > 1 else unquoted(written)
        yield LinePart(start, end, name, head[2], value, bool(minus), values), text


def _word(text: str) -> str:
    if text == "NOT":
        raise _unreadable(text, "What may not hold has '-' in front.", 'as -status:error; the word itself: "NOT"')
    return text


def _refuse_slip(text: str) -> None:
    slip = meant(text, _READERS)
    if slip is not None:
        raise _unreadable(text, "It looks like a condition, of no field there is.", f'{slip}, or as words: "{text}"')


def _excluded(part: LinePart, text: str, now_ns: int) -> dict[str, Any]:
    """Every trace that this finds is left out."""
    if part.field == "text":
        if slip := meant(part.value, _READERS):
            raise _unreadable(text, "It looks like a condition, of no field there is.", f"-{slip}")
        fix = f'exclude by a field, as -name:… or -attr.KEY~…; what is to be found stands in quotes: "-{part.value}"'
        raise _unreadable(text, "Words cannot be excluded, and this is none of the fields.", fix)
    if part.field in _OPPOSITE:
        raise _unreadable(text, "A time is not excluded.", f"write {_OPPOSITE[part.field]}:{part.value}")
    found: dict[str, Any] = {}
    _take(found, part, text, now_ns)
    return found


def _take(found: dict[str, Any], part: LinePart, text: str, now_ns: int) -> None:
    if not part.value:
        raise _unreadable(text, "It has no value.", f"write {part.field}{part.op} with a value behind it")
    if part.field.startswith(("score.", "attr.")):
        kind, _, name = part.field.partition(".")
        reader = _score if kind == "score" else _attribute
        found.setdefault("score" if kind == "score" else "attribute", []).append(reader(name, part, text))
        return
    if part.op == "!=" and part.field in DIFFERING:
        found.setdefault("differs", []).extend(f"{part.field}:{value}" for value in _values(part, text))
        return
    parameter, value = _READERS[part.field](part, text, now_ns)
    if parameter in found:
        either = f", or write {part.field}:a,b where one of them must hold" if parameter in ANY_OF else ""
        raise _unreadable(text, "This stands in the line already.", f"leave one '{part.field}' out{either}")
    found[parameter] = value


def _equal(part: LinePart, text: str, now_ns: int) -> tuple[str, Any]:
    if part.op not in {":", "="}:
        minus = "-" if part.op == "!=" and not part.negated else ""
        raise _unreadable(text, f"'{part.field}' is compared by ':' only.", f"write {minus}{part.field}:{part.value}")
    values = _values(part, text)
    if part.field == "kind" and not set(values) <= set(SPAN_KINDS):
        raise _unreadable(text, "There is no such kind of span.", f"use one of {', '.join(SPAN_KINDS)}")
    return _SINGLE[part.field], values[0] if len(values) == 1 else values


def _values(part: LinePart, text: str) -> list[str]:
    if "" in part.values:
        raise _unreadable(text, "A value between commas is empty.", f'{part.field}:a,b; with a comma in it: "a,b"')
    if len(part.values) > MOST_VALUES:
        raise _unreadable(text, f"These are more than {MOST_VALUES} values.", "search for fewer at once")
    return [value.lower() for value in part.values] if part.field == "trace" else list(part.values)


def _latency(part: LinePart, text: str, now_ns: int) -> tuple[str, Any]:
    read = _LATENCY.fullmatch(part.value)
    if part.op not in _BOUNDS or read is None:
        raise _unreadable(
            text, "A latency is compared with <, <=, >, >= and has a unit.", "latency>2s or latency<=200ms"
        )
    return f"{_BOUNDS[part.op]}_latency_ms", float(read[1]) * _MILLISECONDS[read[2]]


def _cost(part: LinePart, text: str, now_ns: int) -> tuple[str, Any]:
    read = _COST.fullmatch(part.value)
    if part.op not in _BOUNDS or read is None:
        raise _unreadable(text, "A cost is compared with <, <=, >, >= in dollars.", "cost>0.01")
    return f"{_BOUNDS[part.op]}_cost", float(read[1])


def _tokens(part: LinePart, text: str, now_ns: int) -> tuple[str, Any]:
    read = _TOKENS.fullmatch(part.value)
    if part.op not in _BOUNDS or read is None:
        raise _unreadable(text, "Tokens are compared with <, <=, >, >=.", "tokens>10000 or tokens<=10k")
    return f"{_BOUNDS[part.op]}_tokens", float(read[1]) * _TIMES[read[2]]


def _time(part: LinePart, text: str, now_ns: int) -> tuple[str, Any]:
    """How long ago, or a time as it is; whether that one can be read is told where times are read."""
    read = _AGO.fullmatch(part.value)
    if part.op not in {":", "="}:
        raise _unreadable(text, f"'{part.field}' takes ':'.", f"{part.field}:2d or {part.field}:2026-11-21T08:00:00Z")
    if read is None:
        return part.field, part.value
    ago_s = int(read[1]) * _AGO_S[read[2]]
    if ago_s > _LONGEST_AGO_S:
        raise _unreadable(text, "Nothing is that old.", f"{part.field}:30d")
    return part.field, rfc3339(now_ns - ago_s * _SECOND_NS)


def _score(name: str, part: LinePart, text: str) -> str:
    """A number is that of the mean, another text the label of one of them."""
    if part.op in {":", "="} and part.value == "*":
        return f"{name}:exists:"
    if part.op in {"<", "<=", ">", ">="} and not _NUMBER.fullmatch(part.value):
        raise _unreadable(text, "A score is compared with a number.", f"score.{name}<0.5")
    return f"{name}:{_WORDS[str(part.op)]}:{part.value}"


def _attribute(name: str, part: LinePart, text: str) -> str:
    if part.op in {":", "="} and part.value == "*":
        return f"{name}:exists:"
    return f"{name}:{_WORDS[str(part.op)]}:{part.value}"


_Reader = Callable[[LinePart, str, int], tuple[str, Any]]
_READERS: dict[str, _Reader] = dict.fromkeys(_SINGLE, _equal) | {
    "latency": _latency, "cost": _cost, "tokens": _tokens, "since": _time, "until": _time,
}  # fmt: skip


def _unreadable(part: str, why: str, fix: str) -> InvalidInput:
    return InvalidInput(f"'{part}' cannot be read. {why}", field="q", value=part, fix=fix)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
