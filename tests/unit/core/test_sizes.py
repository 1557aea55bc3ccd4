"""Amounts of memory are read as DuckDB reads and writes them."""

import duckdb
import pytest

from assay_server.core.sizes import size_of


@pytest.mark.parametrize(
    "text", ["448MB", "2GB", "64KB", "1792MB", "512MiB", "3 GiB", "0.5GiB", "100000000B", "1.5 tb"]
)
def test_a_size_is_what_the_engine_takes_it_for(text: str) -> None:
    """It tells what it holds with one decimal."""
    with duckdb.connect(config={"memory_limit": text}) as engine:
        told = engine.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    assert size_of(told) == pytest.approx(size_of(text), rel=0.05)


@pytest.mark.parametrize("text", ["", "448", "MB", "much", "-1MB", "1e3MB", "1PB", "1 G"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no size"):
        size_of(text)
