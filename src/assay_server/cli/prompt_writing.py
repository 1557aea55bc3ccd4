"""Prompt versions back into YAML files, in the layout they came in."""

from pathlib import Path
from typing import Any

import yaml

import assay
from assay_server.cli.prompt_layouts import LAYOUTS


def write(prompt: assay.Json) -> str:
    """A prompt version as YAML, in the layout it came in (the layout `template` where it came from elsewhere)."""
    metadata = prompt.get("metadata") or {}
    layout = metadata.get("layout") if metadata.get("layout") in LAYOUTS else "template"
    template = dict(prompt["template"])
    parameters = dict(prompt.get("parameters") or {})
    temperature = parameters.pop("temperature", None) if layout == "template" else None
    foreign = not set(template) <= {"system", "user"} or (layout == "template" and parameters)
    if foreign or (layout == "system" and "user" in template):
        raise assay.InvalidInput(
            f"{prompt['name']}@{prompt['version']} has messages or parameters that no file layout holds.",
            field="template",
            value=sorted(template),
            fix="use assay prompt show --json",
        )
    for part in metadata.get("literal_braces") or []:
        template[part] = template[part].replace("{{", "{").replace("}}", "}")
    document: dict[str, Any] = {"version": metadata.get("version") or str(prompt["version"])}
    document["model_target" if layout == "system" else "model"] = prompt.get("model")
    if layout == "template":
        document["temperature"] = temperature
    document["system"] = template.get("system")
    document["user_template" if layout == "template" else "parameters"] = (
        template.get("user") if layout == "template" else parameters
    )
    document["changelog"] = metadata.get("changelog") or prompt.get("changelog")
    document["eval_score_required"] = metadata.get("eval_score_required")
    kept = {key: value for key, value in document.items() if value not in (None, {})}
    return yaml.dump(kept, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def path_of(prompt: assay.Json) -> Path:
    """Where `pull` writes a prompt: where it came from, or its name with `.yaml`. Never outside the folder."""
    told = Path((prompt.get("metadata") or {}).get("file") or f"{prompt['name']}.yaml")
    inside = not told.is_absolute() and ".." not in told.parts
    return told if inside else Path(f"{prompt['name']}.yaml")


class _Dumper(yaml.SafeDumper):
    """Texts of several lines stand as blocks, as people write them."""


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)
