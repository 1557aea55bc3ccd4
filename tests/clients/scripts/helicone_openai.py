"""The openai SDK as an application uses it that called its models through Helicone: its headers, another base URL.

Settings: OPENAI_BASE_URL (the gateway), HELICONE_API_KEY (for Helicone-Auth), OPENAI_API_KEY (the provider's, which
Assay needs no more).
"""

import os

import openai

session = os.environ["BENCH_SESSION"]
client = openai.OpenAI(
    default_headers={
        "Helicone-Auth": f"Bearer {os.environ['HELICONE_API_KEY']}",
        "Helicone-User-Id": "ada",
        "Helicone-Session-Id": session,
        "Helicone-Session-Name": "Refunds",
        "Helicone-Property-Shop": "north",
        "Helicone-Property-Contact": "ada.lovelace@mail-box.org",
        "Helicone-Cache-Enabled": "true",
    }
)
MODEL = "openai/gpt-4o-mini"
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
messages = [
    {"role": "system", "content": "You help."},
    {"role": "user", "content": "I am ada.lovelace@mail-box.org. How long do refunds take?"},
]

asked = client.chat.completions.create(
    model=MODEL,
    messages=messages,
    tools=[TOOL],
    extra_headers={
        "Helicone-Session-Path": "/plan",
        "Helicone-Request-Id": "5f0b3f6e-9d0c-4d3e-8a51-2f7f2d6f0001",
        "Helicone-Prompt-Id": "support",
    },
)
[call] = asked.choices[0].message.tool_calls
assert call.function.name == "look_up"
messages += [asked.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "14 days"}]
told = client.chat.completions.create(
    model=MODEL, messages=messages, tools=[TOOL], extra_headers={"Helicone-Session-Path": "/plan/answer"}
)
assert told.choices[0].message.content == "Refunds take 14 days."
