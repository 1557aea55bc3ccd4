"""Checks of the answer's form and price: schema, latency, cost."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from assay_server.checks.code import CodeCheck
from assay_server.checks.sample import About, Outcome, Sample

NO_SCHEMA = "the release has no output schema"
NO_LATENCY = "the latency is unknown"
NO_COST = "the cost is unknown"


def _schema_valid(sample: Sample) -> Outcome:
    if sample.output_schema is None:
        return Outcome(skipped=NO_SCHEMA)
    try:
        answer = json.loads(sample.output)
    except ValueError as error:
        return Outcome(value=0.0, reason=f"not JSON: {error}")
    return _validate(answer, sample.output_schema)


def _validate(answer: Any, schema: Mapping[str, Any]) -> Outcome:
    from jsonschema import SchemaError
    from referencing.exceptions import Unresolvable

    try:
        fault = next(_validator(json.dumps(schema, sort_keys=True)).iter_errors(answer), None)
    except (SchemaError, Unresolvable) as error:
        return Outcome(error=f"the release's output schema cannot be used: {str(error).splitlines()[0]}")
    if fault is None:
        return Outcome(value=1.0)
    return Outcome(value=0.0, reason=f"{fault.json_path}: {fault.message[:200]}")


@lru_cache(maxsize=32)
def _validator(schema: str) -> Any:
    from jsonschema.validators import validator_for
    from referencing import Registry

    parsed = json.loads(schema)
    kind = validator_for(parsed)
    kind.check_schema(parsed)
    # An empty registry: a remote `$ref` is an error here, never a request.
    return kind(parsed, registry=Registry())


def _latency(sample: Sample) -> Outcome:
    return Outcome(skipped=NO_LATENCY) if sample.latency_ms is None else Outcome(value=sample.latency_ms)


def _cost(sample: Sample) -> Outcome:
    return Outcome(skipped=NO_COST) if sample.cost is None else Outcome(value=sample.cost)


schema_valid = CodeCheck(
    "schema_valid",
    "1",
    About(
        describes="Is the answer JSON that obeys the release's output schema?",
        formula="1 if json(output) validates against output_schema (JSON Schema), else 0; without a schema: skipped",
        cannot_see="Whether the values are right.",
    ),
    _schema_valid,
)

latency_ms = CodeCheck(
    "latency_ms",
    "1",
    About(
        describes="How long did the answer take, as the runner saw it?",
        formula="milliseconds from the request to the last byte",
        cannot_see="The time to the first token, and what real load would add.",
        range=(0.0, None),
        direction="lower",
        unit="ms",
    ),
    _latency,
)

cost_usd = CodeCheck(
    "cost_usd",
    "1",
    About(
        describes="What did the answer cost?",
        formula="US dollars by the dated prices of the models called; unknown prices are skipped, never 0",
        cannot_see="Costs outside the gateway.",
        range=(0.0, None),
        direction="lower",
        unit="USD",
    ),
    _cost,
)
