from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssvif.data.scenes import Replay, draw_scenes, replayed_until

KNOWN = frozenset({0, 2, 4, 6, 8})


def drawn(steps, *, count=12, batch=4, share=0.5, known=KNOWN, seed=0):
    replay = Replay(known, share)
    return [draw_scenes(count, step=s, batch=batch, seed=seed, replay=replay) for s in range(steps)]


def test_draw_scenes__without_replay_draws_as_ever():
    batches = [draw_scenes(7, step=step, batch=3, seed=5) for step in range(4)]
    # As drawn before there was a replay: trained models can be made again.
    assert batches == [[4, 2, 5], [0, 6, 1], [3, 1, 0], [5, 2, 4]]


def test_draw_scenes__every_batch_holds_the_share():
    for batch in drawn(30):
        assert sum(index in KNOWN for index in batch) == 2


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.55, 1.0])
def test_draw_scenes__a_share_that_does_not_divide_a_batch_is_kept_in_the_long_run(share):
    batches = drawn(25, share=share)
    assert all(len(batch) == 4 for batch in batches)
    known = sum(index in KNOWN for batch in batches for index in batch)
    assert known == round(share * 100)


@given(
    step=st.integers(0, 10_000),
    batch=st.integers(1, 64),
    share=st.floats(0.0, 1.0).map(lambda share: round(share, 3)),
)
def test_replayed_until__is_the_share_to_a_scene_and_fits_in_a_batch(step, batch, share):
    here, then = (replayed_until(s, batch=batch, share=share) for s in (step, step + 1))
    assert 0.0 <= share * batch * step - here + 1e-6 < 1.0 + 2e-6
    assert 0 <= then - here <= batch


def test_draw_scenes__each_pool_goes_through_epochs_of_its_own():
    scenes = [index for batch in drawn(70, share=0.25) for index in batch]
    known = [index for index in scenes if index in KNOWN]
    others = [index for index in scenes if index not in KNOWN]
    assert (len(known), len(others)) == (70, 210)
    assert Counter(known) == dict.fromkeys(KNOWN, 14)
    assert Counter(others) == dict.fromkeys(set(range(12)) - KNOWN, 30)
    assert known[:5] != known[5:10]


def test_draw_scenes__is_a_function_of_seed_and_step():
    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(5, seed=1)


@pytest.mark.parametrize("known", [frozenset(), frozenset(range(12)), frozenset({99})])
def test_draw_scenes__one_empty_pool_leaves_all_to_the_other(known):
    assert drawn(6, known=known, share=0.3) == [
        draw_scenes(12, step=step, batch=4, seed=0) for step in range(6)
    ]
