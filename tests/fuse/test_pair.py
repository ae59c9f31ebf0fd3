import os
from threading import Barrier, Lock

import numpy as np
import pytest

from ssvif.errors import ImageError
from ssvif.fuse import pair as module
from ssvif.fuse.alignment import Alignment
from ssvif.fuse.files import fuse_files
from ssvif.fuse.pair import PLAIN, Manner, PairFuser, read_pair
from ssvif.fuse.pairing import pair_files
from ssvif.models.fusion import DEAD

AS_IT_LIES = Alignment(ir_to_vis=((1, 0, 0), (0, 1, 0), (0, 0, 1)))


def test_manner__an_empty_range():
    with pytest.raises(ImageError, match="give black < white"):
        Manner(ir_range=(2.0, 2.0))


def test_dead__is_what_the_network_takes_for_a_dead_camera():
    assert pytest.approx(module._DEAD) == DEAD * 255.0


def test_read_pair__two_files_of_one_name(rig):
    (rig / "vis" / "0.bmp").write_bytes((rig / "vis" / "0.png").read_bytes())
    pair, *_ = pair_files(rig / "vis", rig / "ir", rig / "out")
    with pytest.raises(ImageError, match="claim one name"):
        read_pair(pair, PLAIN)


def test_frame__heat_lies_only_where_infrared_looked(fuser):
    vis, ir = np.full((32, 64, 3), 250, np.uint8), np.full((32, 32), 240, np.uint8)
    heat, plain = (
        PairFuser(fuser, Manner(colour=colour, alignment=AS_IT_LIES)).frame(vis, ir)
        for colour in ("heat", "visible")
    )
    assert (heat[:, :32] != plain[:, :32]).any(2).all()
    assert np.array_equal(heat[:, 32:], plain[:, 32:])


@pytest.mark.parametrize(("colour", "shape"), [("grey", (48, 64)), ("visible", (48, 64, 3))])
def test_frame__has_three_channels(fuser, colour, shape):
    vis = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    frame = PairFuser(fuser, Manner(colour=colour)).frame(vis, vis.reshape(48, 64, -1)[..., 0])
    assert frame.shape == (48, 64, 3)


class _Busy:
    """A network for one caller, which knows how many called it at once."""

    callers, weights, view, precision = 1, None, "fused", "float32"

    def __init__(self):
        self.at_once, self.most = 0, 0
        self._lock = Lock()

    def for_many(self):
        return self

    def __call__(self, vis, ir):  # noqa: ARG002
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        os.sched_yield()
        with self._lock:
            self.at_once -= 1
        return vis


def test_pair_fuser__files_are_read_on_all_cores_and_the_network_is_called_in_turn(
    rig, monkeypatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    all_read, read = Barrier(3), module.read_pair

    def together(pair, manner):
        all_read.wait(20.0)
        return read(pair, manner)

    monkeypatch.setattr(module, "read_pair", together)
    busy = _Busy()
    assert fuse_files(busy, pair_files(rig / "vis", rig / "ir", rig / "out")).fused == 3
    assert busy.most == 1
