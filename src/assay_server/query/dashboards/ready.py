"""The dashboards that every project has: YAML files of the package, in the format of people's own."""

from functools import cache
from importlib.resources import files

from assay_server.query.dashboards.definition import Dashboard
from assay_server.query.dashboards.written import from_yaml

_ORDER = ("performance", "cost", "usage", "quality", "confidence")


@cache
def ready_made() -> dict[str, Dashboard]:
    """By name, in the order in which they are listed."""
    folder = files(__package__) / "ready"
    return {name: from_yaml(name, (folder / f"{name}.yaml").read_text("utf-8")) for name in _ORDER}
