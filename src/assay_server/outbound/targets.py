"""Where files go. A file is there whole or not at all, and one of the same name takes the place of the one before."""

import asyncio
import glob
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from assay_server.core.errors import InvalidInput, Unavailable
from assay_server.core.files import sync_folder
from assay_server.outbound.definition import Bucket, Folder
from assay_server.outbound.own_thread import in_own_thread

_CONNECT_S, _REQUEST_S = 10.0, 60.0


class Target(Protocol):
    """Raises `Unavailable` where it cannot be written, `InvalidInput` where it was set up wrongly."""

    async def holds(self, name: str) -> bool:
        """Whether a file of that name is there."""
        ...

    async def write(self, name: str, parts: AsyncIterator[bytes]) -> tuple[str, int]:
        """Where the file stands now, for people, and its bytes."""
        ...


class FolderTarget:
    """A folder of this machine; the file is written beside its place and renamed into it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def holds(self, name: str) -> bool:
        return await asyncio.to_thread((self._folder / name).exists)

    async def write(self, name: str, parts: AsyncIterator[bytes]) -> tuple[str, int]:
        place = self._folder / name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            async with _spooled(parts, place) as spooled:
                await asyncio.to_thread(_put_in_place, spooled, place)
        except OSError as error:
            raise Unavailable(
                f"{place} cannot be written: {error.strerror}.", field="target.folder", value=str(place),
                fix="free space on that disk, or let the server's user write there",
            ) from error  # fmt: skip
        return str(place), place.stat().st_size


class BucketTarget:
    """S3 through pyarrow. The file is finished here first: an upload that is cut off leaves nothing to be seen."""

    def __init__(self, bucket: Bucket, environment: Mapping[str, str], spool: Path) -> None:
        self._bucket = bucket
        self._environment = environment
        self._spool = spool

    async def holds(self, name: str) -> bool:
        from pyarrow.fs import FileType

        files, place = self._files(), self._place(name)
        try:
            info = await in_own_thread(files.get_file_info, place)
        except OSError as error:
            raise _unreachable(place, error) from error
        return bool(info.type != FileType.NotFound)

    async def write(self, name: str, parts: AsyncIterator[bytes]) -> tuple[str, int]:
        files, place = self._files(), self._place(name)
        self._spool.mkdir(parents=True, exist_ok=True)
        async with _spooled(parts, self._spool / place.replace("/", "-")) as spooled:
            try:
                await in_own_thread(_upload, files, spooled, place)
            except OSError as error:
                raise _unreachable(place, error) from error
            return f"s3://{place}", spooled.stat().st_size

    def _place(self, name: str) -> str:
        return "/".join(part for part in (self._bucket.bucket, self._bucket.prefix, name) if part)

    def _files(self) -> Any:
        from pyarrow.fs import S3FileSystem

        address = urlsplit(self._bucket.endpoint or "")
        return S3FileSystem(
            access_key=self._secret(self._bucket.key_env, "target.key_env"),
            secret_key=self._secret(self._bucket.secret_env, "target.secret_env"),
            region=self._bucket.region or "us-east-1",
            endpoint_override=address.netloc or None,
            scheme=address.scheme or "https",
            connect_timeout=_CONNECT_S,
            request_timeout=_REQUEST_S,
        )

    def _secret(self, name: str, where: str) -> str:
        value = self._environment.get(name)
        if not value:
            raise InvalidInput(
                f"The server's environment has no {name}.", field=where, value=name, fix="set it and start the server"
            )
        return value


def _unreachable(place: str, error: OSError) -> Unavailable:
    return Unavailable(
        f"s3://{place} cannot be written: {str(error)[:300]}",
        field="target.s3",
        value=place,
        fix="look at the bucket's name, its region and what the key may do",
    )


def target_of(
    target: Folder | Bucket, project: str, export_dir: Path | None, environment: Mapping[str, str], spool: Path
) -> Target:
    """Raises InvalidInput for a folder where the server has no export directory, or one that leads out of it, and
    Unavailable where the directory is gone: it may be a disk that comes back and covers what stands in its place.
    """
    if isinstance(target, Bucket):
        return BucketTarget(target, environment, spool)
    if export_dir is None:
        raise InvalidInput(
            "This server has no directory for exports.", field="target.folder", value=target.path,
            fix="start it with ASSAY_EXPORT_DIR, or export to S3",
        )  # fmt: skip
    if not export_dir.is_dir():
        raise Unavailable(
            f"The directory for exports, {export_dir}, is not there.", field="target.folder", value=str(export_dir),
            fix="mount it, or make it; windows that were missed are written then",
        )  # fmt: skip
    home = export_dir.resolve() / project
    folder = (home / target.path).resolve()
    if not folder.is_relative_to(home):
        raise InvalidInput("This folder leads out of the export directory.", field="target.folder", value=target.path)
    return FolderTarget(folder)


@asynccontextmanager
async def _spooled(parts: AsyncIterator[bytes], place: Path) -> AsyncGenerator[Path]:
    """All parts in a file beside `place`, for the caller to move; nothing is left of it otherwise, nor of one before
    that was killed: what was not finished is written again under its name."""
    begins = f".assay-{place.name}-"
    for left in place.parent.glob(f"{glob.escape(begins)}*.part"):
        await asyncio.to_thread(left.unlink, missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=begins, suffix=".part", dir=place.parent)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            async for part in parts:
                await asyncio.to_thread(out.write, part)
            out.flush()
            await asyncio.to_thread(os.fsync, out.fileno())
        yield path
    finally:
        path.unlink(missing_ok=True)  # noqa: ASYNC240 (not in a thread: whoever is stopped here may not wait)


def _put_in_place(spooled: Path, place: Path) -> None:
    spooled.chmod(0o640)
    spooled.replace(place)
    sync_folder(place.parent)


def _upload(files: Any, spooled: Path, place: str) -> None:
    from pyarrow.fs import LocalFileSystem, copy_files

    copy_files(str(spooled), place, source_filesystem=LocalFileSystem(), destination_filesystem=files)
