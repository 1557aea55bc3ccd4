"""Files that LangSmith's clients attach to runs: kept with the other media of a trace."""

import base64
from hashlib import sha256

from assay_server.api.dialects.bodies import text
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.dialects.langsmith.multipart import Attachment
from assay_server.api.services import Services
from assay_server.core.errors import InvalidInput, TooLarge
from assay_server.ingest import MediaLink

_ID_CHARACTERS = 22


async def keep(rooms: Services, project: str, attachment: Attachment) -> None:
    """Durable on return. One that is too large, or not of its type, costs nothing but itself: its name, type and size
    stay with the run."""
    told = str(attachment.run["id"])
    link = MediaLink(trace_id_of(text(attachment.run, "trace_id") or told), span_id_of(told), attachment.name)
    digest = sha256(attachment.content)
    media = base64.urlsafe_b64encode(digest.digest()).decode()[:_ID_CHARACTERS]
    size, kind = len(attachment.content), attachment.content_type
    try:
        if await rooms.media.announce(project, media, kind, size, digest.hexdigest(), link):
            await rooms.media.store(project, media, attachment.content)
    except (InvalidInput, TooLarge):
        return
