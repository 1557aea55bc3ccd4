"""`assay provider`: whom models are called at."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

from typing import Annotated

import typer

import assay
from assay_server.cli.common import AsJson, connected, group, names, near
from assay_server.cli.terminal import answer, emit, hint, table

app = group("provider", "Model vendors and servers, by name.")

Name = Annotated[str, typer.Argument(help="The provider's name.")]


@app.command(epilog="Example: assay provider add openai --base-url https://api.openai.com/v1 --key-env OPENAI_API_KEY")
def add(
    name: Name,
    base_url: Annotated[str, typer.Option("--base-url", help="Root of its API, up to and with /v1.")],
    kind: Annotated[str, typer.Option("--kind", help="Its dialect.")] = "openai",
    key_env: Annotated[
        str | None,
        typer.Option("--key-env", help="The environment variable of the SERVER that holds the vendor's key."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Adds a provider, or changes it; its models can then be called as NAME/model."""
    with connected() as client:
        made = client.providers.put(name, base_url=base_url, kind=kind, key_env=key_env)
    if not emit(made, as_json):
        answer(f"{name} calls {base_url}")
        hint(f"assay provider test {name}")


@app.command("list", epilog="Example: assay provider list")
def list_(as_json: AsJson = False) -> None:
    """Lists the providers."""
    with connected() as client:
        found = client.providers.list()
    if not emit({"items": found}, as_json):
        table(("name", "kind", "base url", "key from"), [_row(each) for each in found])
        if not found:
            hint("assay provider add NAME --base-url URL")


@app.command(epilog="Example: assay provider remove openai")
def remove(name: Name, as_json: AsJson = False) -> None:
    """Removes a provider; releases that name it stay as they are."""
    with connected() as client, near(name, lambda: names(client.providers.list())):
        client.providers.delete(name)
    if not emit({"removed": name}, as_json):
        answer(f"{name} is removed")


@app.command("test", epilog="Example: assay provider test openai --model gpt-4o-2024-08-06")
def call_once(
    name: Name,
    model: Annotated[str | None, typer.Option("--model", "-m", help="A model to call, without the prefix.")] = None,
    as_json: AsJson = False,
) -> None:
    """Calls one model of the provider through the gateway; without --model the first one that is listed."""
    with connected() as client:
        chosen = model or _first_model(client, name)
        asked = [{"role": "user", "content": "Say OK."}]
        with near(name, lambda: names(client.providers.list())):
            told = client.chat.complete(f"{name}/{chosen}", asked, max_tokens=5)
    reply = str(told["choices"][0]["message"].get("content") or "")
    usage = told.get("usage") or {}
    if not emit({"provider": name, "model": told.get("model", chosen), "answer": reply, "usage": usage}, as_json):
        answer(f"{name}/{chosen} answers: {reply.strip()!r}")
        table(("input tokens", "output tokens"), [(usage.get("prompt_tokens"), usage.get("completion_tokens"))])


def _first_model(client: assay.Client, provider: str) -> str:
    listed = [str(model["id"]) for model in client.chat.models()]
    for model in listed:
        if model.startswith(f"{provider}/"):
            return model.removeprefix(f"{provider}/")
    known = names(client.providers.list())
    if provider not in known:
        raise assay.NotFound(
            f"There is no provider '{provider}' in this project.",
            field="provider",
            value=provider,
            fix=f"add it: assay provider add {provider} --base-url URL",
        )
    raise assay.InvalidInput(
        f"'{provider}' lists no model: it does not answer, wants a key, or keeps no list.",
        field="model",
        fix=f"see which: assay provider test {provider} --model M",
    )


def _row(provider: assay.Json) -> tuple[object, ...]:
    return provider["name"], provider.get("kind"), provider.get("base_url"), provider.get("key_env")
