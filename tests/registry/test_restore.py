"""What `ssvif sync` does as a whole is tested with it; here is what the registry makes of it."""

import shutil

import pytest

from ssvif.params import FloorParams
from ssvif.registry.events import list_events
from ssvif.registry.promotion import apply_decision
from ssvif.registry.restore import Recorded, restore
from ssvif.registry.rollback import rollback
from ssvif.registry.versions import Registry
from ssvif.tracking.store import Store, open_client


@pytest.fixture
def lose_and_restore(two_versions, project, fresh_store, tracked_project):
    """Lose the store, and restore versions 1 and 2 from what was said when 2 was judged."""

    def done(decision, sentence):
        fresh_store()
        facts = {"runs": tracked_project / "runs", "floors": FloorParams(), "commit": "c" * 40}
        first = Recorded(bundle=two_versions[1], version=1, **facts)
        second = Recorded(
            bundle=two_versions[2],
            version=2,
            **facts,
            retraining="0a1b",
            decision=decision / "decision.json",
            sentence=sentence,
            at_ms=1,
        )
        return restore([first, second], **project)

    return done


def leads_and_kinds():
    client = open_client()
    events = list_events(Store(client, "ssvif"), "fuser")
    return Registry(client, "fuser").aliases()["champion"], [event.kind for event in events]


def test_restore__what_was_said_of_a_promotion_gives_a_promotion(
    two_versions, decide, project, lose_and_restore
):
    decision = decide(two_versions[1], sentence="promote over version 1: gains 4 % of Qabf")
    apply_decision(decision, bundle=2, **project)
    said = apply_decision(decision, bundle=2, **project).sentence  # as after a kill
    lose_and_restore(decision, said)
    leads, kinds = leads_and_kinds()
    assert leads == 2
    assert kinds[-1:] == ["promotion"]


def test_restore__what_was_rolled_back_before_was_refused(
    two_versions, decide, project, lose_and_restore
):
    apply_decision(decide(two_versions[1]), bundle=2, **project)
    rollback(**project, by="Ada", reason="halos")
    decision = decide(two_versions[1], sentence="promote over version 1: gains 5 % of Qabf")
    lose_and_restore(decision, apply_decision(decision, bundle=2, **project).sentence)
    leads, kinds = leads_and_kinds()
    assert leads == 1
    assert "refusal" in kinds
    assert "promotion" not in kinds


def test_restore__what_was_rolled_back_before_it_was_recorded_does_not_lead(
    two_versions, decide, project, lose_and_restore
):
    decision = decide(two_versions[1], sentence="promote over version 1: gains 4 % of Qabf")
    apply_decision(decision, bundle=2, **project)
    rollback(**project, by="Ada", reason="halos")
    said = apply_decision(decision, bundle=2, **project).sentence  # as after a kill
    shutil.rmtree(project["champion_folder"])
    lose_and_restore(decision, said)
    leads, kinds = leads_and_kinds()
    assert leads == 1
    assert "promotion" not in kinds
