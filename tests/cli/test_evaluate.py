import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from ssvif.cli.evaluate import load_params_or_defaults, pair_source
from ssvif.cli.main import app
from ssvif.data.images import read_infrared_raw, write_png
from ssvif.errors import EvaluationError, ManifestError, ModelError, StorageError
from ssvif.models.weights import save_model

PARAMS = "evaluate: {resamples: 100, probe: false}\ningest: {block_size: 1}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project as the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    return tmp_path


@pytest.fixture
def infrared(street: Path, here: Path) -> Path:
    for number in range(7):
        image = read_infrared_raw(street / "ir" / f"{number:02}.png", max_pixels=1 << 20)
        write_png(here / "infrared" / f"{number:02}.png", image)
    return here / "infrared"


def ssvif(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=True)


def test_evaluate__scores_folders_where_nothing_is_trained(street: Path, here, infrared) -> None:
    done = ssvif("evaluate", "--captures", street, "--fused", f"IR={infrared}", "-o", "out")
    assert done.exit_code == 0, done.exception
    assert "## All pairs: 7 pairs" in done.stdout
    assert "are scored on the same pairs: 1 (IR 1)" in done.stdout
    metrics = json.loads((here / "out/metrics.json").read_text())
    assert metrics["pairs"] == 7
    assert metrics["split"] == "all"
    assert {"IR", "mean", "max"} <= set(metrics)
    assert (here / "out/index.html").stat().st_size > 1000
    assert not (here / "data").exists()  # the project's own pairs are not touched


def test_evaluate__takes_the_pipelines_models_and_others(
    street: Path, here: Path, tiny_model, tiny_network
) -> None:
    for place in ("models/stage_two", "other"):
        save_model(here / f"{place}.safetensors", tiny_model, network=tiny_network)
    done = ssvif("evaluate", "--captures", street, "--model", "mine=other.safetensors", "-o", "out")
    assert done.exit_code == 0, done.exception
    pairs = pd.read_csv(here / "out/pairs.csv")
    assert set(pairs["candidate"]) == {"stage_two", "mine", "mean", "max"}
    scores = pairs.pivot_table(index="id", columns="candidate", values="EN")
    assert scores["stage_two"].tolist() == scores["mine"].tolist()  # the same weights


def test_evaluate__a_split_is_that_of_ingest(street: Path, here: Path) -> None:
    done = ssvif("evaluate", "--captures", street, "--split", "test", "-o", "out")
    assert done.exit_code == 0, done.exception
    assert 0 < pd.read_csv(here / "out/pairs.csv")["id"].nunique() < 8


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("split", [None, "all"])
def test_pair_source__captures_taken_whole_are_not_dealt_out(
    street: Path, split: str | None
) -> None:
    source = pair_source([str(street)], load_params_or_defaults(), split=split)
    assert set(source.manifest["split"]) == {"train"}
    # Of such pairs probes make folds; dealt out, only those of `test` would be tested.
    dealt = pair_source([str(street)], load_params_or_defaults(), split="test")
    assert "test" in set(dealt.manifest["split"])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["--fused", "x=nowhere"], EvaluationError, "x: nowhere is no folder"),
        (["--fused", "mean=infrared"], EvaluationError, "the name mean is taken"),
        (["--fused", "a b=infrared"], EvaluationError, "'a b' cannot name a candidate"),
        (["--model", "m=no.safetensors"], ModelError, r"no\.safetensors: no such file"),
    ],
)
@pytest.mark.usefixtures("infrared")
def test_evaluate__refusals_leave_no_report(street, here, arguments, error, words) -> None:
    done = ssvif("evaluate", "--captures", street, *arguments, "-o", "out")
    with pytest.raises(error, match=words):
        raise done.exception
    assert not (here / "out").exists()


def test_evaluate__folders_are_looked_for_before_captures_are_read(street, here) -> None:
    done = ssvif("evaluate", "--captures", street, "--fused", "x=nowhere")
    assert isinstance(done.exception, EvaluationError)
    assert not (here / ".cache").exists()


def test_evaluate__a_report_that_cannot_be_written_is_refused_at_once(street, here, caplog) -> None:
    (here / "out").touch()
    done = ssvif("evaluate", "--captures", street, "-o", "out")
    with pytest.raises(StorageError, match="out: expected a folder, found a file"):
        raise done.exception
    assert "mean rank" not in caplog.text


@pytest.mark.usefixtures("here")
def test_evaluate__without_a_project_captures_are_asked_for() -> None:
    done = ssvif("evaluate")
    with pytest.raises(ManifestError, match="no pairs in this folder; give --captures FOLDER"):
        raise done.exception


def test_evaluate__two_folders_of_one_name_are_refused(street, infrared) -> None:
    done = ssvif("evaluate", "--captures", street, "--fused", infrared, "--fused", infrared)
    assert "the name infrared is taken; give another one" in str(done.exception)
