"""The typed read side of facts: spans, traces, scores, run items and live comparisons, always of one project."""

from assay_server.query.agents.graphs import MOST_TRACES, Graphs
from assay_server.query.agents.tokens import TokenUse
from assay_server.query.calls.asked_again import asked_again
from assay_server.query.calls.dataset_items import dataset_item
from assay_server.query.calls.offered import offered_tools
from assay_server.query.calls.replay import replay_test
from assay_server.query.costs.breakdowns import Costs, Day
from assay_server.query.costs.daily import DayOfUse
from assay_server.query.costs.forecast import forecast_costs
from assay_server.query.costs.savings import Savings
from assay_server.query.costs.sql import CostFilter
from assay_server.query.costs.why import CostChanges
from assay_server.query.dashboards import Dashboards, Panels, parse_panel, refuse_other_name, told_by_line
from assay_server.query.dashboards import filter_of as panel_filter
from assay_server.query.dashboards import from_yaml as dashboard_from_yaml
from assay_server.query.dashboards import parse as parse_dashboard
from assay_server.query.dashboards import to_json as dashboard_json
from assay_server.query.dashboards import to_yaml as dashboard_yaml
from assay_server.query.dashboards import vocabulary as panel_words
from assay_server.query.dimensions import GROUPS, is_group
from assay_server.query.figures import Family, Figures, exposition
from assay_server.query.figures_told import ToldFigures
from assay_server.query.files.exports import Exports
from assay_server.query.files.formats import MEDIA_TYPES, Format
from assay_server.query.filters.attributes import AttributeCondition, read_condition
from assay_server.query.filters.line import ANY_OF, Line, fields_in, line_json, read_excluded, read_line
from assay_server.query.filters.line import LONGEST as LONGEST_LINE
from assay_server.query.filters.spans import SpanFilter
from assay_server.query.filters.traces import TraceFilter, filter_of
from assay_server.query.filters.views import Views
from assay_server.query.group_names import group_noted
from assay_server.query.metrics.comparisons import ArmOperations, Comparisons, UnitMean, UnitOperations
from assay_server.query.metrics.measures import (
    COUNTS,
    METRICS,
    QUANTILES,
    RATES,
    Metric,
    label_of,
    metric_json,
    parse_metric,
    unit_of,
)
from assay_server.query.metrics.narrowing import check_values, kept_by, left_out_by
from assay_server.query.metrics.searched import SEARCH, filter_of_line, line_of
from assay_server.query.metrics.windows import Figure, Window, Windows
from assay_server.query.ordering import Order, Rank
from assay_server.query.people.people import ORDERS_OF_SESSIONS, ORDERS_OF_USERS, People, PeopleFilter
from assay_server.query.run_items import ItemScore, JudgedItem, RunItems
from assay_server.query.sandbox.sandbox import Answer, Sql
from assay_server.query.scores import ScoreFilter, Scores, score_json
from assay_server.query.sql import Page
from assay_server.query.stored import Stored
from assay_server.query.traces.heads import Head
from assay_server.query.traces.order import ORDERS as ORDERS_OF_TRACES
from assay_server.query.traces.pairs import TracePairs
from assay_server.query.traces.tail import News, Tail, TailFilter
from assay_server.query.traces.traces import Traces

__all__ = [
    "ANY_OF",
    "COUNTS",
    "GROUPS",
    "LONGEST_LINE",
    "MEDIA_TYPES",
    "METRICS",
    "MOST_TRACES",
    "ORDERS_OF_SESSIONS",
    "ORDERS_OF_TRACES",
    "ORDERS_OF_USERS",
    "QUANTILES",
    "RATES",
    "SEARCH",
    "Answer",
    "ArmOperations",
    "AttributeCondition",
    "Comparisons",
    "CostChanges",
    "CostFilter",
    "Costs",
    "Dashboards",
    "Day",
    "DayOfUse",
    "Exports",
    "Family",
    "Figure",
    "Figures",
    "Format",
    "Graphs",
    "Head",
    "ItemScore",
    "JudgedItem",
    "Line",
    "Metric",
    "News",
    "Order",
    "Page",
    "Panels",
    "People",
    "PeopleFilter",
    "Rank",
    "RunItems",
    "Savings",
    "ScoreFilter",
    "Scores",
    "SpanFilter",
    "Sql",
    "Stored",
    "Tail",
    "TailFilter",
    "TokenUse",
    "ToldFigures",
    "TraceFilter",
    "TracePairs",
    "Traces",
    "UnitMean",
    "UnitOperations",
    "Views",
    "Window",
    "Windows",
    "asked_again",
    "check_values",
    "dashboard_from_yaml",
    "dashboard_json",
    "dashboard_yaml",
    "dataset_item",
    "exposition",
    "fields_in",
    "filter_of",
    "filter_of_line",
    "forecast_costs",
    "group_noted",
    "is_group",
    "kept_by",
    "label_of",
    "left_out_by",
    "line_json",
    "line_of",
    "metric_json",
    "offered_tools",
    "panel_filter",
    "panel_words",
    "parse_dashboard",
    "parse_metric",
    "parse_panel",
    "read_condition",
    "read_excluded",
    "read_line",
    "refuse_other_name",
    "replay_test",
    "score_json",
    "told_by_line",
    "unit_of",
]
