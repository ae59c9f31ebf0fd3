import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from ssvif.data.ingest import ingest
from ssvif.data.manifest import LABELS_FOLDER, MANIFEST_FILE, PAIRS_FOLDER, read_manifest
from ssvif.data.synthetic import write_sample
from ssvif.errors import ImageError, ManifestError, ModelError, TrainingError
from ssvif.models.weights import load_fusion
from ssvif.params import parse_params
from ssvif.stages import stage_one, stage_two
from ssvif.tracking.store import URI_VARIABLE

_opened: list[str] | None = None


def _watch(event, arguments):
    if _opened is not None and event == "open":
        _opened.append(str(arguments[0]))


sys.addaudithook(_watch)


@contextmanager
def opened_files():
    """Collect the names of all files that this process opens."""
    global _opened
    _opened = []
    try:
        yield _opened
    finally:
        _opened = None


@pytest.fixture(scope="module")
def params(tiny_network):
    stage = {"steps": 4, "batch": 2, "crop": 64}
    return {
        "network": tiny_network.model_dump(),
        "ingest": {"block_size": 4},
        "stage_one": stage,
        "warm_up": {"steps": 2},
        "stage_two": stage,
        "training": {"checkpoint_every": 1, "validate_every": 2, "health_every": 2},
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory, params, fresh_database):
    """A project after both training stages, and the files they opened."""
    folder = tmp_path_factory.mktemp("project")
    make_project(folder, params)
    with pytest.MonkeyPatch.context() as patch:
        # A copy: what this leaves would be found by every other test with a new store.
        shutil.copyfile(fresh_database, folder / "mlflow.db")
        patch.setenv(URI_VARIABLE, f"sqlite:///{folder}/mlflow.db")
        patch.chdir(folder)
        with opened_files() as opened:
            stage_one.main()
            stage_two.main()
    return folder, list(opened)


def make_project(folder: Path, params) -> None:
    write_sample(folder / "data/sample/synthetic", pairs=24, height=128, width=160, seed=0)
    checked = parse_params(params)
    ingest(checked.ingest, root=folder)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def test_main__writes_models_and_records(trained):
    folder, _ = trained
    for stage in ("stage_one", "stage_two"):
        load_fusion(folder / "models" / f"{stage}.safetensors")
        record = pd.read_csv(folder / "runs" / stage / "metrics.csv")
        assert record["step"].is_monotonic_increasing
    assert "stage_two/train/dynamic_weight/weight" in record.columns
    assert (folder / "runs/stage_two/artifacts/dynamic_weight.png").is_file()
    assert not any((folder / "checkpoints").iterdir())


def test_main__training_opens_pairs_and_no_label(trained):
    folder, opened = trained
    assert list((folder / LABELS_FOLDER / "masks").iterdir()), "the pairs do have labels"
    pairs = [name for name in opened if Path(PAIRS_FOLDER).as_posix() in name]
    assert len(pairs) >= 2 * 16
    labels = [n for n in opened if "labels" in n or "boxes" in n or "data/sample" in n]
    assert not [name for name in labels if "site-packages" not in name]


def test_main__same_weights_without_labels_and_again(trained, tmp_path, params, monkeypatch):
    folder, _ = trained
    make_project(tmp_path, params)
    for label in (tmp_path / LABELS_FOLDER).rglob("*.*"):
        label.write_bytes(b"nothing")
    monkeypatch.chdir(tmp_path)
    stage_one.main()
    stage_two.main()
    for name in ("stage_one", "stage_two"):
        weights = f"models/{name}.safetensors"
        assert (folder / weights).read_bytes() == (tmp_path / weights).read_bytes()
        metrics = f"runs/{name}/metrics.csv"
        assert (folder / metrics).read_bytes() == (tmp_path / metrics).read_bytes()


@pytest.fixture
def project(tmp_path, params, monkeypatch):
    make_project(tmp_path, params)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_main__too_few_pairs(project, params):
    (project / "data/sample/synthetic").rename(project / "gone")
    write_sample(project / "data/sample/synthetic", pairs=5, height=128, width=160, seed=1)
    ingest(parse_params(params).ingest, root=project)
    with pytest.raises(TrainingError, match="at least 8 pairs"):
        stage_one.main()
    assert not (project / "models").exists()


def test_main__no_pair_to_judge_the_model_by(project, params):
    shares = parse_params(params).ingest.model_copy(update={"val_share": 0.0, "test_share": 0.0})
    ingest(shares, root=project)
    with pytest.raises(TrainingError, match=r"none is left to judge.*ingest\.block_size"):
        stage_one.main()
    assert not (project / "models").exists()


def test_main__no_manifest(project):
    (project / MANIFEST_FILE).unlink()
    with pytest.raises(ManifestError):
        stage_one.main()


def test_main__a_pair_is_gone(project):
    manifest = read_manifest(project / MANIFEST_FILE)
    gone = manifest.loc[manifest["split"] == "train", "id"].iloc[0]
    (project / PAIRS_FOLDER / "ir" / f"{gone}.png").unlink()
    with pytest.raises(ImageError, match=gone):
        stage_one.main()


def test_main__stage_two_refuses_a_model_of_other_parameters(trained, params, monkeypatch):
    folder, _ = trained
    monkeypatch.chdir(folder)
    changed = {**params, "network": {**params["network"], "prototypes": 8}}
    (folder / "params.yaml").write_text(yaml.safe_dump(changed))
    try:
        with pytest.raises(ModelError, match="run the whole pipeline"):
            stage_two.main()
    finally:
        (folder / "params.yaml").write_text(yaml.safe_dump(params))


@pytest.mark.slow
def test_main__killed_outright_it_resumes_to_the_same_weights(
    trained, tmp_path, params, fresh_database
):
    folder, _ = trained
    make_project(tmp_path, params)
    shutil.copyfile(fresh_database, tmp_path / "mlflow.db")
    environment = {**os.environ, URI_VARIABLE: f"sqlite:///{tmp_path}/mlflow.db"}
    command = [sys.executable, "-m", "ssvif.stages.stage_one"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("checkpoints/*/last.pt")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "models/stage_one.safetensors").exists()
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    weights = "models/stage_one.safetensors"
    assert (folder / weights).read_bytes() == (tmp_path / weights).read_bytes()
    record = json.loads((tmp_path / "runs/stage_one/run.json").read_text())
    assert record["stage"] == "stage_one"


def run_stage(folder, stage, **changes):
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["training"] |= changes
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    command = [sys.executable, "-m", f"ssvif.stages.{stage}"]
    environment = {**os.environ, URI_VARIABLE: f"sqlite:///{folder}/mlflow.db"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_main__two_processes_train_one_model(tmp_path, params, fresh_database):
    make_project(tmp_path, params)
    shutil.copyfile(fresh_database, tmp_path / "mlflow.db")
    for stage in ("stage_one", "stage_two"):
        done = run_stage(tmp_path, stage, processes=2)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / f"models/{stage}.safetensors").is_file()
        runs = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").search_runs(
            ["1"], f"tags.`ssvif.stage` = '{stage}'"
        )
        assert [run.info.status for run in runs] == ["FINISHED"]
    assert not list((tmp_path / "checkpoints").iterdir())


@pytest.mark.slow
def test_main__what_processes_refuse_is_refused(tmp_path, params, fresh_database):
    make_project(tmp_path, params)
    shutil.copyfile(fresh_database, tmp_path / "mlflow.db")
    next((tmp_path / "data/pairs/vis").iterdir()).write_bytes(b"")
    done = run_stage(tmp_path, "stage_one", processes=2)
    assert done.returncode == 2
    assert "error: data/pairs/vis/" in done.stderr
    assert "Traceback" not in done.stderr


def test_main__processes_that_cannot_share_a_batch(project):
    done = run_stage(project, "stage_one", processes=3)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "error: stage_one.batch: expected a multiple of 3 processes (training.processes), found 2"
    )
