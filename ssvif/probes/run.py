"""Running probes: what one kind of image is worth on one task.

Every candidate gets the same budget, schedule, first weights and crops, so that candidates are
compared repetition by repetition. Nothing is chosen by the tested pairs: a probe is tested as it
is after its last step.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ssvif.errors import ShapeError, StorageError
from ssvif.files import sha256_json
from ssvif.params import ProbesParams
from ssvif.probes.cache import Entry, load_entry, load_weights, save_entry, to_half
from ssvif.probes.counts import COLUMNS
from ssvif.probes.images import ProbeImages
from ssvif.probes.network import ProbeNet, build_probe
from ssvif.probes.score import Boxes, average_precision, run_test, segment
from ssvif.probes.tasks import BOXES, ProbeTask
from ssvif.probes.train import train_probe
from ssvif.seeding import derive_seed

CACHE = Path(".cache/probes")
VERSION = 2  # of this room's code: a change of what probes answer raises it
CPU = torch.device("cpu")

DETECTION_COLUMNS = ("repetition", "class", "ap50")


@dataclass(frozen=True)
class ProbeResult:
    """What a probe found.

    Args:
        name: The candidate.
        task: What was asked.
        params: How it was trained.
        counts: `repetition`, `id`, `block`, `class`, `intersection`, `union`, `target`: pixels of
            each tested image; `ssvif.probes.counts` makes scores of them.
        detections: `repetition`, `class` (or `all`, their mean), `ap50` in [0, 1]; empty for
            tasks without boxes.
        trunks: How many images it sees at once.
        entries: Where each repetition is kept.
    """

    name: str
    task: ProbeTask
    params: ProbesParams
    counts: pd.DataFrame
    detections: pd.DataFrame
    trunks: int
    entries: tuple[Entry, ...]

    def segmenter(self, repetition: int = 0, *, device: torch.device = CPU) -> "Segmenter":
        """Return the trained probes of a repetition.

        Args:
            repetition: From 0 on.
            device: Where they shall run.
        """
        probes = []
        for path in self.entries[repetition].weights:
            probe = _empty_probe(self.task, self.params, self.trunks)
            probe.load_state_dict(load_weights(path))
            probes.append(probe.to(device).eval())
        return Segmenter(self.task, tuple(probes))


@dataclass(frozen=True)
class Segmenter:
    """Trained probes of one repetition, one a fold."""

    task: ProbeTask
    probes: tuple[ProbeNet, ...]

    def __call__(self, images: ProbeImages) -> dict[str, Tensor]:
        """Return the class (h, w) uint8 at each pixel of tested pairs' images, by id.

        Each pair is segmented by the probe that did not train on its block.

        Args:
            images: For some of `task.test`, images as the probe was trained on, perhaps spoilt.
        """
        found: dict[str, Tensor] = {}
        for fold, probe in zip(self.task.folds, self.probes, strict=True):
            found |= segment(probe, images, [i for i in fold.test if i in images])
        return found


def run_probe(
    name: str,
    images: ProbeImages,
    task: ProbeTask,
    params: ProbesParams,
    *,
    seed: int,
    cache: Path = CACHE,
    device: torch.device = CPU,
) -> ProbeResult:
    """Train and test `params.repetitions` probes on one kind of image.

    What was asked before with the same images is read from the cache.

    Args:
        name: The candidate; it changes nothing but the result's name.
        images: By id, for every pair of the task; see `ssvif.probes.images`.
        task: What is asked.
        params: Size, budget, schedule, repetitions.
        seed: The run's seed.
        cache: The folder of what was found before.
        device: Where probes are trained.

    Raises:
        ShapeError: If an image is missing or is not (3, h, w) uint8 of the probe's size.
        ParamsError: If the backbone or its weights cannot be had.
        StorageError: If the cache cannot be written.
    """
    trunks = _check(images, task, params)
    question = _question(images, task, params, device)
    entries = []
    for repetition in range(params.repetitions):
        probe_seed = derive_seed(seed, "probes", task.name, repetition)
        folder = cache / sha256_json([question, probe_seed])[:32]
        entry = load_entry(folder)
        if entry is None:
            _answer(images, task, params, probe_seed, folder, device)
            entry = load_entry(folder)
        if entry is None:
            raise StorageError(f"{folder}: what was just written cannot be read; check the disk")
        entries.append(entry)
    return ProbeResult(
        name=name,
        task=task,
        params=params,
        counts=_counts_table(entries, task),
        detections=_detections_table(entries),
        trunks=trunks,
        entries=tuple(entries),
    )


def _answer(
    images: ProbeImages,
    task: ProbeTask,
    params: ProbesParams,
    seed: int,
    folder: Path,
    device: torch.device,
) -> None:
    """Train and test a probe a fold, and keep them."""
    boxes: dict[str, Boxes] = {}
    counts: list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]] = []
    weights: list[Mapping[str, Tensor]] = []
    for number, fold in enumerate(task.folds):
        probe = train_probe(
            images, task, fold.train, params, seed=derive_seed(seed, number), device=device
        )
        # Tested with the rounded weights that are kept, so that a segmenter finds the same.
        kept = to_half(probe.state_dict())
        probe.load_state_dict({name: tensor.float() for name, tensor in kept.items()})
        tested = run_test(probe, images, task, fold.test)
        counts.extend(tested.counts[pair_id] for pair_id in fold.test)
        boxes.update(tested.boxes)
        weights.append(kept)
    save_entry(
        folder,
        ids=task.test,
        counts=np.stack(counts),
        precision=average_precision(boxes, task) if task.kind == BOXES else {},
        weights=weights,
    )


def _check(images: ProbeImages, task: ProbeTask, params: ProbesParams) -> int:
    """Return how many trunks the images ask for."""
    trunks = len(images[task.ids[0]]) if task.ids[0] in images else 0
    shape = (3, params.height, params.width)
    for pair_id in task.ids:
        found = [tuple(image.shape) for image in images.get(pair_id, ())]
        if not found or found != [shape] * trunks:
            raise ShapeError(
                f"pair {pair_id}: expected {max(trunks, 1)} image(s) {shape} for the probe, found "
                f"{found or 'none'}; bring every pair of the task to the probe's size"
            )
    return trunks


def _question(
    images: ProbeImages, task: ProbeTask, params: ProbesParams, device: torch.device
) -> str:
    """Return the hash of all that an answer depends on, but for the seed."""
    digest = hashlib.sha256()
    for pair_id in task.ids:
        digest.update(pair_id.encode())
        boxes = [task.boxes[pair_id]] if pair_id in task.boxes else []
        for tensor in (*images[pair_id], task.masks[pair_id], *boxes):
            digest.update(tensor.numpy().tobytes())
    trained = params.model_dump(mode="json", exclude={"repetitions", "folds"})
    folds = [[list(fold.train), list(fold.test)] for fold in task.folds]
    # Another release has other first weights or another arithmetic, and so does another device.
    made_by = [VERSION, torch.__version__, version("timm"), device.type]
    asked = [trained, task.kind, list(task.classes), folds, digest.hexdigest()]
    return sha256_json([made_by, asked])


def _counts_table(entries: list[Entry], task: ProbeTask) -> pd.DataFrame:
    tables = []
    for repetition, entry in enumerate(entries):
        index = pd.MultiIndex.from_product([entry.ids, task.classes], names=["id", "class"])
        columns = ["intersection", "union", "target"]
        table = pd.DataFrame(entry.counts.reshape(-1, 3), index=index, columns=columns)
        table = table.reset_index().assign(repetition=repetition)
        tables.append(table.assign(block=table["id"].map(dict(task.blocks))))
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def _detections_table(entries: list[Entry]) -> pd.DataFrame:
    rows = [
        (repetition, name, value)
        for repetition, entry in enumerate(entries)
        for name, value in entry.precision.items()
    ]
    return pd.DataFrame(rows, columns=list(DETECTION_COLUMNS))


def _empty_probe(task: ProbeTask, params: ProbesParams, trunks: int) -> ProbeNet:
    return build_probe(
        params,
        trunks=trunks,
        classes=len(task.classes),
        with_boxes=task.kind == BOXES,
        pretrained=False,
    )
