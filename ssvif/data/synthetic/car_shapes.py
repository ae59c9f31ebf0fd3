"""Shapes of cars, as solids: bodies of five kinds, with windows, wheels and lamps."""

from functools import lru_cache
from itertools import pairwise
from math import cos, pi, sin

from ssvif.data.synthetic.solid import Corner, Solid, SolidBuilder

# Profiles from the front bumper over the roof to the rear one: (forward, up, half width).
PROFILES: dict[str, tuple[Corner, ...]] = {
    "saloon": (
        (2.15, 0.28, 0.8),
        (2.25, 0.55, 0.87),
        (2.1, 0.76, 0.86),
        (0.95, 0.95, 0.84),
        (0.2, 1.43, 0.6),
        (-0.95, 1.43, 0.6),
        (-1.65, 1.02, 0.82),
        (-2.18, 0.95, 0.84),
        (-2.25, 0.6, 0.87),
        (-2.18, 0.3, 0.8),
    ),
    "hatchback": (
        (1.85, 0.28, 0.78),
        (1.95, 0.58, 0.84),
        (1.75, 0.84, 0.83),
        (0.95, 1.0, 0.82),
        (0.25, 1.52, 0.6),
        (-1.4, 1.48, 0.6),
        (-1.85, 0.98, 0.8),
        (-1.92, 0.6, 0.84),
        (-1.85, 0.3, 0.78),
    ),
    "suv": (
        (2.2, 0.36, 0.85),
        (2.3, 0.7, 0.92),
        (2.15, 1.0, 0.91),
        (1.05, 1.14, 0.9),
        (0.45, 1.74, 0.68),
        (-1.8, 1.72, 0.68),
        (-2.2, 1.14, 0.88),
        (-2.28, 0.7, 0.92),
        (-2.2, 0.38, 0.85),
    ),
    "van": (
        (2.1, 0.3, 0.84),
        (2.2, 0.62, 0.9),
        (2.1, 0.98, 0.9),
        (1.75, 1.12, 0.88),
        (1.15, 1.92, 0.76),
        (-2.05, 1.94, 0.76),
        (-2.2, 1.12, 0.88),
        (-2.22, 0.62, 0.9),
        (-2.15, 0.32, 0.84),
    ),
    "lorry": (
        (2.9, 0.45, 0.95),
        (3.0, 0.9, 1.0),
        (2.98, 1.25, 1.0),
        (2.95, 1.3, 1.0),
        (2.7, 2.2, 0.95),
        (1.4, 2.75, 1.05),
        (-2.9, 2.75, 1.05),
        (-3.0, 1.3, 1.05),
        (-3.0, 0.9, 1.05),
        (-2.95, 0.5, 1.0),
    ),
}
_SCREEN = 3  # the windscreen rises from the fourth corner of every profile
_WHEELS = {"saloon": 0.33, "hatchback": 0.31, "suv": 0.39, "van": 0.33, "lorry": 0.45}


@lru_cache(maxsize=8)
def car_solid(shape: str) -> Solid:
    """Return a car's body with windows, wheels and lamps."""
    profile = PROFILES[shape]
    builder = SolidBuilder()
    screens = (_SCREEN,) if shape == "lorry" else (_SCREEN, _SCREEN + 2)
    for index, (low, high) in enumerate(pairwise(profile)):
        strip = [_side(low, 1), _side(high, 1), _side(high, -1), _side(low, -1)]
        builder.add("bonnet" if index == _SCREEN - 1 else "body", strip)
        if index in screens:
            builder.add("glass", _inset(strip, 0.1), decal=True)
    for sign in (-1, 1):
        outline = [_side(corner, sign) for corner in profile]
        builder.add("body", outline if sign < 0 else outline[::-1])
        _add_windows(builder, profile, sign, lorry=shape == "lorry")
        _add_wheels(builder, profile, sign, _WHEELS[shape])
    _add_ends(builder, profile)
    return builder.build()


def _side(corner: Corner, sign: int) -> Corner:
    return corner[0], corner[1], sign * corner[2]


def _inset(quad: list[Corner], share: float) -> list[Corner]:
    middle = [sum(corner[axis] for corner in quad) / len(quad) for axis in range(3)]
    moved = [
        tuple(value + share * (middle[axis] - value) for axis, value in enumerate(corner))
        for corner in quad
    ]
    return [(corner[0], corner[1], corner[2]) for corner in moved]


def _add_windows(
    builder: SolidBuilder, profile: tuple[Corner, ...], sign: int, *, lorry: bool
) -> None:
    """Side windows between the windscreen and the rear window, in two panes."""
    front, front_top, rear_top, rear = profile[3], profile[4], profile[5], profile[6]
    panes: list[list[Corner]]
    if lorry:
        panes = [[front, front_top, (1.9, 2.25, 1.0), (1.9, 1.35, 1.0)]]
        load = [(1.3, 0.95), (1.3, 2.65), (-2.85, 2.65), (-2.85, 0.95)]
        panel = [(u, v, sign * 1.06) for u, v in (load if sign < 0 else load[::-1])]
        builder.add("box", panel, decal=True)
    else:
        post = 0.5 * (front[0] + rear[0]) + 0.05
        foot = (post, 0.5 * (front[1] + rear[1]), front[2])
        top = (post, front_top[1], front_top[2])
        panes = [[front, front_top, top, foot], [foot, top, rear_top, rear]]
        line = [(post + 0.02, foot[1]), (post - 0.02, foot[1]), (post - 0.02, 0.4)]
        seam = [*line, (post + 0.02, 0.4)]
        door = [(u, v, sign * 0.875) for u, v in (seam if sign < 0 else seam[::-1])]
        builder.add("line", door, decal=True)
    for pane in panes:
        corners = [_side(corner, sign) for corner in _inset(pane, 0.13)]
        builder.add("glass", corners if sign < 0 else corners[::-1], decal=True)


def _add_wheels(
    builder: SolidBuilder, profile: tuple[Corner, ...], sign: int, radius: float
) -> None:
    length = profile[1][0] - profile[-2][0]
    for middle in (profile[1][0] - 0.19 * length, profile[-2][0] + 0.19 * length):
        for part, size in (("arch", 1.2), ("tyre", 1.0), ("rim", 0.6)):
            ring = [
                (
                    middle - sign * size * radius * cos(k * pi / 7),
                    max(radius + size * radius * sin(k * pi / 7), 0.0 if part == "tyre" else 0.2),
                    sign * (profile[1][2] + 0.01),
                )
                for k in range(14)
            ]
            builder.add(part, ring, decal=True)


def _add_ends(builder: SolidBuilder, profile: tuple[Corner, ...]) -> None:
    """Lamps, plates, the grille, and the doors of a lorry's box."""
    for end, sign in ((profile[1], 1), (profile[-2], -1)):
        _, height, half = end
        if sign > 0:
            _add_patch(builder, "grille", end, sign, (height - 0.2, height - 0.04), (-0.55, 0.55))
        elif half > 1.03:
            _add_patch(builder, "box", end, sign, (height + 0.1, 2.65), (-0.98, 0.98))
        _add_patch(builder, "plate", end, sign, (height - 0.2, height - 0.07), (-0.2, 0.2))
        low = height - 0.03 if sign > 0 else height + 0.03
        part = "headlight" if sign > 0 else "tail"
        inner, outer = 0.58 * half, 0.97 * half
        for across in ((-outer, -inner), (inner, outer)):
            _add_patch(builder, part, end, sign, (low, low + 0.18), across)


def _add_patch(
    builder: SolidBuilder,
    part: str,
    end: Corner,
    sign: int,
    rows: tuple[float, float],
    across: tuple[float, float],
) -> None:
    """A flat patch just off the front (`sign` 1) or the rear (-1)."""
    at, (low, high), (left, right) = end[0] + 0.02 * sign, rows, across
    corners = [(at, low, left), (at, high, left), (at, high, right), (at, low, right)]
    builder.add(part, corners if sign < 0 else corners[::-1], decal=True)
