"""The container files, by the rules that linters of such files agree on. Nothing is built here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lucid2mqtt.cli.main import VERBS, _parser
from lucid2mqtt.settings import Settings
from tests.release.build import REPOSITORY
from tests.unit.packaging.dockerfile import Stage, exec_form, stages

CONTAINER = REPOSITORY / "config/container"
FILES = (CONTAINER / "Dockerfile", REPOSITORY / "config/home-assistant-addon/Dockerfile")
SERVICE_KEYS = {
    *("build", "cap_drop", "command", "device_cgroup_rules", "environment", "group_add", "healthcheck", "image", "networks"),
    *("ports", "read_only", "restart", "secrets", "security_opt", "stop_grace_period", "tmpfs", "user", "volumes"),
}
"""Of the compose specification; what else it knows is not ours to need."""


def _runs(stage: Stage) -> list[list[str]]:
    return [command.split() for run in stage.all("RUN") for command in run.split("&&")]


each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)


@each_file
def test_every_base_has_a_tag_that_is_not_whatever_is_newest(file: Path) -> None:
    for stage in stages(file):
        assert re.fullmatch(r"[\w./-]+(:(?!latest)[\w.-]+|@sha256:[0-9a-f]{64})", stage.base)


@each_file
def test_nothing_is_fetched_but_packages_with_a_signature_or_a_hash(file: Path) -> None:
    for stage in stages(file):
        assert stage.all("ADD") == []
        for words in _runs(stage):
            assert not {"curl", "wget", "sudo"} & set(words)
            if "install" in words and words[0].endswith("/pip"):
                assert "--require-hashes" in words or {"--no-deps", "--no-index"} <= set(words)
                assert "--no-cache-dir" in words


@each_file
def test_lists_of_packages_are_fresh_and_do_not_stay(file: Path) -> None:
    for stage in stages(file):
        for run in stage.all("RUN"):
            if "apt-get install" in run:
                assert run.startswith("apt-get update &&")
                assert "apt-get install -y --no-install-recommends" in run
                assert "rm -rf /var/lib/apt/lists/*" in run


@each_file
def test_the_last_stage_has_no_tools_to_build_with_but_the_time_zones(file: Path) -> None:
    text = " ".join(stages(file)[-1].all("RUN"))
    assert "tzdata" in text
    assert "pip" not in text
    assert "venv" not in text


@each_file
def test_signals_get_to_the_program_and_its_health_is_asked_by_a_verb_it_has(file: Path) -> None:
    last = stages(file)[-1]
    for word in ("CMD", "ENTRYPOINT"):
        for rest in last.all(word):
            assert exec_form(rest)
    (health,) = last.all("HEALTHCHECK")
    program, verb = exec_form(health.partition("CMD ")[2])
    assert program == "lucid2mqtt"
    assert verb in VERBS


def test_the_agent_is_not_root_in_its_container() -> None:
    last = stages(CONTAINER / "Dockerfile")[-1]
    assert last.all("USER") == ["lucid2mqtt"]
    assert "useradd --system" in " ".join(last.all("RUN"))
    assert "--groups dialout" in " ".join(last.all("RUN"))


def test_what_is_copied_is_there_and_sent_to_the_builder() -> None:
    sent = {line.removeprefix("!") for line in (CONTAINER / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [words.split()[:-1] for stage in stages(CONTAINER / "Dockerfile") for words in stage.all("COPY") if "--from" not in words]
    for source in (word for words in copied for word in words):
        assert (REPOSITORY / source).exists()
        assert source.partition("/")[0] in sent
    assert (REPOSITORY / "agent/locks/build.txt").exists()


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:  # Any: YAML
    text: dict[str, Any] = YAML(typ="safe").load(CONTAINER / "compose.yaml")
    return text


def test_compose_names_what_it_declares_and_declares_what_it_names(compose: dict[str, Any]) -> None:
    assert set(compose) <= {"services", "volumes", "secrets", "networks"}
    (service,) = compose["services"].values()
    assert set(service) <= SERVICE_KEYS
    named = {volume.partition(":")[0] for volume in service["volumes"] if volume[0] not in "./"}
    assert named == set(compose["volumes"])
    assert set(service["secrets"]) == set(compose["secrets"])
    build = service["build"]
    assert (CONTAINER / build["context"]).resolve() == REPOSITORY
    assert (REPOSITORY / build["dockerfile"]).exists()


def test_compose_locks_the_agent_in_and_lets_serial_ports_through(compose: dict[str, Any]) -> None:
    (service,) = compose["services"].values()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["device_cgroup_rules"] == ["c 166:* rw"], "166 is ttyACM"
    assert "privileged" not in service
    assert "/tmp" in service["tmpfs"], "the console is there"
    assert int(service["stop_grace_period"].removesuffix("s")) >= 20, "exit states take their time"


def test_compose_starts_the_agent_with_settings_it_mounts_and_secrets_it_reads(compose: dict[str, Any]) -> None:
    (service,) = compose["services"].values()
    _parser(service["command"]).parse_args(service["command"])
    assert any(volume.split(":")[1] == service["command"][-1] and volume.endswith(":ro") for volume in service["volumes"])
    assert service["environment"] == {"LUCID2MQTT_SECRETS_DIR": "/run/secrets"}
    for secret in service["secrets"]:
        section, key = secret.split("__")
        assert key in Settings.model_json_schema()["$defs"][f"{section.capitalize()}Settings"]["properties"]
