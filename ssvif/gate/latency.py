"""How long the challenger takes beside the champion: by turns, in one process, on one pair."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from ssvif.evaluation.candidates import Scene
from ssvif.gate.models import GatedModel
from ssvif.seeding import numpy_generator

HEIGHT, WIDTH = 480, 640
ROUNDS = 15
_WARM_UP = 2


@dataclass(frozen=True)
class Latency:
    """What was timed.

    Args:
        ratio: Median over the rounds of the challenger's time over the champion's.
        champion: Seconds of each round.
        challenger: The same.
    """

    ratio: float
    champion: tuple[float, ...]
    challenger: tuple[float, ...]


def measure_latency(
    champion: GatedModel,
    challenger: GatedModel,
    *,
    device: torch.device,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Time both models by turns, so that whatever else the machine does hits both alike.

    Args:
        champion: The model that leads.
        challenger: The model that would.
        device: Where both run.
        rounds: How often each is timed; who begins changes from round to round.
        clock: Returns seconds.
    """
    scene = _scene(device)
    seconds: dict[str, list[float]] = {champion.name: [], challenger.name: []}
    for number in range(-_WARM_UP, rounds):
        order = (champion, challenger) if number % 2 else (challenger, champion)
        for model in order:
            taken = _time(model, scene, clock)
            if number >= 0:
                seconds[model.name].append(taken)
    first, second = (tuple(seconds[model.name]) for model in (champion, challenger))
    return Latency(median(b / a for a, b in zip(first, second, strict=True)), first, second)


def _time(model: GatedModel, scene: Scene, clock: Callable[[], float]) -> float:
    start = clock()
    # Reading one value back waits for a GPU to be done.
    model.raw(scene)[0, 0, 0, 0].item()
    return clock() - start


def _scene(device: torch.device) -> Scene:
    drawn = numpy_generator(0, "gate", "latency").random((1, 4, HEIGHT, WIDTH), dtype=np.float32)
    planes = torch.from_numpy(drawn).to(device)
    return Scene(id="", set="latency", name="", vis=planes[:, :3], ir=planes[:, 3:])
