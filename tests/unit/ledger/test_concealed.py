"""The audit log's words for filters: comparable, and telling nobody who is meant."""

from assay_server.ledger import Ledger, concealed, tables, without_values
from tests.fixtures.ledger import OTHER_PROJECT, PROJECT


async def test_filters_at_any_depth_are_told_by_their_fields_and_a_salted_hash(ledger: Ledger) -> None:
    narrow = {"user": ["ida"], "-model": ["m"]}
    panels = [{"title": "T", "filter": narrow}, {"sql": "SELECT 1 -- ida"}, {"filter": {}}]
    document = {"title": "D", "filter": narrow, "panels": panels}
    told = await ledger.read(lambda found: without_values(found, PROJECT, document, ("filter", "sql")))
    hidden = await ledger.read(lambda found: concealed(found, PROJECT, narrow))
    assert (hidden["fields"], hidden["hash"][:7]) == (["-model", "user"], "sha256:")
    assert (told["title"], told["filter"], told["panels"][0]["filter"]) == ("D", hidden, hidden)
    assert (told["panels"][1]["sql"]["fields"], told["panels"][2]) == ([], {"filter": {}})
    assert "ida" not in str(told)
    assert await ledger.read(lambda found: without_values(found, PROJECT, None)) is None


async def test_two_projects_do_not_share_a_hash(ledger: Ledger) -> None:
    projects = tables.accounts.projects
    await ledger.write(lambda found: found.execute(projects.update().values(salt=projects.c.id)))
    mine, theirs = [
        await ledger.read(lambda found, project=project: concealed(found, project, {"user": "ida"})["hash"])
        for project in (PROJECT, OTHER_PROJECT)
    ]
    assert mine != theirs
