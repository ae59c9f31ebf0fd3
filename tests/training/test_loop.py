import pytest

from ssvif.training import loop


def test_learning_rate_share__rises_then_falls():
    shares = [loop.learning_rate_share(step, 100) for step in range(100)]
    assert shares[4] == 1.0
    assert shares[:5] == sorted(shares[:5])
    assert shares[5:] == sorted(shares[5:], reverse=True)
    assert shares[-1] == pytest.approx(loop.FINAL_RATE, rel=0.1)
