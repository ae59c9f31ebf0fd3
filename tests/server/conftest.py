import pytest

from ssvif.data.synthetic import render_pair
from tests.server.stubs import encoded


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def pair():
    return render_pair(0, seed=0, height=64, width=96)


@pytest.fixture(scope="session")
def files(pair):
    """The two fields of a good request."""
    return {
        "vis": ("scene.png", encoded(pair.vis), "image/png"),
        "ir": ("scene.png", encoded(pair.ir), "image/png"),
    }
