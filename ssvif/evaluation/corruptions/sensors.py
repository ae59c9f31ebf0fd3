"""Noise and defects of both cameras."""

from torch import Tensor

from ssvif.evaluation.corruptions.draw import Draw, Sources, to_grey, to_light

_WHITE = 255.0
_PERCENT = 100.0
_READ_NOISE = 3.0  # electrons
_ROW_SHARE = 0.5  # of the columns' offsets: columns share an amplifier, rows only a clock
DIM_LIGHT_ELECTRONS = 2000.0  # at white, of the camera that meets low light


def visible_noise(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Photon and read noise of a visible camera that collects `level` electrons at white."""
    return expose(vis, electrons=level, gain=1.0, draw=draw), ir


def infrared_noise(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Temporal noise of the infrared detector: a standard deviation of `level` grey levels."""
    return vis, ir + level / _WHITE * draw.normal(*ir.shape, like=ir)


def fixed_pattern(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Add a microbolometer's stripes: column offsets of `level` grey levels (standard deviation).

    Rows are offset by half as much.
    """
    batch, _, height, width = ir.shape
    columns = draw.normal(batch, 1, 1, width, like=ir)
    rows = draw.normal(batch, 1, height, 1, like=ir)
    return vis, ir + level / _WHITE * (columns + _ROW_SHARE * rows)


def dead_pixels(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Make `level` per cent of the infrared detector's pixels black or white for good."""
    chance = draw.uniform(*ir.shape, like=ir)
    share = level / _PERCENT
    return vis, ir.masked_fill(chance < share, 1.0).masked_fill(chance < share / 2.0, 0.0)


def low_light(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Take `level` stops (halvings) of light from the visible camera, which then shows its noise.

    The exposure is not corrected: the image is dark and noisy.
    """
    gain = 2.0**-level
    return expose(vis, electrons=DIM_LIGHT_ELECTRONS, gain=gain, draw=draw), ir


def expose(image: Tensor, *, electrons: float, gain: float, draw: Draw) -> Tensor:
    """Record an image anew with less light.

    Variance in linear light is proportional to the signal, plus that of reading out: Foi et al.
    2008, doi:10.1109/TIP.2008.2001399. Photon noise is taken as normal, which it is from about
    ten photons on.

    Args:
        image: (B, C, H, W) in [0, 1], grey values.
        electrons: That white gives.
        gain: Of the light.
        draw: Random numbers.
    """
    collected = to_light(image) * gain * electrons
    deviation = (collected + _READ_NOISE**2).sqrt()
    noisy = collected + deviation * draw.normal(*image.shape, like=image)
    return to_grey(noisy / electrons)
