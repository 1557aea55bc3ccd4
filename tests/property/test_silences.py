"""Silences that come again, in nights in which clocks change: by the wall clock there, in one piece, never early."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from assay_server.notify.repeats import DAYS, Repeats

_SECOND = 1_000_000_000
# Berlin jumps at 02:00, Sao Paulo at midnight; Lord Howe by half an hour; Apia left out a whole day in 2011.
_ZONES = ("Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
_CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2018, 11, 4, 3, tzinfo=UTC),
    datetime(2018, 2, 18, 2, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
]
_times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
_moments = st.builds(
    lambda at, minutes: at + timedelta(minutes=minutes), st.sampled_from(_CHANGES), st.integers(-2000, 2000)
)


def _ns(at: datetime) -> int:
    return int(at.timestamp()) * _SECOND


def _said(repeats: Repeats, at: datetime) -> bool:
    """Whether the wall clock reads a time that is to be silent: what a person there would say."""
    wall = at.astimezone(repeats.zone).replace(tzinfo=None)
    days = [DAYS[(wall.date() - timedelta(days=back)).weekday()] in repeats.days for back in (0, 1)]
    if repeats.since < repeats.until:
        return days[0] and repeats.since <= wall.time() < repeats.until
    return (days[0] and wall.time() >= repeats.since) or (days[1] and wall.time() < repeats.until)


def _steady(repeats: Repeats, at: datetime) -> bool:
    """No change of clocks within a day of it."""
    around = {(at + timedelta(hours=hours)).astimezone(repeats.zone).utcoffset() for hours in range(-26, 27)}
    return len(around) == 1


@given(
    zone=st.sampled_from(_ZONES),
    since=_times,
    until=_times,
    days=st.sets(st.sampled_from(DAYS), min_size=1).map(lambda found: tuple(d for d in DAYS if d in found)),
    at=_moments,
)
@example("Europe/Berlin", time(2), time(4), DAYS, datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
@example("Europe/Berlin", time(1), time(2, 30), DAYS, datetime(2026, 10, 25, 0, 45, tzinfo=UTC))
@example("Europe/Berlin", time(2, 30), time(4), DAYS, datetime(2026, 3, 29, 1, 0, tzinfo=UTC))
@example("America/Sao_Paulo", time(0), time(1), DAYS, datetime(2018, 11, 4, 2, 59, tzinfo=UTC))
def test_what_the_clock_says_is_silent(
    zone: str, since: time, until: time, days: tuple[str, ...], at: datetime
) -> None:
    repeats = Repeats(days, since, until, ZoneInfo(zone))
    end = repeats.end_ns(_ns(at))
    if _said(repeats, at):
        assert end is not None
    if _steady(repeats, at):
        assert (end is not None) == _said(repeats, at)
    if end is not None:
        assert _ns(at) < end <= _ns(at) + 27 * 3600 * _SECOND
        inside = range(int(at.timestamp()), end // _SECOND, 60)
        assert all(repeats.end_ns(second * _SECOND) is not None for second in inside)  # in one piece


@given(zone=st.sampled_from(_ZONES), since=_times, until=_times, day=st.sampled_from(DAYS), at=_moments)
def test_the_next_one_is_the_first_that_begins(zone: str, since: time, until: time, day: str, at: datetime) -> None:
    repeats = Repeats((day,), since, until, ZoneInfo(zone))
    begins = repeats.next_ns(_ns(at))
    assert begins is not None
    assert begins > _ns(at)
    assert repeats.end_ns(begins) is not None
    assert repeats.end_ns(begins - _SECOND) is None  # with a single day of the week they never touch
    between = range(int(at.timestamp()) + 60, begins // _SECOND, 600)
    quiet = [repeats.end_ns(second * _SECOND) is not None for second in between]
    assert quiet == sorted(quiet, reverse=True)  # what goes on now may end, and nothing begins before it


def _length(repeats: Repeats, at: datetime) -> timedelta:
    begins = repeats.next_ns(_ns(at))
    assert begins is not None
    end = repeats.end_ns(begins)
    assert end is not None
    return timedelta(seconds=(end - begins) / _SECOND)


def test_a_night_is_an_hour_longer_in_autumn_and_shorter_in_spring() -> None:
    nights = Repeats(DAYS, time(2), time(4), ZoneInfo("Europe/Berlin"))
    evenings = [datetime(2026, *day, 20, tzinfo=UTC) for day in ((10, 23), (10, 24), (3, 27), (3, 28))]
    assert [_length(nights, at).total_seconds() / 3600 for at in evenings] == [2, 3, 2, 1]


def test_a_time_that_is_jumped_over_is_left_out_once() -> None:
    lost = Repeats(DAYS, time(2, 15), time(2, 45), ZoneInfo("Europe/Berlin"))
    begins = lost.next_ns(_ns(datetime(2026, 3, 28, 20, tzinfo=UTC)))
    assert begins == _ns(datetime(2026, 3, 30, 0, 15, tzinfo=UTC))
