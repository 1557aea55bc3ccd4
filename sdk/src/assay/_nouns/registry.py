"""What ships: prompts, retrieval configs, datasets, releases."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay._calls import Call, D_co, Json, Noun, Page, endpoint, every, get, in_path, items_of, without_none, write

Rows = list[Json]


class Prompts(Noun[D_co]):
    """Prompt versions: immutable, content-addressed."""

    @endpoint
    def push(
        self,
        name: str,
        template: Mapping[str, Any],
        *,
        model: str | None = None,
        parameters: Json | None = None,
        output_schema: Json | None = None,
        changelog: str | None = None,
        metadata: Json | None = None,
    ) -> Call[Json]:
        """A new version; equal content gives the version that exists already."""
        body = without_none(
            name=name,
            template=dict(template),
            model=model,
            parameters=parameters,
            output_schema=output_schema,
            changelog=changelog,
            metadata=metadata,
        )
        return write("POST", "/prompts", body)

    @endpoint
    def get(self, ref: str) -> Call[Json]:
        """One version: by id, `name@version`, or `name` for the newest."""
        return get(f"/prompt-versions/{in_path(ref)}")

    @endpoint
    def list(self, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """A page of prompts."""
        return get("/prompts", limit=limit, cursor=cursor)

    @endpoint
    def all(self) -> Call[Rows]:
        """All prompts."""
        return every("/prompts")

    @endpoint
    def versions(self, name: str) -> Call[Rows]:
        """All versions of one prompt, newest first."""
        return items_of(get(f"/prompts/{in_path(name)}"))

    @endpoint
    def diff(self, before: str, after: str) -> Call[Json]:
        """What changed between two versions, word by word, per message."""
        return get("/prompt-diff", **{"from": before, "to": after})


class RetrievalConfigs(Noun[D_co]):
    """How documents are found: embedding model, chunking, index."""

    @endpoint
    def push(
        self,
        name: str,
        *,
        embedding_model: str,
        chunking: Json | None = None,
        top_k: int | None = None,
        threshold: float | None = None,
        index_version: str | None = None,
        index_built_at: str | None = None,
        metadata: Json | None = None,
    ) -> Call[Json]:
        """A new version; equal content gives the version that exists already."""
        body = without_none(
            name=name,
            embedding_model=embedding_model,
            chunking=chunking,
            top_k=top_k,
            threshold=threshold,
            index_version=index_version,
            index_built_at=index_built_at,
            metadata=metadata,
        )
        return write("POST", "/retrieval-configs", body)

    @endpoint
    def get(self, ref: str) -> Call[Json]:
        """One version: by id, `name@version`, or `name` for the newest."""
        return get(f"/retrieval-configs/{in_path(ref)}")

    @endpoint
    def list(self, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """A page of retrieval configs."""
        return get("/retrieval-configs", limit=limit, cursor=cursor)


class Datasets(Noun[D_co]):
    """Golden sets."""

    @endpoint
    def push(self, name: str, items: Sequence[Json], *, description: str | None = None) -> Call[Json]:
        """A new version with these items. Raises InvalidInput with all faults, row by row."""
        body = without_none(name=name, items=[*items], description=description)
        return write("POST", "/datasets", body)

    @endpoint
    def append(self, name: str, items: Sequence[Json]) -> Call[Json]:
        """A version with these items behind those of the newest; one with the id of another takes its place."""
        return write("POST", f"/datasets/{in_path(name)}/items", {"items": [*items]})

    @endpoint
    def get(self, name: str) -> Call[Json]:
        """One dataset: its newest version, and all `versions`."""
        return get(f"/datasets/{in_path(name)}")

    @endpoint
    def list(self, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """A page of datasets."""
        return get("/datasets", limit=limit, cursor=cursor)

    @endpoint
    def items(self, name: str, version: int | None = None, most: int | None = None) -> Call[Rows]:
        """The items of a version, the newest by default."""
        return every(f"/datasets/{in_path(name)}/items", most, version=version)


class Releases(Noun[D_co]):
    """The unit that ships."""

    @endpoint
    def create(
        self,
        name: str,
        *,
        prompts: Mapping[str, str],
        model: str,
        parameters: Json | None = None,
        output_schema: Json | None = None,
        retrieval_config: str | None = None,
        guard_policy: Json | None = None,
        code_ref: str | None = None,
        changelog: str | None = None,
    ) -> Call[Json]:
        """A new version of a release. `prompts` maps a role to a reference, `model` is `provider/dated-name`."""
        body = without_none(
            name=name,
            prompts=dict(prompts),
            model=model,
            parameters=parameters,
            output_schema=output_schema,
            retrieval_config=retrieval_config,
            guard_policy=guard_policy,
            code_ref=code_ref,
            changelog=changelog,
        )
        return write("POST", "/releases", body)

    @endpoint
    def get(self, ref: str) -> Call[Json]:
        """One release: by id, `name@version`, or `name` for the newest."""
        return get(f"/releases/{in_path(ref)}")

    @endpoint
    def list(self, limit: int = 50, cursor: str | None = None) -> Call[Page]:
        """A page of releases, newest first."""
        return get("/releases", limit=limit, cursor=cursor)

    @endpoint
    def diff(self, before: str, after: str) -> Call[Json]:
        """What `after` changes against `before`, part by part, and a summary in words."""
        return get(f"/releases/{in_path(before)}/diff", to=after)
