"""Scores that are taken back."""

from typing import Any

import pytest
from sqlalchemy import Connection

from assay_server.core.errors import Conflict, Forbidden, NotFound
from assay_server.core.ports import Principal
from assay_server.core.records import Facts, Score
from assay_server.governance import Audit
from assay_server.keeping import ScoresTakenBack
from assay_server.ledger import Ledger, tables
from assay_server.query import Scores
from assay_server.store import DuckStore
from tests.fakes.counters import NoCounters
from tests.unit.keeping.conftest import NOW_NS, PROJECT

ADA, ADMIN = Principal(PROJECT, "user:ada", "editor"), Principal(PROJECT, "user:root", "admin")
TRACE = f"{1:032x}"


def a_score(id_: str, author: str = ADA.actor, **fields: Any) -> Score:
    said = {"value": 1.0, "trace_id": TRACE, "reason": "of ada", **fields}
    return Score(PROJECT, id_, "correct", NOW_NS, "human", author=author, **said)


@pytest.fixture
def taking(store: DuckStore, ledger: Ledger, audit: Audit) -> ScoresTakenBack:
    return ScoresTakenBack(store, ledger, audit, NoCounters())


def _begin_run(connection: Connection) -> None:
    made = {"project": PROJECT, "created_ns": 1, "created_by": "user:ada"}
    dataset = {"id": "dsv_1", "name": "golden", "version": 1, "content_hash": "h", "items": 1, "scrubbed": {}}
    connection.execute(tables.registry.dataset_versions.insert().values(**made, **dataset))
    run = {"id": "run_1", "status": "done", "dataset": "dsv_1", "dataset_name": "golden", "dataset_version": 1}
    run |= {"metrics": [], "concurrency": 1, "repeats": 1, "total": 1}
    connection.execute(tables.evaluation.runs.insert().values(**made, **run))


async def ids(store: DuckStore) -> set[str]:
    return {row["id"] for row in (await Scores(store).find(PROJECT)).items}


async def test_ones_own_score_is_gone_and_the_log_says_who_took_it_back(
    taking: ScoresTakenBack, store: DuckStore, audit: Audit
) -> None:
    await store.append(Facts(scores=[a_score("one"), a_score("two")]))
    assert await taking.take_back(ADA, "one") == ["one"]
    assert await ids(store) == {"two"}
    [event], _, _ = await audit.list(PROJECT, action="score.take_back")
    assert (event["actor"], event["subject"], event["before"]["value"]) == ("user:ada", "one", 1.0)
    assert "of ada" not in str(event)
    assert (await audit.verify(PROJECT))["ok"]


async def test_it_may_be_given_again_under_another_id_and_under_its_own(
    taking: ScoresTakenBack, store: DuckStore
) -> None:
    await store.append(Facts(scores=[a_score("one")]))
    await taking.take_back(ADA, "one")
    assert (await store.append(Facts(scores=[a_score("one"), a_score("two")]))).scores == 2
    assert await ids(store) == {"one", "two"}


async def test_a_copy_of_the_store_has_it_no_more(taking: ScoresTakenBack, store: DuckStore, tmp_path: Any) -> None:
    await store.append(Facts(scores=[a_score("one"), a_score("two")]))
    await taking.take_back(ADA, "one")
    assert (await store.copy(tmp_path / "copy"))["scores"] == 1


async def test_somebody_elses_is_taken_back_by_an_admin_alone(taking: ScoresTakenBack, store: DuckStore) -> None:
    await store.append(Facts(scores=[a_score("one", author="user:grace")]))
    with pytest.raises(Forbidden, match="whoever gave it") as refused:
        await taking.take_back(ADA, "one")
    assert "user:grace" in str(refused.value.fix)
    await taking.take_back(ADMIN, "one")
    assert await ids(store) == set()


async def test_what_is_not_there_and_what_another_project_holds_is_not_found(
    taking: ScoresTakenBack, store: DuckStore
) -> None:
    await store.append(Facts(scores=[a_score("one")]))
    for caller, score, trace in ((ADA, "two", None), (Principal("prj_b", ADA.actor, "admin"), "one", None),
                                 (ADA, "one", f"{2:032x}")):  # fmt: skip
        with pytest.raises(NotFound):
            await taking.take_back(caller, score, trace_id=trace)
    assert await ids(store) == {"one"}


async def test_a_score_of_a_run_stays_and_one_of_a_clients_experiment_does_not(
    taking: ScoresTakenBack, store: DuckStore, ledger: Ledger
) -> None:
    await ledger.write(_begin_run)
    await store.append(Facts(scores=[a_score("one", run="run_1"), a_score("two", run="an experiment")]))
    with pytest.raises(Conflict, match="verdicts"):
        await taking.take_back(ADMIN, "one")
    await taking.take_back(ADA, "two")
    assert await ids(store) == {"one"}


async def test_all_that_a_client_sent_under_one_id_goes_and_what_others_sent_stays(
    taking: ScoresTakenBack, store: DuckStore
) -> None:
    sent = {"metadata": {"id": "thumb"}}
    given = [a_score("a", **sent), a_score("b", **sent), a_score("c", author="user:grace", **sent), a_score("d")]
    await store.append(Facts(scores=given))
    assert await taking.take_back(ADA, "thumb", sent_as=True) == ["a", "b"]
    assert await ids(store) == {"c", "d"}
