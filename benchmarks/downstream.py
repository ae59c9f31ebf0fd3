"""`python -m benchmarks.downstream`: what a segmenter makes of models' images, over seeds.

    python -m benchmarks.downstream --captures msrs=../shared/data/msrs \
        --model SEED0.safetensors --model SEED1.safetensors --model SEED2.safetensors \
        --stage-one SEED0_ONE.safetensors ... --fused SeAFusion=../shared/peers/msrs_half/SeAFusion

Each model is judged by a probe of its own seed, and each rival by probes of the same seeds, so that
the luck of both trainings is in the intervals; p, which swaps blocks of scenes, knows nothing of
it. Probes train on the labelled pairs of the captures'
own training part and are tested on the test part; in two folds of whole blocks where there are no
such parts. Prints a Markdown table; what was probed before is read from the cache.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from math import isnan
from pathlib import Path
from statistics import fmean
from typing import Annotated

import pandas as pd
import typer
from torch import Tensor

from benchmarks.composites import PARAMS
from benchmarks.leads import joined, lead
from ssvif import console
from ssvif.cli.names import named_folder, split_name
from ssvif.evaluation.candidates import PLAIN, Candidate, FusionCandidate
from ssvif.evaluation.captures import capture_pairs
from ssvif.evaluation.folders import open_folder
from ssvif.evaluation.pairs import PairSource, read_scene
from ssvif.evaluation.probing import scene_images, task_score
from ssvif.files import write_text
from ssvif.fuse.views import FUSED, MACHINE
from ssvif.models.weights import load_fusion
from ssvif.params import IngestParams, ProbesParams
from ssvif.probes.counts import Counts
from ssvif.probes.run import ProbeResult, run_probe
from ssvif.probes.tasks import ProbeTask, load_tasks
from ssvif.stages.training import training_device

STAGE_ONE = "stage one"
VIEWS = (FUSED, MACHINE)
# In PARAMS' 160 steps a trunk without ImageNet weights learns next to nothing: a mean IoU of .03.
FROM_SCRATCH = PARAMS.model_copy(update={"pretrained": False, "steps": 640})


@dataclass(frozen=True)
class Judging:
    """What all probes share."""

    source: PairSource
    task: ProbeTask
    params: ProbesParams

    def run(self, candidates: Sequence[Candidate], *, seed: int) -> dict[str, ProbeResult]:
        """Probe candidates; plain ones bring both cameras at once with them."""
        images: dict[str, dict[str, tuple[Tensor, ...]]] = {}
        rows = self.source.manifest.set_index("id", drop=False).loc[list(self.task.ids)]
        for row in rows.to_dict("records"):
            scene = read_scene(self.source.pairs, row, device=training_device())
            seen, missing = scene_images(candidates, scene, self.params)
            if missing:
                raise typer.BadParameter("; ".join(f"{k}: {why}" for k, why in missing.items()))
            for name, image in seen.items():
                images.setdefault(name, {})[str(row["id"])] = image
        found = {}
        for name, shown in images.items():
            found[name] = run_probe(
                name, shown, self.task, self.params, seed=seed, device=training_device()
            )
            counts = Counts.from_table(found[name].counts)
            score = float(task_score(self.task)(counts).mean())
            typer.echo(f"{self.task.name}, seed {seed}: {name} {score:.4f}", err=True)
        return found


def views(model: Path, stage_one: Path | None) -> list[Candidate]:
    """Return both views of a model, and the fused view of its stage one."""
    fusion = load_fusion(model).to(training_device())
    shown: list[Candidate] = [FusionCandidate(view, fusion, view=view) for view in VIEWS]
    if stage_one:
        shown.append(FusionCandidate(STAGE_ONE, load_fusion(stage_one).to(training_device())))
    return shown


def table(results: Mapping[str, Sequence[ProbeResult]]) -> str:
    """Return scores, and what both views are ahead of each other image, as Markdown."""
    score = task_score(results[FUSED][0].task)
    counts = {name: joined([each.counts for each in found]) for name, found in results.items()}
    order = sorted(results, key=lambda name: -score(counts[name]).mean())
    lines = [
        "| image | mean IoU | AP50 | fused is ahead by | p | machine is ahead by | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in order:
        precision = fmean(
            r.detections.query("`class` == 'all'")["ap50"].mean() for r in results[name]
        )
        leads = [
            " | " if name == view else str(lead(score, counts[view], counts[name]))
            for view in VIEWS
        ]
        mean = score(counts[name]).mean()
        # Masks have no boxes to be found.
        found = "" if isnan(precision) else f"{precision:.3f}"
        cells = [name, f"{mean:.3f}", found, *leads]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def counted(results: Mapping[str, Sequence[ProbeResult]]) -> str:
    """Return what the probes counted, as CSV: the table's figures come from it."""
    tables = [
        found.counts.drop(columns="repetition").assign(image=name, seed=seed)
        for name, probes in results.items()
        for seed, found in enumerate(probes)
    ]
    return pd.concat(tables, ignore_index=True).to_csv(index=False)


def main(
    captures: Annotated[str, typer.Option(metavar="NAME=FOLDER", help="A labelled set.")],
    model: Annotated[list[Path], typer.Option(help="Weights; once for each seed, from 0 on.")],
    stage_one: Annotated[list[Path] | None, typer.Option(help="Of the same seeds.")] = None,
    fused: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FOLDER", help="Another method's images.")
    ] = None,
    scratch: Annotated[
        bool, typer.Option(help="Probes start from chance, not ImageNet, and take 640 steps.")
    ] = False,
    block_size: Annotated[
        int, typer.Option(help="Neighbours that are one scene; 1 for photographs.")
    ] = IngestParams().block_size,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables, and for what the probes counted.")
    ] = None,
) -> None:  # fmt: skip
    """Judge models of several seeds by what a segmenter makes of their images."""
    if stage_one and len(stage_one) != len(model):
        message = f"expected one for each of {len(model)} --model, found {len(stage_one)}"
        raise typer.BadParameter(message, param_hint="--stage-one")
    own = [
        views(*weights)
        for weights in zip(model, stage_one or repeat(None, len(model)), strict=True)
    ]
    params = FROM_SCRATCH if scratch else PARAMS
    name, folder = split_name(captures)
    # What has no parts of its own is dealt out by the probes, into folds.
    ingest = IngestParams(val_share=0.0, test_share=0.0, block_size=block_size)
    source = capture_pairs([(name, Path(folder))], ingest)
    tasks, _ = load_tasks(source.manifest, source.labels, params, split="test")
    folders = [named_folder(text) for text in fused or []]
    rows = source.manifest
    peers = [open_folder(name, folder, rows, rows) for name, folder in folders]
    for task in tasks:
        judging = Judging(source, task, params)
        results: dict[str, list[ProbeResult]] = {}
        for seed, candidates in enumerate(own):
            found = judging.run([*candidates, *PLAIN.values(), *peers], seed=seed)
            for image, result in found.items():
                results.setdefault(image, []).append(result)
        page = f"{task.name}, {len(task.test)} pairs, {len(model)} seeds\n\n{table(results)}\n"
        typer.echo(page, nl=False)
        if out:
            write_text(out / f"{name}-{task.name}.md", page)
            write_text(out / f"{name}-{task.name}.csv", counted(results))


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
