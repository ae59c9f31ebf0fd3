"""What made the figures: commit, pairs, parameters, models, versions, seed."""

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ssvif.files import sha256_file, sha256_json
from ssvif.params import Params
from ssvif.tracking.facts import ABSENT, COMMIT_TAG, DIRTY_TAG, PARAMS_TAG, describe_stage

_PACKAGES = ("ssvif", "torch", "timm", "scipy", "torchmetrics")


def lineage(
    params: Params, *, models: Mapping[str, Path], pairs: Iterable[str], split: str
) -> dict[str, str]:
    """Return where an evaluation in the current folder comes from, by name; no times.

    Args:
        params: All parameters.
        models: Weights files by candidate.
        pairs: Ids of the pairs; they are hashes of the images.
        split: Which part of the pairs they are.
    """
    tags = describe_stage("evaluate", params, {}).tags
    changed = " with changes that were not committed" if tags[DIRTY_TAG] == "true" else ""
    known = {
        "commit": tags[COMMIT_TAG] + changed,
        "split": split,
        "pairs (SHA-256)": sha256_json(sorted(pairs)),
        "parameters (SHA-256)": tags[PARAMS_TAG],
        **{f"weights of {name} (SHA-256)": sha256_file(path) for name, path in models.items()},
        "seed": str(params.seed),
        "versions": ", ".join(_versions()),
    }
    return {name: value for name, value in known.items() if value != ABSENT}


def _versions() -> list[str]:
    found = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return found
