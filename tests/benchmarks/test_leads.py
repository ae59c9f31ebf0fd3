"""What seeds are worth: repetitions of one probe, compared seed by seed."""

from functools import partial

import numpy as np
import pytest

from benchmarks.leads import joined, lead
from ssvif.probes.counts import mean_iou

SCORE = partial(mean_iou, foreground=True)


def test_joined__tables_are_repetitions_in_their_order(counts) -> None:
    # Each table calls its one repetition 0.
    found = SCORE(joined([counts(2), counts(6), counts(4)]))
    np.testing.assert_allclose(found, [0.2, 0.6, 0.4])


def test_lead__is_of_the_same_seeds(counts) -> None:
    own, other = joined([counts(3), counts(7)]), joined([counts(2), counts(6)])
    found = lead(SCORE, own, other)
    assert (found.difference, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    # One of two signs for each of eight blocks, and both ends.
    assert found.p == pytest.approx(2 / 2**8, rel=0.5)
    assert str(found).startswith("+0.100 (+0.100 to +0.100) | 0.0")


def test_lead__has_the_luck_of_trainings_in_its_interval(counts) -> None:
    own, other = joined([counts(2), counts(8)]), joined([counts(5), counts(5)])
    found = lead(SCORE, own, other)
    assert found.difference == pytest.approx(0.0)
    assert (found.low, found.high) == pytest.approx((-0.3, 0.3))
