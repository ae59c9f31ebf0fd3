"""What is known of a DVC stage when it starts: its parameters, and tags that say what made it.

The pipeline that a stage belongs to is known by what decides its model: the manifest, the
parameters of training, and the champion that it starts from, if one is pinned. A stage that writes
the manifest (`ingest`) is therefore described at its end, every other one at its start: so all
stages of one `dvc repro` agree without speaking to each other, and another picture grid or floor
belongs to the training it looks at.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ssvif.files import sha256_file, sha256_json
from ssvif.params import Params
from ssvif.tracking.datasets import DataInput, find_input

DVC_FILE = Path("dvc.yaml")
DVC_LOCK = Path("dvc.lock")
MANIFEST = Path("data/manifest.parquet")
CHAMPION_LOCK = Path("data/champion.lock.json")

PIPELINE_TAG = "ssvif.pipeline"
PIPELINE_NAME_TAG = "ssvif.pipeline_name"
PIPELINE_PARAMS_TAG = "ssvif.pipeline_params"
STAGE_TAG = "ssvif.stage"
COMMIT_TAG = "ssvif.git_commit"
DIRTY_TAG = "ssvif.git_dirty"
PARAMS_TAG = "ssvif.params"
MANIFEST_TAG = "ssvif.manifest"
DVC_STAGE_TAG = "ssvif.dvc_stage"
# The bundle of the champion that training starts from, or SCRATCH.
START_TAG = "ssvif.start"

ABSENT = "absent"
SCRATCH = "scratch"

# What `sample` and `ingest` decide of a model is in the manifest; the others come after it.
_NOT_OF_THE_MODEL = frozenset(
    {
        *("sample", "ingest", "evaluate", "probes", "stress", "register"),
        *("gate", "drift", "retraining", "tracking"),
    }
)
_SHORT_HASH = 6


@dataclass(frozen=True)
class StageFacts:
    """A DVC stage as its record describes it; nothing here depends on time or machine.

    Args:
        stage: Name of the DVC stage.
        params: The sections of params.yaml that dvc.yaml lists for the stage, or all of them
            where it lists none; what it lists of another file stands under that file's name.
        tags: Hashes and revisions, by tag.
        data: The manifest, where the stage reads its pairs.
    """

    stage: str
    params: Mapping[str, Any]
    tags: Mapping[str, str]
    data: DataInput | None = None


def describe_stage(stage: str, params: Params, tags: Mapping[str, str]) -> StageFacts:
    """Return the facts of a stage of the project in the current folder.

    Args:
        stage: Name of the DVC stage.
        params: All parameters.
        tags: Further tags; they win.
    """
    everything = params.model_dump(mode="json", by_alias=True)
    definition = _definition(stage)
    own = _own_params(definition.get("params") or sorted(everything), everything)
    manifest = sha256_file(MANIFEST) if MANIFEST.is_file() else ABSENT
    commit, dirty = _revision()
    deciding = {name: everything[name] for name in everything.keys() - _NOT_OF_THE_MODEL}
    start = _start(params)
    pipeline = sha256_json([deciding, manifest, start])
    known = {
        PIPELINE_TAG: pipeline,
        PIPELINE_NAME_TAG: _pipeline_name(params, start, pipeline),
        PIPELINE_PARAMS_TAG: sha256_json(deciding),
        STAGE_TAG: stage,
        COMMIT_TAG: commit,
        DIRTY_TAG: dirty,
        PARAMS_TAG: sha256_json(own),
        MANIFEST_TAG: manifest,
        START_TAG: start["bundle"] if start else SCRATCH,
        DVC_STAGE_TAG: _stage_hash(definition, own),
    }
    data = find_input(stage, MANIFEST, manifest)
    return StageFacts(stage=stage, params=own, tags={**known, **tags}, data=data)


def _own_params(listed: Sequence[Any], everything: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that a stage lists, nested as in their files.

    Args:
        listed: As in dvc.yaml: keys of params.yaml such as `seed` or `stage_one.start`, and
            mappings of another file to keys of it.
        everything: All of params.yaml.
    """
    own: dict[str, Any] = {}
    for entry in listed:
        if isinstance(entry, str):
            _copy_key(entry, everything, own)
            continue
        for name, keys in entry.items():
            content, short = _load(Path(name)), Path(name).name.partition(".")[0]
            for key in keys:
                _copy_key(key, content, own.setdefault(short, {}))
    return own


def _copy_key(key: str, source: Mapping[str, Any], target: dict[str, Any]) -> None:
    """Copy a value by its dotted key; None where there is none."""
    *parents, last = key.split(".")
    for parent in parents:
        source, target = source.get(parent, {}), target.setdefault(parent, {})
    target[last] = source.get(last)


def _start(params: Params) -> dict[str, Any] | None:
    """Return the pin of the champion that training starts from, or None."""
    start: dict[str, Any] | None = _load(CHAMPION_LOCK).get("start")
    return None if params.stage_one.start == "scratch" else start


def _pipeline_name(params: Params, start: Mapping[str, Any] | None, pipeline: str) -> str:
    parts = (params.stage_one, params.warm_up, params.stage_two)
    steps = "+".join(str(part.steps) for part in parts)
    if start:
        steps = f"from version {start['version']}, {params.stage_two.steps}"
    return f"{steps} steps, seed {params.seed} ({pipeline[:_SHORT_HASH]})"


def _definition(stage: str) -> dict[str, Any]:
    definition: dict[str, Any] = _load(DVC_FILE).get("stages", {}).get(stage, {})
    return definition


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _stage_hash(definition: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """Hash a stage's command, parameters and inputs.

    The lock's own entry for the stage is that of its last run until this one ends; the entries
    of the stages before it are sound, and say what their outputs hold.
    """
    if not definition:
        return ABSENT
    made = {
        out["path"]: out.get("md5", ABSENT)
        for entry in _load(DVC_LOCK).get("stages", {}).values()
        for out in entry.get("outs", ())
    }
    deps = {path: made.get(path) or _input_hash(Path(path)) for path in definition.get("deps", ())}
    return sha256_json({"cmd": definition["cmd"], "deps": deps, "params": params})


def _input_hash(path: Path) -> str:
    """Hash a file by its bytes, and a folder (the inbox of captures) by its names and sizes."""
    if path.is_file():
        return sha256_file(path)
    files = (file for file in path.rglob("*") if file.is_file())
    return sha256_json({file.relative_to(path).as_posix(): file.stat().st_size for file in files})


def _revision() -> tuple[str, str]:
    """Return the commit, and whether tracked files differ from it ("true" or "false").

    dvc.lock does not count: DVC writes it while the pipeline runs. Nor do the pins: a retraining
    writes them before, and they are among the parameters.
    """
    commit = _git("rev-parse", "HEAD")
    ours = (f":!{DVC_LOCK}", f":!{CHAMPION_LOCK}")
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *ours)
    if commit is None or changes is None:
        return ABSENT, ABSENT
    return commit, "true" if changes else "false"


def _git(*arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    # A read-only look must not take the index lock from a user's own git.
    command = [git, "--no-optional-locks", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else None
