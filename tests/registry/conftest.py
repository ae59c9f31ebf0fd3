import shutil
from urllib.parse import urlparse

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow import MlflowClient

from ssvif.files import sha256_file
from ssvif.gate.decision import Challenger, Champion, Check, Decision, write_decision
from ssvif.models.network import build_model
from ssvif.models.weights import save_model
from ssvif.params import FloorParams, Params
from ssvif.registry.bundle import bundle_hash, write_bundle
from ssvif.registry.floors import check_floors
from ssvif.registry.register import register_bundle
from ssvif.tracking.facts import describe_stage
from ssvif.tracking.record import write_record
from ssvif.tracking.store import URI_VARIABLE

METRICS = {
    "split": "test",
    "pairs": 3,
    "stage_one": {"EN": 6.5, "Qabf": 0.4, "SSIM": 0.5},
    "stage_two": {"EN": 6.7, "Qabf": 0.5, "SSIM": 0.6},
    "branches": {
        "stage_two": {
            "agreement": 0.7,
            "agreement_over_chance": 0.6,
            "effective_prototypes_share": 0.5,
        }
    },
}


def _write_manifest(root):
    path = root / "data" / "manifest.parquet"
    path.parent.mkdir()
    rows = {
        "id": [f"{number:016x}" for number in range(4)],
        "set": ["rig", "rig", "rig", "street"],
        "name": ["0", "1", "2", "0"],
        "vis_source": ["data/captures/secret.png"] * 4,
        "ir_source": ["data/captures/secret.png"] * 4,
        "vis_sha256": ["0" * 64] * 4,
        "ir_sha256": ["0" * 64] * 4,
        "split": ["train", "test", "train", "val"],
        "vis_mean": [0.5, 0.25, 0.125, 0.75],
    }
    pd.DataFrame(rows).to_parquet(path, index=False)
    return path


def _write_bundle(folder, *, weights, metrics, manifest, note):
    return write_bundle(
        folder,
        weights=weights,
        params={"seed": 1},
        metrics=metrics,
        lineage={"note": note},
        manifest=manifest,
        card="# A model\n",
    )


def _write_records(root):
    for stage in ("stage_one", "stage_two"):
        facts = describe_stage(stage, Params(), {})
        write_record(root / "runs" / stage, facts=facts, rows=[])
    return root / "runs"


def _register(root, bundle, metrics, *, passes=True, first_leads=True):
    return register_bundle(
        root / bundle,
        name="fuser",
        experiment="ssvif",
        runs=root / "runs",
        verdict=check_floors(metrics, FloorParams() if passes else FloorParams(qabf=0.99)),
        champion_folder=root / "models/champion",
        first_leads=first_leads,
    )


@pytest.fixture
def metrics():
    return {
        key: dict(value) if isinstance(value, dict) else value for key, value in METRICS.items()
    }


@pytest.fixture
def weights(tmp_path, tiny_model, tiny_network):
    path = tmp_path / "models" / "stage_two.safetensors"
    save_model(path, tiny_model, network=tiny_network)
    return path


@pytest.fixture
def manifest(tmp_path):
    """A manifest with the columns that a bundle's pairs are about."""
    return _write_manifest(tmp_path)


@pytest.fixture
def make_bundle(tmp_path, weights, metrics, manifest):
    """Write a bundle; `note` makes it another one."""

    def made(note="", folder="models/bundle"):
        return _write_bundle(
            tmp_path / folder, weights=weights, metrics=metrics, manifest=manifest, note=note
        )

    return made


@pytest.fixture
def records(tracked_project):
    """Records of both training stages, which no store has seen."""
    return _write_records(tracked_project)


@pytest.fixture
def pair():
    generator = np.random.default_rng(0)
    vis = generator.integers(0, 256, (2, 50, 61, 3), dtype=np.uint8)
    return vis, generator.integers(0, 256, (2, 50, 61), dtype=np.uint8)


@pytest.fixture
def register(records, metrics):
    """Register a bundle of the project, with floors that it reaches or not."""

    def registered(bundle, **options):
        return _register(records.parent, bundle, metrics, **options)

    return registered


@pytest.fixture
def fresh_store(tracked_project, fresh_database, monkeypatch):
    """Move to a registry that knows nothing, as if the database were lost."""

    def moved():
        shutil.copyfile(fresh_database, tracked_project / "fresh.db")
        monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{tracked_project}/fresh.db")

    return moved


@pytest.fixture
def project(tracked_project):
    """What the functions of the registry are told of the project in the current folder."""
    return {
        "name": "fuser",
        "experiment": "ssvif",
        "champion_folder": tracked_project / "models/champion",
    }


@pytest.fixture(scope="session")
def registered_project(tmp_path_factory, fresh_database, tiny_network):
    """A project with two registered bundles, made once; no test may change it."""
    root = tmp_path_factory.mktemp("registered")
    shutil.copyfile(fresh_database, root / "mlflow.db")
    torch.manual_seed(0)
    weights, manifest = root / "weights.safetensors", _write_manifest(root)
    save_model(weights, build_model(tiny_network), network=tiny_network)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(URI_VARIABLE, f"sqlite:///{root}/mlflow.db")
        patch.chdir(root)
        _write_records(root)
        for note in ("one", "two"):
            _write_bundle(
                root / note, weights=weights, metrics=METRICS, manifest=manifest, note=note
            )
            _register(root, note, METRICS)
    return root


@pytest.fixture
def two_versions(tracked_project, registered_project):
    """Folders of two registered bundles by version; version 1 leads."""
    for name in ("one", "two", "models"):
        shutil.copytree(registered_project / name, tracked_project / name, dirs_exist_ok=True)
    shutil.copyfile(registered_project / "mlflow.db", tracked_project / "mlflow.db")
    return {1: tracked_project / "one", 2: tracked_project / "two"}


@pytest.fixture
def lose_files():
    """Remove the files of a version that the test itself registered: others share theirs."""

    def lost(version):
        client = MlflowClient()
        place = client.get_model_version_download_uri("fuser", str(version))
        shutil.rmtree(urlparse(place).path)

    return lost


@pytest.fixture
def decide(tracked_project, weights):
    """Write the gate's decision of a challenger beside a champion's bundle, and return its path."""

    def decided(champion, *, version=1, outcome="promote", mode="enforce", sentence="Qabf +0.02"):
        digest = sha256_file(weights)
        compared = champion and Champion(
            name="fuser", version=version, bundle=bundle_hash(champion), weights=digest
        )
        folder = tracked_project / "reports" / "gate"
        write_decision(
            Decision(
                outcome=outcome,
                mode=mode,
                sentence=sentence,
                champion=compared,
                challenger=Challenger(weights=digest, megabytes=0.1),
                checks=(
                    Check(
                        name="superiority/Qabf",
                        kind="superiority",
                        metric="Qabf",
                        value=0.02,
                        passed=outcome == "promote",
                        sentence="Qabf gains 0.02",
                    ),
                ),
                numbers={"all/Qabf/champion": 0.5, "all/Qabf/challenger": 0.52},
            ),
            folder / "decision.json",
        )
        (folder / "summary.md").write_text("# The gate\n")
        return folder

    return decided
