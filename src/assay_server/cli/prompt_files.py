"""Prompts and deployments from YAML files, in the layouts of `prompt_layouts`.

A prompt's name is the file's path without its suffix, or the folder where the file is named after a version
(`support/v1.2.0.yaml`). All faults of all files are found before one is reported.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

import assay
from assay_server.cli.prompt_layouts import DEPLOYMENT, LAYOUTS, Deployment, Fault, FaultyFiles, Files, PromptFile

_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,99}")
_VERSION_STEM = re.compile(r"v?\d+([._]\d+)*")
_BRACE = re.compile(r"\{\{|\}\}|\{[A-Za-z_][A-Za-z0-9_]*\}|[{}]")


def read(path: Path) -> Files:
    """All prompts and deployments of a file or a folder, in the order of names and versions.

    Raises FaultyFiles with every fault, and InvalidInput where there is nothing to read."""
    files = [path] if path.is_file() else sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")])
    if not files:
        raise assay.InvalidInput(
            f"No YAML file at {path}.", field="path", value=str(path), fix="name a .yaml file or a folder of them"
        )
    root = path.parent if path.is_file() else path
    readers = [_Reader(file, root) for file in files]
    for reader in readers:
        reader.read()
    faults = [fault for reader in readers for fault in reader.faults]
    found = Files(
        sorted((p for r in readers if (p := r.prompt) is not None), key=lambda p: (p.name, _order(p.version))),
        [d for r in readers if (d := r.deployment) is not None],
    )
    faults += _twice(found.prompts)
    if faults:
        raise FaultyFiles(faults)
    return found


class _Reader:
    """Reads one file; what is wrong is collected with its line."""

    def __init__(self, file: Path, root: Path) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.prompt: PromptFile | None = None
        self.deployment: Deployment | None = None
        self._root = root
        self._lines: dict[str, int] = {}
        self._raw: dict[str, str] = {}  # scalars as written: `1.10` is a version, not 1.1

    def read(self) -> None:
        document = self._parse()
        if document is None:
            return
        if set(document) == {"deployment"}:
            self._read_deployment(document["deployment"])
        else:
            self._read_prompt(document)

    def _parse(self) -> dict[str, Any] | None:
        try:
            text = self.file.read_text(encoding="utf-8")
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            document = yaml.safe_load(text)
        except UnicodeDecodeError:
            self._fault(None, "not UTF-8 text")
            return None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = 1 if mark is None else mark.line + 1
            self.faults.append(Fault(self.file, line, f"not YAML: {getattr(error, 'problem', None) or error}"))
            return None
        if not isinstance(node, yaml.MappingNode) or not isinstance(document, dict):
            self._fault(None, "a file holds one mapping of keys to values")
            return None
        self._mark(node)
        inner = {key.value: value for key, value in node.value}.get("deployment")
        if isinstance(inner, yaml.MappingNode):
            self._mark(inner)
        return document

    def _mark(self, node: yaml.MappingNode) -> None:
        for key, value in node.value:
            if key.value in self._lines:
                self.faults.append(Fault(self.file, key.start_mark.line + 1, f"'{key.value}' stands there twice"))
            self._lines[key.value] = key.start_mark.line + 1
            if isinstance(value, yaml.ScalarNode):
                self._raw[key.value] = value.value

    def _read_prompt(self, document: dict[str, Any]) -> None:
        layout = self._layout(document)
        if layout is None:
            return
        before = len(self.faults)
        for key in document:
            if key not in LAYOUTS[layout]:
                self._fault(key, f"nobody reads '{key}' here; the keys are {', '.join(LAYOUTS[layout])}")
        texts = {"system": "system", "user_template": "user"}
        template = {part: found for key, part in texts.items() if (found := self._text(document, key)) is not None}
        if not template:
            self._fault(None, "a prompt wants 'system'" + (" or 'user_template'" if layout == "template" else ""))
        literal = self._literal_braces(template)
        prompt = PromptFile(
            file=self.file,
            name=self._name(document),
            layout=layout,
            version=self._version(document),
            template=template,
            model=self._text(document, "model_target" if layout == "system" else "model"),
            parameters=self._parameters(document, layout),
            changelog=self._changelog(document),
            metadata={},
        )
        told = {
            "layout": layout,
            "version": prompt.version,
            "file": self.file.relative_to(self._root).as_posix(),
            "changelog": _plain(document.get("changelog")),
            "eval_score_required": self._number(document, "eval_score_required"),
            "literal_braces": literal,
        }
        prompt.metadata = {key: value for key, value in told.items() if value not in (None, [])}
        if len(self.faults) == before:
            self.prompt = prompt

    def _layout(self, document: dict[str, Any]) -> str | None:
        marks = {"system": {"model_target", "parameters", "eval_score_required"}, "template": {"user_template"}}
        marks["template"] |= {"model", "temperature"}
        found = [layout for layout, keys in marks.items() if keys & set(document)]
        if len(found) == 1:
            return found[0]
        if found:
            mixed = sorted(key for keys in marks.values() for key in keys & set(document))
            self._fault(mixed[-1], f"keys of both layouts: {', '.join(mixed)}; use one")
            return None
        if "system" in document:
            return "system"
        self._fault(None, "neither a prompt (system, user_template, …) nor a deployment")
        return None

    def _name(self, document: dict[str, Any]) -> str:
        relative = self.file.relative_to(self._root).with_suffix("")
        if _VERSION_STEM.fullmatch(relative.name):
            relative = relative.parent if relative.parent != Path() else Path(self._root.resolve().name)
        name = self._text(document, "name") or relative.as_posix()
        if not _NAME.fullmatch(name):
            self._fault(
                "name", f"'{name}' is no name: small letters, digits and . _ / - only; add a 'name:' or rename the file"
            )
        return name

    def _version(self, document: dict[str, Any]) -> str:
        if "version" not in document:
            self._fault(None, "'version' is missing")
        elif "version" not in self._raw or not self._raw["version"]:
            self._fault("version", "'version' should be a number or a text")
        return self._raw.get("version", "")

    def _parameters(self, document: dict[str, Any], layout: str) -> dict[str, Any]:
        if layout == "template":
            temperature = self._number(document, "temperature")
            return {} if temperature is None else {"temperature": temperature}
        found = document.get("parameters") or {}
        if not isinstance(found, dict):
            self._fault("parameters", "'parameters' should be a mapping, such as {temperature: 0}")
            return {}
        return {str(key): _plain(value) for key, value in found.items()}

    def _changelog(self, document: dict[str, Any]) -> str | None:
        found = document.get("changelog")
        if found is None or isinstance(found, str):
            return found
        if not isinstance(found, list) or not all(isinstance(each, dict) and "change" in each for each in found):
            self._fault("changelog", "'changelog' should be a text, or a list of {version, date, change}")
            return None
        return "\n".join(_change(each) for each in found)

    def _literal_braces(self, template: dict[str, str]) -> list[str]:
        """Doubles the braces of a system text that was not written as a template (JSON examples, say); a user
        template is one, so there a stray brace is a fault."""
        literal = []
        for part, text in template.items():
            stray = next((match for match in _BRACE.finditer(text) if match[0] in "{}"), None)
            if stray is None:
                continue
            if part == "user":
                line = text[: stray.start()].count("\n") + 1
                self._fault("user_template", f"a '{stray[0]}' that is no {{field}} (line {line} of it): double it")
            else:
                template[part] = text.replace("{", "{{").replace("}", "}}")
                literal.append(part)
        return literal

    def _read_deployment(self, found: Any) -> None:
        if not isinstance(found, dict):
            self._fault("deployment", "'deployment' should be a mapping")
            return
        before = len(self.faults)
        for key in found:
            if key not in DEPLOYMENT:
                self._fault(key, f"nobody reads '{key}' here; the keys are {', '.join(DEPLOYMENT)}")
        for key in ("model", "prompt_version"):
            if found.get(key) is None:
                self._fault("deployment", f"'{key}' is missing")
        deployment = Deployment(
            self.file,
            self._raw.get("model", ""),
            self._raw.get("prompt_version", ""),
            self._raw.get("retrieval_config_version"),
            self._raw.get("promoted_at"),
            self._raw.get("promoted_by"),
            self._number(found, "eval_score_at_promotion"),
        )
        if len(self.faults) == before:
            self.deployment = deployment

    def _text(self, document: dict[str, Any], key: str) -> str | None:
        found = document.get(key)
        if found is not None and not isinstance(found, str):
            self._fault(key, f"'{key}' should be a text")
            return None
        return found

    def _number(self, document: dict[str, Any], key: str) -> float | None:
        found = document.get(key)
        if found is None or (isinstance(found, int | float) and not isinstance(found, bool)):
            return found
        self._fault(key, f"'{key}' should be a number")
        return None

    def _fault(self, key: str | None, message: str) -> None:
        self.faults.append(Fault(self.file, 1 if key is None else self._lines.get(key, 1), message))


def _change(entry: dict[str, Any]) -> str:
    head = " ".join(str(entry[key]) for key in ("version", "date") if entry.get(key) is not None)
    return f"{head}: {entry['change']}" if head else str(entry["change"])


def _plain(value: Any) -> Any:
    """Dates and the like as text: JSON has none."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def _order(version: str) -> tuple[list[int], str]:
    return [int(number) for number in re.findall(r"\d+", version)], version


def _twice(prompts: Iterable[PromptFile]) -> list[Fault]:
    seen: dict[tuple[str, str], Path] = {}
    faults = []
    for prompt in prompts:
        first = seen.setdefault((prompt.name, prompt.version), prompt.file)
        if first != prompt.file:
            faults.append(Fault(prompt.file, 1, f"{prompt.name} {prompt.version} stands in {first} too"))
    return faults
