import pytest

from ssvif.errors import ParamsError
from ssvif.stages.sample import SAMPLE, main

PARAMS = "seed: 7\nsample:\n  pairs: 2\n  height: 64\n  width: 72\n"


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_main__renders_what_params_say_and_again_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    main()
    first = contents(tmp_path / SAMPLE)
    names = {"00000_day_clear", "00001_day_clear"}
    suffixes = {"vis": "png", "ir": "png", "labels": "png", "boxes": "txt"}
    assert set(first) == {f"{kind}/{n}.{end}" for kind, end in suffixes.items() for n in names}
    main()
    assert contents(tmp_path / SAMPLE) == first


def test_main__another_seed_gives_other_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    main()
    first = contents(tmp_path / SAMPLE)
    (tmp_path / "params.yaml").write_text(PARAMS.replace("seed: 7", "seed: 8"))
    main()
    second = contents(tmp_path / SAMPLE)
    assert set(first) == set(second)
    assert all(first[name] != second[name] for name in first if name.startswith(("vis", "ir")))


def test_main__without_params_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match=r"params\.yaml: no such file"):
        main()
