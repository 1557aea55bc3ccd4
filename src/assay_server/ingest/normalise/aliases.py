"""The alias table: which attribute means which field. The data is `aliases.yaml`; this turns it into two look-ups."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

Entry = str | dict[str, Any]


@dataclass(slots=True, frozen=True)
class Kinds:
    """How one key says the kind: by its value (lower case), or by being there."""

    values: dict[str, str]
    present: str | None


@dataclass(slots=True, frozen=True)
class Aliases:
    """`exact`: attribute key -> the (field, rank) pairs it may fill; a lower rank wins.

    `families`: `llm.input_messages` -> the same, for keys that go on with a number.
    """

    version: int
    exact: dict[str, tuple[tuple[str, int], ...]]
    families: dict[str, tuple[tuple[str, int], ...]]
    prefixes: tuple[str, ...]
    texts: tuple[str, ...]
    kinds: dict[str, Kinds]
    token_styles: dict[str, str]
    token_names: dict[str, tuple[str, ...]]
    token_parts: tuple[str, ...]
    first_token_units: dict[str, str]
    cost_parts: dict[int, int]  # rank -> how many parts make the sum
    blanked: tuple[str, ...]  # how texts begin that a client's own scrubber put in place of a value
    unnamed: frozenset[str]  # names of services that are none
    langchain: frozenset[str]  # scopes whose texts may be LangChain's messages
    with_langchain: frozenset[str]  # sources of bodies that may be LangChain's messages
    with_quotes: frozenset[str]  # sources of bodies that are JSON also where they are a text alone
    with_tools: frozenset[str]  # sources of inputs among whose messages may be the tools that were offered
    with_answers: frozenset[str]  # sources of inputs whose last message may be the answer
    quoting: tuple[str, ...]  # how scopes begin whose texts are JSON
    document_kinds: dict[str, tuple[str, ...]]  # key -> on spans of which kinds it holds documents; others: on all
    identities: frozenset[str]  # keys that name a user or a session
    reals: frozenset[str]  # keys of real numbers, which some clients send as whole ones


@lru_cache(1)
def aliases() -> Aliases:
    """The table of this package, read once."""
    return compile_aliases(
        yaml.safe_load(files("assay_server.ingest.normalise").joinpath("aliases.yaml").read_text("utf-8"))
    )


def compile_aliases(table: dict[str, Any]) -> Aliases:
    """Raises KeyError or TypeError where the table is not of the shape of `aliases.yaml`."""
    exact: dict[str, list[tuple[str, int]]] = {}
    families: dict[str, list[tuple[str, int]]] = {}
    for field, entries in _fields(table).items():
        for rank, entry in enumerate(entries):
            for key in _keys(entry):
                target = families if isinstance(entry, dict) and "prefix" in entry else exact
                target.setdefault(key, []).append((field, rank))
    tokens = table["tokens"]
    return Aliases(
        version=table["version"],
        exact={key: tuple(places) for key, places in exact.items()},
        families={key: tuple(places) for key, places in families.items()},
        prefixes=tuple(f"{key}." for key in families),
        texts=tuple(table["texts"]),
        kinds={entry["key"]: Kinds(entry.get("values", {}), entry.get("present")) for entry in table["kinds"]},
        token_styles={entry["key"]: entry["style"] for entry in tokens["objects"]},
        token_names={name: tuple(names) for name, names in tokens["names"].items()},
        token_parts=tuple(tokens["cache_write_parts"]),
        first_token_units={entry["key"]: entry["unit"] for entry in table["first_token"]},
        cost_parts={rank: len(_keys(entry)) for rank, entry in enumerate(table["costs"])},
        blanked=tuple(table["blanked"]),
        unnamed=frozenset(table["unnamed"]),
        langchain=frozenset(table["langchain"]),
        with_langchain=frozenset(table["with_langchain"]),
        with_quotes=frozenset(table["with_quotes"]),
        with_tools=frozenset(table["with_tools"]),
        with_answers=frozenset(table["with_answers"]),
        quoting=tuple(table["quoting"]),
        document_kinds={
            entry["key"]: tuple(entry["of"])
            for entry in table["documents"]
            if isinstance(entry, dict) and "of" in entry
        },
        identities=frozenset((*table["texts"]["user"], *table["texts"]["session"])),
        reals=frozenset(table["reals"]),
    )


def _fields(table: dict[str, Any]) -> dict[str, list[Entry]]:
    tokens = table["tokens"]
    return {
        **table["texts"],
        **table["bodies"],
        **{f"tokens.{name}": keys for name, keys in tokens["totals"].items()},
        "tokens.object": tokens["objects"],
        "system": table["system"],
        "kind": table["kinds"],
        "cost": table["costs"],
        "first_token": table["first_token"],
        "tags": table["tags"],
        "documents": table["documents"],
        "tools": table["tools"],
        "linked_prompts": table["linked_prompts"],
        "trace_name": table["trace_names"],
    }


def _keys(entry: Entry) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    if "sum" in entry:
        return list(entry["sum"])
    return [entry.get("prefix") or entry["key"]]
