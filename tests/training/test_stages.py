import copy
import math

import pytest
import torch

from ssvif.data.views import Pair
from ssvif.errors import TrainingError
from ssvif.models.trunk import PACKAGED_BACKBONE, build_trunk
from ssvif.params import parse_params
from ssvif.training.checkpoint import CheckpointFolder
from ssvif.training.stages import TrainingData, train_stage_one, train_stage_two

CPU = torch.device("cpu")


class Records:
    """A recorder in memory."""

    def __init__(self):
        self.rows = {}

    def log(self, step, metrics):
        self.rows.setdefault(step, {}).update(metrics)

    def rewind(self, step):
        self.rows = {key: row for key, row in self.rows.items() if key <= step}


class StopAt(Records):
    """Kills the run at its first log of a step or after."""

    def __init__(self, step):
        super().__init__()
        self.last = step

    def log(self, step, metrics):
        if step >= self.last:
            raise KeyboardInterrupt
        super().log(step, metrics)


@pytest.fixture(scope="module")
def params(request):
    tiny = request.getfixturevalue("tiny_network")
    stage = {"steps": 6, "batch": 2, "crop": 64}
    return parse_params(
        {
            "network": tiny.model_dump(),
            "stage_one": stage,
            "warm_up": {"steps": 4},
            "stage_two": stage,
            "consistency": {"freeze_prototypes_steps": 2, "queue_batches": 1},
            "training": {
                "checkpoint_every": 2,
                "validate_every": 3,
                "health_every": 3,  # so that a kill falls between two measurements, too
            },
        }
    )


@pytest.fixture(scope="module")
def data():
    generator = torch.Generator().manual_seed(0)

    def pair():
        smooth = torch.rand(1, 4, 13, 15, generator=generator)
        planes = torch.nn.functional.interpolate(smooth, size=(104, 120), mode="bilinear")[0]
        planes = (planes * 255).to(torch.uint8)
        return Pair(vis=planes[:3], ir=planes[3:])

    return TrainingData(train=[pair() for _ in range(8)], val=[pair() for _ in range(3)])


def _stage_one(data, params, folder, recorder=None):
    recorder = recorder or Records()
    checkpoints = CheckpointFolder(folder)
    model = train_stage_one(data, params, recorder=recorder, checkpoints=checkpoints, device=CPU)
    return model, recorder


def _stage_two(model, data, params, folder, recorder=None):
    recorder = recorder or Records()
    trained = train_stage_two(
        model, data, params, recorder=recorder, checkpoints=CheckpointFolder(folder), device=CPU
    )
    return trained, recorder


def _assert_equal(first, second):
    for (name, tensor), other in zip(
        first.state_dict().items(), second.state_dict().values(), strict=True
    ):
        assert torch.equal(tensor, other), name


@pytest.fixture(scope="module")
def stage_one(data, params, tmp_path_factory):
    return _stage_one(data, params, tmp_path_factory.mktemp("one"))


def test_train_stage_one__logs_both_phases(stage_one):
    _, recorder = stage_one
    assert sorted(recorder.rows) == list(range(10))
    assert "warm_up/train/consistency" in recorder.rows[6]
    assert "warm_up/val/effective_prototypes" in recorder.rows[9]
    assert all(math.isfinite(v) for row in recorder.rows.values() for v in row.values())


def test_train_stage_one__warm_up_leaves_the_fusion_network_alone(data, params, tmp_path):
    short = params.model_copy(update={"warm_up": params.warm_up.model_copy(update={"steps": 1})})
    long, _ = _stage_one(data, params, tmp_path / "long")
    brief, _ = _stage_one(data, short, tmp_path / "short")
    _assert_equal(long.fusion, brief.fusion)
    assert not torch.equal(long.prototypes, brief.prototypes)


@pytest.mark.parametrize("killed_at", [3, 7, 9])
def test_train_stage_one__a_killed_run_resumes_to_the_same_end(
    stage_one, data, params, tmp_path, killed_at
):
    recorder = StopAt(killed_at)
    with pytest.raises(KeyboardInterrupt):
        _stage_one(data, params, tmp_path, recorder)
    recorder.last = 1000
    resumed, _ = _stage_one(data, params, tmp_path, recorder)
    undisturbed, undisturbed_records = stage_one
    _assert_equal(resumed, undisturbed)
    assert recorder.rows == undisturbed_records.rows


def test_train_stage_two__resumes_to_the_same_end_and_logs_every_term(
    stage_one, data, params, tmp_path
):
    def fresh():
        return copy.deepcopy(stage_one[0])

    undisturbed, records = _stage_two(fresh(), data, params, tmp_path / "a")
    recorder = StopAt(4)
    with pytest.raises(KeyboardInterrupt):
        _stage_two(fresh(), data, params, tmp_path / "b", recorder)
    recorder.last = 1000
    resumed, _ = _stage_two(fresh(), data, params, tmp_path / "b", recorder)
    _assert_equal(resumed, undisturbed)
    assert recorder.rows == records.rows
    terms = {"weight", "ramp", "ratio", "presence", "reliability", "fusion_norm"}
    last = records.rows[5]
    assert {f"stage_two/train/dynamic_weight/{term}" for term in terms} <= set(last)
    assert all("stage_two/train/dynamic_weight/weight" in row for row in records.rows.values())
    assert last["stage_two/train/dynamic_weight/consistency_norm"] > 0
    before = fresh().fusion.state_dict()
    assert any(not torch.equal(before[k], v) for k, v in undisturbed.fusion.state_dict().items())


def test_train__trunks_in_bfloat16_learn_alike(stage_one, data, params, tmp_path):
    mixed = params.model_copy(
        update={"training": params.training.model_copy(update={"precision": "bfloat16"})}
    )
    _, usual = _stage_two(copy.deepcopy(stage_one[0]), data, params, tmp_path / "a")
    model, records = _stage_two(copy.deepcopy(stage_one[0]), data, mixed, tmp_path / "b")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    for step, row in usual.rows.items():
        name = "stage_two/train/consistency"
        assert records.rows[step][name] != row[name]
        assert records.rows[step][name] == pytest.approx(row[name], rel=0.1)


def test_train_stage_one__no_pairs(params, tmp_path):
    with pytest.raises(TrainingError, match="train split is empty"):
        _stage_one(TrainingData([], []), params, tmp_path)


def test_train_stage_one__works_without_validation_pairs(data, params, tmp_path):
    _, recorder = _stage_one(TrainingData(data.train, []), params, tmp_path)
    assert not any("/val/" in key for row in recorder.rows.values() for key in row)


def test_train__a_loss_that_is_not_finite_stops_with_its_name(data, params, tmp_path):
    hot = params.model_copy(
        update={"stage_one": params.stage_one.model_copy(update={"learning_rate": 1.0e30})}
    )
    with pytest.raises(TrainingError, match=r"stage_one\.learning_rate"):
        _stage_one(data, hot, tmp_path)
    assert CheckpointFolder(tmp_path).steps_done() < 6


@pytest.mark.slow
def test_train__pretrained_trunks_keep_their_statistics(data, params, tmp_path):
    network = params.network.model_copy(
        update={"backbone": PACKAGED_BACKBONE, "pretrained": "package"}
    )
    params = params.model_copy(update={"network": network})
    stored = build_trunk(PACKAGED_BACKBONE, pretrained="package", frozen_norm=True)
    one, _ = _stage_one(data, params, tmp_path / "one")
    of_one = _statistics(one.pixel_branch.trunk)
    two, _ = _stage_two(one, data, params, tmp_path / "two")
    for found in (of_one, _statistics(two.pixel_branch.trunk)):
        torch.testing.assert_close(found, _statistics(stored), rtol=0.0, atol=0.0)


def _statistics(trunk):
    return {
        name: buffer.clone() for name, buffer in trunk.named_buffers() if buffer.is_floating_point()
    }
