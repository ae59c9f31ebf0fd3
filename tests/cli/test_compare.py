import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ssvif.cli.main import app
from ssvif.data.images import read_infrared_raw, write_png
from ssvif.errors import EvaluationError
from ssvif.models.weights import save_model


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("evaluate: {resamples: 100}\ningest: {block_size: 1}\n")
    return tmp_path


def ssvif(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.usefixtures("here")
def test_compare__prints_a_table_and_a_sentence(street: Path) -> None:
    done = ssvif("compare", "max", "mean", "--captures", street)
    assert done.exit_code == 0, done.exception
    first, _, header, *rows = done.stdout.splitlines()
    assert first == "8 pairs of 8 blocks of neighbouring frames"
    assert header.split()[:4] == ["metric", "max", "mean", "difference"]
    assert rows[0].startswith("EN ")
    assert done.stdout.rstrip().splitlines()[-1].startswith("max against mean")


@pytest.mark.usefixtures("here")
def test_compare__json_is_for_programs(street: Path) -> None:
    done = ssvif("compare", "max", "mean", "--captures", street, "--json")
    content = json.loads(done.stdout)
    assert (content["candidate"], content["reference"], content["pairs"]) == ("max", "mean", 8)
    en = content["metrics"]["EN"]
    assert en["difference"] == pytest.approx(en["candidate"] - en["reference"])
    assert en["low"] <= en["difference"] <= en["high"]


def test_compare__a_model_and_a_folder(street, here: Path, tiny_model, tiny_network) -> None:
    save_model(here / "tiny.safetensors", tiny_model, network=tiny_network)
    for number in range(6):
        image = read_infrared_raw(street / "ir" / f"{number:02}.png", max_pixels=1 << 20)
        write_png(here / "out" / f"{number:02}.png", image)
    done = ssvif("compare", "tiny.safetensors", "IR=out", "--captures", street, "--json")
    content = json.loads(done.stdout)
    assert (content["candidate"], content["reference"], content["pairs"]) == ("tiny", "IR", 6)


def test_compare__models_of_one_name_are_told_apart(street, here, tiny_model, tiny_network) -> None:
    for folder in ("old", "new"):
        save_model(here / folder / "stage_two.safetensors", tiny_model, network=tiny_network)
    done = ssvif(
        "compare", "new/stage_two.safetensors", "old/stage_two.safetensors",
        "--captures", street, "--json",
    )  # fmt: skip
    content = json.loads(done.stdout)
    assert (content["candidate"], content["reference"]) == ("stage_two", "stage_two-B")
    assert all(metric["difference"] == 0.0 for metric in content["metrics"].values())


@pytest.mark.usefixtures("here")
def test_compare__what_is_not_there_is_named(street: Path) -> None:
    done = ssvif("compare", "max", "nowhere", "--captures", street)
    with pytest.raises(EvaluationError, match="nowhere: expected mean, max, a weights file"):
        raise done.exception
