"""Light, weather and temperatures of a scene."""

from dataclasses import dataclass
from math import exp, sqrt
from typing import Literal

import numpy as np

from ssvif.data.synthetic.canvas import Colour

Light = Literal["day", "dusk", "night"]
Effect = Literal["clear", "glare", "fog", "smoke"]

# One a block, in turn, so that a small sample has them all; night counts most, as it is
# where the two cameras differ most.
CONDITIONS: tuple[tuple[Light, Effect], ...] = (
    ("day", "clear"),
    ("night", "clear"),
    ("dusk", "clear"),
    ("night", "glare"),
    ("day", "fog"),
    ("night", "smoke"),
    ("dusk", "glare"),
    ("night", "clear"),
    ("day", "smoke"),
    ("night", "fog"),
    ("day", "glare"),
    ("dusk", "fog"),
)


@dataclass(frozen=True)
class Climate:
    """What a scene's hour and weather give every thing in it.

    Light is in units of full daylight on a white surface, temperatures in degrees Celsius.

    Args:
        light: Time of day.
        effect: What hampers the visible camera.
        ambient: Light from the whole sky, RGB.
        sun: Light from the sun, RGB; black without one.
        zenith: Colour of the sky high up.
        skyline: Colour of the sky at the horizon.
        lamp: Colour of street lamps.
        lamps_on: Whether lamps, windows and headlights are lit.
        air: Of the air and of things in the shade.
        road: Of the asphalt.
        wall: Of walls in the shade.
        leaf: Of leaves and grass.
        sky: Apparent, of the sky high up.
        sun_heat: Added to surfaces that face the sun.
        coat: Of the outside of people's clothes.
        skin: Of faces and hands.
        shadow: Shift of a shadow on the ground, (X, Z) for a metre of height.
        fog: Extinction in the visible, 1 / metre.
        exposure: What the visible camera's automatic exposure aims at: mean of the encoded picture.
    """

    light: Light
    effect: Effect
    ambient: Colour
    sun: Colour
    zenith: Colour
    skyline: Colour
    lamp: Colour
    lamps_on: bool
    air: float
    road: float
    wall: float
    leaf: float
    sky: float
    sun_heat: float
    coat: float
    skin: float
    shadow: tuple[float, float]
    fog: float
    exposure: float

    def facing(self, x: float, y: float, z: float) -> float:
        """Return how squarely a surface with this unit normal faces the sun, in [0, 1]."""
        across, along = self.shadow
        towards = (-across * x + y - along * z) / sqrt(across**2 + along**2 + 1.0)
        return max(0.0, towards)


def draw_climate(light: Light, effect: Effect, generator: np.random.Generator) -> Climate:
    """Draw the light and the temperatures of an hour of day in some weather."""
    fog = {"fog": generator.uniform(0.035, 0.065), "smoke": 0.006}.get(effect, 0.0012)
    if light == "day":
        return _day(effect, fog, generator)
    if light == "dusk":
        return _dusk(effect, fog, generator)
    return _night(effect, fog, generator)


def _scaled(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def _day(effect: Effect, fog: float, generator: np.random.Generator) -> Climate:
    low = effect == "glare"
    sunny = 0.0 if effect == "fog" else 1.0 if low else float(generator.uniform(0.0, 1.0) > 0.35)
    air = generator.uniform(9.0, 17.0)
    cloudy = (0.82, 0.85, 0.88)
    side = generator.uniform(0.4, 1.3) * generator.choice([-1.0, 1.0])
    # A low sun ahead throws shadows towards the camera.
    shadow = (0.4 * side, -2.4) if low else (side, generator.uniform(-0.4, 0.9))
    return Climate(
        light="day",
        effect=effect,
        ambient=_scaled((0.9, 1.0, 1.12), 0.42 if sunny else 0.85),
        sun=_scaled((1.0, 0.93, 0.8), 0.95 * sunny),
        zenith=(0.2, 0.4, 0.8) if sunny else cloudy,
        skyline=(0.75, 0.85, 0.95) if sunny else (0.95, 0.95, 0.94),
        lamp=(1.0, 0.9, 0.7),
        lamps_on=False,
        air=air,
        road=air + 2.0,
        wall=air + 0.5,
        leaf=air - 0.5,
        sky=air - (32.0 if sunny else 9.0),
        sun_heat=sunny * generator.uniform(4.0, 8.0),
        coat=air + 8.5,
        skin=air + 19.0,
        shadow=shadow,
        fog=fog,
        exposure=generator.uniform(0.36, 0.46),
    )


def _dusk(effect: Effect, fog: float, generator: np.random.Generator) -> Climate:
    low = effect == "glare"
    air = generator.uniform(6.0, 13.0)
    skyline = (1.5, 0.75, 0.35) if effect != "fog" else (0.75, 0.68, 0.66)
    side = generator.uniform(0.4, 1.0) * generator.choice([-1.0, 1.0])
    return Climate(
        light="dusk",
        effect=effect,
        ambient=(0.18, 0.19, 0.235),
        sun=(0.38, 0.2, 0.09) if low else (0.0, 0.0, 0.0),
        zenith=(0.14, 0.2, 0.42),
        skyline=_scaled(skyline, generator.uniform(0.45, 0.75)),
        lamp=(1.0, 0.75, 0.42),
        lamps_on=True,
        air=air,
        road=air + 4.0,
        wall=air + 2.5,
        leaf=air - 0.8,
        sky=air - 26.0,
        sun_heat=2.0 if low else 0.0,
        coat=air + 8.5,
        skin=air + 20.0,
        shadow=(0.5 * side, -3.5) if low else (side, 0.3),
        fog=fog,
        exposure=generator.uniform(0.22, 0.29),
    )


def _night(effect: Effect, fog: float, generator: np.random.Generator) -> Climate:
    air = generator.uniform(1.0, 9.0)
    dark = exp(generator.uniform(-0.5, 0.4))
    lamp = ((0.8, 1.0, 0.62), (1.0, 0.78, 0.4), (0.85, 0.95, 1.0))[generator.integers(3)]
    return Climate(
        light="night",
        effect=effect,
        ambient=_scaled((0.0032, 0.0037, 0.004), dark),
        sun=(0.0, 0.0, 0.0),
        zenith=_scaled((0.0006, 0.0008, 0.0014), dark),
        skyline=_scaled((0.0036, 0.003, 0.0026), dark),
        lamp=lamp,
        lamps_on=True,
        air=air,
        road=air + 3.0,
        wall=air + 1.8,
        leaf=air - 0.6,
        sky=air - 24.0,
        sun_heat=0.0,
        coat=air + 9.0,
        skin=air + 22.0,
        shadow=(0.0, 0.3),
        fog=fog,
        exposure=generator.uniform(0.095, 0.15),
    )
