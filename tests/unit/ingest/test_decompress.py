"""Bodies made to take long to unpack."""

import gzip
import time

import pytest

from assay_server.core.errors import InvalidInput, TooLarge
from assay_server.ingest import decompress

_LIMIT = 1 << 20


def test_a_body_of_very_many_empty_members_takes_as_long_as_it_is_long() -> None:
    began = time.process_time()
    assert decompress(gzip.compress(b"") * 200_000, "gzip", _LIMIT) == b""
    assert time.process_time() - began < 4


def test_members_and_their_ends_may_stand_anywhere() -> None:
    text = bytes(range(256)) * 300
    packed = gzip.compress(text, 0)
    assert decompress(packed * 5, "gzip", _LIMIT) == text * 5
    with pytest.raises(InvalidInput, match="ends too early"):
        decompress(packed * 2 + packed[:-1], "gzip", _LIMIT)
    with pytest.raises(TooLarge):
        decompress(packed * 20, "gzip", _LIMIT)
