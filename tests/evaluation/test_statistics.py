import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ssvif.evaluation.statistics import (
    COARSE_BLOCKS,
    MIN_BLOCKS,
    Blocks,
    holm,
    holm_can_pass,
    intervals,
    rank_biserial,
    sign_test,
)

NEIGHBOURS = 10
LEVEL = 0.05


def blocks_of(*differences: list[float]) -> Blocks:
    """One metric; one list a block."""
    scores = pd.DataFrame({"m": np.concatenate(differences)})
    names = [f"{number:03}" for number, block in enumerate(differences) for _ in block]
    return Blocks.of(scores, pd.Series(names))


def correlated(rng: np.random.Generator, blocks: int) -> Blocks:
    """Scores without any effect, in which neighbours share most of their luck."""
    shared = rng.normal(0.0, 1.0, (blocks, 1))
    return blocks_of(*(shared + rng.normal(0.0, 0.7, (blocks, NEIGHBOURS))).tolist())


def ungrouped(blocks: Blocks, rng: np.random.Generator) -> Blocks:
    """The same kind of scores, each pair taken for a block of its own."""
    shared = rng.normal(0.0, 1.0, (blocks.count, 1))
    scores = (shared + rng.normal(0.0, 0.7, (blocks.count, NEIGHBOURS))).ravel()
    return Blocks(scores[None], np.ones(scores.size))


def test_of__sums_and_counts_by_block() -> None:
    found = blocks_of([1.0, 2.0], [10.0])
    assert found.sums.tolist() == [[3.0, 10.0]]
    assert found.counts.tolist() == [2.0, 1.0]
    assert found.means.tolist() == [pytest.approx(13 / 3)]


def test_sign_test__equals_what_is_counted_by_hand() -> None:
    # 1 + 2 + 3 + 4 + 5 + 6 = 21: only all signs alike are as extreme, 2 of 64.
    found = blocks_of([1.0], [2.0], [3.0], [4.0], [5.0], [6.0])
    assert sign_test(found, resamples=1000, seed=0).tolist() == [pytest.approx(2 / 64)]
    # With -1 for 1 the sum is 19; 21 and 19, either sign, are as extreme: 4 of 64.
    found = blocks_of([-1.0], [2.0], [3.0], [4.0], [5.0], [6.0])
    assert sign_test(found, resamples=1000, seed=0).tolist() == [pytest.approx(4 / 64)]


def test_sign_test__swaps_whole_blocks() -> None:
    alone = blocks_of(*[[1.0, 1.0, 1.0]] * MIN_BLOCKS)
    assert sign_test(alone, resamples=1000, seed=0)[0] == pytest.approx(2 / 2**MIN_BLOCKS)


def test_sign_test__no_difference_is_never_surprising() -> None:
    assert sign_test(blocks_of(*[[0.0, 0.0]] * 8), resamples=1000, seed=0).tolist() == [1.0]


def test_sign_test__several_metrics_are_tested_one_by_one() -> None:
    rng = np.random.default_rng(0)
    scores = pd.DataFrame({"a": rng.normal(0, 1, 16), "b": rng.normal(2, 1, 16)})
    names = pd.Series([f"{i // 2}" for i in range(16)])
    both = sign_test(Blocks.of(scores, names), resamples=1000, seed=0)
    alone = [sign_test(Blocks.of(scores[[m]], names), resamples=1000, seed=0)[0] for m in "ab"]
    assert both.tolist() == alone
    assert both[1] < LEVEL < both[0]


def test_sign_test__keeps_its_word_where_the_ungrouped_one_does_not() -> None:
    rng = np.random.default_rng(1)
    rounds = 80
    grouped = naive = 0
    for seed in range(rounds):
        drawn = correlated(rng, 12)
        grouped += sign_test(drawn, resamples=200, seed=seed)[0] < LEVEL
        naive += sign_test(ungrouped(drawn, rng), resamples=200, seed=seed)[0] < LEVEL
    assert grouped / rounds <= 0.12  # 5 % but for chance
    assert naive / rounds >= 0.30  # finds differences that are not there


def test_intervals__cover_where_the_ungrouped_ones_do_not() -> None:
    rng = np.random.default_rng(2)
    rounds = 60
    grouped = naive = 0
    for seed in range(rounds):
        drawn = correlated(rng, 30)
        for blocks in (drawn, ungrouped(drawn, rng)):
            low, high = intervals(blocks, confidence=0.95, resamples=200, seed=seed)[0]
            if blocks is drawn:
                grouped += low <= 0.0 <= high
            else:
                naive += low <= 0.0 <= high
    assert grouped / rounds >= 0.87
    assert naive / rounds <= 0.65


@pytest.mark.parametrize(("blocks", "covered"), [(MIN_BLOCKS, 0.86), (COARSE_BLOCKS - 1, 0.93)])
def test_intervals__of_few_blocks_cover_as_much_as_the_page_says(
    blocks: int, covered: float
) -> None:
    rng = np.random.default_rng(4)
    rounds = 300
    hits = 0
    for seed in range(rounds):
        drawn = correlated(rng, blocks)
        low, high = intervals(drawn, confidence=0.95, resamples=1000, seed=seed)[0]
        hits += low <= 0.0 <= high
    assert hits / rounds == pytest.approx(covered, abs=0.04)


def test_intervals__blocks_of_other_sizes_bring_their_own_counts() -> None:
    drawn = blocks_of(*[[1.0 + 0.001 * (size % 2)] * size for size in range(1, 21)])
    low, high = intervals(drawn, confidence=0.95, resamples=500, seed=0)[0]
    assert 1.0 <= low < high <= 1.001


def test_intervals__few_blocks_have_none() -> None:
    found = intervals(blocks_of(*[[1.0, 2.0]] * (MIN_BLOCKS - 1)), confidence=0.95, resamples=100,
                      seed=0)  # fmt: skip
    assert np.isnan(found).all()


def test_intervals__equal_scores_are_a_point() -> None:
    found = intervals(blocks_of(*[[0.5]] * 8), confidence=0.95, resamples=100, seed=0)
    assert found.tolist() == [[0.5, 0.5]]


def test_intervals__are_near_those_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).normal(3.0, 1.0, 400)
    low, high = intervals(blocks_of(*values[:, None].tolist()), confidence=0.95, resamples=2000,
                          seed=0)[0]  # fmt: skip
    reach = 1.96 * values.std(ddof=1) / 20.0
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.02)


def test_intervals__same_seed_same_numbers() -> None:
    drawn = correlated(np.random.default_rng(0), 10)
    one, two, three = (
        intervals(drawn, confidence=0.9, resamples=200, seed=seed).tolist() for seed in (0, 0, 1)
    )
    assert one == two != three


def test_holm_can_pass__six_blocks_are_enough_for_one_metric_and_nine_for_ten() -> None:
    assert [holm_can_pass(blocks, tests=1, level=LEVEL) for blocks in (5, 6)] == [False, True]
    assert [holm_can_pass(blocks, tests=10, level=LEVEL) for blocks in (8, 9)] == [False, True]


def test_rank_biserial__worked_out_by_hand() -> None:
    # Ranks of 1, 2, 3, 4 with the sign of the second negative: (1 - 2 + 3 + 4) / 10.
    assert rank_biserial(blocks_of([1.0], [-2.0], [3.0], [4.0])).tolist() == [pytest.approx(0.6)]
    assert rank_biserial(blocks_of([0.5, 0.7], [0.1])).tolist() == [1.0]
    assert rank_biserial(blocks_of([-0.5], [-0.1])).tolist() == [-1.0]
    assert rank_biserial(blocks_of([0.0], [0.0])).tolist() == [0.0]


def test_rank_biserial__agrees_with_wilcoxons_statistic() -> None:
    values = np.random.default_rng(3).normal(0.3, 1.0, 15)
    smaller = stats.wilcoxon(values).statistic
    total = 15 * 16 / 2
    effect = rank_biserial(blocks_of(*values[:, None].tolist()))[0]
    assert abs(effect) == pytest.approx((total - 2 * smaller) / total)


def test_holm__worked_out_by_hand() -> None:
    # Holm 1979: 0.01 x 4, 0.02 x 3, 0.03 x 2, 0.5 x 1, never falling.
    assert holm(np.array([0.03, 0.01, 0.5, 0.02])).tolist() == pytest.approx(
        [0.06, 0.04, 0.5, 0.06]
    )
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]


def test_holm__what_is_not_known_does_not_count() -> None:
    found = holm(np.array([np.nan, 0.04]))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(0.04)
