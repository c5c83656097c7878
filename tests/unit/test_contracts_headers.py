"""CloudEvents attributes in binary mode."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.headers import cloud_event


def test_the_required_attributes_are_there_once() -> None:
    headers = cloud_event(
        id="c0ffee",
        source="intake",
        type="RegisterDossier",
        time=datetime(2020, 3, 2, 1, 5, tzinfo=UTC),
        subject="5b1c",
    )
    assert dict(headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"c0ffee",
        "ce_source": b"/motcua/intake",
        "ce_type": b"vn.motcua.RegisterDossier.v1",
        "ce_time": b"2020-03-02T01:05:00+00:00",
        "ce_subject": b"5b1c",
        "content-type": b"application/json",
    }
    assert len({name for name, _ in headers}) == len(headers)
