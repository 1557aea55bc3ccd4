"""Projects, keys, sessions: who gets in, and who does not any more."""

import base64
from typing import Any

import pytest
from sqlalchemy import delete, select

from assay_server.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Refused, Unauthenticated
from assay_server.governance import Accounts, Audit
from assay_server.ledger import Ledger, tables
from tests.fakes.clock import FakeClock
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT

ACTOR = "key:key_admin"


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


@pytest.fixture
async def empty(any_ledger: Ledger) -> None:
    """As on the very first start."""
    await any_ledger.write(lambda c: c.execute(delete(tables.accounts.projects)))


async def make(accounts: Accounts, role: str = "editor", project: str = PROJECT) -> dict[str, Any]:
    return await accounts.create_key(project, ACTOR, name="app", role=role)


async def test_a_new_key_gets_in_by_every_form_and_says_who_it_is(accounts: Accounts) -> None:
    made = await make(accounts)
    basic = base64.b64encode(f"{made['public_key']}:{made['secret']}".encode()).decode()
    forms = [bearer(made["secret"]), {"authorization": f"Basic {basic}"}, {"x-api-key": made["secret"]}]
    for headers in [*forms, {"authorization": made["secret"]}]:
        caller = await accounts.authenticate(headers)
        assert (caller.project, caller.actor, caller.role) == (PROJECT, f"key:{made['id']}", "editor")


async def test_strangers_stay_out(accounts: Accounts) -> None:
    made = await make(accounts)
    for secret in (made["public_key"], made["secret"] + "x", "sk_nobody", made["id"]):
        with pytest.raises(Unauthenticated):
            await accounts.authenticate(bearer(secret))


async def test_a_revoked_key_is_out_at_once_although_it_was_remembered(accounts: Accounts) -> None:
    await make(accounts, "admin")
    made = await make(accounts)
    await accounts.authenticate(bearer(made["secret"]))
    revoked = await accounts.revoke_key(PROJECT, ACTOR, made["id"], "leaked")
    assert revoked["revoked_at"] is not None
    with pytest.raises(Unauthenticated):
        await accounts.authenticate(bearer(made["secret"]))


async def test_revoking_twice_is_recorded_once(accounts: Accounts, audit: Audit) -> None:
    made = await make(accounts)
    first = await accounts.revoke_key(PROJECT, ACTOR, made["id"])
    assert await accounts.revoke_key(PROJECT, ACTOR, made["id"]) == first
    assert (await audit.list(PROJECT, action="key.revoke"))[1] == 1


async def test_the_last_admin_key_cannot_be_revoked(accounts: Accounts) -> None:
    first = await make(accounts, "admin")
    with pytest.raises(Refused) as refused:
        await accounts.revoke_key(PROJECT, ACTOR, first["id"])
    assert "another admin key" in str(refused.value.fix)
    await make(accounts, "admin")
    await accounts.revoke_key(PROJECT, ACTOR, first["id"])


async def test_keys_of_other_projects_are_not_there(accounts: Accounts) -> None:
    made = await make(accounts)
    with pytest.raises(NotFound):
        await accounts.revoke_key(OTHER_PROJECT, ACTOR, made["id"])
    assert await accounts.keys(OTHER_PROJECT) == []
    assert (await accounts.authenticate(bearer(made["secret"]))).project == PROJECT


async def test_names_of_keys_are_told_without_anything_else(accounts: Accounts) -> None:
    made = [await make(accounts), await make(accounts, "viewer")]
    await accounts.revoke_key(PROJECT, ACTOR, made[1]["id"])
    told = [{"id": key["id"], "name": key["name"]} for key in await accounts.keys(PROJECT)]
    assert await accounts.key_names(PROJECT) == told
    assert {key["id"] for key in made} <= {key["id"] for key in told}
    assert await accounts.key_names(OTHER_PROJECT) == []


async def test_no_secret_is_stored_or_listed(accounts: Accounts, any_ledger: Ledger, audit: Audit) -> None:
    made = await make(accounts)
    token = await accounts.create_sign_in_token(PROJECT)
    session = await accounts.sign_in(token)
    secrets = (made["secret"], token, session["secret"])
    stored = await any_ledger.read(
        lambda c: str([c.execute(select(table)).all() for table in tables.metadata.sorted_tables])
    )
    shown = str(await accounts.keys(PROJECT)) + str(await audit.list(PROJECT))
    assert not [secret for secret in secrets if secret in stored or secret in shown]


@pytest.mark.parametrize(
    ("name", "role", "field"), [("", "admin", "name"), ("a@b.c", "admin", "name"), ("x", "root", "role")]
)
async def test_faulty_keys_are_refused(accounts: Accounts, name: str, role: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await accounts.create_key(PROJECT, ACTOR, name=name, role=role)
    assert refused.value.field == field


@pytest.mark.usefixtures("empty")
class TestFirstStart:
    async def test_it_generates_a_key_once(self, accounts: Accounts) -> None:
        first = await accounts.bootstrap()
        assert first.is_new
        assert first.key is not None
        caller = await accounts.authenticate(bearer(first.key))
        assert (caller.project, caller.role) == (first.project, "admin")
        again = await accounts.bootstrap()
        assert (again.project, again.key, again.is_new) == (first.project, None, False)

    async def test_the_environments_key_gets_in_and_nothing_is_generated(self, accounts: Accounts) -> None:
        first = await accounts.bootstrap("a key of sixteen letters")
        assert first.key is None
        assert (await accounts.authenticate(bearer("a key of sixteen letters"))).role == "admin"
        assert len(await accounts.keys(first.project)) == 1

    async def test_another_key_in_the_environment_replaces_it_and_back(self, accounts: Accounts) -> None:
        one, two = "bootstrap key one", "bootstrap key two"
        await accounts.bootstrap(one)
        await accounts.authenticate(bearer(one))
        await accounts.bootstrap(two)
        assert (await accounts.authenticate(bearer(two))).role == "admin"
        with pytest.raises(Unauthenticated):
            await accounts.authenticate(bearer(one))
        await accounts.bootstrap(one)
        assert (await accounts.authenticate(bearer(one))).role == "admin"

    async def test_one_that_a_person_revoked_stays_out(self, accounts: Accounts) -> None:
        project = (await accounts.bootstrap("bootstrap key one")).project
        await make(accounts, "admin", project)
        caller = await accounts.authenticate(bearer("bootstrap key one"))
        await accounts.revoke_key(project, ACTOR, caller.actor.removeprefix("key:"))
        await accounts.bootstrap("bootstrap key one")
        with pytest.raises(Unauthenticated):
            await accounts.authenticate(bearer("bootstrap key one"))


class TestProjects:
    async def test_the_first_creates_others_with_a_key_of_their_own(self, accounts: Accounts) -> None:
        made = await accounts.create_project(PROJECT, ACTOR, "shop")
        caller = await accounts.authenticate(bearer(made["key"]["secret"]))
        assert (caller.project, caller.role) == (made["id"], "admin")
        assert [each["name"] for each in await accounts.projects(made["id"])] == ["shop"]
        assert {each["name"] for each in await accounts.projects(PROJECT)} == {"test", "other", "shop"}

    async def test_others_do_not(self, accounts: Accounts) -> None:
        with pytest.raises(Forbidden):
            await accounts.create_project(OTHER_PROJECT, ACTOR, "shop")

    async def test_names_are_taken_once_and_are_plain(self, accounts: Accounts) -> None:
        with pytest.raises(Conflict):
            await accounts.create_project(PROJECT, ACTOR, "other")
        with pytest.raises(InvalidInput):
            await accounts.create_project(PROJECT, ACTOR, "Not A Name")
        with pytest.raises(NotFound):
            await accounts.project("prj_nothing")


class TestSigningIn:
    async def test_a_link_works_once(self, accounts: Accounts) -> None:
        token = await accounts.create_sign_in_token(PROJECT)
        opened = await accounts.sign_in(token)
        caller = await accounts.session_principal(opened["secret"])
        assert (caller.project, caller.actor, caller.role) == (PROJECT, "user:admin", "admin")
        with pytest.raises(Unauthenticated):
            await accounts.sign_in(token)

    async def test_a_link_grows_old(self, accounts: Accounts, clock: FakeClock) -> None:
        token = await accounts.create_sign_in_token(PROJECT, minutes=15)
        clock.advance(15 * 60)
        with pytest.raises(Unauthenticated):
            await accounts.sign_in(token)

    async def test_a_key_opens_a_session_that_ends_with_it(self, accounts: Accounts) -> None:
        made = await make(accounts, "viewer")
        opened = await accounts.sign_in(made["secret"])
        assert (await accounts.session_principal(opened["secret"])).role == "viewer"
        await accounts.revoke_key(PROJECT, ACTOR, made["id"])
        with pytest.raises(Unauthenticated):
            await accounts.session_principal(opened["secret"])

    @pytest.mark.parametrize("opened_before", [True, False])
    async def test_a_link_that_was_made_with_a_key_ends_with_it(self, accounts: Accounts, opened_before: bool) -> None:
        """Whoever got hold of an admin's key could make themselves a session that its revocation did not end."""
        made = await make(accounts, "viewer")
        token = await accounts.create_sign_in_token(PROJECT, role="viewer", actor=f"key:{made['id']}")
        opened = await accounts.sign_in(token) if opened_before else None
        await accounts.revoke_key(PROJECT, ACTOR, made["id"])
        with pytest.raises(Unauthenticated):
            await (accounts.session_principal(opened["secret"]) if opened else accounts.sign_in(token))

    async def test_signing_out_ends_it(self, accounts: Accounts) -> None:
        opened = await accounts.sign_in(await accounts.create_sign_in_token(PROJECT))
        await accounts.session_principal(opened["secret"])
        await accounts.sign_out(opened["secret"])
        with pytest.raises(Unauthenticated):
            await accounts.session_principal(opened["secret"])

    async def test_a_session_ends_after_a_week(self, accounts: Accounts, clock: FakeClock) -> None:
        opened = await accounts.sign_in(await accounts.create_sign_in_token(PROJECT))
        clock.advance(7 * 24 * 3600)
        with pytest.raises(Unauthenticated):
            await accounts.session_principal(opened["secret"])

    async def test_sessions_that_ended_long_ago_leave_no_rows(
        self, accounts: Accounts, clock: FakeClock, any_ledger: Ledger
    ) -> None:
        for _ in range(3):
            await accounts.sign_in((await make(accounts))["secret"])
        clock.advance(15 * 24 * 3600)
        await accounts.sign_in((await make(accounts))["secret"])

        kept = await any_ledger.read(lambda c: c.execute(select(tables.accounts.sessions)).all())
        assert len(kept) == 1

    async def test_what_a_clock_that_was_ahead_gave_out_is_not_good_until_then(
        self, accounts: Accounts, clock: FakeClock
    ) -> None:
        """A link of fifteen minutes could be used for a year, and a session of a week went on for one."""
        clock.advance(365 * 24 * 3600)
        link = await accounts.create_sign_in_token(PROJECT)
        opened = await accounts.sign_in(await accounts.create_sign_in_token(PROJECT))
        clock.advance(-3600)  # an hour is not worth a sign-in
        assert (await accounts.session_principal(opened["secret"])).role == "admin"
        clock.advance(-364 * 24 * 3600)
        accounts._forget()
        with pytest.raises(Unauthenticated):
            await accounts.session_principal(opened["secret"])
        with pytest.raises(Unauthenticated):
            await accounts.sign_in(link)

    async def test_a_session_is_no_key_and_a_key_no_session(self, accounts: Accounts) -> None:
        made = await make(accounts)
        opened = await accounts.sign_in(made["secret"])
        with pytest.raises(Unauthenticated):
            await accounts.authenticate(bearer(opened["secret"]))
        with pytest.raises(Unauthenticated):
            await accounts.session_principal(made["secret"])
        # and not through the memory of the other either
        await accounts.session_principal(opened["secret"])
        with pytest.raises(Unauthenticated):
            await accounts.authenticate(bearer(opened["secret"]))
