"""`python -m benchmarks.kills --times 20 --seed 0`: kill -9 of a retraining at random moments.

A small project of its own has a champion. A retraining that nobody disturbs says what must come
out. Then the same retraining is started again and again and its process killed; after each kill
nothing may be left alive, no run may stay RUNNING after `ssvif reap`, and the champion must be
what it was. In the end the retraining goes on undisturbed, and must come to the same weights.
"""

import argparse
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from benchmarks.projects import git, tiny_project
from ssvif.files import sha256_folder
from ssvif.retraining.state import HOME

END_SECONDS = 30.0  # the stages' grace, the guard's, and a loaded machine
_LEAST_SECONDS = 1.0
_FRESH_SHARE = 0.25  # of kills after which the project is as before all of them
_WEIGHTS = ("models/stage_one.safetensors", "models/stage_two.safetensors")
_TASK = re.compile(r"Task run [\"'](?P<task>.+?)[\"'] - ")
# The retraining that is killed differs from the one that made the champion.
_CHANGE = ("--set", "stage_two.steps=6")


@dataclass(frozen=True)
class Kill:
    """One start of the retraining, and how it ended.

    Args:
        after_s: When it was killed, or had ended, in seconds since its start.
        task: What it was at, as its log says.
        killed: Whether it was still running then.
        ended_s: How long after the kill the last of its processes was gone.
        faults: What was not as it must be.
    """

    after_s: float
    task: str
    killed: bool
    ended_s: float
    faults: tuple[str, ...]


class Victim:
    """A project whose retraining is killed.

    Args:
        folder: Made by this.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.home = folder / "prefect"
        self.log = folder / "flow.log"
        self._before = folder / "before"
        tiny_project(self.folder)

    def prepare(self) -> None:
        """Train a champion, and remember how everything is then."""
        self.finish()
        shutil.copytree(self.folder, self._before, symlinks=True)

    def restore(self) -> None:
        """Bring everything back to how it was, at the same place and with the same times."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._before, self.folder, symlinks=True)

    @contextmanager
    def started(self, *options: str) -> "Iterator[subprocess.Popen[bytes]]":
        """Start a retraining, and leave it to the block to end it."""
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "pipelines.retrain", *options],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def finish(self, *options: str) -> float:
        """Let a retraining come to its end; return how long it took, in seconds."""
        begin = time.monotonic()
        with self.started(*options) as process:
            code = process.wait()
        if code != 0:
            raise RuntimeError(f"the retraining ended with {code}:\n{self.log.read_text()[-3000:]}")
        return time.monotonic() - begin

    def weights(self) -> dict[str, str]:
        """Return the hashes of what the retraining recorded last has made, by file."""
        tag = git(self.folder, "for-each-ref", "--sort=-creatordate", "--count=1", "refs/tags")
        lock = yaml.safe_load(git(self.folder, "show", f"{tag.split()[-1]}:dvc.lock"))
        outs = [out for stage in lock["stages"].values() for out in stage["outs"]]
        return {out["path"]: out["md5"] for out in outs if out["path"] in _WEIGHTS}

    def at(self) -> str:
        """Return the task that the flow was at, as its log says."""
        tasks = _TASK.findall(self.log.read_text(encoding="utf-8", errors="replace"))
        return str(tasks[-1]) if tasks else "starting"

    @property
    def environment(self) -> dict[str, str]:
        """Variables for commands of the project; nothing of the caller's services."""
        own = ("PREFECT_", "MLFLOW_", "DVC_", "SSVIF_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
        return {**kept, "PREFECT_HOME": str(self.home), "DVC_NO_ANALYTICS": "1"}

    def faults(self, champion: str) -> list[str]:
        """Reap, and return what is not as it must be then."""
        done = subprocess.run(
            [sys.executable, "-c", "from ssvif.cli.main import main; main()", "reap"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        found = [] if done.returncode == 0 else [f"ssvif reap: {done.stderr.strip()[-300:]}"]
        with closing(sqlite3.connect(self.folder / "mlflow.db")) as database:
            (running,) = database.execute(
                "SELECT count(*) FROM runs WHERE status = 'RUNNING'"
            ).fetchone()
        if running:
            found.append(f"{running} runs are RUNNING")
        if sha256_folder(self.folder / "models" / "champion") != champion:
            found.append("the champion is another one")
        return [*found, *self._worktree_faults()]

    def _worktree_faults(self) -> list[str]:
        lines = git(self.folder, "worktree", "list", "--porcelain").splitlines()
        known = {Path(line.split(" ", 1)[1]) for line in lines if line.startswith("worktree ")}
        there = {path for path in (self.folder / HOME).glob("*") if path.is_dir()}
        found = [f"git knows {path.name}, which is gone" for path in known if not path.is_dir()]
        found += [
            f"{path.name} is no worktree" for path in there - known if (path / ".git").exists()
        ]
        if len(there) > 1:
            found.append(f"{len(there)} worktrees of one retraining")
        return found


def processes_in(folder: Path) -> list[int]:
    """Return the living processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").resolve(strict=True).is_relative_to(folder):
                found.append(int(process.name))
    return found


def kill(victim: Victim, after_s: float, champion: str) -> Kill:
    """Start the retraining, kill it after a while, and look at what is left.

    Args:
        victim: The project.
        after_s: How long it may run, in seconds.
        champion: Hash of the champion's folder.
    """
    start = time.monotonic()
    with victim.started(*_CHANGE) as process:
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        killed = process.wait() == -signal.SIGKILL
        after_s = time.monotonic() - start
    begin = time.monotonic()
    while (left := processes_in(victim.folder)) and time.monotonic() - begin < END_SECONDS:
        time.sleep(0.1)
    ended_s = time.monotonic() - begin
    faults = [f"{len(left)} processes live"] if left else []
    faults += victim.faults(champion)
    return Kill(after_s, victim.at(), killed, ended_s, tuple(faults))


def run(folder: Path, *, times: int, seed: int) -> tuple[list[Kill], list[str]]:
    """Kill a retraining many times, and let it finish.

    Args:
        folder: Where everything happens.
        times: How many kills.
        seed: Of the moments.

    Returns:
        What became of each start, and what was not as it must be in the end.
    """
    random = np.random.default_rng(seed)
    victim = Victim(folder)
    victim.prepare()
    champion = sha256_folder(victim.folder / "models" / "champion")
    lasts = victim.finish(*_CHANGE)
    expected = victim.weights()
    print(f"undisturbed: {lasts:.0f} s; weights {expected}", flush=True)
    victim.restore()
    is_fresh = True
    kills: list[Kill] = []
    faults: list[str] = []
    while sum(found.killed for found in kills) < times:
        found = kill(victim, random.uniform(_LEAST_SECONDS, lasts), champion)
        kills.append(found)
        print(_line(len(kills), found), flush=True)
        if not found.killed:
            lasts = min(lasts, found.after_s) if is_fresh else lasts
            if victim.weights() != expected:
                faults.append(f"start {len(kills)} ended with other weights")
        is_fresh = not found.killed or random.random() < _FRESH_SHARE
        if is_fresh:
            victim.restore()
    victim.finish(*_CHANGE)
    if victim.weights() != expected:
        faults.append("the last, undisturbed start ended with other weights")
    faults += victim.faults(champion)
    if list((victim.folder / HOME).glob("*.json")):
        faults.append("a retraining that ended well is still open")
    return kills, faults


def _line(number: int, found: Kill) -> str:
    how = "killed" if found.killed else "had ended"
    told = "; ".join(found.faults) or "sound"
    return (
        f"{number:>3}  {how} after {found.after_s:6.1f} s, at: {found.task:<42} "
        f"gone after {found.ended_s:4.1f} s: {told}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 1 if anything was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=20, help="how many kills")
    parser.add_argument("--seed", type=int, default=0, help="of their moments")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        kills, faults = run(Path(folder).resolve(), times=chosen.times, seed=chosen.seed)
    done = sum(found.killed for found in kills)
    bad = sum(bool(found.faults) for found in kills)
    slowest = max(found.ended_s for found in kills if found.killed)
    print(f"{done} kills, {bad} with faults; the slowest end took {slowest:.1f} s")
    print("; ".join(faults) or "the retraining that was killed ended with the same weights")
    return int(bad > 0 or bool(faults))


if __name__ == "__main__":
    sys.exit(main())
