from pathlib import Path

import pytest

from ssvif.cli.names import is_model, named_folder, named_model, split_name
from ssvif.errors import EvaluationError
from ssvif.fuse.places import PRETRAINED, WEIGHTS_NAME


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SAGE=out/sage", ("SAGE", "out/sage")),
        ("out/sage", (None, "out/sage")),
        ("a=b=c", ("a", "b=c")),
        ("my method=out/sage", ("my method", "out/sage")),  # to be refused by its name
        ("out/a=b", (None, "out/a=b")),  # a slash is no part of a name
    ],
)
def test_split_name__reads_name_and_value(text, expected) -> None:
    assert split_name(text) == expected


def test_named_folder__is_called_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "SAGE").mkdir()
    assert named_folder(str(tmp_path / "SAGE"))[0] == "SAGE"
    assert named_folder(f"x={tmp_path}") == ("x", tmp_path)


def test_named_folder__a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvaluationError, match=r"x: .*file is no folder; give the one with its"):
        named_folder(f"x={tmp_path / 'file'}")


def test_named_model__takes_files_and_bundles(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    assert named_model("models/stage_two.safetensors") == (
        "stage_two",
        Path("models/stage_two.safetensors"),
    )
    name, path = named_model(str(tmp_path / "bundle"))
    assert (name, path) == ("bundle", tmp_path / "bundle" / "weights.safetensors")


def test_named_model__registered_models_are_fetched(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("ssvif.registry.resolve.resolve_model", lambda address: tmp_path / address)
    name, path = named_model("models:/ssvif@champion")
    assert name == "ssvif-champion"
    assert path == tmp_path / "models:/ssvif@champion" / "weights.safetensors"
    assert named_model("old=models:/ssvif/3")[0] == "old"


def test_named_model__knows_what_comes_with_the_package() -> None:
    assert named_model("pretrained") == ("pretrained", PRETRAINED / WEIGHTS_NAME)
    assert named_model("first=pretrained")[0] == "first"
    assert is_model("pretrained")


def test_is_model__tells_weights_from_images(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "weights.safetensors").touch()
    (tmp_path / "images").mkdir()
    assert is_model(f"x={tmp_path / 'bundle'}")
    assert is_model(str(tmp_path / "bundle" / "weights.safetensors"))
    assert is_model("models:/ssvif@champion")
    assert not is_model(f"SAGE={tmp_path / 'images'}")
    with pytest.raises(EvaluationError, match="nowhere: expected mean, max, a weights file"):
        is_model("x=nowhere")
