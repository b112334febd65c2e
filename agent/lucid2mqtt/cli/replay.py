"""thermostat replay: what a thermostat does on a simulated day, or would have done on a recorded one."""

from __future__ import annotations

import csv
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.printing import print_json, print_table
from lucid2mqtt.cli.replay_day import read_day, span_s
from lucid2mqtt.cli.replay_options import default_options, options_of_settings, zone_of
from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.errors import Reason, RequestRejected, SettingsError, SettingsFault
from lucid2mqtt.replay.day import Command
from lucid2mqtt.replay.moment import Moment, document_of
from lucid2mqtt.replay.picture import draw
from lucid2mqtt.replay.played import Played, play_day, play_recording
from lucid2mqtt.replay.recording import BadRecording, Recording, read_recording
from lucid2mqtt.replay.timescale import nice_step_s, time_text

ROWS = 24
"""About so many rows are shown unless --every says otherwise."""
_MOST_ROWS = 10_000


def add_replay(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a simulated day (.yaml), or a recorded one (.csv)")
    parser.add_argument("-c", "--config", type=Path, metavar="SETTINGS", help="take the thermostat from this settings file")
    parser.add_argument("--name", metavar="NAME", help="which thermostat of it, where there are several")
    parser.add_argument(
        "--every", type=_every, metavar="TIME", help='time between two rows, as "0:30" or in seconds (default: about 24 rows)'
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--csv", type=Path, metavar="OUT", help="write every step to this file")
    parser.add_argument("--svg", type=Path, metavar="OUT", help="draw temperatures, duty and relay to this file")
    parser.set_defaults(run=_replay)


def _every(text: str) -> float:
    try:
        seconds = span_s(text)
    except ValueError as fault:
        raise ArgumentTypeError(str(fault)) from None
    if not isinstance(seconds, float) or not 0.0 < seconds < float("inf"):
        raise ArgumentTypeError(f"{text!r} is no time between two rows")
    return seconds


def _replay(arguments: Namespace) -> int:
    played = _played(arguments)
    if arguments.csv is not None:
        _write_csv(arguments.csv, played)
    if arguments.svg is not None:
        _write(arguments.svg, draw(played.moments, played.begins, title=played.title, note=played.note))
    every_s: float = arguments.every or nice_step_s(played.length_s, ROWS)
    if played.length_s / every_s > _MOST_ROWS:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, f"--every {every_s:g} s gives too many rows", "take a longer time, or --csv")
    shown = list(_rows(played.moments, every_s))
    if arguments.json:
        print_json(_document(played, shown))
    else:
        _tell(played, shown)
    return Exit.DONE


def _played(arguments: Namespace) -> Played:
    chosen = options_of_settings(arguments.config, arguments.name) if arguments.config is not None else None
    if arguments.config is None and arguments.name is not None:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, "--name needs the settings", "add -c SETTINGS")
    file: Path = arguments.file
    match file.suffix.lower():
        case ".csv":
            options = chosen or default_options()
            return play_recording(_recording(file, options), options, title=file.stem)
        case ".yaml" | ".yml":
            described = read_day(file)
            if chosen is not None and described.thermostat is not None:
                message = f"{file} has a thermostat of its own"
                raise RequestRejected(Reason.NOT_UNDERSTOOD, message, "leave out either -c or its thermostat part")
            options = chosen or described.thermostat or default_options()
            return play_day(replace(described.day, begins=_aware(described.day.begins, options)), options)
    raise RequestRejected(Reason.NOT_UNDERSTOOD, f"{file} is neither a day nor a recording", "name a file that ends in .yaml or .csv")


def _recording(file: Path, options: ClimateOptions) -> Recording:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return read_recording(lines, naive=lambda when: _aware(when, options))
    except BadRecording as fault:
        raise SettingsError((SettingsFault(f"{file}:{fault.line}:1", "recording", str(fault), fault.remedy),)) from None
    except OSError as fault:
        remedy = "name an existing file" if isinstance(fault, FileNotFoundError) else ""
        raise SettingsError((SettingsFault(str(file), "file", f"cannot be read: {fault.strerror}", remedy),)) from None
    except UnicodeDecodeError as fault:
        raise SettingsError((SettingsFault(str(file), "file", f"byte {fault.start} is not UTF-8 text", "save it as UTF-8"),)) from None


def _aware(when: datetime, options: ClimateOptions) -> datetime:
    return when if when.tzinfo is not None else when.replace(tzinfo=zone_of(options))


def _rows(moments: Sequence[Moment], every_s: float) -> Iterator[Moment]:
    """One each `every_s`, the last one, and every moment at which something out of the ordinary begins or ends."""
    due_s, remark = 0.0, ""
    for moment in moments:
        if moment.at_s >= due_s or moment.remark != remark or moment is moments[-1]:
            yield moment
            remark = moment.remark
            while due_s <= moment.at_s:
                due_s += every_s


# ---- told


def _tell(played: Played, shown: Sequence[Moment]) -> None:
    print(played.title)
    for line in (played.note, played.learned):
        if line:
            print(line)
    print()
    heading = ("time", "is", "target", "duty", "heat", *(("room",) if played.is_simulated else ()), "")
    print_table([_row(played, moment) for moment in shown], heading=heading)
    print()
    for command, refusal in played.refusals:
        print(f"{_time(played, command.at_s)} {_words(command)} was refused: {refusal} ({refusal.remedy})")
    print_table([*played.summary_rows()])


def _row(played: Played, moment: Moment) -> tuple[str, ...]:
    body = (_degrees(moment.true_c, 2),) if played.is_simulated else ()
    delivered = f"{moment.delivered:.0%}" if 0.0 < abs(moment.delivered) < 1.0 else "on" if moment.delivered else "-"
    return (
        _time(played, moment.at_s),
        _degrees(moment.reading_c, 1),
        _degrees(moment.setpoint_c, 1),
        f"{moment.duty:.0%}",
        delivered,
        *body,
        moment.remark,
    )


def _time(played: Played, at_s: float) -> str:
    return time_text(played.begins, at_s, played.length_s, seconds=True)


def _degrees(celsius: float | None, decimals: int) -> str:
    return "-" if celsius is None else f"{celsius:.{decimals}f}"


def _words(command: Command) -> str:
    return f"{command.deed} {command.value:g}" if isinstance(command.value, float) else f"{command.deed} {command.value}"


def _document(played: Played, shown: Sequence[Moment]) -> Mapping[str, object]:
    return {
        "title": played.title,
        "note": played.note,
        "learned": played.learned,
        "simulated": played.is_simulated,
        "begins": played.begins.isoformat(),
        "summary": played.summary.document(),
        "refused": [
            {"at_s": command.at_s, "command": _words(command), "reason": str(refusal), "remedy": refusal.remedy}
            for command, refusal in played.refusals
        ],
        "moments": [document_of(moment) for moment in shown],
    }


# ---- written


def _write_csv(path: Path, played: Played) -> None:
    first = document_of(played.moments[0])
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, first, lineterminator="\n")
            table.writeheader()
            for moment in played.moments:
                table.writerow({**document_of(moment), "alarms": " ".join(alarm.name for alarm in moment.alarms)})
    except OSError as fault:
        raise _unwritable(path, fault) from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise _unwritable(path, fault) from None


def _unwritable(path: Path, fault: OSError) -> RequestRejected:
    return RequestRejected(Reason.NOT_UNDERSTOOD, f"{path} cannot be written: {fault.strerror}", "name a place you may write to")
