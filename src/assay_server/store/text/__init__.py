"""Full text beside the facts: an index that is derived from them, seconds behind, and made anew when missing."""

from assay_server.store.text.index import Bounds, Found
from assay_server.store.text.search import TextSearch, TextState
from assay_server.store.text.texts import words_of_attribute
from assay_server.store.text.words import asks_for_words

__all__ = ["Bounds", "Found", "TextSearch", "TextState", "asks_for_words", "words_of_attribute"]
