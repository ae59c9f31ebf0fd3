from ssvif.data.ingest import ingest
from ssvif.data.summary import markdown, sentences, summarise
from ssvif.params import IngestParams


def test_summarise__counts_each_set(tmp_path, save_pairs):
    home = tmp_path / "data/captures"
    save_pairs(home / "day", 4)
    save_pairs(home / "night", 3, first=10, night=True)
    (home / "night/ir/012.png").unlink()
    (home / "empty").mkdir()
    table = summarise(ingest(IngestParams(), root=tmp_path)).set_index("set")
    assert list(table.index) == ["day", "empty", "night"]
    assert table.loc["day", ["captures", "accepted", "day"]].tolist() == [4, 4, 4]
    assert table.loc["night", ["captures", "accepted", "refused", "night"]].tolist() == [3, 2, 1, 2]
    assert table.loc["night", "reasons"] == "missing_half 1"
    assert (table[["train", "val", "test"]].sum(axis=1) == table["accepted"]).all()


def test_summarise__a_dropped_label_is_no_refusal(tmp_path, save_pairs):
    home = save_pairs(tmp_path / "data/captures/rig", 2)
    (home / "boxes").mkdir()
    (home / "boxes/000.txt").write_text("?")
    table = summarise(ingest(IngestParams(), root=tmp_path))
    assert table.loc[0, ["accepted", "refused", "boxes"]].tolist() == [2, 0, 0]
    assert sentences(table) == [
        "rig: 2 of 2 pairs accepted (train 2, val 0, test 0; day 2, night 0); boxes_dropped 1"
    ]
    assert markdown(table).splitlines()[2].startswith("| rig | 2 | 2 | 0 |")
