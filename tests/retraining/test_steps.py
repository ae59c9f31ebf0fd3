import pytest

from benchmarks.projects import git
from ssvif.errors import ChampionMovedError, ParamsError
from ssvif.gate.decision import DECISION, Challenger, Decision, read_decision, write_decision
from ssvif.registry.pin import ChampionLock, Pin, read_lock, write_lock
from ssvif.registry.promotion import Promotion
from ssvif.retraining import steps
from ssvif.retraining.identity import Inputs
from ssvif.retraining.state import new_state, write_state
from ssvif.retraining.steps import decide, pin, pin_anew, plan, read_outcome, refuse
from ssvif.retraining.workspace import Workspace
from ssvif.retraining.worktree import add_worktree, tag_commit

DECIDED = Decision(
    outcome="promote",
    mode="enforce",
    sentence="promote: Qabf +0.02",
    champion=None,
    challenger=Challenger(weights="a" * 64, megabytes=0.5),
    notes=("no golden set",),
)


class Registry:
    """Stands in for the registry's functions, which have tests of their own."""

    def __init__(self):
        self.leads = None
        self.asked = []

    def sync_champion(self, **place):
        self.asked.append(place)
        return self.leads and self.leads.version

    def pin_champion(self, *, root, roles, **_place):
        path = root / "data/champion.lock.json"
        lock = read_lock(path).model_copy(update=dict.fromkeys(roles, self.leads))
        write_lock(lock, path)
        return self.leads

    def apply_decision(self, decision, **facts):
        self.asked.append((read_decision(decision), facts))
        return Promotion(2, 2, 1, changed=True, sentence="version 2 leads")


@pytest.fixture
def registry(monkeypatch):
    found = Registry()
    for name in ("sync_champion", "pin_champion", "apply_decision"):
        monkeypatch.setattr(steps, name, getattr(found, name))
    monkeypatch.setattr(steps, "bundle_hash", lambda folder: f"hash of {folder.name}")
    return found


def champion(version=1):
    return Pin(name="ssvif", version=version, bundle=f"bundle {version}", weights="w")


@pytest.fixture
def begin(repository, registry):
    """Begin a retraining under the champion of the moment."""

    def begun():
        leads = registry.leads.bundle if registry.leads else None
        inputs = Inputs(commit="c", captures="f", champion=leads, overrides={})
        found = Workspace(repository, inputs.id, resumed=False)
        add_worktree(repository, found.folder, "HEAD")
        write_state(repository, new_state(inputs))
        write_decision(DECIDED, found.folder / DECISION)
        return found

    return begun


@pytest.mark.usefixtures("registry")
class TestPlan:
    def test_plan__names_the_retraining_by_its_inputs(self, repository):
        found = plan(repository, {"seed": 3})
        assert found.inputs.commit == git(repository, "rev-parse", "HEAD")
        assert found.inputs.champion is None
        assert (found.params.seed, found.files, found.recorded) == (3, 4, None)
        assert plan(repository, {"seed": 3}).inputs == found.inputs

    def test_plan__the_champion_counts(self, repository, registry):
        without = plan(repository, {}).inputs
        registry.leads = champion()
        found = plan(repository, {}).inputs
        assert found.champion == "hash of champion"
        assert found.id != without.id

    def test_plan__another_golden_set_is_another_retraining(self, repository):
        before = plan(repository, {}).inputs
        (repository / "data/golden.json").write_text('{"golden": {"hash": "a", "pairs": 1}}')
        assert plan(repository, {}).inputs.id != before.id

    def test_plan__parameters_are_those_of_the_commit(self, repository, registry):
        path = repository / "params.yaml"
        path.write_text(path.read_text().replace("name: ssvif", "name: another"))
        assert plan(repository, {"seed": 3}).params.register_.name == "ssvif"
        assert registry.asked[-1]["name"] == "ssvif"

    def test_plan__what_was_recorded_is_not_new_unless_asked_again(self, repository):
        first = plan(repository, {}).inputs
        tag_commit(repository, f"retrain/{first.id}", "version 1 stays: Qabf -0.01\n\nVersion: 2")
        assert plan(repository, {}).recorded == "version 1 stays: Qabf -0.01"
        again = plan(repository, {}, again=True)
        assert again.recorded is None
        assert again.inputs.id != first.id
        assert plan(repository, {}, again=True).inputs == again.inputs

    def test_plan__one_that_was_killed_after_its_record_is_still_to_be_ended(self, repository):
        first = plan(repository, {}).inputs
        tag_commit(repository, f"retrain/{first.id}", "said")
        write_state(repository, new_state(first))
        assert plan(repository, {}).recorded is None
        assert plan(repository, {}).inputs == first

    def test_plan__refuses_parameters_before_anything_else(self, repository, registry):
        with pytest.raises(ParamsError, match=r"unknown key stage_two\.step"):
            plan(repository, {"stage_two.step": 3})
        assert registry.asked == []


def test_pin__start_and_champion_in_a_commit_of_their_own(begin, registry, announced):
    registry.leads = champion()
    workspace = begin()
    assert pin(workspace) == "compared with ssvif version 1"
    lock = read_lock(workspace.folder / "data/champion.lock.json")
    assert lock == ChampionLock(start=champion(), champion=champion())
    assert git(workspace.folder, "status", "--porcelain", "--untracked-files=no") == ""
    assert workspace.state.pinned
    assert announced.exists()


def test_pin__nobody_leads(begin):
    workspace = begin()
    assert pin(workspace) == "nobody leads, so it is trained from scratch"
    assert workspace.state.pinned


def test_pin__one_that_was_left_keeps_its_pins(begin, registry):
    registry.leads = champion()
    workspace = begin()
    pin(workspace)
    registry.leads = champion(2)
    assert pin(workspace) == "compared with ssvif version 1"


def test_pin__the_champion_moved_since_the_plan(begin, registry, announced):
    workspace = begin()
    registry.leads = champion()
    with pytest.raises(ChampionMovedError, match="run it again"):
        pin(workspace)
    assert not workspace.state.pinned
    assert not announced.exists()  # it is due again at once


def test_pin_anew__the_start_stays(begin, registry):
    registry.leads = champion()
    workspace = begin()
    pin(workspace)
    registry.leads = champion(2)
    assert pin_anew(workspace) == "compared with ssvif version 2"
    lock = read_lock(workspace.folder / "data/champion.lock.json")
    assert lock == ChampionLock(start=champion(), champion=champion(2))


def test_read_outcome__notes_the_bundle_so_that_a_kill_after_promotion_is_known(begin):
    workspace = begin()
    assert read_outcome(workspace) == DECIDED
    assert workspace.state.challenger == "hash of bundle"


def test_decide__tells_the_registry_what_it_comes_from(begin, registry):
    workspace = begin()
    found = decide(workspace)
    decided, facts = registry.asked[-1]
    assert decided == DECIDED
    assert (facts["by"], facts["retraining"]) == ("gate", workspace.id)
    assert facts["commit"] == git(workspace.folder, "rev-parse", "HEAD")
    assert facts["champion_folder"] == workspace.project / "models/champion"
    assert (found.version, found.changed, found.sentence) == (2, True, "version 2 leads")


def test_refuse__a_person_keeps_the_champion_and_the_gates_word_is_kept(begin, registry):
    workspace = begin()
    decide(workspace, decision=refuse(workspace, by="Ada", reason="not at night"), by="Ada")
    decided, facts = registry.asked[-1]
    assert (decided.outcome, facts["by"]) == ("keep", "Ada")
    assert decided.sentence == "Ada keeps the champion: not at night"
    assert decided.notes == ("no golden set", "the gate had decided: promote: Qabf +0.02")
    assert read_decision(workspace.folder / DECISION) == DECIDED
