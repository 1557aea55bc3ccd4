"""One mapping in a YAML file that is sent as a whole: what is wrong with it is told with its line."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import assay
from assay_server.core.yaml_lines import line_of

_PLACE = re.compile(r"[a-z_]+(?:\[\d+\][\w.]*)+")


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a file holds."""

    file: Path
    written: str
    fields: dict[str, Any]

    @contextmanager
    def sent(self) -> Iterator[None]:
        """What the server refuses of it is told with the file and the line."""
        try:
            yield
        except assay.InvalidInput as error:
            error.message = f"{self.at(error.field)}: {_PLACE.sub(self._with_line, error.message)}"
            raise

    def at(self, field: str | None) -> str:
        """The file, with the line in which a field stands."""
        line = None if field is None else line_of(self.written, field)
        return str(self.file) if line is None else f"{self.file}:{line}"

    def _with_line(self, place: re.Match[str]) -> str:
        line = line_of(self.written, place[0])
        return place[0] if line is None else f"{place[0]} (line {line})"


def read_mapping(file: Path, keys: Collection[str], required: Collection[str]) -> Mapping:
    """Raises InvalidInput with all that is wrong with the keys, each with its line."""
    try:
        written = file.read_text(encoding="utf-8")
        found = yaml.safe_load(written)
    except UnicodeDecodeError as error:
        raise assay.InvalidInput(f"{file}: not UTF-8 text.", field="file", value=str(file)) from error
    except yaml.YAMLError as error:
        raise assay.InvalidInput(f"{file}: not YAML: {error}", field="file", value=str(file)) from error
    if not isinstance(found, dict):
        raise assay.InvalidInput(f"{file}: not a mapping of keys to values.", field="file", value=str(file))
    faults = [f"{file}:1: '{key}' is missing" for key in sorted(required) if key not in found]
    foreign = [key for key in found if key not in keys]
    faults += [f"{file}:{line_of(written, str(key)) or 1}: nobody reads '{key}' here" for key in foreign]
    if faults:
        raise assay.InvalidInput(
            "\n".join(faults), field="file", value=str(file), fix=f"the keys are {', '.join(sorted(keys))}"
        )
    return Mapping(file, written, found)
