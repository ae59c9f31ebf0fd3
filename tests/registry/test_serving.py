"""The registered model behind `mlflow models serve`, and as Spark calls it."""

import base64
import io
import json
import os
import sys
from pathlib import Path

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ssvif.data.images import write_png
from ssvif.data.synthetic import render_pair
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.places import PRETRAINED
from ssvif.registry.package import save_package
from tests.services import servers

COUNT = 4


@pytest.fixture(scope="module")
def scenes():
    return [render_pair(number, seed=0, height=96, width=128) for number in range(COUNT)]


@pytest.fixture(scope="module")
def project(tmp_path_factory, scenes):
    """A folder with `model/`, as the registry has it, and `rig/` with captures."""
    root = tmp_path_factory.mktemp("serving")
    save_package(root / "model", PRETRAINED, model_id=f"m-{'0' * 32}", run_id=None)
    for number, scene in enumerate(scenes):
        write_png(root / "rig" / "vis" / f"{number}.png", scene.vis)
        write_png(root / "rig" / "ir" / f"{number}.png", scene.ir)
    return root


@pytest.fixture(scope="module")
def server(project):
    port = str(servers.free_port())
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(project / "model")]
    command += ["--env-manager", "local", "--host", servers.HOST, "--port", port]
    environment = {
        "SSVIF_FOLDER": str(project / "rig"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # MLflow starts uvicorn by its name.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    with servers.running(command, f"http://{servers.HOST}:{port}", "/ping", environment) as found:
        yield found.url


def _ask(server, table, **params):
    body = {"dataframe_split": json.loads(table.to_json(orient="split")), "params": params}
    return httpx.post(f"{server}/invocations", json=body, timeout=60, trust_env=False)


def _image(png):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))


@pytest.mark.slow
def test_serve__a_table_with_a_row_that_fails(server, project, scenes):
    table = pd.DataFrame(
        {
            "vis": ["vis/0.png", "../model/MLmodel", "vis/2.png"],
            "ir": ["ir/0.png", "ir/1.png", "ir/2.png"],
            "out": ["fused/0.png", None, None],
        }
    )
    answer = _ask(server, table)
    assert answer.status_code == 200, answer.text
    written, refused, sent = answer.json()["predictions"]
    assert written == {"out": "fused/0.png", "png": "", "error": ""}
    assert "outside the folder" in refused["error"]
    fuser = Fuser.load(PRETRAINED)
    made = np.asarray(Image.open(project / "rig" / "fused" / "0.png"))
    np.testing.assert_array_equal(made, fuser(scenes[0].vis, scenes[0].ir))
    np.testing.assert_array_equal(_image(sent["png"]), fuser(scenes[2].vis, scenes[2].ir))


@pytest.mark.slow
def test_serve__parameters(server, scenes):
    table = pd.DataFrame({"vis": ["vis/0.png"], "ir": ["ir/0.png"]})
    (answer,) = _ask(server, table, colour="grey").json()["predictions"]
    assert _image(answer["png"]).ndim == 2
    (answer,) = _ask(server, table, view="machine").json()["predictions"]
    machine = Fuser.load(PRETRAINED, view="machine")(scenes[0].vis, scenes[0].ir)
    np.testing.assert_array_equal(_image(answer["png"]), machine)
    refused = _ask(server, table, colour="pink")
    assert refused.status_code == 400
    assert "colour" in refused.json()["message"]


def test_predict__batch_by_batch_as_spark_does(project, scenes):
    model = mlflow.pyfunc.load_model(
        str(project / "model"), model_config={"folder": str(project / "rig")}
    )
    table = pd.DataFrame(
        {
            "vis": [f"vis/{number}.png" for number in range(COUNT)],
            "ir": [f"ir/{number}.png" for number in range(COUNT)],
            "out": [f"batches/{number}.png" for number in range(COUNT)],
        }
    )
    table.loc[1, "ir"] = "ir/none.png"
    done = pd.concat([model.predict(table[begin : begin + 2]) for begin in range(0, COUNT, 2)])
    assert list(done.columns) == ["out", "png", "error"]
    assert [error != "" for error in done["error"]] == [False, True, False, False]
    fuser = Fuser.load(PRETRAINED)
    for number in (0, 2, 3):
        made = np.asarray(Image.open(project / "rig" / table["out"][number]))
        np.testing.assert_array_equal(made, fuser(scenes[number].vis, scenes[number].ir))


def test_predict__params_are_checked(project):
    model = mlflow.pyfunc.load_model(str(project / "model"))
    table = pd.DataFrame({"vis": ["a"], "ir": ["b"]})
    with pytest.raises(mlflow.MlflowException, match="ir_range"):
        model.predict(table, params={"ir_range": [1.0]})
    with pytest.raises(mlflow.MlflowException, match="black < white"):
        model.predict(table, params={"ir_range": [2.0, 1.0]})
    with pytest.raises(mlflow.MlflowException, match="view machine"):
        model.predict(table, params={"view": "machine", "colour": "heat"})
    (error,) = model.predict(table, params={"ir_range": [1.0, 2.0]})["error"]
    assert "set SSVIF_FOLDER" in error
