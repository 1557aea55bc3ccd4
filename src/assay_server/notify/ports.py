"""What this room needs from rooms it may not see. `app` plugs the real things in."""

from collections.abc import Callable

Scrub = Callable[[str], tuple[str, list[str]]]
"""Text without personal data, and the entity types that were found in it."""
