"""Both layouts of prompt files and deployments: read, refused with lines, written back."""

from pathlib import Path

import pytest
import yaml

import assay
from assay_server.cli.prompt_files import read
from assay_server.cli.prompt_layouts import FaultyFiles, PromptFile
from assay_server.cli.prompt_writing import path_of, write

SYSTEM = """\
version: 1.10
model_target: openai/gpt-4o-2024-08-06
system: |
  You are kind.
  Answer as {"answer": "…"} about {topic}.
parameters:
  temperature: 0
  stop: ["\\n"]
changelog: says less
eval_score_required: 0.85
"""

TEMPLATE = """\
version: 3
model: local/smol-2024-11-01
temperature: 0.2
system: You are {tone}.
user_template: |
  Context: {context}
  Question: {question} {{literally}}
changelog:
  - version: 2
    date: 2026-01-31
    change: cite the document
  - version: 3
    date: 2026-02-01
    change: shorter
"""

DEPLOYMENT = """\
deployment:
  model: openai/gpt-4o-2024-08-06
  prompt_version: 1.10
  retrieval_config_version: minilm@2
  promoted_at: 2026-03-01T10:00:00Z
  promoted_by: ada
  eval_score_at_promotion: 0.91
"""


def _pushed(prompt: PromptFile) -> assay.Json:
    """The prompt version a server makes of it."""
    return {
        "id": "prv_1",
        "name": prompt.name,
        "version": 1,
        "template": dict(prompt.template),
        "model": prompt.model,
        "parameters": prompt.parameters,
        "changelog": prompt.changelog,
        "metadata": prompt.metadata,
    }


def test_both_layouts_and_a_deployment_are_read(tmp_path: Path) -> None:
    (tmp_path / "support").mkdir()
    (tmp_path / "support" / "v1.10.yaml").write_text(SYSTEM)
    (tmp_path / "support" / "answer.yml").write_text(TEMPLATE)
    (tmp_path / "production.yaml").write_text(DEPLOYMENT)
    found = read(tmp_path)
    system, template = found.prompts
    assert (system.name, system.version, system.layout) == ("support", "1.10", "system")
    assert system.parameters == {"temperature": 0, "stop": ["\n"]}
    assert system.metadata["eval_score_required"] == 0.85
    assert (template.name, template.version) == ("support/answer", "3")
    assert template.template["user"].startswith("Context: {context}")
    assert template.changelog == "2 2026-01-31: cite the document\n3 2026-02-01: shorter"
    [deployment] = found.deployments
    assert (deployment.prompt_version, deployment.eval_score) == ("1.10", 0.91)
    assert deployment.changelog.startswith("from production.yaml: promoted by ada at 2026-03-01")


def test_braces_in_a_system_text_are_literal_and_come_back(tmp_path: Path) -> None:
    file = tmp_path / "answer.yaml"
    file.write_text(SYSTEM)
    [prompt] = read(file).prompts
    assert '{{"answer": "…"}}' in prompt.template["system"]
    assert prompt.metadata["literal_braces"] == ["system"]
    assert yaml.safe_load(write(_pushed(prompt)))["system"] == yaml.safe_load(SYSTEM)["system"]


@pytest.mark.parametrize("text", [SYSTEM, TEMPLATE], ids=["system", "template"])
def test_pull_writes_what_push_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "answer.yaml"
    file.write_text(text)
    [first] = read(file).prompts
    written = write(_pushed(first))
    file.write_text(written)
    [second] = read(file).prompts
    assert (second.template, second.parameters, second.version) == (first.template, first.parameters, first.version)
    assert (second.metadata, second.changelog, second.model) == (first.metadata, first.changelog, first.model)
    assert write(_pushed(second)) == written
    assert list(yaml.safe_load(written)) == list(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("version: 1\nsystem: [a", 2, "not YAML"),
        ("- a", 1, "one mapping"),
        ("", 1, "one mapping"),
        ("system: hi", 1, "'version' is missing"),
        ("version: 1\nmodel_target: m", 1, "wants 'system'"),
        ("version: 1\nsystem: 5", 2, "'system' should be a text"),
        ("version: 1\nsystem: a\nsystem: b", 3, "'system' stands there twice"),
        ("version: 1\nsystem: a\ncolour: red", 3, "nobody reads 'colour'"),
        ("version: 1\nsystem: a\nmodel_target: m\ntemperature: 0", 4, "keys of both layouts"),
        ("version: 1\nuser_template: a\ntemperature: hot", 3, "'temperature' should be a number"),
        ("version: 1\nuser_template: |\n  ok\n  {a.b}", 2, "a '{' that is no {field} (line 2 of it)"),
        ("version: 1\nuser_template: a\nchangelog: [x]", 3, "'changelog' should be"),
        ("version: [1]\nsystem: a", 1, "'version' should be"),
        ("version: 1\nsystem: a\nparameters: 3", 3, "'parameters' should be a mapping"),
        ("version: 1\nname: Bad Name\nsystem: a", 2, "'Bad Name' is no name"),
        ("deployment:\n  prompt_version: 1", 1, "'model' is missing"),
        ("deployment: yes", 1, "'deployment' should be a mapping"),
        ("deployment:\n  model: m\n  prompt_version: 1\n  colour: red", 4, "nobody reads 'colour'"),
        ("hello: world", 1, "neither a prompt"),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    file = tmp_path / "answer.yaml"
    file.write_text(text)
    with pytest.raises(FaultyFiles) as error:
        read(file)
    assert any(fault.line == line and message in fault.message for fault in error.value.faults), str(error.value)


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("system: 1\ntemperature: x")
    (tmp_path / "b.yaml").write_text("version: 1\nsystem: fine")
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(FaultyFiles) as error:
        read(tmp_path)
    assert {fault.file.name for fault in error.value.faults} == {"a.yaml", "c.yaml"}
    assert len(error.value.faults) >= 4


def test_the_same_version_twice_is_a_fault(tmp_path: Path) -> None:
    for file in ("a.yaml", "b.yaml"):
        (tmp_path / file).write_text("name: same\nversion: 1\nsystem: x")
    with pytest.raises(FaultyFiles, match="stands in"):
        read(tmp_path)


def test_versions_are_pushed_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "answer").mkdir()
    for version in ("v10", "v2", "v1"):
        (tmp_path / "answer" / f"{version}.yaml").write_text(f"version: {version}\nsystem: {version}")
    assert [prompt.version for prompt in read(tmp_path).prompts] == ["v1", "v2", "v10"]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(assay.InvalidInput, match="No YAML file"):
        read(tmp_path)


def test_a_prompt_from_elsewhere_gets_the_template_layout() -> None:
    prompt = {"name": "a", "version": 4, "template": {"user": "{q}"}, "model": None, "parameters": {"temperature": 1}}
    assert yaml.safe_load(write(prompt)) == {"version": "4", "temperature": 1, "user_template": "{q}"}


@pytest.mark.parametrize(
    "prompt", [{"template": {"messages": []}}, {"template": {"user": "x"}, "parameters": {"top_p": 0.5}}]
)
def test_what_no_layout_holds_is_refused_not_dropped(prompt: assay.Json) -> None:
    with pytest.raises(assay.InvalidInput, match="no file layout holds"):
        write({"name": "a", "version": 1, **prompt})


@pytest.mark.parametrize("told", ["/etc/passwd", "../../x.yaml"])
def test_a_file_is_never_written_outside_the_folder(told: str) -> None:
    assert path_of({"name": "a/b", "metadata": {"file": told}}) == Path("a/b.yaml")
