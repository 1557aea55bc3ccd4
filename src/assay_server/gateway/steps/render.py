"""A release's part of the request: its prompt around the caller's words, its parameters over the caller's."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from assay_server.core.errors import InvalidInput
from assay_server.gateway.call import Call, Reply
from assay_server.gateway.pipeline import Next
from assay_server.gateway.plan import Plan

_MAIN_ROLE = "answer"
_SYSTEM_ROLES = ("system", "developer")

_decode_messages = msgspec.json.Decoder(list[msgspec.Raw]).decode


class RenderTemplate(Protocol):
    """Fills a template, `{"system"?, "user"?, "messages"?}`, and gives its messages. Raises InvalidInput."""

    def __call__(self, template: Mapping[str, Any], variables: Mapping[str, str]) -> list[dict[str, str]]: ...


class Render:
    """Without a release the caller's request stays as it is. Raises InvalidInput naming the field."""

    def __init__(self, render: RenderTemplate) -> None:
        self._render = render

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        if call.plan is None:
            _refuse_prompting(call)
        else:
            _prescribe(call, call.plan)
            call.fields["messages"] = self._messages(call, call.plan)
        return await proceed(call)

    def _messages(self, call: Call, plan: Plan) -> msgspec.Raw:
        """With variables the whole template, then the caller's messages; without, its system messages before them."""
        theirs, prompt = _theirs(call), _prompt(call, plan)
        ours = [] if prompt is None else self._rendered(prompt, call.prompting.variables)
        if prompt is not None:
            call.prompt = (prompt["name"], str(prompt["version"]))
        if call.prompting.variables is None and not theirs:
            raise InvalidInput(
                "There is nothing to answer.", field="messages", fix='send messages, or {"assay": {"variables": {…}}}'
            )
        return msgspec.Raw(msgspec.json.encode([*ours, *theirs]))

    def _rendered(self, prompt: Mapping[str, Any], variables: Mapping[str, str] | None) -> list[dict[str, str]]:
        """Variables the template does not have are left out: an item may know more than a prompt asks for."""
        if variables is None:
            system = _system_only(prompt["template"])
            return self._render(system, {}) if any(system.values()) else []
        wanted = {name: variables[name] for name in prompt["variables"] if name in variables}
        return self._render(prompt["template"], wanted)


def _refuse_prompting(call: Call) -> None:
    if "messages" not in call.fields:
        raise InvalidInput("The messages are missing.", field="messages")
    if call.prompting.variables is not None or call.prompting.role is not None:
        raise InvalidInput(
            "Only a release has a prompt to fill.",
            field="assay",
            value=call.asked,
            fix="use the model channel:<name> or release:<ref>",
        )


def _prescribe(call: Call, plan: Plan) -> None:
    """What was tested is what ships: the release's values win; which of the caller's they replaced is in the span."""
    replaced = sorted(name for name in call.fields if name in plan.fields or name in plan.dropped)
    if replaced:
        call.attributes["assay.replaced_parameters"] = replaced
    for name in plan.dropped:
        call.fields.pop(name, None)
    call.fields.update(plan.fields)


def _prompt(call: Call, plan: Plan) -> Mapping[str, Any] | None:
    """The prompt of the role that was asked for; else the only one; else the one whose role is `answer`."""
    role, prompts = call.prompting.role, plan.prompts
    if role is None and len(prompts) <= 1:
        return next(iter(prompts.values()), None)
    found = prompts.get(role or _MAIN_ROLE)
    if found is None:
        raise InvalidInput(
            f"This release has no prompt for the role '{role}'." if role else "This release has several prompts.",
            field="assay.prompt",
            value=role,
            fix=f"name one of: {', '.join(sorted(prompts)) or 'none'}",
        )
    return found


def _system_only(template: Mapping[str, Any]) -> dict[str, Any]:
    messages = [message for message in template.get("messages") or () if message["role"] in _SYSTEM_ROLES]
    return {"system": template.get("system"), "messages": messages}


def _theirs(call: Call) -> list[msgspec.Raw]:
    raw = call.fields.get("messages")
    if raw is None:
        return []
    try:
        return _decode_messages(raw)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"'messages' cannot be used: {error}", field="messages") from error
