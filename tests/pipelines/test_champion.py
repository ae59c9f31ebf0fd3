import pytest

from pipelines import champion, reap
from ssvif.params import Params
from ssvif.registry import history, promotion, rollback
from ssvif.registry.promotion import Promotion
from ssvif.retraining import reap as reaper
from ssvif.retraining.reap import Reaped

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]

DONE = Promotion(2, 2, 1, changed=True, sentence="version 2 leads")


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """What the library was asked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("register: {name: fuser}\n")
    calls = []

    def answering(answer):
        def called(*words, **facts):
            calls.append((words, facts))
            return answer

        return called

    monkeypatch.setattr(promotion, "promote", answering(DONE))
    monkeypatch.setattr(rollback, "rollback", answering(DONE))
    monkeypatch.setattr(history, "standing", answering(None))
    monkeypatch.setattr(reaper, "reap", answering(Reaped(retrainings=["abc"])))
    return calls


def test_promote__by_name_and_with_a_reason(asked):
    state = champion.promote(2, by="Ada", reason="night", return_state=True)
    assert state.message == "version 2 leads"
    words, facts = asked[0]
    assert words == (2,)
    assert (facts["by"], facts["reason"], facts["name"]) == ("Ada", "night", "fuser")


def test_rollback__by_name_and_with_a_reason(asked):
    state = champion.rollback(by="Ada", reason="worse", return_state=True)
    assert state.message == "version 2 leads"
    assert (asked[0][1]["by"], asked[0][1]["to"]) == ("Ada", None)


@pytest.mark.usefixtures("asked")
def test_status__nobody_leads():
    assert champion.status(return_state=True).message == "nobody leads"


def test_reap__what_the_command_does(asked, tmp_path):
    assert reap.reap(return_state=True).is_completed()
    (project, params), _ = asked[0]
    assert project == tmp_path
    assert isinstance(params, Params)
