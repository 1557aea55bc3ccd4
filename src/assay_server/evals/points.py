"""From stored answers to one point per item and metric: repeats are averaged, errors and skips stay visible."""

import math
from collections.abc import Iterable, Mapping, Sequence

from assay_server.evals.items import Item
from assay_server.evals.judgement import Point
from assay_server.evals.ports import Answered


def points_of(metric: str, answered: Sequence[Answered], items: Mapping[str, Item]) -> list[Point]:
    """One point per item that was answered, in the order of item ids.

    Repeats of an item are averaged first: they say how the target varies, not how the items do (Miller 2411.00640).
    """
    by_item: dict[str, list[Answered]] = {}
    for answer in answered:
        by_item.setdefault(answer.item, []).append(answer)
    return [_point(metric, item, by_item[item], items.get(item)) for item in sorted(by_item)]


def by_item(items: Iterable[Item]) -> dict[str, Item]:
    return {item.id: item for item in items}


def _point(metric: str, item_id: str, answers: Sequence[Answered], item: Item | None) -> Point:
    scores = [answer.scores[metric] for answer in answers if metric in answer.scores]
    values = [score.value for score in scores if score.value is not None]
    first = answers[0]
    return Point(
        item=item_id,
        cluster=item.cluster if item is not None else first.cluster or item_id,
        tags=item.tags if item is not None else frozenset(),
        value=math.fsum(values) / len(values) if values else None,
        errors=sum(score.error is not None for score in scores),
        content=item.content if item is not None else item_id,
    )
