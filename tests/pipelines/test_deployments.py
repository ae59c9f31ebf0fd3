import pkgutil
from pathlib import Path

import pytest
import yaml

from pipelines import events
from pipelines.deployments import HEARTBEAT_S, PREFECT_FILE, end_silent_runs, read_deployments
from ssvif.errors import RetrainingError
from ssvif.params import Params

ROOT = Path(__file__).parents[2]
MODEL = Params().register_.name
EVENTS = {events.ARRIVED, events.REFUSED, events.DUE, events.DRIFT}


@pytest.fixture(scope="module")
def deployments():
    return {found.name: found for found in read_deployments(MODEL, ROOT / PREFECT_FILE)}


def test_read_deployments__every_one_has_words_a_limit_and_its_flows_name(deployments):
    for name, found in deployments.items():
        assert found.flow_name == name
        assert found.description
        assert found.description.endswith(".")
        assert found.concurrency_limit == 1
        assert "ssvif" in found.tags
        assert found.entrypoint.startswith("pipelines.")


def test_read_deployments__a_retraining_waits_its_turn(deployments):
    strategy = deployments["retrain"].concurrency_options.collision_strategy
    assert strategy == "ENQUEUE"


def test_read_deployments__what_is_on_a_schedule(deployments):
    crons = {
        name: found.schedules[0].schedule.cron
        for name, found in deployments.items()
        if found.schedules
    }
    assert crons == {"ingest": "7 * * * *", "monitor": "30 5 * * *", "reap": "0 4 * * *"}


def test_read_deployments__triggers_wait_for_events_that_are_sent(deployments):
    triggers = {trigger.name: trigger for trigger in deployments["retrain"].triggers}
    assert {event for trigger in triggers.values() for event in trigger.expect} <= EVENTS
    enough = triggers["ssvif: retrain when enough new pairs wait"]
    assert enough.enabled
    assert enough.expect == {events.DUE}
    assert enough.match.model_dump() == {"prefect.resource.id": events.model_resource(MODEL)}
    assert not triggers["ssvif: retrain when captures have drifted"].enabled


def test_read_deployments__parameters_are_ones_the_flow_takes(deployments):
    for found in deployments.values():
        known = found._parameter_openapi_schema.properties
        assert set(found.parameters) <= set(known)


def test_read_deployments__another_models_events_would_never_come():
    with pytest.raises(RetrainingError, match=r"waits for events about ssvif\.model\.ssvif, but"):
        read_deployments("other", ROOT / PREFECT_FILE)


@pytest.mark.parametrize(
    "match", ["{prefect.resource.id: ssvif.delivery.*}", "{prefect.resource.role: rig}"]
)
def test_read_deployments__a_trigger_of_ones_own_may_wait_for_anything(tmp_path, match):
    text = (ROOT / PREFECT_FILE).read_text()
    own = "{type: event, expect: [ssvif.captures.arrived], match: " + match + "}"
    mark = "    entrypoint: pipelines.fuse_batch.fuse_batch\n"
    assert mark in text
    text = text.replace(mark, f"{mark}    triggers: [{own}]\n")
    (tmp_path / PREFECT_FILE).write_text(text)
    found = {found.name: found for found in read_deployments(MODEL, tmp_path / PREFECT_FILE)}
    assert found["fuse-batch"].triggers


def test_read_deployments__outside_the_project(tmp_path):
    with pytest.raises(RetrainingError, match="run this in the project's folder"):
        read_deployments(MODEL, tmp_path / PREFECT_FILE)


def test_prefect_file__is_what_prefect_deploy_reads():
    from prefect.cli.deploy._models import PrefectYamlModel
    from prefect.cli.deploy._triggers import _initialize_deployment_triggers

    content = yaml.safe_load((ROOT / PREFECT_FILE).read_text(encoding="utf-8"))
    model = PrefectYamlModel.model_validate(content)
    assert [found.name for found in model.deployments] == [
        it["name"] for it in content["deployments"]
    ]
    for found in model.deployments:
        assert found.work_pool.name == "ssvif"
        _initialize_deployment_triggers(found.name, found.triggers or [])


def test_prefect_file__work_pools_have_the_automation_for_silent_runs_and_its_signs_of_life():
    content = yaml.safe_load((ROOT / PREFECT_FILE).read_text(encoding="utf-8"))
    (step,) = content["build"]
    assert {pkgutil.resolve_name(name): inputs for name, inputs in step.items()} == {
        end_silent_runs: {}
    }
    for found in content["deployments"]:
        environment = found["work_pool"]["job_variables"]["env"]
        assert environment == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S)}
