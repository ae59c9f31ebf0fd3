"""What every command of `pipelines` does with its arguments."""

import runpy
import sys
from pathlib import Path

import pytest

from ssvif.console import EXIT_REFUSED

_PIPELINES = Path(__file__).parents[2] / "pipelines"
# The guard's arguments are a command of its own.
COMMANDS = sorted(
    path.stem
    for path in _PIPELINES.glob("*.py")
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8") and path.stem != "guard"
)


@pytest.fixture(params=COMMANDS)
def run(request, tmp_path, monkeypatch):
    """Run a command in a folder that is no project, and return its exit code."""
    monkeypatch.chdir(tmp_path)
    module = f"pipelines.{request.param}"

    def runs(*arguments):
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        monkeypatch.delitem(sys.modules, module, raising=False)
        with pytest.raises(SystemExit) as end:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        return end.value.code

    return runs


def test_help__says_what_it_does_and_does_nothing(run, capsys):
    assert run("--help") == 0
    assert "Usage:" in capsys.readouterr().out


def test_arguments__one_that_is_not_known_is_refused(run, capsys):
    assert run("--nonsense") == EXIT_REFUSED
    assert "--nonsense" in capsys.readouterr().err
