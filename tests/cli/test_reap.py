import pytest
from typer.testing import CliRunner

from ssvif.cli.main import app
from ssvif.retraining import garbage, reap
from ssvif.retraining.garbage import Collected
from ssvif.retraining.reap import Reaped

RUNNER = CliRunner()


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_reap__says_what_was_dead(project, monkeypatch):
    asked = []

    def reaped(folder, _params, *, dry_run):
        asked.append((folder, dry_run))
        return Reaped(retrainings=["abc"])

    monkeypatch.setattr(reap, "reap", reaped)
    result = RUNNER.invoke(app, ["reap", "--dry-run"])
    assert result.stdout == "worktrees that nobody goes on with: abc\n"
    assert asked == [(project, True)]


def test_reap__nothing_is_dead_and_garbage_only_when_asked_for(project, monkeypatch):
    asked = []

    def collect(folder, _params, *, keep, dry_run):
        asked.append((folder, keep, dry_run))
        return Collected(2, ("abc",), "Removed 3 objects from repo cache.")

    monkeypatch.setattr(reap, "reap", lambda *_, **__: Reaped())
    monkeypatch.setattr(garbage, "collect", collect)
    assert RUNNER.invoke(app, ["reap"]).stdout == "nothing is dead here\n"
    assert asked == []
    result = RUNNER.invoke(app, ["reap", "--gc", "--keep", "3"])
    assert result.stdout.splitlines()[1] == (
        "2 old versions and 1 tags of retrainings; Removed 3 objects from repo cache."
    )
    assert asked == [(project, 3, False)]
