"""Places in a YAML text have lines."""

import pytest

from assay_server.core.yaml_lines import line_of

WRITTEN = """\
name: mine
panels:
  - title: A
    filter:
      attribute:http.route: [/a]
      attribute:http: [b]
  - {title: B, metrics: [
      {name: latency, quantile: 2}]}
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("name", 1),
        ("panels", 2),
        ("panels[0]", 3),
        ("panels[0].title", 3),
        ("panels[0].filter.attribute:http.route", 5),
        ("panels[0].filter.attribute:http", 6),
        ("panels[0].filter.attribute:http.other", 6),
        ("panels[0].sql", 3),  # what is missing is told where it should stand
        ("panels[1].metrics[0].quantile", 8),
        ("panels[1].metrics[7].quantile", 7),
        ("panels[9]", 2),
        ("title", None),
        ("name.deeper", 1),
    ],
)
def test_a_place_has_the_line_of_what_is_nearest(place: str, line: int | None) -> None:
    assert line_of(WRITTEN, place) == line


@pytest.mark.parametrize("written", ["a: [", "", "- 1", "[" * 3000])
def test_what_is_no_mapping_has_no_lines(written: str) -> None:
    assert line_of(written, "a") is None
