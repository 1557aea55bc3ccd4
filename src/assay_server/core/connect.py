"""How foreign clients are pointed at Assay: the lines of `connect.yaml`, for people and for the interface."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(slots=True, frozen=True)
class Connection:
    """`lines` hold `{url}`, `{grpc}` and `{key}` where those belong."""

    client: str
    title: str
    language: str
    lines: tuple[str, ...]
    bench: str | None = None  # the client of the bench that proves the lines

    def filled(self, url: str, grpc: str, key: str) -> tuple[str, ...]:
        """The lines, ready to paste."""
        values = {"{url}": url, "{grpc}": grpc, "{key}": key}
        return tuple(_filled(line, values) for line in self.lines)


@lru_cache(1)
def connections() -> tuple[Connection, ...]:
    """All clients, in the order in which they are shown."""
    import yaml

    table = yaml.safe_load(files("assay_server.core").joinpath("connect.yaml").read_text("utf-8"))
    return tuple(Connection(**{**entry, "lines": tuple(entry["lines"])}) for entry in table["clients"])


def _filled(line: str, values: dict[str, str]) -> str:
    for place, value in values.items():
        line = line.replace(place, value)
    return line
