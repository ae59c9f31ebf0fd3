import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ssvif.cli.main import app
from ssvif.data.manifest import MANIFEST_FILE
from ssvif.errors import CapturesError, DriftError

PARAMS = "drift: {min_pairs: 3, permutations: 200}\ningest: {block_size: 1}\n"


def ssvif(*arguments: object):
    return CliRunner().invoke(app, ["drift", *map(str, arguments)], catch_exceptions=True)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty project as the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    return tmp_path


@pytest.fixture
def project(led_project, monkeypatch):
    """A project whose champion learnt the street."""
    monkeypatch.setattr("ssvif.retraining.monitor._name", lambda _digest, _name: "version 3")
    (led_project / "params.yaml").write_text(PARAMS)
    return led_project


@pytest.fixture
def mirrored(tmp_path, street):
    """The same street, mirrored: other pairs, but like the known ones."""
    from ssvif.data.images import read_infrared_raw, read_visible, write_png

    for path in sorted((street / "vis").iterdir()):
        vis = read_visible(path, max_pixels=1 << 20)
        ir = read_infrared_raw(street / "ir" / path.name, max_pixels=1 << 20)
        write_png(tmp_path / "back/vis" / path.name, vis[:, ::-1])
        write_png(tmp_path / "back/ir" / path.name, ir[:, ::-1])
    return tmp_path / "back"


@pytest.mark.usefixtures("project")
def test_drift__without_new_pairs_says_so_and_no_more() -> None:
    done = ssvif()
    assert done.exit_code == 0, done.exception
    assert done.stdout.splitlines() == [
        "There are no new captures since version 3 was trained: nothing to do.",
        "written to reports/drift/index.html",
    ]


def test_drift__captures_are_judged_and_left_outside(project, mirrored) -> None:
    before = MANIFEST_FILE.read_bytes()
    done = ssvif("--captures", mirrored)
    assert done.exit_code == 0, done.exception
    assert "New captures are like what version 3 learnt: nothing to do." in done.stdout
    assert "luminance: index 0.00, p 1.000" in done.stdout
    assert "written to reports/drift/captures/index.html" in done.stdout
    assert MANIFEST_FILE.read_bytes() == before
    assert not (project / "data/captures/back").exists()
    assert not (project / "reports/drift/index.html").exists()


def test_drift__json_has_every_figure(project, mirrored) -> None:
    done = ssvif("--captures", f"late={mirrored}", "--json", "-o", "out")
    found = json.loads(done.stdout)
    assert (found["matters"], found["judged"], found["new_pairs"]) == (False, True, 8)
    assert {one["measure"] for one in found["findings"]} >= {"luminance", "prototypes"}
    assert {one["superiority"] for one in found["findings"] if one["measure"] == "prototypes"} == {
        None
    }
    assert found["page"] == "out/index.html"
    assert (project / "out/history.csv").is_file()


@pytest.mark.usefixtures("here")
def test_drift__without_champion_is_refused() -> None:
    with pytest.raises(DriftError, match="no champion to compare with"):
        raise ssvif().exception


@pytest.mark.usefixtures("project")
def test_drift__captures_that_are_not_there_are_refused() -> None:
    with pytest.raises(CapturesError, match="no such folder"):
        raise ssvif("--captures", "nowhere").exception
