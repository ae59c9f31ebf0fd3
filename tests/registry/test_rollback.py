import pytest

from ssvif.errors import RegistryError
from ssvif.registry import at_hand
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.describe import ROLLED_BACK_TAG
from ssvif.registry.events import list_events
from ssvif.registry.promotion import promote
from ssvif.registry.rollback import rollback
from ssvif.registry.versions import Registry
from ssvif.tracking.store import Store, open_client


def registry():
    return Registry(open_client(), "fuser")


@pytest.fixture
def promoted(two_versions, project):
    promote(2, **project, by="Ada", reason="it looks better")
    return two_versions


def test_rollback__the_version_before_leads_again(promoted, project):
    done = rollback(**project, by="Ada", reason="halos")
    assert (done.champion, done.previous, done.changed) == (1, 2, True)
    assert registry().aliases() == {"challenger": 2, "champion": 1, "previous": 2}
    assert bundle_hash(project["champion_folder"]) == bundle_hash(promoted[1])
    assert "halos" in registry().version(2).tags[ROLLED_BACK_TAG]
    event = list_events(Store(open_client(), "ssvif"), "fuser")[0]
    assert (event.kind, event.version, event.champion) == ("rollback", 1, 2)


def test_rollback__needs_no_download(promoted, project, monkeypatch):
    monkeypatch.setattr(at_hand, "download_bundle", None)
    rollback(**project, by="Ada", reason="halos")
    assert bundle_hash(project["champion_folder"]) == bundle_hash(promoted[1])


def test_rollback__fetches_a_bundle_that_is_not_here(promoted, project, tracked_project):
    for kept in (tracked_project / "models/registry").iterdir():
        (kept / "lineage.json").unlink()
    rollback(**project, by="Ada", reason="halos")
    assert bundle_hash(project["champion_folder"]) == bundle_hash(promoted[1])


def test_rollback__does_not_swing_back_to_what_was_rolled_back(promoted, project):
    rollback(**project, by="Ada", reason="halos")
    with pytest.raises(RegistryError, match=r"version 2 was rolled back itself .*--to"):
        rollback(**project, by="Ada", reason="again")
    assert registry().aliases()["champion"] == min(promoted)


@pytest.mark.usefixtures("promoted")
def test_rollback__goes_where_it_is_told(project):
    rollback(**project, by="Ada", reason="halos")
    done = rollback(**project, by="Ada", reason="the halos were the camera's", to=2)
    assert done.champion == 2
    assert ROLLED_BACK_TAG not in registry().version(2).tags
    assert ROLLED_BACK_TAG in registry().version(1).tags


@pytest.mark.usefixtures("promoted")
def test_rollback__to_the_champion_changes_nothing(project):
    assert not rollback(**project, by="Ada", reason="halos", to=2).changed


@pytest.mark.usefixtures("two_versions")
def test_rollback__of_the_first_champion_is_refused(project):
    with pytest.raises(RegistryError, match="no version led before version 1"):
        rollback(**project, by="Ada", reason="halos")


@pytest.mark.usefixtures("promoted")
@pytest.mark.parametrize("has_led", [True, False])
def test_rollback__after_the_alias_was_moved_by_hand_wants_to_be_told(
    project, make_bundle, register, has_led
):
    make_bundle("three")
    register("models/bundle")
    chosen = 1 if has_led else 3
    registry().point_alias("champion", chosen)
    told = f"version {chosen} leads, for the alias was moved by hand; name one with --to"
    with pytest.raises(RegistryError, match=told):
        rollback(**project, by="Ada", reason="halos")
    assert rollback(**project, by="Ada", reason="halos", to=2).champion == 2


def test_rollback__of_nobody_is_refused(project):
    with pytest.raises(RegistryError, match="nobody leads"):
        rollback(**project, by="Ada", reason="halos")


@pytest.mark.usefixtures("promoted")
def test_rollback__needs_a_reason(project):
    with pytest.raises(RegistryError, match="needs a name and a reason"):
        rollback(**project, by="Ada", reason=" ")
