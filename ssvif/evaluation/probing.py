"""Probes of every candidate: what its images are worth to a small segmenter, with intervals."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import isnan, nan
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ssvif.errors import ImageError
from ssvif.evaluation.candidates import BOTH, IR, VIS, Candidate, Scene
from ssvif.evaluation.folders import FolderCandidate
from ssvif.evaluation.pairs import PairSource, read_scene
from ssvif.evaluation.probe_statistics import Score, probe_interval, probe_test
from ssvif.evaluation.statistics import Floats, holm
from ssvif.evaluation.summary import ALL_CLASSES
from ssvif.params import ProbesParams
from ssvif.probes.counts import Counts, class_iou, mean_iou, pixel_accuracy
from ssvif.probes.images import probe_image, reduced
from ssvif.probes.run import CACHE, ProbeResult, run_probe
from ssvif.probes.tasks import BOXES, ProbeTask

_SCORE_COLUMNS = ["task", "candidate", "repetition", "class", "score", "value"]
_SUMMARY_COLUMNS = ["task", "candidate", "score", "class", "mean", "low", "high", "repetitions"]
_COMPARED = [
    *("task", "candidate", "reference", "difference", "low", "high", "p", "p_holm"),
    *("pairs", "blocks"),
]

_log = logging.getLogger(__name__)

_Images = Mapping[str, Mapping[str, tuple[Tensor, ...]]]  # by candidate, then by pair


@dataclass(frozen=True)
class Resampling:
    """How intervals and tests are made; see `ssvif.evaluation.probe_statistics`."""

    confidence: float
    resamples: int
    seed: int


@dataclass(frozen=True)
class Probing:
    """What probes found.

    Args:
        results: By task and candidate.
        scores: task, candidate, repetition, class (`all` for the mean), score (`iou`, `ap50` or
            `accuracy`), value in [0, 1].
        summary: task, candidate, score, class, mean, low, high, repetitions. The IoU of `all` is
            the mean over classes; for boxes, which are filled, without the background.
        statistics: The judged candidate's mean IoU with every other's: task, candidate,
            reference, difference, low, high, p, p_holm (over the references), pairs, blocks.
        left_out: pair, candidate, reason.
    """

    results: Mapping[tuple[str, str], ProbeResult]
    scores: pd.DataFrame
    summary: pd.DataFrame
    statistics: pd.DataFrame
    left_out: pd.DataFrame

    def as_dict(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return the means over repetitions by task, candidate and score, for metrics.json."""
        nested: dict[str, dict[str, dict[str, float]]] = {}
        for row in self.summary[self.summary["class"] == ALL_CLASSES].to_dict("records"):
            name = "mean_iou" if row["score"] == "iou" else str(row["score"])
            scores = nested.setdefault(row["task"], {}).setdefault(row["candidate"], {})
            scores[name] = round(float(row["mean"]), 6)
        return nested


def probe_candidates(
    tasks: Sequence[ProbeTask],
    candidates: Sequence[Candidate],
    source: PairSource,
    params: ProbesParams,
    *,
    judged: str,
    resampling: Resampling,
    device: torch.device,
    cache: Path = CACHE,
) -> Probing:
    """Train and test probes on the images of every candidate, and on both cameras at once.

    A folder is probed on a task if it has an image of each of its pairs, trained on or tested.

    Args:
        tasks: What is asked; see `ssvif.probes.tasks`.
        candidates: Whose images are probed.
        source: The pairs.
        params: Size, budget and repetitions.
        judged: The candidate that the others are compared with.
        resampling: Of intervals and tests.
        device: Where candidates fuse and probes are trained.
        cache: Where probes are kept.

    Raises:
        ImageError: If a pair's own file is missing or damaged.
        ParamsError: If the probes' backbone cannot be had.
    """
    left_out = []
    ids = {pair_id for task in tasks for pair_id in task.ids}
    images, reasons = _draw_images(candidates, source, sorted(ids), params, device)
    results: dict[tuple[str, str], ProbeResult] = {}
    for task, name in product(tasks, images):
        lacking = [pair_id for pair_id in task.ids if pair_id not in images[name]]
        if lacking:
            what = f"{len(lacking)} of {len(task.ids)} pairs have no image"
            reason = f"{what}, such as: {reasons[name][lacking[0]]}"
            left_out.append((f"probe:{task.name}", name, reason))
            continue
        _log.info("probe %s: %s", task.name, name)
        results[task.name, name] = run_probe(
            name, images[name], task, params, seed=resampling.seed, cache=cache, device=device
        )
    return Probing(
        results=results,
        scores=pd.DataFrame(_scores(results), columns=_SCORE_COLUMNS),
        summary=pd.DataFrame(_summary(results, resampling), columns=_SUMMARY_COLUMNS),
        statistics=_statistics(results, judged, resampling),
        left_out=pd.DataFrame(left_out, columns=["pair", "candidate", "reason"]),
    )


def task_score(task: ProbeTask) -> Score:
    """Return the task's headline score, a mean over classes; of boxes without the background."""
    return partial(mean_iou, foreground=task.kind == BOXES)


def scene_images(
    candidates: Sequence[Candidate], scene: Scene, params: ProbesParams
) -> tuple[dict[str, tuple[Tensor, ...]], dict[str, str]]:
    """Return what probes see of a scene, by candidate, and why others show nothing.

    Args:
        candidates: Whose images are shown; both cameras at once come on top.
        scene: The scene.
        params: The size of the images.
    """
    images: dict[str, tuple[Tensor, ...]] = {}
    reasons: dict[str, str] = {}
    for candidate in candidates:
        try:
            images[candidate.name] = (_seen(candidate, scene, params),)
        except ImageError as error:
            reasons[candidate.name] = str(error)
    both = (images.get(VIS.name), images.get(IR.name))
    if both[0] and both[1]:
        images[BOTH] = (*both[0], *both[1])
    return images, reasons


def _seen(candidate: Candidate, scene: Scene, params: ProbesParams) -> Tensor:
    """Return a candidate's image as probes see it; a grey fusion gets the visible chroma."""
    if isinstance(candidate, FolderCandidate):
        image = candidate.read(scene)
        size = (image.shape[-2], image.shape[-1])
        vis = reduced(scene.vis, size)
        return probe_image(image, params, vis=vis)
    return probe_image(candidate.fuse(scene), params, vis=scene.vis if candidate.fused else None)


def _draw_images(
    candidates: Sequence[Candidate],
    source: PairSource,
    ids: Sequence[str],
    params: ProbesParams,
    device: torch.device,
) -> tuple[_Images, Mapping[str, Mapping[str, str]]]:
    """Return images and reasons by candidate and pair; each pair is read once for all."""
    images: dict[str, dict[str, tuple[Tensor, ...]]] = {c.name: {} for c in candidates}
    reasons: defaultdict[str, dict[str, str]] = defaultdict(dict)
    rows = source.manifest.set_index("id", drop=False)
    for pair_id in ids:
        scene = read_scene(source.pairs, rows.loc[pair_id].to_dict(), device=device)
        seen, missing = scene_images(candidates, scene, params)
        for name, image in seen.items():
            images.setdefault(name, {})[pair_id] = image
        for name, reason in missing.items():
            reasons[name][pair_id] = reason
    return images, reasons


def _measures(result: ProbeResult) -> Iterator[tuple[str, str, Score]]:
    """Yield the score, the class and the function of everything counted in pixels."""
    yield "iou", ALL_CLASSES, task_score(result.task)
    yield "accuracy", ALL_CLASSES, pixel_accuracy
    for number, name in enumerate(Counts.from_table(result.counts).classes):
        yield "iou", name, partial(_one_class, number=number)


def _one_class(counts: Counts, weights: Floats | None = None, *, number: int) -> Floats:
    iou: Floats = class_iou(counts, weights)[..., number]
    return iou


def _scores(
    results: Mapping[tuple[str, str], ProbeResult],
) -> Iterator[tuple[str, str, int, str, str, float]]:
    for (task, name), result in results.items():
        counts = Counts.from_table(result.counts)
        for score, class_name, measure in _measures(result):
            for repetition, value in enumerate(measure(counts).tolist()):
                yield task, name, repetition, class_name, score, value
        for row in result.detections.to_dict("records"):
            yield task, name, row["repetition"], row["class"], "ap50", row["ap50"]


def _summary(
    results: Mapping[tuple[str, str], ProbeResult], resampling: Resampling
) -> Iterator[tuple[str, str, str, str, float, float, float, int]]:
    for (task, name), result in results.items():
        counts = Counts.from_table(result.counts)
        repetitions = len(result.entries)
        for score, class_name, measure in _measures(result):
            mean = float(measure(counts).mean())
            if not isnan(mean):  # a class that no tested image has
                low, high = probe_interval(measure, counts, **vars(resampling))
                yield task, name, score, class_name, mean, low, high, repetitions
        # Average precision is no sum over images: it has no interval of this kind.
        precision = result.detections.groupby("class")["ap50"].mean()
        for class_name, mean in zip(precision.index.astype(str), precision, strict=True):
            yield task, name, "ap50", class_name, float(mean), nan, nan, repetitions


def _statistics(
    results: Mapping[tuple[str, str], ProbeResult], judged: str, resampling: Resampling
) -> pd.DataFrame:
    rows = []
    for (task, reference), other in results.items():
        if reference == judged or (task, judged) not in results:
            continue
        score = task_score(other.task)
        own, others = (Counts.from_table(r.counts) for r in (results[task, judged], other))
        low, high = probe_interval(score, own, others, **vars(resampling))
        p = probe_test(score, own, others, resamples=resampling.resamples, seed=resampling.seed)
        difference = float(score(own).mean() - score(others).mean())
        size = (len(own.ids), len(set(own.blocks)))
        rows.append((task, judged, reference, difference, low, high, p, p, *size))
    table = pd.DataFrame(rows, columns=_COMPARED)
    for _, family in table.groupby("task"):
        table.loc[family.index, "p_holm"] = holm(family["p"].to_numpy(np.float64))
    return table
