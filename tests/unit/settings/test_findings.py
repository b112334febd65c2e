from lucid2mqtt.settings.findings import SettingsWarning


def test_a_warning_reads_as_a_fault_does_with_its_word() -> None:
    assert str(SettingsWarning("s.yaml:3:5", "a.b", "is doubtful", "mend it")) == "s.yaml:3:5: warning: a.b: is doubtful (mend it)"
    assert str(SettingsWarning("s.yaml:3:5", "a.b", "is doubtful")) == "s.yaml:3:5: warning: a.b: is doubtful"
