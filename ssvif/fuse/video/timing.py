"""Finds which frames of two videos belong together: those nearest in time."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from ssvif.fuse.video.frames import TimedFrame

# Containers round times, some to milliseconds.
_ROUNDING = Fraction(1, 1000)


class Pairing:
    """Pairs of frames in time; the visible ones lead.

    Args:
        vis: Visible frames, in order.
        ir: Infrared frames, in order; one may serve several visible ones, or none.
        vis_rate: Frames a second.
        ir_rate: Frames a second.
    """

    def __init__(
        self,
        vis: Iterable[TimedFrame],
        ir: Iterable[TimedFrame],
        *,
        vis_rate: Fraction,
        ir_rate: Fraction,
    ) -> None:
        self.alone = 0
        self.ir_ended = False
        self.tolerance = Fraction(1, 2) / min(vis_rate, ir_rate) + _ROUNDING
        self._vis = vis
        self._ir = ir

    def __iter__(self) -> Iterator[tuple[TimedFrame, TimedFrame]]:
        """Yield visible frames with the infrared ones nearest in time; `alone` counts others.

        Where the infrared video has ended, so do the pairs, and `ir_ended` says so.
        """
        waiting = iter(self._ir)
        near, after = next(waiting, None), next(waiting, None)
        for vis in self._vis:
            while near and after and abs(after.time - vis.time) < abs(near.time - vis.time):
                near, after = after, next(waiting, None)
            if near is None or (after is None and vis.time - near.time > self.tolerance):
                self.ir_ended = True
                return
            if abs(near.time - vis.time) <= self.tolerance:
                yield vis, near
            else:
                self.alone += 1
