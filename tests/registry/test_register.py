import socket
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ssvif.data.images import write_png
from ssvif.errors import RegistryError
from ssvif.files import sha256_file
from ssvif.fuse.fuser import Fuser
from ssvif.registry.bundle import BUNDLE_TAG, WEIGHTS_TAG, bundle_hash
from ssvif.registry.register import Registration
from ssvif.registry.versions import LED_TAG, Registry
from ssvif.tracking.store import URI_VARIABLE, open_client


@pytest.fixture
def registry(tracked_project):  # noqa: ARG001  # the registry is the project's
    return lambda: Registry(open_client(), "fuser")


def test_register_bundle__first_good_model_leads(register, make_bundle, registry, tracked_project):
    digest = make_bundle()
    assert register("models/bundle") == Registration(version=1, created=True, champion=1)
    assert registry().aliases() == {"challenger": 1, "champion": 1}
    assert bundle_hash(tracked_project / "models/champion") == digest


def test_register_bundle__twice_changes_nothing(register, make_bundle):
    make_bundle()
    register("models/bundle")
    assert register("models/bundle") == Registration(version=1, created=False, champion=1)
    assert len(open_client().search_model_versions("name = 'fuser'")) == 1


def test_register_bundle__the_second_good_model_only_challenges(
    register, make_bundle, registry, tracked_project
):
    first = make_bundle("one", folder="one")
    make_bundle("two", folder="two")
    register("one")
    assert register("two") == Registration(version=2, created=True, champion=1)
    assert registry().aliases() == {"challenger": 2, "champion": 1}
    assert bundle_hash(tracked_project / "models/champion") == first


def test_register_bundle__a_model_below_the_floors_does_not_lead(
    register, make_bundle, registry, tracked_project
):
    make_bundle()
    assert register("models/bundle", passes=False).champion is None
    assert registry().aliases() == {"challenger": 1}
    assert not (tracked_project / "models/champion").exists()


def test_register_bundle__a_fit_model_waits_where_the_gate_has_the_word(
    register, make_bundle, registry
):
    make_bundle()
    assert register("models/bundle", first_leads=False).champion is None
    assert registry().aliases() == {"challenger": 1}
    assert register("models/bundle", first_leads=False).champion is None
    assert register("models/bundle").champion == 1


def test_register_bundle__version_says_what_it_is(register, make_bundle, weights):
    digest = make_bundle()
    register("models/bundle", passes=False)
    tags = open_client().get_model_version("fuser", "1").tags
    assert tags[BUNDLE_TAG] == digest
    assert tags[WEIGHTS_TAG] == sha256_file(weights)
    assert tags["ssvif.floors"] == "missed"
    assert tags["ssvif.floor.qabf"] == "0.5"


def test_register_bundle__version_points_to_the_training_run(register, make_bundle):
    make_bundle()
    register("models/bundle")
    client = open_client()
    run = client.get_run(client.get_model_version("fuser", "1").run_id)
    assert run.info.run_name == "stage_two"


def test_register_bundle__champion_is_fetched_where_its_folder_is_lost(
    register, make_bundle, tracked_project
):
    first = make_bundle("one", folder="one")
    make_bundle("two", folder="two")
    register("one")
    (tracked_project / "models/champion/lineage.json").unlink()
    register("two")
    assert bundle_hash(tracked_project / "models/champion") == first


def test_register_bundle__a_lost_registry_keeps_the_champion_of_this_machine(
    register, make_bundle, registry, tracked_project, fresh_store
):
    first = make_bundle("one", folder="one")
    make_bundle("two", folder="two")
    register("one")
    fresh_store()
    assert register("two") == Registration(version=2, created=True, champion=1)
    assert registry().bundle_of(1) == first
    assert registry().aliases() == {"challenger": 2, "champion": 1}
    assert bundle_hash(tracked_project / "models/champion") == first


def test_register_bundle__a_lost_registry_lets_the_champion_lead_whatever_the_floors(
    register, make_bundle, fresh_store
):
    make_bundle()
    register("models/bundle")
    fresh_store()
    registered = register("models/bundle", passes=False)
    assert registered == Registration(version=1, created=True, champion=1)


@pytest.mark.parametrize("new", [True, False])
def test_register_bundle__an_alias_taken_away_by_hand_stays_away(
    register, make_bundle, registry, new
):
    make_bundle("one", folder="one")
    make_bundle("two", folder="two")
    register("one")
    open_client().delete_registered_model_alias("fuser", "champion")
    assert register("two" if new else "one").champion is None
    assert "champion" not in registry().aliases()


def test_register_bundle__a_champion_made_by_hand_counts_as_well(register, make_bundle):
    make_bundle()
    register("models/bundle", passes=False)
    client = open_client()
    client.set_registered_model_alias("fuser", "champion", "1")
    register("models/bundle")
    assert client.get_registered_model("fuser").tags[LED_TAG] == "true"
    client.delete_registered_model_alias("fuser", "champion")
    assert register("models/bundle").champion is None


def test_register_bundle__failure_half_way_leaves_nothing(
    register, make_bundle, registry, monkeypatch
):
    make_bundle()

    def refuse(*_arguments, **_options):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.create_model_version", refuse)
        with pytest.raises(RegistryError, match="the disk is full"):
            register("models/bundle")
    client = open_client()
    experiment = client.get_experiment_by_name("ssvif").experiment_id
    assert client.search_logged_models([experiment]) == []
    assert registry().aliases() == {}
    assert register("models/bundle").created


def test_register_bundle__a_failing_clean_up_does_not_hide_the_failure(
    register, make_bundle, monkeypatch
):
    make_bundle()

    def refuse(*_arguments, **_options):
        raise OSError("the disk is full")

    def fail(*_arguments, **_options):
        raise ConnectionError("nobody answers")

    monkeypatch.setattr("mlflow.MlflowClient.create_model_version", refuse)
    monkeypatch.setattr("mlflow.MlflowClient.delete_logged_model", fail)
    with pytest.raises(RegistryError, match="the disk is full"):
        register("models/bundle")


def test_register_bundle__dead_server_is_one_line(register, make_bundle, monkeypatch):
    make_bundle()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        monkeypatch.setenv(URI_VARIABLE, f"http://127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        with pytest.raises(RegistryError, match="the model registry cannot be used") as refusal:
            register("models/bundle")
    assert "\n" not in str(refusal.value)
    assert refusal.value.transient


def test_pyfunc__fuses_as_the_bundle_does_and_without_pickle(
    register, make_bundle, pair, monkeypatch, tracked_project
):
    import mlflow

    make_bundle()
    register("models/bundle")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    source = open_client().get_model_version_download_uri("fuser", "1")
    model = mlflow.pyfunc.load_model(source, model_config={"folder": "rig"})
    vis, ir = (images[0] for images in pair)
    write_png(Path("rig/vis.png"), vis)
    write_png(Path("rig/ir.png"), ir)
    answer = model.predict(pd.DataFrame({"vis": ["vis.png"], "ir": ["ir.png"], "out": ["f.png"]}))
    assert answer.to_dict("records") == [{"out": "f.png", "png": "", "error": ""}]
    fuser = Fuser.load(tracked_project / "models/bundle")
    np.testing.assert_array_equal(np.asarray(Image.open("rig/f.png")), fuser(vis, ir))
    with pytest.raises(mlflow.MlflowException, match="schema"):
        model.predict(pd.DataFrame({"vis": ["vis.png"]}))
