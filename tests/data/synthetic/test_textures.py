import numpy as np

from ssvif.data.synthetic.textures import TILE, Texture, atlas, sensor_noise


def test_atlas__every_texture_is_standardised_and_none_is_another():
    textures = atlas()
    assert textures.shape == (len(Texture), TILE * TILE)
    np.testing.assert_allclose(textures.mean(axis=1), 0.0, atol=0.1)
    assert (textures.std(axis=1) > 0.7).all()
    assert np.abs(np.corrcoef(textures) - np.eye(len(Texture))).max() < 0.5


def test_atlas__plain_tiles_without_a_seam():
    tile = atlas()[Texture.PLAIN].reshape(TILE, TILE)
    seam = np.abs(tile[0] - tile[-1]).mean()
    inside = np.abs(np.diff(tile, axis=0)).mean()
    assert seam < 1.5 * inside


def test_sensor_noise__is_normal_and_repeatable():
    noise = sensor_noise(200, 300)
    sensor_noise.cache_clear()
    np.testing.assert_array_equal(noise, sensor_noise(200, 300))
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1.0) < 0.02
