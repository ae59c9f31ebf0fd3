"""Two promotions at once, each a process of its own."""

import subprocess
import sys

import pytest

from ssvif.registry.bundle import bundle_hash
from ssvif.registry.events import list_events
from ssvif.registry.pinning import sync_champion
from ssvif.registry.versions import Registry
from ssvif.tracking.store import Store, open_client

# Waits for a line on its input, so that both start at once.
PROMOTE = """
import sys
from pathlib import Path
import mlflow
from ssvif.errors import ChampionMovedError
from ssvif.registry.promotion import apply_decision
print("ready", flush=True)
sys.stdin.readline()
try:
    done = apply_decision(
        Path("reports/gate"), bundle=int(sys.argv[1]), name="fuser", experiment="ssvif",
        champion_folder=Path("models/champion"),
    )
    print("leads", done.champion)
except ChampionMovedError as error:
    print("moved", error.champion)
"""


@pytest.mark.slow
def test_apply_decision__of_two_at_once_one_leads(
    two_versions, decide, project, make_bundle, register, tracked_project
):
    make_bundle("three", folder="three")
    register("three")
    decide(two_versions[1])
    running = {
        version: subprocess.Popen(
            [sys.executable, "-c", PROMOTE, str(version)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for version in (2, 3)
    }
    for process in running.values():
        assert process.stdout.readline() == "ready\n"
    for process in running.values():
        process.stdin.write("go\n")
        process.stdin.flush()
    told = {version: process.communicate(timeout=120)[0] for version, process in running.items()}
    (winner,) = (version for version in told if told[version] == f"leads {version}\n")
    assert told[5 - winner] == f"moved {winner}\n"
    aliases = Registry(open_client(), "fuser").aliases()
    assert (aliases["champion"], aliases["previous"]) == (winner, 1)
    folders = {2: "two", 3: "three"}
    assert sync_champion(**project) == winner
    assert bundle_hash(project["champion_folder"]) == bundle_hash(tracked_project / folders[winner])
    events = list_events(Store(open_client(), "ssvif"), "fuser")
    assert [event.kind for event in events] == ["promotion", "first"]
