"""A backup on disk: one folder, and a manifest that says what is in it and what it must hash to.

assay-20261125T172000Z/
  manifest.json     versions, rows, heads of the audit chains, size and SHA-256 of each file
  facts/            a store of its own
  ledger.sqlite     or ledger.dump, pg_dump's custom format
  jobs.sqlite, salt, and whatever else stands in the data directory
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay_server.core.errors import Corrupt, InvalidInput, Refused
from assay_server.store import FACTS

MANIFEST = "manifest.json"
FORMAT = 1

_CHUNK = 1 << 20


def describe(folder: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the manifest over all files of the folder, and gives it."""
    files = [
        {"name": str(file.relative_to(folder)), "bytes": file.stat().st_size, "sha256": _sha256(file)}
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    manifest = {"assay": "backup", "format": FORMAT, **told, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2))
    return manifest


def written(folder: Path) -> dict[str, Any] | None:
    """The manifest of a backup that stands there; None where nothing does. Raises Corrupt."""
    return _manifest(folder) if (folder / MANIFEST).is_file() else None


def with_size(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """As the ledger keeps it."""
    return {**manifest, "bytes": sum(each["bytes"] for each in manifest["files"])}


def facts_of(manifest: Mapping[str, Any]) -> dict[str, int] | None:
    """Rows by kind of fact, as people are told. The manifest counts every table of the file, those worked out too."""
    rows = manifest.get("rows")
    return None if rows is None else {name: rows[name] for name in FACTS if name in rows}


def checked(folder: Path, *, schema: int, revisions: tuple[str, ...]) -> dict[str, Any]:
    """The manifest of a backup that is whole and that this Assay can read.

    Raises InvalidInput for what is no backup, Corrupt for a file that is missing or another than was written, Refused
    for a newer Assay's.
    """
    manifest = _manifest(folder)
    if manifest["format"] > FORMAT or manifest["schema"]["facts"] > schema:
        raise _newer(folder, manifest)
    if manifest["schema"]["ledger"] not in revisions:
        raise _newer(folder, manifest)
    for each in manifest["files"]:
        _check(folder, each)
    return manifest


def copy_into(folder: Path, manifest: Mapping[str, Any], data: Path) -> None:
    """Puts the files in place as a data directory."""
    for each in manifest["files"]:
        target = data / each["name"]
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy2(folder / each["name"], target)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        if manifest["assay"] != "backup" or not isinstance(manifest["format"], int):
            raise ValueError(manifest["assay"])  # noqa: TRY301 (told below)
        _ = manifest["schema"]["facts"], manifest["schema"]["ledger"], manifest["files"], manifest["rows"]
    except FileNotFoundError as error:
        raise InvalidInput(
            f"{folder} is no backup: it has no {MANIFEST}.",
            field="backup",
            value=str(folder),
            fix="give the folder that 'assay backup' told",
        ) from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise Corrupt(f"The manifest of {folder} cannot be read: {error}.", fix="take another backup") from error
    return dict(manifest)


def _check(folder: Path, told: Mapping[str, Any]) -> None:
    name = Path(str(told["name"]))
    if name.is_absolute() or ".." in name.parts:
        raise Corrupt(f"The manifest of {folder} names a file outside of it: {name}.", fix="take another backup")
    file = folder / name
    if not file.is_file():
        raise Corrupt(f"{name} is missing from the backup {folder}.", field="file", value=str(name), fix=_OTHER)
    if file.stat().st_size != told["bytes"] or _sha256(file) != told["sha256"]:
        raise Corrupt(f"{name} is not as it was written into {folder}.", field="file", value=str(name), fix=_OTHER)


_OTHER = "take another backup; this one was changed or damaged"


def _newer(folder: Path, manifest: Mapping[str, Any]) -> Refused:
    return Refused(
        f"{folder} was written by a newer Assay ({manifest.get('version')}).",
        field="schema",
        value=manifest["schema"],
        fix="restore it with that version",
    )


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as reading:
        while part := reading.read(_CHUNK):
            digest.update(part)
    return digest.hexdigest()
