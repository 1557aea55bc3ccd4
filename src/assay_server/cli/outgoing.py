"""`assay outgoing`: whether messages, forwards and exports leave, or are held after a restore."""

from typing import Annotated, Any

import typer

from assay_server.cli.common import AsJson, connected, group
from assay_server.cli.terminal import answer, emit, hint

app = group("outgoing", "Messages, forwards and scheduled exports; held after a restore.")


@app.command("status", epilog="Example: assay outgoing status")
def status(as_json: AsJson = False) -> None:
    """Shows whether they leave, and how many messages wait."""
    with connected() as client:
        _tell(client.outgoing.get(), as_json)


@app.command("start", epilog="Example: assay outgoing start --reason 'the old server is off'")
def start(
    reason: Annotated[str | None, typer.Option("--reason", "-r", help="Recorded in the audit log.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lets them leave from now on. Stop the server that was backed up first, or both send the same."""
    with connected() as client:
        _tell(client.outgoing.start(reason), as_json)


def _tell(state: dict[str, Any], as_json: bool) -> None:
    if emit(state, as_json):
        return
    held, n = state["held"], state["messages"]
    messages = f"{n} {'message waits' if n == 1 else 'messages wait'}"
    if held is None:
        answer(f"messages, forwards and exports leave; {messages} for their turn")
        return
    backup = f"{held['backup']} of {held['made_at']}" if held["backup"] else "a backup"
    answer(f"held: restored from {backup}; {messages}, and forwards, exports and runs")
    hint("assay outgoing start   (once the server that was backed up is stopped)")
