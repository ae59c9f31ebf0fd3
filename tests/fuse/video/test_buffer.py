from ssvif.fuse.video.buffer import Buffer


def test_buffer__nobody_waits_longer_than_its_patience():
    buffer = Buffer(2, patience=0.05)
    buffer.put(1)
    assert list(buffer) == [1]
    assert buffer.starved


def test_buffer__what_has_ended_has_not_starved():
    buffer = Buffer(2, patience=0.05)
    buffer.put(1)
    buffer.end()
    assert list(buffer) == [1]
    assert not buffer.starved


def test_buffer__the_oldest_is_lost():
    buffer = Buffer(2, drops=True)
    for item in range(5):
        buffer.put(item)
    buffer.end()
    assert list(buffer) == [3, 4]
    assert buffer.dropped == 3
