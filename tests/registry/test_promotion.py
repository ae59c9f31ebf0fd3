from itertools import count

import pytest

from ssvif.errors import ChampionMovedError, GateError, ModelError, RegistryError
from ssvif.registry import at_hand
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.describe import LED_SINCE_TAG, REASON_TAG, SENTENCE_TAG
from ssvif.registry.events import list_events
from ssvif.registry.pinning import sync_champion
from ssvif.registry.promotion import Promotion, apply_decision, promote
from ssvif.registry.rollback import rollback
from ssvif.registry.versions import Registry
from ssvif.tracking.store import Store, open_client

# Every call by which a change of champion writes to MLflow.
WRITES = (
    *("set_registered_model_alias", "set_registered_model_tag", "delete_registered_model_tag"),
    *("set_model_version_tag", "delete_model_version_tag", "update_model_version"),
    *("update_registered_model", "create_run", "log_batch", "log_artifact", "set_terminated"),
)


def registry():
    return Registry(open_client(), "fuser")


def events():
    return list_events(Store(open_client(), "ssvif"), "fuser")


def force(project, version):
    return promote(version, **project, by="Ada", reason="it looks better")


def test_apply_decision__the_winner_leads(two_versions, decide, project):
    decision = decide(two_versions[1])
    done = apply_decision(decision, bundle=two_versions[2], **project)
    assert (done.version, done.champion, done.previous, done.changed) == (2, 2, 1, True)
    assert registry().aliases() == {"challenger": 2, "champion": 2, "previous": 1}
    assert bundle_hash(project["champion_folder"]) == bundle_hash(two_versions[2])


def test_apply_decision__tells_people_in_mlflow(two_versions, decide, project):
    apply_decision(decide(two_versions[1]), bundle=2, **project, retraining="0a1b", commit="c" * 40)
    version, old = registry().version(2), registry().version(1)
    assert version.tags[SENTENCE_TAG] == "Qabf +0.02"
    assert version.tags["ssvif.gate.checks"] == "1 of 1 passed"
    assert version.tags["ssvif.retraining"] == "0a1b"
    assert version.tags["ssvif.git_commit"] == "c" * 40
    assert version.tags[LED_SINCE_TAG].endswith("UTC")
    assert version.description.startswith("Leads from 20")
    assert "until" in old.description
    text = open_client().get_registered_model("fuser").description
    assert "**Version 2 leads**" in text
    assert "models:/fuser@champion" in text


def test_apply_decision__keeps_the_gates_report_with_the_event(two_versions, decide, project):
    apply_decision(decide(two_versions[1]), bundle=2, **project)
    client = open_client()
    store = Store(client, "ssvif")
    (run,) = client.search_runs([store.experiment_id], "tags.`ssvif.event` = 'promotion'")
    assert run.info.run_name == "Version 2 leads, after version 1"
    assert run.info.status == "FINISHED"
    assert run.data.metrics["gate/all/Qabf/challenger"] == 0.52
    kept = {item.path for item in client.list_artifacts(run.info.run_id, "gate")}
    assert kept == {"gate/decision.json", "gate/summary.md"}


@pytest.mark.parametrize(
    ("outcome", "mode", "kind"),
    [
        ("keep", "enforce", "refusal"),
        ("promote", "dry_run", "dry_run"),
        ("not_gated", "off", "refusal"),
    ],
)
def test_apply_decision__all_else_leaves_the_champion(
    two_versions, decide, project, outcome, mode, kind
):
    decision = decide(two_versions[1], outcome=outcome, mode=mode)
    done = apply_decision(decision, bundle=2, **project)
    assert (done.champion, done.changed) == (1, False)
    assert registry().aliases() == {"challenger": 2, "champion": 1}
    assert [event.kind for event in events()] == [kind, "first"]
    assert registry().version(2).tags["ssvif.decision"] == f"{outcome} ({mode})"


@pytest.mark.parametrize("outcome", ["promote", "keep"])
def test_apply_decision__twice_changes_nothing(two_versions, decide, project, outcome):
    decision = decide(two_versions[1], outcome=outcome)
    first = apply_decision(decision, bundle=2, **project)
    second = apply_decision(decision, bundle=2, **project)
    assert not second.changed
    assert second.champion == first.champion
    assert second.sentence == first.sentence
    assert len(events()) == 2


def test_apply_decision__one_made_against_another_champion_is_refused(
    two_versions, decide, project, make_bundle, register, tracked_project
):
    make_bundle("three", folder="three")
    register("three")
    decision = decide(two_versions[1])
    apply_decision(decision, bundle=2, **project)
    with pytest.raises(ChampionMovedError, match=r"version 2 leads.*against version 1") as caught:
        apply_decision(decision, bundle=tracked_project / "three", **project)
    assert caught.value.champion == 2
    assert registry().aliases()["champion"] == 2


def test_apply_decision__a_version_that_was_rolled_back_does_not_come_back_by_itself(
    two_versions, decide, project
):
    apply_decision(decide(two_versions[1]), bundle=2, **project)
    rollback(**project, by="Ada", reason="halos")
    again = apply_decision(decide(two_versions[1], sentence="Qabf +0.03"), bundle=2, **project)
    assert again.champion == 1
    assert "was rolled back" in again.sentence
    assert "halos" in again.sentence
    assert events()[0].kind == "refusal"


def test_apply_decision__the_same_decision_after_a_rollback_is_done_already(
    two_versions, decide, project
):
    decision = decide(two_versions[1])
    apply_decision(decision, bundle=2, **project)
    rollback(**project, by="Ada", reason="halos")
    again = apply_decision(decision, bundle=2, **project)
    told = "version 2 was promoted and is no longer the champion (version 1 leads)"
    assert again == Promotion(2, 1, 1, changed=False, sentence=told)


def test_apply_decision__the_first_fit_model_leads(make_bundle, register, decide, project):
    make_bundle()
    register("models/bundle", passes=False)
    done = apply_decision(decide(None, outcome="first"), bundle=1, **project)
    assert (done.champion, done.previous, done.changed) == (1, None, True)
    assert events()[0].kind == "first"


def test_apply_decision__an_alias_taken_away_by_hand_stays_away(two_versions, decide, project):
    open_client().delete_registered_model_alias("fuser", "champion")
    done = apply_decision(decide(None, outcome="first"), bundle=two_versions[2], **project)
    assert done.champion is None
    assert "taken away by hand" in done.sentence


def test_apply_decision__refuses_one_about_other_weights(two_versions, decide, project):
    decision = decide(two_versions[1]) / "decision.json"
    text = decision.read_text()
    weights = registry().version(2).tags["ssvif.weights"]
    head, tail = text.split('"challenger"')
    decision.write_text(head + '"challenger"' + tail.replace(weights, "0" * 64))
    with pytest.raises(RegistryError, match="the decision is about the weights 000000000000"):
        apply_decision(decision, bundle=2, **project)


def test_apply_decision__refuses_a_bundle_that_is_not_registered(
    two_versions, decide, project, make_bundle, tracked_project
):
    make_bundle("three", folder="three")
    with pytest.raises(RegistryError, match="not registered as fuser"):
        apply_decision(decide(two_versions[1]), bundle=tracked_project / "three", **project)


def test_apply_decision__refuses_a_missing_decision(two_versions, project, tracked_project):
    with pytest.raises(GateError, match="no decision yet"):
        apply_decision(tracked_project / "none.json", bundle=two_versions[2], **project)


def test_promote__by_force_keeps_name_and_reason(two_versions, decide, project):
    decision = decide(two_versions[1], outcome="keep")
    done = promote("challenger", **project, by="Ada", reason="it looks better", decision=decision)
    assert (done.champion, done.previous, done.changed) == (2, 1, True)
    assert registry().version(2).tags[REASON_TAG] == "it looks better"
    event = events()[0]
    assert (event.kind, event.by, event.reason) == ("forced", "Ada", "it looks better")
    assert not force(project, 2).changed


@pytest.mark.parametrize(("by", "reason"), [("", "why not"), ("Ada", " ")])
def test_promote__by_force_needs_name_and_reason(two_versions, project, by, reason):
    with pytest.raises(RegistryError, match="--by and --reason"):
        promote(2, **project, by=by, reason=reason)
    assert registry().aliases()["champion"] == min(two_versions)


def test_promote__refuses_a_version_that_is_not_there(two_versions, project):
    with pytest.raises(RegistryError, match="fuser has no version 3"):
        force(project, max(two_versions) + 1)


def test_promote__a_version_whose_bundle_is_gone_changes_nothing(
    two_versions, project, monkeypatch
):
    def download(_name, _version, folder):
        folder.mkdir(parents=True)

    monkeypatch.setattr(at_hand, "download_bundle", download)
    with pytest.raises(ModelError, match="registry's copy of fuser version 2"):
        force(project, 2)
    assert registry().aliases()["champion"] == 1
    assert bundle_hash(project["champion_folder"]) == bundle_hash(two_versions[1])


class Killed(BaseException):
    """What a kill looks like from inside: nothing catches it."""


@pytest.fixture
def kill_before(monkeypatch):
    """Kill before the given write, counted from zero; returns whether it came to that."""

    def armed(patch, number):
        done = count()
        fired = []

        def dying(original):
            def call(*arguments, **options):
                if next(done) >= number:
                    fired.append(True)
                    raise Killed
                return original(*arguments, **options)

            return call

        for name in WRITES:
            patch.setattr(f"mlflow.MlflowClient.{name}", dying(getattr(_client(), name)))
        patch.setattr(at_hand, "_copy", dying(at_hand._copy))
        return fired

    def _client():
        from mlflow import MlflowClient

        return MlflowClient

    def kill(number, action):
        with monkeypatch.context() as patch:
            fired = armed(patch, number)
            try:
                action()
            except Killed:
                assert fired
        return bool(fired)

    return kill


@pytest.mark.slow
def test_promote__killed_at_any_write_leaves_one_champion_and_is_completed(
    two_versions, project, kill_before
):
    for number in count():
        old = registry().aliases()["champion"]
        new, seen = 3 - old, len(events())
        killed = kill_before(number, lambda new=new: force(project, new))
        leader = sync_champion(**project)
        assert leader in (old, new)
        assert bundle_hash(project["champion_folder"]) == bundle_hash(two_versions[leader])
        assert registry().change_under_way() is None
        if leader == new:
            assert registry().aliases()["previous"] == old
            assert [event.version for event in events()][: len(events()) - seen] == [new]
        else:
            assert len(events()) == seen
        if not killed:
            break
    assert number > 8
    assert leader == new


def test_apply_decision__killed_half_way_is_completed_by_the_same_call(
    two_versions, decide, project, kill_before
):
    decision = decide(two_versions[1])
    for number in (4, 7, 10, 13):
        assert kill_before(number, lambda: apply_decision(decision, bundle=2, **project))
    apply_decision(decision, bundle=2, **project)
    assert registry().aliases() == {"challenger": 2, "champion": 2, "previous": 1}
    assert [event.kind for event in events()] == ["promotion", "first"]


def test_apply_decision__a_refusal_killed_half_way_is_completed(
    two_versions, decide, project, kill_before
):
    decision = decide(two_versions[1], outcome="keep")
    client = open_client()
    query = ([Store(client, "ssvif").experiment_id], "tags.`ssvif.event` = 'refusal'")
    number = 0
    while not client.search_runs(*query):
        number += 1
        assert kill_before(number, lambda: apply_decision(decision, bundle=2, **project))
    assert [run.info.status for run in client.search_runs(*query)] == ["RUNNING"]
    apply_decision(decision, bundle=2, **project)
    assert [run.info.status for run in client.search_runs(*query)] == ["FINISHED"]
    assert events()[0].reason == "Qabf +0.02"


def test_apply_decision__one_that_leads_already_says_why(two_versions, decide, project):
    done = apply_decision(decide(None, outcome="first"), bundle=two_versions[1], **project)
    assert not done.changed
    assert done.sentence == "Version 1 leads, the first: every floor is reached"


def test_promote__a_long_reason_of_many_lines_is_no_trap(two_versions, project):
    reason = "Ada said:\n\n" + "it looks better " * 1000
    promote(2, **project, by="Ada", reason=reason)
    assert sync_champion(**project) == 2
    told = events()[0].reason
    assert told.startswith("Ada said: it looks better")
    assert len(told) <= 1000
    assert registry().change_under_way() is None
    assert list(two_versions) == [1, 2]
