from pathlib import Path

import pytest

from ssvif.errors import ParamsError
from ssvif.params import Params, load_params, parse_params

REPOSITORY = Path(__file__).parents[1]


def test_load_params__repository_file_states_every_default():
    assert load_params(REPOSITORY / "params.yaml") == Params()


def test_parse_params__register_is_read_by_its_own_name():
    assert parse_params({"register": {"name": "fusion"}}).register_.name == "fusion"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"sed": 1}, ["unknown key sed", "did you mean seed?"]),
        ({"stage_one": {"stpes": 3}}, ["stage_one.stpes", "did you mean steps?"]),
        ({"register": {"floors": {"zzz": 1}}}, ["register.floors.zzz", "known: ", "qabf"]),
        ({"stage_one": {"learning_rate": "1e-4"}}, ["stage_one.learning_rate", "write 1.0e-4"]),
        ({"stage_one": {"steps": 0}}, ["stage_one.steps", "found 0"]),
        ({"stage_one": {"crop": 100}}, ["stage_one.crop", "multiple of 32"]),
        ({"network": {"pretrained": "imagenet"}}, ["network.pretrained", "'imagenet'"]),
        ({"seed": True}, ["seed", "True"]),
        ({"training": {"clip_norm": float("nan")}}, ["training.clip_norm"]),
        ([], ["expected sections of keys, found list"]),
        ({"ingest": None}, ["params: ingest: expected keys, found nothing"]),
        ({"ingest": {"percentiles": [99.9, 0.1]}}, ["ingest.percentiles: expected", "(99.9, 0.1)"]),
        ({"ingest": {"percentiles": [0.1, 999.0]}}, ["ingest.percentiles.1", "100", "999.0"]),
        ({"ingest": {"val_share": 0.5, "test_share": 0.5}}, ["ingest.test_share", "val_share 0.5"]),
        ({"ingest": {"val_share": 0.9}}, ["ingest.test_share", "val_share 0.9", "found 0.2"]),
        ({"ingest": {"min_size": 32}}, ["ingest.min_size", "48"]),
    ],
)
def test_parse_params__refuses_by_name(content, words):
    with pytest.raises(ParamsError) as caught:
        parse_params(content)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_parse_params__the_hint_is_for_numbers_only():
    with pytest.raises(ParamsError) as caught:
        parse_params({"stage_one": {"learning_rate": "medium"}})
    assert "1.0e-4" not in str(caught.value)


def test_parse_params__is_frozen():
    params = Params()
    with pytest.raises(ValueError, match="frozen"):
        params.seed = 2  # type: ignore[misc]


def test_load_params__missing_file_says_where_to_run(tmp_path):
    with pytest.raises(ParamsError, match="run this where"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"seed: 0\ningest\nnetwork: {}\n", "line 3, column 1: could not find expected ':'"),
        (b"\xff\xfe\x00", "'utf-8' codec"),
        (
            b"seed: 0\ningest: {}\nseed: 1\n",
            "line 3, column 1: seed is at line 1 already; keep one",
        ),
        (b"ingest: {val_share: 0.1, val_share: 0.2}", "line 1, column 26: val_share is at line 1"),
    ],
)
def test_load_params__refuses_what_is_not_yaml(tmp_path, content, why):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(ParamsError, match=f"not readable as YAML \\({why}"):
        load_params(path)


def test_load_params__an_empty_file_means_the_defaults(tmp_path):
    path = tmp_path / "params.yaml"
    path.touch()
    assert load_params(path) == Params()
