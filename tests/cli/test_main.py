import shutil
import subprocess
import sys

import numpy as np
import pytest

from ssvif.cli.main import main
from ssvif.data.images import write_png
from ssvif.models.weights import save_model

_MAIN = "from ssvif.cli.main import main; main()"


def _ssvif(*arguments, cwd):
    command = [sys.executable, "-c", _MAIN, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def rig(tmp_path, tiny_model, tiny_network):
    save_model(tmp_path / "models/champion/weights.safetensors", tiny_model, network=tiny_network)
    for name in ("a", "b"):
        write_png(tmp_path / "vis" / f"{name}.png", np.full((40, 40, 3), 90, np.uint8))
        write_png(tmp_path / "ir" / f"{name}.png", np.full((40, 40), 120, np.uint8))
    return tmp_path


def test_fuse__two_folders_with_the_champion(rig):
    done = _ssvif("fuse", "vis", "ir", "-o", "fused", cwd=rig)
    assert done.returncode == 0, done.stderr
    assert "fused 2 of 2 pairs" in done.stdout
    assert sorted(path.name for path in (rig / "fused").iterdir()) == ["a.png", "b.png"]


def test_fuse__a_delivery_as_it_is_and_again(rig):
    done = _ssvif("fuse", "--captures", ".", "-o", "fused", cwd=rig)
    assert done.stdout == "fused 2 of 2 pairs with models/champion: fused\n"
    done = _ssvif("fuse", "--captures", ".", "-o", "fused", cwd=rig)
    assert done.stdout == "fused 0 of 2 pairs, 2 were done already with models/champion: fused\n"


def test_fuse__two_images_into_a_folder_that_is_not_there(rig):
    done = _ssvif("fuse", "vis/a.png", "ir/a.png", "-o", "new/", cwd=rig)
    assert done.returncode == 0, done.stderr
    assert (rig / "new" / "a.png").is_file()


@pytest.mark.parametrize(
    ("out", "words"),
    [("vis/a.png/x", "cannot be written"), ("-", "is for videos"), ("vis", "source")],
)
def test_fuse__an_output_that_cannot_be_is_refused_before_any_work(rig, out, words):
    done = _ssvif("fuse", "vis/a.png", "ir/a.png", "-o", out, cwd=rig)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert words in done.stderr


def test_fuse__without_captures_is_refused(rig):
    done = _ssvif("fuse", "vis", "-o", "fused", cwd=rig)
    assert done.returncode == 2
    assert "expected VIS and IR, --captures FOLDER or --list FILE" in done.stderr


def test_fuse__a_list_from_standard_input(rig):
    command = [sys.executable, "-c", _MAIN, "fuse", "--list", "-", "-o", "fused"]
    lines = "vis/a.png\tir/b.png\tdusk/1\nvis/b.png\tir/b.png\n"
    done = subprocess.run(
        command, cwd=rig, input=lines, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = sorted(p.relative_to(rig / "fused").as_posix() for p in (rig / "fused").rglob("*.png"))
    assert found == ["b.png", "dusk/1.png"]


def test_fuse__with_the_packages_model_imports_nothing_that_it_does_not_need(rig):
    shutil.rmtree(rig / "models")
    code = (
        "import sys; sys.argv = ['ssvif', 'fuse', 'vis', 'ir', '-o', 'fused']\n"
        "from ssvif.cli.main import app; app(standalone_mode=False)\n"
        "names = ('torch', 'scipy', 'pandas', 'mlflow', 'prefect', 'timm', 'dvc', 'matplotlib',"
        " 'ray', 'pyarrow')\n"
        "sys.exit(' '.join(name for name in names if name in sys.modules) or 0)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=rig, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "fused 2 of 2 pairs with the package's model" in done.stdout


def test_fuse__refuses_two_ways_at_once(rig):
    done = _ssvif("fuse", "vis", "ir", "--captures", ".", "-o", "fused", cwd=rig)
    assert done.returncode == 2
    assert "expected VIS and IR" in done.stderr


def test_fuse__refuses_colours_for_the_machine_view(rig):
    done = _ssvif("fuse", "vis", "ir", "-o", "x", "--view", "machine", "--colour", "heat", cwd=rig)
    assert done.returncode == 2
    assert "machine has colours of its own" in done.stderr


def test_fuse__refuses_a_cluster_for_videos_and_a_cluster_that_is_not_there(rig):
    for name in ("a.mp4", "b.mp4"):
        (rig / name).write_bytes(b"")
    done = _ssvif("fuse", "a.mp4", "b.mp4", "-o", "c.mp4", "--ray", "local", cwd=rig)
    assert (done.returncode, "--ray is for images" in done.stderr) == (2, True)
    done = _ssvif("fuse", "vis", "ir", "-o", "fused", "--ray", "ray://head:10001", cwd=rig)
    assert (done.returncode, "expected local, auto, or HOST:PORT" in done.stderr) == (2, True)


@pytest.mark.slow
def test_export__makes_a_folder_that_fuses(rig):
    done = _ssvif("export", "models/champion", "-o", "model", cwd=rig)
    assert done.returncode == 0, done.stderr
    assert "grey levels from PyTorch at most" in done.stdout
    done = _ssvif("fuse", "vis", "ir", "-o", "x", "--model", "model", "--engine", "onnx", cwd=rig)
    assert "fused 2 of 2 pairs with model" in done.stdout
    done = _ssvif("export", "models/champion", "-o", "model", cwd=rig)
    assert "exists already; name a folder that is new" in done.stderr


def test_fuse__some_failed_has_an_exit_code_of_its_own(rig):
    (rig / "ir" / "a.png").write_text("no picture")
    done = _ssvif("fuse", "vis", "ir", "-o", "fused", cwd=rig)
    assert done.returncode == 3
    assert "fused 1 of 2 pairs" in done.stdout
    assert "failed: vis/a.png: ir/a.png: not a PNG" in done.stderr


def test_fuse__what_cannot_be_read_is_named_once(rig):
    (rig / "vis" / "a.png").write_text("no picture")
    done = _ssvif("fuse", "vis", "ir", "-o", "fused", cwd=rig)
    assert "failed: vis/a.png: not a PNG" in done.stderr


def test_main__a_refusal_is_one_line_without_traceback(rig):
    done = _ssvif("fuse", "vis", "none", "-o", "fused", cwd=rig)
    assert done.returncode == 2
    assert done.stderr == "error: none: no such file or folder\n"


def test_main__debug_shows_the_traceback(rig):
    done = _ssvif("--debug", "fuse", "vis", "none", "-o", "fused", cwd=rig)
    assert "Traceback" in done.stderr


def test_main__an_interrupt_says_how_to_go_on(monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ssvif.fuse.pairing.pair_files", interrupt)
    monkeypatch.setattr(sys, "argv", ["ssvif", "fuse", "a", "b", "-o", "c"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert "run the same command again" in capsys.readouterr().err


def test_main__wrong_usage_is_refused_without_traceback(rig):
    done = _ssvif("fuse", "--bogus", cwd=rig)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_main__version(rig):
    assert _ssvif("--version", cwd=rig).stdout.startswith("ssvif 0.")
