"""What a model said, gathered while it passes: the span is written from this, behind the answer."""

from dataclasses import dataclass, field
from typing import Any

from assay_server.core.records import Tokens

LEAST_LOGPROB = -20.0
"""Some vendors write -9999 for "very unlikely"; one such token must not drown all the others."""


@dataclass(slots=True, frozen=True)
class Event:
    """One server-sent event as it goes to the caller; `begins` where it carries a part of the answer."""

    raw: bytes
    begins: bool = False


@dataclass(slots=True)
class ToolCall:
    """A function the model wants called; `arguments` arrive in pieces."""

    id: str | None = None
    name: str | None = None
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Said:
    """One choice of an answer, in pieces."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    tool_calls: dict[int, ToolCall] = field(default_factory=dict)
    finish_reason: str | None = None


@dataclass(slots=True)
class Transcript:
    """An answer as far as it has come. `None`: the provider did not say."""

    id: str | None = None
    model: str | None = None
    tokens: Tokens | None = None
    choices: dict[int, Said] = field(default_factory=dict)
    logprob_sum: float = 0.0  # over the tokens whose logprobs came along
    logprob_tokens: int = 0

    @property
    def mean_logprob(self) -> float | None:
        return self.logprob_sum / self.logprob_tokens if self.logprob_tokens else None

    def choice(self, index: int) -> Said:
        found = self.choices.get(index)
        if found is None:
            found = self.choices[index] = Said()
        return found

    @property
    def text(self) -> str:
        """The text of the first choice."""
        return "".join(self.choices[min(self.choices)].text) if self.choices else ""

    @property
    def finish_reasons(self) -> list[str]:
        return [said.finish_reason for _, said in sorted(self.choices.items()) if said.finish_reason is not None]

    def messages(self) -> list[dict[str, Any]]:
        """One assistant message per choice: `{"role", "content", "reasoning"?, "refusal"?, "tool_calls"?}`."""
        return [_message(said) for _, said in sorted(self.choices.items())]


def _message(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(said.text) if said.text else None}
    if said.reasoning:
        message["reasoning"] = "".join(said.reasoning)
    if said.refusal:
        message["refusal"] = "".join(said.refusal)
    if said.tool_calls:
        message["tool_calls"] = [_tool_call(call) for _, call in sorted(said.tool_calls.items())]
    return message


def _tool_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": "".join(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}
