"""What `pip install assay` brings: the server with its built interface, its migrations and its data files."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        message = "uv is not installed beside this Python: run `make install`"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    out = tmp_path_factory.mktemp("dist")
    for source in (ROOT, ROOT / "sdk"):
        copy = tmp_path_factory.mktemp("source")
        ignored = shutil.ignore_patterns(".venv*", "node_modules", ".git", "assay-data", "tests", ".*_cache")
        shutil.copytree(source, copy, ignore=ignored, dirs_exist_ok=True)
        command = [str(uv), "build", "--quiet", "--wheel", "--out-dir", str(out), str(copy)]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=110)
    return sorted(out.glob("*.whl"))


def test_there_are_two_distributions(wheels: list[Path]) -> None:
    assert [wheel.name.partition("-")[0] for wheel in wheels] == ["assay", "assay_sdk"]


def test_the_server_brings_everything_it_reads_at_run_time(wheels: list[Path]) -> None:
    inside = zipfile.ZipFile(wheels[0]).namelist()
    package = ROOT / "src" / "assay_server"
    kinds = {".yaml", ".sql", ".mako", ".ini", ".html", ".py"}
    needed = [path for path in package.rglob("*") if path.suffix in kinds and "__pycache__" not in path.parts]

    assert "assay_server/api/web/index.html" in inside
    assert [str(path) for path in needed if path.relative_to(package.parent).as_posix() not in inside] == []
    assert not [name for name in inside if name.startswith(("tests/", "examples/"))]


def test_the_client_brings_nothing_of_the_server(wheels: list[Path]) -> None:
    inside = zipfile.ZipFile(wheels[1]).namelist()

    assert "assay/__init__.py" in inside
    assert not [name for name in inside if name.startswith("assay_server")]
