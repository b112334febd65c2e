from lucid2mqtt.console.documents import identity_document
from lucid2mqtt.lucid.identity import Identity


def test_a_module_of_a_family_nobody_published_is_still_shown() -> None:
    document = identity_document(Identity(1, 2, 0x7777, 0x1000, 99, b""))
    assert document == {"family": None, "type": None, "serial": 99, "firmware": 1, "hardware": 2, "channels": None}


def test_a_known_module_says_what_it_is() -> None:
    document = identity_document(Identity(22, 3, 0x0A00, 0x1000, 5, b""))
    assert (document["family"], document["channels"]) == ("RI4", 4)
    assert "Pt1000" in document["type"]
