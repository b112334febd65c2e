"""verify-deadman as users type it, on virtual modules that are programs of their own."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.broker import free_port, wait_until
from tests.processes import PROGRAM, AgentProgram, Modules

MIXED = "di4do4-500106"
TRIAL = ("--hold-s", "0.5", "--yes", "--json")
ATTEMPTS = 3
"""A trial on a machine that pauses says so itself, and is made again."""


def settings_for(modules: Modules, folder: Path) -> Path:
    path = folder / "verify.yaml"
    names = [{"match": {"serial": 500106}, "name": "heaters", "channels": {"5": {"name": "living"}}}]
    path.write_text(json.dumps({"ports": [modules.pattern], "state_dir": str(folder / "state"), "modules": names}))
    return path


def verify(config: Path, *words: str) -> tuple[int, dict[str, Any]]:  # Any: JSON
    for _ in range(ATTEMPTS):
        done = subprocess.run(
            [*PROGRAM, "verify-deadman", *words, "-c", str(config)], capture_output=True, text=True, check=False, timeout=60
        )
        verdict = json.loads(done.stdout)
        if "beside its time" not in verdict.get("sentence", "") and "was not seen for" not in verdict.get("sentence", ""):
            break
    return done.returncode, verdict


def parameters_set(modules: Modules) -> Sequence[str]:
    notes = modules.ask(module=MIXED, show="journal", kinds=["request"])["notes"]
    return [note["data"] for note in notes if note["data"].startswith("a0")]


def test_an_output_is_tried_and_the_verdict_is_there_for_the_agent(tmp_path: Path) -> None:
    quirks = ("output_reads=timed", "retrigger=extends hold")
    with Modules(tmp_path, quirks=quirks) as modules:
        code, verdict = verify(settings_for(modules, tmp_path), "heaters", "living", *TRIAL)
        assert (code, verdict["semantics"], verdict["usable"]) == (0, "extends", True)
        assert (verdict["module"], verdict["channel"], verdict["serial"]) == ("heaters", 5, 500106)
        assert modules.outputs(MIXED)[5] is False
        kept = json.loads((tmp_path / "state" / "verdicts.json").read_text())
        assert kept["500106/22/5"]["semantics"] == "extends"


def test_a_trial_that_is_ended_leaves_the_output_off_and_its_parameters_as_they_were(tmp_path: Path) -> None:
    with Modules(tmp_path) as modules:
        command = [*PROGRAM, "verify-deadman", "heaters", "living", "-c", str(settings_for(modules, tmp_path)), "--yes"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as trial:
            wait_until(lambda: modules.outputs(MIXED)[5] is True, 20)
            trial.send_signal(signal.SIGTERM)
            assert trial.wait(10) == 130
            assert trial.stderr is not None
            assert "stopped before the end, nothing was kept" in trial.stderr.read()
        wait_until(lambda: modules.outputs(MIXED)[5] is False)
        sent = parameters_set(modules)
        mode = [data for data in sent if data[8:12] == "0019"]  # address 0x1900
        assert [data[-2:] for data in mode] == ["08", "01"]


def test_a_person_is_asked_at_a_terminal_and_may_say_no(tmp_path: Path) -> None:
    with Modules(tmp_path) as modules:
        ours, theirs = pty.openpty()
        command = [*PROGRAM, "verify-deadman", "heaters", "living", "-c", str(settings_for(modules, tmp_path)), "--by-eye"]
        with subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE, text=True) as trial:
            os.close(theirs)
            os.write(ours, b"no\n")
            _, said = trial.communicate(timeout=20)
        os.close(ours)
        assert trial.returncode == 1
        assert "Press Enter every time" in said
        assert parameters_set(modules) == []


def test_while_the_agent_has_the_module_it_says_how_to_get_it(tmp_path: Path) -> None:
    with Modules(tmp_path) as modules:
        settings = {"node": "az-2", "mqtt": {"url": f"mqtt://127.0.0.1:{free_port()}"}, "ports": [modules.pattern]}
        with AgentProgram(tmp_path, settings) as agent:
            wait_until(lambda: "di4do4-500106 is online" in agent.said, 20)
            config = settings_for(modules, tmp_path)
            command = [*PROGRAM, "verify-deadman", "heaters", "living", "-c", str(config), "--yes"]
            refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert refused.returncode == 3
    assert "systemctl stop lucid2mqtt" in refused.stderr
