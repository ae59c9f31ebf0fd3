"""The commands about the champion, on a project with two registered versions."""

import json

import pytest
from typer.testing import CliRunner

from ssvif.cli.main import app
from ssvif.errors import RegistryError
from ssvif.fuse.places import PRETRAINED, WEIGHTS_NAME
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.versions import Registry
from ssvif.tracking.store import open_client


@pytest.fixture
def command(tracked_project):
    """Run the command line; what it refuses is raised."""
    (tracked_project / "params.yaml").write_text("register: {name: fuser}\n")

    def ssvif(*arguments):
        return CliRunner().invoke(app, arguments, catch_exceptions=False).output

    return ssvif


def test_champion__says_who_leads_and_why(two_versions, command):
    told = command("champion")
    assert told.startswith("fuser version 1 leads since 20")
    assert "registration: every floor is reached" in told
    assert "Qabf 0.500" in told
    content = json.loads(command("champion", "--json"))
    assert (content["version"], content["previous"], content["challenger"]) == (1, None, 2)
    assert content["bundle"] == bundle_hash(two_versions[1])


def test_champion__what_it_once_led_by_is_past_where_the_alias_was_moved_by_hand(
    two_versions, command
):
    command("promote", "2", "--force", "--by", "Ada", "--reason", "looks better")
    Registry(open_client(), "fuser").point_alias("champion", 1)
    told = command("champion")
    assert told.startswith("fuser version 1 leads since it was given the alias by hand")
    assert "why" not in told
    content = json.loads(command("champion", "--json"))
    assert content["bundle"] == bundle_hash(two_versions[1])
    assert (content["since"], content["by"], content["reason"]) == (None, None, None)


def test_champion__nobody_leads(command):
    assert "nobody leads" in command("champion")
    assert command("champion", "--json") == "null\n"


def test_promote__by_the_gates_decision_and_back_again(two_versions, command, decide):
    decide(two_versions[1])
    told = command("promote", "challenger", "--decision", "reports/gate")
    assert told == "Version 2 leads, after version 1: Qabf +0.02\n"
    told = command("rollback", "--reason", "halos", "--by", "Ada")
    assert told == "Back to version 1, from version 2: halos\n"
    lines = command("history").splitlines()
    assert [line[21:] for line in lines] == [
        "Back to version 1, from version 2",
        "Ada: halos",
        "Version 2 leads, after version 1",
        "gate: Qabf +0.02",
        "Version 1 leads, the first",
        "registration: every floor is reached",
    ]
    kinds = [event["kind"] for event in json.loads(command("history", "--json"))]
    assert kinds == ["rollback", "promotion", "first"]


def test_promote__by_force(two_versions, command):
    told = command("promote", "2", "--force", "--by", "Ada", "--reason", "looks better")
    assert told == "Version 2 leads by force, after version 1: looks better\n"
    assert f"fuser version {max(two_versions)} leads" in command("champion")


@pytest.mark.usefixtures("two_versions")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["2"], "needs the gate's word"),
        (["2", "--force"], "--by and --reason"),
        (["best", "--force"], "expected the number of a version"),
        (["7", "--force", "--by", "Ada", "--reason", "x"], "has no version 7"),
    ],
)
def test_promote__refuses(command, arguments, message):
    with pytest.raises(RegistryError, match=message):
        command("promote", *arguments)


def test_history__of_a_new_project(command):
    assert "nothing has happened yet" in command("history")


@pytest.mark.usefixtures("two_versions")
def test_lineage__of_the_champion(command):
    told = command("lineage", "--pairs")
    assert told.startswith("fuser version 1 (champion)\n")
    assert "train, 2 pairs\n  0000000000000000  rig/0\n" in told
    content = json.loads(command("lineage", "2", "--json", "--pairs"))
    assert (content["version"], content["params"], len(content["rows"])) == (2, {"seed": 1}, 4)


@pytest.mark.usefixtures("two_versions")
def test_lineage__of_a_pair(command):
    told = command("lineage", "--pair", "rig/1").splitlines()
    assert told == [
        "rig/1 (id 0000000000000001)",
        "  version 1 (champion): in its test split",
        "  version 2 (challenger): in its test split",
    ]


@pytest.mark.usefixtures("two_versions")
def test_lineage__says_what_must_be_retrained(command):
    told = command("lineage", "--exclude", "rig/0")
    assert told.count("must be retrained") == 2
    assert "ingest.exclude" in told
    assert "--from-scratch" in told
    assert "delete the marked versions" in told
    only_tested = command("lineage", "--exclude", "rig/1")
    assert "must be retrained" not in only_tested
    versions = json.loads(command("lineage", "--exclude", "street/0", "--json"))["versions"]
    assert [seen["must_go"] for seen in versions] == [True, True]


def test_lineage__of_the_packages_model_asks_no_registry(command, tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    told = command("lineage", str(PRETRAINED / WEIGHTS_NAME))
    assert told.startswith("the model that comes with ssvif ")
    content = json.loads(command("lineage", str(PRETRAINED / WEIGHTS_NAME), "--json"))
    assert content["weights"].startswith(told.split()[-1])
    assert list(folder.iterdir()) == []


def test_lineage__refuses_two_questions_at_once(command):
    with pytest.raises(RegistryError, match="expected one of"):
        command("lineage", "2", "--pair", "rig/0")
