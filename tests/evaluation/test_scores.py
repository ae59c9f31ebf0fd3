import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ssvif.data.images import write_png
from ssvif.errors import ImageError
from ssvif.evaluation.pairs import read_scene
from ssvif.evaluation.scores import score_pairs
from ssvif.metrics.histograms import entropy
from ssvif.metrics.table import STANDARD

CPU = torch.device("cpu")
ACRONYMS = [metric.acronym for metric in STANDARD]


@pytest.fixture
def rows(tmp_path: Path) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    for name, size in (("one", (48, 60)), ("two", (41, 64))):
        write_png(tmp_path / "vis" / f"{name}.png", rng.integers(0, 256, (*size, 3), np.uint8))
        write_png(tmp_path / "ir" / f"{name}.png", rng.integers(0, 256, size, np.uint8))
    return pd.DataFrame(
        {
            "id": ["one", "two"],
            "set": "roads",
            "name": ["1", "2"],
            "light": ["day", "night"],
            "block": ["a", "b"],
        }
    )


def test_score_pairs__has_a_row_a_pair_and_candidate(rows, candidates, tmp_path: Path) -> None:
    pairs = score_pairs(rows, candidates, folder=tmp_path, device=CPU).pairs
    assert list(pairs.columns) == ["id", "set", "name", "light", "block", "candidate", *ACRONYMS]
    assert list(zip(pairs["id"], pairs["candidate"], strict=True)) == [
        (name, candidate)
        for name in ("one", "two")
        for candidate in ("stage_one", "stage_two", "mean", "max")
    ]
    assert np.isfinite(pairs[ACRONYMS].to_numpy()).all()


def test_score_pairs__scores_the_named_candidate(rows, models, candidates, tmp_path: Path) -> None:
    models["stage_two"].share = 0.0  # the infrared image itself
    pairs = score_pairs(rows.head(1), candidates, folder=tmp_path, device=CPU).pairs
    ir = read_scene(tmp_path, rows.iloc[0].to_dict(), device=CPU).ir
    scores = pairs.set_index("candidate")
    assert scores.loc["stage_two", "EN"] == pytest.approx(entropy(fused=ir).item())
    assert scores.loc["stage_one", "EN"] != scores.loc["stage_two", "EN"]


def test_score_pairs__sums_agreement_over_pairs(rows, candidates, tmp_path: Path) -> None:
    branches = score_pairs(rows, candidates, folder=tmp_path, device=CPU).branches
    assert set(branches) == {"stage_one", "stage_two"}
    assert 0.0 < branches["stage_one"].agreement <= 1.0
    assert branches["stage_one"].prototypes == 4


def test_score_pairs__missing_file_is_named(rows, candidates, tmp_path: Path) -> None:
    (tmp_path / "ir" / "two.png").unlink()
    with pytest.raises(ImageError, match=r"two\.png"):
        score_pairs(rows, candidates, folder=tmp_path, device=CPU)


def test_score_pairs__logs_how_far_it_is(rows, candidates, tmp_path: Path, caplog) -> None:
    with caplog.at_level(logging.INFO, logger="ssvif.evaluation.scores"):
        score_pairs(rows, candidates, folder=tmp_path, device=CPU)
    assert caplog.messages == ["evaluate: 2 of 2 pairs"]
