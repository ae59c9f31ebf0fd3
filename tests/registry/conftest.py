import shutil

import numpy as np
import pandas as pd
import pytest

from ssvif.models.weights import save_model
from ssvif.params import FloorParams, Params
from ssvif.registry.bundle import write_bundle
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
    path = tmp_path / "data" / "manifest.parquet"
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


@pytest.fixture
def make_bundle(tmp_path, weights, metrics, manifest):
    """Write a bundle; `note` makes it another one."""

    def made(note="", folder="models/bundle"):
        return write_bundle(
            tmp_path / folder,
            weights=weights,
            params={"seed": 1},
            metrics=metrics,
            lineage={"note": note},
            manifest=manifest,
            card="# A model\n",
        )

    return made


@pytest.fixture
def records(tracked_project):
    """Records of both training stages, which no store has seen."""
    for stage in ("stage_one", "stage_two"):
        facts = describe_stage(stage, Params(), {})
        write_record(tracked_project / "runs" / stage, facts=facts, rows=[])
    return tracked_project / "runs"


@pytest.fixture
def pair():
    generator = np.random.default_rng(0)
    vis = generator.integers(0, 256, (2, 50, 61, 3), dtype=np.uint8)
    return vis, generator.integers(0, 256, (2, 50, 61), dtype=np.uint8)


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
def fresh_store(tracked_project, fresh_database, monkeypatch):
    """Move to a registry that knows nothing, as if the database were lost."""

    def moved():
        shutil.copyfile(fresh_database, tracked_project / "fresh.db")
        monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{tracked_project}/fresh.db")

    return moved
