"""The docs are true: every setting and every error code is described, links lead somewhere, commands are there."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from assay_server.api import problems
from assay_server.app import main
from assay_server.app.config import ENVIRONMENT
from assay_server.core import errors

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = ("pyproject.toml", "sdk/pyproject.toml")
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "examples").rglob("README.md")])


def test_every_setting_is_described() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()

    assert [variable for variable in ENVIRONMENT.values() if variable not in text] == []


@pytest.mark.parametrize("page", ["export.md", "grafana.md"])
def test_every_family_of_metrics_is_described(page: str) -> None:
    sources = [ROOT / "src" / "assay_server" / place for place in ("api/routes/metrics.py", "query/figures.py")]
    families = {name for source in sources for name in re.findall(r'"(assay_[a-z_]+)"', source.read_text())}
    text = (ROOT / "docs" / page).read_text()

    assert len(families) > 10
    assert sorted(name for name in families if name not in text) == []


def test_every_error_code_is_described() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    codes = {cls.code for cls in problems.STATUS if cls is not errors.RetryableError}

    assert [code for code in sorted(codes) if f'id="{code}"' not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def _told() -> Iterator[tuple[str, str]]:
    """(where, command): of the code blocks of the docs, and of what the interface gives to copy."""
    for page in PAGES:
        for block in re.findall(r"```\w*\n(.*?)```", page.read_text(), re.DOTALL):
            lines = (line.strip().removeprefix("$ ") for line in block.replace("\\\n", " ").splitlines())
            yield from ((page.name, line) for line in lines if line.startswith("assay "))
    for source in sorted((ROOT / "ui" / "src").rglob("*.tsx")):
        for snippet in re.findall(r"<Snippet text=(?:\{[`']|\")(.*?)(?:[`']\}|\") />", source.read_text()):
            lines = re.sub(r"\$\{[^}]*\}", "X", snippet).split("\\n")
            yield from ((source.name, line) for line in lines if line.startswith("assay "))


def _faults(command: Any, words: list[str]) -> list[str]:
    """The words that are no command, and the options that it does not have."""
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    if getattr(command, "commands", None) and not command.invoke_without_command:
        return words[:1]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    takes = sum(parameter.param_type_name == "argument" for parameter in command.params)
    unknown = [word for word in words if re.match(r"--[a-z]|-[a-zA-Z]$", word) and word.partition("=")[0] not in known]
    return unknown or (words if words and not words[0].startswith("-") and not takes else [])


def test_nobody_is_sent_to_the_package_of_another_project() -> None:
    """PyPI's `assay-sdk` is not this one: it would be imported in its place, with the key in its environment."""
    sources = [*PAGES, ROOT / "sdk" / "README.md", *(ROOT / "ui" / "src").rglob("*.tsx")]
    sources += (ROOT / "src" / "assay_server").rglob("*.py")

    assert [
        page.name for page in sources if re.search(r"(pip|uv) (add|install)[^\n<`]* assay-sdk", page.read_text())
    ] == []


def test_every_command_that_is_told_is_one() -> None:
    root = typer.main.get_command(main.app)
    told = list(_told())
    wrong = [(*each, faults) for each in told if (faults := _faults(root, shlex.split(each[1], comments=True)[1:]))]

    assert len(told) > 60
    assert wrong == []


def test_the_server_takes_no_sdk_of_an_index() -> None:
    """Installed alone its wheel brought PyPI's `assay-sdk` 0.1.0, which is another project's."""
    server, sdk = (tomllib.loads((ROOT / path).read_text())["project"] for path in PROJECTS)
    [pinned] = [each for each in server["dependencies"] if each.startswith("assay-sdk")]
    assert pinned == f"assay-sdk=={sdk['version']}"
    assert "+" in sdk["version"]
