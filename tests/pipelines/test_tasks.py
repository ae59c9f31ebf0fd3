import pytest
from prefect.cache_policies import NO_CACHE

from pipelines import steps, tasks


@pytest.mark.parametrize(
    "task", [tasks.run_stage, steps.pin_anew, steps.read_decision, steps.decide]
)
def test_tasks__what_a_flow_does_twice_is_done_twice(task):
    assert task.cache_policy is NO_CACHE
