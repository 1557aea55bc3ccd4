"""A file that holds one JSON object and is sent as a whole."""

import json
from pathlib import Path

import assay


def read_object(file: Path, like: str) -> assay.Json:
    """What the file holds; `like` says how such a file looks. Raises InvalidInput for one that holds anything else."""
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _no_object(file, "not UTF-8 text", like) from error
    except ValueError as error:
        raise _no_object(file, f"not JSON: {error}", like) from error
    if not isinstance(found, dict):
        raise _no_object(file, "no JSON object", like)
    return found


def _no_object(file: Path, why: str, like: str) -> assay.InvalidInput:
    return assay.InvalidInput(f"{file}: {why}.", field="file", value=str(file), fix=f"write it like {like}")
