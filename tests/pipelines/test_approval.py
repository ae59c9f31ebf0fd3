import threading
import time
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.flow_runs import resume_flow_run
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, temporary_settings

from pipelines import approval
from pipelines.approval import Word, ask_person

pytestmark = pytest.mark.slow

LIMIT_S = 60.0


@pytest.fixture
def question(prefect_server, monkeypatch):
    """A flow that asks a person; what else is done while it waits is told its run's id."""
    monkeypatch.setattr(approval, "_POLL_SECONDS", 1)

    @flow
    def asking(wait_s, meanwhile):
        thread = threading.Thread(target=meanwhile, args=[prefect_server, flow_run.get_id()])
        thread.start()
        word = ask_person("Qabf +0.02", Path("index.html"), wait_s=wait_s, key="one")
        thread.join()
        return word

    return asking


def answer(**words):
    """Answer as a person does on the page, once the run is paused."""

    def meanwhile(address, run_id):
        deadline = time.monotonic() + LIMIT_S
        with temporary_settings({PREFECT_API_URL: address}):
            with get_client(sync_client=True) as client:
                while not client.read_flow_run(run_id).state.is_paused():
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
            time.sleep(0.5)  # the form is saved after the state is set
            resume_flow_run(run_id, run_input=words)

    return meanwhile


def test_ask_person__a_word_with_its_name(question):
    said = answer(approve=True, name="Ada", reason="looks right")
    assert question(LIMIT_S, said) == Word(approved=True, by="Ada", reason="looks right")


def test_ask_person__silence_keeps_the_champion_and_the_run_goes_on(question):
    state = question(2.0, lambda *_: None, return_state=True)
    assert state.is_completed()
    assert state.result() == Word(approved=False, by="nobody", reason="no word within 2 s")
