import pytest

from lucid2mqtt.passthrough.attach_words import alert_words, verdict_words


def test_a_verdict_nobody_foresaw_is_told_as_openssl_says_it() -> None:
    assert verdict_words(62, "Hostname mismatch").endswith("--server-name")
    assert verdict_words(9999, "moon in the wrong phase").endswith("moon in the wrong phase")


@pytest.mark.parametrize("reason", ["TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_CERTIFICATE_REQUIRED"])
def test_alerts_are_known_whatever_version_they_are_of(reason: str) -> None:
    assert "--cert" in alert_words(reason)


def test_an_alert_nobody_foresaw_is_told_in_plain_letters() -> None:
    assert alert_words("UNEXPECTED_RECORD") == "TLS failed: unexpected record"
    assert alert_words("") == "TLS failed: no reason given"
