from dataclasses import replace

import pandas as pd
import pytest

from ssvif.drift.measure import Finding
from ssvif.drift.words import describe, sentence

FINDING = Finding("", "luminance", 100, 50, superiority=-0.9, spread=1.0, index=1.0, pvalue=0.01)


def test_sentence__says_what_differs_and_what_to_do(dark) -> None:
    assert (
        sentence(dark, "version 3")
        == "New captures are darker than what version 3 learnt: retrain."
    )


def test_sentence__nothing_differs(dark) -> None:
    # A small difference that chance does not explain is none that matters.
    findings = (replace(FINDING, index=0.2, pvalue=0.01), replace(FINDING, index=0.1, pvalue=0.9))
    assert sentence(replace(dark, findings=findings), "version 3") == (
        "New captures are like what version 3 learnt: nothing to do."
    )


def test_sentence__three_differences_at_most_the_largest_first(dark) -> None:
    names = ("luminance", "thermal_contrast", "vis_sharpness", "shift")
    findings = tuple(
        replace(FINDING, measure=name, index=1.0 + place, matters=True)
        for place, name in enumerate(names)
    )
    assert sentence(replace(dark, findings=findings), "version 3") == (
        "New captures are shifted less, blurrier and of weaker thermal contrast than what version 3"
        " learnt: retrain."
    )


def test_sentence__only_one_set_differs(dark) -> None:
    findings = (FINDING, replace(FINDING, group="cam2", matters=True))
    assert sentence(replace(dark, findings=findings), "version 3") == (
        "New captures of cam2 are darker than what version 3 learnt: retrain."
    )


def test_sentence__two_sets_differ(dark) -> None:
    findings = tuple(replace(FINDING, group=name, matters=True) for name in ("a", "b"))
    assert sentence(replace(dark, findings=findings), "version 3") == (
        "New captures of a are darker; those of b are darker than what version 3 learnt: retrain."
    )


@pytest.mark.parametrize("group", ["", "cam2"])
def test_sentence__a_large_difference_that_chance_may_explain_is_not_called_alike(
    dark, group
) -> None:
    findings = (replace(FINDING, index=0.0), replace(FINDING, group=group, index=0.3, pvalue=0.2))
    assert sentence(replace(dark, findings=findings), "version 3") == (
        "Whether new captures are like what version 3 learnt cannot be told yet: bring in more."
    )


def test_sentence__too_few(make_pairs, measure) -> None:
    found = sentence(measure(make_pairs(5, seed=1)), "version 3")
    assert found == (
        "New captures cannot be judged yet (5 new pairs, at least 12 are needed): bring in more."
    )


def test_sentence__none(dark) -> None:
    empty = replace(dark, new=pd.DataFrame())
    assert sentence(empty, "version 3").startswith("There are no new captures since version 3")


@pytest.mark.parametrize(
    ("measure_name", "superiority", "spread", "words"),
    [
        ("luminance", 0.5, 1.0, "brighter"),
        ("luminance", -0.5, 1.0, "darker"),
        ("luminance", 0.0, 2.0, "more varied in brightness"),
        ("luminance", 0.0, 0.5, "less varied in brightness"),
        ("registration", -0.5, 1.0, "less well registered"),
        ("prototypes", float("nan"), float("nan"), "of other content"),
    ],
)
def test_describe__which_way(measure_name, superiority, spread, words) -> None:
    finding = replace(FINDING, measure=measure_name, superiority=superiority, spread=spread)
    assert describe(finding) == words
