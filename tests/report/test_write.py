import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssvif.data.images import write_png
from ssvif.evaluation.pairs import PairSource
from ssvif.evaluation.run import Evaluation, Job, evaluate, prepare
from ssvif.evaluation.write import write_evaluation
from ssvif.files import sha256_file
from ssvif.models.weights import save_model
from ssvif.params import Params
from ssvif.report.write import report_evaluation

IDS = ("a" * 16, "b" * 16)


@pytest.fixture
def evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model, tiny_network
) -> Callable[..., Evaluation]:
    """Evaluates two small pairs in a folder that is no project, with models or without."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for pair in IDS:
        write_png(
            tmp_path / "pairs" / "vis" / f"{pair}.png", rng.integers(0, 256, (64, 80, 3), np.uint8)
        )
        write_png(
            tmp_path / "pairs" / "ir" / f"{pair}.png", rng.integers(0, 256, (64, 80), np.uint8)
        )
    save_model(tmp_path / "two.safetensors", tiny_model, network=tiny_network)
    columns = {"set": "roads", "light": "day", "split": "test", "name": IDS, "block": IDS}
    manifest = pd.DataFrame({"id": IDS, **columns}).assign(has_mask=False, has_boxes=False)
    switches = {"probe": False, "stress": False, "resamples": 100}
    params = Params.model_validate({"evaluate": switches})

    def run(models: dict[str, Path]) -> Evaluation:
        source = PairSource(manifest, tmp_path / "pairs", tmp_path / "labels", refused={})
        found = evaluate(prepare(Job(source, "test", models, {}, params)))
        write_evaluation(found, tmp_path / "report")
        return found

    return run


def gallery_of(page: Path) -> dict:
    return json.loads(re.search(r'id="gallery">(.*?)</script>', page.read_text(), re.S)[1])


def test_report_evaluation__shows_pairs_and_segmentations_of_the_judged_model(
    evaluated, tmp_path: Path
) -> None:
    record = tmp_path / "metrics.csv"
    record.write_text("step,stage_two/train/dynamic_weight/weight\n0,0.0\n1,0.25\n")
    evaluation = evaluated({"stage_two": tmp_path / "two.safetensors"})
    page = report_evaluation(evaluation, tmp_path / "report", record=record)
    found = gallery_of(page)
    assert {pair["name"] for pair in found["pairs"]} == {f"roads {pair}" for pair in IDS}
    assert set(found["pairs"][0]["layers"]) == {"vis", "ir", "stage_two", "mean", "max"}
    assert [len(pair["segmentations"]) for pair in found["pairs"]] == [2, 2]
    assert "weight 0.25" in page.read_text()
    assert sha256_file(tmp_path / "two.safetensors") in page.read_text()


def test_report_evaluation__without_a_model_there_are_pictures_only(
    evaluated, tmp_path: Path
) -> None:
    page = report_evaluation(evaluated({}), tmp_path / "report", record=tmp_path / "absent.csv")
    found = gallery_of(page)
    assert set(found["pairs"][0]["layers"]) == {"vis", "ir", "mean", "max"}
    assert found["pairs"][0]["segmentations"] == []
    assert "dvc repro stage_two" in page.read_text()
