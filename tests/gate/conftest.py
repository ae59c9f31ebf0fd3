import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from ssvif.data.images import write_png
from ssvif.data.manifest import (
    LABELS_FOLDER,
    MANIFEST_FILE,
    PAIRS_FOLDER,
    SCHEMA,
    pair_paths,
    read_manifest,
    write_manifest,
)
from ssvif.data.synthetic import render_pair
from ssvif.evaluation.pairs import PairSource
from ssvif.files import sha256_json
from ssvif.gate.gains import Paired, measure_gains
from ssvif.metrics.table import STANDARD
from ssvif.models.network import build_model
from ssvif.models.weights import save_model

ACRONYMS = [metric.acronym for metric in STANDARD]


@pytest.fixture
def make_scores():
    """Scores of both models: the challenger's are the champion's times a factor by metric."""

    def made(*, factors=None, blocks=10, size=2, noise=0.002, lights=("day",), sets=("rig",)):
        rng = np.random.default_rng(0)
        rows = []
        for number in range(blocks * size):
            block = number // size
            about = {
                "id": f"{number:016x}",
                "set": sets[block % len(sets)],
                "name": str(number),
                "light": lights[block % len(lights)],
                "block": f"b{block}",
            }
            champion = {acronym: 0.5 + 0.1 * rng.random() for acronym in ACRONYMS}
            rows.append({**about, "candidate": "champion", **champion})
            challenger = {
                acronym: value * ((factors or {}).get(acronym, 1.0) + noise * rng.normal())
                for acronym, value in champion.items()
            }
            rows.append({**about, "candidate": "challenger", **challenger})
        return pd.DataFrame(rows)

    return made


@pytest.fixture
def measured():
    def made(scores, groups=None, asked=0.0):
        paired = Paired.of(scores)
        everything = {"all": set(paired.champion.index), **(groups or {})}
        return measure_gains(
            paired, everything, asked=asked, confidence=0.95, resamples=400, seed=0
        )

    return made


def manifest_row(number, split):
    """A row of the manifest; columns that no test here is about have some value."""
    fillers = {"int64": 64, "bool": False, "float64": 0.5}
    row = {name: fillers.get(str(column.dtype), "x") for name, column in SCHEMA.columns.items()}
    digest = sha256_json(number)
    return {
        **row,
        "id": digest[:16],
        "set": ("roads", "fields")[number // 2 % 2],
        "name": f"{number:03}",
        "vis_sha256": digest,
        "ir_sha256": digest[::-1],
        "height": 64,
        "width": 80,
        "light": ("day", "night")[number // 4 % 2],
        "split": split,
        "block": f"b{number // 2}",
    }


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    """Twelve held-out pairs of six blocks, and four to train on; no test may change them."""
    root = tmp_path_factory.mktemp("rendered")
    rows = [manifest_row(number, "test" if number < 12 else "train") for number in range(16)]
    for number, row in enumerate(rows):
        pair = render_pair(number, seed=0, height=64, width=80)
        vis, ir = pair_paths(row["id"], root / PAIRS_FOLDER)
        write_png(vis, pair.vis)
        write_png(ir, pair.ir)
    write_manifest(root / MANIFEST_FILE, pd.DataFrame(rows).sort_values(["set", "name"]))
    return root


@pytest.fixture
def project(rendered, tmp_path):
    """A project's folder with pairs that a test may change."""
    return shutil.copytree(rendered, tmp_path / "project")


@pytest.fixture
def source(project):
    manifest = read_manifest(project / MANIFEST_FILE)
    return PairSource(manifest, project / PAIRS_FOLDER, project / LABELS_FOLDER, refused={})


@pytest.fixture(scope="session")
def make_weights(tmp_path_factory, tiny_network):
    """Write a model's weights; `bias` is added to the logit that chooses between the cameras."""
    folder = tmp_path_factory.mktemp("weights")

    def made(name, *, bias=0.0, network=tiny_network):
        torch.manual_seed(0)
        model = build_model(network)
        with torch.no_grad():
            model.fusion.head.bias[:4] += bias
        path = folder / f"{name}.safetensors"
        save_model(path, model, network=network)
        return path

    return made
