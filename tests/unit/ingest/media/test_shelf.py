"""Media: cleaned before they are kept, kept once, gone with the last trace that links them."""

import asyncio
import struct
import threading
import zlib
from errno import ENOSPC
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from assay_server.checks.pii import Scrubber
from assay_server.core.errors import InvalidInput, NotFound, RateLimited, TooLarge, Unavailable
from assay_server.ingest import MediaLink, MediaShelf, MediaTickets
from assay_server.ingest.media import files as media_files
from assay_server.ingest.media.cleaning import clean
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT

WHERE = b"GPS 47.37,8.54 ada@mail-box.org"
T1, T2 = "1" * 32, "2" * 32


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*more: bytes) -> bytes:
    return (
        b"\xff\xd8" + segment(0xE0, b"JFIF\0") + b"".join(more) + segment(0xDA, b"scan") + b"picture \xff\xe1\xff\xd9"
    )


def webp(*more: tuple[bytes, bytes], flags: int = 0) -> bytes:
    parts = [(b"VP8X", bytes([flags]) + bytes(9)), (b"VP8 ", b"odd"), *more]
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in parts
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("kind", "told", "plain"),
    [
        ("image/png", png(chunk(b"eXIf", WHERE), chunk(b"iTXt", WHERE)) + WHERE, png()),
        ("image/jpeg", jpeg(segment(0xE1, WHERE), segment(0xFE, WHERE), b"\xff", segment(0xED, WHERE)), jpeg()),
        ("image/webp", webp((b"EXIF", WHERE), (b"XMP ", WHERE), flags=0b0001_1100), webp(flags=0b0001_0000)),
        ("text/plain", WHERE, b"GPS 47.37,8.54 [EMAIL_ADDRESS]"),
        ("image/svg+xml", b"<text>ada@mail-box.org</text>", b"<text>[EMAIL_ADDRESS]</text>"),
        ("audio/x+xml", b"<text>ada@mail-box.org</text>", b"<text>[EMAIL_ADDRESS]</text>"),
        ("audio/wav", b"RIFF", b"RIFF"),
        ("image/gif", b"GIF89a ada@mail-box.org", b"GIF89a ada@mail-box.org"),
        ("application/pdf", b"%PDF-1.7 ada@mail-box.org", b"%PDF-1.7 ada@mail-box.org"),
        ("application/pdf", b"ada@mail-box.org", b"[EMAIL_ADDRESS]"),
        ("application/octet-stream", b"ada@mail-box.org", b"[EMAIL_ADDRESS]"),
        ("application/octet-stream", b"\0ada@mail-box.org", b"\0ada@mail-box.org"),
        ("application/zip", b"\xffada@mail-box.org", b"\xffada@mail-box.org"),
        ("message/rfc822", b"To: ada@mail-box.org", b"To: [EMAIL_ADDRESS]"),
        ("audio/x", b"ada@mail-box.org", b"[EMAIL_ADDRESS]"),
    ],
)
def test_what_media_say_of_people_is_taken_out(kind: str, told: bytes, plain: bytes) -> None:
    assert clean(kind, told, Scrubber().scrub) == plain


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image/png", b"GIF89a"),
        ("image/png", png()[:-3]),
        ("image/png", b"\x89PNG\r\n\x1a\n"),
        ("image/jpeg", png()),
        ("image/jpeg", b"\xff\xd8\xff\xe0"),
        ("image/jpeg", b"\xff\xd8" + segment(0xE0, b"JFIF")),
        ("image/webp", b"RIFF\0\0\0\0AVI "),
        ("image/webp", webp()[:-2]),
        ("text/plain", b"\xff\xfe"),
        ("image/gif", b"<html>"),
    ],
)
def test_what_is_not_of_its_type_is_refused(kind: str, content: bytes) -> None:
    with pytest.raises(InvalidInput):
        clean(kind, content, Scrubber().scrub)


@pytest.fixture
def shelf(ledger: Ledger, tmp_path: Path) -> MediaShelf:
    return MediaShelf(ledger, tmp_path / "media", Scrubber().scrub, FakeClock(), 1000)


async def keep(shelf: MediaShelf, media: str, content: bytes, *traces: str, project: str = PROJECT) -> bool:
    wanted = False
    for trace in traces or (T1,):
        link = MediaLink(trace, "", "input")
        digest = sha256(content).hexdigest()
        wanted = await shelf.announce(project, media, "image/png", len(content), digest, link)
        if wanted:
            await shelf.store(project, media, content)
    return wanted


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


async def test_media_are_kept_once_and_clean(shelf: MediaShelf, tmp_path: Path) -> None:
    told = png(chunk(b"tEXt", WHERE))
    assert await keep(shelf, "a", told)
    assert not await keep(shelf, "a", told, T2), "its content is there"
    await keep(shelf, "b", png())
    [file] = files(tmp_path)
    assert file.read_bytes() == png()
    kept = await shelf.get(PROJECT, "a")
    assert (kept.content_type, kept.bytes, kept.path) == ("image/png", len(png()), file)
    assert [(one["id"], one["field"], one["span_id"]) for one in await shelf.of_trace(PROJECT, T2)] == [
        ("a", "input", None)
    ]


async def test_what_was_announced_and_never_came_is_told_so(shelf: MediaShelf) -> None:
    await shelf.announce(PROJECT, "a", "image/png", 10, "0" * 64, MediaLink(T1, "aa" * 8, "output"))
    [one] = await shelf.of_trace(PROJECT, T1)
    assert (one["stored"], one["sha256"], one["span_id"]) == (False, None, "aa" * 8)
    assert (await shelf.get(PROJECT, "a")).path is None


async def test_projects_do_not_meet(shelf: MediaShelf) -> None:
    await keep(shelf, "a", png())
    assert await shelf.of_trace(OTHER_PROJECT, T1) == []
    for ask in (shelf.get, shelf.forget):
        if ask is shelf.get:
            with pytest.raises(NotFound):
                await ask(OTHER_PROJECT, "a")
        else:
            assert await shelf.forget(OTHER_PROJECT, [T1]) == 0
    assert (await shelf.get(PROJECT, "a")).path is not None


async def test_media_go_with_the_last_trace_that_links_them(shelf: MediaShelf, tmp_path: Path) -> None:
    await keep(shelf, "a", png(), T1, T2)
    await keep(shelf, "same", png(chunk(b"tEXt", WHERE)), T2)  # another id, the same file
    assert await shelf.forget(PROJECT, [T1]) == 0
    assert len(files(tmp_path)) == 1
    assert await shelf.forget(PROJECT, [T2]) == 2
    assert files(tmp_path) == []
    with pytest.raises(NotFound):
        await shelf.get(PROJECT, "a")


async def test_a_file_that_is_still_linked_under_another_id_stays(shelf: MediaShelf, tmp_path: Path) -> None:
    await keep(shelf, "a", png(), T1)
    await keep(shelf, "same", png(chunk(b"tEXt", WHERE)), T2)
    assert await shelf.forget(PROJECT, [T1]) == 1
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize(
    ("media", "kind", "size", "error"),
    [
        ("a", "image/png", 1001, TooLarge),
        ("a", "image/png", 0, TooLarge),
        ("../a", "image/png", 10, InvalidInput),
        ("a", "text/html x", 10, InvalidInput),
    ],
)
async def test_what_cannot_be_kept_is_refused(
    shelf: MediaShelf, media: str, kind: str, size: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await shelf.announce(PROJECT, media, kind, size, "0" * 64, None)


async def test_content_that_was_not_announced_is_refused(shelf: MediaShelf, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await shelf.store(PROJECT, "a", png())
    await shelf.announce(PROJECT, "a", "image/png", 10, sha256(b"other").hexdigest(), None)
    with pytest.raises(InvalidInput):
        await shelf.store(PROJECT, "a", png())
    assert files(tmp_path) == []


@pytest.mark.parametrize("said", ["image/PNG", "Image/png", "image/png; q=1", "image/png;codecs=x"])
async def test_a_type_is_the_same_however_it_is_written(shelf: MediaShelf, tmp_path: Path, said: str) -> None:
    told = png(chunk(b"tEXt", WHERE))
    await shelf.announce(PROJECT, "a", said, len(told), sha256(told).hexdigest(), MediaLink(T1, "", "input"))
    await shelf.store(PROJECT, "a", told)
    assert (await shelf.get(PROJECT, "a")).content_type == "image/png"
    assert [file.read_bytes() for file in files(tmp_path)] == [png()]


async def test_a_file_that_was_removed_by_hand_is_told_so_and_wanted_again(shelf: MediaShelf, tmp_path: Path) -> None:
    await keep(shelf, "a", png())
    [file] = files(tmp_path)
    file.unlink()
    assert (await shelf.get(PROJECT, "a")).path is None
    assert [one["stored"] for one in await shelf.of_trace(PROJECT, T1)] == [False]
    assert await keep(shelf, "a", png())
    assert files(tmp_path) == [file]


async def test_media_count_for_the_quota_and_are_refused_past_it(ledger: Ledger, tmp_path: Path) -> None:
    came: list[tuple[str, int]] = []

    def may(project: str) -> None:
        if came:
            raise RateLimited(f"{project} has sent enough")

    shelf = MediaShelf(
        ledger, tmp_path / "media", Scrubber().scrub, FakeClock(), 1000,
        may=may, counted=lambda project, size: came.append((project, size)),
    )  # fmt: skip
    told, later = png(), png(chunk(b"tRNS", b"x"))
    await shelf.announce(PROJECT, "later", "image/png", len(later), sha256(later).hexdigest(), None)
    assert await keep(shelf, "a", told)
    assert came == [(PROJECT, len(told))]
    with pytest.raises(RateLimited):
        await keep(shelf, "b", png(chunk(b"gAMA", b"x")))
    with pytest.raises(RateLimited):
        await shelf.store(PROJECT, "later", later)
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("refusing", ["fsync", "open"])
async def test_a_full_disk_is_told_and_leaves_nothing_behind(
    shelf: MediaShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(*((media_files.os, "fsync") if refusing == "fsync" else (Path, "open")), refuse)
        with pytest.raises(Unavailable, match="No space left on device") as caught:
            await keep(shelf, "a", png())
    assert (caught.value.field, caught.value.retry_after_s) == (None, 30)
    assert files(tmp_path) == []
    assert await keep(shelf, "a", png()), "it is still wanted"


async def test_what_is_forgotten_while_it_comes_leaves_no_file(
    shelf: MediaShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = asyncio.Event()
    loop = asyncio.get_running_loop()
    forgotten = threading.Event()
    write = media_files.write

    def slowly(path: Path, content: bytes) -> None:
        write(path, content)
        loop.call_soon_threadsafe(written.set)
        forgotten.wait(10)

    monkeypatch.setattr(media_files, "write", slowly)
    coming = asyncio.create_task(keep(shelf, "a", png()))
    await written.wait()
    assert await shelf.forget(PROJECT, [T1]) == 1
    forgotten.set()
    with pytest.raises(NotFound):
        await coming
    assert files(tmp_path) == []


class Killed(BaseException):
    """Nothing of the process runs any more."""


@pytest.mark.parametrize("left", ["", ".half"])
async def test_what_a_crash_leaves_of_a_file_goes_with_its_media(
    shelf: MediaShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    def killed(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True)
        path.with_name(path.name + left).write_bytes(content[:9])
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(media_files, "write", killed)
        with pytest.raises(Killed):
            await keep(shelf, "a", png())
    assert len(files(tmp_path)) == 1
    assert await shelf.forget(PROJECT, [T1]) == 1
    assert files(tmp_path) == []


def test_a_ticket_is_for_one_file_of_one_project_and_an_hour() -> None:
    clock = FakeClock()
    tickets = MediaTickets(b"secret", clock)
    ticket, ends_ns = tickets.issue(PROJECT, "a")
    assert (tickets.project(ticket, "a"), ends_ns > clock.now_ns()) == (PROJECT, True)
    wrong: list[tuple[Any, str]] = [(tickets, "b"), (MediaTickets(b"other", clock), "a")]
    for reader, media in wrong:
        with pytest.raises(NotFound):
            reader.project(ticket, media)
    for made_up in ("", "x", "é", ticket[:-4], "cHJqX3Rlc3QgOTk5OTk5OTk5OSB4"):
        with pytest.raises(NotFound):
            tickets.project(made_up, "a")
    clock.advance(3601)
    with pytest.raises(NotFound):
        tickets.project(ticket, "a")


async def test_a_picture_that_is_sent_again_and_again_stays_with_the_newer_traces(
    ledger: Ledger, tmp_path: Path
) -> None:
    """A logo that came with every call was gone from yesterday's, as soon as the first one was old enough."""
    clock = FakeClock()
    shelf = MediaShelf(ledger, tmp_path / "media", Scrubber().scrub, clock, 1000)
    await keep(shelf, "logo", png(), T1)
    clock.advance(86_400 * 40)
    assert not await keep(shelf, "logo", png(), T2), "its content is known"
    until_ns = clock.now_ns() - 30 * 86_400 * 10**9
    assert await shelf.forget_before(PROJECT, until_ns, dry_run=True) == 0
    assert await shelf.forget_before(PROJECT, until_ns) == 0
    assert (len(await shelf.of_trace(PROJECT, T1)), len(await shelf.of_trace(PROJECT, T2))) == (0, 1)
    assert await shelf.forget_before(PROJECT, clock.now_ns() + 1) == 1
    assert (await shelf.of_trace(PROJECT, T2), files(tmp_path)) == ([], [])
