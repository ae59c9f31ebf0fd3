from dataclasses import replace

import pytest

from ssvif.tracking.datasets import DataInput
from ssvif.tracking.facts import PIPELINE_TAG, START_TAG, StageFacts
from ssvif.tracking.notes import NOTE_TAG, pipeline_note, stage_note
from ssvif.tracking.run import track_stage

FACTS = StageFacts("gate", {}, {PIPELINE_TAG: "a" * 64})
PAIRS = {"msrs": {"train": 3, "test": 1}, "street": {"train": 2, "val": 1}}


@pytest.mark.parametrize(
    ("tags", "words"),
    [({}, "Starts from scratch"), ({START_TAG: "b" * 64}, f"from the bundle `{'b' * 12}`")],
)
def test_pipeline_note__says_where_it_starts(tags, words):
    note = pipeline_note(replace(FACTS, tags={**FACTS.tags, **tags}))
    assert words in note
    assert "|" not in note


def test_pipeline_note__counts_the_pairs_that_are_known():
    data = DataInput("manifest.parquet", "c" * 64, "training", PAIRS)
    note = pipeline_note(replace(FACTS, data=data))
    assert "| msrs | 3 | 0 | 1 |" in note
    assert "| street | 2 | 1 | 0 |" in note


def test_stage_note__of_a_stage_that_is_not_known_is_empty():
    assert stage_note(FACTS)
    assert stage_note(replace(FACTS, stage="another")) == ""


def test_store__a_pipeline_gets_its_name_when_somebody_trains_on_its_captures(
    project, params, parents
):
    with track_stage("ingest", params=params, record=project / "runs/ingest", live=False) as run:
        run.log(0, {"ingest/pairs": 3})
    (parent,) = parents()
    assert parent.info.run_name.startswith("captures taken in (")
    with track_stage("stage_one", params=params, record=project / "runs/stage_one") as run:
        run.log(0, {"stage_one/train/loss": 1.0})
    (parent,) = parents()
    assert "steps, seed" in parent.info.run_name


def test_store__experiment_and_runs_describe_themselves(project, params, runs, parents, open_store):
    with track_stage("gate", params=params, record=project / "runs/gate") as run:
        run.log(0, {"gate/passed": 1.0})
    (child,), (parent,) = runs("gate"), parents()
    assert "champion" in child.data.tags[NOTE_TAG]
    assert "Starts from scratch" in parent.data.tags[NOTE_TAG]
    opened = open_store()
    tags = opened.client.get_experiment(opened.experiment_id).tags
    assert "ssvif history" in tags[NOTE_TAG]
