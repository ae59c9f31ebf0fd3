import json

import numpy as np
import pytest

from ssvif.data.images import write_png
from ssvif.errors import ModelError, RegistryError
from ssvif.files import sha256_file
from ssvif.fuse.marks import Marks
from ssvif.fuse.places import PRETRAINED, WEIGHTS_NAME
from ssvif.registry.bundle import WEIGHTS_TAG, bundle_hash
from ssvif.registry.forget import find_sightings
from ssvif.registry.lineage import Packaged, find_packaged, trace, trace_all
from ssvif.registry.resolve import DOWNLOADS, PARTS
from ssvif.tracking.store import open_client


@pytest.mark.parametrize(
    ("target", "version"),
    [("2", 2), ("champion", 1), ("challenger", 2), ("models:/fuser@champion", 1), ("two", 2)],
)
def test_trace__by_number_alias_address_or_bundle(two_versions, target, version):
    found = trace(target, name="fuser")
    assert (found.version, found.bundle) == (version, bundle_hash(two_versions[version]))
    assert found.facts["note"] == two_versions[version].name
    assert open_client().get_run(found.run_id).info.run_name == "stage_two"


def test_trace__from_a_fused_image_by_its_weights(two_versions, tracked_project):
    weights = sha256_file(two_versions[1] / "weights.safetensors")
    marks = Marks(weights, "b" * 64, "c" * 64)
    write_png(tracked_project / "fused.png", np.zeros((8, 8), np.uint8), text=marks.as_text())
    found = trace("fused.png", name="fuser")
    assert (found.version, found.twins, found.weights) == (1, (2,), weights)
    assert found.sources == ("b" * 64, "c" * 64)


def test_find_packaged__an_image_or_the_weights_of_the_packages_model(tmp_path):
    own = sha256_file(PRETRAINED / WEIGHTS_NAME)
    for name, weights in (("own", own), ("other", "a" * 64)):
        marks = Marks(weights, "b" * 64, "c" * 64)
        write_png(tmp_path / f"{name}.png", np.zeros((8, 8), np.uint8), text=marks.as_text())
    assert find_packaged(str(tmp_path / "own.png")) == Packaged(own, ("b" * 64, "c" * 64))
    assert find_packaged(str(PRETRAINED / WEIGHTS_NAME)) == Packaged(own, None)
    assert find_packaged(str(tmp_path / "other.png")) is None
    assert find_packaged("champion") is None


def test_trace__from_a_weights_file(two_versions):
    assert trace(f"{two_versions[1]}/weights.safetensors", name="fuser").version == 1


def test_trace__fetches_all_but_the_weights(two_versions):
    found = trace("2", name="fuser")
    assert found.folder.parent == DOWNLOADS / PARTS
    assert not (found.folder / "weights.safetensors").exists()
    assert len(found.pairs()) == 2 * len(two_versions)


@pytest.mark.usefixtures("two_versions")
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("7", "has no version 7"),
        ("best", "expected a fused PNG.* or an alias; fuser has challenger, champion"),
        ("models:/fuser@best", "fuser has challenger, champion"),
        ("other.bin", "no version of fuser has the weights"),
    ],
)
def test_trace__refuses(tracked_project, target, words):
    (tracked_project / "other.bin").write_bytes(b"no weights")
    with pytest.raises(RegistryError, match=words):
        trace(target, name="fuser")


@pytest.mark.usefixtures("tracked_project")
def test_trace__without_a_champion_says_how_to_get_one():
    with pytest.raises(RegistryError, match="nobody leads yet; train a model"):
        trace("champion", name="fuser")


def test_trace__follows_the_start(two_versions, make_bundle, register, tracked_project):
    make_bundle("three", folder="three")
    start = {"name": "fuser", "bundle": bundle_hash(two_versions[2]), "weights": "0" * 64}
    (tracked_project / "three/lineage.json").write_text(json.dumps({"start": start}))
    register("three")
    assert [origin.parent for origin in trace_all(name="fuser")] == [None, None, 2]


def test_trace_all__one_whose_files_are_gone_says_nothing(make_bundle, register, lose_files):
    for note in ("one", "two"):
        make_bundle(note, folder=note)
        register(note)
    lose_files(2)
    origins = trace_all(name="fuser")
    assert [origin.facts.get("note") for origin in origins] == ["one", None]
    found = find_sightings("rig/0", origins)
    assert [seen.version for seen in found.seen] == [1]
    assert found.silent == (2,)
    with pytest.raises(ModelError, match="version 2: its files are gone"):
        trace("2", name="fuser")


def test_trace__a_version_of_an_earlier_release_is_refused_by_name(two_versions):
    open_client().delete_model_version_tag("fuser", "2", WEIGHTS_TAG)
    with pytest.raises(RegistryError, match=f"version {max(two_versions)} has no tag"):
        trace("2", name="fuser")
