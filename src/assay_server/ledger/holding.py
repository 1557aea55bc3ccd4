"""Whether a text holds another, letter by letter. SQLite's `LIKE` takes no pattern of more than 50,000 bytes, and knows
no capitals."""

from typing import Any

from sqlalchemy import Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement


class _Holds(FunctionElement[bool]):
    name = "holds"
    inherit_cache = True
    type = Boolean()


def holds(text: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """A condition."""
    return _Holds(text, part)


@compiles(_Holds)
def _on_sqlite(element: _Holds, compiler: Any, **more: Any) -> str:
    return f"instr({compiler.process(element.clauses, **more)}) > 0"


@compiles(_Holds, "postgresql")
def _on_postgresql(element: _Holds, compiler: Any, **more: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **more)}) > 0"
