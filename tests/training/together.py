"""A short training whose figures and weights are kept; also run by torchrun, in two processes.

python -m torch.distributed.run --standalone --nproc-per-node 2 -m tests.training.together FILE
"""

import sys
from pathlib import Path

import torch
from torch import nn

from ssvif import processes
from ssvif.data.views import Pair
from ssvif.models.branches import Centre
from ssvif.params import parse_params
from ssvif.training.checkpoint import CheckpointFolder
from ssvif.training.loop import Unrecorded
from ssvif.training.stages import TrainingData, train_stage_one, train_stage_two

CPU = torch.device("cpu")
_STAGE = {"steps": 3, "batch": 4, "crop": 64}
PARAMS = parse_params(
    {
        "network": {"channels": 4, "blocks": 1, "embedding": 8, "prototypes": 4},
        "stage_one": _STAGE,
        "warm_up": {"steps": 3},
        "stage_two": _STAGE,
        "consistency": {"freeze_prototypes_steps": 1, "queue_batches": 1},
        "training": {"checkpoint_every": 100, "validate_every": 3, "health_every": 2},
    }
)


class Records:
    """A recorder in memory."""

    def __init__(self):
        self.rows = {}

    def log(self, step, metrics):
        self.rows.update({f"{step}/{name}": value for name, value in metrics.items()})

    def rewind(self, step):
        """Nothing was logged before."""


def train(folder):
    """Return the figures of both stages, and the weights that come out."""
    generator = torch.Generator().manual_seed(0)

    def pair():
        smooth = torch.rand(1, 4, 13, 15, generator=generator)
        planes = nn.functional.interpolate(smooth, size=(104, 120), mode="bilinear")[0]
        planes = (planes * 255).to(torch.uint8)
        return Pair(vis=planes[:3], ir=planes[3:])

    data = TrainingData(train=[pair() for _ in range(8)], val=[pair() for _ in range(3)])
    shared = {"recorder": Records() if processes.rank() == 0 else Unrecorded(), "device": CPU}
    one = train_stage_one(data, PARAMS, checkpoints=CheckpointFolder(folder / "one"), **shared)
    two = train_stage_two(one, data, PARAMS, checkpoints=CheckpointFolder(folder / "two"), **shared)
    return getattr(shared["recorder"], "rows", {}), two.state_dict()


def kept_statistics(folder):
    """Return what free trunks keep after training, (processes, N): a row of each process."""
    network = {**PARAMS.network.model_dump(), "backbone": "mobilenetv3_small_050"}
    short = parse_params(
        {
            **PARAMS.model_dump(by_alias=True),
            "network": {**network, "pretrained": False},
            "stage_one": {**_STAGE, "steps": 1},
            "warm_up": {"steps": 2},
        }
    )
    planes = torch.rand(2, 4, 104, 120, generator=torch.Generator().manual_seed(0))
    data = TrainingData([Pair(vis=p[:3], ir=p[3:]) for p in (planes * 255).to(torch.uint8)], [])
    model = train_stage_one(
        data, short, checkpoints=CheckpointFolder(folder), recorder=Unrecorded(), device=CPU
    )
    kept = [
        s.flatten() for norm in model.free_norms() for s in (norm.running_mean, norm.running_var)
    ]
    return processes.gathered(torch.cat(kept)[None])


def centre():
    """Return centred planes, the gradient of their input, and what a centre remembers."""
    torch.manual_seed(0)
    planes = torch.randn(8, 3, 5, 5) * 2.0 + 1.0
    weight = torch.randn(8, 3, 5, 5)
    layer = Centre(3)
    share = processes.own(planes).requires_grad_()
    centred = layer(share)
    (centred * processes.own(weight)).sum().backward()
    rows = (centred, share.grad)
    return [processes.gathered(each) for each in rows], layer.state_dict()


def rows_there_and_back():
    """Return whether shares of rows in one and in two groups come together again."""
    rows = torch.arange(8).view(8, 1)
    return [torch.equal(processes.gathered(processes.own(rows, g), g), rows) for g in (1, 2)]


def main():
    out = Path(sys.argv[1])
    with processes.joined():
        found = {
            "processes": processes.count(),
            "training": train(out.parent / f"checkpoints-{processes.rank()}"),
            "statistics": kept_statistics(out.parent / f"free-{processes.rank()}"),
            "centre": centre(),
            "rows": rows_there_and_back(),
        }
        if processes.rank() == 0:
            torch.save(found, out)


if __name__ == "__main__":
    main()
