import pytest

from tests.bench.table import Figure, Row, Table, percentile


def test_a_figure_is_the_median_with_its_spread() -> None:
    assert Figure.of([3.0, 1.0, 2.0]) == Figure(2.0, 1.0, 3.0)
    assert Figure.of([]) is None


def test_the_quotient_is_that_of_the_named_columns() -> None:
    row = Row("start", "ms", {"ours": Figure(300, 290, 310), "theirs": Figure(600, 600, 600)}, "<= 0.5")
    table = Table("Start", ("ours", "theirs"), (row,), ("ours", "theirs"))
    assert "300 (290-310)" in table.text()
    assert "0.50  <= 0.5" in table.text()
    assert table.document()["rows"][0]["quotient"] == pytest.approx(0.5)  # type: ignore[index]


def test_what_was_not_measured_is_a_dash() -> None:
    row = Row("start", "ms", {"ours": Figure(300, 300, 300), "theirs": None})
    assert Table("Start", ("ours", "theirs"), (row,), ("ours", "theirs")).text().splitlines()[-1].split() == [
        "start",
        "ms",
        "300",
        "-",
        "-",
    ]


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 3), (1.0, 5)])
def test_percentiles_are_values_that_were_measured(share: float, expected: float) -> None:
    assert percentile([5, 3, 1, 4, 2], share) == expected
