import pytest

from ssvif.params import Params
from ssvif.tracking import store


@pytest.fixture
def project(tracked_project):
    return tracked_project


@pytest.fixture
def params():
    steps = {"stage_one": 3, "warm_up": 2, "stage_two": 1}
    return Params.model_validate({"seed": 7, **{stage: {"steps": n} for stage, n in steps.items()}})


@pytest.fixture
def open_store(project):  # noqa: ARG001  # the store is the project's
    def opened(experiment="ssvif"):
        return store.Store(store.open_client(), experiment)

    return opened


@pytest.fixture
def runs(open_store):
    """Return the runs of a name in the store."""

    def found(name):
        opened = open_store()
        runs = opened.client.search_runs([opened.experiment_id])
        return [run for run in runs if run.info.run_name == name]

    return found


@pytest.fixture
def parents(open_store):
    """Return the pipelines' runs in the store."""

    def found():
        opened = open_store()
        query = f"tags.`{store.PIPELINE_RUN_TAG}` LIKE '%'"
        return list(opened.client.search_runs([opened.experiment_id], query))

    return found
