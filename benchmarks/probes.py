"""`python -m benchmarks.probes`: the time of a probe's training step, for one and two trunks.

Random images of 240x320 with random boxes; the machine is noisy: read the ratio first.
"""

import time

import torch

from ssvif.params import ProbesParams
from ssvif.probes.images import ProbeImages
from ssvif.probes.labels import fill_boxes
from ssvif.probes.run import CPU
from ssvif.probes.tasks import BOXES, Fold, ProbeTask
from ssvif.probes.train import train_probe

FEW, MANY = 2, 22  # steps
PARAMS = ProbesParams(height=240, width=320, crop_height=192, crop_width=256)
PAIRS = 16


def random_task(generator: torch.Generator) -> ProbeTask:
    """Return a task of random boxes."""
    ids = tuple(map(str, range(PAIRS)))
    boxes, masks = {}, {}
    for pair_id in ids:
        corners = torch.rand(4, 2, generator=generator) * torch.tensor([240.0, 160.0])
        numbers = torch.randint(1, 4, (4, 1), generator=generator).float()
        boxes[pair_id] = torch.cat([numbers, corners, corners + 60.0], dim=1)
        masks[pair_id] = fill_boxes(boxes[pair_id], (PARAMS.height, PARAMS.width))
    return ProbeTask(
        name=BOXES,
        kind=BOXES,
        classes=("background", "person", "bicycle", "car"),
        masks=masks,
        boxes=boxes,
        folds=(Fold(ids, ids),),
        blocks=dict.fromkeys(ids, "one"),
        sets=("random",),
    )


def random_images(trunks: int, generator: torch.Generator) -> ProbeImages:
    """Return images of noise for every pair."""
    shape = (trunks, 3, PARAMS.height, PARAMS.width)
    return {
        str(pair): tuple(torch.randint(256, shape, dtype=torch.uint8, generator=generator))
        for pair in range(PAIRS)
    }


def step_ms(trunks: int) -> float:
    """Return the milliseconds of a training step: what more steps add to a whole training."""
    generator = torch.Generator().manual_seed(0)
    task, images = random_task(generator), random_images(trunks, generator)
    seconds = []
    for steps in (FEW, FEW, MANY):  # the first one warms up
        params = PARAMS.model_copy(update={"steps": steps})
        began = time.perf_counter()
        train_probe(images, task, task.ids, params, seed=0, device=CPU)
        seconds.append(time.perf_counter() - began)
    return 1000.0 * (seconds[2] - seconds[1]) / (MANY - FEW)


def main() -> None:
    """Print the time of a step of each kind of probe."""
    crops = f"{PARAMS.batch} crops of {PARAMS.crop_height}x{PARAMS.crop_width}"
    print(f"a training step of {crops}, {torch.get_num_threads()} threads")
    for trunks in (1, 2):
        print(f"{trunks} trunk(s) {step_ms(trunks):7.0f} ms")


if __name__ == "__main__":
    main()
