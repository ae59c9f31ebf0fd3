"""Local means of planes, one plane at a time: eight planes at once would not fit the caches."""

from torch import Tensor


def smooth(plane: Tensor, window: Tensor, *, step: int = 1) -> Tensor:
    """Filter along both axes where the window fits, at every `step`-th place.

    Args:
        plane: (..., H, W).
        window: (T,), for both axes.
        step: Distance between places.

    Returns:
        (..., ceil((H - T + 1) / step), ceil((W - T + 1) / step)).
    """
    return _smooth_rows(_smooth_rows(plane, window, step).mT, window, step).mT


def _smooth_rows(plane: Tensor, window: Tensor, step: int) -> Tensor:
    places = plane.shape[-2] - len(window) + 1
    smoothed = plane[..., :places:step, :] * window[0]
    for tap in range(1, len(window)):
        smoothed.addcmul_(plane[..., tap : tap + places : step, :], window[tap])
    return smoothed
