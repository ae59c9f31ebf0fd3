import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from ssvif.errors import GateError
from ssvif.explain import explain, read_json_as, read_yaml


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Lens(_Strict):
    focus: float = 1.0
    zoom: float = 1.0


class Camera(_Strict):
    lens: Lens | None = None


class Rig(_Strict):
    camera: Camera = Camera()
    spare: Camera | None = None
    lenses: tuple[Lens, ...] = ()
    by_name: dict[str, Lens] = {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"spear": None}, "unknown key spear; did you mean spare?"),
        ({"zzz": None}, "unknown key zzz; known: by_name, camera, lenses, spare"),
        ({"camera": {"lense": None}}, "unknown key camera.lense; did you mean lens?"),
        ({"spare": {"zzz": None}}, "unknown key spare.zzz; known: lens"),
        ({"camera": {"lens": {"zom": 1.0}}}, "unknown key camera.lens.zom; did you mean zoom?"),
        ({"camera": {"lens": {"zoom": "1e-4"}}}, "(YAML reads 1e-4 as text: write 1.0e-4)"),
        ({"camera": None}, "camera: expected keys, found nothing"),
        ({"camera": None, "zzz": 1}, "camera: expected keys, found nothing; unknown key zzz;"),
    ],
)
def test_explain__says_what_was_wrong_with_each_key(content, words):
    with pytest.raises(ValidationError) as caught:
        Rig.model_validate(content)
    assert words in explain(caught.value, Rig)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"lenses": ({"zom": 1.0},)}, "lenses.0.zom"),
        ({"by_name": {"left": {"zom": 1.0}}}, "by_name.left.zom"),
    ],
)
def test_explain__below_a_list_or_a_mapping_an_unknown_key_is_only_named(content, key):
    with pytest.raises(ValidationError) as caught:
        Rig.model_validate(content)
    assert explain(caught.value, Rig) == f"unknown key {key}"


def read(path):
    return read_json_as(path, Rig, refusal=GateError, remedy="delete it")


def test_read_json_as__what_the_file_says(tmp_path):
    path = tmp_path / "rig.json"
    path.write_text('{"lenses": [{"zoom": 2.0}]}')
    assert read(path) == Rig(lenses=(Lens(zoom=2.0),))


def test_read_json_as__no_file_is_none(tmp_path):
    assert read(tmp_path / "rig.json") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not readable as JSON (EOF while parsing an object at line 1 column 1)"),
        (b'{"spare": "\xff"}', "not readable as JSON (invalid unicode"),
        (b"[]", "expected keys, found []"),
        (b'{"spear": null}', "unknown key spear; did you mean spare?"),
    ],
)
def test_read_json_as__refuses_in_one_line_with_the_way_out(tmp_path, content, words):
    path = tmp_path / "rig.json"
    path.write_bytes(content)
    with pytest.raises(GateError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: {words}")
    assert message.endswith("; delete it")
    assert "\n" not in message


def test_read_json_as__a_folder_is_no_file(tmp_path):
    with pytest.raises(GateError, match=r"a file that can be read \(Is a directory\); delete it"):
        read(tmp_path)


def test_read_yaml__a_merged_key_may_be_given_anew(tmp_path):
    path = tmp_path / "merged.yaml"
    path.write_text("a: {b: &x {<<: &y {k: 1}, k: 2}}\nc: {<<: *x, l: 3}\nd: {<<: *y, k: 4}\n")
    found = {"a": {"b": {"k": 2}}, "c": {"k": 2, "l": 3}, "d": {"k": 4}}
    assert read_yaml(path) == found
