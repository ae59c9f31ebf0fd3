"""The evaluation as one page that needs nothing else: no network, no other file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ssvif.evaluation.summary import left_out_counts
from ssvif.files import write_text
from ssvif.report.charts import distribution_charts, probes, schedule_charts, stress
from ssvif.report.checks import check_table
from ssvif.report.data import ReportData, read_report
from ssvif.report.findings import downstream, losses, standing, verdict
from ssvif.report.gallery import gallery
from ssvif.report.pictures import PicturePair
from ssvif.report.shell import render_page
from ssvif.report.tables import comparisons, group_tables, score_table
from ssvif.report.terms import MODEL, TERMS, hues, name_of

PAGE = "index.html"

# By section: what it is, and how to get it.
_MISSING = {
    "intervals": "Intervals of the means: score pairs from six blocks of scenes or more "
    "(`ingest.block_size` neighbours make one; 1 suits photographs of different places).",
    "comparisons": "Comparisons with each rival: score two candidates or more.",
    "gallery": "Pictures and segmentations: the evaluation draws them.",
    "schedule": "The dynamic weight over training: `dvc repro stage_two` records it.",
    "probes": "Probes: have labelled pairs, and set `evaluate.probe: true` in params.yaml or give "
    "`--probe`.",
    "stress": "Stress curves: set `evaluate.stress: true` in params.yaml or give `--stress`.",
    "checks": "Label-free checks: the evaluation makes them.",
    "lineage": "Lineage: the evaluation knows the commit, the data and the parameters.",
}


def write_report(
    folder: Path,
    *,
    pictures: Sequence[PicturePair] = (),
    lineage: Mapping[str, str] | None = None,
    schedule: Sequence[tuple[int, Mapping[str, float]]] = (),
    model: str = MODEL,
) -> Path:
    """Write the page of an evaluation from the tables in its folder.

    What is not there is left out, and named at the page's end with the way to get it.

    Args:
        folder: Such as `reports/evaluate`; see `ssvif.report.data`.
        pictures: The pairs to show; see `choose_pairs` and `picture_pair`.
        lineage: What made the figures, by name.
        schedule: Steps of stage two and their figures, by the keys that it logs.
        model: The candidate that the page is about.

    Returns:
        The page's file, `folder`/index.html.

    Raises:
        EvaluationError: If a table is missing or damaged.
        StorageError: If the page cannot be written.
    """
    data = read_report(folder)
    names = [*data.candidates, *(name for pair in pictures for name in pair.fused)]
    colours = hues(names, model=model)
    sections = {
        **_tables(data, model),
        "gallery": gallery(pictures, model=model) if pictures else None,
        "schedule": schedule_charts(schedule),
        "distributions": distribution_charts(data, colours),
        "probes": probes(data, colours),
        "stress": stress(data, colours),
        "lineage": dict(lineage or {}),
    }
    path = folder / PAGE
    write_text(path, _render(sections, colours))
    return path


def _tables(data: ReportData, model: str) -> dict[str, object]:
    compared = comparisons(data, model)
    lost = losses(data, model, compared)
    return {
        "model": model,
        "data": data,
        "verdict": verdict(data),
        "findings": [*standing(data, model, lost), *downstream(data, model)],
        "scores": score_table(data),
        "groups": group_tables(data),
        "intervals": data.intervals is not None and bool(data.intervals["low"].notna().any()),
        "comparisons": compared,
        "about": _about(data),
        "checks": check_table(data.checks),
        "samples": _samples(data),
        "left_out": _left_out(data),
    }


def _about(data: ReportData) -> str:
    """Say what was scored: pairs, split, sets and lights."""
    pairs = data.pairs.drop_duplicates("id")
    split = f" of the split {data.facts['split']}" if "split" in data.facts else ""
    lights = pairs["light"].value_counts().sort_index()
    parts = (
        f"{len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'}{split}",
        ", ".join(sorted(pairs["set"].unique())),
        ", ".join(f"{count} {light}" for light, count in lights.items()),
    )
    return " · ".join(parts)


def _left_out(data: ReportData) -> list[str]:
    return [] if data.left_out is None else list(left_out_counts(data.left_out))


def _samples(data: ReportData) -> dict[str, object]:
    """Return each metric's values by candidate and pair, in the order of the drawn dots."""
    pairs = data.pairs.drop_duplicates("id")
    by_candidate = {}
    for candidate, rows in data.pairs.groupby("candidate", sort=False):
        values = rows.set_index("id")[data.metrics].reindex(pairs["id"])
        by_candidate[name_of(str(candidate))] = {
            metric: [None if v != v else float(f"{v:.4g}") for v in values[metric]]
            for metric in data.metrics
        }
    names = (pairs["set"] + " " + pairs["name"]).tolist()
    return {"pairs": names, "values": by_candidate}


def _render(sections: Mapping[str, object], colours: Mapping[str, str]) -> str:
    shown = {
        **sections,
        "hues": colours,
        "terms": TERMS,
        # What stands between backticks is what a user types: every second part.
        "missing": [text.split("`") for name, text in _MISSING.items() if not sections[name]],
    }
    return render_page("page.html", shown)
