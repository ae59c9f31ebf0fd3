"""`ssvif compare`: two candidates on the same pairs, and what chance has to say about it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ssvif.cli.evaluate import ALL, Captures, Split

if TYPE_CHECKING:
    from ssvif.evaluation.compare import Comparison

_WHAT = (
    "mean, max, a weights file, a bundle folder, models:/NAME@ALIAS, pretrained, or NAME=FOLDER."
)


def compare(
    a: Annotated[str, typer.Argument(help=f"What is judged: {_WHAT}")],
    b: Annotated[str, typer.Argument(help="What it is judged against, named likewise.")],
    captures: Captures = None,
    split: Split = None,
    metrics: Annotated[
        Literal["standard", "all"], typer.Option(help="Which metrics are compared.")
    ] = "standard",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Compare two candidates: intervals and tests keep neighbouring frames together."""
    from ssvif.cli.evaluate import load_params_or_defaults, pair_source
    from ssvif.evaluation.run import Job, compare_two
    from ssvif.metrics.table import METRICS, STANDARD

    names, models, folders = _places(a, b)
    params = load_params_or_defaults()
    job = Job(
        source=pair_source(captures, params, split=split),
        split=split or (ALL if captures else params.evaluate.split),
        models=models,
        folders=folders,
        params=params,
        metrics=METRICS if metrics == "all" else STANDARD,
    )
    comparison = compare_two(job, candidate=names[0], reference=names[1])
    if as_json:
        typer.echo(json.dumps(comparison.as_dict(), indent=2, allow_nan=False))
        return
    typer.echo(_table(comparison))
    typer.echo(f"\n{comparison.sentence}.")


def _places(a: str, b: str) -> tuple[list[str], dict[str, Path], dict[str, Path]]:
    """Return what A and B are called, the models and the folders among them."""
    from ssvif.cli.names import is_model, named_folder, named_model

    names: list[str] = []
    models: dict[str, Path] = {}
    folders: dict[str, Path] = {}
    for place, text in zip("AB", (a, b), strict=True):
        if text in ("mean", "max"):
            names.append(text)
            continue
        kind, named = (models, named_model) if is_model(text) else (folders, named_folder)
        name, path = named(text)
        # Two files of one name, in two folders, are told apart by where they were given.
        name = f"{name}-{place}" if name in names else name
        names.append(name)
        kind[name] = path
    return names, models, folders


def _table(comparison: "Comparison") -> str:
    share = f"{comparison.confidence:.0%}"
    from ssvif.evaluation.labels import counted

    header = ("metric", comparison.candidate, comparison.reference, "difference", share, "p",
              "p (Holm)", "effect")  # fmt: skip
    rows = [
        (
            m.metric if m.higher_is_better else f"{m.metric} (less is better)",
            f"{m.candidate:.4g}",
            f"{m.reference:.4g}",
            f"{m.difference:+.4g}",
            f"{m.low:+.4g} to {m.high:+.4g}",
            f"{m.p:.4f}",
            f"{m.p_holm:.4f}",
            f"{m.effect:+.2f}",
        )
        for m in comparison.metrics
    ]
    # What is not known, for want of blocks, reads as a dash.
    cells = [tuple(c.replace("+nan to +nan", "-").replace("nan", "-") for c in r) for r in rows]
    widths = [max(len(row[i]) for row in (header, *cells)) for i in range(len(header))]
    lines = [
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                  for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in (header, *cells)
    ]  # fmt: skip
    return "\n".join([counted(comparison.pairs, comparison.blocks), "", *lines])
