import subprocess
import sys

import numpy as np
import pytest

from ssvif.cli.main import main
from ssvif.data.images import write_png
from ssvif.models.weights import save_model


def _ssvif(*arguments, cwd):
    command = [sys.executable, "-c", "from ssvif.cli.main import main; main()", *arguments]
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


def test_fuse__without_captures_is_refused(rig):
    done = _ssvif("fuse", "vis", "-o", "fused", cwd=rig)
    assert done.returncode == 2
    assert "expected VIS and IR, or --captures FOLDER" in done.stderr


def test_fuse__some_failed_has_an_exit_code_of_its_own(rig):
    (rig / "ir" / "a.png").write_text("no picture")
    done = _ssvif("fuse", "vis", "ir", "-o", "fused", cwd=rig)
    assert done.returncode == 3
    assert "fused 1 of 2 pairs" in done.stdout
    assert "failed: vis/a.png" in done.stderr


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

    monkeypatch.setattr("ssvif.fuse.files.pair_files", interrupt)
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
