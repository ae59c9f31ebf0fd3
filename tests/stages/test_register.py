import json
import logging
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from ssvif.errors import ManifestError, ModelError, RegistryError, StorageError
from ssvif.files import sha256_folder, write_json
from ssvif.fuse.places import ONNX_NAME, PRETRAINED
from ssvif.models.weights import save_model
from ssvif.params import Params
from ssvif.registry.bundle import bundle_hash, write_bundle
from ssvif.registry.pairs import learnt_ids, read_pairs
from ssvif.registry.pin import ChampionLock, Pin, pinned_folder, write_lock
from ssvif.stages import register
from ssvif.tracking.facts import describe_stage
from ssvif.tracking.record import write_record
from ssvif.tracking.store import URI_VARIABLE, open_client

EVALUATION = {
    "split": "test",
    "pairs": 3,
    "stage_two": {"EN": 6.7, "Qabf": 0.5, "SSIM": 0.6},
    "branches": {
        "stage_two": {
            "agreement": 0.7,
            "agreement_over_chance": 0.6,
            "effective_prototypes_share": 0.5,
        }
    },
}


def _write_manifest(path, splits):
    rows = {"id": [str(n) for n in range(len(splits))], "set": ["a", "a", "b"], "split": splits}
    pd.DataFrame(rows).to_parquet(path)


@pytest.fixture
def trained(tracked_project, tiny_model, tiny_network):
    """A project in which everything before the DVC stage `register` is done."""
    (tracked_project / "params.yaml").write_text("register:\n  name: fuser\n")
    (tracked_project / "data").mkdir()
    _write_manifest(tracked_project / "data/manifest.parquet", ["train", "test", "train"])
    save_model(register.WEIGHTS, tiny_model, network=tiny_network)
    shutil.copytree(PRETRAINED / ONNX_NAME, register.ONNX)
    write_json(register.EVALUATION, EVALUATION)
    for stage in ("stage_one", "stage_two"):
        write_record(register.RUNS / stage, facts=describe_stage(stage, Params(), {}), rows=[])
    return tracked_project


@pytest.mark.usefixtures("trained")
def test_main__bundles_registers_and_reports(caplog):
    caplog.set_level(logging.INFO, "ssvif")
    register.main()
    report = json.loads(register.REPORT.read_text())
    assert (report["name"], report["version"]) == ("fuser", 1)
    assert report["bundle"] == bundle_hash(register.BUNDLE) == bundle_hash(register.CHAMPION)
    assert report["floors"]["passed"]
    lineage = json.loads((register.BUNDLE / "lineage.json").read_text())
    assert lineage["pairs"] == {"a": {"test": 1, "train": 1}, "b": {"train": 1}}
    assert "registered as fuser version 1, now champion" in caplog.text


@pytest.mark.usefixtures("trained")
def test_main__what_the_start_had_learnt_is_inherited(tmp_path):
    _write_manifest(tmp_path / "before.parquet", ["test", "train", "val"])
    digest = write_bundle(
        tmp_path / "bundle",
        weights=register.WEIGHTS,
        params={},
        metrics={},
        lineage={},
        manifest=tmp_path / "before.parquet",
        card="# A model\n",
    )
    pin = Pin(name="fuser", version=7, bundle=digest, weights="0" * 64)
    shutil.copytree(tmp_path / "bundle", pinned_folder(pin))
    write_lock(ChampionLock(start=pin))
    register.main()
    pairs = read_pairs(register.BUNDLE)
    assert list(pairs["split"]) == ["train", "test", "train"]
    assert list(pairs["inherited"]) == [False, True, True]
    assert learnt_ids(pairs) == {"0", "1", "2"}


def test_main__a_second_time_changes_no_byte(trained, caplog):
    caplog.set_level(logging.INFO, "ssvif")
    register.main()
    outputs = [trained / "models", trained / "reports", trained / "runs"]
    before = [sha256_folder(folder) for folder in outputs]
    register.main()
    assert [sha256_folder(folder) for folder in outputs] == before
    assert "already registered as fuser version 1: nothing changed" in caplog.text


def test_main__the_quick_way_needs_neither_torch_nor_mlflow(trained):
    register.main()
    code = (
        "import sys; from ssvif.stages import register; register.main(); "
        "sys.exit('torch' in sys.modules or 'mlflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=trained).returncode == 0


@pytest.mark.usefixtures("trained")
def test_main__another_commit_alone_is_not_another_model(monkeypatch):
    register.main()
    monkeypatch.setattr("ssvif.tracking.facts._revision", lambda: ("f" * 40, "true"))
    register.main()
    assert json.loads(register.REPORT.read_text())["version"] == 1


@pytest.mark.usefixtures("trained")
def test_main__a_second_model_is_told_how_to_lead(tiny_model, tiny_network, caplog):
    caplog.set_level(logging.INFO, "ssvif")
    register.main()
    assert "leads still" not in caplog.text
    tiny_model.requires_grad_(requires_grad=False).prototypes.neg_()
    save_model(register.WEIGHTS, tiny_model, network=tiny_network)
    register.main()
    assert "registered as fuser version 2, now challenger" in caplog.text
    assert "version 1 leads still" in caplog.text
    assert "make retrain" in caplog.text


def test_main__another_floor_is_not_another_model(trained):
    register.main()
    (trained / "params.yaml").write_text("register: {name: fuser, floors: {qabf: 0.99}}\n")
    register.main()
    report = json.loads(register.REPORT.read_text())
    assert report["version"] == 1
    assert not report["floors"]["passed"]


@pytest.mark.usefixtures("trained")
def test_main__is_tracked_where_it_did_something():
    register.main()
    table = (register.RECORD / "metrics.csv").read_text()
    assert table == "step,register/floors,register/version\n0,1.0,1.0\n"
    register.main()
    client = open_client()
    experiment = client.get_experiment_by_name("ssvif").experiment_id
    runs = client.search_runs([experiment], "tags.`ssvif.stage` = 'register'")
    assert [run.info.status for run in runs] == ["FINISHED"]


@pytest.mark.usefixtures("trained")
def test_main__unreachable_registry_leaves_the_report_before(monkeypatch):
    register.main()
    before = register.REPORT.read_bytes()
    monkeypatch.setenv(URI_VARIABLE, "nonsense://nowhere")
    with pytest.raises(RegistryError, match="cannot be used"):
        register.main()
    assert register.REPORT.read_bytes() == before


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("missing", "error"),
    [
        (register.WEIGHTS, ModelError),
        (register.EVALUATION, ModelError),
        (register.RUNS / "stage_two/params.json", StorageError),
        (register.facts.MANIFEST, ManifestError),
    ],
)
def test_main__missing_input_is_refused(missing, error):
    missing.unlink()
    with pytest.raises(error, match=missing.parent.name):
        register.main()
    assert not register.REPORT.exists()
