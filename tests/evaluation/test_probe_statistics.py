from dataclasses import replace

import numpy as np
import pytest

from ssvif.evaluation.probe_statistics import probe_interval, probe_test
from ssvif.probes.counts import Counts, mean_iou

PIXELS = 100.0


def counts(blocks: int, share: float, *, repetitions: int = 3, noise: float = 0.05) -> Counts:
    """Two classes; `share` of each is found, more or less by block and repetition."""
    rng = np.random.default_rng(int(1000 * share))
    images = 4 * blocks
    luck = rng.normal(0.0, noise, (repetitions, blocks, 1, 2)).repeat(4, axis=2)
    found = (share + luck.reshape(repetitions, images, 2)).clip(0, 1) * PIXELS
    target = np.full(found.shape, PIXELS)
    return Counts(
        ids=tuple(f"{i:03}" for i in range(images)),
        blocks=tuple(f"{i // 4:02}" for i in range(images)),
        classes=("background", "person"),
        intersection=found,
        union=target,
        target=target,
    )


def test_probe_interval__is_around_the_mean() -> None:
    drawn = counts(12, 0.6)
    low, high = probe_interval(mean_iou, drawn, confidence=0.95, resamples=500, seed=0)
    assert low < mean_iou(drawn).mean() < high
    assert 0.0 < high - low < 0.1


def test_probe_interval__draws_whole_blocks() -> None:
    grouped = counts(30, 0.6, repetitions=1)
    alone = replace(grouped, blocks=grouped.ids)
    widths = [
        np.ptp(probe_interval(mean_iou, drawn, confidence=0.95, resamples=1000, seed=0))
        for drawn in (grouped, alone)
    ]
    # Two classes with a deviation of 0.05 each, in 30 blocks of four images with the same luck.
    assert widths[0] == pytest.approx(2 * 1.96 * 0.05 / np.sqrt(2 * 30), rel=0.3)
    assert widths[0] == pytest.approx(2.0 * widths[1], rel=0.15)


def test_probe_interval__repetitions_that_differ_widen_it() -> None:
    steady = counts(12, 0.6, noise=0.0)
    shaken = Counts(
        steady.ids,
        steady.blocks,
        steady.classes,
        steady.intersection * np.array([0.8, 1.0, 1.2])[:, None, None],
        steady.union,
        steady.target,
    )
    widths = [
        np.ptp(probe_interval(mean_iou, drawn, confidence=0.95, resamples=500, seed=0))
        for drawn in (steady, shaken)
    ]
    assert widths[0] == pytest.approx(0.0, abs=1e-9)
    assert widths[1] > 0.05


def test_probe_interval__of_a_lead_is_narrow_where_blocks_are_hard_for_both() -> None:
    one = counts(12, 0.6)
    other = Counts(one.ids, one.blocks, one.classes, one.intersection + 3.0, one.union, one.target)
    low, high = probe_interval(mean_iou, other, one, confidence=0.95, resamples=500, seed=0)
    assert (low, high) == pytest.approx((0.03, 0.03))


def test_probe_test__tells_a_lead_from_none() -> None:
    one, better = counts(10, 0.5), counts(10, 0.7)
    assert probe_test(mean_iou, better, one, resamples=500, seed=0) < 0.02
    assert probe_test(mean_iou, one, one, resamples=500, seed=0) == 1.0


def test_probe_test__is_never_zero() -> None:
    one, better = counts(20, 0.3), counts(20, 0.7)
    assert probe_test(mean_iou, better, one, resamples=200, seed=0) == pytest.approx(1 / 201)


def test_probe_test__few_blocks_have_no_answer() -> None:
    one, better = counts(4, 0.5), counts(4, 0.7)
    assert np.isnan(probe_test(mean_iou, better, one, resamples=100, seed=0))
    assert np.isnan(probe_interval(mean_iou, one, confidence=0.95, resamples=100, seed=0)).all()


def test_probe_test__no_score_has_no_answer() -> None:
    drawn = counts(8, 0.5)
    empty = replace(drawn, union=drawn.union * 0.0, intersection=drawn.intersection * 0.0)
    with np.errstate(invalid="ignore"):
        assert np.isnan(probe_test(mean_iou, empty, empty, resamples=100, seed=0))


def test_probe_test__holds_its_level_without_a_lead() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(100):
        drawn = [counts(8, 0.5, noise=0.0) for _ in range(2)]
        for one in drawn:
            luck = rng.normal(0, 10, (1, 8, 1, 2)).repeat(4, axis=2).reshape(1, 32, 2)
            one.intersection[:] = (50 + luck).clip(0, PIXELS)
        hits += probe_test(mean_iou, *drawn, resamples=200, seed=seed) < 0.05
    assert hits <= 12
