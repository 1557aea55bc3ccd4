"""Room for what is on its way in: bounded over all requests, given back whatever happens."""

import pytest

from assay_server.core.errors import Busy, TooLarge
from assay_server.ingest.limits import Limits
from assay_server.ingest.room import Room

LIMITS = Limits(body_bytes=100, waiting_bytes=150)


def test_a_place_is_given_back_at_the_end() -> None:
    room = Room(LIMITS)
    with room.place() as one, room.place() as other:
        one.take(60)
        other.take(30)
        assert room.taken == 90
    assert room.taken == 0


def test_a_full_room_says_when_to_come_back_and_forgets_the_refused() -> None:
    room = Room(LIMITS)
    with room.place() as one:
        one.take(100)
        with room.place() as other:
            other.take(50)
            with pytest.raises(Busy) as refusal:
                other.take(1)
            assert room.taken == 100
    assert refusal.value.retry_after_s == 1
    assert room.taken == 0


def test_one_alone_always_has_room() -> None:
    room = Room(Limits(body_bytes=100, waiting_bytes=10))
    with room.place() as one:
        one.take(50)
        one.take(50)
        assert room.taken == 100


def test_a_body_over_its_limit_is_too_large_however_it_comes() -> None:
    room = Room(LIMITS)
    with room.place() as one:
        one.take(60)
        with pytest.raises(TooLarge):
            one.take(60)
    assert room.taken == 0


def test_a_place_may_have_a_limit_of_its_own() -> None:
    room = Room(LIMITS)
    with room.place(120) as one:
        one.take(120)
        with pytest.raises(TooLarge, match="larger than 120 bytes"):
            one.take(1)
    assert room.taken == 0
