from math import isnan

import numpy as np
import pytest

from ssvif.gate.gains import Paired


def found(gains, metric="Qabf", group="all"):
    (gain,) = [gain for gain in gains if (gain.group, gain.metric) == (group, metric)]
    return gain


def test_measure_gains__of_a_known_factor(make_scores, measured):
    gain = found(measured(make_scores(factors={"Qabf": 1.1}, noise=0.0)))
    assert gain.share == pytest.approx(0.1)
    assert gain.value == pytest.approx(gain.challenger - gain.champion)
    assert gain.low < gain.value < gain.high
    assert (gain.pairs, gain.blocks) == (20, 10)
    assert gain.p < 0.01


def test_measure_gains__less_is_a_gain_where_less_is_better(make_scores, measured):
    scores = make_scores().assign(Nabf=0.2)
    scores.loc[scores["candidate"] == "challenger", "Nabf"] = 0.1
    gain = found(measured(scores), "Nabf")
    assert gain.value == pytest.approx(0.1)
    assert gain.share == pytest.approx(0.5)


def test_measure_gains__p_is_about_the_share_that_is_asked_for(make_scores, measured):
    scores = make_scores(factors={"Qabf": 1.02})
    assert found(measured(scores, asked=0.0)).p < 0.05
    assert found(measured(scores, asked=0.02)).p > 0.05


def test_measure_gains__few_blocks_have_no_interval(make_scores, measured):
    gain = found(measured(make_scores(blocks=5)))
    assert isnan(gain.low)
    assert isnan(gain.p)


def test_measure_gains__a_group_has_its_own_pairs(make_scores, measured):
    scores = make_scores(noise=0.0)
    night = set(scores["id"].unique()[:4])
    scores.loc[scores["id"].isin(night) & (scores["candidate"] == "challenger"), "SSIM"] *= 0.5
    gains = measured(scores, {"night": night, "nobody": set()})
    assert found(gains, "SSIM", "night").share == pytest.approx(-0.5)
    assert found(gains, "SSIM", "night").pairs == 4
    assert not [gain for gain in gains if gain.group == "nobody"]


def test_share__of_a_champion_at_zero(make_scores, measured):
    scores = make_scores()
    scores.loc[scores["candidate"] == "champion", "SCD"] = 0.0
    assert found(measured(scores), "SCD").share == np.inf


def test_paired__pairs_rows_by_id_in_any_order(make_scores):
    scores = make_scores(factors={"Qabf": 1.1}, noise=0.0)
    shuffled = scores.sample(frac=1.0, random_state=1)
    assert Paired.of(shuffled).gains.equals(Paired.of(scores).gains)
