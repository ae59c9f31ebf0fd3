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
    (home / "params.yaml").touch()
    monkeypatch.chdir(home)
    for half in ("vis", "ir"):
        (tmp_path / "rig" / half).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "rig" / half / "a.png")
    return home


def test_add__says_what_came_in(project):
    (project.parent / "rig/vis/lonely.png").touch()
    (project.parent / "rig/board.png").touch()
    (project.parent / "rig/vis/linked.png").symlink_to(project / "params.yaml")
    result = CliRunner().invoke(app, ["add", "../rig", "--name", "street"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "street: 1 pairs (layout plain), 3 files are new" in result.output
    assert "street: 1 files have no other half" in result.output
    assert "street: 1 images have no place in this layout" in result.output
    assert "street: left out: linked: linked.png is a link to a file outside" in result.output
    assert (project / "data/captures/street/vis/a.png").exists()


def test_add__outside_a_project_nothing_is_brought_in(project):
    (project / "params.yaml").unlink()
    with pytest.raises(ParamsError, match="run this where params"):
        CliRunner().invoke(app, ["add", "../rig"], catch_exceptions=False)
    assert list(project.iterdir()) == []


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
