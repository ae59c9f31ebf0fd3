from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ssvif.report.data import ReportData, read_report
from ssvif.report.findings import downstream, losses, standing, verdict
from ssvif.report.tables import comparisons


@pytest.fixture
def data(evaluation_folder: Path) -> ReportData:
    return read_report(evaluation_folder)


def with_means(data: ReportData, means: dict[str, dict[str, float]]) -> ReportData:
    """Return data with these means alone, two metrics of them, and their mean ranks."""
    table = pd.DataFrame(means).T
    summary = table.assign(mean_rank=table.rank(ascending=False).mean(axis=1), pairs=4)
    summary = summary.rename_axis("candidate").reset_index().assign(group="all", value="all")
    pairs = data.pairs[["id", "set", "name", "light", "candidate", *table.columns]]
    return replace(data, pairs=pairs, summary=summary)


def test_verdict__names_the_first_and_the_second(data: ReportData) -> None:
    found = with_means(data, {"max": {"EN": 7.0, "MI": 3.0}, "stage_two": {"EN": 6.0, "MI": 2.0}})
    assert verdict(found) == (
        "Max has the best mean rank over 2 metrics (1.00), ahead of stage two (2.00)."
    )


def test_verdict__a_tie_has_no_winner(data: ReportData) -> None:
    found = with_means(data, {"max": {"EN": 7.0, "MI": 2.0}, "mean": {"EN": 6.0, "MI": 3.0}})
    assert verdict(found) == "Max and mean share the best mean rank over 2 metrics (1.50)."


def test_losses__names_the_best_rival_and_both_figures(data: ReportData) -> None:
    found = with_means(
        data,
        {
            "stage_two": {"EN": 6.0, "MI": 2.0},
            "mean": {"EN": 6.5, "MI": 1.0},
            "max": {"EN": 7.0, "MI": 1.5},
        },
    )
    (loss,) = losses(found, "stage_two", [])
    assert (loss.rival, loss.clear) == ("max", None)
    assert str(loss) == "EN (6.000; max has 7.000)"
    said = standing(found, "stage_two", [loss])
    assert said == [
        "Stage two comes second of 3; it is best or level in MI.",
        "It is behind in EN (6.000; max has 7.000).",
    ]


def test_losses__figures_that_round_alike_get_more_decimals(data: ReportData) -> None:
    found = with_means(data, {"stage_two": {"EN": 6.00001}, "max": {"EN": 6.00002}})
    assert str(losses(found, "stage_two", [])[0]) == "EN (6.00001; max has 6.00002)"


@pytest.mark.parametrize(
    ("p", "clear", "words"),
    [
        (0.01, True, "It clearly loses in EN"),
        (0.2, False, "It is behind, by no more than chance allows, in EN"),
        (float("nan"), None, "It is behind in EN"),
    ],
)
def test_losses__are_as_clear_as_the_statistics_say(
    data: ReportData, p: float, clear: bool | None, words: str
) -> None:
    found = with_means(data, {"stage_two": {"EN": 6.0}, "max": {"EN": 7.0}})
    row = {"metric": "EN", "candidate": "stage_two", "reference": "max", "difference": -1.0}
    row |= {"low": -2.0, "high": 0.0, "p": p, "p_holm": p, "effect": -0.5, "pairs": 4, "blocks": 6}
    found = replace(found, statistics=pd.DataFrame([row]))
    lost = losses(found, "stage_two", comparisons(found, "stage_two"))
    assert [loss.clear for loss in lost] == [clear]
    assert standing(found, "stage_two", lost)[-1].startswith(words)


def test_losses__a_clearly_better_rival_goes_before_the_best(data: ReportData) -> None:
    means = {"stage_two": {"EN": 6.0}, "max": {"EN": 7.0}, "mean": {"EN": 6.5}}
    found = with_means(data, means)
    rows = [
        {"metric": "EN", "candidate": "stage_two", "reference": rival, "p_holm": p}
        for rival, p in (("max", 0.2), ("mean", 0.01))
    ]
    rest = {"difference": -0.5, "low": -1.0, "high": 0.0, "p": 0.1, "effect": -0.5}
    found = replace(found, statistics=pd.DataFrame(rows).assign(**rest, pairs=4, blocks=6))
    (loss,) = losses(found, "stage_two", comparisons(found, "stage_two"))
    assert (loss.rival, loss.theirs, loss.clear) == ("mean", 6.5, True)


def test_standing__says_nothing_of_a_model_that_was_not_scored(data: ReportData) -> None:
    assert standing(data, "absent", []) == []


def probe_means(**means: float) -> pd.DataFrame:
    rows = [("boxes", name, "iou", "all", mean, mean, mean, 3) for name, mean in means.items()]
    columns = ["task", "candidate", "score", "class", "mean", "low", "high", "repetitions"]
    return pd.DataFrame(rows, columns=columns)


def test_downstream__says_where_one_camera_alone_is_worth_more(data: ReportData) -> None:
    found = replace(data, probe_summary=probe_means(vis=0.5, ir=0.3, stage_two=0.4, both=0.6))
    (sentence,) = downstream(found, "stage_two")
    assert sentence == (
        "In the probe (boxes mIoU) visible serves best (0.500); stage two gets 0.400, less than "
        "visible alone; both images at once, the ceiling, give 0.600."
    )


@pytest.mark.parametrize(
    ("means", "sentence"),
    [
        ({"vis": 0.3, "stage_two": 0.3}, "no image serves better than another (0.300)."),
        (
            {"vis": 0.3001, "stage_two": 0.3, "ir": 0.2},
            "visible serves best (0.300), and stage two as well.",
        ),
    ],
)
def test_downstream__equal_figures_have_no_winner(data: ReportData, means, sentence) -> None:
    found = replace(data, probe_summary=probe_means(**means))
    assert downstream(found, "stage_two") == [f"In the probe (boxes mIoU) {sentence}"]


def test_verdict__the_name_that_a_user_gave_is_kept(data: ReportData) -> None:
    overall = data.summary.assign(candidate=data.summary["candidate"].replace("max", "deepfuse"))
    overall.loc[overall["candidate"] == "deepfuse", "mean_rank"] = 0.5
    assert verdict(replace(data, summary=overall)).startswith("deepfuse has the best mean rank")


def test_downstream__a_model_that_serves_best_is_not_compared(data: ReportData) -> None:
    found = replace(data, probe_summary=probe_means(vis=0.3, stage_two=0.4))
    assert downstream(found, "stage_two") == [
        "In the probe (boxes mIoU) stage two serves best (0.400)."
    ]


def test_downstream__says_which_leads_chance_does_not_explain(data: ReportData) -> None:
    columns = ["reference", "difference", "low", "high", "p_holm"]
    rows = [
        ("ir", 0.1, 0.05, 0.15, 0.02),
        ("vis", -0.1, -0.15, -0.05, 0.02),
        ("max", 0.1, -0.01, 0.2, 0.02),  # the interval has 0: the luck of training may be all
        ("mean", 0.1, 0.05, 0.15, 0.2),
    ]
    table = pd.DataFrame(rows, columns=columns).assign(task="boxes", candidate="stage_two")
    means = probe_means(vis=0.5, ir=0.3, stage_two=0.4)
    found = replace(data, probe_summary=means, probe_statistics=table.assign(blocks=12))
    assert downstream(found, "stage_two")[-1] == (
        "There stage two is clearly ahead of infrared; clearly behind visible; level with, as far "
        "as chance allows to tell, max and mean."
    )
    few = replace(found, probe_statistics=table.assign(blocks=6))
    assert downstream(few, "stage_two")[-1] == (
        "6 blocks of tested pairs are too few to say which of these 4 differences are more than "
        "chance."
    )
