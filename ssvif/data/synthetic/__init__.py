"""Synthetic street scenes through a visible and an infrared camera, with exact labels.

One drawing serves both cameras (`canvas.py`): light falls on its colours (`visible.py`) and
its temperatures shine by themselves (`infrared.py`), so a pair is registered by construction
and complementary for physical reasons.
"""

from ssvif.data.synthetic.pair import SyntheticPair, render_pair
from ssvif.data.synthetic.sample import write_sample

__all__ = ["SyntheticPair", "render_pair", "write_sample"]
