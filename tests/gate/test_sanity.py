import pytest
import torch
from torch import nn

from ssvif.evaluation.candidates import Scene
from ssvif.evaluation.corruptions import DEGRADATIONS
from ssvif.gate.models import GatedModel
from ssvif.gate.sanity import check_sanity, stress_inputs
from ssvif.models.fusion import Fused


class Rule(nn.Module):
    """A fusion network that does what it is told."""

    def __init__(self, rule):
        super().__init__()
        self.rule = rule

    def forward(self, vis_y, ir):
        return Fused(self.rule(vis_y, ir), ir.expand(-1, 3, -1, -1))


@pytest.fixture
def scene():
    generator = torch.Generator().manual_seed(0)
    vis, ir = (torch.rand(1, channels, 72, 96, generator=generator) for channels in (3, 1))
    return Scene("0" * 16, "rig", "0", vis=vis, ir=ir)


def failed(rule, scenes):
    model = GatedModel("challenger", Rule(rule))
    return {check.name: check for check in check_sanity(model, scenes, seed=0) if not check.passed}


def test_check_sanity__a_maximum_is_sane(scene):
    assert not failed(torch.maximum, [scene])


def test_check_sanity__not_a_number_on_flat_input_alone(scene):
    checks = failed(lambda vis, ir: torch.maximum(vis, ir) + 0.0 / (vis - ir).std(), [scene])
    assert set(checks) == {"sanity/finite"}
    assert "black beside black" in checks["sanity/finite"].sentence


def test_check_sanity__beyond_white(scene):
    assert set(failed(lambda vis, ir: vis + ir, [scene])) == {"sanity/range"}


def test_check_sanity__grey_whatever_goes_in(scene):
    checks = failed(lambda _vis, ir: torch.full_like(ir, 0.5), [scene])
    assert set(checks) == {"sanity/varied"}
    assert "pair 1" in checks["sanity/varied"].sentence


def test_check_sanity__blind_to_one_camera_alone_is_sane_where_the_other_shows(scene):
    names = failed(lambda _vis, ir: ir, [scene])["sanity/varied"].sentence
    assert "pair 1," not in names


def test_check_sanity__a_real_network(scene, tiny_model):
    checks = check_sanity(GatedModel("challenger", tiny_model.fusion), [scene], seed=0)
    assert all(check.passed for check in checks)


def test_stress_inputs__every_degradation_and_every_flat_pair(scene):
    names = [name for name, _ in stress_inputs([scene], seed=0)]
    assert {f"pair 1 under {each.name}" for each in DEGRADATIONS} <= set(names)
    assert len(names) == len(set(names)) == 1 + len(DEGRADATIONS) + 36


def test_stress_inputs__same_seed_same_bytes(scene):
    first, second = (dict(stress_inputs([scene], seed=3)) for _ in range(2))
    assert all(torch.equal(first[name].ir, second[name].ir) for name in first)
