import pytest

from ssvif.params import Params
from ssvif.registry.card import model_card

START = {"name": "ssvif", "version": 3, "bundle": "f" * 64, "weights": "a" * 64}


def written(metrics, params):
    lineage = {
        "git_commit": "c" * 40,
        "git_dirty": "true",
        "manifest": "d" * 64,
        "params": "e" * 64,
        "pairs": {"street": {"train": 8, "test": 2}},
    }
    return model_card(
        params=params.model_dump(by_alias=True) | {"champion": {"start": START}},
        metrics=metrics,
        lineage=lineage,
    )


@pytest.fixture
def card(metrics):
    return written(metrics, Params.model_validate({"stage_one": {"start": "scratch", "steps": 7}}))


def test_model_card__says_which_champion_it_goes_on_from(metrics):
    card = written(metrics, Params())
    assert "goes on from `ssvif` version 3 (bundle `ffffffffffff`)" in card
    assert "50% of each batch" in card
    assert "Stage one:" not in card


def test_model_card__says_where_the_model_comes_from(card):
    assert "`cccccccccccc` with changes that were not committed" in card
    assert "street (2 test, 8 train)" in card
    assert "7 steps of 8 scenes, two crops of 128 pixels each" in card


def test_model_card__has_the_scores(card):
    assert "| | EN | Qabf | SSIM |" in card
    assert "| this model | 6.700 | 0.500 | 0.600 |" in card
    assert "kappa 0.60" in card


def test_model_card__candidates_that_were_not_scored_are_left_out(card):
    assert "| max |" not in card


def test_model_card__no_placeholder_is_left(card):
    assert "{" not in card
