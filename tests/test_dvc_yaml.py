"""dvc.yaml against the code: what a stage imports is what it depends on, no more and no less."""

from pathlib import Path

import grimp
import pytest
import yaml

from ssvif.params import Params
from ssvif.registry.pin import LOCK, ChampionLock

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]

# Imported, and yet no reason to run a stage again.
NO_REASON = {
    "ssvif": "holds the version",
    "ssvif.console": "how commands speak",
    "ssvif.errors": "the words of refusals",
    "ssvif.explain": "the words of refusals",
    "ssvif.files": "puts bytes in place that others make",
    "ssvif.locks": "keeps others away meanwhile",
    "ssvif.params": "values are listed section by section instead",
    "ssvif.tracking": "records what a stage did",
}
NAMES_OF_SPLITS = {
    "ssvif.data.layouts": "only the names of the splits",
    "ssvif.data.walk": "only for the layouts",
}
NO_REASON_TO_TRAIN = {
    **NAMES_OF_SPLITS,
    "ssvif.fuse.places": "only the names of files",
    "ssvif.registry": "finds the pinned champion, which is known by its hash",
}
NO_REASON_HERE = {
    "stage_one": NO_REASON_TO_TRAIN,
    "stage_two": {
        **NO_REASON_TO_TRAIN,
        "ssvif.evaluation.schedule": "a plot beside the record",
    },
    "evaluate": NAMES_OF_SPLITS,
    "gate": NAMES_OF_SPLITS,
}


@pytest.fixture(scope="module")
def imports():
    return grimp.build_graph("ssvif")


def source_file(module):
    path = ROOT / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.relative_to(ROOT).as_posix()


def counts(module, exempt):
    parts = module.split(".")
    parents = {".".join(parts[:length]) for length in range(2, len(parts) + 1)}
    return module != "ssvif" and not parents & exempt


@pytest.mark.parametrize("stage", STAGES)
def test_deps__are_the_files_the_stage_uses(stage, imports):
    module = f"ssvif.stages.{stage}"
    exempt = {*NO_REASON, *NO_REASON_HERE.get(stage, {})}
    used = {module, *imports.find_upstream_modules(module)}
    wanted = {source_file(name) for name in used if counts(name, exempt)}
    listed = {dep for dep in STAGES[stage]["deps"] if dep.startswith("ssvif/")}
    assert sorted(listed) == sorted(wanted)


@pytest.mark.parametrize("stage", STAGES)
def test_exemptions__are_all_imported(stage, imports):
    used = imports.find_upstream_modules(f"ssvif.stages.{stage}")
    rooms = {".".join(name.split(".")[:2]) for name in used}
    assert set(NO_REASON_HERE.get(stage, {})) <= used | rooms


@pytest.mark.parametrize("stage", STAGES)
def test_cmd__runs_the_stages_own_module(stage):
    assert STAGES[stage]["cmd"] == f"python -m ssvif.stages.{stage}"
    assert (ROOT / source_file(f"ssvif.stages.{stage}")).is_file()


def own_params(stage):
    """What a stage lists of params.yaml, and what of other files, by their names."""
    listed = STAGES[stage].get("params", [])
    others = {
        name: keys for entry in listed if isinstance(entry, dict) for name, keys in entry.items()
    }
    return [entry for entry in listed if isinstance(entry, str)], others


@pytest.mark.parametrize("stage", STAGES)
def test_params__are_keys_that_exist(stage):
    keys, _ = own_params(stage)
    everything = Params().model_dump(by_alias=True)
    for key in keys:
        value = everything
        for part in key.split("."):
            value = value[part]


@pytest.mark.parametrize("stage", STAGES)
def test_params__of_the_lock_are_its_pins(stage):
    _, others = own_params(stage)
    assert set(others) <= {LOCK.as_posix()}
    assert set(others.get(LOCK.as_posix(), [])) <= set(ChampionLock.model_fields)


@pytest.mark.parametrize("stage", ["stage_one", "stage_two"])
def test_params__training_follows_the_pin_it_starts_from(stage):
    keys, others = own_params(stage)
    assert others == {LOCK.as_posix(): ["start"]}
    assert {"stage_one", "stage_one.start"} & set(keys)


def test_params__every_section_belongs_to_a_stage():
    known = {field.alias or name for name, field in Params.model_fields.items()}
    listed = {key.partition(".")[0] for stage in STAGES for key in own_params(stage)[0]}
    # where runs are kept changes no output; the others are about the loop around the pipeline
    assert known - listed == {"tracking", "drift", "retraining"}


@pytest.mark.parametrize("stage", ["stage_one", "stage_two"])
def test_deps__training_never_reads_labels(stage):
    assert not [dep for dep in STAGES[stage]["deps"] if dep.startswith("data/labels")]


def test_deps__data_comes_from_an_earlier_stage():
    made = {"data/captures", "data/golden.json"}
    for stage in STAGES.values():
        assert {dep for dep in stage["deps"] if not dep.startswith("ssvif/")} <= made
        outs = [*stage["outs"], *stage.get("metrics", [])]
        made |= {out if isinstance(out, str) else next(iter(out)) for out in outs}
