"""Pictures that stand in texts as base64 say nothing of where they were made, whoever sent them in whatever shape."""

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_server.checks.pictures import apart, together
from assay_server.checks.pii import Scrubber
from tests.unit.ingest.media.test_shelf import WHERE, chunk, jpeg, png, segment, webp

EXIF = segment(0xE1, b"Exif\0\0" + WHERE * 20)
TELLING = {
    "jpeg": (jpeg(EXIF, segment(0xFE, WHERE)), jpeg()),
    "png": (png(chunk(b"eXIf", WHERE), chunk(b"tEXt", WHERE)), png()),
    "webp": (webp((b"EXIF", WHERE), flags=0b0000_1000), webp()),
}


def text_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def around(text: str) -> str:
    return together(*apart(text))


def data_url(written: str) -> str:
    return f"see data:image/jpeg;base64,{written}) and say what it is"


def of_openai(written: str) -> str:
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{written}"}}
    return json.dumps([{"role": "user", "content": [{"type": "text", "text": "what is it?"}, part]}])


def of_anthropic(written: str) -> str:
    source = {"type": "base64", "media_type": "image/jpeg", "data": written}
    return json.dumps([{"role": "user", "content": [{"type": "image", "source": source}]}])


def of_the_conventions(written: str) -> str:
    return json.dumps([{"parts": [{"type": "blob", "mime_type": "image/webp", "content": written}]}])


def in_a_text(written: str) -> str:
    return json.dumps({"messages": of_anthropic(written)})


def with_escaped_slashes(written: str) -> str:
    return json.dumps({"data": written}).replace("/", "\\/")


SHAPES = [data_url, of_openai, of_anthropic, of_the_conventions, in_a_text, with_escaped_slashes, str]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("kind", TELLING)
def test_what_a_picture_says_is_gone_and_the_text_around_it_stays(kind: str, shape: Callable[[str], str]) -> None:
    told, plain = TELLING[kind]
    scrubber = Scrubber()
    given = shape(text_of(told))
    assert not scrubber.is_clean(given)
    scrubbed, types = scrubber.scrub(given)
    wanted = shape(text_of(plain))
    assert scrubbed in {wanted, wanted.replace("\\/", "/")}
    assert types == ()


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("kind", TELLING)
def test_a_picture_that_says_nothing_stays_as_it_is(kind: str, shape: Callable[[str], str]) -> None:
    given = shape(text_of(TELLING[kind][1]))
    assert Scrubber().scrub(given) == (given, ())


@pytest.mark.parametrize("length", range(30, 700, 7))
def test_a_picture_that_was_cut_off_says_nothing_either(length: int) -> None:
    """As exporters cut long values: wherever that is, nothing of what it says is left."""
    for told, _ in TELLING.values():
        kept = around(text_of(told)[:length]).rstrip("=")
        content = base64.b64decode(kept[: len(kept) // 4 * 4])
        assert b"GPS" not in content
        assert b"mail-box" not in content


def test_several_pictures_and_personal_data_beside_them() -> None:
    told, plain = map(text_of, TELLING["jpeg"])
    scrubbed, types = Scrubber().scrub(f"{told} from ada@mail-box.org and {told}")
    assert scrubbed == f"{plain} from [EMAIL_ADDRESS] and {plain}"
    assert types == ("EMAIL_ADDRESS",)


def test_a_picture_is_no_text_in_which_something_may_be_found() -> None:
    """Digits of a card by chance, which would have ended the picture."""
    pictures = [png(chunk(b"IDAT", bytes(shift) + base64.b64decode("4111111111111111"))) for shift in range(3)]
    given = next(data_url(text) for text in map(text_of, pictures) if "4111111111111111" in text)
    assert Scrubber().scrub(given) == (given, ())


def test_a_picture_under_the_name_of_a_secret_goes_with_it() -> None:
    told, _ = map(text_of, TELLING["png"])
    assert Scrubber().scrub(json.dumps({"password": told}))[0] == '{"password": "[SECRET]"}'


def test_a_text_that_holds_the_sign_itself_keeps_it() -> None:
    told, plain = map(text_of, TELLING["png"])
    assert Scrubber().scrub(f"\ue5e50\ue5e5 {told}")[0] == f"\ue5e50\ue5e5 {plain}"


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/9j/4QAYRXhpZgAASUkq",
        "/9j/ is how a JPEG begins in base64",
        "UklGRiQAAABXQVZFZm10IBAAAAABAAEA",  # a sound
        "iVBORw0KGgo is how a PNG begins",
        "/9j/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoK",
    ],
)
def test_what_only_begins_like_a_picture_stays(text: str) -> None:
    assert Scrubber().scrub(text)[0] == text


@given(st.sampled_from(["/9j/", "/9j/4Q", "iVBORw0KGgo", "UklGR", ""]), st.binary(max_size=300))
def test_anything_behind_such_a_beginning_is_read_without_a_fault(beginning: str, behind: bytes) -> None:
    around(beginning + text_of(behind))
