import re
import shutil
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ssvif.errors import EvaluationError
from ssvif.report.page import write_report

VOID = {"meta", "img", "input", "br"}


class Outline(HTMLParser):
    """Checks nesting, and notes scripts, addresses and identifiers."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.addresses += [found[name] for name in ("src", "href") if found.get(name)]
        self.ids += [found["id"]] if "id" in found else []
        if tag == "script":
            self.scripts.append(found)
        assert "style" not in found, "the policy forbids style attributes"
        assert not any(name.startswith("on") for name in found), "the policy forbids handlers"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def outline(page: Path) -> Outline:
    found = Outline()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def copy_of(folder: Path, to: Path, *, only: tuple[str, ...]) -> Path:
    to.mkdir()
    for name in only:
        shutil.copy(folder / name, to / name)
    return to


def test_write_report__is_well_formed_and_asks_for_nothing(page: Path) -> None:
    found = outline(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    inside = {address.removeprefix("#") for address in found.addresses}
    assert inside <= set(found.ids)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page.read_text()).group(1)
    assert policy.startswith("default-src &#39;none&#39;; img-src data:")
    assert "unsafe" not in policy


def test_write_report__names_from_data_are_escaped(page: Path, hostile: str) -> None:
    text = page.read_text(encoding="utf-8")
    assert hostile not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    # Samples, pictures, and the one script.
    assert [script.get("id") for script in outline(page).scripts] == ["gallery", "samples", None]


def test_write_report__has_a_section_for_all_there_is(page: Path) -> None:
    ids = set(outline(page).ids)
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
    page = write_report(folder)
    text = page.read_text()
    ids = set(outline(page).ids)
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
