from dataclasses import replace

import pytest
import torch

from ssvif.data.classes import ClassNames, write_classes
from ssvif.evaluation.pairs import PairSource
from ssvif.files import write_text
from ssvif.gate.measure import probe
from ssvif.gate.models import GatedModel
from ssvif.params import EvaluateParams, Params, ProbesParams

PARAMS = Params(
    evaluate=EvaluateParams(resamples=100),
    probes=ProbesParams(
        backbone="mobilenetv3_small_050",
        pretrained=False,
        height=64,
        width=80,
        crop_height=32,
        crop_width=32,
        steps=1,
        batch=2,
        repetitions=1,
    ),
)
CPU = torch.device("cpu")


@pytest.fixture
def labelled(source, tmp_path, monkeypatch):
    """The pairs with a box each; probes are kept in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    for pair_id in source.manifest["id"]:
        write_text(source.labels / "boxes" / f"{pair_id}.txt", "0 0.5 0.5 0.4 0.6\n")
    sets = source.manifest["set"].unique()
    write_classes(source.labels, ClassNames(boxes=dict.fromkeys(sets, ("person",))))
    manifest = source.manifest.assign(has_boxes=True)
    return PairSource(manifest, source.pairs, source.labels, refused={})


@pytest.fixture
def models(make_weights):
    return [
        GatedModel.load(name, make_weights(name, bias=bias), device=CPU)
        for name, bias in (("champion", 0.0), ("challenger", 0.5))
    ]


def test_probe__judges_every_task_and_keeps_both_means(labelled, models):
    checks, means = probe(labelled, models, PARAMS, device=CPU)
    (check,) = checks
    assert (check.name, check.kind, check.group) == ("probe/boxes", "probe", "boxes")
    champion, challenger = (means[f"boxes/mean IoU/{model.name}"] for model in models)
    assert check.value == pytest.approx(challenger - champion, abs=2e-6)
    assert check.limit == pytest.approx(-0.05 * champion, abs=1e-6)
    assert check.low is not None


def test_probe__without_labels_judges_nothing(source, models):
    assert probe(source, models, PARAMS, device=CPU) == ([], {})


def test_probe__without_an_object_to_find_judges_nothing_and_says_so(labelled, models):
    rows = labelled.manifest
    held_out = [number % 2 == 0 for number in range(len(rows))]
    for pair_id in rows.loc[held_out, "id"]:
        write_text(labelled.labels / "boxes" / f"{pair_id}.txt", "")
    split = ["test" if held else "train" for held in held_out]
    source = replace(labelled, manifest=rows.assign(split=split))
    (check,), means = probe(source, models, PARAMS, device=CPU)
    assert (check.name, check.value, check.limit, check.passed) == ("probe/boxes", None, None, None)
    assert check.sentence == "no labelled object on the tested pairs: the probe boxes is not judged"
    assert not [name for name in means if "mean IoU" in name]
