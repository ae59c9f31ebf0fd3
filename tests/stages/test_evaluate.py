import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ssvif.data.images import write_png
from ssvif.data.manifest import MANIFEST_FILE, PAIRS_FOLDER, pair_paths, write_manifest
from ssvif.errors import ManifestError, ModelError
from ssvif.models.network import build_model
from ssvif.models.weights import save_model
from ssvif.params import NetworkParams
from ssvif.stages.evaluate import REPORTS, main

NETWORK = NetworkParams(
    channels=4,
    blocks=1,
    backbone="mobilenetv3_small_050",
    pretrained=False,
    embedding=8,
    prototypes=6,
)
PAIRS = (("0" * 16, "roads", "day", "test"), ("1" * 16, "fields", "night", "test"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as training leaves it, with two small held-out pairs and one to train on."""
    folder = tmp_path_factory.mktemp("project")
    rng = np.random.default_rng(0)
    rows = [
        manifest_row(*pair, number=number)
        for number, pair in enumerate([*PAIRS, ("2" * 16, "roads", "day", "train")])
    ]
    for row in rows:
        vis, ir = pair_paths(str(row["id"]), folder / PAIRS_FOLDER)
        write_png(vis, rng.integers(0, 256, (64, 80, 3), np.uint8))
        write_png(ir, rng.integers(0, 256, (64, 80), np.uint8))
    write_manifest(folder / MANIFEST_FILE, pd.DataFrame(rows))
    for seed, stage in enumerate(("stage_one", "stage_two")):
        torch.manual_seed(seed)
        path = folder / "models" / f"{stage}.safetensors"
        save_model(path, build_model(NETWORK), network=NETWORK)
    (folder / "params.yaml").write_text("evaluate:\n  grid_pairs: 2\n")
    return folder


def manifest_row(
    pair_id: str, set_: str, light: str, split: str, *, number: int
) -> dict[str, object]:
    return {
        "id": pair_id,
        "set": set_,
        "name": f"{number:03}",
        "vis_source": f"vis/{number}.png",
        "ir_source": f"ir/{number}.png",
        "vis_sha256": pair_id * 4,
        "ir_sha256": pair_id * 4,
        "height": 64,
        "width": 80,
        "light": light,
        "split": split,
        "block": set_,
        "grey_visible": False,
        "resized": False,
        "has_mask": False,
        "has_boxes": False,
        "ir_low": 0.0,
        "ir_high": 255.0,
        "vis_mean": 0.5,
        "vis_std": 0.3,
        "ir_mean": 0.5,
        "ir_std": 0.3,
        "vis_sharpness": 0.2,
        "ir_sharpness": 0.2,
        "registration_score": 0.9,
        "shift_down": 0.0,
        "shift_right": 0.0,
    }


@pytest.fixture
def here(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project that a test may spoil, as the current folder."""
    folder = shutil.copytree(project, tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


def test_main__writes_every_report(here: Path) -> None:
    main()
    written = {
        path.relative_to(here / REPORTS).as_posix() for path in (here / REPORTS).rglob("*.*")
    }
    assert written == {
        "pairs.csv",
        "summary.csv",
        "summary.md",
        "metrics.json",
        "checks.json",
        "index.html",
        "intervals.csv",
        "probe_statistics.csv",
        "probe_summary.csv",
        "probes.csv",
        "robustness.csv",
        "statistics.csv",
        "stress.csv",
        "left_out.csv",
        "grid.png",
        "plots/means.csv",
        "plots/pairs.csv",
    }
    metrics = json.loads((here / REPORTS / "metrics.json").read_text())
    assert metrics["pairs"] == 2
    assert 0.0 <= metrics["stage_two"]["EN"] <= 8.0
    assert metrics["branches"]["stage_two"]["prototypes"] == 6
    assert set(pd.read_csv(here / REPORTS / "pairs.csv")["set"]) == {"roads", "fields"}


def test_main__a_second_run_gives_the_same_bytes(here: Path) -> None:
    main()
    first = {path: path.read_bytes() for path in (here / REPORTS).rglob("*.*")}
    main()
    assert first == {path: path.read_bytes() for path in (here / REPORTS).rglob("*.*")}


def test_main__empty_split_says_what_to_do(here: Path) -> None:
    (here / "params.yaml").write_text("evaluate:\n  split: val\n")
    with pytest.raises(ManifestError, match="none in the split val; add captures"):
        main()


def test_main__missing_model_is_named(here: Path) -> None:
    (here / "models" / "stage_one.safetensors").unlink()
    with pytest.raises(ModelError, match=r"stage_one\.safetensors: no such file"):
        main()
    assert not (here / REPORTS).exists()
