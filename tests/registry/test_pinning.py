import pytest
from filelock import Timeout

from ssvif.registry import pinning
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.events import list_events
from ssvif.registry.pin import LOCK, pinned_bundle, read_lock
from ssvif.registry.pinning import pin_champion, sync_champion
from ssvif.registry.promotion import promote
from ssvif.registry.versions import Registry
from ssvif.tracking.store import Store, open_client, store_lock


def test_pin_champion__brings_bundle_and_hashes(two_versions, project, tmp_path):
    root = tmp_path / "work"
    pin = pin_champion(**project, root=root)
    assert (pin.name, pin.version, pin.bundle) == ("fuser", 1, bundle_hash(two_versions[1]))
    for role in ("start", "champion"):
        assert bundle_hash(pinned_bundle(role, root / LOCK, root)) == pin.bundle


def test_pin_champion__again_for_one_role_keeps_the_other(two_versions, project, tmp_path):
    root = tmp_path / "work"
    first = pin_champion(**project, root=root)
    promote(max(two_versions), **project, by="Ada", reason="it looks better")
    second = pin_champion(**project, root=root, roles=["champion"])
    lock = read_lock(root / LOCK)
    assert (lock.start, lock.champion) == (first, second)
    assert second.version == 2


def test_pin_champion__nobody_leads(project, tmp_path):
    assert pin_champion(**project, root=tmp_path / "work") is None
    assert read_lock(tmp_path / "work" / LOCK).champion is None


def test_pin_champion__a_registry_that_was_lost_takes_over_the_champion(
    two_versions, project, tmp_path, fresh_store
):
    fresh_store()
    pin = pin_champion(**project, root=tmp_path / "work")
    assert (pin.version, pin.bundle) == (1, bundle_hash(two_versions[1]))
    assert Registry(open_client(), "fuser").aliases() == {"champion": 1}
    (event,) = list_events(Store(open_client(), "ssvif"), "fuser")
    assert event.kind == "first"


def test_sync_champion__follows_an_alias_that_was_set_by_hand(two_versions, project):
    open_client().set_registered_model_alias("fuser", "champion", "2")
    assert sync_champion(**project) == 2
    assert bundle_hash(project["champion_folder"]) == bundle_hash(two_versions[2])


def test_sync_champion__repairs_a_damaged_folder(two_versions, project):
    (project["champion_folder"] / "MODEL_CARD.md").write_text("another")
    assert sync_champion(**project) == 1
    assert bundle_hash(project["champion_folder"]) == bundle_hash(two_versions[1])


def test_pin_champion__nobody_promotes_while_the_bundle_is_copied(
    two_versions, project, tmp_path, monkeypatch
):
    copy = pinning.shutil.copytree

    def checked(*arguments, **options):
        with pytest.raises(Timeout), store_lock("registry"):
            pass
        return copy(*arguments, **options)

    monkeypatch.setattr(pinning.shutil, "copytree", checked)
    monkeypatch.setattr("ssvif.tracking.store._LOCK_SECONDS", 0)
    pin = pin_champion(**project, root=tmp_path / "work")
    assert pin.bundle == bundle_hash(two_versions[pin.version])
