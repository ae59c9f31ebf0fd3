import json

import pytest
from typer.testing import CliRunner

from ssvif.cli.main import app
from ssvif.errors import GateError


def ssvif(*arguments):
    return CliRunner().invoke(app, arguments, catch_exceptions=False).output


def test_freeze__sets_the_test_pairs_aside(project, monkeypatch):
    monkeypatch.chdir(project)
    assert ssvif("golden", "freeze").startswith("12 pairs are in data/golden/, hash ")
    assert json.loads((project / "data/golden.json").read_text())["golden"]["pairs"] == 12
    with pytest.raises(GateError, match="--replace"):
        ssvif("golden", "freeze")
    assert "12 pairs" in ssvif("golden", "freeze", "--replace")
