"""Dashboards as YAML in files: what is wrong with one is told by its line as well as its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from assay_server.core.errors import InvalidInput, TooLarge
from assay_server.core.yaml_lines import line_of
from assay_server.query.dashboards.definition import Dashboard, parse, to_json

LARGEST = 200_000  # characters of YAML

_DEFAULTS: dict[str, Any] = {"description": "", "filter": {}, "group_by": None, "top": 8}


@contextmanager
def told_by_line(written: str) -> Iterator[None]:
    """What is wrong with a dashboard says the line too where it was written as YAML."""
    try:
        yield
    except InvalidInput as error:
        line = None if error.field is None else line_of(written, error.field)
        if line is not None:
            error.message = f"{error.message} It stands in line {line}."
        raise


def from_yaml(name: str, written: str, saved_as: str | None = None) -> Dashboard:
    """`name` is taken where the text has none; another name than `saved_as` is refused.

    Raises InvalidInput with the line, for what is no YAML and what is no dashboard, and TooLarge.
    """
    if len(written) > LARGEST:
        raise TooLarge(f"A dashboard has at most {LARGEST} characters.", field="yaml")
    try:
        given = yaml.load(written, _Loader)  # noqa: S506 (a safe one)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        told = getattr(error, "problem", None) or "it cannot be read"
        raise InvalidInput(f"This is no YAML{where}: {told}.", field="yaml") from error
    if isinstance(given, dict):
        name = given.pop("name", name)
    with told_by_line(written):
        made = parse(name, given)
        if saved_as is not None:
            refuse_other_name(made.name, saved_as)
        return made


def refuse_other_name(name: str, saved_as: str) -> None:
    """Raises InvalidInput where a dashboard calls itself otherwise than the address it is saved at."""
    if name == saved_as:
        return
    raise InvalidInput(
        f"This dashboard calls itself '{name}', and would be saved as '{saved_as}'.",
        field="name",
        value=name,
        fix=f"leave the name out or write {saved_as}; `assay dashboard apply FILE` saves it as {name}",
    )


class _Loader(yaml.SafeLoader):
    """The safe loader, but for a field that is said twice: of two lists of panels, as a merge leaves them, one went."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' is said twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def to_yaml(dashboard: Dashboard) -> str:
    """As it stands in a file; `from_yaml` is its inverse."""
    document = {"name": dashboard.name, **to_json(dashboard)}
    document["panels"] = [_without_defaults(panel) for panel in document["panels"]]
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _without_defaults(panel: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in panel.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}
