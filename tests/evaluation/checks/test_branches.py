import math

import pytest
import torch

from ssvif.evaluation.checks.branches import BranchChecks, branch_confidence


def one_hot(classes, count=4):
    return torch.nn.functional.one_hot(classes, count).permute(2, 0, 1).float()


def test_branch_confidence__of_a_guess_is_one_in_k() -> None:
    assert branch_confidence(torch.zeros(5, 3, 4), temperature=0.1) == pytest.approx(0.2)


def test_branch_confidence__is_that_of_the_softmax() -> None:
    scores = torch.tensor([1.0, 0.0])[:, None, None].expand(2, 3, 3)
    expected = math.exp(2.0) / (math.exp(2.0) + 1.0)
    assert branch_confidence(scores, temperature=0.5) == pytest.approx(expected)


def test_branch_checks__of_branches_that_agree_on_all_prototypes() -> None:
    checks = BranchChecks(temperature=0.05)
    scores = one_hot(torch.arange(16).reshape(4, 4) % 4)
    for _ in range(2):
        checks.add(scores, scores)
    found = checks.values()
    assert found["branch_agreement"] == pytest.approx(1.0)
    assert found["effective_prototypes"] == pytest.approx(4.0)
    assert found["prototype_entropy_feature_level"] == pytest.approx(1.0)
    assert found["confidence_feature_level"] > 0.99


def test_branch_checks__of_a_collapsed_branch() -> None:
    checks = BranchChecks(temperature=0.05)
    alive = one_hot(torch.arange(16).reshape(4, 4) % 4)
    checks.add(alive, one_hot(torch.zeros(4, 4, dtype=torch.int64)))
    found = checks.values()
    assert found["branch_agreement"] == pytest.approx(0.0)
    assert found["effective_prototypes"] == pytest.approx(1.0)
    assert found["prototype_entropy_pixel_level"] == pytest.approx(0.0)
    assert found["prototype_entropy_feature_level"] == pytest.approx(1.0)


def test_branch_checks__of_nothing_is_nothing() -> None:
    assert BranchChecks(temperature=0.1).values() == {}
