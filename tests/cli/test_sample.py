import typer
from typer.testing import CliRunner

from ssvif.cli.sample import sample


def run(*arguments):
    app = typer.Typer()
    app.command()(sample)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_sample__renders_into_the_folder(tmp_path):
    out = tmp_path / "scenes"
    result = run("--out", out, "--pairs", 2, "--height", 64, "--width", 96, "--seed", 5)
    assert result.exit_code == 0
    assert "rendered 2 pairs of 96x64" in result.output
    for kind in ("vis", "ir", "labels", "boxes"):
        assert len(list((out / kind).iterdir())) == 2


def test_sample__too_small_a_size_is_refused(tmp_path):
    result = run("--out", tmp_path / "scenes", "--height", 63)
    assert result.exit_code == 2
    assert not (tmp_path / "scenes").exists()
