"""`python -m benchmarks.composites --data ../shared/data/msrs/train`: hand-made images, probed.

What is a segmenter best shown, where nothing is learned? Each rule below makes one image of a pair;
a probe is trained and tested on each, in two folds of whole blocks of one labelled set. Give it the
training part of a set: what is chosen by these scores has then not seen the test part. Prints a
Markdown table; what was probed before is read from the cache.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from benchmarks.leads import lead
from ssvif import console
from ssvif.evaluation.candidates import BOTH, PLAIN, STACK, FusionCandidate, Scene
from ssvif.evaluation.captures import capture_pairs
from ssvif.evaluation.pairs import PairSource, read_scene
from ssvif.fuse.places import PRETRAINED, WEIGHTS_NAME
from ssvif.fuse.views import MACHINE
from ssvif.models.weights import load_fusion
from ssvif.ops import with_chroma
from ssvif.params import IngestParams, ProbesParams
from ssvif.probes.counts import Counts, mean_iou
from ssvif.probes.images import ProbeImages, probe_image
from ssvif.probes.run import ProbeResult, run_probe
from ssvif.probes.tasks import BOXES, ProbeTask, load_tasks

PARAMS = ProbesParams(
    height=240, width=320, crop_height=192, crop_width=256, steps=160, folds=2, repetitions=1
)
# A picture of this mean is neither dark nor pale; gammas beyond the bounds would show noise.
_MEAN = 0.4
_GAMMAS = (0.35, 1.5)
_EPSILON = 1.0e-4

Rule = Callable[[Scene], Tensor]


def exposed(plane: Tensor) -> Tensor:
    """Bring a plane (1, 1, H, W) to a mean of about 0.4 by a gamma of its own."""
    gamma = torch.log(torch.tensor(_MEAN)) / torch.log(plane.mean().clamp(0.02, 0.9))
    return plane.clamp(_EPSILON, 1.0) ** gamma.clamp(*_GAMMAS)


def _exposed_stack(scene: Scene) -> Tensor:
    return torch.cat([exposed(plane) for plane in STACK.rule(scene).split(1, dim=1)], dim=1)


def _camera_planes(scene: Scene) -> Tensor:
    return torch.cat([scene.ir, scene.vis[:, 1:]], dim=1)


def _exposed_planes(scene: Scene) -> Tensor:
    return torch.cat([exposed(plane) for plane in _camera_planes(scene).split(1, dim=1)], dim=1)


def _exposed_visible(scene: Scene) -> Tensor:
    return torch.cat([exposed(plane) for plane in scene.vis.split(1, dim=1)], dim=1)


def _exposed_mean(scene: Scene) -> Tensor:
    return with_chroma((exposed(scene.vis_y) + scene.ir) / 2.0, scene.vis)


def _screen(scene: Scene) -> Tensor:
    return with_chroma(1.0 - (1.0 - scene.vis_y) * (1.0 - scene.ir), scene.vis)


@cache
def _package() -> FusionCandidate:
    return FusionCandidate("package", load_fusion(PRETRAINED / WEIGHTS_NAME), view=MACHINE)


RULES: Mapping[str, Rule] = {
    **{name: candidate.rule for name, candidate in PLAIN.items()},
    "ir-green-blue": _camera_planes,
    "exposed stack": _exposed_stack,
    "exposed planes": _exposed_planes,
    "exposed visible": _exposed_visible,
    "exposed mean": _exposed_mean,
    "screen": _screen,
    "package's machine view": lambda scene: _package().fuse(scene),
}


def images_of(name: str, source: PairSource, task: ProbeTask) -> ProbeImages:
    """Return what a probe is shown under a rule's name, by pair."""
    rows = source.manifest.set_index("id", drop=False).loc[list(task.ids)].to_dict("records")
    return {str(row["id"]): _image(name, read_scene(source.pairs, row, device=torch.device("cpu")))
            for row in rows}  # fmt: skip


def _image(name: str, scene: Scene) -> tuple[Tensor, ...]:
    if name == BOTH:
        return tuple(probe_image(plane, PARAMS) for plane in (scene.vis, scene.ir))
    is_fusion = name in PLAIN and PLAIN[name].fused
    return (probe_image(RULES[name](scene), PARAMS, vis=scene.vis if is_fusion else None),)


def table(results: Mapping[str, ProbeResult], *, seed: int) -> str:
    """Return foreground mean IoU, AP50 and the lead over the plain stack, as Markdown."""
    score = partial(mean_iou, foreground=True)
    reference = Counts.from_table(results[STACK.name].counts)
    lines = ["| image | box mIoU, without background | AP50 | lead over stack | p |",
             "|---|---|---|---|---|"]  # fmt: skip
    for name, result in results.items():
        counts = Counts.from_table(result.counts)
        found = result.detections.query("`class` == 'all'")["ap50"].mean()
        ahead = lead(score, counts, reference, seed=seed)
        lines.append(f"| {name} | {score(counts).mean():.3f} | {found:.3f} | {ahead} |")
    return "\n".join(lines)


def main(
    data: Annotated[Path, typer.Option(help="A labelled set of captures: its training part.")],
    repetitions: Annotated[int, typer.Option(help="Trainings of each probe.", min=1)] = 1,
    rules: Annotated[list[str] | None, typer.Option("--rule", help="One image; again for more.")]
    = None,
    seed: Annotated[int, typer.Option(help="Of the probes.")] = 0,
) -> None:  # fmt: skip
    """Probe hand-made images of one labelled set."""
    source = capture_pairs([(None, data)], IngestParams())
    rows = source.manifest.assign(split="train")
    tasks, _ = load_tasks(rows, source.labels, PARAMS, split="train")
    (task,) = (task for task in tasks if task.kind == BOXES)
    params = PARAMS.model_copy(update={"repetitions": repetitions})
    known = [*RULES, BOTH]
    if unknown := set(rules or ()) - set(known):
        raise typer.BadParameter(f"no such image: {', '.join(unknown)}; known: {', '.join(known)}")
    names = dict.fromkeys([STACK.name, *(rules or known)])
    results = {}
    for name in names:
        results[name] = run_probe(name, images_of(name, source, task), task, params, seed=seed)
        typer.echo(f"{name}: {mean_iou(Counts.from_table(results[name].counts), foreground=True)}")
    typer.echo(table(results, seed=seed))


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
