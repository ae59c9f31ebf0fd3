"""Probes of candidates: what is shown to them, and the tables that come of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ssvif.data.images import write_png
from ssvif.data.manifest import pair_paths
from ssvif.evaluation.candidates import MAX, MEAN, PLAIN, Scene
from ssvif.evaluation.folders import FolderCandidate
from ssvif.evaluation.pairs import PairSource
from ssvif.evaluation.probing import Resampling, probe_candidates, scene_images
from ssvif.evaluation.statistics import holm
from ssvif.evaluation.stressing import TrainedProbes
from ssvif.params import ProbesParams
from ssvif.probes.tasks import Fold, ProbeTask

SIZE = 64
CPU = torch.device("cpu")
TINY = ProbesParams(
    backbone="mobilenetv3_small_050", pretrained=False, height=SIZE, width=SIZE,
    crop_height=32, crop_width=32, steps=1, batch=2, repetitions=2,
)  # fmt: skip
RESAMPLING = Resampling(confidence=0.95, resamples=100, seed=0)
IDS = [f"{number:016x}" for number in range(9)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> PairSource:
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    for pair_id in IDS:
        vis, ir = pair_paths(pair_id, folder)
        write_png(vis, rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8))
        write_png(ir, rng.integers(0, 256, (SIZE, SIZE), np.uint8))
    manifest = pd.DataFrame({"id": IDS, "set": "roads", "name": [i[-2:] for i in IDS]})
    return PairSource(manifest, folder, folder, refused={})


@pytest.fixture(scope="module")
def task() -> ProbeTask:
    """Two pairs that train; seven, a block each, that test."""
    rng = np.random.default_rng(1)
    masks = {i: torch.from_numpy(rng.integers(0, 2, (SIZE, SIZE), np.uint8)) for i in IDS}
    return ProbeTask(
        name="semantic", kind="semantic", classes=("background", "thing"), masks=masks, boxes={},
        folds=(Fold(tuple(IDS[:2]), tuple(IDS[2:])),), blocks={i: i for i in IDS}, sets=("roads",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def probing(source, task, cache):
    return probe_candidates(
        [task], [*list(PLAIN.values())[:3]], source, TINY, judged="mean", resampling=RESAMPLING,
        device=CPU, cache=cache,
    )  # fmt: skip


@pytest.fixture
def small() -> Scene:
    generator = torch.Generator().manual_seed(0)
    vis = torch.rand(1, 3, SIZE, SIZE, generator=generator)
    return Scene("f00d", "roads", "1", vis=vis, ir=torch.rand(1, 1, SIZE, SIZE))


def test_scene_images__show_what_candidates_make(small: Scene) -> None:
    images, reasons = scene_images(list(PLAIN.values()), small, TINY)
    assert not reasons
    assert {name: len(shown) for name, shown in images.items()} == {
        **dict.fromkeys(PLAIN, 1),
        "both": 2,
    }
    assert torch.equal(images["both"][0], images["vis"][0])
    assert torch.equal(images["both"][1], images["ir"][0])
    ir = images["ir"][0]
    assert ir.shape == (3, SIZE, SIZE)
    assert torch.equal(ir[0], ir[2])  # infrared has no colour
    assert not torch.equal(images["mean"][0][0], images["mean"][0][2])  # a fusion has


def test_scene_images__a_folder_may_hold_smaller_images(small: Scene, tmp_path: Path) -> None:
    write_png(tmp_path / "1.png", np.full((SIZE // 2, SIZE // 2), 100, np.uint8))
    half = FolderCandidate("half", {"f00d": tmp_path / "1.png"}, {}, fused=False)
    images, _ = scene_images([half], small, TINY)
    assert images["half"][0].shape == (3, SIZE, SIZE)


def test_scene_images__what_a_folder_lacks_has_a_reason(small: Scene) -> None:
    empty = FolderCandidate("none", {}, {"f00d": "no image called 1"})
    images, reasons = scene_images([empty, MEAN], small, TINY)
    assert set(images) == {"mean"}
    assert reasons == {"none": "no image called 1"}


def test_probe_candidates__has_a_score_a_repetition_and_class(probing) -> None:
    assert set(probing.scores["candidate"]) == {"vis", "ir", "mean", "both"}
    counts = probing.scores.groupby(["candidate", "score", "class"]).size()
    assert (counts == TINY.repetitions).all()
    assert set(probing.scores["class"]) == {"all", "background", "thing"}
    assert probing.scores["value"].between(0.0, 1.0).all()


def test_probe_candidates__summary_is_the_mean_of_the_scores(probing) -> None:
    keys = ["candidate", "score", "class"]
    means = probing.scores.groupby(keys)["value"].mean()
    summary = probing.summary.set_index(keys)
    pd.testing.assert_series_equal(
        summary["mean"].sort_index(), means.sort_index(), check_names=False
    )
    assert (summary["low"] <= summary["high"]).all()
    assert probing.as_dict()["semantic"]["vis"]["mean_iou"] == pytest.approx(
        means["vis", "iou", "all"], abs=1e-6
    )


def test_probe_candidates__compares_with_the_judged(probing) -> None:
    table = probing.statistics
    assert set(table["reference"]) == {"vis", "ir", "both"}
    assert (table["candidate"] == "mean").all()
    assert (table["pairs"] == 7).all()
    assert table["p_holm"].tolist() == holm(table["p"].to_numpy()).tolist() != table["p"].tolist()


def test_probe_candidates__a_folder_without_all_pairs_is_left_out(source, task, cache) -> None:
    part = FolderCandidate("part", {}, {IDS[0]: "no image called 00"})
    found = probe_candidates(
        [task], [PLAIN["mean"], part], source, TINY, judged="mean", resampling=RESAMPLING,
        device=CPU, cache=cache,
    )  # fmt: skip
    assert set(found.summary["candidate"]) == {"mean"}
    assert found.left_out.to_dict("records") == [
        {
            "pair": "probe:semantic",
            "candidate": "part",
            "reason": "9 of 9 pairs have no image, such as: no image called 00",
        }
    ]


def test_probe_candidates__nothing_labelled_gives_empty_tables(source) -> None:
    found = probe_candidates(
        [], [MEAN], source, TINY, judged="mean", resampling=RESAMPLING, device=CPU
    )
    assert found.scores.empty
    assert found.summary.empty
    assert found.as_dict() == {}


def test_trained_probes__clean_scenes_score_as_the_probe_did(source, task, probing) -> None:
    from ssvif.evaluation.pairs import read_scene

    results = {name: result for (_, name), result in probing.results.items()}
    rows = source.manifest[source.manifest["id"].isin(task.test)].to_dict("records")
    scenes = [read_scene(source.pairs, row, device=CPU) for row in rows]
    trained = TrainedProbes(results, [*PLAIN.values()], CPU)
    first = probing.scores.query("repetition == 0 and score == 'iou' and `class` == 'all'")
    found = trained(scenes)
    assert found == pytest.approx(dict(zip(first["candidate"], first["value"], strict=True)))
    spoilt = [replace(scene, ir=torch.zeros_like(scene.ir)) for scene in scenes]
    assert trained(spoilt)["vis"] == found["vis"]
    assert MAX.name not in found
