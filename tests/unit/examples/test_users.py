"""Simulated users judge the answer, not the release."""

import itertools

from examples.support.extract import NOT_FOUND
from examples.support.questions import live
from examples.support.users import User, users


def _mean(crowd: list[User], answer_of) -> float:  # type: ignore[no-untyped-def]
    thumbs = [user.thumb(question, answer_of(question)) for user in crowd for question in user.questions]
    given = [thumb for thumb in thumbs if thumb is not None]
    assert 0.85 < len(given) / len(thumbs) < 0.95
    return sum(given) / len(given)


def _crowd(n: int = 1_500, seed: int = 7) -> list[User]:
    return list(itertools.islice(users(seed), n))


def test_the_same_seed_makes_the_same_people() -> None:
    def story(seed: int) -> list[tuple[str, list[str], list[int | None]]]:
        return [
            (user.name, [q.id for q in user.questions], [user.thumb(q, "no idea") for q in user.questions])
            for user in _crowd(50, seed)
        ]

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_everybody_is_somebody_else_and_asks_different_things() -> None:
    crowd = _crowd(200)

    assert len({user.name for user in crowd}) == len({user.session for user in crowd}) == 200
    assert all(len({question.id for question in user.questions}) == 2 for user in crowd)


def test_right_answers_please_and_wrong_ones_do_not() -> None:
    right = _mean(_crowd(), lambda q: " ".join(q.accept) if q.document else NOT_FOUND)
    wrong = _mean(_crowd(), lambda q: "Something else altogether.")

    assert 0.9 < right < 0.97
    assert 0.05 < wrong < 0.12


def test_an_honest_refusal_pleases_only_where_there_is_no_answer() -> None:
    answerable = [question for question in live() if question.document]
    crowd = list(itertools.islice(users(3, pool=answerable), 800))

    assert _mean(crowd, lambda q: NOT_FOUND) < 0.15
