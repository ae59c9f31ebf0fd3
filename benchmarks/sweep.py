"""`make sweep`: variants of the method, trained and judged; goes on where it was stopped.

A YAML file (`benchmarks/trials.py`, `benchmarks/sweeps/`) names the captures, the seeds and each
trial's parameters. Every trial is trained on the captures without their labels, then judged: by the
fusion metrics on the split `val`, and by a segmenter that is trained on its images, in two folds of
whole blocks of the labelled set. A row a trial and seed is added to the CSV file, and what the
segmenter counted to a folder beside it; rows that are there already, of the same parameters,
captures, labels and code, are not made again. In the end, each trial is compared with the file's
first one, on the seeds that both have: a Markdown file beside the CSV one.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from torch import Tensor

import ssvif
from benchmarks.composites import PARAMS as PROBES
from benchmarks.leads import Lead, joined, lead
from benchmarks.trials import (
    STAGE_TWO,
    Sweep,
    Trial,
    code_hash,
    read_sweep,
    train_trial,
    training_key,
)
from ssvif import console
from ssvif.evaluation.candidates import Candidate, FusionCandidate
from ssvif.evaluation.pairs import read_scene
from ssvif.evaluation.probing import scene_images
from ssvif.evaluation.scores import score_pairs
from ssvif.evaluation.statistics import holm
from ssvif.files import atomic_path, sha256_folder, sha256_json, write_text
from ssvif.fuse.views import FUSED, MACHINE
from ssvif.metrics.table import STANDARD
from ssvif.models.fusion import FusionNet
from ssvif.models.weights import load_fusion
from ssvif.probes.counts import Counts, mean_iou
from ssvif.probes.run import ProbeResult, run_probe
from ssvif.probes.tasks import BOXES, load_tasks
from ssvif.stages.training import training_device

WORK = Path(".cache/sweep")
VIEWS = (MACHINE, FUSED)

_JUDGING_CODE = ("probes/*.py", "metrics/*.py", "evaluation/*.py", "data/images.py")


def key_of(sweep: Sweep, trial: Trial) -> str:
    """Return the hash of all that a row of the table depends on."""
    manifest = sweep.source.manifest
    training = training_key(
        trial.params, manifest[["id", "split", "set", "block"]].to_numpy().tolist(), STAGE_TWO
    )
    package = Path(ssvif.__file__).parent
    code = code_hash([file for found in _JUDGING_CODE for file in sorted(package.glob(found))])
    probes = PROBES.model_dump(mode="json")
    labels = sha256_folder(sweep.source.labels)
    return sha256_json([training, trial.is_whole, probes, sweep.probed, labels, code])[:16]


def judge(
    sweep: Sweep, fusion: FusionNet, *, seed: int
) -> tuple[dict[str, float], dict[str, pd.DataFrame]]:
    """Return the fusion metrics' means on `val`, and what a segmenter makes of the images.

    The latter as figures, and as counts by view, to compare trials with.
    """
    source, device = sweep.source, training_device()
    fusion = fusion.to(device)
    machine, fused = (FusionCandidate(view, fusion, view=view) for view in VIEWS)
    val = source.manifest[source.manifest["split"] == "val"]
    found = score_pairs(val, [fused], folder=source.pairs, device=device).pairs
    figures = {metric.acronym: float(found[metric.acronym].mean()) for metric in STANDARD}
    counted = {}
    for view in (machine, fused):
        result = _probe(sweep, view, seed=seed)
        counted[view.name] = result.counts
        boxes, counts = result.detections, Counts.from_table(result.counts)
        figures[f"{view.name}_box_miou"] = float(mean_iou(counts, foreground=True).mean())
        figures[f"{view.name}_ap50"] = float(boxes.loc[boxes["class"] == "all", "ap50"].mean())
    return figures, counted


def _counts_file(out: Path, key: str, view: str) -> Path:
    return out.with_suffix("") / f"{key}-{view}.csv"


def _probe(sweep: Sweep, candidate: Candidate, *, seed: int) -> ProbeResult:
    source, device = sweep.source, training_device()
    rows = source.manifest[source.manifest["set"] == sweep.probed].assign(split="train")
    tasks, _ = load_tasks(rows, source.labels, PROBES, split="train")
    (task,) = (task for task in tasks if task.kind == BOXES)
    images: dict[str, tuple[Tensor, ...]] = {}
    for row in rows[rows["id"].isin(task.ids)].to_dict("records"):
        scene = read_scene(source.pairs, row, device=device)
        images[str(row["id"])] = scene_images([candidate], scene, PROBES)[0][candidate.name]
    return run_probe(candidate.name, images, task, PROBES, seed=seed, device=device)


def run(sweep: Sweep, out: Path, *, seeds: Sequence[int] | None = None) -> None:
    """Train and judge what is not in the table yet, a row at a time."""
    for (name, seed), trial in sweep.trials.items():
        if seeds and seed not in seeds:
            continue
        key = key_of(sweep, trial)
        if out.is_file() and key in set(pd.read_csv(out)["key"]) and _is_counted(out, key):
            continue
        began = time.monotonic()
        trained = train_trial(sweep, trial, WORK)
        judged, counted = judge(sweep, load_fusion(trained.weights), seed=seed)
        for view, counts in counted.items():
            with atomic_path(_counts_file(out, key, view)) as temporary:
                counts.to_csv(temporary, index=False)
        figures = trained.record.last
        health = {
            f"val_{figure}": figures.get(f"stage_two/val/{figure}", float("nan"))
            for figure in ("agreement", "effective_prototypes", "equivariance")
        }
        weight = figures.get("stage_two/train/dynamic_weight/weight", float("nan"))
        row = {"key": key, "trial": name, "seed": seed, **judged, **health, "last_weight": weight}
        row["minutes"] = (time.monotonic() - began) / 60.0
        table = pd.DataFrame([row]).round(4)
        table.to_csv(out, mode="a", index=False, header=not out.is_file())
        typer.echo(f"{name}, seed {seed}: {table.to_dict('records')[0]}")


def comparison(sweep: Sweep, out: Path) -> str:
    """Return a Markdown table of the finished trials: means over seeds, leads over the first.

    Leads are of the seeds that both have. Holm's correction is over all leads of the page.
    """
    rows = pd.read_csv(out).drop_duplicates("key", keep="last").set_index("key")
    keys: dict[str, dict[int, str]] = {name: {} for name, _ in sweep.trials}
    for (name, seed), trial in sweep.trials.items():
        key = key_of(sweep, trial)
        if key in rows.index and _is_counted(out, key):
            keys[name][seed] = key
    first = next(iter(keys.values()))
    lines = [(n, v, own) for n, own in keys.items() if own for v in VIEWS]
    leads = [None if own is first else _lead(out, own, first, view) for _, view, own in lines]
    corrected = iter(holm(np.array([found.p for found in leads if found])))
    page = [
        "p swaps blocks of scenes, and knows nothing of the luck of a training: believe a lead",
        "whose interval, over scenes and trainings, leaves 0 out, too. Holm's p is over the page.",
        "",
        "| trial | seeds | VIF | Qabf | view | box mIoU | AP50 | lead over the first | p | Holm |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, view, own), found in zip(lines, leads, strict=True):
        means = rows.loc[list(own.values())].mean(numeric_only=True)
        figures = [means[f"{view}_box_miou"], means[f"{view}_ap50"]]
        cells = [name, str(len(own)), f"{means['VIF']:.3f}", f"{means['Qabf']:.3f}", view]
        cells += [*(f"{value:.3f}" for value in figures), str(found) if found else " | "]
        cells.append(f"{next(corrected):.3f}" if found else "")
        page.append(f"| {' | '.join(cells)} |")
    return "\n".join(page)


def _is_counted(out: Path, key: str) -> bool:
    return all(_counts_file(out, key, view).is_file() for view in VIEWS)


def _lead(out: Path, own: Mapping[int, str], first: Mapping[int, str], view: str) -> Lead | None:
    """Return the lead in box mIoU on the seeds that both have, or None where there is none."""
    seeds = sorted(own.keys() & first.keys())
    if not seeds:
        return None
    counts, reference = (
        _counts(out, [keys[seed] for seed in seeds], view) for keys in (own, first)
    )
    return lead(partial(mean_iou, foreground=True), counts, reference)


def _counts(out: Path, keys: Sequence[str], view: str) -> Counts:
    text = {"id": str, "block": str}
    return joined([pd.read_csv(_counts_file(out, key, view), dtype=text) for key in keys])


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
    console.run(lambda: typer.run(main))
