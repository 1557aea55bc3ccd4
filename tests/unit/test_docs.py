"""The docs are true: every setting and every error code is described, every link leads somewhere."""

import re
from pathlib import Path

import pytest

from assay_server.api import problems
from assay_server.app.config import ENVIRONMENT
from assay_server.core import errors

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "examples").rglob("README.md")])


def test_every_setting_is_described() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()

    assert [variable for variable in ENVIRONMENT.values() if variable not in text] == []


@pytest.mark.parametrize("page", ["export.md", "grafana.md"])
def test_every_family_of_metrics_is_described(page: str) -> None:
    sources = [ROOT / "src" / "assay_server" / place for place in ("api/metrics.py", "query/figures.py")]
    families = {name for source in sources for name in re.findall(r'"(assay_[a-z_]+)"', source.read_text())}
    text = (ROOT / "docs" / page).read_text()

    assert len(families) > 10
    assert sorted(name for name in families if name not in text) == []


def test_every_error_code_is_described() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    codes = {cls.code for cls in problems.STATUS if cls is not errors.RetryableError}

    assert [code for code in sorted(codes) if f'id="{code}"' not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []
