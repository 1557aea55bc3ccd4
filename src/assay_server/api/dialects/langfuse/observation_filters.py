"""What Langfuse's lists of observations are narrowed by, as our own filter of spans."""

from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.dialects.langfuse import filters
from assay_server.api.dialects.langfuse.shapes import LEVEL, TYPE, VERSION
from assay_server.core.errors import InvalidInput
from assay_server.core.records import SPAN_KINDS

_IS_EVENT = (f"{TYPE}:eq:event",)
_FAILED = (("status", "error"),)
_MILD = {"WARNING": (f"{LEVEL}:eq:WARNING",), "DEBUG": (f"{LEVEL}:eq:DEBUG",)}


def of_type(value: str, field: str) -> filters.Narrowed:
    """Raises InvalidInput for what is none."""
    told = value.upper()
    if told == "EVENT":
        return {"kind": "span", "attributes": _IS_EVENT}
    if told == "SPAN":
        return {"kind": "span", "unlike": _IS_EVENT}
    kind = "llm" if told == "GENERATION" else told.lower()
    if told == "LLM" or kind not in SPAN_KINDS:
        known = sorted({kind.upper() for kind in SPAN_KINDS} - {"LLM"} | {"GENERATION", "EVENT"})
        raise InvalidInput(
            "There is no such type of observation.", field=field, value=value[:80], fix=f"use {', '.join(known)}"
        )
    return {"kind": kind}


def of_level(value: str, field: str) -> filters.Narrowed:
    """What failed is an error, whatever else was said. Raises InvalidInput for what is none."""
    told = value.upper()
    if told == "ERROR":
        return {"status": "error"}
    if told in _MILD:
        return {"attributes": _MILD[told], "without": _FAILED}
    if told == "DEFAULT":
        return {"unlike": (*_MILD["WARNING"], *_MILD["DEBUG"]), "without": _FAILED}
    raise InvalidInput(
        "There is no such level.", field=field, value=value[:80], fix="use DEBUG, DEFAULT, WARNING or ERROR"
    )


def of_parent(value: str) -> filters.Narrowed:
    """An empty one stands for none."""
    return {"parent_id": span_id_of(value)} if value else {"outermost": True}


def _prompt_version(condition: filters.Condition) -> filters.Narrowed:
    if not isinstance(condition.value, int) or isinstance(condition.value, bool):
        raise condition.refusal("give a whole number")
    return {"prompt_version": str(condition.value)}


def _outermost(condition: filters.Condition) -> filters.Narrowed:
    if condition.value is not True:
        raise condition.refusal("ask for true, or leave it out")
    return {"outermost": True}


COLUMNS: filters.Table = {
    **filters.texts("id", lambda value: {"span_id": span_id_of(value)}),
    **filters.texts("traceid", lambda value: {"trace_id": trace_id_of(value)}),
    **filters.texts("name", filters.field("name")),
    **filters.texts("type", lambda value: of_type(value, "filter")),
    **filters.texts("level", lambda value: of_level(value, "filter")),
    **filters.texts("userid", filters.field("user")),
    **filters.texts("sessionid", filters.field("session")),
    **filters.texts("environment", filters.environment),
    **filters.texts("version", lambda value: filters.attribute(VERSION, value, "filter")),
    **filters.texts("model", filters.field("model")),
    **filters.texts("providedmodelname", filters.field("model")),
    **filters.texts("promptname", filters.field("prompt")),
    **filters.texts("parentobservationid", of_parent),
    **filters.tags("tags"),
    **filters.tags("tracetags"),
    **filters.times("starttime"),
    **filters.numbers("latency", "latency_ms", 1000),
    **filters.numbers("totalcost", "cost"),
    **filters.metadata("langfuse.observation.metadata"),
    ("isrootobservation", "="): _outermost,
    ("promptversion", "="): _prompt_version,
}
