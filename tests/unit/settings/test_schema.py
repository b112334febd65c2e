from pathlib import Path

from lucid2mqtt.settings.files import relative_to
from lucid2mqtt.settings.schema import Settings


def test_names_that_follow_from_others_can_be_set_too() -> None:
    settings = Settings.model_validate({"node": "AZ 2", "home_assistant": {"prefix": "ha"}})
    assert (settings.node, settings.client_id, settings.birth_topic) == ("az-2", "lucid2mqtt-az-2", "ha/status")
    own = Settings.model_validate({"mqtt": {"client_id": "me"}, "home_assistant": {"birth_topic": "ha/birth"}})
    assert (own.client_id, own.birth_topic) == ("me", "ha/birth")


def test_relative_files_begin_at_the_settings_and_absolute_ones_stay() -> None:
    given = {"mqtt": {"tls": {"ca": "ca.pem"}}, "port_tls": {"ca": "/etc/ca.pem"}, "state_dir": "~/state"}
    with relative_to(Path("/etc/lucid")):
        settings = Settings.model_validate(given)
    assert settings.mqtt.tls.ca == Path("/etc/lucid/ca.pem")
    assert settings.port_tls.ca == Path("/etc/ca.pem")
    assert settings.state_dir == Path("~/state").expanduser()
