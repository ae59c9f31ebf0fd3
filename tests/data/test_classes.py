import pytest

from ssvif.data.classes import (
    ALL_BOX_CLASSES,
    MASK_CLASSES,
    ClassNames,
    box_classes,
    mask_classes,
    read_classes,
    write_classes,
)
from ssvif.data.labels import BOX_CLASSES
from ssvif.errors import LabelError


def test_mask_classes__known_whatever_the_case():
    assert mask_classes("MSRS") == mask_classes("mfnet")
    assert mask_classes("CWFID") == ("soil", "crop", "weed")
    assert mask_classes("rig") is None


@pytest.mark.parametrize(("name", "count"), [("msrs", 9), ("fmb", 15), ("pst900", 5), ("tno", 2)])
def test_mask_classes__as_many_as_the_papers_have(name, count):
    assert len(set(MASK_CLASSES[name])) == count


def test_all_box_classes__are_at_the_place_of_their_number():
    assert [BOX_CLASSES[name] for name in ALL_BOX_CLASSES] == list(range(len(ALL_BOX_CLASSES)))
    assert set(BOX_CLASSES.values()) == set(range(len(ALL_BOX_CLASSES)))


def test_box_classes__all_where_the_name_says_nothing():
    assert box_classes("msrs") == ("person", "bicycle", "car")
    assert box_classes("rig") == ALL_BOX_CLASSES


def test_read_classes__reads_what_was_written(tmp_path):
    names = ClassNames(masks={"rig": ("ground", "pipe")}, boxes={"rig": ("leak",)})
    assert write_classes(tmp_path, names) == tmp_path / "classes.json"
    assert read_classes(tmp_path) == names


@pytest.mark.parametrize("text", [None, "", "[]", '{"masks": {"rig": 3}}', '{"mask": {}}'])
def test_read_classes__refuses_in_one_line(tmp_path, text):
    if text is not None:
        (tmp_path / "classes.json").write_text(text)
    with pytest.raises(LabelError, match=r"classes\.json: not readable .*ingest again") as caught:
        read_classes(tmp_path)
    assert "\n" not in str(caught.value)
