"""What is left of each candidate when captures go bad: one curve for each degradation.

Candidates fuse the spoilt pair, and the metrics compare what they make with the clean sources:
keeping noise earns nothing, and infrared that slipped is judged by where it belongs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import torch
from torch import Tensor

from ssvif.errors import EvaluationError
from ssvif.evaluation.candidates import IR, VIS, Candidate, Scene
from ssvif.evaluation.corruptions import DEGRADATIONS, SEVERITIES, Degradation, corrupt
from ssvif.metrics.table import METRICS, Metric, score_all
from ssvif.ops import luminance

STRESS_COLUMNS = ["degradation", "severity", "level", "unit", "candidate", "metric", "score"]
PROBE_METRIC = "probe_mean_iou"
# Against clean sources each of these falls with damage, where EN, SD, SF and AG rise with noise.
# VIF would, too, and double the time.
STRESS_METRICS = tuple(m for m in METRICS if m.acronym in ("MI", "Qabf", "SSIM"))

# Takes all pairs under one degradation; returns the mean IoU by candidate.
Probe = Callable[[Sequence[Scene]], Mapping[str, float]]


@dataclass(frozen=True)
class Condition:
    """A degradation at one severity.

    Args:
        degradation: Which.
        severity: 0 for clean, to 5.
    """

    degradation: Degradation
    severity: int

    @property
    def level(self) -> float:
        """The physical level; NaN where the pairs are clean."""
        levels = self.degradation.levels
        return levels[self.severity - 1] if self.severity else float("nan")

    def apply(self, scenes: Sequence[Scene], others: Sequence[Scene], *, seed: int) -> list[Scene]:
        """Return the scenes as this makes them.

        Args:
            scenes: Clean pairs.
            others: For each, a frame of another scene; itself where there is none.
            seed: The run's seed.
        """
        if not self.severity:
            return list(scenes)
        return [self._spoil(*each, seed=seed) for each in zip(scenes, others, strict=True)]

    def _spoil(self, scene: Scene, other: Scene, *, seed: int) -> Scene:
        vis, ir = corrupt(
            scene.vis,
            scene.ir,
            self.degradation,
            self.severity,
            seed=seed,
            pair=scene.id,
            other=None if other is scene else (other.vis, other.ir),
        )
        return replace(scene, vis=vis, ir=ir)


def spread_severities(count: int) -> tuple[int, ...]:
    """Return `count` of the severities 1 to 5, spread evenly; the worst is among them.

    Raises:
        EvaluationError: If the count is none of 1 to 5.
    """
    if not 1 <= count <= SEVERITIES:
        raise EvaluationError(f"expected 1 to {SEVERITIES} severities, found {count}")
    gap = (SEVERITIES - 1) / max(count - 1, 1)
    return tuple(round(SEVERITIES - gap * index) for index in reversed(range(count)))


def run_stress(
    scenes: Sequence[Scene],
    candidates: Sequence[Candidate],
    *,
    seed: int,
    degradations: Sequence[Degradation] = DEGRADATIONS,
    severities: Sequence[int] = (1, 3, 5),
    metrics: Sequence[Metric] = STRESS_METRICS,
    blocks: Mapping[str, str] | None = None,
    probe: Probe | None = None,
) -> pd.DataFrame:
    """Score candidates on pairs that are spoilt in every way, ever worse.

    The single cameras are scored like the rest: they are what a fused image must not fall below.

    Args:
        scenes: Clean pairs; at least one.
        candidates: Those that are not live (folders of files) are left out: what they would have
            made of a spoilt pair is not known.
        seed: The run's seed.
        degradations: Rows of `DEGRADATIONS`.
        severities: Of 1 to 5.
        metrics: What is scored, on luminance; higher is better for each.
        blocks: Blocks of neighbours by pair id: a frozen camera shows a pair of another block.
        probe: Scores candidates on the spoilt pairs by a probe trained on clean ones.

    Returns:
        `STRESS_COLUMNS`: means over the pairs. Severity 0 is clean (its level is NaN), once for
        each degradation. The probe's metric is `probe_mean_iou`.

    Raises:
        EvaluationError: If there is no pair or no live candidate, or less is better for a metric.
        ModelError: If a model fuses to what is not a number.
        ShapeError: If a pair is too small for a metric.
    """
    live = [each for each in candidates if each.live and (each.fused or each in (VIS, IR))]
    if not scenes or not live:
        raise EvaluationError(
            f"stress: expected pairs and candidates that fuse any pair, found {len(scenes)} and "
            f"{len(live)}; folders of fused images cannot be put under stress"
        )
    for metric in metrics:
        if not metric.higher_is_better:
            raise EvaluationError(f"stress: expected metrics that fall, found {metric.acronym}")
    others = _others(scenes, blocks or {})
    clean = _measure(scenes, scenes, live, metrics, probe)
    rows: list[tuple[object, ...]] = []
    for degradation in degradations:
        rows += _rows(Condition(degradation, 0), clean)
        for severity in severities:
            condition = Condition(degradation, severity)
            spoilt = condition.apply(scenes, others, seed=seed)
            rows += _rows(condition, _measure(scenes, spoilt, live, metrics, probe))
    return pd.DataFrame(rows, columns=STRESS_COLUMNS)


def _others(scenes: Sequence[Scene], blocks: Mapping[str, str]) -> list[Scene]:
    """Return for each scene the next one of another block, or itself if there is none."""
    count = len(scenes)
    return [
        next(
            (
                other
                for other in (scenes[(index + step) % count] for step in range(1, count))
                if blocks.get(other.id, other.id) != blocks.get(scene.id, scene.id)
            ),
            scene,
        )
        for index, scene in enumerate(scenes)
    ]


_Found = tuple[str, str, float]  # candidate, metric, score


def _measure(
    clean: Sequence[Scene],
    spoilt: Sequence[Scene],
    candidates: Sequence[Candidate],
    metrics: Sequence[Metric],
    probe: Probe | None,
) -> list[_Found]:
    """Score all candidates on spoilt pairs."""
    found: list[_Found] = []
    if metrics:
        scores = [_score(*pair, candidates, metrics) for pair in zip(clean, spoilt, strict=True)]
        means = torch.stack(scores).mean(0)  # (pairs, metrics, candidates) -> (metrics, candidates)
        for metric, row in zip(metrics, means.tolist(), strict=True):
            for candidate, score in zip(candidates, row, strict=True):
                found.append((candidate.name, metric.acronym, score))
    if probe is not None:
        found += [(name, PROBE_METRIC, score) for name, score in probe(spoilt).items()]
    return found


def _score(
    clean: Scene, spoilt: Scene, candidates: Sequence[Candidate], metrics: Sequence[Metric]
) -> Tensor:
    """Fuse a spoilt pair and compare with the clean one: (metrics, candidates)."""
    fused = torch.cat([luminance(candidate.fuse(spoilt)) for candidate in candidates])
    vis, ir = (plane.expand_as(fused) for plane in (clean.vis_y, clean.ir))
    scores = score_all(fused=fused, vis=vis, ir=ir, metrics=metrics)
    return torch.stack(list(scores.values())).double().cpu()


def _rows(condition: Condition, found: Sequence[_Found]) -> list[tuple[object, ...]]:
    about = (
        condition.degradation.name,
        condition.severity,
        condition.level,
        condition.degradation.unit,
    )
    return [(*about, *each) for each in found]
