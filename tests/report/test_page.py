import re
import shutil
from html import escape
from pathlib import Path

import pytest

from ssvif.errors import EvaluationError
from ssvif.report.page import write_report
from tests.pages import check_asks_for_nothing, outline


def copy_of(folder: Path, to: Path, *, only: tuple[str, ...]) -> Path:
    to.mkdir()
    for name in only:
        shutil.copy(folder / name, to / name)
    return to


def test_write_report__is_well_formed_and_asks_for_nothing(page: Path) -> None:
    check_asks_for_nothing(page.read_text(encoding="utf-8"))


def test_write_report__names_from_data_are_escaped(page: Path, hostile: str) -> None:
    text = page.read_text(encoding="utf-8")
    assert hostile not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    # Samples, pictures, and the one script.
    assert [script.get("id") for script in outline(text).scripts] == ["gallery", "samples", None]


def test_write_report__has_a_section_for_all_there_is(page: Path) -> None:
    ids = set(outline(page.read_text(encoding="utf-8")).ids)
    assert ids >= {
        *("scores", "comparisons", "pictures", "probes", "distributions", "stress", "training"),
        *("left-out", "lineage"),
    }
    assert "missing" not in ids


def test_write_report__same_tables_give_the_same_bytes(page: Path, write_page) -> None:
    first = page.read_bytes()
    assert write_page().read_bytes() == first


def test_write_report__what_is_absent_is_left_out_with_the_way_to_get_it(
    evaluation_folder: Path, tmp_path: Path
) -> None:
    folder = copy_of(evaluation_folder, tmp_path / "bare", only=("pairs.csv", "summary.csv"))
    text = write_report(folder).read_text()
    ids = set(outline(text).ids)
    assert ids.isdisjoint({"comparisons", "pictures", "probes", "stress", "training", "lineage"})
    for hint in ("<code>--stress</code>", "evaluate.probe: true", "dvc repro stage_two"):
        assert hint in text


def test_write_report__says_how_many_pairs_were_left_out(page: Path, hostile: str) -> None:
    counts = f"so that all are scored on the same pairs: 1 ({escape(hostile)} 1)."
    assert counts in page.read_text(encoding="utf-8")


def test_write_report__another_model_is_the_pages_subject(
    evaluation_folder: Path, tmp_path: Path
) -> None:
    folder = copy_of(evaluation_folder, tmp_path / "other", only=("pairs.csv", "summary.csv"))
    text = write_report(folder, model="max").read_text()
    assert "<title>Evaluation of max</title>" in text
    assert re.search(r'<tr class="ours">\s*<th scope="row"><i class="swatch hue-0"', text)


def test_write_report__missing_table_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"pairs\.csv: not readable.*run the evaluation"):
        write_report(tmp_path)
