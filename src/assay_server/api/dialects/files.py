"""Files that clients send beside their spans: kept with the other media of a trace, under their content's hash."""

import base64
from hashlib import sha256

from assay_server.api.services import Services
from assay_server.ingest import MediaLink

_ID_CHARACTERS = 22


async def keep_file(rooms: Services, project: str, link: MediaLink, content_type: str, content: bytes) -> None:
    """Durable on return. Raises InvalidInput where it is not of its type, and TooLarge."""
    digest = sha256(content)
    media = base64.urlsafe_b64encode(digest.digest()).decode()[:_ID_CHARACTERS]
    if await rooms.media.announce(project, media, content_type, len(content), digest.hexdigest(), link):
        await rooms.media.store(project, media, content)
