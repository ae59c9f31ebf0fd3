import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ssvif import processes
from tests.training import together

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two processes found, started by torchrun."""
    out = tmp_path_factory.mktemp("two") / "found.pt"
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *torchrun, "--module", "tests.training.together", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return torch.load(out, weights_only=True)


def test_one_process__sends_and_copies_nothing():
    rows = torch.arange(4.0)
    assert (processes.count(), processes.rank()) == (1, 0)
    assert processes.own(rows) is rows
    assert processes.gathered(rows) is rows
    assert processes.mean(rows) is rows


def test_own_and_gathered__are_inverse(two):
    assert two["processes"] == 2
    assert two["rows"] == [True, True]


def test_centre__is_of_all_processes_batches(two):
    (centred, gradient), remembered = together.centre()
    (found, found_gradient), found_remembered = two["centre"]
    torch.testing.assert_close(found, centred.detach())
    torch.testing.assert_close(found_gradient, gradient)
    torch.testing.assert_close(found_remembered, remembered)


def test_training__free_trunks_keep_the_same_statistics(two):
    first, second = two["statistics"]
    assert first.std() > 0.0
    torch.testing.assert_close(first, second, rtol=0.0, atol=0.0)


def test_training__follows_one_process(two, tmp_path):
    figures, weights = together.train(tmp_path)
    found, found_weights = two["training"]
    # Rounding lets single pixels' gradients come or go where grey values are clipped.
    of_gradients = {name for name in figures if "/dynamic_weight/" in name}
    for names, within in ((of_gradients, 5e-2), (figures.keys() - of_gradients, 1e-3)):
        expected = {name: figures[name] for name in names}
        assert {name: found[name] for name in names} == pytest.approx(expected, within, abs=1e-4)
    assert found.keys() == figures.keys()
    for name in (key for key in weights if key.startswith("fusion.")):
        torch.testing.assert_close(found_weights[name], weights[name], rtol=1e-3, atol=2e-3)
