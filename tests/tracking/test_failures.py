import pytest
import requests
from filelock import Timeout
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, TEMPORARILY_UNAVAILABLE
from sqlalchemy.exc import OperationalError

from ssvif.tracking.failures import hide_passwords, is_transient, reason


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectionError("refused"),
        requests.ReadTimeout("slow"),
        ConnectionResetError(),
        Timeout("store.lock"),
        OperationalError("SELECT", {}, ValueError("database is locked")),
        MlflowException("API request to http://host failed"),
        MlflowException("busy", TEMPORARILY_UNAVAILABLE),
    ],
)
def test_is_transient__nobody_answers(error):
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        MlflowException("no such model", RESOURCE_DOES_NOT_EXIST),
        MlflowException.invalid_parameter_value("no such scheme"),
        ValueError("wrong"),
        PermissionError("no"),
    ],
)
def test_is_transient__a_refusal_stays_one(error):
    assert not is_transient(error)


def test_reason__is_one_short_line():
    assert reason(ValueError("a\nb" + " c" * 200)).startswith("a b c")
    assert len(reason(ValueError("word " * 100))) <= 200
    assert reason(ValueError()) == "ValueError"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (
            "postgresql+psycopg2://ann:s@cret@host:5432/db",
            "postgresql+psycopg2://ann:***@host:5432/db",
        ),
        ("https://ann:secret@host", "https://ann:***@host"),
        (
            "postgresql://host/db?password=secret&user=ann",
            "postgresql://host/db?password=***&user=ann",
        ),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("sqlite:///folder/mlflow.db", "sqlite:///folder/mlflow.db"),
        ("postgresql://ann@host/db", "postgresql://ann@host/db"),
    ],
)
def test_hide_passwords__addresses(address, shown):
    assert hide_passwords(f"{address}: refused") == f"{shown}: refused"


def test_reason__without_passwords():
    assert (
        reason(ValueError("cannot use http://ann:secret@host")) == "cannot use http://ann:***@host"
    )
