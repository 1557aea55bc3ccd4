"""A scheduled export as people write it: checked once, with every fault named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

from assay_server.core.errors import InvalidInput
from assay_server.query import (
    LONGEST_LINE,
    SEARCH,
    Format,
    ScoreFilter,
    SpanFilter,
    TraceFilter,
    check_values,
    filter_of_line,
    kept_by,
    left_out_by,
    line_of,
)

What = Literal["traces", "spans", "scores"]
Every = Literal["hour", "day", "week"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_NEVER_IN_AN_ADDRESS = re.compile(r"[\s\x00-\x1f\x7f]")
_FOLDER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_LONGEST = 500
_MOST_VALUES = 100

_FIELDS: dict[What, tuple[str, ...]] = {
    "traces": (
        *("model", "provider", "kind", "name", "status", "user", "session", "release", "channel", "canary", "arm"),
        *("run", "environment", "service", "tag", "feature", "tenant", "cost_center", "prompt"),
        *("prompt_version", "error_type", "endpoint"),
    ),
    "spans": ("kind", "name", "model", "status", "release", "run", "user", "session", "service", "environment"),
    "scores": ("name", "run", "item", "source"),
}


_BESIDE: dict[What, str] = {"traces": "; or 'search', a line of their list", "spans": "", "scores": ""}


@dataclass(frozen=True, slots=True)
class Folder:
    """Below the server's export directory, in a folder of the project's own."""

    path: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """S3, or what speaks its language at `endpoint`. The key and its secret are names of environment variables."""

    bucket: str
    prefix: str
    key_env: str
    secret_env: str
    region: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """One file of `format` a window of length `every`, with what began in it.

    A word of `filter` has one value; one with '-' in front leaves out, and may have several. Of traces `search` is a
    line of their list, without times.
    """

    name: str
    what: What
    format: Format
    every: Every
    target: Folder | Bucket
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enabled: bool = True

    def narrow(self, since_ns: int, until_ns: int) -> TraceFilter | SpanFilter | ScoreFilter:
        """The filter of one window."""
        kept = {name: values[0] if len(values) == 1 else values for name, values in kept_by(self.filter).items()}
        given: dict[str, Any] = {**kept, "since_ns": since_ns, "until_ns": until_ns}
        if self.what == "traces":
            searched = self._searched()
            given.pop(SEARCH, None)
            exclude: list[Any] = [{name: value} for name, value in self.left_out()]
            left_out = [TraceFilter(**each) for each in exclude]
            return replace(searched, **given, exclude=(*searched.exclude, *left_out))
        without = tuple(self.left_out())
        return SpanFilter(**given, without=without) if self.what == "spans" else ScoreFilter(**given, without=without)

    @property
    def by_scores(self) -> bool:
        """Whether a judgement decides what is in a file: it often comes when that is written."""
        searched = self._searched()
        return any(each.scores for each in (searched, *searched.exclude))

    def _searched(self) -> TraceFilter:
        return filter_of_line(line_of(self.filter[SEARCH][0])) if SEARCH in self.filter else TraceFilter()

    def left_out(self) -> list[tuple[str, str]]:
        """Fields with the values that they may not have."""
        return [(name, value) for name, values in left_out_by(self.filter).items() for value in values]


def parse(given: Mapping[str, Any]) -> Definition:
    """From JSON. Raises InvalidInput naming the field."""
    what = cast("What", _one_of(given, "what", get_args(What)))
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        told = "An export's name has 1 to 100 of a-z, 0-9, '.', '_', '-', and begins with a letter or digit."
        raise InvalidInput(told, field="name", value=name, fix="write it in lower case, with '-' for spaces")
    return Definition(
        name=name,
        what=what,
        format=cast("Format", _one_of(given, "format", get_args(Format))),
        every=cast("Every", _one_of(given, "every", get_args(Every))),
        target=_target(given.get("target")),
        filter=_filter(what, given.get("filter") or {}),
        enabled=bool(given.get("enabled", True)),
    )


def to_json(definition: Definition) -> dict[str, Any]:
    """As the API shows it; there are no secrets in it."""
    target = definition.target
    if isinstance(target, Folder):
        where: dict[str, Any] = {"folder": target.path}
    else:
        said = {name: getattr(target, name) for name in ("region", "endpoint", "key_env", "secret_env")}
        where = {"s3": f"{target.bucket}/{target.prefix}".rstrip("/")} | {
            k: v for k, v in said.items() if v is not None
        }
    return {
        "name": definition.name,
        "what": definition.what,
        "filter": {word: values[0] if len(values) == 1 else list(values) for word, values in definition.filter.items()},
        "format": definition.format,
        "every": definition.every,
        "target": where,
        "enabled": definition.enabled,
    }


def variable(name: Any, where: str) -> str:
    """The name of an environment variable that may hold a secret for somebody else. Raises InvalidInput."""
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name) or name.startswith("ASSAY_"):
        raise InvalidInput(
            "This is no name of an environment variable for a secret.",
            field=where,
            value=str(name)[:80],
            fix="name a variable of the server's environment that does not begin with ASSAY_; never the secret itself",
        )
    return name


def web_address(value: Any, where: str) -> str:
    """An http or https address without a password in it. Raises InvalidInput."""
    if not isinstance(value, str) or len(value) > _LONGEST or not _is_web(value):
        raise InvalidInput(
            "This is no address to send to.",
            field=where,
            value=str(value).rpartition("@")[2][:80],
            fix="write https://host/path, without a user or password",
        )
    return value


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:  # of brackets
        return False
    said = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    return said and _NEVER_IN_AN_ADDRESS.search(address) is None


def _target(given: Any) -> Folder | Bucket:
    if isinstance(given, Mapping) and set(given) == {"folder"}:
        folder = given["folder"]
        if not isinstance(folder, str) or len(folder) > _LONGEST or not _FOLDER.fullmatch(folder):
            raise InvalidInput(
                "A folder is named from the export directory on.",
                field="target.folder",
                value=str(folder)[:80],
                fix="write it like bi/spans: plain letters, digits, '.', '_' and '-', without '..' or a slash in front",
            )
        return Folder(folder)
    if isinstance(given, Mapping) and "s3" in given:
        return _bucket(given)
    raise InvalidInput("An export needs a target.", field="target", fix='{"folder": "…"} or {"s3": "bucket/prefix", …}')


def _bucket(given: Mapping[str, Any]) -> Bucket:
    unknown = given.keys() - {"s3", "region", "endpoint", "key_env", "secret_env"}
    if unknown:
        raise InvalidInput("A target has no such field.", field=f"target.{min(unknown)}", fix="leave it out")
    place = given["s3"] if isinstance(given["s3"], str) else ""
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(bucket) or (prefix and not _FOLDER.fullmatch(prefix.rstrip("/"))):
        raise InvalidInput(field="target.s3", value=place[:80], fix="write it like bucket/prefix")
    region, endpoint = given.get("region"), given.get("endpoint")
    if region is not None and (not isinstance(region, str) or not _NAME.fullmatch(region)):
        raise InvalidInput(field="target.region", value=str(region)[:80], fix="write it like eu-central-1")
    return Bucket(
        bucket,
        prefix.rstrip("/"),
        variable(given.get("key_env"), "target.key_env"),
        variable(given.get("secret_env"), "target.secret_env"),
        region,
        None if endpoint is None else web_address(endpoint, "target.endpoint"),
    )


def _filter(what: What, given: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(given, Mapping):
        raise InvalidInput(field="filter", value=str(given)[:80], fix="an object of field: text")
    known = {word for name in _FIELDS[what] for word in (name, f"-{name}")} | ({SEARCH} if what == "traces" else set())
    for word in given:
        if word not in known:
            fix = f"one of {', '.join(_FIELDS[what])}; with '-' in front it is left out{_BESIDE[what]}"
            raise InvalidInput(f"{what} are not narrowed by this.", field=f"filter.{word}", value=word, fix=fix)
    found = {word: _values(what, word, value) for word, value in given.items()}
    if SEARCH in found:
        _refuse_said_twice(found)
    return found


def _refuse_said_twice(found: Mapping[str, tuple[str, ...]]) -> None:
    """A search that says what stands beside it: no list takes a field twice."""
    twice = sorted(line_of(found[SEARCH][0]).filter.keys() & found.keys())
    if twice:
        raise InvalidInput(
            f"'{twice[0]}' stands in 'search' and beside it.", field=f"filter.{twice[0]}", fix="say it once"
        )


def _values(what: What, word: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    most = _MOST_VALUES if (what == "traces" and word != SEARCH) or word.startswith("-") else 1
    longest = LONGEST_LINE if word == SEARCH else _LONGEST
    if not 1 <= len(values) <= most or not all(isinstance(one, str) and 0 < len(one) <= longest for one in values):
        fix = f"{'a text' if most == 1 else f'1 to {most} texts'} of 1 to {longest:,} characters"
        raise InvalidInput(field=f"filter.{word}", value=str(value)[:80], fix=fix)
    check_values(word, values, f"filter.{word}")
    return tuple(values)


def _one_of(given: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = given.get(name)
    if value not in known:
        raise InvalidInput(field=name, value=str(value)[:80], fix=f"one of {', '.join(known)}")
    return str(value)
