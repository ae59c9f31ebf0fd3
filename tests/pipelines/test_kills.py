"""Kills of a retraining; `python -m benchmarks.kills` makes more of them."""

import pytest

from benchmarks import kills


@pytest.mark.slow
def test_kills__at_a_random_moment(tmp_path):
    found, faults = kills.run(tmp_path.resolve(), times=1, seed=1)
    assert faults == []
    assert [kill.faults for kill in found] == [()] * len(found)
