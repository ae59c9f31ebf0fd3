import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from ssvif.evaluation.agreement import branch_agreement, co_occurrence
from ssvif.evaluation.candidates import Segmentations


def test_co_occurrence__counts_pairs_of_prototypes() -> None:
    found = Segmentations(torch.tensor([[0, 1], [2, 2]]), torch.tensor([[0, 2], [2, 1]]), 3)
    assert co_occurrence(found).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 1]]


def test_branch_agreement__equals_sklearn() -> None:
    generator = torch.Generator().manual_seed(0)
    first = torch.randint(0, 5, (20, 30), generator=generator)
    second = torch.where(torch.rand(20, 30, generator=generator) < 0.6, first, first.roll(1, 1))
    found = branch_agreement(co_occurrence(Segmentations(first, second, 5)))
    assert found.agreement == pytest.approx((first == second).double().mean().item())
    expected = cohen_kappa_score(first.flatten().numpy(), second.flatten().numpy())
    assert found.agreement_over_chance == pytest.approx(expected)


def test_branch_agreement__equal_and_even_is_the_most() -> None:
    found = branch_agreement(torch.eye(8) * 10)
    assert found.agreement == found.agreement_over_chance == 1.0
    assert found.effective_prototypes_feature_level == pytest.approx(8.0)
    assert found.effective_prototypes_share == pytest.approx(1.0)


def test_branch_agreement__collapse_is_not_agreement() -> None:
    counts = torch.zeros(8, 8)
    counts[3, 3] = 100
    found = branch_agreement(counts)
    assert found.agreement == 1.0
    assert found.agreement_over_chance == 0.0
    assert found.effective_prototypes_share == pytest.approx(1 / 8)


def test_branch_agreement__share_is_that_of_the_poorer_branch() -> None:
    counts = torch.zeros(4, 4)
    counts[:, 0] = 25  # the pixel-level branch has one prototype left
    found = branch_agreement(counts)
    assert found.effective_prototypes_feature_level == pytest.approx(4.0)
    assert found.effective_prototypes_pixel_level == pytest.approx(1.0)
    assert found.effective_prototypes_share == pytest.approx(0.25)
    assert found.agreement_over_chance == pytest.approx(0.0)
