"""The stress test of an evaluation: its pairs, its candidates, and the probes it has trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ssvif.evaluation.candidates import Candidate, Scene
from ssvif.evaluation.pairs import read_scene
from ssvif.evaluation.probing import Probing, scene_images, task_score
from ssvif.evaluation.selection import spread
from ssvif.evaluation.stress import run_stress, spread_severities
from ssvif.params import StressParams
from ssvif.probes.counts import Counts
from ssvif.probes.run import ProbeResult
from ssvif.probes.score import count_pixels


class TrainedProbes:
    """Scores candidates on spoilt pairs by probes that were trained on clean ones.

    The first task's first repetition is taken, so that every degradation is seen by one network.

    Args:
        results: Of the task, by candidate; at least one.
        candidates: Those that fuse any scene.
        device: Where probes run.
    """

    def __init__(
        self,
        results: Mapping[str, ProbeResult],
        candidates: Sequence[Candidate],
        device: torch.device,
    ) -> None:
        self._candidates = candidates
        first = next(iter(results.values()))
        self._task, self._params = first.task, first.params
        self._segmenters = {
            name: result.segmenter(device=device) for name, result in results.items()
        }

    def __call__(self, scenes: Sequence[Scene]) -> dict[str, float]:
        """Return the mean IoU by candidate, over those scenes that test the task."""
        tested = set(self._task.test)
        shown = {
            scene.id: scene_images(self._candidates, scene, self._params)[0]
            for scene in scenes
            if scene.id in tested
        }
        found = {}
        for name, segmenter in self._segmenters.items():
            images = {pair_id: seen[name] for pair_id, seen in shown.items() if name in seen}
            if images:
                score = task_score(self._task)(self._count(segmenter(images)))
                found[name] = float(score.mean())
        return found

    def _count(self, masks: Mapping[str, torch.Tensor]) -> Counts:
        classes = self._task.classes
        counts = np.stack(
            [
                count_pixels(mask, self._task.masks[pair_id], classes=len(classes))
                for pair_id, mask in masks.items()
            ]
        ).astype(np.float64)[None]  # (1, N, C, 3)
        blocks = tuple(self._task.blocks[pair_id] for pair_id in masks)
        return Counts(tuple(masks), blocks, classes, *np.moveaxis(counts, -1, 0))


def stress(
    rows: pd.DataFrame,
    candidates: Sequence[Candidate],
    probing: Probing,
    params: StressParams,
    *,
    pairs: Path,
    seed: int,
    device: torch.device,
) -> pd.DataFrame:
    """Score candidates under every degradation; see `ssvif.evaluation.stress`.

    Args:
        rows: The pairs that are evaluated; those with labels go first.
        candidates: All of them; folders cannot be put under stress.
        probing: Probes trained on clean pairs.
        params: How many pairs, and how many severities.
        pairs: The folder of the canonical images.
        seed: The run's seed.
        device: Where everything runs.
    """
    live = [candidate for candidate in candidates if candidate.live]
    task = next((task for task, _ in probing.results), None)
    results = {name: result for (of, name), result in probing.results.items() if of == task}
    results = {name: result for name, result in results.items() if _is_live(name, candidates)}
    if results:
        tested = rows[rows["id"].isin(next(iter(results.values())).task.test)]
        rows = rows if tested.empty else tested
    chosen = spread(rows, params.max_pairs)
    scenes = [read_scene(pairs, row, device=device) for row in chosen.to_dict("records")]
    return run_stress(
        scenes,
        live,
        seed=seed,
        severities=spread_severities(params.severities),
        blocks=dict(zip(chosen["id"], chosen["block"], strict=True)),
        probe=TrainedProbes(results, live, device) if results else None,
    )


def _is_live(name: str, candidates: Sequence[Candidate]) -> bool:
    return all(candidate.live for candidate in candidates if candidate.name == name)
