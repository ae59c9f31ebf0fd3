from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from ssvif.errors import EvaluationError
from ssvif.evaluation.candidates import IR, MAX, MEAN, REDMAX, VIS, Scene
from ssvif.evaluation.corruptions import BY_NAME, corrupt
from ssvif.evaluation.stress import PROBE_METRIC, STRESS_COLUMNS, run_stress, spread_severities
from ssvif.metrics.table import METRICS

SSIM = tuple(metric for metric in METRICS if metric.acronym == "SSIM")
NOISE = (BY_NAME["infrared_noise"],)


@dataclass(frozen=True)
class Recorder:
    """Fuses to the infrared image, and keeps what it was shown."""

    shown: list[Scene]
    name: str = "recorder"
    fused: bool = True
    live: bool = True

    def fuse(self, scene: Scene) -> Tensor:
        self.shown.append(scene)
        return scene.ir


@pytest.fixture
def scenes(scene) -> list[Scene]:
    darker = replace(scene, id="beef", vis=scene.vis * 0.5, ir=scene.ir * 0.5)
    return [scene, darker, replace(scene, id="cafe", ir=scene.ir.flip(-1))]


def score(table, **where) -> float:
    for column, value in where.items():
        table = table[table[column] == value]
    return float(table["score"].item())


@pytest.mark.parametrize(
    ("count", "expected"), [(1, (5,)), (2, (1, 5)), (3, (1, 3, 5)), (5, (1, 2, 3, 4, 5))]
)
def test_spread_severities__ends_with_the_worst(count, expected) -> None:
    assert spread_severities(count) == expected


@pytest.mark.parametrize("count", [0, 6])
def test_spread_severities__refuses_others(count) -> None:
    with pytest.raises(EvaluationError, match="expected 1 to 5"):
        spread_severities(count)


def test_run_stress__one_row_a_candidate_metric_and_severity(scenes) -> None:
    degradations = (BY_NAME["shift"], BY_NAME["jpeg"])
    table = run_stress(
        scenes, [MEAN, MAX], seed=0, degradations=degradations, severities=(2, 5), metrics=SSIM
    )
    assert list(table.columns) == STRESS_COLUMNS
    assert len(table) == 2 * 2 * 3
    assert not table.duplicated(["degradation", "severity", "candidate", "metric"]).any()
    clean = table[table["severity"] == 0]
    assert clean["level"].isna().all()
    assert clean.groupby("candidate")["score"].nunique().eq(1).all()
    worst = table[(table["degradation"] == "jpeg") & (table["severity"] == 5)]
    assert worst["level"].eq(5.0).all()
    assert worst["unit"].eq("quality").all()


def test_run_stress__compares_with_the_clean_sources(scenes) -> None:
    one = scenes[:1]
    table = run_stress(
        one, [Recorder([])], seed=7, degradations=NOISE, severities=(4,), metrics=SSIM
    )
    clean = one[0]
    _, noisy = corrupt(clean.vis, clean.ir, NOISE[0], 4, seed=7, pair=clean.id)
    for severity, fused in ((0, clean.ir), (4, noisy)):
        expected = SSIM[0].score(fused=fused, vis=clean.vis_y, ir=clean.ir)
        assert score(table, severity=severity) == pytest.approx(expected.item())
    assert score(table, severity=4) < score(table, severity=0)


def test_run_stress__every_candidate_sees_the_same(scenes) -> None:
    first, second = Recorder([]), Recorder([], name="other")
    run_stress(scenes, [first, second], seed=0, degradations=NOISE, metrics=SSIM)
    assert len(first.shown) == 3 * 4
    assert all(torch.equal(a.ir, b.ir) for a, b in zip(first.shown, second.shown, strict=True))


def test_run_stress__frozen_camera_shows_another_block(scenes) -> None:
    recorder = Recorder([])
    run_stress(
        scenes,
        [recorder],
        seed=0,
        degradations=(BY_NAME["infrared_frozen"],),
        severities=(5,),
        metrics=SSIM,
        blocks={"f00d": "a", "beef": "a", "cafe": "b"},
    )
    quantised = [(scene.ir * 255).round() / 255 for scene in scenes]
    for shown, expected in zip(recorder.shown[3:], (2, 2, 0), strict=True):
        assert torch.equal(shown.ir, quantised[expected])


def test_run_stress__leaves_out_folders_and_false_colour(scenes) -> None:
    folder = Recorder([], name="folder", live=False)
    table = run_stress(
        scenes, [folder, REDMAX, VIS, IR, MEAN], seed=0, degradations=NOISE, metrics=SSIM
    )
    assert set(table["candidate"]) == {"vis", "ir", "mean"}
    assert folder.shown == []


def test_run_stress__probe_is_shown_the_spoilt_pairs_once_clean(scenes) -> None:
    seen: list[list[Tensor]] = []

    def probe(spoilt):
        seen.append([scene.ir for scene in spoilt])
        return {"mean": float(spoilt[0].ir.mean()), "stack": 0.5}

    degradations = (*NOISE, BY_NAME["infrared_black"])
    table = run_stress(
        scenes,
        [MEAN],
        seed=0,
        degradations=degradations,
        severities=(5,),
        metrics=SSIM,
        probe=probe,
    )
    assert len(seen) == 3  # clean, noise, black
    assert torch.equal(seen[0][0], scenes[0].ir)
    black = {"degradation": "infrared_black", "severity": 5, "metric": PROBE_METRIC}
    assert score(table, candidate="mean", **black) == 0.0
    assert score(table, candidate="stack", **black) == 0.5


def test_run_stress__refuses_folders_alone(scenes) -> None:
    with pytest.raises(EvaluationError, match="cannot be put under stress"):
        run_stress(scenes, [Recorder([], live=False)], seed=0)


def test_run_stress__refuses_no_pairs() -> None:
    with pytest.raises(EvaluationError, match="found 0 and 1"):
        run_stress([], [MEAN], seed=0)


def test_run_stress__refuses_metrics_that_rise(scenes) -> None:
    falling = [metric for metric in METRICS if metric.acronym == "MSE"]
    with pytest.raises(EvaluationError, match="found MSE"):
        run_stress(scenes, [MEAN], seed=0, metrics=falling)
