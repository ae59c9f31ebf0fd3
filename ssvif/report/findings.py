"""What the figures say, in plain words; every word of it follows from the tables."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

import pandas as pd

from ssvif.evaluation.candidates import BOTH
from ssvif.evaluation.statistics import holm_can_pass
from ssvif.report.data import ReportData
from ssvif.report.tables import ALPHA, Comparison
from ssvif.report.terms import decimals, name_of, number, opening, term

PROBE_SCORES = {"iou": "mIoU", "ap50": "AP50", "accuracy": "accuracy"}
_ORDINALS = {1: "first", 2: "second", 3: "third"}


@dataclass(frozen=True)
class Loss:
    """A metric in which another candidate has the better mean.

    Args:
        metric: The metric.
        rival: That candidate.
        own: The model's mean.
        theirs: The rival's.
        clear: Whether the statistics call the difference clear; None if they do not say.
    """

    metric: str
    rival: str
    own: float
    theirs: float
    clear: bool | None

    def __str__(self) -> str:
        """The metric and both figures."""
        acronym = term(self.metric).acronym
        places = decimals(max(abs(self.own), abs(self.theirs)))
        # As many decimals as it takes to tell the two apart.
        while places < 6 and round(self.own, places) == round(self.theirs, places):
            places += 1
        own, theirs = number(self.own, places), number(self.theirs, places)
        return f"{acronym} ({own}; {name_of(self.rival)} has {theirs})"


def verdict(data: ReportData) -> str:
    """Say who wins by mean rank."""
    ranks = data.overall["mean_rank"]
    count = len(data.standard)
    best = ranks.min()
    leader, *level = map(str, ranks.index[ranks == best])
    first = [opening(leader), *map(name_of, level)]
    rest = ranks[ranks > best]
    over = f"over {count} {'metric' if count == 1 else 'metrics'}"
    if len(first) > 1:
        text = f"{_listed(first)} share the best mean rank {over} ({number(best, 2)})"
    else:
        text = f"{first[0]} has the best mean rank {over} ({number(best, 2)})"
    if rest.empty:
        return _sentence(text)
    second = name_of(str(rest.index[0]))
    return _sentence(f"{text}, ahead of {second} ({number(rest.iloc[0], 2)})")


def losses(data: ReportData, model: str, compared: Sequence[Comparison]) -> list[Loss]:
    """Return the metrics in which the model has not the best mean.

    The rival is the best of those that are clearly better, or else the best of all.
    """
    if model not in data.overall.index:
        return []
    clear = {
        (comparison.rival, difference.term.key): difference.verdict != "unclear"
        for comparison in compared
        for difference in comparison.differences
        if difference.verdict != "unknown"
    }
    found = []
    for metric in data.standard:
        values = data.overall[metric].dropna().sort_values(ascending=False)
        if not term(metric).higher_is_better:
            values = values[::-1]
        better = takewhile(lambda name: name != model, map(str, values.index))
        ahead = [name for name in better if values[name] != values[model]]
        if ahead:
            rival = next((name for name in ahead if clear.get((name, metric))), ahead[0])
            own, theirs = float(values[model]), float(values[rival])
            found.append(Loss(metric, rival, own, theirs, clear.get((rival, metric))))
    return found


def standing(data: ReportData, model: str, lost: Sequence[Loss]) -> list[str]:
    """Say where the model is best and where it loses."""
    if model not in data.overall.index:
        return []
    beaten = {loss.metric for loss in lost}
    won = [term(metric).acronym for metric in data.standard if metric not in beaten]
    ranks = data.overall["mean_rank"]
    place = int((ranks < ranks[model]).sum()) + 1
    ordinal = _ORDINALS.get(place, f"number {place}")
    where = f"best or level in {_listed(won)}" if won else "best in no metric"
    sentences = [f"{opening(model)} comes {ordinal} of {len(ranks)}; it is {where}"]
    for clear, beginning in (
        (True, "It clearly loses in"),
        (False, "It is behind, by no more than chance allows, in"),
        (None, "It is behind in"),
    ):
        group = [str(loss) for loss in lost if loss.clear is clear]
        if group:
            sentences.append(f"{beginning} {_listed(group)}")
    return [_sentence(sentence) for sentence in sentences]


def downstream(data: ReportData, model: str) -> list[str]:
    """Say for each probe's task which image serves best and where the model stands."""
    if data.probe_summary is None:
        return []
    rows = data.probe_summary[data.probe_summary["class"] == "all"]
    sentences = []
    for (task, score), members in rows.groupby(["task", "score"], sort=False):
        means = members.set_index("candidate")["mean"].dropna()
        if score == "accuracy" or means.drop(BOTH, errors="ignore").empty:
            continue
        what = f"{task} {PROBE_SCORES.get(str(score), str(score))}"
        sentences.append(_sentence(_served(what, means, model)))
        if score == "iou" and data.probe_statistics is not None:
            sentences.extend(_against(data.probe_statistics, str(task), model))
    return sentences


def _against(statistics: pd.DataFrame, task: str, model: str) -> list[str]:
    """Say which leads and lags of the model are more than chance allows."""
    rows = statistics[(statistics["task"] == task) & (statistics["candidate"] == model)]
    rows = rows.dropna(subset=["p_holm", "low", "high"])
    if rows.empty:
        return []
    blocks = int(rows["blocks"].max())
    if not holm_can_pass(blocks, tests=len(rows), level=ALPHA):
        few = f"{blocks} blocks of tested pairs are too few to say which of these {len(rows)}"
        return [_sentence(f"{few} differences are more than chance")]
    # The test knows nothing of the luck of training, the interval does: both must agree.
    clear = rows[(rows["p_holm"] < ALPHA) & (rows["low"] * rows["high"] > 0.0)]
    groups = {
        "clearly ahead of": clear[clear["difference"] > 0.0],
        "clearly behind": clear[clear["difference"] < 0.0],
        "level with, as far as chance allows to tell,": rows.drop(clear.index),
    }
    said = [
        f"{words} {_listed(map(name_of, members['reference']))}"
        for words, members in groups.items()
        if not members.empty
    ]
    return [_sentence(f"There {name_of(model)} is {'; '.join(said)}")]


def _served(what: str, means: "pd.Series[float]", model: str) -> str:
    single_trunk = means.drop(BOTH, errors="ignore")
    best = str(single_trunk.idxmax())
    shown = single_trunk.round(3)
    if len(shown) > 1 and shown.min() == shown.max():
        each = number(shown[best], 3)
        return f"In the probe ({what}) no image serves better than another ({each})"
    text = f"In the probe ({what}) {name_of(best)} serves best ({number(means[best], 3)})"
    if model in means.index and shown[model] == shown[best] and model != best:
        text += f", and {name_of(model)} as well"
    elif model in means.index and model != best:
        text += f"; {name_of(model)} gets {number(means[model], 3)}"
        cameras = [name for name in ("vis", "ir") if means.get(name, -math.inf) > means[model]]
        if cameras:
            text += f", less than {_listed(map(name_of, cameras))} alone"
    if BOTH in means.index:
        text += f"; both images at once, the ceiling, give {number(means[BOTH], 3)}"
    return text


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _sentence(text: str) -> str:
    return f"{text}."
