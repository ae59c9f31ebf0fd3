from ssvif.seeding import derive_seed, numpy_generator


def test_derive_seed__differs_by_seed_and_by_each_name():
    seeds = {derive_seed(0), derive_seed(1), derive_seed(0, "a"), derive_seed(0, "a", 1)}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_numpy_generator__repeats():
    first, second = (numpy_generator(7, "crops", 3).random(4) for _ in range(2))
    assert (first == second).all()
