"""Remembered answers (`Idempotency-Key`) that tell of a person are forgotten before their day is over."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from assay_server.ledger import Ledger, tables

_table = tables.accounts.idempotency


async def forget_answers(ledger: Ledger, project: str, words: Sequence[str], *, dry_run: bool = False) -> int:
    """Removes the project's remembered answers in which one of `words` stands; how many."""

    def work(connection: Connection) -> int:
        query = select(_table.c.key, _table.c.response).where(_table.c.project == project, _table.c.done)
        keys = [row.key for row in connection.execute(query) if _tells(row.response, words)]
        if keys and not dry_run:
            for key in keys:
                connection.execute(delete(_table).where(_table.c.project == project, _table.c.key == key))
        return len(keys)

    return await (ledger.read(work) if dry_run else ledger.write(work))


def _tells(response: Any, words: Sequence[str]) -> bool:
    try:
        body = base64.b64decode(response["body"]).decode("utf-8", "replace")
    except (TypeError, KeyError, binascii.Error):
        body = str(response)
    return any(word in body for word in words)
