"""The model card: what a model is, where it comes from, how good it is, what it cannot do."""

from collections.abc import Mapping
from typing import Any

from ssvif.evaluation.labels import LABELS

_LABELS = {**LABELS, "stage_two": "this model"}

_CARD = """# SSVIF fusion model

Fuses a registered pair of a visible and an infrared image into one image. Brightness is fused;
colour is that of the visible image. Trained without labels, in the manner of arXiv:2509.22450:
a feature-level and a pixel-level segmentation of the fused image must agree, and what makes them
agree is what a later segmentation needs.

## Training

{training}

Data: {data}.

Made from commit `{commit}`{dirty}, manifest `{manifest}`, parameters `{params}`; the full values
are in `lineage.json` and `params.json`.

## Evaluation

Means over {pairs} pairs of the split `{split}`, which training never saw.

{table}

{branches}

## Limits

- The pair must be registered: the same scene, pixel by pixel. Nothing here aligns images.
- Images like those it was trained on: look at the result before you rely on it for other
  cameras, other wavelengths, or other scenes.
- Infrared is taken as brightness in [0, 1]; absolute temperatures are lost.
- It serves people and segmentation networks that look at the fused image. It is not a safety
  device.

## Use

    ssvif fuse VIS IR -o OUT --model FOLDER

`FOLDER` is the folder of this card. In MLflow the model takes `vis`, uint8 (B, H, W, 3) in RGB,
and `ir`, uint8 (B, H, W), and returns uint8 (B, H, W, 3).
"""


def model_card(
    *, params: Mapping[str, Any], metrics: Mapping[str, Any], lineage: Mapping[str, Any]
) -> str:
    """Write a model card as Markdown.

    What the floors say of a model is not on its card: they may change, and the model does not.

    Args:
        params: Sections of the training's parameters.
        metrics: What reports/evaluate/metrics.json holds.
        lineage: What lineage.json holds.
    """
    branches = metrics["branches"]["stage_two"]
    return _CARD.format(
        training=_training(params),
        data=_data(lineage["pairs"]),
        commit=lineage["git_commit"][:12],
        dirty=" with changes that were not committed" if lineage["git_dirty"] == "true" else "",
        manifest=lineage["manifest"][:12],
        params=lineage["params"][:12],
        pairs=metrics["pairs"],
        split=metrics["split"],
        table=_table(metrics),
        branches=(
            f"The two segmentations agree on {branches['agreement']:.0%} of positions "
            f"(kappa {branches['agreement_over_chance']:.2f}) and use at least "
            f"{branches['effective_prototypes_share']:.0%} of the prototypes."
        ),
    )


def _training(params: Mapping[str, Any]) -> str:
    two = params["stage_two"]
    return (
        f"{_beginning(params)} "
        f"Stage two: {two['steps']} steps of {_batch(two)}, all together under the dynamic weight."
    )


def _beginning(params: Mapping[str, Any]) -> str:
    one, start = params["stage_one"], params.get("champion", {}).get("start")
    if start and one["start"] != "scratch":
        return (
            f"It goes on from `{start['name']}` version {start['version']} (bundle "
            f"`{start['bundle'][:12]}`); {params['stage_two']['replay']:.0%} of each batch are "
            "pairs that this one knew, where there are such pairs and new ones."
        )
    return (
        f"Stage one: {one['steps']} steps of {_batch(one)}, fusion network alone, then "
        f"{params['warm_up']['steps']} steps of the branches alone."
    )


def _batch(stage: Mapping[str, Any]) -> str:
    return f"{stage['batch']} scenes, two crops of {stage['crop']} pixels each"


def _data(pairs: Mapping[str, Mapping[str, int]]) -> str:
    sets = [
        f"{name} ({', '.join(f'{count} {split}' for split, count in sorted(splits.items()))})"
        for name, splits in sorted(pairs.items())
    ]
    return "pairs by set and split: " + "; ".join(sets)


def _table(metrics: Mapping[str, Any]) -> str:
    names = list(metrics["stage_two"])
    lines = ["| | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    for candidate, label in _LABELS.items():
        scores = metrics.get(candidate)
        if scores:
            lines.append(f"| {label} | " + " | ".join(f"{scores[n]:.3f}" for n in names) + " |")
    return "\n".join(lines)
