import json

import pandas as pd
import pytest

from ssvif.errors import ManifestError
from ssvif.files import sha256_file
from ssvif.tracking import facts
from ssvif.tracking.datasets import count_pairs, find_input
from ssvif.tracking.push import push_records
from ssvif.tracking.record import read_record
from ssvif.tracking.run import track_stage

COUNTS = {"a": {"test": 1, "train": 1}, "b": {"train": 1}}


@pytest.fixture
def manifest(project):
    path = project / facts.MANIFEST
    path.parent.mkdir()
    pd.DataFrame({"set": ["a", "b", "a"], "split": ["train", "train", "test"]}).to_parquet(path)
    return path


@pytest.fixture
def tracked(manifest, project, params):  # noqa: ARG001  # describes the manifest
    for stage in ("stage_two", "evaluate", "register"):
        with track_stage(stage, params=params, record=project / "runs" / stage, live=False):
            pass
    return project / "runs"


@pytest.fixture
def by_digest(open_store):
    """Return the names of the runs that have a data set of a digest as their input."""

    def found(digest):
        store = open_store()
        runs = store.client.search_runs([store.experiment_id], f"dataset.digest = '{digest}'")
        return sorted(run.info.run_name.partition(" (")[0] for run in runs)

    return found


def test_count_pairs__by_set_and_split(manifest):
    assert count_pairs(manifest) == COUNTS


@pytest.mark.parametrize("content", [b"no table", None])
def test_count_pairs__unreadable(tmp_path, content):
    path = tmp_path / "manifest.parquet"
    if content is None:
        pd.DataFrame({"id": ["a"]}).to_parquet(path)
    else:
        path.write_bytes(content)
    with pytest.raises(ManifestError, match="dvc repro"):
        count_pairs(path)


@pytest.mark.parametrize(
    ("stage", "context"),
    [("stage_one", "training"), ("gate", "evaluation"), ("ingest", None), ("register", None)],
)
def test_find_input__by_what_the_stage_does_with_pairs(manifest, stage, context):
    found = find_input(stage, manifest, "0" * 64)
    assert (found.context if found else None) == context


def test_find_input__a_damaged_manifest_is_the_stages_own_affair(manifest):
    manifest.write_bytes(b"no table")
    assert find_input("evaluate", manifest, "0" * 64).pairs == {}


@pytest.mark.usefixtures("tracked")
def test_track_stage__runs_are_found_by_the_manifest_they_read(manifest, by_digest):
    digest = sha256_file(manifest)[:16]
    names = ["3+2+1 steps, seed 7", "evaluate", "stage_two"]
    assert by_digest(digest) == names
    assert by_digest("f" * 16) == []


@pytest.mark.usefixtures("tracked")
def test_track_stage__the_input_says_what_it_holds(runs):
    (child,) = runs("evaluate")
    (found,) = child.inputs.dataset_inputs
    assert json.loads(found.dataset.source) == {"uri": "data/manifest.parquet"}
    assert json.loads(found.dataset.profile) == {"num_rows": 3, "pairs": COUNTS}
    assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "evaluation")]


@pytest.mark.usefixtures("tracked")
def test_track_stage__the_parent_has_one_input(parents):
    (parent,) = parents()
    assert len(parent.inputs.dataset_inputs) == 1


def test_push_records__restores_inputs_though_the_manifest_is_another(
    tracked, manifest, by_digest, open_store
):
    digest = sha256_file(manifest)[:16]
    store = open_store()
    for run in store.client.search_runs([store.experiment_id]):
        store.client.delete_run(run.info.run_id)
    manifest.unlink()
    push_records(tracked, experiment="ssvif")
    assert "stage_two" in by_digest(digest)


def test_read_record__without_an_input_as_earlier_releases_wrote_it(tracked):
    run = json.loads((tracked / "evaluate/run.json").read_text())
    del run["data"]
    (tracked / "evaluate/run.json").write_text(json.dumps(run))
    assert read_record(tracked / "evaluate").facts.data is None
