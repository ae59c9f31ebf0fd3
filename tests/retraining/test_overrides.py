import pytest
import yaml

from ssvif.errors import ParamsError
from ssvif.params import load_params
from ssvif.retraining.overrides import checked_params, parse_assignments, write_overrides


def test_parse_assignments__values_are_read_as_in_the_file():
    texts = [
        "stage_two.steps=100",
        "gate.mode=off ",
        "ingest.exclude=[a/1]",
        "probes.pretrained=no",
    ]
    assert parse_assignments(texts) == {
        "stage_two.steps": 100,
        "gate.mode": False,  # YAML 1.1 takes a bare off for a truth value
        "ingest.exclude": ["a/1"],
        "probes.pretrained": False,
    }


@pytest.mark.parametrize("text", ["stage_two.steps", "=3", "seed=[1"])
def test_parse_assignments__refuses_what_is_none(text):
    with pytest.raises(ParamsError, match=r"seed|KEY=VALUE"):
        parse_assignments([text])


def test_checked_params__has_the_overrides_and_writes_nothing(repository):
    before = (repository / "params.yaml").read_bytes()
    params = checked_params(repository, {"stage_two.steps": 7, "register.floors.qabf": 0.1})
    assert (params.stage_two.steps, params.register_.floors.qabf) == (7, 0.1)
    assert (repository / "params.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"stage_two.step": 7}, "did you mean steps"),
        ({"nobody.steps": 7}, "unknown key nobody"),
        ({"stage_two.steps": "many"}, "stage_two.steps: .*'many'"),
        ({"seed.deep": 1}, "seed"),
    ],
)
def test_checked_params__refuses_by_name(repository, overrides, words):
    with pytest.raises(ParamsError, match=words):
        checked_params(repository, overrides)


def test_write_overrides__changes_the_values_and_keeps_the_comments(repository):
    path = repository / "params.yaml"
    comments = path.read_text().count("#")
    write_overrides(repository, {"stage_two.steps": 7, "training.weight_decay": 1e-5})
    assert load_params(path).stage_two.steps == 7
    assert load_params(path).training.weight_decay == 1e-5
    assert path.read_text().count("#") == comments


def test_write_overrides__none_leave_the_file_alone(repository):
    before = (repository / "params.yaml").read_bytes()
    write_overrides(repository, {})
    assert (repository / "params.yaml").read_bytes() == before


def test_write_overrides__a_section_that_the_file_leaves_out(repository):
    path = repository / "params.yaml"
    path.write_text("seed: 3\n")
    write_overrides(repository, {"gate.mode": "dry_run"})
    assert yaml.safe_load(path.read_text()) == {"seed": 3, "gate": {"mode": "dry_run"}}
