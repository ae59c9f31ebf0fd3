import numpy as np
import pandas as pd
import pytest
import torch

from ssvif.data.manifest import (
    LABELS_FOLDER,
    MANIFEST_FILE,
    PAIRS_FOLDER,
    read_manifest,
)
from ssvif.evaluation.pairs import PairSource
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
