import subprocess
import sys

from ssvif.tracking.process import is_alive, process_tag


def test_is_alive__this_process():
    assert is_alive(process_tag())


def test_is_alive__a_process_that_ended():
    code = "from ssvif.tracking.process import process_tag; print(process_tag())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not is_alive(ended.stdout.strip())


def test_is_alive__the_same_number_used_again():
    boot, pid, start = process_tag().split(":")
    assert not is_alive(f"{boot}:{pid}:{int(start) + 1}")


def test_is_alive__an_earlier_boot():
    _, pid, start = process_tag().split(":")
    assert not is_alive(f"another-boot:{pid}:{start}")


def test_is_alive__no_tag():
    assert not is_alive("")
