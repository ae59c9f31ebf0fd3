import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from zc.lockfile import LockFile

from pipelines.dvc import StageFailedError, reproduce, run_command, stage_names
from ssvif.errors import ParamsError

STAGE = """
import os, signal, subprocess, sys, time
from pathlib import Path
word = Path("word").read_text()
if word == "refuse":
    sys.exit(print("error: word: expected hello, found refuse; write hello", file=sys.stderr) or 2)
if word == "unreachable":
    sys.exit(print("error: the registry cannot be used; try again", file=sys.stderr) or 75)
if word == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path("pids").write_text(str(os.getpid()))
    time.sleep(30)
if word == "crash":
    raise SystemError("out of order")
if word == "hang":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("pids").write_text(f"{os.getpid()} {child.pid}")
    print("hanging", flush=True)
    time.sleep(600)
Path("out").write_text(word)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A DVC project whose stage `say` does what the file `word` tells it; it has run once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    stage = {"cmd": "python say.py", "deps": ["word"], "outs": ["out"]}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"say": stage}}))
    Path("say.py").write_text(STAGE)
    Path("word").write_text("hello")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], check=True)
    reproduce("say", log=lambda _: None, limit_s=60)
    return tmp_path


def run(word, *, log=lambda _: None, limit_s=60.0):
    Path("word").write_text(word)
    reproduce("say", log=log, limit_s=limit_s)


def assert_nothing_lives():
    for pid in map(int, Path("pids").read_text().split()):
        state = Path(f"/proc/{pid}/stat")
        # A child whose parent ended is init's to bury; until then it is a zombie.
        assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_stage_names__in_the_order_of_the_file(project):
    (project / "dvc.yaml").write_text("stages: {b: {cmd: x}, a: {cmd: y}}")
    assert stage_names() == ["b", "a"]


def test_reproduce__makes_the_output_and_passes_on_what_is_said(project):
    lines = []
    run("world", log=lines.append)
    assert (project / "out").read_text() == "world"
    assert "Running stage 'say':" in lines


def test_reproduce__refusal_is_the_stages_own_line_and_outputs_come_back(project):
    with pytest.raises(StageFailedError) as failure:
        run("refuse")
    assert str(failure.value) == "say: word: expected hello, found refuse; write hello"
    assert failure.value.refused
    assert (project / "out").read_text() == "hello"


def test_reproduce__a_service_that_cannot_be_reached_is_no_refusal(project):
    with pytest.raises(StageFailedError, match="the registry cannot be used") as failure:
        run("unreachable")
    assert not failure.value.refused
    assert (project / "out").read_text() == "hello"


def test_reproduce__what_persists_is_left_as_the_stage_left_it(project):
    content = yaml.safe_load((project / "dvc.yaml").read_text())
    content["stages"]["say"]["outs"] = [{"out": {"persist": True}}]
    (project / "dvc.yaml").write_text(yaml.safe_dump(content))
    run("world")
    (project / "say.py").write_text(f"open('out', 'a').write(', half done')\n{STAGE}")
    with pytest.raises(StageFailedError):
        run("crash")
    assert (project / "out").read_text() == "world, half done"


@pytest.mark.usefixtures("project")
def test_reproduce__forced_runs_what_has_not_changed():
    lines = []
    reproduce("say", log=lines.append, limit_s=60)
    assert "Running stage 'say':" not in lines
    reproduce("say", log=lines.append, limit_s=60, force=True)
    assert "Running stage 'say':" in lines


def test_reproduce__crash_is_no_refusal(project):
    with pytest.raises(StageFailedError, match="exited with 1") as failure:
        run("crash")
    assert not failure.value.refused
    assert (project / "out").read_text() == "hello"


def test_reproduce__unknown_stage(project):
    with pytest.raises(StageFailedError, match="nobody") as failure:
        reproduce("nobody", log=lambda _: None, limit_s=60)
    assert not failure.value.refused
    assert (project / "out").read_text() == "hello"


@pytest.fixture
def another_at_work(project):
    """Another DVC that runs the stage, until the test is done."""
    (project / "word").write_text("hang")
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "--single-item", "say"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    while "hanging" not in process.stdout.readline():
        assert process.poll() is None
    yield
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.usefixtures("another_at_work")
def test_reproduce__beside_another_dvc_may_pass_and_touches_nothing_of_it(project):
    with pytest.raises(StageFailedError, match="say: another DVC is at work") as failure:
        reproduce("say", log=lambda _: None, limit_s=60.0)
    assert failure.value.transient
    assert not failure.value.refused
    assert not (project / "out").exists()  # the other one took it away, to make it anew


def test_reproduce__while_another_dvc_has_the_folders_lock_may_pass(project):
    lock = LockFile(str(project / ".dvc" / "tmp" / "lock"))
    try:
        with pytest.raises(StageFailedError, match="say: another DVC is at work") as failure:
            run("world")
    finally:
        lock.close()
    assert failure.value.transient
    assert (project / "out").read_text() == "hello"


def test_reproduce__too_long_ends_the_stage_and_what_it_started(project):
    with pytest.raises(StageFailedError, match="not done within 2 s") as failure:
        run("hang", limit_s=2.0)
    assert failure.value.refused
    assert_nothing_lives()
    assert (project / "out").read_text() == "hello"


def test_reproduce__a_stage_that_is_deaf_to_the_end_is_killed(project, monkeypatch):
    monkeypatch.setattr("pipelines.dvc.GRACE_SECONDS", 0.5)
    begin = time.monotonic()
    with pytest.raises(StageFailedError, match="not done within 4 s"):
        run("deaf", limit_s=4.0)
    assert time.monotonic() - begin < 25.0
    assert_nothing_lives()
    assert (project / "out").read_text() == "hello"


def test_reproduce__interrupted_ends_the_stage_and_what_it_started(project):
    def interrupt(line):
        if line == "hanging":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run("hang", log=interrupt)
    assert_nothing_lives()
    assert (project / "out").read_text() == "hello"


@pytest.mark.parametrize(
    ("refused", "transient", "code"), [(True, False, 2), (False, True, 75), (False, False, 1)]
)
def test_run_command__a_failed_stage_is_one_line_and_an_exit_code(capsys, refused, transient, code):
    def fail():
        raise StageFailedError("first", "bad key", refused=refused, transient=transient)

    with pytest.raises(SystemExit) as ending:
        run_command(fail)
    assert ending.value.code == code
    assert capsys.readouterr().err == "error: first: bad key\n"


def test_stage_names__outside_a_project_is_refused(tmp_path):
    with pytest.raises(ParamsError, match="not found; run this in a project's folder"):
        stage_names(tmp_path)
