"""`python -m benchmarks.adaptation`: does unlabelled data of a new place make a model better there?

A model is trained on RoadScene alone. Stage two then goes on, as a retraining does: on RoadScene
and the new pairs (`adapted`), and for as many steps on RoadScene alone (`longer`). All three are
judged on held-out pairs of both places: by fusion metrics, and by a segmenter where there are
labels. Goes on where it was stopped. About an hour a seed and place on one core.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer

from benchmarks.composites import PARAMS
from benchmarks.downstream import Judging, views
from benchmarks.leads import joined, lead
from benchmarks.peers import SHARED
from benchmarks.trials import (
    STAGE_ONE,
    STAGE_TWO,
    Sweep,
    read_sweep,
    train_one,
    train_two,
    training_key,
)
from ssvif import console
from ssvif.data.views import load_pairs
from ssvif.evaluation.candidates import FusionCandidate
from ssvif.evaluation.captures import capture_pairs
from ssvif.evaluation.pairs import PairSource
from ssvif.evaluation.probing import task_score
from ssvif.evaluation.scores import score_pairs
from ssvif.evaluation.summary import pipe_table
from ssvif.files import sha256_file
from ssvif.fuse.views import FUSED, MACHINE
from ssvif.metrics.table import STANDARD
from ssvif.models.weights import load_fusion
from ssvif.params import IngestParams, Params
from ssvif.probes.run import ProbeResult
from ssvif.probes.tasks import load_tasks
from ssvif.seeding import derive_seed
from ssvif.training.stages import TrainingData, stage_two_side

TRIALS = Path(__file__).parent / "sweeps/adaptation.yaml"
WORK = Path(".cache/adaptation")
HOME = "roadscene"
BEFORE, LONGER, ADAPTED = "before", "longer", "adapted"

Models = Mapping[str, Path]


def train(sweep: Sweep, params: Params, place: str) -> Models:
    """Train the three models of a seed, or find what an earlier call made of them."""
    manifest = sweep.source.manifest
    ids = {name: list(rows["id"]) for name, rows in manifest.groupby("set")}
    side = stage_two_side(params)
    home, new = (load_pairs(sweep.source.pairs, ids[name], min_side=side) for name in (HOME, place))
    data = TrainingData(home, [])
    one = train_one(data, params, WORK / f"one-{training_key(params, ids[HOME], STAGE_ONE)}")
    before = train_two(
        one, data, params, WORK / f"before-{training_key(params, ids[HOME], STAGE_TWO)}"
    )
    # Batches that the model has not seen in this order.
    later = params.model_copy(update={"seed": derive_seed(params.seed, "later")})
    known = frozenset(range(len(home)))
    start = sha256_file(before)
    models = {BEFORE: before}
    for name, pairs, learnt in (
        (LONGER, home, ids[HOME]),
        (ADAPTED, [*home, *new], [*ids[HOME], *ids[place]]),
    ):
        key = training_key(later, [start, *learnt], STAGE_TWO)
        grown = TrainingData(pairs, [], known)
        models[name] = train_two(before, grown, later, WORK / f"{name}-{key}")
    return models


def fusion_table(sources: Mapping[str, PairSource], seeds: Sequence[Models]) -> str:
    """Return the fusion metrics of every model on every set's test part, means over the seeds."""
    names = [metric.acronym for metric in STANDARD]
    lines = []
    for place, source in sources.items():
        rows = source.manifest[source.manifest["split"] == "test"]
        found = pd.concat(
            [
                score_pairs(
                    rows,
                    [FusionCandidate(name, load_fusion(path)) for name, path in models.items()],
                    folder=source.pairs,
                    device=torch.device("cpu"),
                ).pairs
                for models in seeds
            ]
        )
        means = found.groupby("candidate", sort=False)[names].mean()
        lines += [
            [f"{place}, {name}", *(f"{value:.3f}" for value in row)]
            for name, row in zip(means.index, means.to_numpy(), strict=True)
        ]
    return pipe_table(["", *names], lines)


def probe_table(source: PairSource, seeds: Sequence[Models]) -> str:
    """Return what a segmenter makes of both views of every model, and what adapting is worth."""
    tasks, _ = load_tasks(source.manifest, source.labels, PARAMS, split="test")
    lines = []
    for task in tasks:
        judging, score = Judging(source, task, PARAMS), task_score(task)
        results: dict[tuple[str, str], list[ProbeResult]] = {}
        for seed, models in enumerate(seeds):
            for name, path in models.items():
                for view, result in judging.run(views(path, None), seed=seed).items():
                    results.setdefault((view, name), []).append(result)
        for view in (MACHINE, FUSED):
            counts = {n: joined([r.counts for r in results[view, n]]) for n in seeds[0]}
            for name, own in counts.items():
                ahead = " | " if name == ADAPTED else str(lead(score, counts[ADAPTED], own))
                mean = score(own).mean()
                lines.append(f"| {task.name}, {view}, {name} | {mean:.3f} | {ahead} |")
    head = ["| view, model | mean IoU | adapted is ahead by | p |", "|---|---|---|---|"]
    return "\n".join([*head, *lines])


def main(
    place: Annotated[str, typer.Argument(help="The new set: msrs or cwfid.")],
    data: Annotated[Path, typer.Option(help="The folder of the captures.")] = SHARED / "data",
    probe: Annotated[bool, typer.Option(help="Train segmenters, too.")] = True,
    block_size: Annotated[
        int, typer.Option(help="Neighbours that are one scene; 1 for photographs, as of cwfid.")
    ] = IngestParams().block_size,
) -> None:
    """Adapt models of several seeds to a new place, and judge them at both places."""
    sweep = read_sweep(TRIALS, data)
    seeds = [train(sweep, trial.params, place) for trial in sweep.trials.values()]
    # What has parts of its own keeps them.
    ingest = IngestParams(val_share=0.0, test_share=0.0, block_size=block_size)
    sources = {name: capture_pairs([(name, data / name)], ingest) for name in (HOME, place)}
    typer.echo(fusion_table(sources, seeds))
    if probe:
        typer.echo(probe_table(sources[place], seeds))


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
