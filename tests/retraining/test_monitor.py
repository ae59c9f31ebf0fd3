from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssvif.data.manifest import MANIFEST_FILE, read_manifest, write_manifest
from ssvif.drift.history import read_history
from ssvif.errors import DriftError, ManifestError, ModelError
from ssvif.params import Params
from ssvif.registry.pairs import PAIRS
from ssvif.retraining.monitor import monitor

NOW = datetime(2026, 3, 14, 15, 9, tzinfo=UTC)
PARAMS = Params.model_validate(
    {"drift": {"min_pairs": 2, "permutations": 200}, "ingest": {"block_size": 1}}
)


@pytest.fixture
def project(led_project, monkeypatch):
    """A project of eight pairs with a champion that learnt those it trained on."""
    monkeypatch.setattr("ssvif.retraining.monitor._name", lambda _digest, _name: "version 3")
    return led_project


def add_pairs(count: int) -> None:
    """Let the manifest name further pairs, darker than all before."""
    table = read_manifest()
    more = pd.concat([table.head(1)] * count, ignore_index=True)
    more["id"] = [f"{number:016x}" for number in range(count)]
    more["name"] = more["id"]
    more["block"] = "late/" + more["id"]
    more["set"] = "late"
    more["vis_mean"] = np.linspace(0.001, 0.002, count)
    write_manifest(MANIFEST_FILE, pd.concat([table, more], ignore_index=True))


@pytest.mark.usefixtures("project")
def test_monitor__nothing_new() -> None:
    found = monitor(now=NOW, params=PARAMS)
    assert (found.matters, found.judged, found.new_pairs) == (False, False, 0)
    assert found.sentence == "There are no new captures since version 3 was trained: nothing to do."
    assert found.page.is_file()


@pytest.mark.usefixtures("project")
def test_monitor__darker_captures_matter_and_are_noted() -> None:
    add_pairs(12)
    found = monitor(now=NOW, params=PARAMS)
    assert found.matters
    assert found.new_pairs == 12
    assert "darker" in found.sentence
    rows = read_history(Path("reports/drift"))
    assert set(rows["bundle"]) == {found.bundle}
    assert set(rows["time"]) == {"2026-03-14T15:09:00+00:00"}
    assert set(rows["reference_pairs"]) == {6}  # of eight pairs, two are held out


@pytest.mark.usefixtures("project")
def test_monitor__images_that_are_gone_leave_prototypes_out() -> None:
    add_pairs(12)
    (sentence,) = monitor(now=NOW, params=PARAMS).drift.left_out
    assert sentence == "prototypes: 0 of 12 new pairs are on disk, 2 are needed"


@pytest.mark.usefixtures("project")
def test_monitor__images_that_are_there_are_looked_at() -> None:
    """Of eight pairs the champion knows but five; the others are new to it."""
    path = Path("models/champion", PAIRS)
    table = pd.read_parquet(path)
    table.drop(table.index[table["split"] == "train"][:3]).to_parquet(path, index=False)
    found = monitor(now=NOW, params=PARAMS)
    assert found.new_pairs == 3
    assert found.drift.prototypes is not None
    assert len(found.drift.prototypes) == 6


def test_monitor__without_champion_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DriftError, match="no champion to compare with"):
        monitor(now=NOW, params=PARAMS)


@pytest.mark.usefixtures("project")
def test_monitor__without_manifest_or_with_half_a_bundle_is_refused() -> None:
    MANIFEST_FILE.unlink()
    with pytest.raises(ManifestError, match="no manifest yet"):
        monitor(now=NOW, params=PARAMS)
    Path("models/champion", PAIRS).unlink()
    with pytest.raises(ModelError, match=r"pairs\.parquet missing"):
        monitor(now=NOW, params=PARAMS)


def test_monitor__the_registry_names_the_version(project, monkeypatch) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(project)
    from ssvif.registry.bundle import BUNDLE_TAG, bundle_hash
    from ssvif.registry.glance import Glance

    def seen(name, *, bundle_tag):
        assert (name, bundle_tag) == ("ssvif", BUNDLE_TAG)
        return Glance({bundle_hash(Path("models/champion")): 7}, {}, {})

    monkeypatch.setattr("ssvif.retraining.monitor.glance", seen)
    assert monitor(now=NOW, params=PARAMS).champion == "version 7"


def test_monitor__a_registry_that_does_not_answer_is_no_reason_to_stop(
    project, monkeypatch, caplog
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(project)
    monkeypatch.setattr("ssvif.retraining.monitor.glance", lambda *_, **__: None)

    def refuse():
        raise ConnectionError("nobody there")

    monkeypatch.setattr("ssvif.retraining.monitor.open_client", refuse)
    assert monitor(now=NOW, params=PARAMS).champion == "the champion"
    assert "the champion's version is not known" in caplog.text
