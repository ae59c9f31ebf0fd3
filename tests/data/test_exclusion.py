import json
import logging
import shutil

import numpy as np
import pytest

from ssvif.data.ingest import QUARANTINE_FOLDER, ingest
from ssvif.data.manifest import PAIRS_FOLDER, pair_paths
from ssvif.errors import CapturesError
from ssvif.params import IngestParams


@pytest.fixture
def before(rig):
    return ingest(IngestParams(block_size=2), root=rig).manifest


def without(rig, *exclude):
    return ingest(IngestParams(block_size=2, exclude=exclude), root=rig)


def test_ingest__excluded_by_name_or_id_and_no_other_pair_moves(rig, before):
    by_id = before["id"][5]
    ingested = without(rig, by_id, "rig/003")
    expected = before.drop([3, 5]).reset_index(drop=True)
    assert ingested.manifest.equals(expected)
    assert not any(path.exists() for path in pair_paths(by_id, rig / PAIRS_FOLDER))
    left_out = {rejection.capture.name: rejection.code for rejection in ingested.rejections}
    assert left_out == {"003": "excluded", "005": "excluded"}


def test_ingest__order_of_exclusions_does_not_matter(rig, before):
    names = ["rig/003", before["id"][5], "rig/007"]
    manifest = rig / "data/manifest.parquet"
    without(rig, *names)
    first = manifest.read_bytes()
    without(rig, *reversed(names))
    assert manifest.read_bytes() == first


def test_ingest__excluded_pairs_are_told_and_not_copied(rig):
    without(rig, "rig/003")
    (line,) = (rig / QUARANTINE_FOLDER / "quarantine.jsonl").read_text().splitlines()
    assert json.loads(line)["code"] == "excluded"
    assert [path.name for path in (rig / QUARANTINE_FOLDER).iterdir()] == ["quarantine.jsonl"]


def test_ingest__the_same_pixels_under_another_name_are_excluded_too(rig):
    for half in ("vis", "ir"):
        folder = rig / "data/captures/rig" / half
        shutil.copyfile(folder / "003.png", folder / "999.png")
    ingested = without(rig, "rig/003")
    assert {r.capture.name for r in ingested.rejections} == {"003", "999"}


def almost(rig, make_pair, save, name, level):
    """Add a pair that differs from 003 by so many grey levels in a part of the visible image."""
    vis, ir = make_pair(3)
    vis[:72] = np.clip(vis[:72].astype(int) + level, 0, 255)
    save(rig / f"data/captures/rig/vis/{name}.png", vis)
    save(rig / f"data/captures/rig/ir/{name}.png", ir)


@pytest.mark.parametrize(("named", "other"), [("003", "999"), ("999", "003")])
def test_ingest__what_hardly_differs_is_excluded_too(rig, make_pair, save, named, other):
    almost(rig, make_pair, save, "999", 1)
    assert set(without(rig).manifest["name"]) & {named, other} == {"003"}
    ingested = without(rig, f"rig/{named}")
    assert not set(ingested.manifest["name"]) & {named, other}
    told = {r.capture.name: (r.code, r.sentence) for r in ingested.rejections}
    assert told == {
        named: ("excluded", "named in ingest.exclude"),
        other: (
            "excluded",
            f"hardly differs from rig/{named}, which is named in ingest.exclude",
        ),
    }
    assert [path.name for path in (rig / QUARANTINE_FOLDER).iterdir()] == ["quarantine.jsonl"]


def test_ingest__what_is_like_an_excluded_pair_alone_is_excluded_with_it(rig, make_pair, save):
    # Of a chain only neighbours are alike; the middle one is no new pair beside the first.
    for name, level in (("998", 3), ("999", 6)):
        almost(rig, make_pair, save, name, level)
    below = {"block_size": 2, "duplicate_below": 0.008}
    kept = ingest(IngestParams(**below), root=rig).manifest["name"]
    assert set(kept) & {"003", "998", "999"} == {"003", "999"}
    exclude = ("rig/003", "rig/998")
    kept = ingest(IngestParams(**below, exclude=exclude), root=rig).manifest["name"]
    assert not set(kept) & {"003", "998", "999"}


def test_ingest__an_exclusion_that_is_taken_back(rig, before):
    without(rig, "rig/003")
    assert without(rig).manifest.equals(before)


def test_ingest__unknown_exclusions_are_named(rig, caplog):
    caplog.set_level(logging.WARNING, "ssvif")
    without(rig, "rig/nobody", "0" * 16, "rig/003")
    warnings = [message for message in caplog.messages if "ingest.exclude" in message]
    assert [warning.split(": ")[1] for warning in warnings] == ["0" * 16, "rig/nobody"]


def test_ingest__a_refused_capture_may_be_excluded(rig, caplog):
    caplog.set_level(logging.WARNING, "ssvif")
    (rig / "data/captures/rig/ir/003.png").write_bytes(b"damaged")
    ingested = without(rig, "rig/003")
    assert [rejection.code for rejection in ingested.rejections] == ["unreadable"]
    assert not [message for message in caplog.messages if "ingest.exclude" in message]


def test_ingest__all_excluded(rig):
    with pytest.raises(CapturesError, match=r"none of 12 .* named in ingest\.exclude"):
        without(rig, *(f"rig/{number:03}" for number in range(12)))
