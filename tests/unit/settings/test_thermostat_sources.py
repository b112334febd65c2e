import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.settings.fields import Objection
from lucid2mqtt.settings.thermostat_sources import SourceSettings, channel_ref, source_channels


@pytest.mark.parametrize("text", ["Boiler room/Vorlauf Süd", "boiler-room/vorlauf-sued", " BOILER ROOM / vorlauf süd "])
def test_channels_are_written_by_names_or_slugs(text: str) -> None:
    assert channel_ref(text) == ChannelRef("boiler-room", "vorlauf-sued")


@given(text=st.text())
def test_any_text_is_a_channel_or_refused_with_a_remedy(text: str) -> None:
    try:
        told = str(channel_ref(text))
    except Objection as objection:
        told = objection.remedy
    assert "/" in told


def test_a_source_is_written_short_or_long() -> None:
    assert SourceSettings.model_validate("a/b") == SourceSettings.model_validate({"channel": "a/b"})


@given(topics=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="+#", exclude_categories=["Cc"]), min_size=1), max_size=8))
def test_every_topic_gets_a_channel_of_its_own(topics: list[str]) -> None:
    sources = [SourceSettings.model_validate({"topic": topic}) for topic in topics]
    channels = source_channels(sources)
    assert channels.keys() == set(sources)
    assert len(set(channels.values())) == len(channels)
    assert {channel.module for channel in channels.values()} <= {"remote"}
