"""Trials of the method: a YAML file of captures, seeds and parameters, and their training.

    data: {NAME: FOLDER, ...}     # captures, below a folder that is named apart
    probed: NAME                  # the set whose labels judge; training never opens them
    seeds: [0, 1, 2]
    base: {SECTION.KEY: VALUE}    # over params.yaml, for all trials
    trials: {TRIAL: {SECTION.KEY: VALUE}}     # of the sections that training reads

A training is kept under the hash of its parameters, pairs and code (comments and docstrings apart),
and goes on where it was stopped. The reserved key `stage: one` judges what stage one leaves.
"""

import ast
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
import yaml

from ssvif.data.views import load_pairs
from ssvif.errors import ParamsError
from ssvif.evaluation.captures import capture_pairs
from ssvif.evaluation.pairs import PairSource
from ssvif.files import sha256_json
from ssvif.models.network import SsvifModel
from ssvif.models.weights import load_model, save_model
from ssvif.params import Params, load_params, parse_params
from ssvif.stages.training import training_code, training_device
from ssvif.tracking.journal import Journal
from ssvif.training.checkpoint import CheckpointFolder
from ssvif.training.stages import TrainingData, stage_two_side, train_stage_one, train_stage_two

STAGE_ONE = ("seed", "network", "fusion_loss", "training", "stage_one", "warm_up", "consistency")
STAGE_TWO = (*STAGE_ONE, "dynamic_weight", "stage_two")

# Beside the weights of a training: its record.
_RECORD = ".record"


@dataclass(frozen=True)
class Trial:
    """One training.

    Args:
        params: All parameters.
        is_whole: Whether stage two follows stage one.
    """

    params: Params
    is_whole: bool = True


@dataclass(frozen=True)
class Sweep:
    """What a file of trials says, with the captures at hand.

    Args:
        source: The pairs.
        probed: The set whose labels judge.
        trials: By name and seed, those of a name together.
    """

    source: PairSource
    probed: str
    trials: Mapping[tuple[str, int], Trial]


class Record:
    """Keeps the figures of a training, also of one that goes on.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._journal = Journal(folder)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Keep the figures of a step."""
        self._journal.append(step, metrics)

    def rewind(self, step: int) -> None:
        """Forget the figures of later steps than `step`."""
        self._journal.rewind(step)

    @property
    def rows(self) -> list[tuple[int, Mapping[str, float]]]:
        """Steps and their figures."""
        return [(row.step, row.values) for row in self._journal.rows]

    @property
    def last(self) -> dict[str, float]:
        """The last value of each figure."""
        return {name: value for _, values in self.rows for name, value in values.items()}


@dataclass(frozen=True)
class Trained:
    """The weights of a trial's stages, and the record of the last one."""

    stage_one: Path
    weights: Path
    record: Record

    def model(self) -> SsvifModel:
        """Read the model, in evaluation mode."""
        return load_model(self.weights)


def read_sweep(path: Path, data: Path) -> Sweep:
    """Read a file of trials, and make pairs of its captures.

    Args:
        path: The YAML file.
        data: The folder that its captures lie in.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    trials = trials_of(content)
    folders = [(name, data / folder) for name, folder in content["data"].items()]
    source = capture_pairs(folders, next(iter(trials.values())).params.ingest)
    return Sweep(source, content["probed"], trials)


def trials_of(content: Mapping[str, Any]) -> dict[tuple[str, int], Trial]:
    """Return the trials of a file's content, by name and seed.

    Raises:
        ParamsError: If a parameter is not known, or a value is not of its type.
    """
    for name, own in content["trials"].items():
        _require_training_keys(str(name), own)
    return {
        (str(name), seed): _trial({**content["base"], **own, "seed": seed})
        for name, own in content["trials"].items()
        for seed in content["seeds"]
    }


def _require_training_keys(name: str, own: Mapping[str, object]) -> None:
    """Refuse what would have no effect: pairs and seeds are the file's, for all trials."""
    known = [*STAGE_TWO[1:], "stage"]
    for key, value in own.items():
        section = key.split(".")[0]
        if section not in known:
            raise ParamsError(f"trial {name}: {key}: expected one of {', '.join(known)}")
        if section == "stage" and value != "one":
            raise ParamsError(f"trial {name}: stage: expected `one`, or no such key; found {value}")


def _trial(values: Mapping[str, object]) -> Trial:
    """Return params.yaml's parameters under others, by dotted key."""
    content = load_params().model_dump(mode="json", by_alias=True)
    for key, value in values.items():
        *sections, last = key.split(".")
        place = content
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    is_whole = content.pop("stage", None) != "one"
    return Trial(parse_params(content, source="trial"), is_whole)


def training_key(params: Params, ids: Sequence[object], sections: Sequence[str]) -> str:
    """Return the hash of all that a training's result depends on.

    Args:
        params: All parameters.
        ids: What it learns from, and in which order.
        sections: Of the parameters, those that count.
    """
    values = params.model_dump(mode="json", include=set(sections))
    return sha256_json([values, list(ids), code_hash(training_code()), torch.__version__])[:16]


def code_hash(files: Sequence[Path]) -> str:
    """Return the hash of what Python files do: comments, docstrings and layout do not count."""
    return sha256_json([_parsed(file.read_bytes()) for file in files])


@cache
def _parsed(code: bytes) -> str:
    tree = ast.parse(code)
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if documented and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def train_trial(sweep: Sweep, trial: Trial, folder: Path) -> Trained:
    """Train a trial, or find what an earlier call made of it.

    Args:
        sweep: The captures.
        trial: What is trained.
        folder: Where trainings are kept.
    """
    split = sweep.source.manifest.groupby("split")["id"].agg(list)
    ids = [split.get(name, []) for name in ("train", "val")]
    side = stage_two_side(trial.params)
    train, val = (load_pairs(sweep.source.pairs, part, min_side=side) for part in ids)
    data = TrainingData(train, val)
    one = folder / f"stage_one-{training_key(trial.params, ids, STAGE_ONE)}"
    start = train_one(data, trial.params, one)
    if not trial.is_whole:
        return Trained(start, start, Record(one.with_suffix(_RECORD)))
    two = folder / f"stage_two-{training_key(trial.params, ids, STAGE_TWO)}"
    weights = train_two(start, data, trial.params, two)
    return Trained(start, weights, Record(two.with_suffix(_RECORD)))


def train_one(data: TrainingData, params: Params, place: Path) -> Path:
    """Return the weights of stage one; they and the record lie beside `place`."""
    return _kept(partial(train_stage_one, data, params), params, place)


def train_two(start: Path, data: TrainingData, params: Params, place: Path) -> Path:
    """Return the weights of stage two, which goes on from those of `start`."""
    return _kept(partial(train_stage_two, load_model(start), data, params), params, place)


def _kept(train: Callable[..., SsvifModel], params: Params, place: Path) -> Path:
    """Train, or go on, or find that it is done; the checkpoint, 100 MB, goes in the end."""
    weights = place.with_suffix(".safetensors")
    if not weights.is_file():
        model = train(
            recorder=Record(place.with_suffix(_RECORD)),
            checkpoints=CheckpointFolder(place),
            device=training_device(),
        )
        save_model(weights, model, network=params.network)
        shutil.rmtree(place, ignore_errors=True)
    return weights


def record_of(weights: Path) -> Record:
    """Return the record of the training that made weights."""
    return Record(weights.with_suffix(_RECORD))
