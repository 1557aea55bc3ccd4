"""A disk that the system turns read-only under a running server, as ext4 does when it meets an error of its own.

It stays so until somebody unmounts and repairs it. Until then writes are refused with a fix and reading goes on;
afterwards a start finds all that was acknowledged.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.fixtures import otlp
from tests.fixtures.server import RunningServer

_SIZE = 900 << 20  # sparse; 256 MB of it are to stay free


@dataclass(slots=True, frozen=True)
class Disk:
    """`fail`: the file system meets an error. `repair`: unmounted, checked, mounted again."""

    path: Path
    fail: Callable[[], None]
    repair: Callable[[], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """An ext4 of its own on a loop device."""
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 (of e2fsprogs, in /usr/sbin) is not on the PATH")
    image, path = tmp_path / "disk.img", tmp_path / "disk"
    path.mkdir()
    with image.open("wb") as out:
        out.truncate(_SIZE)
    mount = ["mount", "-o", "loop,errors=remount-ro", str(image), str(path)]
    if not (_did("mkfs.ext4", "-q", "-F", str(image)) and _did(*mount)):
        pytest.skip("this user may not mount a disk")
    device = subprocess.run(["findmnt", "-no", "SOURCE", str(path)], capture_output=True, text=True, check=True)
    trigger = Path("/sys/fs/ext4") / Path(device.stdout.strip()).name / "trigger_fs_error"
    if not trigger.exists():
        _did("umount", "-l", str(path))
        pytest.skip("this system cannot be told to meet an error")

    def repair() -> None:
        assert _did("umount", str(path)), "something holds the disk"
        checked = subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True, check=False)
        assert checked.returncode in (0, 1), checked.stdout
        assert _did(*mount)

    yield Disk(path, lambda: _fail(trigger), repair)
    _did("umount", "-l", str(path))


@pytest.mark.timeout(300)
def test_a_disk_that_turns_read_only_under_a_running_server(disk: Disk) -> None:
    server = RunningServer(disk.path.parent / "data")
    server.data.symlink_to(disk.path / "data")  # its log is to be written all the same
    (disk.path / "data").mkdir()
    batches = [otlp.batch(otlp.seeded(seed)) for seed in range(3)]
    server.start(timeout=120)
    try:
        with server.client(timeout=60) as client:
            assert _sent(client, batches[0]).status_code == 200
            disk.fail()
            refused, ready = _sent(client, batches[1]), client.get("/readyz")
            decided = client.put("/api/v1/retention", json={"rules": [{"text_days": 30}]})
            assert [refused.status_code, ready.status_code, decided.status_code] == [503, 503, 503]
            assert refused.headers["retry-after"]
            assert ready.json()["faults"].keys() == {"facts", "decisions"}
            assert decided.json()["fix"]
            assert client.get("/api/v1/spans").json()["total"] == len(batches[0].ids)
            assert client.get("/api/v1/traces").status_code == 200
            assert client.post("/api/v1/sql", json={"sql": "SELECT count(*) FROM spans"}).status_code == 200
        server.stop()
        disk.repair()
        server.start(timeout=120)
        with server.client(timeout=60) as client:
            again = [_sent(client, batch).status_code for batch in batches]
            total = client.get("/api/v1/spans").json()["total"]
            assert client.get("/readyz").status_code == 200
    finally:
        server.kill()
    assert again == [200, 200, 200]
    assert total == sum(len(batch.ids) for batch in batches)


def _fail(trigger: Path) -> None:
    trigger.write_text("the disk is broken")


def _did(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _sent(client: httpx.Client, batch: otlp.Batch) -> httpx.Response:
    return client.post("/v1/traces", content=batch.body, headers=otlp.PROTOBUF)
