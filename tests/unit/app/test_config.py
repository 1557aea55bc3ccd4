from inspect import signature
from pathlib import Path

import pytest

from assay_server.app.config import ENVIRONMENT, FLAGS, Config, load, misspelt
from assay_server.app.main import up
from assay_server.core.errors import InvalidInput


def test_flags_win_over_environment_over_defaults() -> None:
    config = load({"port": 5000, "host": None}, {"ASSAY_PORT": "4700", "ASSAY_DATA": "/srv/assay"})

    assert config.port == 5000
    assert config.data == Path("/srv/assay")
    assert config.host == "127.0.0.1"


def test_every_fault_is_reported_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        load(
            {"port": "99999", "grpc_port": "70000", "log_level": "loud", "backup_days": "0"},
            {"ASSAY_BOOTSTRAP_KEY": "short", "ASSAY_PUBLIC_URL": "assay.example"},
        )

    named = (
        "ASSAY_BACKUP_DAYS",
        "ASSAY_PORT",
        "'99999'",
        "--grpc-port",
        "--log-level",
        "'loud'",
        "ASSAY_BOOTSTRAP_KEY",
        "ASSAY_PUBLIC_URL",
    )
    assert [part for part in named if part not in caught.value.message] == []


@pytest.mark.parametrize(
    ("variable", "flag"),
    [
        ("ASSAY_PORT", "--port"),
        ("ASSAY_BACKUP_DAYS", None),
        ("ASSAY_MEDIA_MAX_BYTES", None),
        ("ASSAY_READ_MEMORY", None),
        ("ASSAY_READ_THREADS", None),
    ],
)
@pytest.mark.parametrize("value", ["abc", "-1", "²"])
def test_a_fault_names_the_flags_that_there_are(variable: str, flag: str | None, value: str) -> None:
    """`--backup-days` was named, which `assay up` does not take; `²` is a digit, and no number."""
    with pytest.raises(InvalidInput) as caught:
        load({}, {variable: value})
    assert caught.value.message.startswith(f"{variable} / {flag}: " if flag else f"{variable}: ")


def test_every_flag_that_is_named_is_one_of_the_command() -> None:
    taken = set(signature(up).parameters)
    assert {name for name in ENVIRONMENT if name in taken} == FLAGS


def test_a_variable_that_is_nearly_one_of_ours_is_told() -> None:
    given = {"ASSAY_BACKUP_DAY": "3", "ASSAY_PORT": "1", "ASSAY_LAKE_KEY": "x", "ASSAYPORT": "1", "BACKUP_DAYS": "2"}
    assert misspelt(given) == {"ASSAY_BACKUP_DAY": "ASSAY_BACKUP_DAYS", "ASSAYPORT": "ASSAY_PORT"}


@pytest.mark.parametrize(("said", "on"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False)])
def test_a_setting_is_on_or_off(said: str, on: bool) -> None:
    assert load({}, {"ASSAY_LOCAL_LLM": said}).local_llm is on
    with pytest.raises(InvalidInput, match="'maybe' is neither on"):
        load({}, {"ASSAY_LOCAL_LLM": "maybe"})


def test_grpc_is_on_by_default_and_0_is_off() -> None:
    assert load({}, {}).grpc_port == 4317
    assert load({"grpc_port": 0}, {}).grpc_port == 0


def test_a_secret_is_never_part_of_the_message() -> None:
    with pytest.raises(InvalidInput) as caught:
        load({}, {"ASSAY_BOOTSTRAP_KEY": "hunter2"})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "public"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True), ("10.0.0.7", True), ("box", True)],
)
def test_public_addresses_are_known(host: str, *, public: bool) -> None:
    assert Config(host=host).is_public is public


def test_the_address_people_use() -> None:
    assert Config(host="0.0.0.0", port=80).url == "http://127.0.0.1:80"
    assert Config(host="::1").url == "http://[::1]:4600"
    assert Config(public_url="https://assay.example/").url == "https://assay.example"


def test_only_the_first_project_names_any_variable_and_a_list_holds_for_all() -> None:
    alone = load({}, {})
    assert alone.may_name("prj_1", "prj_1", "OPENAI_API_KEY")
    assert not alone.may_name("prj_1", "prj_2", "OPENAI_API_KEY")

    listed = load({}, {"ASSAY_PROVIDER_KEYS": "OPENAI_API_KEY, MISTRAL_API_KEY"})
    assert listed.may_name("prj_1", "prj_2", "MISTRAL_API_KEY")
    assert not listed.may_name("prj_1", "prj_1", "AWS_SECRET_ACCESS_KEY")


def test_memory_for_readers_is_an_amount() -> None:
    assert load({}, {"ASSAY_READ_MEMORY": "2GB"}).read_memory == "2GB"
    with pytest.raises(InvalidInput, match=r"ASSAY_READ_MEMORY: 'much' is not an amount of memory such as 2GB"):
        load({}, {"ASSAY_READ_MEMORY": "much"})


def test_threads_for_readers_are_a_number() -> None:
    assert load({}, {}).read_threads is None
    assert load({}, {"ASSAY_READ_THREADS": "16"}).read_threads == 16
    for few in ("1", "0", "257"):
        with pytest.raises(InvalidInput, match=f"ASSAY_READ_THREADS: '{few}' is not a number of threads from 2 to 256"):
            load({}, {"ASSAY_READ_THREADS": few})
