"""Pydantic AI, traced by Logfire's SDK without Logfire's cloud.

Settings: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS; LOGFIRE_SEND_TO_LOGFIRE=false.
"""

import os

import logfire
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel

logfire.configure(service_name="support", send_to_logfire=False, console=False, inspect_arguments=False)
logfire.instrument_pydantic_ai()
agent = Agent(OpenAIChatModel("gpt-4o-mini"), name="support", instructions="Be kind.")


@agent.tool_plain
def look_up(topic: str) -> str:
    """What the handbook says."""
    return f"{topic}: 14 days"


# Logfire blanks every attribute with "session" in its name; the conversation of Pydantic AI is what remains.
with logfire.span("answer", **{"user.id": "ada", "session.id": "blanked"}):
    agent.run_sync(
        "I am ada.lovelace@mail-box.org. How long do refunds take?", conversation_id=os.environ["BENCH_SESSION"]
    )
logfire.shutdown()
