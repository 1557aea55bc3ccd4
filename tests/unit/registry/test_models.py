import re
from importlib.resources import files

import pytest
import yaml

from assay_server.core.errors import InvalidInput
from assay_server.registry import check_model, is_pinned, pinned_names


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o-2024-08-06",
        "claude-sonnet-4-20250514",
        "claude-3-5-sonnet-20241022-v2:0",
        "gpt-4-0613",
        "command-r-08-2024",
        "mistral-large-2411",
        "gemini-2.0-flash-001",
        "moonshotai/kimi-k2-instruct-0905",
        "smollm2-135m-instruct@sha256:0123456789ab",
        "acme/classifier@sha256:" + "0" * 64,
        "acme/classifier@" + "a" * 40,
        "support-tuned-v1.2",
        "extractive-2026-11-01",
    ],
)
def test_pinned(name: str) -> None:
    assert is_pinned(name)
    assert check_model(f"vendor/{name}") == f"vendor/{name}"


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o",
        "latest",
        "gpt-4o-latest",
        "llama3:latest",
        "claude-3-5-sonnet-latest",
        "claude-sonnet-4-0",
        "model-2024-08-06-latest",
        "gpt-4o-2024-13-06",
        "gpt-4o-20249906",
        "model-v2",
        "model-1024",
        "llama3-70b-8192",
        "model@sha256:0123",
        "x" * 50,
    ],
)
def test_floating(name: str) -> None:
    assert not is_pinned(name)
    with pytest.raises(InvalidInput) as refused:
        check_model(f"vendor/{name}")
    assert refused.value.field == "model"
    assert refused.value.fix


@pytest.mark.parametrize(
    ("floating", "pinned"),
    [
        ("gpt-4o", ["gpt-4o-2024-11-20", "gpt-4o-2024-08-06", "gpt-4o-2024-05-13"]),
        ("claude-sonnet-4-0", ["claude-sonnet-4-20250514"]),
        ("claude-3-5-sonnet-latest", ["claude-3-5-sonnet-20241022", "claude-3-5-sonnet-20240620"]),
        (
            "mistral-large-latest",
            ["mistral-large-2512", "mistral-large-2411", "mistral-large-2407", "mistral-large-2402"],
        ),
        ("gpt-4", ["gpt-4-1106-preview", "gpt-4-0613", "gpt-4-0314", "gpt-4-0125-preview"]),
        ("latest", []),
        ("never-heard-of", []),
    ],
)
def test_the_pinned_names_that_are_known_are_told(floating: str, pinned: list[str]) -> None:
    assert pinned_names(floating) == pinned


def test_a_floating_name_in_a_release_is_refused_with_names_that_can_be_pasted() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_model("openai/gpt-4o")
    told = re.findall(r"openai/\S+\d", str(refused.value.fix))
    assert told
    assert [check_model(name) for name in told] == told


@pytest.mark.parametrize("model", ["gpt-4o-2024-08-06", "/x-2024-08-06", "openai/", "open ai/x-2024-08-06", ""])
def test_a_model_says_where_it_is_called(model: str) -> None:
    with pytest.raises(InvalidInput, match="provider/name"):
        check_model(model)


def test_every_listed_name_is_pinned_and_listed_once() -> None:
    text = files("assay_server.registry").joinpath("data/models.yaml").read_text("utf-8")
    names = [name for listed in yaml.safe_load(text).values() for name in listed]
    assert all(isinstance(name, str) and is_pinned(name) for name in names)
    assert len(names) == len(set(names))
