"""Small whole projects of their own, for tests and benchmarks that run the pipeline for real.

A project is this repository's code as it is on disk, a handful of rendered captures, and
parameters with which every DVC stage takes a second or two.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ssvif.data.synthetic import write_sample
from ssvif.params import Params

ROOT = Path(__file__).parents[1]
SET = "street"

# What a clone would hold, but for documents and tests.
_FILES = (
    *(".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "dvc.yaml"),
    "prefect.yaml",
    *("data/champion.lock.json", "data/golden.json", "data/captures/README.md"),
)
_PACKAGES = ("ssvif", "pipelines")
_SIZE = (96, 128)

TINY: Mapping[str, Mapping[str, Any]] = {
    "sample": {"pairs": 1, "height": 96, "width": 128},
    "ingest": {"min_size": 64, "block_size": 2, "val_share": 0.15, "test_share": 0.3},
    "network": {
        "channels": 4,
        "blocks": 1,
        "backbone": "mobilenetv3_small_050",
        "pretrained": False,
        "embedding": 8,
        "prototypes": 4,
    },
    "training": {"checkpoint_every": 1, "validate_every": 2, "health_every": 2},
    "stage_one": {"steps": 4, "batch": 2, "crop": 64},
    "warm_up": {"steps": 2},
    "consistency": {"queue_batches": 1, "freeze_prototypes_steps": 1},
    "stage_two": {"steps": 4, "batch": 2, "crop": 64},
    "evaluate": {"probe": False, "grid_pairs": 2, "resamples": 100},
    "register": {
        "floors": dict.fromkeys(("entropy", "qabf", "ssim", "effective_prototypes_share"), 0.0)
    },
    "gate": {"min_pairs": 4},
    "retraining": {"quiet_seconds": 0.5, "min_new_pairs": 4, "debounce_seconds": 0.0},
}


def tiny_project(
    folder: Path, *, pairs: int = 20, overrides: Mapping[str, Mapping[str, Any]] | None = None
) -> Path:
    """Make a git and DVC project whose whole pipeline takes seconds.

    Args:
        folder: Made by this; it must not exist.
        pairs: Rendered captures of 96x128 in `data/captures/street`; 0 leaves the inbox empty,
            and the pipeline would render its sample.
        overrides: Sections of parameters that differ from `TINY`, key by key.

    Returns:
        The folder, everything in it committed.
    """
    folder.mkdir(parents=True)
    for name in _PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    write_params(folder, overrides or {})
    if pairs:
        write_captures(folder / "data" / "captures" / SET, pairs=pairs)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "a tiny project")
    return folder


def write_params(folder: Path, overrides: Mapping[str, Mapping[str, Any]]) -> None:
    """Write a project's params.yaml: the tiny values, and what differs from them."""
    # DVC wants every section that dvc.yaml names.
    sections = Params().model_dump(mode="json", by_alias=True)
    for changes in (TINY, overrides):
        for name, values in changes.items():
            sections[name] = {**sections[name], **values}
    (folder / "params.yaml").write_text(yaml.safe_dump(sections), encoding="utf-8")


def write_captures(folder: Path, *, pairs: int, seed: int = 0) -> None:
    """Render captures of 96x128 into a folder, as a rig would deliver them."""
    height, width = _SIZE
    write_sample(folder, pairs=pairs, height=height, width=width, seed=seed)


def commit(folder: Path, message: str) -> None:
    """Commit everything that git follows or may follow."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a project, and return what it says."""
    who = ("-c", "user.name=rig", "-c", "user.email=rig@localhost", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *who, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()
