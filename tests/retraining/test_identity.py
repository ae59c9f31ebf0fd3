import logging
import os
from dataclasses import replace

import pytest

from benchmarks.projects import git
from ssvif.errors import RetrainingError
from ssvif.retraining.identity import Inputs, fingerprint, head_commit, list_files

INPUTS = Inputs(commit="c", captures="f", champion=None, overrides={})


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "d"},
        {"captures": "g"},
        {"champion": "b"},
        {"overrides": {"seed": 1}},
        {"attempt": 1},
        {"golden": "h"},
    ],
)
def test_id__every_input_counts(change):
    assert replace(INPUTS, **change).id != INPUTS.id


def test_id__equal_inputs_share_it():
    assert replace(INPUTS, overrides={}).id == INPUTS.id
    assert len(INPUTS.id) == 8


def test_head_commit__is_the_commit_and_warns_of_what_is_not_in_it(repository, caplog):
    assert head_commit(repository) == git(repository, "rev-parse", "HEAD")
    assert not caplog.records
    (repository / "params.yaml").write_text("seed: 1\n")
    (repository / "dvc.lock").write_text("{}")  # not followed, and DVC's own
    (repository / "data/golden.json").write_text("{}")  # taken along
    with caplog.at_level(logging.WARNING):
        head_commit(repository)
    assert "what is not committed is left out: params.yaml" in caplog.text
    assert "dvc.lock" not in caplog.text
    assert "golden" not in caplog.text


def test_head_commit__no_repository(tmp_path):
    with pytest.raises(RetrainingError, match="no git repository"):
        head_commit(tmp_path)


def test_head_commit__no_commit(tmp_path):
    git(tmp_path, "init", "--quiet")
    with pytest.raises(RetrainingError, match="there is none yet"):
        head_commit(tmp_path)


def test_head_commit__a_folder_of_a_repository(repository):
    with pytest.raises(RetrainingError, match="begins further up"):
        head_commit(repository / "data")


def test_list_files__sets_and_golden_set_but_nothing_unfinished(repository):
    for name in ("data/captures/street/vis/.part-1-x.png", "data/golden/manifest.parquet"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).touch()
    (repository / "data/captures/README.md").touch()
    names = list(list_files(repository))
    assert names[0] == "data/captures/street/ir/0.png"
    assert len(names) == 5
    assert names[-1] == "data/golden/manifest.parquet"


def test_fingerprint__names_sizes_and_times_count(repository):
    path = repository / "data/captures/street/vis/0.png"
    os.utime(path, ns=(0, 1))
    first = fingerprint(list_files(repository))
    assert fingerprint(list_files(repository)) == first
    os.utime(path, ns=(0, 2))
    second = fingerprint(list_files(repository))
    path.rename(path.with_name("9.png"))
    assert len({first, second, fingerprint(list_files(repository))}) == 3
