"""The engine on synthetic captures: which candidates, which pairs, which figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssvif.data.images import read_infrared_raw, resize, write_png
from ssvif.errors import EvaluationError, ManifestError, ModelError
from ssvif.evaluation import run as module
from ssvif.evaluation.captures import capture_pairs
from ssvif.evaluation.run import Job, compare_two, evaluate, prepare
from ssvif.evaluation.write import GRID, write_evaluation
from ssvif.metrics.table import STANDARD
from ssvif.models.weights import save_fusion, save_model
from ssvif.params import EvaluateParams, IngestParams, Params

METRICS = [metric for metric in STANDARD if metric.acronym in ("EN", "SD", "SSIM")]


@pytest.fixture(scope="module")
def source(street: Path, tmp_path_factory: pytest.TempPathFactory):
    return capture_pairs(
        [(None, street)], IngestParams(block_size=1), work=tmp_path_factory.mktemp("work")
    )


@pytest.fixture
def job(source) -> Job:
    quick = Params(evaluate=EvaluateParams(resamples=100, probe=False))
    return Job(source, split="all", models={}, folders={}, params=quick, metrics=METRICS)


@pytest.fixture
def infrared(street: Path, tmp_path: Path) -> Path:
    """A method that returns the infrared image as it is, of all pairs but one."""
    for number in range(7):
        image = read_infrared_raw(street / "ir" / f"{number:02}.png", max_pixels=1 << 20)
        write_png(tmp_path / "fused" / f"{number:02}.png", image.astype(np.uint8))
    return tmp_path / "fused"


def test_evaluate__without_models_scores_mean_and_maximum(job: Job) -> None:
    found = evaluate(prepare(job))
    assert set(found.scores.pairs["candidate"]) == {"mean", "max"}
    assert found.scores.branches == {}
    assert found.left_out.empty
    assert found.figures["evaluate/max/EN"] == pytest.approx(
        found.scores.pairs.query("candidate == 'max'")["EN"].mean()
    )


def test_evaluate__all_are_scored_on_the_pairs_that_all_have(job: Job, infrared: Path) -> None:
    found = evaluate(prepare(replace(job, folders={"infrared": infrared})))
    assert found.scores.pairs.groupby("candidate")["id"].nunique().to_dict() == {
        "infrared": 7,
        "mean": 7,
        "max": 7,
    }
    assert found.left_out.to_dict("records") == [
        {
            "pair": "street/07",
            "candidate": "infrared",
            "reason": "no image called street/07 or 07",
        }
    ]
    assert found.prepared.lineup.judged == "infrared"


def test_evaluate__an_unfit_image_leaves_its_pair_out(job: Job, infrared: Path) -> None:
    write_png(infrared / "02.png", np.zeros((64, 64), np.uint8))
    (infrared / "03.png").write_bytes(b"no image")
    found = evaluate(prepare(replace(job, folders={"infrared": infrared})))
    assert found.scores.pairs["id"].nunique() == 5
    reasons = found.left_out.set_index("pair")["reason"]
    assert "expected 128x128, the size of the pair, found 64x64" in reasons["street/02"]
    assert "not a PNG" in reasons["street/03"]


def test_evaluate__refused_captures_are_counted(job: Job) -> None:
    source = replace(job.source, refused={"street/99": "the sizes differ"})
    left_out = evaluate(prepare(replace(job, source=source))).left_out
    assert left_out.to_dict("records") == [
        {"pair": "street/99", "candidate": "captures", "reason": "the sizes differ"}
    ]


@pytest.fixture
def reduced(infrared: Path) -> Path:
    for path in infrared.iterdir():
        image = read_infrared_raw(path, max_pixels=1 << 20).astype(np.uint8)
        write_png(path, resize(image, height=64, width=64))
    return infrared


def test_prepare__reduced_images_that_no_probe_uses_are_refused(job: Job, reduced: Path) -> None:
    job = replace(job, folders={"half": reduced})
    with pytest.raises(EvaluationError, match="half: its images are smaller than the pairs"):
        prepare(job)
    with pytest.raises(EvaluationError, match="half: its images are smaller than the pairs"):
        compare_two(job, candidate="half", reference="max")


def test_prepare__reduced_images_are_probed_and_not_scored(
    job: Job, reduced: Path, caplog, monkeypatch
) -> None:
    monkeypatch.setattr(module, "_tasks", lambda _: ([object()], []))
    probing = job.params.evaluate.model_copy(update={"probe": True})
    job = replace(job, params=job.params.model_copy(update={"evaluate": probing}))
    lineup = prepare(replace(job, folders={"half": reduced})).lineup
    assert [candidate.name for candidate in lineup.scored] == ["mean", "max"]
    assert "half" in [candidate.name for candidate in lineup.probed]
    assert "half: images of 64x64 for pairs of 128x128: they are probed, not scored" in caplog.text


def test_evaluate__no_pair_that_all_have_is_refused(job: Job, infrared: Path, tmp_path) -> None:
    (infrared / "00.png").rename(tmp_path / "00.png")
    first = tmp_path / "first"
    first.mkdir()
    (tmp_path / "00.png").rename(first / "00.png")
    with pytest.raises(EvaluationError, match="expected pairs that every candidate has"):
        evaluate(prepare(replace(job, folders={"infrared": infrared, "first": first})))


@pytest.mark.parametrize("name", ["mean", "vis", "both", "branches", "a/b", ""])
def test_prepare__names_that_are_taken_or_cannot_be_are_refused(job: Job, infrared, name) -> None:
    with pytest.raises(EvaluationError, match=r"is taken|cannot name"):
        prepare(replace(job, folders={name: infrared}))


def test_prepare__refuses_before_anything_is_scored(job: Job, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.safetensors: no such file"):
        prepare(replace(job, models={"mine": tmp_path / "none.safetensors"}))
    with pytest.raises(ManifestError, match="none in the split"):
        prepare(replace(job, source=_only_training(job), split="test"))


def _only_training(job: Job):
    return replace(job.source, manifest=job.source.manifest.assign(split="train"))


def test_compare_two__equals_the_tables_of_evaluate(job: Job, infrared: Path) -> None:
    job = replace(job, folders={"infrared": infrared})
    alone = compare_two(job, candidate="infrared", reference="max")
    (among,) = (c for c in evaluate(prepare(job)).comparisons if c.reference == "max")
    assert alone == among
    assert (alone.pairs, alone.blocks) == (7, 7)


def test_compare_two__a_model_against_the_mean(job: Job, tiny_model, tiny_network, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_model(path, tiny_model, network=tiny_network)
    found = compare_two(replace(job, models={"tiny": path}), candidate="tiny", reference="mean")
    assert [metric.metric for metric in found.metrics] == ["EN", "SD", "SSIM"]
    assert found.pairs == 8


def test_evaluate__a_fusion_network_alone_has_no_branches(
    job: Job, tiny_model, tiny_network, tmp_path: Path
) -> None:
    whole, alone = tmp_path / "whole.safetensors", tmp_path / "alone.safetensors"
    save_model(whole, tiny_model, network=tiny_network)
    save_fusion(alone, tiny_model.fusion, network=tiny_network)
    evaluation = evaluate(prepare(replace(job, models={"whole": whole, "alone": alone})))
    means = evaluation.scores.pairs.groupby("candidate")["SD"].mean()
    assert means["alone"] == means["whole"]
    assert list(evaluation.scores.branches) == ["whole"]
    assert "branch_agreement" not in evaluation.checks["alone"]
    write_evaluation(evaluation, tmp_path / "report")
    assert not (tmp_path / "report" / GRID).exists()


def test_write_evaluation__tables_agree(job: Job, infrared: Path, tmp_path: Path) -> None:
    found = evaluate(prepare(replace(job, folders={"infrared": infrared})))
    write_evaluation(found, tmp_path / "out")
    pairs = pd.read_csv(tmp_path / "out/pairs.csv")
    intervals = pd.read_csv(tmp_path / "out/intervals.csv").set_index(["candidate", "metric"])
    own = pairs[pairs["candidate"] == "infrared"]
    row = intervals.loc[("infrared", "SD")]
    assert row["mean"] == pytest.approx(own["SD"].mean(), abs=1e-5)
    assert row["low"] <= row["mean"] <= row["high"]
    statistics = pd.read_csv(tmp_path / "out/statistics.csv")
    assert set(statistics["reference"]) == {"mean", "max"}
    assert not (tmp_path / "out/grid.png").exists()
    assert len(pd.read_csv(tmp_path / "out/left_out.csv")) == 1
