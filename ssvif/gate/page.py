"""The decision as one page that needs nothing else, for the person who approves it."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ssvif.evaluation.labels import counted
from ssvif.evaluation.pairs import read_scene
from ssvif.files import write_text
from ssvif.gate.decision import Check, Decision
from ssvif.gate.gains import ALL
from ssvif.gate.models import CHALLENGER, CHAMPION
from ssvif.gate.run import Gated
from ssvif.gate.summary import figure, opened
from ssvif.report.gallery import Gallery, gallery
from ssvif.report.pictures import ChosenPair, PicturePair, picture_pair
from ssvif.report.shell import render_page

EXAMPLES = 3  # with the largest gain, and as many with the largest loss

_MOST_ROWS = 12  # of a table in which nothing failed

_TITLES = {
    "sample": "Enough pairs",
    "superiority": "Better on the primary metric",
    "metric": "No worse on the others",
    "slice": "No worse within any slice",
    "probe": "No worse for a segmenter",
    "floor": "Absolute floors",
    "size": "Size",
    "latency": "Latency",
    "sanity": "Sane under stress",
}
_VERDICTS = {
    True: ("passed", "better"),
    False: ("failed", "worse"),
    None: ("not judged", "unclear"),
}


def write_page(path: Path, gated: Gated, *, picture: Path) -> None:
    """Write the page.

    Args:
        path: Where to.
        gated: What was decided.
        picture: The PNG that `ssvif.gate.picture` drew.

    Raises:
        ImageError: If a pair's file is missing or damaged.
        StorageError: If the page cannot be written.
    """
    decision = gated.decision
    encoded = base64.b64encode(picture.read_bytes()).decode()
    sections = {
        "title": opened(decision.sentence),
        "about": _about(decision),
        "notes": [opened(note) for note in decision.notes],
        "picture": f"data:image/png;base64,{encoded}",
        "gallery": _gallery(gated),
        "gallery_note": "Pairs on which the challenger gains and loses most on the primary metric.",
        "kinds": list(_kinds(decision)),
        "models": _models(decision),
    }
    write_text(path, render_page("gate.html", sections, package="ssvif.gate"))


def _about(decision: Decision) -> str:
    parts = [f"mode {decision.mode}"]
    sample = decision.samples.get(ALL)
    if sample is not None:
        parts.append(counted(sample.pairs, sample.blocks))
    return " · ".join(parts)


def _gallery(gated: Gated) -> Gallery | None:
    pictures = list(_pictures(gated))
    if not pictures:
        return None
    return replace(gallery(pictures, model=CHALLENGER), left=CHAMPION)


def _pictures(gated: Gated) -> Iterator[PicturePair]:
    lead = next((c for c in gated.decision.checks if c.kind == "superiority"), None)
    if gated.paired is None or gated.held_out is None or lead is None:
        return
    gains = gated.paired.gains[lead.metric].sort_values(kind="stable")
    count = min(EXAMPLES, len(gains) // 2)
    chosen = [*gains.index[::-1][:count], *gains.index[:count]]
    for pair_id in chosen:
        rows, folder = next(p for p in gated.held_out.parts if pair_id in set(p[0]["id"]))
        row = rows[rows["id"] == pair_id].iloc[0].to_dict()
        scene = read_scene(folder, row, device=next(gated.models[0].fusion.parameters()).device)
        about = ChosenPair(
            id=str(pair_id),
            set=str(row["set"]),
            name=str(row["name"]),
            light=str(row["light"]),
            place=f"{lead.metric} {gains[pair_id]:+.2g}",
        )
        yield picture_pair(about, scene, gated.models)


def _kinds(decision: Decision) -> Iterator[dict[str, object]]:
    for kind, title in _TITLES.items():
        checks = [check for check in decision.checks if check.kind == kind]
        if not checks:
            continue
        judged = [check for check in checks if check.passed is not None]
        passed = sum(check.passed is True for check in judged)
        count = f"{passed} of {len(judged)} passed"
        if len(judged) < len(checks):
            count += f", {len(checks) - len(judged)} not judged"
        # What speaks against the challenger first.
        ordered = sorted(checks, key=lambda check: check.passed is not False)
        rows = [_row(check) for check in ordered]
        folded = len(rows) > _MOST_ROWS and passed == len(judged)
        yield {"title": title, "count": count, "rows": rows, "folded": folded}


def _row(check: Check) -> dict[str, str]:
    verdict, tone = _VERDICTS[check.passed]
    interval = "" if check.low is None else f"{figure(check.low)} to {figure(check.high)}"
    return {
        "name": check.name,
        "verdict": verdict,
        "tone": tone,
        "value": figure(check.value),
        "interval": interval,
        "limit": figure(check.limit),
        "sentence": check.sentence,
    }


def _models(decision: Decision) -> dict[str, str]:
    challenger, champion = decision.challenger, decision.champion
    models = {"Challenger": f"weights {challenger.weights}, {challenger.megabytes:g} MB"}
    if champion is not None:
        models["Champion"] = f"{champion.name} version {champion.version}"
        models["Champion's weights"] = champion.weights
        models["Champion's bundle"] = champion.bundle
    if decision.golden is not None:
        models["Golden set"] = decision.golden
    return models
