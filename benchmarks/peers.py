"""`make bench-peers`: published methods, this project's model, mean and maximum, on the same pairs.

Reads the fused images and the captures of a folder `shared` beside the repository; writes
`reports/peers/`. Nothing of it is committed.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ssvif import console
from ssvif.cli.names import named_model
from ssvif.errors import EvaluationError
from ssvif.evaluation.captures import capture_pairs
from ssvif.evaluation.labels import label
from ssvif.evaluation.pairs import PairSource
from ssvif.evaluation.run import Evaluation, Job, evaluate, prepare
from ssvif.evaluation.summary import left_out_counts, pipe_table, score_table
from ssvif.evaluation.tables import metrics_of, ranks
from ssvif.files import write_text
from ssvif.fuse.places import CHAMPION, WEIGHTS_NAME
from ssvif.metrics.table import METRICS, STANDARD, Metric
from ssvif.params import Params
from ssvif.stages.evaluate import own_models

SHARED = Path(__file__).parents[2] / "shared"
DATA, PEERS = "data", "peers/full"  # below `shared`
OUT = Path("reports/peers")
# The sets of the peers' folders, and where their captures are.
SETS = {"msrs_test": "msrs/test", "roadscene_test": "roadscene/test", "tno": "tno"}


def main() -> None:
    """Score every folder of fused images, and print and write the table."""
    arguments = _arguments()
    if not is_there(arguments.shared):
        return
    metrics = [
        metric
        for metric in (METRICS if arguments.all_metrics else STANDARD)
        if metric.acronym not in arguments.without
    ]
    job = peers_job(arguments.shared, models_named(arguments.model), metrics)
    job = replace(job, source=_without(job.source, arguments.leave_out))
    evaluation = evaluate(prepare(job))
    page = _page(evaluation)
    write_text(OUT / "summary.md", page)
    write_text(OUT / "pairs.csv", evaluation.scores.pairs.to_csv(index=False))
    print(page)


def is_there(shared: Path) -> bool:
    """Return whether a folder has data and peers, and say so where it has not."""
    missing = [folder for folder in (shared / PEERS, shared / DATA) if not folder.is_dir()]
    if missing:
        print(f"skipped: {missing[0]} is not there; give the folder with --shared")
    return not missing


def peers_job(shared: Path, models: Mapping[str, Path], metrics: Sequence[Metric]) -> Job:
    """Return what is to be scored: published methods' folders beside models.

    Args:
        shared: The folder of data and peers.
        models: Weights files by name.
        metrics: What is scored.
    """
    params = Params()
    switched = {"probe": False, "stress": False}
    sets = [(name, shared / DATA / path) for name, path in SETS.items()]
    folders = sorted(folder for folder in (shared / PEERS).iterdir() if folder.is_dir())
    return Job(
        source=capture_pairs(sets, params.ingest),
        split="all",
        models=models,
        folders={folder.name: folder for folder in folders},
        params=params.model_copy(update={"evaluate": params.evaluate.model_copy(update=switched)}),
        metrics=metrics,
    )


def _without(source: PairSource, names: Sequence[str]) -> PairSource:
    """Return the pairs but for some, by name."""
    rows = source.manifest
    if unknown := sorted(set(names) - set(rows["name"])):
        raise EvaluationError(f"--leave-out: no pair is called {', '.join(unknown)}")
    return replace(source, manifest=rows[~rows["name"].isin(names)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of data and peers")
    parser.add_argument("--model", action="append", metavar="[NAME=]MODEL", help="own models")
    parser.add_argument("--all-metrics", action="store_true", help="all metrics, not the standard")
    parser.add_argument("--without", action="append", default=[], metavar="METRIC", help="not it")
    parser.add_argument("--leave-out", action="append", default=[], metavar="PAIR", help="not it")
    return parser.parse_args()


def models_named(given: Sequence[str] | None) -> dict[str, Path]:
    """Return the models that are named, or the champion, or what the pipeline trained last."""
    if given:
        return dict(named_model(text) for text in given)
    champion = CHAMPION / WEIGHTS_NAME
    own = own_models()
    return {"champion": champion, **own} if champion.exists() else own


def _page(evaluation: Evaluation) -> str:
    sections = ["# Fused images of published methods, beside this project's"]
    if not evaluation.prepared.lineup.models:
        sections.append("No model of this project is here: train one with `make repro`.")
    for counts, reason in left_out_counts(evaluation.left_out).items():
        sections.append(f"{counts}. For example: {reason}")
    summary = evaluation.summary[evaluation.summary["group"].isin(["all", "set"])]
    for (_, value), table in summary.groupby(["group", "value"], sort=False):
        title = "All sets" if value == "all" else f"`{value}`"
        sections.append(f"## {title}: {table['pairs'].iloc[0]} pairs")
        sections += [score_table(table), "Ranks, 1 is best:", _rank_table(table)]
    sections += ["## Against chance", *(f"- {c.sentence}." for c in evaluation.comparisons)]
    return "\n\n".join(sections) + "\n"


def _rank_table(table: pd.DataFrame) -> str:
    ordered = table.sort_values(["mean_rank", "candidate"]).set_index("candidate")
    places = ranks(ordered)
    rows = [
        [label(str(name)), *(f"{place:g}" for place in row), f"{mean:.2f}"]
        for name, row, mean in zip(
            places.index, places.to_numpy(), ordered["mean_rank"], strict=True
        )
    ]
    return pipe_table(["", *(m.acronym for m in metrics_of(ordered)), "mean rank"], rows)


if __name__ == "__main__":
    console.run(main)
