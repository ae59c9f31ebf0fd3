import json

import pytest

from ssvif.files import sha256_file
from ssvif.fuse.fuser import Fuser
from ssvif.models.weights import save_model
from ssvif.stages import export


@pytest.mark.slow
def test_main__exports_and_reports(tmp_path, monkeypatch, tiny_model, tiny_network):
    monkeypatch.chdir(tmp_path)
    save_model(export.WEIGHTS, tiny_model, network=tiny_network)
    export.main()
    report = json.loads(export.REPORT.read_text())
    assert report["levels"] <= 1
    assert 0 < report["bytes"] < 2_000_000
    (tmp_path / "models/weights.safetensors").write_bytes(export.WEIGHTS.read_bytes())
    assert Fuser.load(tmp_path / "models", engine="onnx").weights == sha256_file(export.WEIGHTS)
