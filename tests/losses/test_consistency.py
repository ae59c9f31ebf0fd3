import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssvif.errors import ShapeError
from ssvif.losses.consistency import (
    effective_prototypes,
    sinkhorn_assignments,
    swapped_prediction_loss,
)


def _scores(positions, prototypes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(positions, prototypes, generator=generator) - 1


@given(st.integers(1, 60), st.integers(2, 20), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_sinkhorn_assignments__rows_are_distributions(positions, prototypes, seed):
    plan = sinkhorn_assignments(_scores(positions, prototypes, seed), epsilon=0.05, iterations=3)
    assert plan.dtype == torch.float32
    assert (plan >= 0).all()
    torch.testing.assert_close(plan.sum(1), torch.ones(positions))


def test_sinkhorn_assignments__columns_get_equal_shares():
    plan = sinkhorn_assignments(_scores(400, 8), epsilon=0.1, iterations=50)
    torch.testing.assert_close(plan.sum(0), torch.full((8,), 50.0), rtol=1e-3, atol=0)


def test_sinkhorn_assignments__undoes_a_collapse():
    scores = _scores(400, 8) * 0.1
    scores[:, 0] += 0.8
    plan = sinkhorn_assignments(scores, epsilon=0.05, iterations=3)
    assert effective_prototypes(plan) > 7
    assert len(scores.argmax(1).unique()) == 1


@pytest.mark.parametrize("value", [1.0, -1.0, 0.0])
def test_sinkhorn_assignments__finite_on_equal_scores(value):
    plan = sinkhorn_assignments(torch.full((6, 3), value), epsilon=0.05, iterations=3)
    torch.testing.assert_close(plan, torch.full((6, 3), 1 / 3))


def test_sinkhorn_assignments__finite_in_half_precision_at_the_extremes():
    scores = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float16)
    plan = sinkhorn_assignments(scores, epsilon=0.03, iterations=3)
    torch.testing.assert_close(plan, torch.eye(2))


def test_sinkhorn_assignments__rows_far_below_the_others_keep_their_mass():
    scores = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [-1.0, -1.0]])
    plan = sinkhorn_assignments(scores, epsilon=0.03, iterations=3)
    torch.testing.assert_close(plan.sum(1), torch.ones(3))


def test_sinkhorn_assignments__no_gradient():
    scores = _scores(8, 4).requires_grad_()
    assert not sinkhorn_assignments(scores, epsilon=0.05, iterations=3).requires_grad


@pytest.mark.parametrize("shape", [(0, 4), (4,), (2, 3, 4)])
def test_sinkhorn_assignments__bad_shape(shape):
    with pytest.raises(ShapeError):
        sinkhorn_assignments(torch.zeros(shape), epsilon=0.05, iterations=3)


def test_swapped_prediction_loss__uniform_scores_cost_the_log_of_k():
    loss = swapped_prediction_loss(torch.zeros(5, 16), torch.eye(16)[:5], temperature=0.1)
    torch.testing.assert_close(loss, torch.tensor(math.log(16)))


def test_swapped_prediction_loss__gradient_reaches_scores_not_targets():
    scores, targets = _scores(8, 4).requires_grad_(), _scores(8, 4, 1).softmax(1).requires_grad_()
    swapped_prediction_loss(scores, targets, temperature=0.1).backward()
    assert scores.grad.abs().sum() > 0
    assert targets.grad is None


def test_swapped_prediction_loss__falls_along_its_gradient():
    scores = _scores(8, 4).requires_grad_()
    targets = sinkhorn_assignments(_scores(8, 4, 1), epsilon=0.05, iterations=3)
    loss = swapped_prediction_loss(scores, targets, temperature=0.1)
    loss.backward()
    moved = scores.detach() - 0.1 * scores.grad
    assert swapped_prediction_loss(moved, targets, temperature=0.1) < loss


@pytest.mark.parametrize(("used", "expected"), [(1, 1.0), (2, 2.0), (8, 8.0)])
def test_effective_prototypes__counts_those_in_use(used, expected):
    assignments = torch.eye(8)[torch.arange(16) % used]
    torch.testing.assert_close(effective_prototypes(assignments), torch.tensor(expected))
