"""A folder that is being made a data directory: one command has it alone, and no server starts on half of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay_server.core.errors import InvalidInput, Refused, Unavailable

_MARK = "restoring"


@contextmanager
def alone_in(data: Path) -> Iterator[None]:
    """Marks the empty folder until all is in it; a kill or a full disk leaves the mark.

    Raises InvalidInput where something stands there, or another command is at it, and then changes nothing.
    """
    mark = data / _MARK
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(data.iterdir()):
            refuse_half(data)
            raise InvalidInput(
                f"{data} is not empty. Nothing was changed.",
                field="data",
                value=str(data),
                fix="give a folder of its own",
            )
        mark.touch(mode=0o600, exist_ok=False)
        yield
        mark.unlink()
    except FileExistsError:
        refuse_half(data)
        raise InvalidInput(f"{data} is no folder.", field="data", value=str(data), fix="give another one") from None
    except OSError as error:
        told = f"{data} could not be filled: {error.strerror or error}."
        raise Unavailable(told, field="disk", fix="free some space, remove that folder, and restore again") from error


def refuse_half(data: Path) -> None:
    """Raises Refused where a restore is under way, or was cut short: half of the decisions would be taken for all."""
    if (data / _MARK).exists():
        raise Refused(
            f"{data} is being restored, or a restore into it was cut short.",
            field="data",
            value=str(data),
            fix="wait until that command has ended; if none runs, remove the folder and restore again",
        )
