"""The keys of the settings, with units, limits, defaults and the sentence the reference page prints for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, PrivateAttr, SecretStr, model_validator
from pydantic.functional_validators import AfterValidator, BeforeValidator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.settings import machine
from lucid2mqtt.settings.fields import Objection, PositiveSeconds, Section, Slug, checked_port, checked_topic, checked_url, checked_usb_id
from lucid2mqtt.settings.files import FilePath
from lucid2mqtt.settings.findings import SettingsWarning
from lucid2mqtt.settings.modules import ModuleSettings
from lucid2mqtt.settings.passthrough import PassthroughSettings
from lucid2mqtt.settings.thermostat_sources import source_channels
from lucid2mqtt.settings.thermostats import ThermostatSettings

if TYPE_CHECKING:
    from lucid2mqtt.climate.options import ClimateOptions
    from lucid2mqtt.engine.remote import RemoteOptions
    from lucid2mqtt.passthrough.options import ListenerOptions


def _as_written(given: object) -> object:
    """A bare 5 is a number to YAML and a version to people."""
    return str(given) if isinstance(given, int) else given


Topic = Annotated[str, AfterValidator(checked_topic)]


class TlsSettings(Section):
    ca: FilePath | None = Field(None, description="File with the certificates to trust, PEM; without it those of the system.")
    cert: FilePath | None = Field(None, description="Our own certificate, PEM, for brokers that ask for one. Needs `key`.")
    key: FilePath | None = Field(None, description="The private key of `cert`, PEM.")

    @model_validator(mode="after")
    def _certificate_and_key(self) -> TlsSettings:
        if (self.cert is None) is not (self.key is None):
            raise Objection("cert and key belong together", "name both files or none")
        return self


class MqttSettings(Section):
    url: Annotated[str, AfterValidator(checked_url)] = Field(
        "mqtt://localhost:1883",
        description="The broker: mqtt://host:1883, mqtts://host:8883, ws://host:80/path, wss://host:443/path or unix:///path/of/socket.",
    )
    username: str | None = Field(None, min_length=1, description="Name to log in with.")
    password: SecretStr | None = Field(None, description="Password to log in with. Better kept in `password_file` or a secret file.")
    password_file: FilePath | None = Field(None, description="File that holds the password; a line end after it is ignored.")
    client_id: str | None = Field(None, min_length=1, description="Name of this client at the broker; default: lucid2mqtt- and the node.")
    protocol: Annotated[Literal["auto", "5", "3.1.1"], BeforeValidator(_as_written)] = Field(
        "auto", description="MQTT version. auto tries 5, then 3.1.1 where the broker refuses or does not answer."
    )
    keepalive_s: int = Field(
        15, ge=5, le=3600, description="Longest silence towards the broker, s; it reports us gone after 1.5 times this."
    )
    tls: TlsSettings = Field(TlsSettings.model_construct(), description="Certificates, for mqtts and wss.")
    base_topic: Topic = Field("lucid2mqtt", description="First level of all our topics; the node follows.")

    @model_validator(mode="after")
    def _one_password(self) -> MqttSettings:
        if self.password is not None and self.password_file is not None:
            raise Objection("password and password_file are both given", "keep one of them")
        if self.username is None and (self.password is not None or self.password_file is not None):
            raise Objection("a password without a username", "add username")
        return self


class HomeAssistantSettings(Section):
    enabled: bool = Field(True, description="Announce modules and channels to Home Assistant (MQTT discovery).")
    prefix: Topic = Field("homeassistant", description="Discovery prefix as set in Home Assistant.")
    birth_topic: Topic | None = Field(
        None, description="Topic on which Home Assistant says online and offline; default: the prefix and /status."
    )


class ConsoleSettings(Section):
    path: FilePath = Field(
        default_factory=machine.console_path,
        description="Unix socket for the command line. Default: console.sock in $RUNTIME_DIRECTORY, else in /run/lucid2mqtt (root),"
        " else in $XDG_RUNTIME_DIR/lucid2mqtt, else in the state directory.",
    )


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least important line that is logged.")


class Settings(BaseSettings):
    """Everything lucid2mqtt can be told."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """One source: what `load` has gathered from file, secrets and variables, because it knows the place of every value."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    node: Slug = Field(default_factory=machine.host_slug, description="Name of this agent in topics (made a slug). Default: the host name.")
    mqtt: MqttSettings = Field(MqttSettings.model_construct(), description="The broker.")
    home_assistant: HomeAssistantSettings = Field(HomeAssistantSettings.model_construct(), description="What Home Assistant is told.")
    ports: tuple[Annotated[str, AfterValidator(checked_port)], ...] = Field(
        ("auto",),
        description="Where to look for modules: auto (USB, see usb_ids), device paths with * and ?, tcp://host:port, tls://host:port;"
        " a path after ! is left alone.",
    )
    usb_ids: tuple[Annotated[str, AfterValidator(checked_usb_id)], ...] = Field(
        ("16D0:0821",), min_length=1, description="USB vendor:product numbers that auto takes for LucidControl modules, hexadecimal."
    )
    scan_s: PositiveSeconds = Field(1.0, le=3600, description="Time between two looks for ports that came or went, s.")
    port_tls: TlsSettings = Field(TlsSettings.model_construct(), description="Certificates for tls:// ports.")
    modules: tuple[ModuleSettings, ...] = Field(
        (), description="What is known about single modules; modules not named here run with the defaults."
    )
    thermostats: tuple[ThermostatSettings, ...] = Field(
        (), description="Rooms and vessels that are kept at a temperature; they need no broker."
    )
    passthrough: tuple[PassthroughSettings, ...] = Field(
        (), description="Listeners for programs that speak to modules over a serial port or ser2net today."
    )
    state_dir: FilePath = Field(
        default_factory=machine.state_dir,
        description="Folder for counter totals and what was announced. Default: $STATE_DIRECTORY, else /var/lib/lucid2mqtt (root),"
        " else ~/.local/state/lucid2mqtt.",
    )
    console: ConsoleSettings = Field(default_factory=ConsoleSettings, description="The socket the command line uses.")
    log: LogSettings = Field(LogSettings.model_construct(), description="What is logged.")

    _warnings: tuple[SettingsWarning, ...] = PrivateAttr(())

    @property
    def warnings(self) -> tuple[SettingsWarning, ...]:
        """What is doubtful, in the order of the file; told once, it keeps nobody from running."""
        return self._warnings

    def with_warnings(self, warnings: tuple[SettingsWarning, ...]) -> Self:
        """Takes them in; for `load`, which has just made these settings."""
        self._warnings = warnings
        return self

    @property
    def client_id(self) -> str:
        return self.mqtt.client_id or f"lucid2mqtt-{self.node}"

    @property
    def birth_topic(self) -> str:
        return self.home_assistant.birth_topic or f"{self.home_assistant.prefix}/status"

    def listener_options(self) -> tuple[ListenerOptions, ...]:
        """The passthrough listeners in its own words, in the order of the file."""
        return tuple(listener.options() for listener in self.passthrough)

    def module_options(self) -> tuple[ModuleOptions, ...]:
        """The modules in the engine's words, in the order of the file."""
        return tuple(module.options() for module in self.modules)

    def climate_options(self) -> tuple[ClimateOptions, ...]:
        """The thermostats in the engine's words, in the order of the file."""
        if not self.thermostats:
            return ()
        from lucid2mqtt.settings.thermostat_options import house_options  # noqa: PLC0415  loading control takes a part of every start

        return house_options(self.thermostats, self.modules)

    def remote_options(self) -> tuple[RemoteOptions, ...]:
        """The temperatures that come by topic, each once."""
        channels = source_channels(source for thermostat in self.thermostats for source in thermostat.sources)
        if not channels:
            return ()
        from lucid2mqtt.engine.remote import RemoteOptions  # noqa: PLC0415  as above

        return tuple(
            RemoteOptions(channel=channel, topic=source.topic, key=source.key, max_age_s=source.max_age_s)
            for source, channel in channels.items()
            if source.topic is not None
        )
