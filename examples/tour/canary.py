"""Steps 5 and 6: users decide. C is promoted; D, which passed every test, is rolled back by the machine; one undo."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import assay
from examples.support.users import User, users
from examples.tour import making
from examples.tour.context import CHANNEL, FEEDBACK, Tour, interval, signed
from examples.tour.evaluate import golden_run, judge
from examples.tour.expect import expect, until

USERS = 1_500
SHARES = (20.0, 50.0)
MARGIN = 0.05
MIN_UNITS = 60
MOST_UNITS = 6_000
QUICK_S = 2.0

_WORKERS = 16
_DECISION_S = 240.0


async def canary(tour: Tour) -> None:
    """Two canaries under live traffic; whoever is left of the users asks on afterwards."""
    crowd = users(seed=int(time.time()))  # other people on each tour
    good = await _run(tour, "C", crowd)
    expect(good["status"] == "promoted", "C is promoted", _decision(good))
    seen = {round(look["step"]) for look in good["looks"]}
    expect(seen == {0, 1}, "C went through both shares, 20 % and 50 %", seen)
    await _expect_live(tour, "C")
    tour.screen.good(_decision(good))
    tour.tell("Canary: C", f"promoted; {_evidence(good)}", f"/canaries/{good['id']}")
    await _bad_release(tour, crowd)
    await _ask_on(tour, crowd)


async def undo(tour: Tour) -> None:
    """One command; the next request has the earlier release; the audit log says who, what, when and why."""
    before = (await tour.client.channels.get(CHANNEL))["release"]
    began = time.monotonic()
    await tour.assay("rollback", CHANNEL, "--reason", "the tour shows how to undo")
    done = time.monotonic()
    reply = await until(
        "the earlier release answers",
        lambda: tour.ask("When are your shops open?", "visitor-01", "visit-01"),
        lambda reply: reply["release"] == tour.releases["A"]["id"],
        deadline_s=QUICK_S,
    )
    took = time.monotonic() - done
    expect(reply["release"] != before["id"], "another release than before", reply["release"])
    page = await tour.client.audit.list(limit=20, subject=CHANNEL)
    event = next((each for each in page["items"] if "rollback" in each["action"] and each["reason"]), None)
    expect(event is not None, "the audit log has the rollback", [each["action"] for each in page["items"]])
    assert event is not None
    expect(all(event[part] for part in ("actor", "at", "subject", "reason")), "who, what, when and why", event)
    chain = await tour.client.audit.verify()
    tour.screen.good(f"{event['actor']} · {event['action']} {event['subject']} · {event['at']} · “{event['reason']}”")
    expect(chain["ok"] is True, "the audit log's chain of hashes is whole", chain)
    tour.screen.good(f"the audit log's chain of hashes is whole: {chain['checked']} events")
    tour.tell(
        "Undo",
        f"{making.ref(before)} → {making.ref(tour.releases['A'])} in {done - began:.1f} s, "
        f"the application had it {took:.1f} s later",
        "/audit",
    )


async def _bad_release(tour: Tour, crowd: Iterator[User]) -> None:
    """D passes the gate, because the golden set is older than the policies its index has missed."""
    fourth = await making.make(tour, "D")
    run = await golden_run(tour, "D")
    verdict = await judge(tour, run["id"], tour.runs["C"], code=0)
    tour.screen.good(f"D passes its gate: {verdict['sentence']}")
    bad = await _run(tour, "D", crowd)
    expect(bad["status"] == "rolled_back", "D is rolled back by the machine", _decision(bad))
    await _expect_live(tour, "C")
    incident = await _incident(tour, bad["id"])
    tour.screen.good(incident["sentence"])
    tour.tell("Canary: D", f"passed the gate, rolled back by the machine; {_evidence(bad)}",
              f"/incidents/{incident['id']}")  # fmt: skip
    stale = fourth["retrieval_config"]["index_version"]
    expect(stale in str(incident), f"the incident names the index that changed, {stale}", incident["sentence"])


async def _run(tour: Tour, letter: str, crowd: Iterator[User]) -> dict[str, Any]:
    """Start a canary and let users ask until it is decided; the canary as it ended."""
    release = tour.releases[letter]
    started = await tour.client.canaries.start(
        CHANNEL, release["id"], steps=SHARES, unit="user", scores=[{"name": FEEDBACK, "margin": MARGIN}],
        min_units=MIN_UNITS, max_units=MOST_UNITS, guardrails={"error_rate": {"margin": 0.02}},
        reason=f"canary of release {letter}",
    )  # fmt: skip
    shares = ",".join(f"{share:g}" for share in SHARES)
    tour.screen.command(
        f"assay canary start {CHANNEL} {making.ref(release)} --score {FEEDBACK}={MARGIN} --steps {shares}"
    )
    decided = asyncio.create_task(_decided(tour, started["id"]))
    with tour.screen.progress(f"users, a share of them with {letter}", USERS) as report:
        await _drive(tour, crowd, report, lambda: not decided.done())
    tour.canaries[letter] = await decided
    return tour.canaries[letter]


async def _decided(tour: Tour, identity: str) -> dict[str, Any]:
    return await until(
        "the canary is decided",
        lambda: tour.client.canaries.get(identity),
        lambda found: found["status"] not in ("running", "held"),
        deadline_s=_DECISION_S,
    )


async def _drive(tour: Tour, crowd: Iterator[User], report: Callable[[int], None], go_on: Callable[[], bool]) -> None:
    """Users come and ask, 16 at a time, as long as it goes on."""

    async def worker() -> None:
        while go_on():
            await _visit(tour, next(crowd))
            tour.users += 1
            report(tour.users)

    async with asyncio.TaskGroup() as group:
        for _ in range(_WORKERS):
            group.create_task(worker())


async def _visit(tour: Tour, user: User) -> None:
    """One user asks, and presses a button or not. Who has met the candidate does not meet the baseline after it."""
    arms = []
    for question in user.questions:
        reply = await tour.ask(question.text, user.name, user.session)
        arms.append(reply["arm"])
        thumb = user.thumb(question, reply["answer"])
        if thumb is not None:
            assay.score(FEEDBACK, thumb, trace_id=reply["trace_id"], session=user.session, source="end_user")
    expect(arms != ["candidate", "baseline"], f"{user.name} keeps the arm", arms)


async def _ask_on(tour: Tour, crowd: Iterator[User]) -> None:
    left = max(0, USERS - tour.users)
    if left:
        rest = itertools.islice(crowd, left)
        with tour.screen.progress("users, after the canaries", USERS) as report:
            await _drive(tour, itertools.chain(rest, crowd), report, lambda: tour.users < USERS)
    assay.flush()
    page = await tour.client.scores.list(limit=1, name=FEEDBACK, since=tour.began)
    tour.screen.good(f"{tour.users} users asked, each kept one arm; {page['total']} thumbs are stored")


async def _expect_live(tour: Tour, letter: str) -> None:
    live = (await tour.client.channels.get(CHANNEL))["release"]
    expect(live["id"] == tour.releases[letter]["id"], f"release {letter} is live", making.ref(live))


async def _incident(tour: Tour, canary_id: str) -> dict[str, Any]:
    page = await tour.client.incidents.list(limit=50)
    found = [each for each in page["items"] if canary_id in str(each)]
    expect(len(found) == 1, "one incident for this canary", [each["title"] for each in page["items"]])
    return await tour.client.incidents.get(found[0]["id"])


def _decision(found: dict[str, Any]) -> str:
    decision = found["decision"]
    return f"{found['status']}, {found['units']}" if decision is None else str(decision["sentence"])


def _evidence(found: dict[str, Any]) -> str:
    metric = found["metrics"][0]
    means, n = metric["mean"], metric["n"]
    return (
        f"{metric['name']} {means['baseline']:.2f} → {means['candidate']:.2f}, difference "
        f"{signed(metric['difference'])} {interval(metric['ci'])}, n = {n['baseline']} + {n['candidate']} users"
    )
