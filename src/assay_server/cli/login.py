"""`assay login`: where the server is, and the key to use."""

import sys
from typing import Annotated

import typer

import assay
from assay_server.cli import settings
from assay_server.cli.common import AsJson
from assay_server.cli.terminal import answer, emit, hint, say


def login(
    url: Annotated[str, typer.Argument(help="The server's address, such as http://127.0.0.1:4600.")],
    key: Annotated[str | None, typer.Option("--key", help="An API key; '-' reads it from stdin.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remembers a server and a key for later commands.

    The key is asked for where it is not given, tried, and stored readable by you alone. ASSAY_URL and ASSAY_API_KEY
    win over what is stored.
    """
    if key is None and sys.stdin.isatty():
        key = str(typer.prompt("Key", hide_input=True))
    elif key is None or key == "-":
        key = sys.stdin.readline().strip()
    with assay.Client(url, key) as client:
        info = client.info()
        if info.get("actor") is None:
            raise assay.Unauthenticated("The server does not know this key.")
        file = settings.save(settings.Settings(client.connection.url, key))
    if not emit({"url": url, "config": str(file), **info}, as_json):
        project = info.get("project_name") or info["project"]  # an older server says its id alone
        answer(f"Signed in to {url} as {info['actor']} ({info['role']}), project {project}.")
        say(f"stored in {file}")
        hint("assay trace list")
