import pytest
from typer.testing import CliRunner

from ssvif.cli.track import app
from ssvif.errors import StorageError, TrackingError
from ssvif.tracking.facts import describe_stage
from ssvif.tracking.journal import Row
from ssvif.tracking.push import push_records
from ssvif.tracking.reap import reap_runs
from ssvif.tracking.record import write_record
from ssvif.tracking.run import track_stage
from ssvif.tracking.store import PROCESS_TAG, URI_VARIABLE, Store

DEAD = "another-boot:1:1"


@pytest.fixture
def records(project, params):
    """Two records that no store has seen."""
    for stage in ("stage_one", "stage_two"):
        rows = [Row(step, {"loss": 1.0 / step}, 0) for step in range(1, 1201)]
        write_record(project / "runs" / stage, facts=describe_stage(stage, params, {}), rows=rows)
    return project / "runs"


def test_push_records__a_second_push_adds_nothing(records, runs):
    assert push_records(records, experiment="ssvif") == ["stage_one", "stage_two"]
    assert push_records(records, experiment="ssvif") == []
    assert [len(runs(stage)) for stage in ("stage_one", "stage_two")] == [1, 1]


def test_push_records__all_rows_arrive(records, runs, open_store):
    push_records(records, experiment="ssvif")
    (run,) = runs("stage_two")
    history = open_store().client.get_metric_history(run.info.run_id, "loss")
    assert [metric.step for metric in history] == list(range(1, 1201))
    assert run.info.status == "FINISHED"


def test_push_records__what_was_pushed_live_is_left_alone(project, params):
    with track_stage("s", params=params, record=project / "runs/s", live=False) as run:
        run.log(0, {"a": 1.0})
    assert push_records(project / "runs", experiment="ssvif") == []


def test_push_records__an_older_record_leaves_the_state_of_its_pipeline(
    records, params, runs, parents
):
    with pytest.raises(ValueError, match="broken"), track_stage("s", params=params, record=records):
        raise ValueError("broken")
    push_records(records, experiment="ssvif")
    assert [run.info.status for run in parents()] == ["FAILED"]
    assert runs("stage_one")[0].info.status == "FINISHED"


def test_push_records__a_pipeline_made_for_records_is_at_rest(records, parents):
    push_records(records, experiment="ssvif")
    assert [run.info.status for run in parents()] == ["FINISHED"]


def test_push_records__what_only_the_store_lost_finishes_its_pipeline(
    records, params, open_store, runs, parents
):
    store, facts = open_store(), describe_stage("stage_two", params, {})
    child = store.create(facts)
    store.resume_parent(child, facts)
    store.client.set_tag(child, PROCESS_TAG, DEAD)
    reap_runs("ssvif")
    assert [run.info.status for run in parents()] == ["KILLED"]
    push_records(records, experiment="ssvif")
    assert sorted(run.info.status for run in runs("stage_two")) == ["FINISHED", "KILLED"]
    assert [run.info.status for run in parents()] == ["FINISHED"]


def test_push_records__beside_a_stage_at_work_its_pipeline_goes_on(
    records, params, open_store, parents
):
    store, facts = open_store(), describe_stage("stage_one", params, {})
    store.resume_parent(store.create(facts), facts)
    push_records(records, experiment="ssvif")
    assert [run.info.status for run in parents()] == ["RUNNING"]


@pytest.fixture
def killed_push(records, monkeypatch):
    """Push the records, and be killed at the second one."""

    def killed():
        log, calls = Store.log, iter((True, False))

        def dying(self, run_id, rows):
            if not next(calls):
                self.client.set_tag(run_id, PROCESS_TAG, DEAD)
                raise KeyboardInterrupt
            log(self, run_id, rows)

        with monkeypatch.context() as patch:
            patch.setattr(Store, "log", dying)
            with pytest.raises(KeyboardInterrupt):
                push_records(records, experiment="ssvif")

    return killed


def test_push_records__a_killed_push_ends_no_pipeline(killed_push, records, runs, parents):
    killed_push()
    reap_runs("ssvif")
    assert [run.info.status for run in (*runs("stage_two"), *parents())] == ["KILLED", "FINISHED"]
    push_records(records, experiment="ssvif")
    assert sorted(run.info.status for run in runs("stage_two")) == ["FINISHED", "KILLED"]
    assert [run.info.status for run in parents()] == ["FINISHED"]


def test_push_records__a_killed_push_beside_a_stage_that_ends_well(
    killed_push, params, open_store, parents
):
    store, facts = open_store(), describe_stage("evaluate", params, {})
    child = store.create(facts)
    store.resume_parent(child, facts)
    killed_push()
    store.finish(child, "FINISHED", None)
    reap_runs("ssvif")
    assert [run.info.status for run in parents()] == ["FINISHED"]


def test_push_records__unreachable_store_is_one_line(records, monkeypatch):
    monkeypatch.setenv(URI_VARIABLE, "nonsense://nowhere")
    with pytest.raises(TrackingError, match=r"nonsense://nowhere: .* cannot be used") as refusal:
        push_records(records, experiment="ssvif")
    assert "\n" not in str(refusal.value)


def test_push_records__damaged_record_is_refused_before_anything_is_pushed(records, runs):
    (records / "stage_two/params.json").write_text("{")
    with pytest.raises(StorageError, match="stage_two"):
        push_records(records, experiment="ssvif")
    assert runs("stage_one") == []


def test_push__command_says_what_it_did(records):
    (records.parent / "params.yaml").write_text("seed: 7\n")
    first, second = (CliRunner().invoke(app, ["push"]) for _ in range(2))
    assert "stage_one, stage_two" in first.output
    assert "already" in second.output
