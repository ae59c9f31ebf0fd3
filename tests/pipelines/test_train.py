from pathlib import Path

import pytest

from pipelines import tasks
from pipelines import train as module
from pipelines.dvc import StageFailedError


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text("stages: {first: {cmd: x}, second: {cmd: y}}")
    return tmp_path


@pytest.fixture
def attempts(monkeypatch):
    """Stages that were run, in order; a stage in `failures` fails with what it says."""

    class Attempts(list):
        def __init__(self):
            self.failures = {}

    done = Attempts()

    def reproduce(stage, *, log, limit_s, **_place):
        log(f"{stage} for {limit_s:g} s at most")
        done.append(stage)
        if stage in done.failures:
            raise done.failures[stage]

    monkeypatch.setattr(tasks, "reproduce", reproduce)
    return done


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
class TestTrain:
    def test_train__runs_every_stage_and_shows_the_scores(self, project, attempts):
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

        (project / module.SUMMARY).parent.mkdir(parents=True)
        (project / module.SUMMARY).write_text("| EN | 7 |")
        module.train()
        assert attempts == ["first", "second"]
        with get_client(sync_client=True) as client:
            key = ArtifactFilter(key=ArtifactFilterKey(any_=["evaluation"]))
            (artifact,) = client.read_artifacts(artifact_filter=key)
        assert artifact.data == "| EN | 7 |"

    @pytest.mark.usefixtures("project")
    def test_train__refused_input_is_not_tried_again(self, attempts):
        attempts.failures = {"first": StageFailedError("first", "bad key", refused=True)}
        with pytest.raises(StageFailedError, match="first: bad key"):
            module.train()
        assert attempts == ["first"]

    @pytest.mark.usefixtures("project")
    def test_train__a_killed_stage_is_tried_once_more(self, attempts, monkeypatch):
        monkeypatch.setattr(tasks.run_stage, "retry_delay_seconds", 0.0)
        killed = StageFailedError("second", "killed", refused=False, transient=True)
        attempts.failures = {"second": killed}
        with pytest.raises(StageFailedError, match="second: killed"):
            module.train()
        assert attempts == ["first", "second", "second"]
