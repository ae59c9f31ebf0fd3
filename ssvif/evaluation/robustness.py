"""What the stress test comes to: one figure a candidate, and where each of them breaks.

The figure is relative, as the relative corruption error of Hendrycks and Dietterich 2019
(arXiv:1903.12261) is: the share of its own clean score that a candidate retains.
"""

import numpy as np
import pandas as pd

from ssvif.evaluation.candidates import IR, VIS
from ssvif.evaluation.corruptions import BY_NAME, DEGRADATIONS, SEVERITIES
from ssvif.evaluation.labels import label
from ssvif.evaluation.stress import PROBE_METRIC

_SINGLE = (VIS.name, IR.name)
_CURVE = ["degradation", "candidate", "metric"]
_POINT = ["degradation", "severity", "metric"]
ALL_METRICS = "all"
BROKEN = 0.5  # of the clean score
_BREAK_COLUMNS = ["candidate", "degradation", "metric", "severity", "level", "unit", "retained"]
_MISSING_COLUMNS = ["degradation", "candidate", "metric", "score", "remaining", "remaining_score"]


def retained(table: pd.DataFrame) -> pd.DataFrame:
    """Return the spoilt rows of a stress table with the column `retained`.

    It is score over clean score, in [0, 1]: what rises under stress counts as kept, not as
    gained. NaN where the clean score is not above 0.
    """
    clean = table[table["severity"] == 0].set_index(_CURVE)["score"].rename("clean")
    spoilt = table[table["severity"] > 0].join(clean, on=_CURVE)
    share = (spoilt["score"] / spoilt["clean"]).clip(0.0, 1.0)
    return spoilt.assign(retained=share.where(spoilt["clean"] > 0.0))


def robustness(table: pd.DataFrame) -> pd.DataFrame:
    """Return one figure a candidate and metric: the mean share retained under stress.

    Args:
        table: As `run_stress` makes it.

    Returns:
        Columns candidate, metric (`all` is the mean over the metrics), robustness in [0, 1],
        worst (the degradation that costs most) and worst_retained. All degradations count
        alike, and so do their severities.
    """
    shares = retained(table)
    by_degradation = shares.groupby(["candidate", "metric", "degradation"], sort=False)
    means = by_degradation["retained"].mean().reset_index()
    everything = means.groupby(["candidate", "degradation"], sort=False)["retained"].mean()
    means = pd.concat([means, everything.reset_index().assign(metric=ALL_METRICS)])
    rows = [
        (candidate, metric, members["retained"].mean(), *_worst(members))
        for (candidate, metric), members in means.groupby(["candidate", "metric"], sort=False)
    ]
    columns = ["candidate", "metric", "robustness", "worst", "worst_retained"]
    return pd.DataFrame(rows, columns=columns)


def breaks(table: pd.DataFrame) -> pd.DataFrame:
    """Return from which severity on a candidate has less than half of its clean score.

    Args:
        table: As `run_stress` makes it.

    Returns:
        Columns candidate, degradation, metric, severity, level, unit, retained; the single
        cameras are not among them.
    """
    shares = retained(table)
    fused = shares[~shares["candidate"].isin(_SINGLE) & (shares["retained"] < BROKEN)]
    first = fused.sort_values("severity", kind="stable").drop_duplicates(_CURVE)
    return first.sort_index()[_BREAK_COLUMNS].reset_index(drop=True)


def overtaken(table: pd.DataFrame) -> pd.DataFrame:
    """Return from which severity on the better single camera beats a candidate in the probe.

    The probe alone is fair here: to the fusion metrics a source is half of the reference. A
    candidate that is behind a single camera on clean pairs has nothing to lose: it is left out.

    Returns:
        Columns candidate, degradation, metric, severity, level, unit, score, camera, camera_score;
        none where there was no probe.
    """
    probed = table[table["metric"] == PROBE_METRIC]
    fused = probed[~probed["candidate"].isin(_SINGLE)]
    joined = fused.merge(_better_camera(probed), on=_POINT)
    behind = joined[joined["score"] < joined["camera_score"]]
    never_led = behind.loc[behind["severity"] == 0, _CURVE]
    found = behind.merge(never_led, on=_CURVE, how="left", indicator="led")
    found = found[found["led"] == "left_only"].sort_values("severity", kind="stable")
    columns = [*_BREAK_COLUMNS[:-1], "score", "camera", "camera_score"]
    return found.drop_duplicates(_CURVE).sort_index()[columns].reset_index(drop=True)


def missing_camera(table: pd.DataFrame) -> pd.DataFrame:
    """Compare candidates with the camera that is left, where the other is lost or frozen.

    Returns:
        Columns degradation, candidate, metric, score, remaining (`vis` or `ir`),
        remaining_score, below; at the worst severity, where all of the other image is lost. No
        rows where that severity, or the camera, was not scored.
    """
    worst = table[table["severity"] == SEVERITIES]
    remaining = {each.name: each.remaining for each in DEGRADATIONS if each.remaining}
    lost = worst[worst["degradation"].isin(list(remaining))]
    lost = lost.assign(remaining=lost["degradation"].map(remaining))
    camera = lost[lost["candidate"] == lost["remaining"]]
    scores = camera[["degradation", "metric", "score"]].rename(columns={"score": "remaining_score"})
    fused = lost[~lost["candidate"].isin(_SINGLE)].merge(scores, on=["degradation", "metric"])
    found = fused[_MISSING_COLUMNS]
    return found.assign(below=found["score"] < found["remaining_score"])


def sentences(table: pd.DataFrame) -> list[str]:
    """Say in plain words where each candidate breaks, up to three sentences a candidate.

    Args:
        table: As `run_stress` makes it.
    """
    broken, led, missing = breaks(table), overtaken(table), missing_camera(table)
    found = []
    for candidate in (name for name in table["candidate"].unique() if name not in _SINGLE):
        name = label(str(candidate))
        halves = _places(broken[broken["candidate"] == candidate])
        if halves:
            found.append(f"{name} keeps less than half of a score under {halves}.")
        lost = _places(led[led["candidate"] == candidate])
        if lost:
            found.append(f"{name} falls below the better single camera under {lost}.")
        found += _missing_sentences(name, missing[missing["candidate"] == candidate])
    return found


def _worst(members: pd.DataFrame) -> tuple[str, float]:
    known = members.dropna(subset="retained").sort_values("retained", kind="stable").head(1)
    if known.empty:
        return "", np.nan
    return str(known["degradation"].item()), float(known["retained"].item())


def _better_camera(table: pd.DataFrame) -> pd.DataFrame:
    cameras = table[table["candidate"].isin(_SINGLE)].sort_values("score", ascending=False)
    best = cameras.drop_duplicates(_POINT)[[*_POINT, "candidate", "score"]]
    return best.rename(columns={"candidate": "camera", "score": "camera_score"})


def _places(rows: pd.DataFrame) -> str:
    """List degradations with the first severity that any metric reports, and which do."""
    places = []
    for degradation, members in rows.groupby("degradation", sort=False):
        first = members[members["severity"] == members["severity"].min()]
        level, unit = first["level"].iloc[0], first["unit"].iloc[0]
        metrics = ", ".join(first["metric"])
        places.append(f"{BY_NAME[str(degradation)].title} ({level:g} {unit}: {metrics})")
    return ", ".join(places)


def _missing_sentences(name: str, rows: pd.DataFrame) -> list[str]:
    if rows.empty:
        return []
    cases = rows["degradation"].nunique()
    counts = rows.groupby("metric", sort=False)["below"].sum()
    each = ", ".join(f"{count} by {metric}" for metric, count in counts.items())
    where = "worse than the camera that is left, where the other is lost or frozen"
    return [f"{name} is {where}, in {each} of {cases} cases."]
