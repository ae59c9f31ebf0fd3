from fractions import Fraction

import pytest

from ssvif.fuse.video.clocks import arrivals


def test_arrivals__what_piled_up_does_not_set_the_clock():
    """Frames of 0.1 s; five piled up until 10 s, then each comes 20 to 50 ms after it was seen."""
    delays = [0.02, 0.05, 0.03, 0.02, 0.04]
    seen = [9.5 + k / 10 for k in range(10)]
    come = iter([10.02] * 5 + [at + late for at, late in zip(seen[5:], delays, strict=True)])
    clock = arrivals(lambda k: Fraction(k, 10) + 7, now=lambda: next(come))
    found = [float(clock(k)) for k in range(10)]
    assert max(found[:5]) <= found[5]
    assert found[5:] == pytest.approx([at + 0.02 for at in seen[5:]], abs=1e-4)
