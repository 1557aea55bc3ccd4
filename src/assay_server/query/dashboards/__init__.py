"""Dashboards: panels over the facts, ready made and people's own."""

from assay_server.query.dashboards.definition import Dashboard, Panel, parse, parse_panel, to_json
from assay_server.query.dashboards.panels import Panels
from assay_server.query.dashboards.ready import ready_made
from assay_server.query.dashboards.stored import Dashboards
from assay_server.query.dashboards.words import RANGES, filter_of, vocabulary
from assay_server.query.dashboards.written import from_yaml, refuse_other_name, to_yaml, told_by_line

__all__ = [
    "RANGES",
    "Dashboard",
    "Dashboards",
    "Panel",
    "Panels",
    "filter_of",
    "from_yaml",
    "parse",
    "parse_panel",
    "ready_made",
    "refuse_other_name",
    "to_json",
    "to_yaml",
    "told_by_line",
    "vocabulary",
]
