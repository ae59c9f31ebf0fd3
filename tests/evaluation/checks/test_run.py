from dataclasses import dataclass, field, replace

import pandas as pd
import pytest
import torch
from torch import Tensor

from ssvif.errors import ImageError
from ssvif.evaluation.candidates import MEAN, REDMAX, VIS, ModelCandidate, Scene
from ssvif.evaluation.checks import CHECK_BY_NAME, CHECKS, check_image, run_checks

BRANCHES = {"branch_agreement", "confidence_pixel_level", "effective_prototypes"}


@dataclass(frozen=True)
class Jumping:
    """Shows the visible image and the infrared one by turns."""

    shown: list[str] = field(default_factory=list)
    name: str = "jumping"
    fused: bool = True
    live: bool = True

    def fuse(self, scene: Scene) -> Tensor:
        self.shown.append(scene.name)
        return scene.ir if len(self.shown) % 2 else scene.vis_y


@dataclass(frozen=True)
class Lacking:
    """A folder that has one image only."""

    name: str = "folder"
    fused: bool = True
    live: bool = False

    def fuse(self, scene: Scene) -> Tensor:
        if scene.name != "f1":
            raise ImageError("no image")
        return scene.ir


@pytest.fixture
def rows() -> pd.DataFrame:
    table = [("b", "f10", "x"), ("a", "f2", "x"), ("c", "f1", "y")]
    return pd.DataFrame(table, columns=["id", "name", "block"]).assign(set="roads")


@pytest.fixture
def read(scene):
    def read_row(row) -> Scene:
        return replace(scene, id=row["id"], set=row["set"], name=row["name"])

    return read_row


def test_run_checks__frames_come_in_their_order(rows, read) -> None:
    jumping = Jumping()
    found = run_checks(rows, [jumping, MEAN], read=read, temperature=0.1)
    assert jumping.shown == ["f2", "f10", "f1"]
    assert found["jumping"]["flicker"] > 10.0
    assert found["mean"]["flicker"] == 0.0


def test_run_checks__without_neighbours_there_is_no_flicker(rows, read) -> None:
    found = run_checks(rows.assign(block=rows["id"]), [MEAN], read=read, temperature=0.1)
    assert "flicker" not in found["mean"]
    assert 0.0 < found["mean"]["gradients_kept_vis"] < 1.0


def test_run_checks__models_alone_have_branches(rows, read, models) -> None:
    candidate = ModelCandidate("stage_two", models["stage_two"])
    found = run_checks(rows, [candidate, MEAN], read=read, temperature=0.1)
    assert set(found["stage_two"]) >= BRANCHES
    assert not BRANCHES & set(found["mean"])
    assert list(found["stage_two"]) == [c.name for c in CHECKS if c.name in found["stage_two"]]


def test_run_checks__passes_over_what_is_not_fused_and_lacking_images(rows, read) -> None:
    found = run_checks(rows, [VIS, REDMAX, Lacking()], read=read, temperature=0.1)
    assert set(found) == {"folder"}
    assert found["folder"]["gradients_kept_ir"] == pytest.approx(1.0)
    assert "flicker" not in found["folder"]


def test_check_image__batch_equals_single(planes) -> None:
    fused = torch.cat([planes["vis"], planes["ir"] * 0.5])
    vis, ir = (planes[name].expand(2, -1, -1, -1) for name in ("vis", "ir"))
    both = check_image(fused=fused, vis=vis, ir=ir)
    for index in range(2):
        alone = check_image(fused=fused[index : index + 1], **planes)
        for name, value in alone.items():
            torch.testing.assert_close(both[name][index], value[0], equal_nan=True)


def test_checks__names_are_unique() -> None:
    assert len(CHECK_BY_NAME) == len(CHECKS)
