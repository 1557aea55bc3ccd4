"""The typed read side of facts: spans, traces, scores, run items and live comparisons, always of one project."""

from assay_server.query.comparisons import ArmOperations, Comparisons, UnitMean, UnitOperations
from assay_server.query.run_items import ItemScore, JudgedItem, RunItems
from assay_server.query.scores import ScoreFilter, Scores, score_json
from assay_server.query.sql import Page
from assay_server.query.traces import SpanFilter, TraceFilter, Traces

__all__ = [
    "ArmOperations",
    "Comparisons",
    "ItemScore",
    "JudgedItem",
    "Page",
    "RunItems",
    "ScoreFilter",
    "Scores",
    "SpanFilter",
    "TraceFilter",
    "Traces",
    "UnitMean",
    "UnitOperations",
    "score_json",
]
