"""Files that clients send beside their spans: kept with the other media of a trace, under their content's hash where
they have no id of their own."""

import base64
from hashlib import sha256

from assay_server.api.services import Services
from assay_server.ingest import MediaLink

_ID_CHARACTERS = 22


async def keep_file(
    rooms: Services, project: str, link: MediaLink, content_type: str, content: bytes, named: str | None = None
) -> None:
    """Durable on return. `named`: the id that the client gave it. Raises InvalidInput where it is not of its type, and
    TooLarge."""
    digest = sha256(content)
    media = named or base64.urlsafe_b64encode(digest.digest()).decode()[:_ID_CHARACTERS]
    if await rooms.media.announce(project, media, content_type, len(content), digest.hexdigest(), link):
        await rooms.media.store(project, media, content)
