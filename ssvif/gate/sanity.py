"""Whether a model's outputs are fit to be looked at, whatever goes in.

No champion is needed: the outputs must be numbers, in [0, 1], and not one grey level where the
sources are more than that.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ssvif.evaluation.candidates import Scene
from ssvif.evaluation.corruptions import DEGRADATIONS, SEVERITIES, corrupt
from ssvif.evaluation.labels import plural
from ssvif.gate.decision import Check
from ssvif.gate.models import GatedModel
from ssvif.seeding import numpy_generator

SIDE = 256  # of what is cut out of a pair, in pixels: enough to break on, and quick
_STEP = 1.0 / 255.0
_NAMED = 3


def check_sanity(model: GatedModel, scenes: Sequence[Scene], *, seed: int) -> list[Check]:
    """Fuse what no camera should deliver, and look at the outputs.

    Args:
        model: The challenger.
        scenes: A few clean pairs; every degradation is put on each, at its worst.
        seed: The run's seed.
    """
    wrong: dict[str, list[str]] = {"finite": [], "range": [], "varied": []}
    count = 0
    for name, scene in stress_inputs(scenes, seed=seed):
        count += 1
        output = model.raw(scene)
        if not torch.isfinite(output).all():
            wrong["finite"].append(name)
        elif output.min() < 0.0 or output.max() > 1.0:
            wrong["range"].append(name)
        elif _spread(output) < _STEP and _shows_something(scene):
            wrong["varied"].append(name)
    return [_check(kind, names, count) for kind, names in wrong.items()]


def stress_inputs(scenes: Sequence[Scene], *, seed: int) -> Iterator[tuple[str, Scene]]:
    """Yield pairs by name: clean, spoilt in every way, and synthetic ones."""
    for number, scene in enumerate(_cut(scene) for scene in scenes):
        yield f"pair {number + 1}", scene
        for degradation in DEGRADATIONS:
            vis, ir = corrupt(
                scene.vis, scene.ir, degradation, SEVERITIES, seed=seed, pair=scene.id
            )
            yield f"pair {number + 1} under {degradation.name}", _scene(vis, ir)
    device = scenes[0].ir.device if scenes else torch.device("cpu")
    planes = _planes(seed, device)
    for vis_name, vis in planes.items():
        for ir_name, ir in planes.items():
            yield f"{vis_name} beside {ir_name}", _scene(vis.expand(-1, 3, -1, -1), ir)


def _planes(seed: int, device: torch.device) -> dict[str, Tensor]:
    """Return planes (1, 1, H, W) that no camera should deliver; the sides fit no stride."""
    height, width = 61, 83
    flat = torch.zeros(1, 1, height, width)
    hot = flat.clone()
    hot[..., height // 2, width // 2] = 1.0
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    drawn = numpy_generator(seed, "gate", "noise").random((height, width), dtype=np.float32)
    planes = {
        "black": flat,
        "white": flat + 1.0,
        "grey": flat + 0.5,
        "one hot pixel": hot,
        "a checkerboard": ((rows + columns) % 2).float().expand_as(flat),
        "noise": torch.from_numpy(drawn).expand_as(flat),
    }
    return {name: plane.to(device) for name, plane in planes.items()}


def _cut(scene: Scene) -> Scene:
    height, width = scene.ir.shape[-2:]
    top, left = max(0, (height - SIDE) // 2), max(0, (width - SIDE) // 2)
    vis, ir = (plane[..., top : top + SIDE, left : left + SIDE] for plane in (scene.vis, scene.ir))
    return Scene(scene.id, scene.set, scene.name, vis=vis, ir=ir)


def _scene(vis: Tensor, ir: Tensor) -> Scene:
    return Scene(id="", set="stress", name="", vis=vis, ir=ir)


def _shows_something(scene: Scene) -> bool:
    """Whether a sound fusion of a scene has more than one grey level.

    A camera that is white all over may hide the other one: the pixel maximum is sound, too.
    """
    sources = (scene.vis_y, scene.ir)
    blinded = any(float(source.min()) > 1.0 - _STEP for source in sources)
    return not blinded and max(_spread(source) for source in sources) >= _STEP


def _spread(plane: Tensor) -> float:
    return float(plane.max() - plane.min())


_WORDS = {
    "finite": "gives values that are not numbers",
    "range": "leaves the range 0 to 1",
    "varied": "gives one grey level where the sources have more",
}
_FINE = {
    "finite": "gives numbers",
    "range": "stays within 0 to 1",
    "varied": "shows what is there",
}


def _check(kind: str, names: Sequence[str], count: int) -> Check:
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        sentence = f"{_WORDS[kind]} for {', '.join(names[:_NAMED])}{more}"
    else:
        sentence = f"{_FINE[kind]} for all {plural(count, 'stress input')}"
    return Check(
        name=f"sanity/{kind}",
        kind="sanity",
        metric="stress inputs",
        value=float(len(names)),
        limit=0.0,
        passed=not names,
        sentence=sentence,
    )
