"""Where in a YAML text a place such as `panels[2].metrics[0].quantile` stands."""

import re

import yaml

_AT = re.compile(r"\[(\d+)\]")


def line_of(written: str, place: str) -> int | None:
    """The line, from 1, of the field or of the nearest around it that is written; None where not even that is."""
    try:
        node = yaml.compose(written, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    line, rest = None, place
    while node is not None and rest:
        step = _step(node, rest)
        if step is None:
            break
        line, node, rest = step
    return line


def _step(node: yaml.Node, place: str) -> tuple[int, yaml.Node, str] | None:
    """(line, what stands there, the rest of the place) of the first part of a place."""
    if isinstance(node, yaml.SequenceNode):
        at = _AT.match(place)
        if at is None or int(at[1]) >= len(node.value):
            return None
        item = node.value[int(at[1])]
        return item.start_mark.line + 1, item, place[at.end() :].removeprefix(".")
    if not isinstance(node, yaml.MappingNode):
        return None
    named = [(key, value) for key, value in node.value if _begins(place, str(key.value))]
    if not named:
        return None
    key, value = max(named, key=lambda one: len(one[0].value))  # names may hold dots: `attribute:http.route`
    return key.start_mark.line + 1, value, place[len(key.value) :].removeprefix(".")


def _begins(place: str, name: str) -> bool:
    return place == name or place.startswith((name + ".", name + "["))
