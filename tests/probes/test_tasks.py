import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ssvif.data.classes import ClassNames, write_classes
from ssvif.errors import LabelError
from ssvif.params import ProbesParams
from ssvif.probes.tasks import BOXES, SEMANTIC, load_tasks

PARAMS = ProbesParams(height=64, width=96, folds=2)


class Project:
    """Labels of a few pairs, and the rows of a manifest that name them."""

    def __init__(self, labels):
        self.labels = labels
        self.rows = []
        self.names = ClassNames()

    def add(self, set_name, split, *, block=0, mask=None, boxes=None):
        number = len(self.rows)
        pair_id = f"{number:016x}"
        if mask is not None:
            path = self.labels / "masks" / f"{pair_id}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((128, 192), mask, np.uint8)).save(path)
        if boxes is not None:
            path = self.labels / "boxes" / f"{pair_id}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(boxes)
        self.rows.append(
            {
                "id": pair_id,
                "set": set_name,
                "name": str(number),
                "split": split,
                "block": f"{set_name}/{block}",
                "has_mask": mask is not None,
                "has_boxes": boxes is not None,
            }
        )
        return pair_id

    def load(self, split="test"):
        write_classes(self.labels, self.names)
        return load_tasks(pd.DataFrame(self.rows), self.labels, PARAMS, split=split)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_load_tasks__a_sets_own_splits(project):
    project.names = ClassNames(masks={"field": ("soil", "crop")})
    train, val, test = (project.add("field", s, mask=1) for s in ("train", "val", "test"))
    project.add("field", "test")
    (task,), left_out = project.load()
    assert (task.name, task.kind, task.classes) == (SEMANTIC, SEMANTIC, ("soil", "crop"))
    assert [(fold.train, fold.test) for fold in task.folds] == [((train, val), (test,))]
    assert task.ids == (train, val, test)
    assert task.masks[test].shape == (64, 96)
    assert (task.masks[test] == 1).all()
    assert (dict(task.boxes), left_out) == ({}, [])


def test_load_tasks__the_test_split_stays_out_of_val(project):
    project.names = ClassNames(masks={"field": ("soil", "crop")})
    train, val, _ = (project.add("field", s, mask=1) for s in ("train", "val", "test"))
    (task,), _ = project.load(split="val")
    assert task.ids == (train, val)
    assert task.test == (val,)


@pytest.mark.parametrize("split", ["train", "test"])
def test_load_tasks__folds_by_block_where_a_part_is_missing(project, split):
    project.names = ClassNames(masks={"field": ("soil", "crop")})
    ids = [project.add("field", split, block=b, mask=0) for b in (0, 0, 1, 2, 2, 2, 3)]
    (task,), _ = project.load()
    assert sorted(task.test) == sorted(ids)
    assert [len(fold.test) for fold in task.folds] == [4, 3]
    for fold in task.folds:
        assert set(fold.train) | set(fold.test) == set(ids)
        assert not {task.blocks[i] for i in fold.train} & {task.blocks[i] for i in fold.test}


def test_load_tasks__one_block_cannot_be_tested(project):
    project.names = ClassNames(masks={"field": ("soil", "crop")})
    project.add("field", "train", mask=0)
    tasks, left_out = project.load()
    assert tasks == []
    assert left_out[0].pair == "field/0"
    assert "of one block" in left_out[0].reason


def test_load_tasks__a_task_for_each_list_of_classes(project):
    project.names = ClassNames(
        masks={"a": ("ground", "pipe"), "b": ("ground", "pipe"), "c": ("soil", "crop", "weed")}
    )
    for set_name in "abc":
        project.add(set_name, "train", mask=0)
        project.add(set_name, "test", mask=0)
    tasks, _ = project.load()
    assert [task.name for task in tasks] == ["semantic:a+b", "semantic:c"]
    assert [task.sets for task in tasks] == [("a", "b"), ("c",)]


def test_load_tasks__boxes_are_filled(project):
    project.names = ClassNames(boxes={"rig": ("person", "car")})
    project.add("rig", "train", boxes="")
    test = project.add("rig", "test", boxes="1 0.5 0.5 0.5 0.5\n")
    (task,), _ = project.load()
    assert (task.name, task.kind) == (BOXES, BOXES)
    assert task.classes == ("background", "person", "car")
    assert task.boxes[test].tolist() == [[2.0, 24.0, 16.0, 72.0, 48.0]]
    assert task.masks[test].unique().tolist() == [0, 2]
    assert (task.masks[test] == 2).sum() == 32 * 48


def test_load_tasks__an_unknown_class_leaves_its_pair_out(project):
    project.names = ClassNames(masks={"field": ("soil", "crop", "weed")})
    project.add("field", "train", mask=0)
    project.add("field", "test", mask=7)
    good = project.add("field", "test", mask=2)
    (task,), (left_out,) = project.load()
    assert task.test == (good,)
    assert (left_out.pair, left_out.kind) == ("field/1", SEMANTIC)
    assert "class 7 is not known; known: 0 soil, 1 crop, 2 weed" in left_out.reason


def test_load_tasks__a_set_whose_classes_are_not_known(project):
    project.add("rig", "train", mask=0)
    tasks, (left_out,) = project.load()
    assert tasks == []
    assert left_out.reason == (
        "the classes of rig are not known; name them in its set.yaml and ingest again"
    )


def test_load_tasks__no_labels_need_no_classes(tmp_path):
    project = Project(tmp_path)
    project.add("rig", "train")
    assert load_tasks(pd.DataFrame(project.rows), tmp_path, PARAMS) == ([], [])


def test_load_tasks__labels_without_their_classes(tmp_path):
    project = Project(tmp_path)
    project.add("rig", "train", mask=0)
    with pytest.raises(LabelError, match="ingest again"):
        load_tasks(pd.DataFrame(project.rows), tmp_path, PARAMS)
