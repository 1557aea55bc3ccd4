"""Prompts and deployments as YAML files, in the two layouts teams use, read and written back as they were.

    layout `system`:    version, model_target, system, parameters, changelog (text), eval_score_required
    layout `template`:  version, model, temperature, system, user_template with {fields},
                        changelog (list of {version, date, change})
    deployment:         a mapping `deployment` with model, prompt_version, retrieval_config_version, promoted_at,
                        promoted_by, eval_score_at_promotion

A prompt's name is the file's path without its suffix, or the folder where the file is named after a version
(`support/v1.2.0.yaml`). All faults of all files are found before one is reported.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import assay

LAYOUTS = {
    "system": ("name", "version", "model_target", "system", "parameters", "changelog", "eval_score_required"),
    "template": ("name", "version", "model", "temperature", "system", "user_template", "changelog"),
}
DEPLOYMENT = (
    "model",
    "prompt_version",
    "retrieval_config_version",
    "promoted_at",
    "promoted_by",
    "eval_score_at_promotion",
)

_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,99}")
_VERSION_STEM = re.compile(r"v?\d+([._]\d+)*")
_BRACE = re.compile(r"\{\{|\}\}|\{[A-Za-z_][A-Za-z0-9_]*\}|[{}]")


@dataclass(slots=True, frozen=True)
class Fault:
    """What is wrong, and where."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class FaultyFiles(assay.InvalidInput):
    """Files that cannot be used, with everything that is wrong with them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        told = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{len(self.faults)} fault(s) in the files, nothing was sent:\n{told}", field="files")


@dataclass(slots=True)
class PromptFile:
    """One prompt of one file, ready to push."""

    file: Path
    name: str
    layout: str
    version: str  # as the file says it; the server numbers by itself
    template: dict[str, str]
    model: str | None
    parameters: dict[str, Any]
    changelog: str | None
    metadata: dict[str, Any]


@dataclass(slots=True)
class Deployment:
    """What a `deployment:` file says is live."""

    file: Path
    model: str
    prompt_version: str
    retrieval_config_version: str | None
    promoted_at: str | None
    promoted_by: str | None
    eval_score: float | None

    @property
    def changelog(self) -> str:
        """Where this release comes from, in words."""
        by = f" by {self.promoted_by}" if self.promoted_by else ""
        at = f" at {self.promoted_at}" if self.promoted_at else ""
        score = f", eval score {self.eval_score:g}" if self.eval_score is not None else ""
        return f"from {self.file.name}: promoted{by}{at}{score}"


@dataclass(slots=True)
class Files:
    """What was found under a path."""

    prompts: list[PromptFile] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)


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


class _Dumper(yaml.SafeDumper):
    """Texts of several lines stand as blocks, as people write them."""


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)


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
