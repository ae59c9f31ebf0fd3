import json

import pytest

from ssvif.errors import GateError
from ssvif.gate.decision import (
    Challenger,
    Champion,
    Check,
    Decision,
    Sample,
    read_decision,
    write_decision,
)

DECISION = Decision(
    outcome="keep",
    mode="enforce",
    sentence="keep version 3: the challenger gains nothing",
    champion=Champion(name="ssvif", version=3, bundle="b" * 64, weights="c" * 64),
    challenger=Challenger(weights="d" * 64, megabytes=1.5),
    samples={"all": Sample(pairs=20, blocks=6)},
    checks=(
        Check(name="superiority/Qabf", kind="superiority", passed=False, sentence="no gain"),
        Check(name="slice/night/SSIM", kind="slice", passed=None, sentence="too few"),
        Check(name="size", kind="size", value=1.5, limit=2.0, passed=True, sentence="small"),
    ),
    numbers={"all/Qabf/champion": 0.5, "all/Qabf/low": None},
)


def test_read_decision__gives_back_what_was_written(tmp_path):
    path = tmp_path / "reports" / "decision.json"
    write_decision(DECISION, path)
    assert read_decision(path) == DECISION


def test_write_decision__equal_decisions_give_equal_bytes(tmp_path):
    for name in ("a.json", "b.json"):
        write_decision(DECISION, tmp_path / name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_read_decision__missing_says_what_to_run(tmp_path):
    with pytest.raises(GateError, match="no decision yet; run `dvc repro gate`"):
        read_decision(tmp_path / "decision.json")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("outcome", "perhaps", "outcome"),
        ("colour", "red", "unknown key colour"),
        ("challenger", {"weights": "d" * 63, "megabytes": 1.0}, "challenger.weights"),
        ("samples", {"all": {"pairs": "20", "blocks": 6}}, "samples.all.pairs"),
    ],
)
def test_read_decision__names_what_is_not_understood(tmp_path, key, value, words):
    path = tmp_path / "decision.json"
    path.write_text(json.dumps({**DECISION.model_dump(mode="json"), key: value}))
    with pytest.raises(GateError, match=words):
        read_decision(path)


def test_read_decision__damaged_file(tmp_path):
    path = tmp_path / "decision.json"
    path.write_text("{")
    with pytest.raises(GateError, match="not readable as JSON"):
        read_decision(path)


def test_failed__has_no_check_that_was_not_judged():
    assert [check.name for check in DECISION.failed] == ["superiority/Qabf"]


@pytest.mark.parametrize(
    ("outcome", "mode", "promotes"),
    [
        ("promote", "enforce", True),
        ("promote", "dry_run", False),
        ("first", "enforce", True),
        ("keep", "enforce", False),
        ("not_gated", "off", False),
    ],
)
def test_promotes__only_a_winner_and_only_where_enforced(outcome, mode, promotes):
    decision = DECISION.model_copy(update={"outcome": outcome, "mode": mode})
    assert decision.promotes is promotes
