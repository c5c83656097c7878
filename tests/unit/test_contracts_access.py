"""The key file: who a key is, and what a wrong file says."""

from __future__ import annotations

import pytest

from contracts.access import Client, hash_key, parse_keys
from contracts.words import Role

COUNTER = f'[clients.counter-h52]\nsha256 = "{hash_key("key-1")}"\nrole = "counter"\nagencies = ["H52.18"]\n'
LEADER = f'[clients.leader]\nsha256 = "{hash_key("key-2")}"\nrole = "leader"\n'


def test_a_key_names_its_client() -> None:
    ring = parse_keys(COUNTER + LEADER)
    assert ring.identify("key-1") == Client(name="counter-h52", role=Role.COUNTER, agencies=("H52.18",))
    assert ring.identify("key-2") == Client(name="leader", role=Role.LEADER)
    assert ring.identify("key-3") is None
    assert ring.identify("") is None
    assert ring.identify(hash_key("key-1")) is None, "the stored hash must not open the door"


def test_a_client_covers_its_agencies_or_all() -> None:
    ring = parse_keys(COUNTER + LEADER)
    counter, leader = ring.identify("key-1"), ring.identify("key-2")
    assert counter is not None
    assert leader is not None
    assert counter.covers("H52.18")
    assert not counter.covers("H52.19")
    assert leader.covers("H52.19")
    assert not Client(name="nobody", role=Role.COUNTER, agencies=()).covers("H52.18")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "names no client"),
        (COUNTER.replace('"counter"', '"visitor"'), "counter-h52"),
        (COUNTER.replace("H52.18", "h52"), "counter-h52"),
        (COUNTER.replace("sha256", "key"), "counter-h52"),
        (COUNTER + 'password = "x"\n', "counter-h52"),
        (COUNTER.replace("counter-h52", "Counter"), "Counter"),
        ('[clients.short]\nsha256 = "abc"\nrole = "admin"\n', "short"),
        (COUNTER + LEADER.replace(hash_key("key-2"), hash_key("key-1")), "also the key of 'counter-h52'"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_without_the_key(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_keys(text)
    assert hash_key("key-1") not in str(caught.value)
