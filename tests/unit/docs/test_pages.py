"""What stands on any page: links lead somewhere, generated tables are fresh, examples in other languages can be read."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.unit.docs.generated import COMMAND, TABLES, renewed
from tests.unit.docs.pages import ROOT, Block, anchors, blocks, links, name_of, pages

PAGES = pages()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), f"{link} leads nowhere"
        assert found.is_relative_to(ROOT), f"{link} leads out of the project"
        assert not anchor or anchor in anchors(found), f"{link}: no such heading, there are {sorted(anchors(found))}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_generated_tables_are_fresh(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert renewed(text) == text, f"{name_of(page)} is stale; type: {COMMAND}"


def test_every_generated_table_has_its_place() -> None:
    whole = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert all(f"<!-- generated: {name} -->" in whole for name in TABLES)


def test_the_index_names_every_page() -> None:
    index = {(ROOT / "docs" / link).resolve() for link in links(ROOT / "docs" / "README.md")}
    listed_elsewhere = {ROOT / "docs" / "README.md", *(ROOT / "docs" / "decisions").glob("0*.md")}
    missing = [name_of(page) for page in (ROOT / "docs").rglob("*.md") if page not in index | listed_elsewhere]
    assert not missing, f"docs/README.md does not lead to {missing}"


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_examples_are_json(block: Block) -> None:
    assert isinstance(json.loads(block.text), dict)


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_examples_are_python(block: Block) -> None:
    assert ast.parse(block.text).body
