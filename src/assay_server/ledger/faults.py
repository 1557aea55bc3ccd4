"""What a driver says, in the words of our error tree. The original rides along as the cause."""

from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError

from assay_server.core.errors import AssayError, Conflict, Corrupt, InvalidInput, Unavailable

_CORRUPT = ("malformed", "not a database", "disk image")
_FULL = ("is full", "no space left")
_BUSY = ("locked", "busy")


def told(error: DBAPIError) -> Exception:
    """The error to raise in place of a driver's; a fault of ours (a wrong statement) stays what it is."""
    said = str(error.orig).lower()
    if any(word in said for word in _CORRUPT):
        return Corrupt("The ledger's file cannot be read.", fix="restore a backup; the file was left as it is")
    if isinstance(error, IntegrityError):
        return Conflict("It exists already, or refers to something that does not.")
    if isinstance(error, DataError):
        return unstorable()
    if isinstance(error, OperationalError | InterfaceError):
        return _unavailable(said)
    return error


def unstorable() -> AssayError:
    """Half a Unicode character, a NUL, or a number beyond 64 bits: no database of ours takes them."""
    return InvalidInput("A value holds a character or a number that cannot be stored.")


def storable(connection: Connection, texts: Sequence[str]) -> list[str]:
    """Those that this database can hold, and so be asked for: PostgreSQL's have no NUL."""
    return [text for text in texts if "\0" not in text or connection.dialect.name == "sqlite"]


def _unavailable(said: str) -> AssayError:
    if any(word in said for word in _FULL):
        return Unavailable("The ledger's disk is full.", retry_after_s=30, fix="free some space; nothing was changed")
    if any(word in said for word in _BUSY):
        return Unavailable("Another process is writing to the ledger.", retry_after_s=1)
    if "readonly" in said or "read-only" in said:
        return Unavailable("The ledger cannot be written: its disk or file is read-only.", retry_after_s=30)
    return Unavailable("The ledger cannot be reached.", retry_after_s=5, fix="check that its database is up")
