import pytest

from ssvif import console
from ssvif.errors import ImageError


def _refuse():
    raise ImageError("a.png: not an image; export it again")


def test_run__a_refusal_is_one_line_and_exit_code_two(capsys):
    with pytest.raises(SystemExit) as caught:
        console.run(_refuse)
    assert caught.value.code == console.EXIT_REFUSED
    assert capsys.readouterr().err == "error: a.png: not an image; export it again\n"


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


def test_run__done_is_exit_code_zero():
    with pytest.raises(SystemExit) as caught:
        console.run(lambda: None)
    assert caught.value.code == 0
