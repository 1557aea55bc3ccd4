"""Values as they stand in a line of filters: between quotes where they have spaces, quotes or commas."""

import re

_VALUE = re.compile(r'((?:[^",]|"[^"]*"?)*)(,|$)')


def values_of(written: str) -> tuple[str, ...]:
    """The values of `a,"b, c"`, each once, without their quotes."""
    values = []
    for match in _VALUE.finditer(written):
        values.append(unquoted(match[1]))
        if not match[2]:
            break
    return tuple(dict.fromkeys(values))


def unquoted(text: str) -> str:
    """What stands between quotes, where a doubled one is one."""
    return text.removeprefix('"').removesuffix('"').replace('""', '"') if text.startswith('"') else text


def quoted(text: str) -> str:
    """As it may stand in a line: between quotes where it has spaces, quotes or commas."""
    return '"' + text.replace('"', '""') + '"' if re.search(r'[\s",]', text) else text
