"""Training a probe: one budget, one schedule, one start for every kind of image."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssvif.metrics.labels import IGNORED
from ssvif.params import ProbesParams
from ssvif.probes.batches import Batch, draw_batches
from ssvif.probes.centre_points import centre_loss, draw_centres
from ssvif.probes.images import ProbeImages
from ssvif.probes.network import TRUNK, ProbeNet, ProbeOutput, build_probe
from ssvif.probes.tasks import BOXES, ProbeTask
from ssvif.seeding import derive_seed, numpy_generator

WEIGHT_DECAY = 1.0e-2
CLIP_NORM = 5.0
BOX_WEIGHT = 0.1  # of the loss of centre points beside that of masks


def train_probe(
    images: ProbeImages,
    task: ProbeTask,
    ids: Sequence[str],
    params: ProbesParams,
    *,
    seed: int,
    device: torch.device,
) -> ProbeNet:
    """Train a probe for `params.steps` steps and return it as it is then.

    Args:
        images: Images by id.
        task: Their labels.
        ids: The pairs to train on.
        params: Budget, schedule and backbone.
        seed: Of this repetition: decides first weights and crops, whatever the images are.
        device: Where it trains.

    Returns:
        The probe, in evaluation mode.
    """
    trunks = len(images[ids[0]])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights"))
        probe = build_probe(
            params, trunks=trunks, classes=len(task.classes), with_boxes=task.kind == BOXES
        )
    probe.to(device)
    probe.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    optimizer, schedule = _optimizer(probe, params)
    for batch in draw_batches(images, task, ids, params, numpy_generator(seed, "crops")):
        output = probe([plane.to(device) for plane in batch.images])
        loss = _loss(output, batch, device)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(probe.parameters(), CLIP_NORM)
        optimizer.step()
        schedule.step()
    probe.eval()
    return probe


def _optimizer(
    probe: ProbeNet, params: ProbesParams
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    named = list(probe.named_parameters())
    trunk = [weight for name, weight in named if TRUNK in name]
    head = [weight for name, weight in named if TRUNK not in name]
    rates = [params.trunk_learning_rate, params.learning_rate]
    optimizer = torch.optim.AdamW(
        [{"params": trunk, "lr": rates[0]}, {"params": head, "lr": rates[1]}],
        weight_decay=WEIGHT_DECAY,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=params.steps + 1)
    return optimizer, schedule


def _loss(output: ProbeOutput, batch: Batch, device: torch.device) -> Tensor:
    masks = batch.masks.to(device)
    known = (masks != IGNORED).sum().clamp(min=1)
    loss = F.cross_entropy(output.scores, masks, ignore_index=IGNORED, reduction="sum") / known
    if output.heat is None or output.extent is None:
        return loss
    size = (masks.shape[-2], masks.shape[-1])
    centres = draw_centres(batch.boxes, things=output.heat.shape[1], size=size).to(device)
    return loss + BOX_WEIGHT * centre_loss(output.heat, output.extent, centres)
