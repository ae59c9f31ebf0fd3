"""`make champion`: trains the model that comes with the package, and its seeds.

Trains what `benchmarks/sweeps/champion.yaml` says, without labels, and goes on where it was stopped
(three quarters of an hour a seed on one core). Writes

    benchmarks/seeds/SEED/     the fusion network after stage one and after stage two, so that the
                               seeds can be judged again without training, and `health.json`: the
                               last figures of the validation split
    ssvif/pretrained/          the first seed's, with its parameters, metrics and card
    .cache/champion/SEED/dynamic_weight.png

The metrics are those of captures that no seed was trained on.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.peers import SETS, SHARED
from benchmarks.trials import Sweep, Trained, read_sweep, train_trial
from ssvif import console
from ssvif.evaluation.candidates import MAX, MEAN, FusionCandidate
from ssvif.evaluation.captures import capture_pairs
from ssvif.evaluation.schedule import draw_schedule
from ssvif.evaluation.scores import score_pairs
from ssvif.evaluation.summary import pipe_table
from ssvif.files import atomic_folder, sha256_file, write_json, write_text
from ssvif.fuse.export import export_onnx
from ssvif.fuse.places import ONNX_NAME, PRETRAINED, WEIGHTS_NAME
from ssvif.metrics.table import STANDARD
from ssvif.models.fusion import FusionNet
from ssvif.models.weights import load_fusion, save_fusion
from ssvif.params import IngestParams, NetworkParams, Params
from ssvif.registry.bundle import CARD, METRICS, PARAMS
from ssvif.stages.training import training_device

TRIALS = Path(__file__).parent / "sweeps/champion.yaml"
WORK = Path(".cache/sweep")
SEEDS = Path(__file__).parent / "seeds"
PLOTS = Path(".cache/champion")
OWN = "this model"
_HELD_OUT = "/val/"

# What decides what a training makes.
_SECTIONS = {
    *("seed", "ingest", "network", "fusion_loss", "training", "stage_one", "warm_up"),
    *("consistency", "dynamic_weight", "stage_two"),
}

_CARD = """# The fusion model that comes with SSVIF

Fuses a registered pair of a visible and an infrared image into one image, in two views: `fused`,
for people (brightness is fused, colour is the visible image's), and `machine`, for a segmenter
(each channel a mixture of infrared and the colours). Trained without labels; docs/method.md of
the source says how. {parameters:,} parameters.

## Training

{pairs} pairs: {sets}. Stage one {one} steps of {batch} scenes with two crops of {crop} pixels each,
then {warm_up} steps of the branches alone; stage two {two} steps; seed {seed}. All parameters are
in `params.json`. Made by `make champion`.

## Fusion metrics

Means over captures that training never saw; of `roadscene_test` some show places of its training
captures, a few seconds apart. docs/metrics.md of the source has the metrics' conventions.
What a segmenter makes of the images is in docs/method.md.

{tables}

## Limits

- The pair must be registered: the same scene, pixel by pixel. The network aligns
  nothing; `ssvif fuse --align` does.
- It learnt from street, road and surveillance scenes with thermal infrared, bright where warm. For
  other cameras, wavelengths or scenes look at the result first, and train with captures of yours:
  that needs no labels.
- Infrared is taken as brightness in [0, 1]; absolute temperatures are lost.
- It serves people and segmentation networks that look at the images. It is not a safety device.
- The pairs are other people's, for research: MSRS (Tang et al. 2022), RoadScene (Xu et al. 2020),
  M3FD (Liu et al. 2022), LLVIP (Jia et al. 2021; not for commercial use). For a product, train with
  captures of your own.

## Use

    ssvif fuse VIS IR -o OUT --model pretrained [--view machine]
"""


def main(
    data: Annotated[Path, typer.Option(help="The folder of the captures.")] = SHARED / "data",
    seed: Annotated[list[int] | None, typer.Option(help="This seed alone; again for more.")] = None,
) -> None:
    """Train the champion's seeds; write the package's model where its seed is among them."""
    sweep = read_sweep(TRIALS, data)
    first = min(number for _, number in sweep.trials)
    for (_, number), trial in sweep.trials.items():
        if seed and number not in seed:
            continue
        trained = train_trial(sweep, trial, WORK)
        _keep(trained, SEEDS / str(number), network=trial.params.network)
        plot = PLOTS / str(number) / "dynamic_weight.png"
        plot.parent.mkdir(parents=True, exist_ok=True)
        draw_schedule(plot, trained.record.rows)
        if number == first:
            _publish(load_fusion(trained.weights), trial.params, sweep, data)
            typer.echo(f"written to {PRETRAINED}")


def _keep(trained: Trained, folder: Path, *, network: NetworkParams) -> None:
    """Keep the fusion network alone, a hundredth of what was trained, and how healthy it ended."""
    with atomic_folder(folder) as new:
        for stage, weights in (("stage_one", trained.stage_one), ("stage_two", trained.weights)):
            save_fusion(new / f"{stage}.safetensors", load_fusion(weights), network=network)
        last = trained.record.last
        health = {name: round(value, 4) for name, value in last.items() if _HELD_OUT in name}
        write_json(new / "health.json", health)


def _publish(fusion: FusionNet, params: Params, sweep: Sweep, data: Path) -> None:
    """Write the model's folder in the package."""
    metrics = _scores(fusion, data)
    manifest = sweep.source.manifest
    learnt = manifest[manifest["split"] == "train"]
    sets = learnt.groupby("set").size().to_dict()
    card = _CARD.format(
        parameters=sum(parameter.numel() for parameter in fusion.parameters()),
        pairs=len(learnt),
        sets=", ".join(f"{name} {count}" for name, count in sets.items()),
        one=params.stage_one.steps,
        batch=params.stage_one.batch,
        crop=params.stage_one.crop,
        warm_up=params.warm_up.steps,
        two=params.stage_two.steps,
        seed=params.seed,
        tables="\n\n".join(_table(name, scores) for name, scores in metrics.items()),
    )
    with atomic_folder(PRETRAINED) as new:
        weights = new / WEIGHTS_NAME
        save_fusion(weights, fusion, network=params.network)
        export_onnx(fusion, new / ONNX_NAME, weights=sha256_file(weights))
        write_json(new / PARAMS, params.model_dump(mode="json", include=_SECTIONS))
        write_json(new / METRICS, metrics)
        write_text(new / CARD, card)


def _scores(fusion: FusionNet, data: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Return the metrics' means by set and candidate."""
    candidates = [FusionCandidate(OWN, fusion.to(training_device())), MEAN, MAX]
    source = capture_pairs([(name, data / path) for name, path in SETS.items()], IngestParams())
    found = score_pairs(
        source.manifest, candidates, folder=source.pairs, device=training_device()
    ).pairs
    names = [metric.acronym for metric in STANDARD]
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for (set_name, candidate), rows in found.groupby(["set", "candidate"], sort=False):
        means = rows[names].mean().round(4)
        scores.setdefault(str(set_name), {})[str(candidate)] = means.to_dict()
    return scores


def _table(name: str, scores: Mapping[str, Mapping[str, float]]) -> str:
    header = [f"`{name}`", *next(iter(scores.values()))]
    rows = [[who, *(f"{value:.3f}" for value in means.values())] for who, means in scores.items()]
    return pipe_table(header, rows)


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
