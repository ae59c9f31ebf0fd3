"""The retraining loop end to end on real pairs: `python -m benchmarks.story --data FOLDER`.

In a scratch clone: a champion is trained on one camera's pairs (roadscene), the loop is deployed,
and another camera's (msrs/train) arrive as three deliveries, between them one that is bad. What
follows happens by itself: ingest, retraining, gate. Then a challenger of a broken parameter is
trained, and whoever leads is rolled back. Prints the story as Markdown; docs/retraining.md has it.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, TypedDict, TypeVar

import httpx
import typer
import yaml

from ssvif import console
from ssvif.retraining.journal import JOURNAL, read_journal

ROOT = Path(__file__).parents[1]
DELIVERIES = 3
# The story's own parameters, over those of params.yaml.
PARAMS: Mapping[str, Mapping[str, object]] = {
    "retraining": {"quiet_seconds": 10.0, "debounce_seconds": 20.0, "min_new_pairs": 100},
    "evaluate": {"probe": False},
}
# Brightness and structure no longer count, and steps are far too long.
BROKEN = ("fusion_loss.intensity_weight=0.0", "fusion_loss.ssim_weight=0.0",
          "stage_two.learning_rate=0.05")  # fmt: skip

_Found = TypeVar("_Found")


class FlowRunState(TypedDict):
    """What the story reads of a flow run's state."""

    type: str
    message: str | None


class FlowRun(TypedDict):
    """What the story reads of a flow run, as Prefect's server gives it."""

    name: str
    end_time: str | None
    state: FlowRunState


@dataclass
class Project:
    """A scratch clone, with what its commands need."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str, accept: tuple[int, ...] = (0,)) -> str:
        """Run one command; return what it printed."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode not in accept:
            raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout


def make_project(folder: Path) -> Project:
    """Clone this repository's last commit, with the story's parameters committed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    project = Project(folder, {**os.environ, "PATH": path, "PYTHONPATH": str(folder)})
    Project(ROOT, project.environment).run("git", "clone", "--quiet", str(ROOT), str(folder))
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    for section, values in PARAMS.items():
        params[section] |= values
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    project.run("git", "-c", "user.name=story", "-c", "user.email=story@localhost", "commit",
                "--quiet", "--all", "-m", "chore: parameters of the story")  # fmt: skip
    return project


def train_champion(project: Project, data: Path) -> None:
    """Train the first champion, and freeze its held-out pairs as the golden set."""
    for part in ("train", "test"):
        project.run("ssvif", "captures", "add", str(data / "roadscene" / part),
                    "--name", "roadscene")  # fmt: skip
    project.run("dvc", "repro")
    project.run("ssvif", "golden", "freeze")


def deliver(project: Project, name: str, pairs: list[tuple[Path, Path]], *, marked: bool) -> None:
    """Copy visible and infrared files into the drop folder, as a rig would.

    A pair's halves get the name of its visible one, whatever the infrared one was called.
    """
    folder = project.folder / "data" / "drop" / name
    for kind, index in (("vis", 0), ("ir", 1)):
        (folder / kind).mkdir(parents=True)
        for pair in pairs:
            target = f"{pair[0].stem}{pair[index].suffix}"
            shutil.copyfile(pair[index], folder / kind / target)
    if marked:
        (folder / "_COMPLETE").touch()


def deliver_bad(project: Project, good: list[tuple[Path, Path]], odd: Path) -> list[str]:
    """Deliver what no rig should: swapped cameras, repeated frames, halves of two sizes."""
    bad = {
        "swapped--1": [(ir, vis) for vis, ir in good[:8]],
        "repeated--1": good[:6],
        "sizes--1": [(vis, odd) for vis, _ in good[6:12]],
    }
    for name, pairs in bad.items():
        deliver(project, name, pairs, marked=True)
    return list(bad)


@contextmanager
def deployed(project: Project, log: Path) -> Iterator[str]:
    """Deploy the loop; give the address of its Prefect API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.deploy", "--port", str(port)],
            cwd=project.folder, env=project.environment, stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield f"http://127.0.0.1:{port}/api"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=120)


def ask(api: str, what: str, **query: object) -> httpx.Response | None:
    """Return a Prefect server's answer about its `flow_runs` or `deployments`; None without one."""
    try:
        # Our own server: no proxy stands before it.
        response = httpx.post(f"{api}/{what}/filter", json=query, timeout=10, trust_env=False)
        return response.raise_for_status()
    except httpx.HTTPError:
        return None


def flow_runs(api: str) -> list[FlowRun]:
    """Return all flow runs, oldest first; none while the server is not there yet."""
    answer = ask(api, "flow_runs", sort="START_TIME_ASC", limit=200)
    found: list[FlowRun] = [] if answer is None else answer.json()
    return found


def await_(what: str, ready: Callable[[], _Found | None], *, minutes: float) -> _Found:
    """Poll until something is so."""
    deadline = time.monotonic() + 60.0 * minutes
    while time.monotonic() < deadline:
        if found := ready():
            return found
        time.sleep(1.0)
    raise SystemExit(f"{what}: not within {minutes:g} minutes")


def say(began: float, text: str) -> None:
    """Print a line of the story with its time."""
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    typer.echo(f"{minutes:3d}:{seconds:02d}  {text}")


def ended(api: str, name: str) -> FlowRun | None:
    """Return the last flow run of such a name, once it has ended."""
    runs = [r for r in flow_runs(api) if name in r["name"]]
    last = runs[-1] if runs else None
    return last if last and last["end_time"] else None


def main(
    data: Annotated[Path, typer.Option(help="Folder with roadscene/ and msrs/.")],
    folder: Annotated[Path, typer.Option(help="Where the scratch clone goes.")],
) -> None:
    """Tell the story."""
    data, began = data.resolve(), time.monotonic()
    project = make_project(folder)
    train_champion(project, data)
    say(began, "champion: " + project.run("ssvif", "champion").strip().replace("\n", "\n        "))
    kinds = [sorted((data / "msrs" / "train" / kind).iterdir()) for kind in ("vi", "ir")]
    pairs = list(zip(*kinds, strict=True))
    size = -(-len(pairs) // DELIVERIES)
    parts = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    odd = next((data / "roadscene" / "train" / "ir").iterdir())
    with deployed(project, folder.with_suffix(".deploy.log")) as api:
        await_("the deployment", lambda: _is_served(api), minutes=5)
        say(began, "deployed")
        deliver(project, "msrs--1", parts[0], marked=True)
        await_("the first delivery", lambda: _taken(project, "msrs--1"), minutes=10)
        say(began, f"msrs--1 ingested: {_taken(project, 'msrs--1')}")
        for name in deliver_bad(project, parts[0], odd):
            await_(name, partial(_taken, project, name), minutes=10)
            say(began, f"{name}: {_taken(project, name)}")
        deliver(project, "msrs--2", parts[1], marked=False)
        await_("the second delivery", lambda: _taken(project, "msrs--2"), minutes=10)
        say(began, f"msrs--2 ingested: {_taken(project, 'msrs--2')}")
        deliver(project, "msrs--3", parts[2], marked=True)
        await_("the third delivery", lambda: _taken(project, "msrs--3"), minutes=10)
        say(began, f"msrs--3 ingested: {_taken(project, 'msrs--3')}")
        run = await_("the retraining", lambda: ended(api, "files of captures"), minutes=60)
        say(began, f"{run['name']}: {run['state']['type']}: {run['state']['message']}")
    _tell_rest(project, began)


def _tell_rest(project: Project, began: float) -> None:
    """A worse challenger, history, rollback, and what fuses then."""
    typer.echo(project.run("ssvif", "history"))
    options = [word for text in BROKEN for word in ("--set", text)]
    said = project.run(sys.executable, "-m", "pipelines.retrain", *options)
    say(began, f"broken challenger: {said.strip().splitlines()[-1]}")
    if json.loads(project.run("ssvif", "champion", "--json"))["previous"] is None:
        project.run("ssvif", "promote", "2", "--force", "--by", "story", "--reason", "to roll back")
        say(began, "the gate promoted nobody: version 2 is promoted by force, to be rolled back")
    since = time.monotonic()
    said = project.run("ssvif", "rollback", "--by", "story", "--reason", "a trial")
    say(began, f"rollback in {time.monotonic() - since:.1f} s: {said.strip().splitlines()[-1]}")
    project.run("ssvif", "fuse", "--captures", "data/captures/msrs", "-o", "fused")
    image = str(next((project.folder / "fused").rglob("*.png")))
    typer.echo(project.run("ssvif", "lineage", image))
    typer.echo(project.run("ssvif", "history"))


def _is_served(api: str) -> bool:
    answer = ask(api, "deployments")
    return answer is not None and bool(answer.json())


def _taken(project: Project, name: str) -> str | None:
    """Return what the journal says of a delivery, once it is settled."""
    for entry in read_journal(project.folder / JOURNAL):
        if entry.name == name and entry.state != "taken":
            return entry.sentence
    return None


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
