"""The typed read side of facts: spans, traces, scores, run items and live comparisons, always of one project."""

from assay_server.query.comparisons import ArmOperations, Comparisons, UnitMean, UnitOperations
from assay_server.query.cost_sql import CostFilter
from assay_server.query.costs import Costs, Day
from assay_server.query.run_items import ItemScore, JudgedItem, RunItems
from assay_server.query.scores import ScoreFilter, Scores, score_json
from assay_server.query.sql import Page
from assay_server.query.traces import SpanFilter, TraceFilter, Traces
from assay_server.query.windows import FIELDS, FILTERS, METRICS, RATES, Figure, Metric, Window, Windows

__all__ = [
    "FIELDS",
    "FILTERS",
    "METRICS",
    "RATES",
    "ArmOperations",
    "Comparisons",
    "CostFilter",
    "Costs",
    "Day",
    "Figure",
    "ItemScore",
    "JudgedItem",
    "Metric",
    "Page",
    "RunItems",
    "ScoreFilter",
    "Scores",
    "SpanFilter",
    "TraceFilter",
    "Traces",
    "UnitMean",
    "UnitOperations",
    "Window",
    "Windows",
    "score_json",
]
