import numpy as np
import pandas as pd
import pytest

from ssvif.drift.measure import TOGETHER, measure_drift
from ssvif.errors import DriftError
from ssvif.params import DriftParams


def by_measure(drift, group=TOGETHER):
    return {one.measure: one for one in drift.findings if one.group == group}


def test_measure_drift__more_of_the_same_does_not_matter(measure) -> None:
    drift = measure()
    assert drift.judged
    assert not drift.matters
    assert all(finding.judged for finding in drift.findings)
    assert min(finding.pvalue for finding in drift.findings) > 0.05


def test_measure_drift__darker_captures_matter_by_their_luminance_alone(dark) -> None:
    found = by_measure(dark)
    assert [name for name, finding in found.items() if finding.matters] == ["luminance"]
    luminance = found["luminance"]
    assert luminance.superiority < -0.9
    assert luminance.new_median < luminance.reference_median
    assert luminance.outside > 0.5
    assert luminance.index > 1.0
    assert luminance.pvalue < 0.05


@pytest.mark.parametrize(
    ("column", "measure_name"),
    [
        ("ir_std", "thermal_contrast"),
        ("vis_sharpness", "vis_sharpness"),
        ("ir_sharpness", "ir_sharpness"),
        ("registration_score", "registration"),
    ],
)
def test_measure_drift__every_measure_is_looked_at(measure, column, measure_name) -> None:
    found = by_measure(measure(**{column: 4.0}))
    assert [name for name, finding in found.items() if finding.matters] == [measure_name]


def test_measure_drift__shift_is_a_distance(make_pairs, measure) -> None:
    new = make_pairs(100, seed=1)
    new["shift_right"] = -9.0
    found = by_measure(measure(new))
    assert found["shift"].matters
    assert found["shift"].new_median > 8.0


def test_measure_drift__large_but_not_beyond_chance_does_not_matter(make_pairs, params) -> None:
    # Two blocks, far out, beside four: C(6, 2) = 15 ways, so no p is below 1 / 15.
    drift = measure_drift(
        make_pairs(40), make_pairs(20, seed=1, vis_mean=9.0), params=params, seed=0
    )
    assert not drift.judged
    assert not drift.matters
    assert "2 blocks of scenes beside 4" in drift.findings[0].reason


def test_measure_drift__equally_many_blocks_are_judged_where_chance_can_be_ruled_out(
    make_pairs,
) -> None:
    # Of C(8, 4) = 70 ways two are as far apart: six tests at 2 / 70 pass 0.2, and not 0.15.
    both = make_pairs(40), make_pairs(40, seed=1, vis_mean=9.0)
    for level, judged in ((0.15, False), (0.2, True)):
        params = DriftParams(permutations=400, level=level)
        drift = measure_drift(*both, params=params, seed=0)
        assert drift.judged is judged


def test_measure_drift__a_small_index_does_not_matter(make_pairs) -> None:
    params = DriftParams(permutations=400, stability_index=50.0)
    new = make_pairs(100, seed=1, vis_mean=-4.0)
    drift = measure_drift(make_pairs(200), new, params=params, seed=0)
    assert by_measure(drift)["luminance"].pvalue < 0.05
    assert not drift.matters


@pytest.mark.parametrize("count", [0, 1, 11])
def test_measure_drift__too_few_pairs_are_not_judged(make_pairs, measure, count) -> None:
    drift = measure(make_pairs(200, seed=1, vis_mean=9.0).head(count))
    assert not drift.judged
    assert not drift.matters
    assert f"{count} new pair{'' if count == 1 else 's'}, at least 12" in drift.findings[0].reason
    assert np.isnan([finding.index for finding in drift.findings]).all()


def test_measure_drift__too_few_learnt_pairs_are_not_judged(make_pairs, params) -> None:
    drift = measure_drift(make_pairs(5), make_pairs(50, seed=1), params=params, seed=0)
    assert "5 learnt pairs, at least 12" in drift.findings[0].reason


def test_measure_drift__nothing_learnt_is_refused(make_pairs, params) -> None:
    with pytest.raises(DriftError, match="no pairs of the split train"):
        measure_drift(make_pairs(20).head(0), make_pairs(20), params=params, seed=0)


def test_measure_drift__a_new_camera_shows_by_its_set(make_pairs, measure) -> None:
    usual, camera = make_pairs(260, seed=1), make_pairs(40, seed=2, set_="cam2", ir_std=6.0)
    drift = measure(pd.concat([usual, camera], ignore_index=True))
    assert by_measure(drift, "cam2")["thermal_contrast"].matters
    assert not any(finding.matters for finding in by_measure(drift, "road").values())


def test_measure_drift__a_known_set_is_compared_with_itself(make_pairs, params) -> None:
    # Night is darker than the rest, and always was.
    night = {"set_": "night", "vis_mean": -5.0}
    reference = pd.concat([make_pairs(200), make_pairs(100, seed=3, **night)])
    new = make_pairs(60, seed=4, **night)
    drift = measure_drift(reference, new, params=params, seed=0)
    own = by_measure(drift, "night")["luminance"]
    assert own.reference_pairs == 100
    assert not own.matters


def test_measure_drift__one_new_set_is_not_told_twice(dark) -> None:
    assert {finding.group for finding in dark.findings} == {TOGETHER}


def test_measure_drift__what_earlier_releases_did_not_measure_is_named(make_pairs, params) -> None:
    old = make_pairs(200).drop(columns=["vis_sharpness", "ir_sharpness"])
    drift = measure_drift(old, make_pairs(100, seed=1), params=params, seed=0)
    assert "vis_sharpness" not in by_measure(drift)
    assert [text.split(":")[0] for text in drift.left_out] == [
        "visible sharpness",
        "infrared sharpness",
    ]


def test_measure_drift__other_prototypes_matter(make_pairs, params) -> None:
    reference, new = make_pairs(100), make_pairs(60, seed=1)
    rng = np.random.default_rng(0)
    known = pd.concat([reference["id"].head(80), new["id"].head(50)])
    shares = np.concatenate([rng.dirichlet([6, 1, 1], 80), rng.dirichlet([1, 1, 6], 50)])
    drift = measure_drift(
        reference, new, params=params, seed=0, prototypes=pd.DataFrame(shares, index=known)
    )
    found = by_measure(drift)["prototypes"]
    assert found.matters
    assert (found.reference_pairs, found.new_pairs) == (80, 50)
    assert np.isnan(found.superiority)


def test_measure_drift__few_of_a_set_were_looked_at_is_told_so(make_pairs, params) -> None:
    old, usual, camera = make_pairs(60), make_pairs(60, seed=1), make_pairs(40, seed=2, set_="cam2")
    seen = [*old["id"], *usual["id"], *camera["id"].head(5)]
    prototypes = pd.DataFrame(0.5, index=seen, columns=["prototype 0", "prototype 1"])
    new = pd.concat([usual, camera])
    drift = measure_drift(old, new, params=params, seed=0, prototypes=prototypes)
    assert by_measure(drift, "cam2")["luminance"].new_pairs == 40
    assert by_measure(drift, "cam2")["prototypes"].reason == (
        "5 new pairs, of those that were looked at; at least 12 are needed"
    )


def test_measure_drift__why_there_are_no_prototypes_is_told(make_pairs, params) -> None:
    drift = measure_drift(
        make_pairs(100), make_pairs(50, seed=1), params=params, seed=0, prototypes="none on disk"
    )
    assert drift.left_out == ("prototypes: none on disk",)


def test_measure_drift__many_tests_get_permutations_enough(make_pairs) -> None:
    """With 100 permutations no p of 24 tests could be below 0.05 after the correction."""
    sets = [make_pairs(60, seed=n, set_=f"s{n}", vis_mean=-6.0) for n in range(1, 4)]
    params = DriftParams(permutations=100)
    drift = measure_drift(make_pairs(200), pd.concat(sets), params=params, seed=0)
    assert len(drift.findings) == 24
    assert by_measure(drift)["luminance"].matters
