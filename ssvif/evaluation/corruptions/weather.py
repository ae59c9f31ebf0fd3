"""What stands between the scene and the cameras: glare, hot spots, fog."""

import math

import torch
from torch import Tensor

from ssvif.evaluation.corruptions.draw import Draw, Sources, to_grey, to_light

_PERCENT = 100.0
_BLOBS = 3
_VEIL_POWER = 3.0  # of the distance, by which stray light falls off around a light

# A camera 1.5 m above flat ground with a horizon at 45 % of the height and a field of view that
# is as high as far; upright things are taken for the ground that they hide.
_CAMERA_HEIGHT = 1.5  # metres
_HORIZON = 0.45
_FARTHEST = 60.0  # metres: how far the houses and trees are that stand above the horizon
_CONTRAST_SEEN = 3.912  # -ln 0.02: visibility is where 2 % of the contrast are left (Koschmieder)
_AIRLIGHT_QUANTILE = 0.9  # of the scene's luminance: fog is as bright as the light upon it


def glare(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Dazzle the visible camera: lights that saturate `level` per cent of it, veils around them."""
    distance = _blob_distance(vis, level, draw)
    veil = distance.clamp(min=1.0) ** -_VEIL_POWER
    return to_grey(to_light(vis) + veil), ir


def hot_spots(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Saturate `level` per cent of the infrared image, as sun glint and flames do."""
    distance = _blob_distance(ir, level, draw)
    # Hot things have soft rims, a tenth of their radius, but no veil.
    share = ((1.1 - distance) / 0.1).clamp(0.0, 1.0)
    return vis, ir + (1.0 - ir) * share


def fog(vis: Tensor, ir: Tensor, level: float, _draw: Draw) -> Sources:
    """Fill the air with fog of a visibility of `level` metres, before the visible camera.

    Koschmieder's law: light * t + airlight * (1 - t), t = exp(-3.912 / visibility * distance).
    Distance follows from the row, as on flat ground. Infrared is left as it is, which flatters it
    in dense fog.
    """
    height = vis.shape[-2]
    rows = (torch.arange(height, device=vis.device, dtype=vis.dtype) + 0.5) / height - _HORIZON
    distance = (_CAMERA_HEIGHT / rows.clamp(min=_CAMERA_HEIGHT / _FARTHEST)).view(1, 1, -1, 1)
    through = torch.exp(-_CONTRAST_SEEN / level * distance)
    light = to_light(vis)
    return to_grey(light * through + _airlight(light) * (1.0 - through)), ir


def _airlight(light: Tensor) -> Tensor:
    """Return (B, 1, 1, 1): light that all but a tenth of the pixels of (B, C, H, W) are below."""
    pixels = light.mean(1).flatten(1)
    # `quantile` takes no more than 16 million pixels.
    rank = math.ceil(_AIRLIGHT_QUANTILE * pixels.shape[1])
    return pixels.kthvalue(rank, dim=1).values.view(-1, 1, 1, 1)


def _blob_distance(image: Tensor, level: float, draw: Draw) -> Tensor:
    """Return the distance (1, 1, H, W) to the nearest of three blobs, in units of its radius.

    Args:
        image: (B, C, H, W).
        level: Per cent of the picture that the blobs cover, where they do not overlap.
        draw: Places and sizes.
    """
    height, width = image.shape[-2:]
    shares = draw.generator.dirichlet([2.0] * _BLOBS)
    places = draw.generator.uniform(0.15, 0.85, (_BLOBS, 2))
    rows = torch.arange(height, device=image.device, dtype=image.dtype)[:, None] + 0.5
    columns = torch.arange(width, device=image.device, dtype=image.dtype) + 0.5
    distances = []
    for share, (down, right) in zip(shares.tolist(), places.tolist(), strict=True):
        radius = math.sqrt(level / _PERCENT * share * height * width / math.pi)
        apart = torch.hypot(rows - down * height, columns - right * width)  # (H, W)
        distances.append(apart / max(radius, 1.0))
    return torch.stack(distances).amin(0)[None, None]
