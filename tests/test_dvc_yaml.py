"""dvc.yaml against the code: what a stage imports is what it depends on, no more and no less."""

from pathlib import Path

import grimp
import pytest
import yaml

from ssvif.params import Params

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]

# Imported, and yet no reason to run a stage again.
NO_REASON = {
    "ssvif": "holds the version",
    "ssvif.console": "how commands speak",
    "ssvif.errors": "the words of refusals",
    "ssvif.files": "puts bytes in place that others make",
    "ssvif.params": "values are listed section by section instead",
    "ssvif.tracking": "records what a stage did",
}
NO_REASON_HERE = {
    "stage_one": {"ssvif.data.layouts": "only the names of the splits"},
    "stage_two": {
        "ssvif.data.layouts": "only the names of the splits",
        "ssvif.evaluation.schedule": "a plot beside the record",
    },
    "evaluate": {"ssvif.data.layouts": "only the names of the splits"},
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
    assert set(NO_REASON_HERE.get(stage, {})) <= used


@pytest.mark.parametrize("stage", STAGES)
def test_cmd__runs_the_stages_own_module(stage):
    assert STAGES[stage]["cmd"] == f"python -m ssvif.stages.{stage}"
    assert (ROOT / source_file(f"ssvif.stages.{stage}")).is_file()


@pytest.mark.parametrize("stage", STAGES)
def test_params__are_sections_that_exist(stage):
    known = {field.alias or name for name, field in Params.model_fields.items()}
    assert set(STAGES[stage]["params"]) <= known


def test_params__every_section_belongs_to_a_stage():
    known = {field.alias or name for name, field in Params.model_fields.items()}
    listed = {section for stage in STAGES.values() for section in stage["params"]}
    # where runs are kept changes no output; the others are about the loop around the pipeline
    assert known - listed == {"tracking", "gate", "drift", "retraining"}


@pytest.mark.parametrize("stage", ["stage_one", "stage_two"])
def test_deps__training_never_reads_labels(stage):
    assert not [dep for dep in STAGES[stage]["deps"] if dep.startswith("data/labels")]


def test_deps__data_comes_from_an_earlier_stage():
    made = {"data/captures"}
    for stage in STAGES.values():
        assert {dep for dep in stage["deps"] if not dep.startswith("ssvif/")} <= made
        outs = [*stage["outs"], *stage.get("metrics", [])]
        made |= {out if isinstance(out, str) else next(iter(out)) for out in outs}
