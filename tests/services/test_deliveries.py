"""Deliveries that arrive in a bucket."""

import pytest

from ssvif.errors import ServiceError
from ssvif.retraining.deliveries import MARKER
from ssvif.retraining.remote import awaited_deliveries, fetch_deliveries
from tests.services.conftest import upload

pytestmark = pytest.mark.services


def test_fetch_deliveries__complete_ones_of_a_bucket_come_once(s3, bucket, street, tmp_path):
    place = f"{bucket}/rig"
    upload(s3, street, f"{place}/monday")
    upload(s3, street, f"{place}/tuesday", marker=MARKER)
    assert fetch_deliveries(place, tmp_path, quiet_seconds=3600.0) == ["tuesday"]
    for image in street.rglob("*.png"):
        copy = tmp_path / "tuesday" / image.relative_to(street)
        assert copy.read_bytes() == image.read_bytes()
    assert awaited_deliveries(place, tmp_path, quiet_seconds=3600.0) == []
    assert awaited_deliveries(place, tmp_path, quiet_seconds=0.0) == ["monday"]
    assert fetch_deliveries(place, tmp_path, quiet_seconds=0.0) == ["monday"]
    assert fetch_deliveries(place, tmp_path, quiet_seconds=0.0) == []


@pytest.mark.usefixtures("s3")
def test_fetch_deliveries__no_such_bucket(tmp_path):
    with pytest.raises(ServiceError, match="no-such-bucket/rig: cannot be read"):
        fetch_deliveries("s3://no-such-bucket/rig", tmp_path, quiet_seconds=0.0)


def test_fetch_deliveries__nothing_has_arrived_yet(bucket, tmp_path):
    assert fetch_deliveries(f"{bucket}/rig", tmp_path, quiet_seconds=0.0) == []
