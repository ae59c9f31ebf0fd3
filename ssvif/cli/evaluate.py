"""`ssvif evaluate`: scores models and any method's fused images, on any captures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from ssvif.evaluation.pairs import PairSource
    from ssvif.params import Params

OUT = Path("reports/scores")
ALL = "all"

Captures = Annotated[
    list[str] | None,
    typer.Option(
        "--captures",
        metavar="[NAME=]FOLDER",
        help="Pairs of this folder, in any layout, instead of the project's; may be repeated.",
    ),
]
Split = Annotated[
    Literal["train", "val", "test", "all"] | None,
    typer.Option(help="Part of the pairs; else evaluate.split, or all of --captures."),
]


def evaluate(
    captures: Captures = None,
    fused: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FOLDER", help="Fused images of any method, matched by name."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MODEL",
            help="Weights file, bundle folder, models:/NAME@ALIAS or pretrained, beside those in "
            "models/.",
        ),
    ] = None,
    split: Split = None,
    metrics: Annotated[
        Literal["standard", "all"], typer.Option(help="Which metrics are scored.")
    ] = "standard",
    probe: Annotated[
        bool | None, typer.Option(help="Train probes on labelled pairs; else evaluate.probe.")
    ] = None,
    stress: Annotated[
        bool | None, typer.Option(help="Score under degradations; else evaluate.stress.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the report.")] = OUT,
) -> None:
    """Score models and fused images; the plain mean and maximum are always there.

    What cannot be read or has no match is left out for all, with its reason in left_out.csv.
    """
    from ssvif.cli.names import named_folder, named_model
    from ssvif.evaluation.run import Job, prepare
    from ssvif.metrics.table import METRICS, STANDARD
    from ssvif.stages.evaluate import evaluate_to, own_models

    folders = unique([named_folder(text) for text in fused or []])
    params = _with_switches(load_params_or_defaults(), probe=probe, stress=stress)
    models = {**own_models(), **dict(named_model(text) for text in model or [])}
    job = Job(
        source=pair_source(captures, params, split=split),
        split=split or (ALL if captures else params.evaluate.split),
        models=models,
        folders=folders,
        params=params,
        metrics=METRICS if metrics == "all" else STANDARD,
    )
    evaluate_to(prepare(job), out)
    typer.echo((out / "summary.md").read_text(encoding="utf-8"))
    typer.echo(f"written to {out}")


def load_params_or_defaults() -> "Params":
    """Return the project's parameters, or the defaults where there is no project."""
    from ssvif.params import PARAMS_FILE, Params, load_params

    return load_params() if PARAMS_FILE.exists() else Params()


def pair_source(captures: list[str] | None, params: "Params", *, split: str | None) -> "PairSource":
    """Return the pairs of folders of captures, or else of the project.

    Captures that are evaluated all together are not dealt out among splits: where they have
    none of their own, probes are trained and tested in folds, on every labelled pair.

    Raises:
        ManifestError: If there are neither.
    """
    from ssvif.cli.names import split_name
    from ssvif.data.manifest import MANIFEST_FILE
    from ssvif.errors import ManifestError
    from ssvif.evaluation.captures import capture_pairs
    from ssvif.evaluation.pairs import project_pairs

    if not captures:
        if not MANIFEST_FILE.exists():
            raise ManifestError(
                f"{MANIFEST_FILE}: no pairs in this folder; give --captures FOLDER, or run "
                "`dvc repro ingest` in a project"
            )
        return project_pairs()
    named = [split_name(text) for text in captures]
    whole = {} if split not in (None, ALL) else {"val_share": 0.0, "test_share": 0.0}
    ingest = params.ingest.model_copy(update=whole)
    return capture_pairs([(name, Path(value)) for name, value in named], ingest)


def unique(folders: list[tuple[str, Path]]) -> dict[str, Path]:
    """Return folders by name.

    Raises:
        EvaluationError: If two have one name.
    """
    from ssvif.evaluation.lineup import check_names

    check_names([name for name, _ in folders])
    return dict(folders)


def _with_switches(params: "Params", **switches: bool | None) -> "Params":
    given = {name: value for name, value in switches.items() if value is not None}
    return params.model_copy(update={"evaluate": params.evaluate.model_copy(update=given)})
