import socket

import numpy as np
import pytest

from ssvif.errors import RegistryError
from ssvif.fuse.fuser import Fuser
from ssvif.params import FloorParams
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.floors import check_floors
from ssvif.registry.register import BUNDLE_TAG, Registration, Registry, register_bundle
from ssvif.registry.resolve import resolve_model
from ssvif.tracking.store import URI_VARIABLE, open_client


@pytest.fixture
def register(records, metrics):
    """Register a bundle of the project, with floors that it reaches or not."""

    def registered(bundle, *, passes=True):
        floors = FloorParams() if passes else FloorParams(qabf=0.99)
        return register_bundle(
            records.parent / bundle,
            name="fuser",
            experiment="ssvif",
            runs=records,
            verdict=check_floors(metrics, floors),
            champion_folder=records.parent / "models/champion",
        )

    return registered


@pytest.fixture
def registry(tracked_project):  # noqa: ARG001  # the registry is the project's
    return Registry(open_client(), "fuser")


def test_register_bundle__first_good_model_leads(register, make_bundle, registry, tracked_project):
    digest = make_bundle()
    assert register("models/bundle") == Registration(version=1, created=True, champion=1)
    assert registry.aliases() == {"challenger": 1, "champion": 1}
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
    assert registry.aliases() == {"challenger": 2, "champion": 1}
    assert bundle_hash(tracked_project / "models/champion") == first


def test_register_bundle__a_model_below_the_floors_does_not_lead(
    register, make_bundle, registry, tracked_project
):
    make_bundle()
    assert register("models/bundle", passes=False).champion is None
    assert registry.aliases() == {"challenger": 1}
    assert not (tracked_project / "models/champion").exists()


def test_register_bundle__version_says_what_it_is(register, make_bundle):
    digest = make_bundle()
    register("models/bundle", passes=False)
    tags = open_client().get_model_version("fuser", "1").tags
    assert tags[BUNDLE_TAG] == digest
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
    assert registry.aliases() == {}
    assert register("models/bundle").created


def test_register_bundle__dead_server_is_one_line(register, make_bundle, monkeypatch):
    make_bundle()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        monkeypatch.setenv(URI_VARIABLE, f"http://127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        with pytest.raises(RegistryError, match="the model registry cannot be used") as refusal:
            register("models/bundle")
    assert "\n" not in str(refusal.value)


def test_pyfunc__fuses_as_the_bundle_does_and_without_pickle(
    register, make_bundle, pair, monkeypatch, tracked_project
):
    import mlflow

    make_bundle()
    register("models/bundle")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    source = open_client().get_model_version_download_uri("fuser", "1")
    model = mlflow.pyfunc.load_model(source)
    vis, ir = pair
    fused = model.predict({"vis": vis, "ir": ir})
    fuser = Fuser.load(tracked_project / "models/bundle")
    np.testing.assert_array_equal(fused, [fuser(v, i) for v, i in zip(vis, ir, strict=True)])
    with pytest.raises(mlflow.MlflowException, match="schema"):
        model.predict({"vis": vis.astype(np.float32), "ir": ir})


@pytest.mark.parametrize("address", ["models:/fuser@champion", "models:/fuser/1"])
def test_resolve_model__gives_the_bundle(register, make_bundle, tracked_project, address):
    digest = make_bundle()
    register("models/bundle")
    assert bundle_hash(resolve_model(address, tracked_project / "cache")) == digest


def test_resolve_model__a_version_that_is_here_is_not_asked_for(
    register, make_bundle, tracked_project, monkeypatch
):
    make_bundle()
    register("models/bundle")
    found = resolve_model("models:/fuser/1", tracked_project / "cache")
    monkeypatch.setenv(URI_VARIABLE, "nonsense://nowhere")
    assert resolve_model("models:/fuser/1", tracked_project / "cache") == found


@pytest.mark.parametrize("address", ["fuser", "models:/fuser", "models:/fuser/new", "runs:/x/y"])
def test_resolve_model__address_that_is_not_understood(tmp_path, address):
    with pytest.raises(RegistryError, match="expected models:/NAME@ALIAS"):
        resolve_model(address, tmp_path)


@pytest.mark.usefixtures("tracked_project")
@pytest.mark.parametrize("address", ["models:/nobody@champion", "models:/nobody/3"])
def test_resolve_model__unknown_model(tmp_path, address):
    with pytest.raises(RegistryError, match="nobody"):
        resolve_model(address, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
