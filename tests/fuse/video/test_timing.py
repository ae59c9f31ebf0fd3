from fractions import Fraction

import numpy as np

from ssvif.fuse.video.frames import TimedFrame
from ssvif.fuse.video.timing import Pairing


def _timed(times):
    return [TimedFrame(Fraction(at), np.zeros((1, 1), np.uint8)) for at in times]


def _pairs(vis, ir, vis_rate, ir_rate):
    pairing = Pairing(
        _timed(vis), _timed(ir), vis_rate=Fraction(vis_rate), ir_rate=Fraction(ir_rate)
    )
    return [(float(a.time), float(b.time)) for a, b in pairing], pairing


def test_pairing__a_slow_infrared_camera_serves_several_frames():
    found, pairing = _pairs([Fraction(k, 30) for k in range(11)], [0, "1/9", "2/9", "1/3"], 30, 9)
    assert [round(ir * 9) for _, ir in found] == [0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3]
    assert (pairing.alone, pairing.ir_ended) == (0, False)


def test_pairing__of_a_fast_infrared_camera_the_nearest_is_taken():
    found, _ = _pairs(
        [0, "0.1", "0.2"], [Fraction(k, 50) + Fraction("0.004") for k in range(12)], 10, 50
    )
    assert found == [(0.0, 0.004), (0.1, 0.104), (0.2, 0.204)]


def test_pairing__frames_without_a_neighbour_in_time_are_left_out():
    found, pairing = _pairs(["0", "0.04", "0.08", "0.5", "0.54"], ["0.08", "0.5"], 25, 25)
    assert found == [(0.08, 0.08), (0.5, 0.5)]
    assert (pairing.alone, pairing.ir_ended) == (2, True)


def test_pairing__goes_by_time_and_not_by_place():
    found, _ = _pairs(["0", "0.04", "0.12"], ["0.001", "0.041", "0.079", "0.121"], 25, 25)
    assert found == [(0.0, 0.001), (0.04, 0.041), (0.12, 0.121)]
