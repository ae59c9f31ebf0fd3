import json
import os
import subprocess

import pytest
import yaml

from ssvif.params import Params
from ssvif.tracking import facts
from ssvif.tracking.facts import describe_stage


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    """A project with one DVC stage `train`, which reads an input and another stage's output."""
    monkeypatch.chdir(tmp_path)
    stage = {"cmd": "train", "deps": ["code.py", "made"], "params": ["seed", "network"]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"train": stage}}))
    (tmp_path / "code.py").write_text("pass")
    write_lock(tmp_path, made="1")
    return tmp_path


def write_lock(folder, *, made):
    before = {"cmd": "x", "outs": [{"path": "made", "md5": made}]}
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"b": before}}))


def stage_hash(params=None):
    return describe_stage("train", params or Params(), {}).tags[facts.DVC_STAGE_TAG]


@pytest.mark.usefixtures("pipeline")
def test_describe_stage__keeps_the_sections_dvc_lists():
    found = describe_stage("train", Params(seed=5), {})
    assert sorted(found.params) == ["network", "seed"]
    assert found.params["seed"] == 5


def test_describe_stage__without_dvc_keeps_all_sections(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = describe_stage("train", Params(), {})
    assert "register" in found.params
    assert found.tags[facts.DVC_STAGE_TAG] == facts.ABSENT


@pytest.mark.usefixtures("pipeline")
def test_describe_stage__given_tags_win():
    assert describe_stage("train", Params(), {facts.STAGE_TAG: "x"}).tags[facts.STAGE_TAG] == "x"


@pytest.mark.usefixtures("pipeline")
def test_describe_stage__stages_of_one_pipeline_share_its_name():
    names = {describe_stage(n, Params(), {}).tags[facts.PIPELINE_TAG] for n in ("train", "b")}
    assert len(names) == 1


def pipeline_of(sections):
    return describe_stage("train", Params.model_validate(sections), {}).tags[facts.PIPELINE_TAG]


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize(
    "sections",
    [
        {"evaluate": {"grid_pairs": 2}},
        {"register": {"floors": {"qabf": 0.1}}},
        {"tracking": {"experiment": "other"}},
        {"sample": {"pairs": 40}},
        {"ingest": {"max_shift": 2}},
    ],
)
def test_describe_stage__what_does_not_decide_the_model_is_the_same_pipeline(sections):
    assert pipeline_of(sections) == pipeline_of({})


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize("sections", [{"seed": 1}, {"stage_two": {"steps": 3}}])
def test_describe_stage__other_training_is_another_pipeline(sections):
    assert pipeline_of(sections) != pipeline_of({})


@pytest.fixture
def pin(pipeline):
    """Pin a champion to start from."""

    def pinned(version=3):
        lock = {"champion": None, "start": {"name": "x", "version": version, "bundle": "b" * 64}}
        facts.CHAMPION_LOCK.parent.mkdir(exist_ok=True)
        (pipeline / facts.CHAMPION_LOCK).write_text(json.dumps(lock))

    return pinned


def test_describe_stage__another_start_is_another_pipeline(pin):
    found = [describe_stage("train", Params(), {}).tags]
    for version in (3, 4):
        pin(version)
        found.append(describe_stage("train", Params(), {}).tags)
    assert len({tags[facts.PIPELINE_TAG] for tags in found}) == 3
    assert [tags[facts.START_TAG] for tags in found] == ["scratch", "b" * 64, "b" * 64]
    assert found[2][facts.PIPELINE_NAME_TAG].startswith("from version 4, 120 steps, seed 0 (")


def test_describe_stage__from_scratch_the_pin_does_not_count(pin):
    scratch = {"stage_one": {"start": "scratch"}}
    before = pipeline_of(scratch)
    pin()
    assert pipeline_of(scratch) == before


def test_describe_stage__keeps_single_keys_and_those_of_other_files(pin, pipeline):
    listed = ["stage_one.start", "seed", {facts.CHAMPION_LOCK.as_posix(): ["start"]}]
    stages = {"stages": {"train": {"cmd": "train", "params": listed}}}
    (pipeline / "dvc.yaml").write_text(yaml.safe_dump(stages))
    nothing = {"stage_one": {"start": "champion"}, "seed": 0, "champion": {"start": None}}
    assert describe_stage("train", Params(), {}).params == nothing
    before = stage_hash()
    pin()
    found = describe_stage("train", Params(), {}).params
    assert found["champion"]["start"]["version"] == 3
    assert stage_hash() != before


def test_describe_stage__another_manifest_is_another_pipeline(pipeline):
    before = describe_stage("train", Params(), {}).tags
    (pipeline / "data").mkdir()
    (pipeline / facts.MANIFEST).write_bytes(b"rows")
    after = describe_stage("train", Params(), {}).tags
    assert before[facts.MANIFEST_TAG] == facts.ABSENT
    assert before[facts.PIPELINE_TAG] != after[facts.PIPELINE_TAG]


def test_describe_stage__hash_follows_code_inputs_and_own_parameters(pipeline):
    hashes = [stage_hash(), stage_hash(Params(seed=1))]
    (pipeline / "code.py").write_text("pass  # more")
    hashes.append(stage_hash())
    write_lock(pipeline, made="2")
    hashes.append(stage_hash())
    assert len(set(hashes)) == 4


@pytest.mark.usefixtures("pipeline")
def test_describe_stage__hash_ignores_parameters_of_others():
    other = Params.model_validate({"evaluate": {"grid_pairs": 2}})
    assert stage_hash() == stage_hash(other)


def test_describe_stage__hash_of_an_inbox_follows_its_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = {"cmd": "x", "deps": ["inbox"]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"train": stage}}))
    (tmp_path / "inbox").mkdir()
    before = stage_hash()
    (tmp_path / "inbox" / "new.png").write_bytes(b"1")
    assert stage_hash() != before


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in {"NAME": "a", "EMAIL": "a@b"}.items():
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    (tmp_path / "code.py").write_text("1")
    (tmp_path / "dvc.lock").write_text("{}")
    (tmp_path / "data").mkdir()
    (tmp_path / facts.CHAMPION_LOCK).write_text("{}")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run(["git", *command], check=True, env=os.environ)
    return tmp_path


@pytest.mark.usefixtures("repository")
def test_describe_stage__names_the_commit():
    tags = describe_stage("train", Params(), {}).tags
    assert len(tags[facts.COMMIT_TAG]) == 40
    assert tags[facts.DIRTY_TAG] == "false"


def test_describe_stage__changed_code_is_dirty_and_locks_are_not(repository):
    (repository / "dvc.lock").write_text("{a: 1}")
    (repository / facts.CHAMPION_LOCK).write_text('{"start": null}')
    assert describe_stage("train", Params(), {}).tags[facts.DIRTY_TAG] == "false"
    (repository / "code.py").write_text("2")
    assert describe_stage("train", Params(), {}).tags[facts.DIRTY_TAG] == "true"
