from pathlib import Path

import pytest

from ssvif.files import sha256_file
from ssvif.params import Params
from ssvif.report.lineage import lineage


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights file in the current folder, which is in no repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "weights").write_bytes(b"1")
    return tmp_path / "weights"


def test_lineage__outside_a_repository_tells_what_it_knows(weights: Path) -> None:
    found = lineage(Params(seed=7), models={"stage_two": weights}, pairs=["b", "a"], split="val")
    assert "commit" not in found
    assert (found["seed"], found["split"]) == ("7", "val")
    assert found["weights of stage_two (SHA-256)"] == sha256_file(weights)
    assert "torch" in found["versions"]


@pytest.mark.usefixtures("weights")
def test_lineage__changes_with_the_pairs_and_not_with_their_order() -> None:
    first, second, third = (
        lineage(Params(), models={}, pairs=pairs, split="test")["pairs (SHA-256)"]
        for pairs in (["a", "b"], ["b", "a"], ["a", "c"])
    )
    assert first == second != third
