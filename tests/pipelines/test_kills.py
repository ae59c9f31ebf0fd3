"""Kills of a retraining; `python -m benchmarks.kills` makes more of them."""

import pytest

from benchmarks import kills


@pytest.mark.slow
def test_kills__two_at_random_moments(tmp_path):
    found, faults = kills.run(tmp_path.resolve(), times=2, seed=1)
    assert faults == []
    assert [kill.faults for kill in found] == [()] * len(found)
