import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from ssvif import console
from ssvif.errors import ImageError, InterruptError, RegistryError


def _refuse():
    raise ImageError("a.png: not an image; export it again")


def test_run__a_refusal_is_one_line_and_exit_code_two(capsys):
    with pytest.raises(SystemExit) as caught:
        console.run(_refuse)
    assert caught.value.code == console.EXIT_REFUSED
    assert capsys.readouterr().err == "error: a.png: not an image; export it again\n"


@pytest.mark.parametrize(
    ("transient", "code"), [(True, console.EXIT_UNREACHABLE), (False, console.EXIT_REFUSED)]
)
def test_run__a_service_that_cannot_be_reached_has_its_own_exit_code(transient, code):
    def ask():
        raise RegistryError("nobody answers; try again", transient=transient)

    with pytest.raises(SystemExit) as caught:
        console.run(ask)
    assert caught.value.code == code


def test_run__tells_its_own_progress_and_other_packages_warnings():
    calls = ", ".join(
        f"logging.getLogger({name!r}).{level}({f'{name} {level}'!r})"
        for name in ("__main__", "ssvif.stages.export", "onnxscript")
        for level in ("debug", "info", "warning")
    )
    code = f"import logging; from ssvif import console; console.run(lambda: [{calls}])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr.splitlines() == [
        *("__main__ info", "__main__ warning"),
        *("ssvif.stages.export info", "ssvif.stages.export warning"),
        "onnxscript warning",
    ]


def test_run__a_package_that_is_missing_is_named_with_what_brings_it(capsys):
    def need():
        importlib.import_module("nonsuch.part")

    with pytest.raises(SystemExit) as caught:
        console.run(need)
    assert caught.value.code == console.EXIT_REFUSED
    assert "needs the package nonsuch" in capsys.readouterr().err


@pytest.mark.parametrize(("package", "extra"), [("uvicorn", "serve"), ("av", "video")])
def test_run__a_package_that_is_missing_has_its_own_extra(capsys, package, extra):
    def need():
        raise ModuleNotFoundError(name=package)

    with pytest.raises(SystemExit):
        console.run(need)
    assert f"pip install 'ssvif[{extra}]'" in capsys.readouterr().err


def test_run__a_missing_part_of_its_own_is_a_fault():
    def need():
        importlib.import_module("ssvif.nonsuch")

    with pytest.raises(ModuleNotFoundError):
        console.run(need)


def test_run__a_place_that_cannot_be_is_one_line(capsys):
    with pytest.raises(SystemExit) as caught:
        console.run(lambda: Path("x" * 300).stat())
    assert caught.value.code == console.EXIT_REFUSED
    assert capsys.readouterr().err.endswith(
        "xxx: file name too long; check the name and the rights\n"
    )


def test_run__another_fault_of_the_system_is_shown_whole():
    with pytest.raises(FileNotFoundError):
        console.run(lambda: Path("nowhere").stat())


def test_run__debug_shows_the_traceback(monkeypatch):
    monkeypatch.setenv(console.DEBUG_VARIABLE, "1")
    with pytest.raises(ImageError):
        console.run(_refuse)


def test_run__an_interrupt_says_how_to_go_on(capsys):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as caught:
        console.run(interrupt)
    assert caught.value.code == console.EXIT_INTERRUPTED
    assert "run the same command again" in capsys.readouterr().err


def test_run__an_interrupt_of_what_cannot_go_on(capsys):
    def interrupt():
        raise InterruptError("begin anew")

    with pytest.raises(SystemExit) as caught:
        console.run(interrupt)
    assert caught.value.code == console.EXIT_INTERRUPTED
    assert capsys.readouterr().err == "interrupted; begin anew\n"


def test_run__done_is_exit_code_zero():
    with pytest.raises(SystemExit) as caught:
        console.run(lambda: None)
    assert caught.value.code == 0
