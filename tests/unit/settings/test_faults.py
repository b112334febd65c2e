import pytest
from pydantic import ValidationError

from lucid2mqtt.settings.faults import fault_of, known_keys
from lucid2mqtt.settings.schema import Settings
from lucid2mqtt.settings.suggestions import near, suggestion
from lucid2mqtt.settings.tree import Tree


def test_the_near_word_is_asked_for_else_all_are_named() -> None:
    assert suggestion("INRTSETUPTIM", ["inRtMode", "inRtSetupTime"]) == "did you mean 'inRtSetupTime'?"
    assert suggestion("zzz", ["a", "b"]) == "known here: a, b"
    assert suggestion("zzz", []) == ""


def test_without_a_near_word_nothing_is_guessed() -> None:
    assert near("ZOEN", ["zone", "daily"]) == "did you mean 'zone'?"
    assert near("sat", ["zone", "daily"]) == ""


def test_known_keys_are_those_of_the_section() -> None:
    assert known_keys(("mqtt", "tls")) == ["ca", "cert", "key"]
    assert known_keys(("modules", 3, "match")) == ["serial", "port"]
    assert known_keys(("mqtt", "url")) == []


def test_a_fault_without_a_place_names_the_source() -> None:
    try:
        Settings.model_validate({"scan_s": "x"})
    except ValidationError as error:
        (detail,) = error.errors()
    assert str(fault_of(detail, Tree(), "here")) == "here: scan_s: must be a number, not 'x'"
    assert str(fault_of(detail, Tree(places={("scan_s",): "f:9:1"}), "here")).startswith("f:9:1: ")


@pytest.mark.parametrize(("written", "remedy"), [("20,5", "write it with a point: 20.5"), ("a,b", ""), ("1,2,3", "")])
def test_a_decimal_comma_is_recognised(written: str, remedy: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"scan_s": written})
    (detail,) = refused.value.errors()
    assert fault_of(detail, Tree(), "here").remedy == remedy
