"""People walking, standing and riding."""

from dataclasses import dataclass
from math import cos, pi, sin
from typing import NamedTuple

import numpy as np

from ssvif.data.synthetic.board import Board, cast_shadow
from ssvif.data.synthetic.camera import Point
from ssvif.data.synthetic.canvas import Canvas, Colour, Material
from ssvif.data.synthetic.climate import Climate

PERSON_LABEL = 2
_SKINS: tuple[Colour, ...] = ((0.6, 0.4, 0.3), (0.5, 0.32, 0.22), (0.28, 0.16, 0.1))
_HAIRS: tuple[Colour, ...] = ((0.02, 0.017, 0.015), (0.09, 0.05, 0.03), (0.3, 0.28, 0.26))
CLOTHES: tuple[Colour, ...] = (
    (0.03, 0.03, 0.04),
    (0.05, 0.07, 0.16),
    (0.5, 0.5, 0.48),
    (0.4, 0.05, 0.05),
    (0.1, 0.2, 0.12),
    (0.16, 0.15, 0.14),
    (0.55, 0.42, 0.1),
    (0.2, 0.3, 0.5),
)
_TROUSERS: tuple[Colour, ...] = ((0.03, 0.035, 0.06), (0.08, 0.1, 0.18), (0.25, 0.22, 0.17))


@dataclass(frozen=True)
class Person:
    """Someone on foot.

    Args:
        x: Metres to the right of the street's middle.
        z: Metres along the street.
        height: Metres.
        phase: Where in a step, in radians.
        side: 1 if walking across the picture, 0 if towards the camera or away from it.
        turn: 1 if facing right, -1 if facing left.
        away: Whether the face is turned from the camera.
        coat: Whether the coat reaches the knees.
        bag: Whether there is a rucksack.
        top: Colour of the coat or shirt.
        legs: Colour of the trousers.
        skin: Colour of the skin.
        hair: Colour of the hair.
        warmth: Added to the temperature of the clothes.
        speed: Metres along (X, Z) from one picture to the next.
    """

    x: float
    z: float
    height: float
    phase: float
    side: float
    turn: float
    away: bool
    coat: bool
    bag: bool
    top: Colour
    legs: Colour
    skin: Colour
    hair: Colour
    warmth: float
    speed: Point

    def draw(self, canvas: Canvas, climate: Climate, instance: int) -> None:
        """Draw the person, from the far arm to the near one."""
        board = Board(canvas, self.x, self.z, label=PERSON_LABEL, instance=instance)
        sun = 0.8 if climate.sun[0] else 0.0
        cast_shadow(canvas, self.x, self.z, (0.5, self.height), climate.shadow, sun)
        draw_figure(board, climate, self, seat=None)


def draw_person(generator: np.random.Generator, x: float, z: float, speed: Point) -> Person:
    """Draw someone's looks and pose; `speed` says which way they face."""
    across = abs(speed[0]) > abs(speed[1])
    return Person(
        x=x,
        z=z,
        height=generator.uniform(1.52, 1.88),
        phase=generator.uniform(0.0, 2.0 * pi),
        side=generator.uniform(0.75, 1.0) if across else generator.uniform(0.0, 0.35),
        turn=1.0 if speed[0] >= 0.0 else -1.0,
        away=bool(speed[1] > 0.0),
        coat=bool(generator.random() < 0.3),
        bag=bool(generator.random() < 0.35),
        top=CLOTHES[generator.integers(len(CLOTHES))],
        legs=_TROUSERS[generator.integers(len(_TROUSERS))],
        skin=_SKINS[generator.integers(len(_SKINS))],
        hair=_HAIRS[generator.integers(len(_HAIRS))],
        warmth=generator.uniform(-2.5, 2.5),
        speed=speed,
    )


def draw_figure(board: Board, climate: Climate, person: Person, seat: float | None) -> None:
    """Draw a body; `seat` is the seen length of the bicycle it sits on, if it does."""
    unit, turn = person.height / 1.7, person.turn
    wear = _dressed(board, climate, person)
    lift = 0.0 if seat is None else 0.08
    lean = 0.0 if seat is None else 0.24 * turn * seat
    hips = (-0.2 * turn * (seat or 0.0) * unit, 0.9 * unit + lift)
    neck = (hips[0] + lean, 1.43 * unit + lift - 0.4 * abs(lean))
    swing = sin(person.phase)
    _leg(board, wear, person, hips, -swing, -1.0, seat)
    _arm(board, wear, person, neck, -swing, -1.0, seat)
    _leg(board, wear, person, hips, swing, 1.0, seat)
    _torso(board, climate, wear, person, hips, neck, seat)
    _head(board, wear, person, (neck[0] + 0.02 * turn * person.side, neck[1] + 0.17 * unit))
    _arm(board, wear, person, neck, swing, 1.0, seat)


class _Wear(NamedTuple):
    """Pieces to draw a body with."""

    top: int
    sleeve: int
    legs: int
    shoes: int
    skin: int
    hair: int


def _dressed(board: Board, climate: Climate, person: Person) -> _Wear:
    warmth = climate.coat + person.warmth

    def cloth(colour: Colour, temperature: float) -> int:
        material = Material(colour, temperature, grain=0.18, grain_ir=1.6, period=2.0)
        return board.piece(material)

    red, green, blue = person.top
    return _Wear(
        top=cloth(person.top, warmth),
        sleeve=cloth((0.75 * red, 0.75 * green, 0.75 * blue), warmth - 0.8),
        legs=cloth(person.legs, warmth + 1.0),
        shoes=board.piece(Material((0.05, 0.045, 0.04), climate.air + 3.0)),
        skin=board.piece(Material(person.skin, climate.skin, 0.98)),
        hair=board.piece(Material(person.hair, climate.skin - 5.5, 0.97)),
    )


def _torso(
    board: Board,
    climate: Climate,
    wear: _Wear,
    person: Person,
    hips: Point,
    neck: Point,
    seat: float | None,
) -> None:
    unit, width = person.height / 1.7, 0.2 - 0.07 * person.side
    hem = hips[1] - (0.4 if person.coat and seat is None else 0.06) * unit
    waist = 0.4 * neck[0] + 0.6 * hips[0]
    right = [
        (neck[0] + 0.05, neck[1] + 0.05),
        (neck[0] + width, neck[1] - 0.04),
        (waist + 0.8 * width, hips[1] + 0.18),
        (hips[0] + 0.95 * width, hem),
    ]
    left = [
        (hips[0] - 0.95 * width, hem),
        (waist - 0.8 * width, hips[1] + 0.18),
        (neck[0] - width, neck[1] - 0.04),
        (neck[0] - 0.05, neck[1] + 0.05),
    ]
    aside = person.side > 0.5
    bag = board.piece(Material((0.06, 0.07, 0.09), climate.air + 2.5)) if person.bag else None
    if bag is not None and aside:
        back = neck[0] - person.turn * (width + 0.06)
        board.limb(bag, (back, neck[1] - 0.05), (back, neck[1] - 0.42), (0.17, 0.22))
    board.polygon(wear.top, right + left)
    if bag is not None and not aside and person.away:
        board.limb(bag, (neck[0], neck[1] - 0.06), (neck[0], neck[1] - 0.42), (0.24, 0.28))


def _leg(
    board: Board,
    wear: _Wear,
    person: Person,
    hips: Point,
    swing: float,
    near: float,
    seat: float | None,
) -> None:
    unit, side, turn = person.height / 1.7, person.side, person.turn
    start = (hips[0] + near * 0.085 * (1.0 - 0.7 * side), hips[1])
    if seat is None:
        thigh = 0.45 * swing * side
        shin = thigh - 0.5 * side * max(0.0, -swing)
        squat = 1.0 - 0.05 * (1.0 - side) * max(0.0, swing)
    else:
        thigh, shin, squat = 0.75 + 0.4 * swing, 0.1 - 0.5 * swing, 0.88
    shin_length, thigh_length = 0.43 * unit * squat, 0.44 * unit * squat
    knee = (start[0] + turn * thigh_length * sin(thigh), start[1] - thigh_length * cos(thigh))
    foot = (knee[0] + turn * shin_length * sin(shin), knee[1] - shin_length * cos(shin))
    board.limb(wear.legs, start, knee, (0.19 * unit, 0.13 * unit))
    board.limb(wear.legs, knee, foot, (0.13 * unit, 0.09 * unit))
    toe = (foot[0] + turn * 0.13 * side * unit, foot[1] - 0.02)
    board.limb(wear.shoes, foot, toe, (0.09 * unit, 0.08 * unit))


def _arm(
    board: Board,
    wear: _Wear,
    person: Person,
    neck: Point,
    swing: float,
    near: float,
    seat: float | None,
) -> None:
    unit, side, turn = person.height / 1.7, person.side, person.turn
    start = (neck[0] + near * 0.2 * (1.0 - 0.85 * side), neck[1] - 0.06)
    if seat is None:
        upper = -0.5 * swing * side
        lower = upper + 0.35 * side
    else:
        upper, lower = 0.8, 1.2
    spread = near * 0.05 * (1.0 - side)
    elbow = (start[0] + turn * 0.29 * unit * sin(upper) + spread, start[1] - 0.28 * unit)
    if seat is not None:
        elbow = (elbow[0], start[1] - 0.22 * unit)
    hand = (elbow[0] + turn * 0.25 * unit * sin(lower), elbow[1] - 0.25 * unit * cos(lower))
    board.limb(wear.sleeve, start, elbow, (0.12 * unit, 0.095 * unit))
    board.limb(wear.sleeve, elbow, hand, (0.095 * unit, 0.07 * unit))
    board.disc(wear.skin, hand, 0.045 * unit, 0.05 * unit)


def _head(board: Board, wear: _Wear, person: Person, centre: Point) -> None:
    unit = person.height / 1.7
    wide, high = (0.082 + 0.012 * person.side) * unit, 0.118 * unit
    throat = (centre[0], centre[1] - 0.15 * unit)
    board.limb(wear.skin, throat, centre, (0.1 * unit, 0.1 * unit))
    board.disc(wear.hair, (centre[0], centre[1] + 0.015 * unit), wide * 1.1, high * 1.06)
    if not person.away:
        shift = 0.035 * person.turn * person.side * unit
        face = (centre[0] + shift, centre[1] - 0.03 * unit)
        board.disc(wear.skin, face, wide * 0.85, high * 0.82)
