"""Commands on the pages are commands of the program: the real parser takes them, and the real topics."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lucid2mqtt.cli.main import VERBS, _parser
from lucid2mqtt.mqtt.topics import Topics
from tests.unit.docs.pages import ROOT, Block, blocks, commands, program_calls

SHELL = blocks("sh", "ini")
RUN_VERBS = {verb for arm in re.findall(r"^    ([\w| -]+)\)$", (ROOT / "run").read_text(), re.MULTILINE) for verb in arm.split(" | ")}


def _calls(block: Block) -> list[list[str]]:
    is_unit = block.language == "ini"
    return list(program_calls("\n".join(re.findall(r"^Exec\w+=(.+)", block.text, re.MULTILINE)) if is_unit else block.text))


@pytest.mark.parametrize("block", [block for block in SHELL if _calls(block)], ids=str)
def test_every_call_parses(block: Block) -> None:
    for words in _calls(block):
        assert not _exit_code(words), f"lucid2mqtt {' '.join(words)}"


def _exit_code(words: list[str]) -> object:
    try:
        _parser(words).parse_args(words)
    except SystemExit as end:  # --help and --version end too
        return end.code
    return 0


def test_calls_are_found_behind_variables_paths_and_pipes() -> None:
    text = "X=1 lucid2mqtt list | cat\nsudo /opt/x/bin/lucid2mqtt check -c a.yaml > out\n./run lucid2mqtt read \\\n  /dev/x 0 # why\necho lucid2mqtt\n"
    assert list(program_calls(text)) == [["list"], ["check", "-c", "a.yaml"], ["read", "/dev/x", "0"]]


def test_every_verb_is_shown_somewhere() -> None:
    used = {words[0] for block in SHELL for words in _calls(block) if words}
    assert used >= set(VERBS)


def test_calls_of_run_name_a_verb_of_it() -> None:
    used = {words[1] for block in SHELL for words in commands(block.text) if words[0] == "./run"}
    assert used <= RUN_VERBS
    assert {"demo", "test"} <= used


def _published() -> Iterator[tuple[Block, list[str], str]]:
    for block in blocks("sh"):
        for words in commands(block.text):
            if words[0] in ("mosquitto_pub", "mosquitto_rr", "mosquitto_sub"):
                yield from ((block, words, words[place + 1]) for place, word in enumerate(words) if word == "-t")


PUBLISHED = list(_published())


@pytest.mark.parametrize(("block", "words", "topic"), PUBLISHED, ids=[f"{block}-{topic}" for block, _, topic in PUBLISHED])
def test_every_topic_on_a_page_is_one_of_ours(block: Block, words: list[str], topic: str) -> None:
    levels = re.sub(r"^\$share/\w+/", "", topic).split("/")
    if levels[0] == "homeassistant":
        assert re.fullmatch(r"homeassistant/device/(\+|lucid2mqtt_[\w-]+)/config", topic)
        return
    assert levels[0] == "lucid2mqtt"
    if words[0] != "mosquitto_sub":
        assert Topics("lucid2mqtt", levels[1]).parse(topic) is not None, f"{block}: the agent does not listen to {topic}"


def test_topics_are_found() -> None:
    assert len(PUBLISHED) > 10
