"""Files that LangSmith's clients attach to runs."""

from assay_server.api.dialects.bodies import text
from assay_server.api.dialects.files import keep_file
from assay_server.api.dialects.ids import span_id_of, trace_id_of
from assay_server.api.dialects.langsmith.multipart import Attachment
from assay_server.api.services import Services
from assay_server.core.errors import InvalidInput, TooLarge
from assay_server.ingest import MediaLink


async def keep(rooms: Services, project: str, attachment: Attachment) -> None:
    """Durable on return. One that is too large, or not of its type, costs nothing but itself: its name, type and size
    stay with the run."""
    told = str(attachment.run["id"])
    link = MediaLink(trace_id_of(text(attachment.run, "trace_id") or told), span_id_of(told), attachment.name)
    try:
        await keep_file(rooms, project, link, attachment.content_type, attachment.content)
    except (InvalidInput, TooLarge):
        return
