"""`make sweep`: variants of the method, trained and judged; goes on where it was stopped.

A YAML file (`benchmarks/sweeps/`) names the captures, the seeds and each trial's parameters. Every
trial is trained on the captures without their labels, then judged: by the fusion metrics on the
split `val`, and by a segmenter that is trained on its fused images, in two folds of whole blocks
of the labelled set. A row a trial and seed is added to the CSV file; rows that are there already,
made by the same parameters, captures and code, are not made again. Stage one is shared by trials
that differ in stage two alone. In the end, each trial is compared with the first one, over the
blocks of the labelled set and the seeds: a Markdown file beside the CSV one.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
import yaml
from torch import Tensor

from benchmarks.composites import PARAMS as PROBES
from benchmarks.leads import joined, lead
from ssvif.data.views import load_pairs
from ssvif.evaluation.candidates import Candidate, FusionCandidate, MachineCandidate
from ssvif.evaluation.captures import capture_pairs
from ssvif.evaluation.pairs import PairSource, read_scene
from ssvif.evaluation.probing import scene_images
from ssvif.evaluation.scores import score_pairs
from ssvif.files import sha256_file, sha256_json, write_text
from ssvif.fuse.views import FUSED, MACHINE
from ssvif.metrics.table import STANDARD
from ssvif.models.network import SsvifModel
from ssvif.models.weights import load_model, save_model
from ssvif.params import PARAMS_FILE, Params, parse_params
from ssvif.probes.counts import Counts, mean_iou
from ssvif.probes.run import ProbeResult, run_probe
from ssvif.probes.tasks import BOXES, load_tasks
from ssvif.stages.training import training_code, training_device
from ssvif.tracking.journal import Journal
from ssvif.training.checkpoint import CheckpointFolder
from ssvif.training.stages import TrainingData, stage_two_side, train_stage_one, train_stage_two

WORK = Path(".cache/sweep")
STAGE_ONE = ("seed", "network", "fusion_loss", "training", "stage_one", "warm_up", "consistency")
STAGE_TWO = (*STAGE_ONE, "dynamic_weight", "stage_two")


@dataclass(frozen=True)
class Sweep:
    """What a file of trials says, with the captures at hand.

    Args:
        source: The pairs.
        probed: The set whose labels judge.
        trials: Parameters by trial and seed.
    """

    source: PairSource
    probed: str
    trials: Mapping[tuple[str, int], Params]


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
        return [(row.step, row.values) for row in self._journal.rows]  # noqa: PD011 - no pandas

    @property
    def last(self) -> dict[str, float]:
        """The last value of each figure."""
        return {name: value for _, values in self.rows for name, value in values.items()}


@dataclass(frozen=True)
class Trained:
    """A trial's models of both stages, and the record of stage two."""

    stage_one: Path
    model: SsvifModel
    record: Record


def read_sweep(path: Path, data: Path) -> Sweep:
    """Read a file of trials, and make pairs of its captures.

    Args:
        path: The YAML file.
        data: The folder that its captures lie in.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    trials = {
        (name, seed): _params({**content["base"], **own, "seed": seed})
        for seed in content["seeds"]
        for name, own in content["trials"].items()
    }
    folders = [(name, data / folder) for name, folder in content["data"].items()]
    source = capture_pairs(folders, next(iter(trials.values())).ingest)
    return Sweep(source, content["probed"], trials)


def _params(values: Mapping[str, object]) -> Params:
    """Return params.yaml's parameters under others, by dotted key."""
    content = yaml.safe_load(PARAMS_FILE.read_text(encoding="utf-8"))
    for key, value in values.items():
        *sections, last = key.split(".")
        place = content
        for section in sections:
            place = place[section]
        place[last] = value
    return parse_params(content, source="trial")


def key_of(sweep: Sweep, params: Params, sections: tuple[str, ...]) -> str:
    """Return the hash of all that a training's result depends on."""
    values = params.model_dump(mode="json", include=set(sections))
    pairs = sweep.source.manifest[["id", "split"]].to_numpy().tolist()
    code = [sha256_file(path) for path in training_code()]
    return sha256_json([values, pairs, code, torch.__version__])[:16]


def train_trial(sweep: Sweep, params: Params) -> Trained:
    """Train both stages, or read what an earlier call made of them."""
    split = sweep.source.manifest.groupby("split")["id"].agg(list)
    side = stage_two_side(params)
    train, val = (
        load_pairs(sweep.source.pairs, split.get(name, []), min_side=side)
        for name in ("train", "val")
    )
    one, two = (
        WORK / f"{stage}-{key_of(sweep, params, sections)}"
        for stage, sections in (("stage_one", STAGE_ONE), ("stage_two", STAGE_TWO))
    )
    return train_both(TrainingData(train, val), params, one, two)


def train_both(data: TrainingData, params: Params, one: Path, two: Path) -> Trained:
    """Train both stages, or go on with them.

    Args:
        data: The pairs.
        params: All parameters.
        one: Where stage one keeps what it has done; its weights lie beside it.
        two: Where stage two does.
    """
    device, weights = training_device(), one.with_suffix(".safetensors")
    if not weights.is_file():
        model = train_stage_one(
            data, params, recorder=Record(one), checkpoints=CheckpointFolder(one), device=device
        )
        save_model(weights, model, network=params.network)
    record = Record(two)
    model = train_stage_two(
        load_model(weights),
        data,
        params,
        recorder=record,
        checkpoints=CheckpointFolder(two),
        device=device,
    )
    return Trained(weights, model, record)


def judge(sweep: Sweep, model: SsvifModel, *, key: str, seed: int) -> dict[str, float]:
    """Return the fusion metrics' means on `val`, and what a segmenter makes of the images.

    The segmenter's counts are kept under the trial's key, to compare trials with.
    """
    candidate = FusionCandidate("trial", model.eval().fusion)
    source, device = sweep.source, training_device()
    val = source.manifest[source.manifest["split"] == "val"]
    found = score_pairs(val, [candidate], folder=source.pairs, device=device).pairs
    figures = {metric.acronym: float(found[metric.acronym].mean()) for metric in STANDARD}
    for view in (MachineCandidate(MACHINE, model.fusion), replace(candidate, name=FUSED)):
        result = _probe(sweep, view, seed=seed)
        result.counts.to_csv(_counts_file(key, view.name), index=False)
        boxes, counts = result.detections, Counts.from_table(result.counts)
        figures[f"{view.name}_box_miou"] = float(mean_iou(counts, foreground=True).mean())
        figures[f"{view.name}_ap50"] = float(boxes.loc[boxes["class"] == "all", "ap50"].mean())
    return figures


def _counts_file(key: str, view: str) -> Path:
    return WORK / f"counts-{key}-{view}.csv"


def _probe(sweep: Sweep, candidate: Candidate, *, seed: int) -> ProbeResult:
    source = sweep.source
    rows = source.manifest[source.manifest["set"] == sweep.probed].assign(split="train")
    tasks, _ = load_tasks(rows, source.labels, PROBES, split="train")
    (task,) = (task for task in tasks if task.kind == BOXES)
    images: dict[str, tuple[Tensor, ...]] = {}
    for row in rows[rows["id"].isin(task.ids)].to_dict("records"):
        scene = read_scene(source.pairs, row, device=training_device())
        images[str(row["id"])] = scene_images([candidate], scene, PROBES)[0][candidate.name]
    return run_probe(candidate.name, images, task, PROBES, seed=seed)


def run(sweep: Sweep, out: Path, *, seeds: Sequence[int] | None = None) -> None:
    """Train and judge what is not in the table yet, a row at a time."""
    for (name, seed), params in sweep.trials.items():
        if seeds and seed not in seeds:
            continue
        key = key_of(sweep, params, STAGE_TWO)
        done = set(pd.read_csv(out)["key"]) if out.is_file() else set()
        if key in done and _counts_file(key, FUSED).is_file():
            continue
        began = time.monotonic()
        trained = train_trial(sweep, params)
        judged = judge(sweep, trained.model, key=key, seed=seed)
        row = {"key": key, "trial": name, "seed": seed, **judged}
        figures = trained.record.last
        health = {
            f"val_{figure}": value
            for figure in ("agreement", "effective_prototypes", "equivariance")
            for logged, value in figures.items()
            if logged == f"stage_two/val/{figure}"
        }
        weight = figures.get("stage_two/train/dynamic_weight/weight", float("nan"))
        row |= {**health, "last_weight": weight, "minutes": (time.monotonic() - began) / 60.0}
        table = pd.DataFrame([row]).round(4)
        table.to_csv(out, mode="a", index=False, header=not out.is_file())
        typer.echo(f"{name}, seed {seed}: {table.to_dict('records')[0]}")


def comparison(sweep: Sweep, out: Path) -> str:
    """Return a Markdown table of the finished trials: means over seeds, leads over the first."""
    rows = pd.read_csv(out).drop_duplicates("key", keep="last").set_index("key")
    keys: dict[str, list[str]] = {}
    for (name, _), params in sweep.trials.items():
        if (key := key_of(sweep, params, STAGE_TWO)) in rows.index:
            keys.setdefault(name, []).append(key)
    lines = [
        "| trial | seeds | VIF | Qabf | view | box mIoU | AP50 | lead over the first | p |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    first = next(iter(keys.values()), [])
    for name, own in keys.items():
        lines.extend(_line(name, view, own, first, rows) for view in (MACHINE, FUSED))
    return "\n".join(lines)


def _line(name: str, view: str, own: list[str], first: list[str], rows: pd.DataFrame) -> str:
    means = rows.loc[own].mean(numeric_only=True)
    figures = [means["VIF"], means["Qabf"]]
    probed = [means[f"{view}_box_miou"], means[f"{view}_ap50"]]
    cells = [name, str(len(own)), *(f"{value:.3f}" for value in figures), view]
    cells += [*(f"{value:.3f}" for value in probed), _lead(own, first, view)]
    return f"| {' | '.join(cells)} |"


def _lead(keys: list[str], first: list[str], view: str) -> str:
    """Return the lead in box mIoU over other trainings of as many seeds, its interval and p."""
    if keys == first or len(keys) != len(first):
        return "| "
    score = partial(mean_iou, foreground=True)
    return str(lead(score, *(_counts(each, view) for each in (keys, first))))


def _counts(keys: list[str], view: str) -> Counts:
    return joined(
        [pd.read_csv(_counts_file(key, view), dtype={"id": str, "block": str}) for key in keys]
    )


def main(
    trials: Annotated[Path, typer.Argument(help="The YAML file.")],
    data: Annotated[Path, typer.Option(help="The folder that its captures lie in.")],
    out: Annotated[Path, typer.Option(help="The table that rows are added to.")],
    seed: Annotated[list[int] | None, typer.Option(help="This seed alone; again for more.")] = None,
) -> None:
    """Train and judge the trials of a file; several processes may have a seed each."""
    sweep = read_sweep(trials, data)
    run(sweep, out, seeds=seed)
    page = comparison(sweep, out)
    write_text(out.with_suffix(".md"), f"{page}\n")
    typer.echo(page)


if __name__ == "__main__":
    typer.run(main)
