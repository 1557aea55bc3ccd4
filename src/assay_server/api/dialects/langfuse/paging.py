"""Lists by the number of a page, as Langfuse's clients ask for them, over our own that go on from where one ended."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from assay_server.core.errors import InvalidInput

MOST = 10_000
"""Places of a list that are counted off from its beginning."""


class Strict(BaseModel):
    """A filter nobody knows is refused, and so is one that is empty: ignoring it would answer another question."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def says_something(cls, value: Any, info: ValidationInfo) -> Any:
        if value in ("", [""]) and info.field_name not in cls.may_be_empty():
            raise ValueError("it is empty; give a value, or leave it out")
        return value

    @classmethod
    def may_be_empty(cls) -> frozenset[str]:
        return frozenset()


class Paged(Strict):
    page: int = Field(1, ge=1, description="The first is 1")
    limit: int = Field(50, ge=1, le=100, description="How many items a page holds")

    def skipped(self, since: str, until: str) -> int:
        """How many items stand on the pages before; `since` and `until` narrow this list. Raises InvalidInput."""
        if self.page * self.limit > MOST:
            raise InvalidInput(
                f"A list is turned over by pages for its first {MOST:,} items.",
                field="page",
                value=self.page,
                fix=f"narrow it by {since} and {until}, and count its pages from 1",
            )
        return (self.page - 1) * self.limit

    def told(self, total: int) -> dict[str, int]:
        """`meta`: there are at least `total`."""
        return {
            "page": self.page,
            "limit": self.limit,
            "totalItems": total,
            "totalPages": -(-total // self.limit),
        }


def groups(told: str | None, known: frozenset[str], otherwise: frozenset[str]) -> frozenset[str]:
    """Of `fields`: the groups of fields that are asked for. Raises InvalidInput for one that there is not."""
    asked = frozenset(name.strip() for name in (told or "").split(",") if name.strip())
    unknown = sorted(asked - known)
    if unknown:
        raise InvalidInput(
            f"There is no group of fields '{unknown[0][:40]}'.",
            field="fields",
            value=(told or "")[:80],
            fix=f"use {', '.join(sorted(known))}",
        )
    return asked or otherwise


def one_of(told: list[str] | None, field: str) -> str | None:
    """Where a client may send several values and one can be asked for. Raises InvalidInput."""
    if told is not None and len(told) > 1:
        raise InvalidInput(
            f"One {field} is asked for at a time.", field=field, value=", ".join(told)[:80], fix="ask once for each"
        )
    return told[0] if told else None
