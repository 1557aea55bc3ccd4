"""Which model names are pinned: what was tested last month must be what answers tomorrow.

Accepted: a date (`2024-08-06`, `20250514`, `09-2025`), a digest (`@sha256:…`), a commit (`@` and 40 hex digits),
a version of one's own artifact (`-v1.2`), and the vendors' numbered names listed in `data/models.yaml`.
"""

import re
from functools import cache
from importlib.resources import files

from assay_server.core.errors import InvalidInput

_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_PINNED = re.compile(
    rf"(?<!\d)20\d\d-{_MONTH}-{_DAY}(?!\d)"
    rf"|(?<!\d)20\d\d{_MONTH}{_DAY}(?!\d)"
    rf"|-{_MONTH}-20\d\d(?!\d)"
    r"|@sha256:[0-9a-f]{12,64}$"
    r"|@[0-9a-f]{40}$"
    r"|-v\d+(?:\.\d+)+$"
)
_FLOATING = re.compile(r"(?:^|[-:/@.])latest(?:$|[-:@.])")
_WHOLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}/\S{1,200}")
_TAIL = re.compile(r"-(?:\d{4}-\d\d-\d\d|\d{3,8}|\d\d-20\d\d)(?:-preview)?")
_MOST_NAMED = 5


def check_model(model: str, field: str = "model") -> str:
    """`provider/name` with a pinned name. Raises InvalidInput, naming the pinned names that are known."""
    if not _WHOLE.fullmatch(model):
        raise InvalidInput(
            "A model is written provider/name.", field=field, value=model, fix="write openai/gpt-4o-2024-08-06, say"
        )
    provider, _, name = model.partition("/")
    if not is_pinned(name):
        known = [f"{provider}/{found}" for found in pinned_names(name)]
        raise InvalidInput(
            f"'{name}' is a floating name: what it means can change after it was tested.",
            field=field,
            value=model,
            fix=_fix(known),
        )
    return model


def is_pinned(name: str) -> bool:
    """Whether a model's name, without its provider, always means the same model."""
    if _FLOATING.search(name):
        return False
    return _PINNED.search(name) is not None or name.rpartition("/")[2] in _known_names()


def pinned_names(name: str) -> list[str]:
    """The pinned names that are known for a floating one, newest first: `gpt-4o` -> `gpt-4o-2024-11-20`, …"""
    stem = re.sub(r"[-:]latest$|:[a-z]+$", "", name.rpartition("/")[2])
    for candidate in dict.fromkeys((stem, stem.removesuffix("-0"))):
        exact = [known for known in _known_names() if known.startswith(candidate) and _is_tail(known[len(candidate) :])]
        if exact:
            return _newest_first(exact)
    return _newest_first([known for known in _known_names() if len(stem) > 2 and known.startswith(f"{stem}-")])


def _is_tail(rest: str) -> bool:
    return _TAIL.fullmatch(rest) is not None


def _newest_first(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: (re.findall(r"\d{3,}", name), name), reverse=True)[:_MOST_NAMED]


def _fix(known: list[str]) -> str:
    if known:
        return f"use one of {', '.join(known)}"
    return "use the vendor's dated name, or a version of your own artifact such as name@sha256:… or name-v1.2"


@cache
def _known_names() -> tuple[str, ...]:
    import yaml

    text = files("assay_server.registry").joinpath("data/models.yaml").read_text("utf-8")
    return tuple(name for names in yaml.safe_load(text).values() for name in names)
