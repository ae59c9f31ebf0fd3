import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ssvif.cli.captures import app
from ssvif.errors import CapturesError, ParamsError


@pytest.fixture
def project(tmp_path, monkeypatch):
    home = tmp_path / "project"
    home.mkdir()
    monkeypatch.chdir(home)
    for half in ("vis", "ir"):
        (tmp_path / "rig" / half).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "rig" / half / "a.png")
    return home


def test_add__says_what_came_in(project):
    (project.parent / "rig/vis/lonely.png").touch()
    result = CliRunner().invoke(app, ["add", "../rig", "--name", "street"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "street: 1 pairs (layout plain), 3 files are new" in result.output
    assert "street: 1 files have no other half" in result.output
    assert (project / "data/captures/street/vis/a.png").exists()


@pytest.mark.usefixtures("project")
def test_add__refusal_is_typed():
    with pytest.raises(CapturesError, match="no such folder"):
        CliRunner().invoke(app, ["add", "../nowhere"], catch_exceptions=False)


def test_add__mistyped_parameters_are_refused(project):
    (project / "params.yaml").write_text("ingest:\n  percentile: [0, 1]\n")
    with pytest.raises(ParamsError, match="percentile"):
        CliRunner().invoke(app, ["add", "../rig"], catch_exceptions=False)


@pytest.mark.usefixtures("project")
def test_list__sets_and_none():
    runner = CliRunner()
    assert "no sets in data/captures" in runner.invoke(app, ["list"]).output
    runner.invoke(app, ["add", "../rig"], catch_exceptions=False)
    assert runner.invoke(app, ["list"]).output == "rig: 1 pairs (layout plain)\n"
