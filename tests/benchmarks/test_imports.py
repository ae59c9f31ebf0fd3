"""The benchmarks are run by hand: that they still fit the library is seen here."""

import importlib
import pkgutil

import pytest

import benchmarks

MODULES = [f"benchmarks.{found.name}" for found in pkgutil.iter_modules(benchmarks.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_benchmarks__import_what_is_there(name: str) -> None:
    assert importlib.import_module(name).__doc__
