import hashlib
import logging
from dataclasses import replace

import pandas as pd
import pytest
import torch

from ssvif.errors import ShapeError
from ssvif.probes import run as run_module
from ssvif.probes.cache import load_weights
from ssvif.probes.counts import Counts, mean_iou
from ssvif.probes.run import run_probe
from ssvif.probes.score import count_pixels
from ssvif.probes.tasks import Fold


@pytest.fixture
def trainings(monkeypatch):
    """Count how often a probe is trained."""
    calls = []
    train = run_module.train_probe

    def counted(*args, **kwargs):
        calls.append(kwargs["seed"])
        return train(*args, **kwargs)

    monkeypatch.setattr(run_module, "train_probe", counted)
    return calls


@pytest.fixture(scope="module")
def result(box_task, tiny_probes, tmp_path_factory):
    task, images = box_task
    return run_probe("vis", images, task, tiny_probes, seed=0, cache=tmp_path_factory.mktemp("p"))


@pytest.fixture(scope="module")
def learnt(semantic_task, tiny_probes, tmp_path_factory):
    """A pretrained probe after a few steps on whole images."""
    task, images = semantic_task
    backbone = {"backbone": "tf_efficientnet_lite0", "pretrained": "package"}
    whole = {"crop_height": 64, "crop_width": 64}
    update = {"steps": 25, "repetitions": 1, **backbone, **whole}
    params = tiny_probes.model_copy(update=update)
    return run_probe("vis", images, task, params, seed=0, cache=tmp_path_factory.mktemp("p"))


def test_run_probe__a_row_a_repetition_image_and_class(result, box_task):
    task, _ = box_task
    counts = result.counts
    assert len(counts) == 2 * len(task.test) * len(task.classes)
    assert not counts.duplicated(["repetition", "id", "class"]).any()
    assert set(counts["id"]) == set(task.test)
    assert dict(zip(counts["id"], counts["block"], strict=True)) == {
        i: task.blocks[i] for i in task.test
    }
    assert (counts["intersection"] <= counts["target"]).all()
    assert (counts["target"] <= counts["union"]).all()
    assert set(result.detections["class"]) == {"all", "square"}


def test_run_probe__repetitions_differ(result):
    one, two = (load_weights(entry.weights[0])["classify.weight"] for entry in result.entries)
    assert not torch.equal(one, two)
    targets = result.counts.groupby("repetition")["target"].apply(list)
    assert targets[0] == targets[1]


def test_run_probe__the_same_twice(result, box_task, tiny_probes, tmp_path):
    task, images = box_task
    again = run_probe("other name", images, task, tiny_probes, seed=0, cache=tmp_path)
    pd.testing.assert_frame_equal(again.counts, result.counts)
    pd.testing.assert_frame_equal(again.detections, result.detections)


def test_run_probe__learns(learnt):
    assert mean_iou(Counts.from_table(learnt.counts))[0] > 0.8
    assert learnt.detections.empty


def test_segmenter__finds_what_was_counted(learnt, semantic_task):
    task, images = semantic_task
    masks = learnt.segmenter()({i: images[i] for i in task.test})
    table = learnt.counts.set_index(["id", "class"])
    for pair_id, mask in masks.items():
        counts = count_pixels(mask, task.masks[pair_id], classes=2)
        expected = table.loc[pair_id].loc[list(task.classes), ["intersection", "union", "target"]]
        assert counts.tolist() == expected.to_numpy().tolist()


def test_run_probe__each_fold_tests_what_it_did_not_see(
    make_task, tiny_probes, trainings, tmp_path
):
    ids = [f"{number:016x}" for number in range(6)]
    folds = (Fold(tuple(ids[:2]), tuple(ids[2:])), Fold(tuple(ids[2:]), tuple(ids[:2])))
    task, images = make_task(folds=folds)
    result = run_probe("vis", images, task, tiny_probes, seed=0, cache=tmp_path)
    assert len(set(trainings)) == len(trainings) == 4
    assert set(result.counts["id"]) == set(ids)
    segmenter = result.segmenter(0)
    assert len(segmenter.probes) == 2
    assert set(segmenter({ids[0]: images[ids[0]], ids[5]: images[ids[5]]})) == {ids[0], ids[5]}
    counted = result.counts.query("repetition == 0").groupby("id")["intersection"].apply(list)
    for pair_id, mask in segmenter(images).items():
        counts = count_pixels(mask, task.masks[pair_id], classes=2)
        assert counts[:, 0].tolist() == counted[pair_id]


def test_run_probe__two_images_two_trunks(semantic_task, tiny_probes, tmp_path):
    task, images = semantic_task
    both = {i: (image, 255 - image) for i, (image,) in images.items()}
    result = run_probe("both", both, task, tiny_probes, seed=0, cache=tmp_path)
    assert result.trunks == 2
    assert set(result.segmenter()(both)) == set(task.test)


def test_run_probe__asked_again_reads_the_cache(semantic_task, tiny_probes, trainings, tmp_path):
    task, images = semantic_task
    first = run_probe("vis", images, task, tiny_probes, seed=0, cache=tmp_path)
    second = run_probe("twin", images, task, tiny_probes, seed=0, cache=tmp_path)
    assert len(trainings) == tiny_probes.repetitions
    pd.testing.assert_frame_equal(first.counts, second.counts)


def _other_image(images):
    first = next(iter(images))
    return {**images, first: (255 - images[first][0],)}


CHANGES = ["images", "params", "seed", "labels", "classes", "folds"]


def _other_task(task, change):
    (fold,) = task.folds
    first = task.test[0]
    changed = {
        "labels": {"masks": {**task.masks, first: 1 - task.masks[first]}},
        "classes": {"classes": (*task.classes, "circle")},
        "folds": {"folds": (Fold(fold.test, fold.train),)},
    }
    return replace(task, **changed.get(change, {}))


@pytest.mark.parametrize("change", CHANGES)
def test_run_probe__another_question_is_answered_anew(
    semantic_task, tiny_probes, trainings, tmp_path, change
):
    task, images = semantic_task
    params = tiny_probes.model_copy(update={"repetitions": 1})
    run_probe("vis", images, task, params, seed=0, cache=tmp_path)
    images = _other_image(images) if change == "images" else images
    steps = 3 if change == "params" else params.steps
    params = params.model_copy(update={"steps": steps})
    task = _other_task(task, change)
    run_probe("vis", images, task, params, seed=int(change == "seed"), cache=tmp_path)
    assert len(trainings) == 2


def test_run_probe__a_further_repetition_keeps_the_others(
    semantic_task, tiny_probes, trainings, tmp_path
):
    task, images = semantic_task
    run_probe("vis", images, task, tiny_probes, seed=0, cache=tmp_path)
    more = tiny_probes.model_copy(update={"repetitions": 3})
    run_probe("vis", images, task, more, seed=0, cache=tmp_path)
    assert len(trainings) == 3


@pytest.mark.parametrize("name", ["counts.npy", "fold-0.safetensors", "entry.json"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_run_probe__a_damaged_entry_is_made_anew(
    semantic_task, tiny_probes, trainings, tmp_path, caplog, name, damage
):
    task, images = semantic_task
    params = tiny_probes.model_copy(update={"repetitions": 1})
    first = run_probe("vis", images, task, params, seed=0, cache=tmp_path)
    (path,) = tmp_path.glob(f"*/{name}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        path.unlink()
    with caplog.at_level(logging.WARNING):
        second = run_probe("vis", images, task, params, seed=0, cache=tmp_path)
    assert len(trainings) == 2
    pd.testing.assert_frame_equal(first.counts, second.counts)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    assert ("damaged" in caplog.text) == (damage == "cut")


@pytest.mark.parametrize("bad", [None, (torch.zeros(3, 60, 64, dtype=torch.uint8),), ()])
def test_run_probe__names_the_pair_that_does_not_fit(semantic_task, tiny_probes, tmp_path, bad):
    task, images = semantic_task
    images = {i: image for i, image in images.items() if i != task.ids[2]}
    if bad is not None:
        images[task.ids[2]] = bad
    with pytest.raises(ShapeError, match=f"pair {task.ids[2]}: expected 1"):
        run_probe("vis", images, task, tiny_probes, seed=0, cache=tmp_path)
