from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from ssvif.drift.history import HISTORY, history_text, read_history, with_measurement
from ssvif.errors import DriftError


def test_read_history__without_file_is_empty(tmp_path) -> None:
    assert read_history(tmp_path).empty


def test_with_measurement__one_row_a_measure(tmp_path, dark, occasion) -> None:
    rows = with_measurement(read_history(tmp_path), dark, occasion)
    assert rows["measure"].tolist() == [finding.measure for finding in dark.findings]
    assert set(rows["champion"]) == {"version 3"}
    assert set(rows["new_pairs"]) == {100}
    assert rows["matters"].tolist() == [finding.matters for finding in dark.findings]


def test_with_measurement__the_same_state_again_takes_its_place(tmp_path, dark, occasion) -> None:
    once = with_measurement(read_history(tmp_path), dark, occasion)
    again = with_measurement(once, dark, occasion)
    pd.testing.assert_frame_equal(again, once)
    later = replace(occasion, time=occasion.time + timedelta(hours=1))
    assert len(with_measurement(once, dark, later)) == len(once)
    for change in ({"bundle": "c" * 64}, {"manifest": "n" * 64}):
        other = replace(later, **change)
        assert len(with_measurement(once, dark, other)) == 2 * len(once)


def test_with_measurement__without_new_pairs_nothing_is_noted(
    tmp_path, make_pairs, measure, occasion
) -> None:
    nothing = measure(make_pairs(10).head(0))
    assert with_measurement(read_history(tmp_path), nothing, occasion).empty


def test_history_text__reads_back(tmp_path, dark, measure, make_pairs, occasion) -> None:
    few = measure(make_pairs(5, seed=1))  # NaN in every figure
    rows = with_measurement(with_measurement(read_history(tmp_path), dark, occasion), few,
                            replace(occasion, manifest="n" * 64))  # fmt: skip
    (tmp_path / HISTORY).write_text(history_text(rows))
    back = read_history(tmp_path)
    pd.testing.assert_frame_equal(back, rows, rtol=1e-5)
    assert history_text(back) == history_text(rows)


def test_read_history__damaged_is_refused(tmp_path) -> None:
    (tmp_path / HISTORY).write_text("time,psi\nnow,much\n")
    with pytest.raises(DriftError, match=r"history\.csv: not readable as a table"):
        read_history(tmp_path)
