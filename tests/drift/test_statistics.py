import numpy as np
import pytest
from scipy import stats

from ssvif.drift.statistics import (
    BINS,
    Sample,
    least_pvalue,
    shift,
    stability_index,
    superiority,
)

FRAMES = 10
WITHIN = 0.2  # of the variance; the rest is between blocks, as neighbouring frames are alike


def sides(rng: np.random.Generator, old: int, new: int, moved: float = 0.0):
    """Return values of blocks of frames, which are new, and their blocks."""
    effects = rng.normal(scale=np.sqrt(1.0 - WITHIN), size=(old + new, 1))
    values = effects + rng.normal(scale=np.sqrt(WITHIN), size=(old + new, FRAMES))
    values[old:] += moved
    is_new = np.repeat(np.arange(old + new) >= old, FRAMES)
    return values.ravel(), is_new, np.repeat(np.arange(old + new).astype(np.str_), FRAMES)


def rates(old: int, new: int, *, moved: float, cases: int) -> tuple[float, float, float]:
    """Return how often a block test and a plain one pass 0.05, and the mean index."""
    rng = np.random.default_rng(7)
    blocks, plain, indices = [], [], []
    for case in range(cases):
        values, is_new, names = sides(rng, old, new, moved)
        sample = Sample.of_values(values, is_new)
        found = shift(sample, is_new, names, permutations=199, seed=case)
        blocks.append(found.pvalue)
        indices.append(found.index)
        plain.append(stats.ks_2samp(values[~is_new], values[is_new]).pvalue)
    passed = [float((np.array(p) <= 0.05).mean()) for p in (blocks, plain)]
    return passed[0], passed[1], float(np.mean(indices))


@pytest.mark.parametrize(("old", "new"), [(8, 4), (30, 5), (20, 20)])
def test_shift__false_alarms_are_as_rare_as_said(old: int, new: int) -> None:
    by_blocks, by_frames, _ = rates(old, new, moved=0.0, cases=200)
    # Of 200 cases at a rate of 0.05, more than 20 are met once in a thousand.
    assert by_blocks <= 0.10
    assert by_frames > 0.4


def test_shift__is_found_and_more_often_with_more_blocks() -> None:
    few, _, _ = rates(20, 5, moved=1.0, cases=60)
    many, _, _ = rates(60, 30, moved=1.0, cases=60)
    assert 0.2 < few < many
    assert many > 0.9


def test_shift__of_equal_distributions_the_index_is_free_of_chance() -> None:
    rng = np.random.default_rng(3)
    raw, chances = [], []
    for case in range(150):
        values, is_new, names = sides(rng, 30, 10)
        sample = Sample.of_values(values, is_new)
        counts = [sample.shares[side].sum(0) for side in (~is_new, is_new)]
        raw.append(float(stability_index(*counts)))
        chances.append(shift(sample, is_new, names, permutations=100, seed=case).chance)
    independent = (BINS - 1) * (1 / 300 + 1 / 100)
    # Blocks make it several times what the formula for independent pairs says.
    assert np.mean(raw) > 2.0 * independent
    assert np.mean(chances) == pytest.approx(np.mean(raw), rel=0.15)


def test_shift__of_independent_pairs_chance_is_as_the_formula_says() -> None:
    rng = np.random.default_rng(5)
    values, is_new = rng.normal(size=900), np.arange(900) >= 600
    sample = Sample.of_values(values, is_new)
    found = shift(sample, is_new, np.arange(900).astype(np.str_), permutations=300, seed=0)
    assert found.chance == pytest.approx((BINS - 1) * (1 / 600 + 1 / 300), rel=0.15)


def test_shift__repeats_itself() -> None:
    values, is_new, names = sides(np.random.default_rng(0), 10, 5)
    sample = Sample.of_values(values, is_new)
    found = [shift(sample, is_new, names, permutations=99, seed=seed) for seed in (4, 4, 5)]
    assert found[0] == found[1]
    assert found[0].chance != found[2].chance


def test_shift__a_block_on_both_sides_is_two() -> None:
    is_new = np.array([False, False, True, True])
    sample = Sample.of_values(np.array([0.0, 0.0, 1.0, 1.0]), is_new)
    together = shift(sample, is_new, np.array(["a"] * 4), permutations=99, seed=0)
    apart = shift(sample, is_new, np.array(["a", "a", "b", "b"]), permutations=99, seed=0)
    assert together == apart
    assert together.pvalue == 1.0  # of two blocks, one on each side, either order is as far


def test_shift__shares_of_prototypes() -> None:
    rng = np.random.default_rng(0)
    old, new = rng.dirichlet([8.0, 1.0, 1.0], 60), rng.dirichlet([1.0, 1.0, 8.0], 40)
    is_new = np.arange(100) >= 60
    names = (np.arange(100) // FRAMES).astype(np.str_)
    moved = shift(
        Sample.of_shares(np.concatenate([old, new])), is_new, names, permutations=199, seed=0
    )
    assert moved.index > 1.0
    assert moved.pvalue <= 0.01


def test_stability_index__worked_out_by_hand() -> None:
    # 0.5 more in each of two bins: shares 3/4 and 1/4 beside 1/4 and 3/4.
    found = stability_index(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert found == pytest.approx(2.0 * 0.5 * np.log(3.0))
    assert stability_index(np.array([7.0, 7.0]), np.array([3.0, 3.0])) == pytest.approx(0.0)


def test_of_values__bins_are_quantiles_of_the_reference() -> None:
    values = np.concatenate([np.arange(100.0), np.full(50, 1000.0)])
    is_new = np.arange(150) >= 100
    shares = Sample.of_values(values, is_new).shares
    assert shares[:100].sum(0).tolist() == [10.0] * BINS
    assert shares[100:].sum(0).tolist() == [0.0] * (BINS - 1) + [50.0]


@pytest.mark.parametrize("new", [0.0, 4.0])
def test_of_values__a_constant_reference_tells_values_on_either_side(new: float) -> None:
    values, is_new = np.array([2.0, 2.0, 2.0, new]), np.array([False, False, False, True])
    shares = Sample.of_values(values, is_new).shares
    assert (shares[:3] == [0.0, 1.0, 0.0]).all()
    assert shares[3].tolist() == [float(new < 2.0), 0.0, float(new > 2.0)]


def test_of_values__what_lies_between_shared_values_is_apart_from_them() -> None:
    values = np.repeat([0.0, 2.0, 1.0], [50, 50, 10])
    shares = Sample.of_values(values, np.arange(110) >= 100).shares
    assert len(np.unique(shares.argmax(1))) == 3


def test_least_pvalue__few_blocks_or_few_permutations() -> None:
    assert least_pvalue(4, 2, permutations=1000) == pytest.approx(1 / 15)
    assert least_pvalue(100, 50, permutations=999) == pytest.approx(1 / 1000)


def test_least_pvalue__equally_many_blocks_are_as_far_apart_the_other_way_round() -> None:
    values, is_new = np.repeat([0.0, 1.0], 3), np.arange(6) >= 3
    sample = Sample.of_values(values, is_new)
    found = shift(sample, is_new, np.arange(6).astype(np.str_), permutations=4000, seed=0)
    least = least_pvalue(3, 3, permutations=4000)
    assert least == pytest.approx(2 / 20)
    assert found.pvalue == pytest.approx(least, rel=0.15)


def test_superiority__worked_out_by_hand() -> None:
    # 2 is above 1 and equals 2: (1 + 0) / 2; 3 is above both.
    assert superiority(np.array([1.0, 2.0]), np.array([2.0, 3.0])) == pytest.approx(0.75)
    assert superiority(np.array([1.0, 2.0]), np.array([0.0])) == -1.0
