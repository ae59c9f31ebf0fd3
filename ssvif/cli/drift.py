"""`ssvif drift`: how far new captures are from what the champion learnt."""

import json
import math
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ssvif.retraining.monitor import Monitored

CAPTURES_REPORT = "captures"


def drift(
    captures: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]FOLDER",
            help="Judge this folder's pairs, in any layout, without bringing them in; repeatable.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the report and its history.")
    ] = None,
) -> None:
    """Compare pairs that the champion does not know with those that it learnt from.

    Without --captures, these are the project's pairs that arrived since. The exit code is 0
    whatever was found; `matters` in the JSON says whether a retraining is due.
    """
    from ssvif.cli.evaluate import pair_source
    from ssvif.drift.write import REPORTS
    from ssvif.params import load_params
    from ssvif.retraining.monitor import monitor

    params = load_params()
    found = monitor(
        now=datetime.now().astimezone(),
        params=params,
        source=pair_source(captures, params, split=None) if captures else None,
        reports=out or (REPORTS / CAPTURES_REPORT if captures else REPORTS),
    )
    if as_json:
        typer.echo(json.dumps(_content(found), indent=2, allow_nan=False))
        return
    typer.echo(found.sentence)
    for line in _lines(found):
        typer.echo(line)
    typer.echo(f"written to {found.page}")


def _lines(found: "Monitored") -> list[str]:
    """Return one line a measure, of all new pairs together and then of each set."""
    lines: list[str] = []
    if not found.new_pairs:
        return lines
    for finding in found.drift.findings:
        what = f"{finding.group}: {finding.measure}" if finding.group else finding.measure
        if not finding.judged:
            lines.append(f"  {what}: not judged: {finding.reason}")
            continue
        mark = " (matters)" if finding.matters else ""
        lines.append(f"  {what}: index {finding.index:.2f}, p {finding.pvalue:.3f}{mark}")
    return [*lines, *(f"  left out: {reason}" for reason in found.drift.left_out)]


def _content(found: "Monitored") -> dict[str, object]:
    findings = [
        {key: None if _is_nan(value) else value for key, value in asdict(finding).items()}
        for finding in found.drift.findings
    ]
    return {
        "matters": found.matters,
        "judged": found.judged,
        "sentence": found.sentence,
        "new_pairs": found.new_pairs,
        "champion": found.champion,
        "bundle": found.bundle,
        "page": str(found.page),
        "findings": findings,
        "left_out": list(found.drift.left_out),
    }


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
