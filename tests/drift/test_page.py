import re
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from ssvif.drift.history import read_history, with_measurement
from ssvif.drift.measure import measure_drift
from ssvif.drift.page import render_drift
from ssvif.drift.unusual import Shown, Unusual
from tests.pages import check_asks_for_nothing, outline

HOSTILE = "<script>alert(1)</script>"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="


@pytest.fixture
def history(tmp_path, dark, measure, occasion):
    earlier = replace(occasion, time=occasion.time - timedelta(days=7), manifest="a" * 64)
    before = with_measurement(read_history(tmp_path), measure(), earlier)
    return with_measurement(before, dark, occasion)


@pytest.fixture
def shown():
    pair = Unusual("f00d", "road", HOSTILE, "night", "luminance", 0.01, 0.4, 0.6)
    return [Shown(pair, PIXEL, PIXEL, 1, 1)]


@pytest.fixture
def page(dark, occasion, history, shown):
    return render_drift(dark, occasion, history=history, unusual=shown)


def test_render_drift__is_well_formed_and_asks_for_nothing(page) -> None:
    check_asks_for_nothing(page)
    assert len(outline(page).scripts) == 1


def test_render_drift__says_what_was_found(page) -> None:
    assert "<h1>New captures are darker than what version 3 learnt: retrain.</h1>" in page
    assert "100 new pairs · 200 learnt by version 3 · road · 14 March 2026, 15:09" in page
    assert '<td class="prose worse">darker</td>' in page
    assert re.search(r"lie beyond nearly all that the champion\s+learnt in visible luminance", page)


def test_render_drift__names_from_data_are_text(page) -> None:
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_render_drift__the_trend_begins_with_the_second_measurement(
    dark, occasion, history, page
) -> None:
    assert 'id="trend"' in page
    assert "2026-03-07" in page
    first = render_drift(
        dark, occasion, history=history[history["manifest"] == occasion.manifest], unusual=[]
    )
    assert 'id="trend"' not in first
    assert 'id="unusual"' not in first


def test_render_drift__charts_show_every_measure(page) -> None:
    assert page.count(" of learnt and new pairs") == 6


@pytest.mark.parametrize("count", [0, 3])
def test_render_drift__too_few_new_pairs(make_pairs, measure, occasion, tmp_path, count) -> None:
    few = measure(make_pairs(count, seed=1) if count else make_pairs(1).head(0))
    found = render_drift(few, occasion, history=read_history(tmp_path), unusual=[])
    assert outline(found).open == []
    assert ("not judged: 3 new pairs" in found) == bool(count)
    assert ("There are no new captures" in found) == (count == 0)


def test_render_drift__a_difference_that_chance_may_explain_is_called_so(
    dark, occasion, history
) -> None:
    findings = tuple(
        replace(finding, index=0.6, pvalue=0.4, matters=False) for finding in dark.findings
    )
    found = render_drift(replace(dark, findings=findings), occasion, history=history, unusual=[])
    assert "different, as chance may explain" in found
    assert "are large, but blocks of neighbouring frames are too few" in found


def test_render_drift__a_set_is_told_whether_it_is_new(make_pairs, measure, occasion, tmp_path):
    new = pd.concat([make_pairs(60, seed=1), make_pairs(60, seed=2, set_="cam2")])
    found = render_drift(measure(new), occasion, history=read_history(tmp_path), unusual=[])
    assert "cam2 <small>60 new, beside 200 learnt of other sets: it is new</small>" in found
    assert "road <small>60 new, beside 200 learnt of this set</small>" in found


def test_render_drift__a_set_with_too_few_learnt_pairs_is_told_what_it_is_compared_with(
    make_pairs, params, occasion, tmp_path
):
    learnt = pd.concat([make_pairs(80), make_pairs(5, seed=3, set_="cam2")])
    new = pd.concat([make_pairs(60, seed=1), make_pairs(60, seed=2, set_="cam2")])
    drift = measure_drift(learnt, new, params=params, seed=0)
    found = render_drift(drift, occasion, history=read_history(tmp_path), unusual=[])
    assert (
        "cam2 <small>60 new, beside 85 learnt of all sets, 5 of them of this one</small>"
    ) in found
    assert "road <small>60 new, beside 80 learnt of this set</small>" in found
