from pathlib import Path

from ssvif.fuse.files import Fused
from ssvif.retraining.due import Due
from ssvif.retraining.journal import Entry
from ssvif.retraining.summary import deliveries_markdown, fused_markdown

DUE = Due(new_pairs=2, waiting=2, threshold=3, quiet_in=0.0, ids=frozenset())


def entry(**kinds):
    return Entry(**{"name": "a--1", "set_name": "a", "fingerprint": "", "at": 0.0, **kinds})


def test_deliveries_markdown__a_row_each_and_what_is_due():
    taken = entry(state="ingested", accepted=2, refused={"missing_half": 1})
    refused = entry(name="b", state="refused", reason="a <b> | c\nd")
    assert deliveries_markdown([taken, refused], DUE) == (
        "| delivery | set | what became of it |\n"
        "| --- | --- | --- |\n"
        "| a--1 | a | 2 pairs accepted, 1 in quarantine (missing_half 1) |\n"
        "| b | a | refused: a &lt;b> \\| c d |\n"
        "\n"
        "2 new pairs wait for a retraining, 3 make it due.\n"
    )


def test_deliveries_markdown__nothing_new():
    assert deliveries_markdown([], DUE).startswith("Nothing new was delivered.\n\n2 new pairs")


def test_fused_markdown__names_what_failed():
    assert fused_markdown(Fused(2, 0, {})) == "Fused 2 of 2 pairs.\n"
    text = fused_markdown(Fused(1, 0, {Path("vis/1.png"): "too dark"}))
    assert text.endswith("| vis/1.png | too dark |\n")
