"""A release, made ready for the hot path once: everything that does not depend on the call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from assay_server.core.errors import InvalidInput
from assay_server.gateway.policy import Policy, policy_of


@dataclass(slots=True, frozen=True)
class Target:
    """One model at one provider."""

    provider: str
    model: str


@dataclass(slots=True, frozen=True)
class Plan:
    """What a release prescribes. `fields` replace the caller's; those in `dropped` would contradict them."""

    release: str
    target: Target
    prompts: Mapping[str, Mapping[str, Any]]  # role -> prompt version
    fields: Mapping[str, msgspec.Raw]
    dropped: frozenset[str]
    policy: Policy | None


_SAME = (frozenset({"max_tokens", "max_completion_tokens"}),)
"""Names of one thing: sending both is an error at the provider."""

_NOT_PARAMETERS = frozenset({"model", "messages", "stream", "stream_options", "user", "assay"})


def target_of(model: str) -> Target:
    """`provider/model`; the model's own name may hold further slashes. Raises InvalidInput."""
    provider, slash, name = model.partition("/")
    if not slash or not provider or not name:
        raise InvalidInput(
            f"'{model}' does not say where to call.",
            field="model",
            value=model,
            fix="write provider/model, release:<ref> or channel:<name>; GET /v1/models lists what there is",
        )
    return Target(provider, name)


def plan_of(release: Mapping[str, Any]) -> Plan:
    """The plan of a release, in its REST shape. Raises InvalidInput for a guard policy nobody understands."""
    parameters = {key: value for key, value in (release["parameters"] or {}).items() if key not in _NOT_PARAMETERS}
    if release["output_schema"] is not None:
        parameters["response_format"] = response_format(release["name"], release["output_schema"])
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in parameters.items()}
    dropped = {other for group in _SAME if group & fields.keys() for other in group} - fields.keys()
    return Plan(
        release=release["id"],
        target=target_of(release["model"]),
        prompts=release["prompts"],
        fields=fields,
        dropped=frozenset(dropped),
        policy=policy_of(release["guard_policy"]),
    )


def response_format(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's structured output for a JSON Schema; strict where the schema keeps strict mode's rules."""
    letters = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in name)[:64]
    told = {"name": letters, "schema": schema, "strict": _allows_strict(schema)}
    return {"type": "json_schema", "json_schema": told}


def _allows_strict(schema: Any) -> bool:
    """Every object closed and all its properties required.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    if isinstance(schema, list):
        return all(map(_allows_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or properties is not None:
        names = set(properties or {})
        if schema.get("additionalProperties") is not False or set(schema.get("required") or ()) != names:
            return False
    return all(map(_allows_strict, schema.values()))
