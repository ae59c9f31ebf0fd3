from dataclasses import replace

import pytest

from ssvif.errors import RetrainingError
from ssvif.files import scratch_prefix
from ssvif.retraining.identity import Inputs
from ssvif.retraining.state import new_state, open_states, read_state, state_path, write_state

INPUTS = Inputs(commit="c", captures="f", champion="old", overrides={"seed": 1})


def test_read_state__what_was_written(tmp_path):
    state = new_state(INPUTS)
    write_state(tmp_path, state)
    assert read_state(tmp_path, INPUTS.id) == state
    assert open_states(tmp_path) == [state]


def test_read_state__none(tmp_path):
    assert read_state(tmp_path, "gone") is None
    assert open_states(tmp_path) == []


def test_open_states__one_that_a_kill_left_half_written_is_none(tmp_path):
    write_state(tmp_path, new_state(INPUTS))
    (tmp_path / ".retrain" / f"{scratch_prefix()}abc.json").touch()
    assert [state.id for state in open_states(tmp_path)] == [INPUTS.id]


def test_read_state__damaged_is_refused_with_a_way_out(tmp_path):
    path = state_path(tmp_path, "bad")
    path.parent.mkdir()
    path.write_text('{"id": "bad"}')
    with pytest.raises(RetrainingError, match="delete it, and the retraining begins anew"):
        read_state(tmp_path, "bad")


def test_is_of__its_own_inputs():
    assert new_state(INPUTS).is_of(INPUTS)
    assert not new_state(INPUTS).is_of(replace(INPUTS, overrides={}))
    assert not new_state(INPUTS).is_of(replace(INPUTS, champion="another"))


def test_is_of__its_own_model_became_champion_before_a_kill():
    state = new_state(INPUTS).model_copy(update={"challenger": "new"})
    assert state.is_of(replace(INPUTS, champion="new"))
    assert not state.is_of(replace(INPUTS, champion="new", captures="others"))


def test_is_of__without_champion_nobody_is_its_own():
    inputs = replace(INPUTS, champion=None)
    assert not new_state(INPUTS).is_of(inputs)
    assert new_state(inputs).is_of(inputs)
