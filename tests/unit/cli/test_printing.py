import pytest

from lucid2mqtt.cli.printing import complain, print_json, print_table, value_text


@pytest.mark.parametrize(
    ("reading", "text"),
    [
        ({"value": 21.5, "decimals": 2, "unit": "°C"}, "21.50 °C"),
        ({"value": True, "decimals": None, "unit": ""}, "ON"),
        ({"value": False, "decimals": None, "unit": ""}, "OFF"),
        ({"value": 65535, "decimals": None, "unit": ""}, "65535"),
        ({"value": 0.1, "decimals": None, "unit": "V"}, "0.1 V"),
        ({"value": None, "quality": "open sensor", "reason": "a wire is loose", "unit": "°C"}, "open sensor: a wire is loose"),
        ({"value": None, "quality": "stale", "reason": "", "unit": ""}, "stale"),
    ],
)
def test_values_are_shown_with_their_unit_or_with_the_reason_why_not(reading: dict[str, object], text: str) -> None:
    assert value_text(reading) == text


def test_tables_line_up_and_have_no_blanks_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([("a", "bb"), ("ccc", "")], heading=("X", "Y"))
    assert capsys.readouterr().out == "X    Y\na    bb\nccc\n"


def test_json_keeps_umlauts_and_one_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Süd", "n": [1]}, one_line=True)
    assert capsys.readouterr().out == '{"name": "Süd", "n": [1]}\n'


def test_complaints_go_to_standard_error_with_their_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    complain("it is broken", "mend it")
    complain("it is so")
    said = capsys.readouterr()
    assert said.err == "lucid2mqtt: it is broken (mend it)\nlucid2mqtt: it is so\n"
    assert said.out == ""
