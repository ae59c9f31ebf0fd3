from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines import retrain as module
from pipelines.dvc import StageFailedError
from ssvif.errors import ChampionMovedError, RetrainingError, ServiceError
from ssvif.gate.decision import Challenger, Decision
from ssvif.params import Params
from ssvif.retraining.identity import Inputs
from ssvif.retraining.record import Outcome
from ssvif.retraining.steps import Plan

INPUTS = Inputs(commit="c", captures="f", champion=None, overrides={})
OUTCOME = Outcome(
    sentence="version 2 leads: Qabf +0.02",
    bundle="b",
    version=2,
    changed=True,
)


def decision(outcome="promote", mode="enforce"):
    return Decision(
        outcome=outcome,
        mode=mode,
        sentence="Qabf +0.02",
        champion=None,
        challenger=Challenger(weights="a" * 64, megabytes=0.5),
    )


class Library:
    """Stands in for what the tasks call; notes what was done, and fails where it is told to."""

    def __init__(self, folder):
        self.done = []
        self.failures = {}
        self.recorded = None
        self.decision = decision()
        self.workspace = SimpleNamespace(
            id=INPUTS.id,
            folder=folder,
            resumed=False,
            environment={"SSVIF_RETRAINING": str(folder)},
            close=lambda: self.note("clean"),
        )

    def note(self, name):
        self.done.append(name)
        failures = self.failures.get(name, [])
        if failures:
            raise failures.pop(0)

    def plan(self, _project, overrides, *, again):
        self.done.append(("plan", overrides, again))
        return Plan(INPUTS, Params(), 4, self.recorded)

    def reproduce(self, stage, *, log, limit_s, folder, environment, force):
        assert not force
        self.note(stage)
        assert (folder, environment) == (self.workspace.folder, self.workspace.environment)
        log(f"at most {limit_s:g} s")

    @contextmanager
    def hold(self, _project, _inputs):
        self.note("hold")
        try:
            yield INPUTS.id
        finally:
            self.done.append("let go")

    def returning(self, name, value):
        def called(*_, **words):
            self.note(f"{name} by {words['by']}" if "by" in words else name)
            return value() if callable(value) else value

        return called


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages: {train: {cmd: x}, gate: {cmd: y}}")
    found = Library(tmp_path)
    steps = "ssvif.retraining.steps"
    monkeypatch.setattr(f"{steps}.plan", found.plan)
    monkeypatch.setattr(f"{steps}.pin", found.returning("pin", "pinned"))
    monkeypatch.setattr(f"{steps}.pin_anew", found.returning("pin anew", "pinned"))
    monkeypatch.setattr(f"{steps}.read_outcome", found.returning("read", lambda: found.decision))
    monkeypatch.setattr(f"{steps}.decide", found.returning("decide", OUTCOME))
    monkeypatch.setattr(f"{steps}.refuse", found.returning("refuse", Path("refused")))
    monkeypatch.setattr("pipelines.steps.take_up", found.returning("take up", found.workspace))
    monkeypatch.setattr("pipelines.tasks.reproduce", found.reproduce)
    monkeypatch.setattr("ssvif.retraining.record.record", found.returning("record", "retrain/x"))
    monkeypatch.setattr("ssvif.retraining.record.push", found.returning("push", "store"))
    monkeypatch.setattr(module, "hold_retraining", found.hold)
    for task in (module.run_stage, module.steps.decide, module.steps.pin):
        monkeypatch.setattr(task, "retry_delay_seconds", 0.0)
    return found


BEGIN = ["hold", "take up", "pin", "train", "gate", "read"]
END = ["decide by gate", "record", "push", "clean", "let go"]


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
class TestRetrain:
    def test_retrain__all_steps_in_turn_and_the_outcome_as_its_message(self, library):
        state = module.retrain({"seed": 1}, from_scratch=True, mode="off", return_state=True)
        assert library.done[1:] == [*BEGIN, *END]
        changes = {"seed": 1, "stage_one.start": "scratch", "gate.mode": "off"}
        assert library.done[0] == ("plan", changes, False)
        assert (state.name, state.message) == ("Completed", OUTCOME.sentence)

    def test_retrain__nothing_new_does_nothing(self, library):
        library.recorded = "version 1 stays"
        state = module.retrain(return_state=True)
        assert len(library.done) == 1
        assert state.is_completed()
        assert f"nothing is new since the retraining {INPUTS.id}" in state.message

    def test_retrain__refused_stage_stops_it_and_the_worktree_stays(self, library):
        library.failures["train"] = [StageFailedError("train", "bad", refused=True)]
        state = module.retrain(return_state=True)
        assert (state.name, state.message) == ("Failed", "train: bad")
        with pytest.raises(StageFailedError, match="train: bad"):
            state.result()
        assert library.done[1:] == ["hold", "take up", "pin", "train", "let go"]

    def test_retrain__a_service_that_comes_back_is_waited_for(self, library):
        lost = StageFailedError("train", "no answer", refused=False, transient=True)
        library.failures["train"] = [lost]
        library.failures["decide by gate"] = [ServiceError("no answer", transient=True)]
        assert module.retrain(return_state=True).is_completed()
        assert library.done.count("train") == library.done.count("decide by gate") == 2

    def test_retrain__another_champion_meanwhile_is_compared_with(self, library):
        library.failures["decide by gate"] = [ChampionMovedError("moved", champion=3)] * 3
        assert module.retrain(return_state=True).is_completed()
        again = ["decide by gate", "pin anew", "gate", "read"]
        assert library.done[1:] == [*BEGIN, *again, *again, *again, *END]

    def test_retrain__gives_up_when_the_champion_keeps_moving(self, library):
        library.failures["decide by gate"] = [ChampionMovedError("moved", champion=3)] * 4
        with pytest.raises(ChampionMovedError):
            module.retrain()
        assert "record" not in library.done

    def test_retrain__a_remote_that_fails_takes_nothing_back(self, library):
        library.failures["push"] = [RetrainingError("store: no answer")]
        assert module.retrain(return_state=True).is_completed()
        assert library.done[-2:] == ["clean", "let go"]

    @pytest.mark.parametrize("approved", [True, False])
    def test_retrain__a_person_is_asked(self, library, monkeypatch, approved):
        def ask(sentence, page, **_):
            library.done.append(("asked", sentence, page.name))
            return SimpleNamespace(approved=approved, by="Ada", reason="as I like it")

        monkeypatch.setattr(module, "ask_person", ask)
        assert module.retrain(approval=True, return_state=True).is_completed()
        assert ("asked", "Qabf +0.02", "index.html") in library.done
        assert ("refuse by Ada" in library.done) is not approved
        assert "decide by Ada" in library.done

    def test_retrain__nobody_is_asked_about_a_challenger_that_lost(self, library, monkeypatch):
        monkeypatch.setattr(module, "ask_person", lambda *_, **__: pytest.fail("asked"))
        library.decision = decision("keep")
        assert module.retrain(approval=True, return_state=True).is_completed()


def test_main__asking_needs_a_server_that_lasts(monkeypatch):
    monkeypatch.setattr(module.PREFECT_API_URL, "value", lambda: None)
    with pytest.raises(RetrainingError, match="prefect server start"):
        module.main(approve=True)
