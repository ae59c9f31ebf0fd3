import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from ssvif.explain import explain


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
