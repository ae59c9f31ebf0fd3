import numpy as np
import pytest

from ssvif.data.images import read_infrared_raw, read_visible, write_png
from ssvif.data.manifest import pair_paths
from ssvif.drift import prototypes
from ssvif.drift.prototypes import prototype_shares
from ssvif.errors import DriftError, ModelError
from ssvif.models.weights import save_model

IDS = [f"{number:016x}" for number in range(8)]
OLD, NEW = IDS[:5], IDS[5:]


@pytest.fixture
def folder(street, tmp_path):
    for one in IDS:
        number = f"{int(one, 16):02}.png"
        vis, ir = pair_paths(one, tmp_path / "pairs")
        write_png(vis, read_visible(street / "vis" / number, max_pixels=1 << 20))
        write_png(ir, read_infrared_raw(street / "ir" / number, max_pixels=1 << 20))
    return tmp_path / "pairs"


@pytest.fixture
def weights(tmp_path, tiny_model, tiny_network):
    path = tmp_path / "weights.safetensors"
    save_model(path, tiny_model, network=tiny_network)
    return path


@pytest.fixture
def shares_of(weights, folder, tmp_path):
    def shares(least=2, old=OLD, new=NEW):
        cache = tmp_path / "cache"
        return prototype_shares(weights, (old, folder), (new, folder), least=least, cache=cache)

    return shares


def test_prototype_shares__one_row_a_pair_that_sums_to_one(shares_of, tiny_network) -> None:
    found = shares_of()
    assert sorted(found.index) == IDS
    assert found.shape[1] == tiny_network.prototypes
    assert np.allclose(found.sum(axis=1), 1.0, atol=1e-5)


def test_prototype_shares__what_was_seen_is_not_looked_at_again(shares_of, monkeypatch) -> None:
    once = shares_of(new=NEW[:2])
    looked = []
    look = prototypes._look
    monkeypatch.setattr(
        prototypes, "_look", lambda *given: looked.append(sorted(given[1])) or look(*given)
    )
    again = shares_of()
    assert looked == [[NEW[2]]]
    assert again.loc[once.index].equals(once)


def test_prototype_shares__a_bounded_sample_that_stays(shares_of, monkeypatch) -> None:
    monkeypatch.setattr(prototypes, "SAMPLE", 2)
    assert sorted(shares_of(old=OLD[::-1]).index) == [*OLD[:2], *NEW[:2]]


def test_prototype_shares__as_many_as_are_needed_to_judge(shares_of, monkeypatch) -> None:
    monkeypatch.setattr(prototypes, "SAMPLE", 2)
    assert sorted(shares_of(least=3).index) == [*OLD[:3], *NEW]


def test_prototype_shares__pairs_that_are_gone_are_told(shares_of, folder) -> None:
    for one in OLD[:4]:
        pair_paths(one, folder)[1].unlink()
    assert shares_of() == "1 of 5 learnt pairs are on disk, 2 are needed"


def test_prototype_shares__another_model_is_asked_anew(
    shares_of, weights, tiny_model, tiny_network, tmp_path
) -> None:
    shares_of()
    tiny_model.prototypes.data.neg_()
    save_model(weights, tiny_model, network=tiny_network)
    shares_of()
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_prototype_shares__damaged_cache_and_weights_are_refused(
    shares_of, weights, tmp_path
) -> None:
    shares_of()
    (found,) = (tmp_path / "cache").iterdir()
    found.write_text("{")
    with pytest.raises(DriftError, match="not readable as JSON"):
        shares_of()
    weights.write_bytes(b"no weights")
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        shares_of()
