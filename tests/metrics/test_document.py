from pathlib import Path

from ssvif.metrics.document import markdown_table
from ssvif.metrics.table import METRICS

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_markdown_table__is_what_the_page_shows() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert markdown_table() in page, "run `python -m ssvif.metrics.document` and paste its table"


def test_markdown_table__has_a_row_for_every_metric() -> None:
    header, rule, *rows = markdown_table().splitlines()
    assert len(rows) == len(METRICS)
    assert {line.count(" | ") for line in (header, rule, *rows)} == {9}
