import pytest

from ssvif.params import Params
from ssvif.registry.card import model_card


@pytest.fixture
def card(metrics):
    lineage = {
        "git_commit": "c" * 40,
        "git_dirty": "true",
        "manifest": "d" * 64,
        "params": "e" * 64,
        "pairs": {"street": {"train": 8, "test": 2}},
    }
    return model_card(
        params=Params().model_dump(by_alias=True),
        metrics=metrics,
        lineage=lineage,
    )


def test_model_card__says_where_the_model_comes_from(card):
    assert "`cccccccccccc` with changes that were not committed" in card
    assert "street (2 test, 8 train)" in card
    assert "400 steps of 8 scenes, two crops of 128 pixels each" in card


def test_model_card__has_the_scores(card):
    assert "| | EN | Qabf | SSIM |" in card
    assert "| this model | 6.700 | 0.500 | 0.600 |" in card
    assert "kappa 0.60" in card


def test_model_card__candidates_that_were_not_scored_are_left_out(card):
    assert "| max |" not in card


def test_model_card__no_placeholder_is_left(card):
    assert "{" not in card
