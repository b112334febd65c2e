"""verify-deadman: tries on the module itself whether an output goes off when nobody triggers it any more."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lucid2mqtt.app import port_options
from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.find_module import FoundModule, PortHeld, find_module
from lucid2mqtt.cli.printing import print_json
from lucid2mqtt.climate.deadman_channel import OnOffChannel
from lucid2mqtt.climate.deadman_verification import Look, Verification, wired_input
from lucid2mqtt.climate.verdicts import OutputKey, Verdicts
from lucid2mqtt.control.deadman import Semantics, Verdict, deadman_objection
from lucid2mqtt.control.deadman_trial import BY_EYE, Trial, Witness
from lucid2mqtt.domain.channel import ChannelKind
from lucid2mqtt.engine.store import StateStore, write_atomically
from lucid2mqtt.errors import LinkBusy, Reason, RequestRejected, StoreError
from lucid2mqtt.lucid.exchange import Transactor
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.watch import open_module
from lucid2mqtt.settings import Settings, load

HOLDS_S = (0.2, 60.0)
"""Shorter than this a busy host spoils the trial, longer nobody waits: it takes 15.5 times as long."""

_CLIENT = "verify-deadman"


@dataclass(frozen=True, slots=True)
class _Place:
    """A digital channel of a module that was found."""

    module: FoundModule
    number: int

    def __str__(self) -> str:
        return f"{self.module.name} channel {self.number}"

    def on(self, line: Transactor) -> OnOffChannel:
        return OnOffChannel(line, self.module.type, self.number, client=_CLIENT)


def add_verify_deadman(parser: ArgumentParser) -> None:
    parser.add_argument("module", metavar="MODULE", help="name in the settings, serial:NUMBER, or a port")
    parser.add_argument("channel", metavar="CHANNEL", help="digital output, by number or name")
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="settings of the agent that is to use it")
    witness = parser.add_mutually_exclusive_group()
    witness.add_argument(
        "--input", nargs=2, metavar=("MODULE", "CHANNEL"), help="digital input wired to the output, instead of the output's read-back"
    )
    witness.add_argument("--by-eye", action="store_true", help="you watch the output and press Enter whenever it goes on or off")
    parser.add_argument("--hold-s", type=_hold, metavar="S", help="hold time to try with, s (default: 2; 10 with --by-eye)")
    parser.add_argument("--yes", action="store_true", help="do not ask: whatever the output drives is disconnected")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_verify_deadman)


def _hold(text: str) -> float:
    low, high = HOLDS_S
    try:
        hold_s = float(text)
    except ValueError:
        hold_s = -1.0
    if not low <= hold_s <= high:
        raise ArgumentTypeError(f"{text!r} is not between {low:g} and {high:g} s")
    return hold_s


def _verify_deadman(arguments: Namespace) -> int:
    if not arguments.yes and not sys.stdin.isatty():
        raise RequestRejected(Reason.NOT_UNDERSTOOD, "nobody is there to be asked", "disconnect the load, then add --yes")
    # no module needs a secret, and whoever tries an output may not be allowed to read them
    environ = {name: value for name, value in os.environ.items() if name != "CREDENTIALS_DIRECTORY"}
    settings = load(arguments.config, environ)
    asyncio.run(_check_store(settings))
    output, witness = asyncio.run(_find(arguments, settings))
    trial = _trial(arguments)
    if not _is_agreed(arguments, output, trial):
        _say("nothing was done")
        return Exit.REFUSED
    try:
        with _ended_in_order():
            verdict, in_force = asyncio.run(_try(arguments, settings, output, witness, trial))
    except KeyboardInterrupt:
        _say("stopped before the end, nothing was kept; output and parameters are as before, unless a line above says otherwise")
        raise
    return _tell(arguments, output, verdict, in_force)


def _trial(arguments: Namespace) -> Trial:
    if arguments.hold_s is not None:
        return Trial(hold_s=arguments.hold_s)
    return BY_EYE if arguments.by_eye else Trial()


async def _find(arguments: Namespace, settings: Settings) -> tuple[_Place, _Place | None]:
    output = await _place(arguments.module, arguments.channel, settings, ChannelKind.DIGITAL_OUTPUT)
    if arguments.input is None:
        return output, None
    module, channel = arguments.input
    return output, await _place(module, channel, settings, ChannelKind.DIGITAL_INPUT)


async def _place(module: str, channel: str, settings: Settings, kind: ChannelKind) -> _Place:
    found = await find_module(module, settings)
    number = found.channel(channel)
    if found.type.family.block_of(number).kind is not kind:
        reason = Reason.NOT_AN_OUTPUT if kind.is_output else Reason.UNKNOWN_CHANNEL
        raise RequestRejected(reason, f"channel {number} of {found.name} is no {kind}", f"choose a {kind}")
    return _Place(found, number)


def _is_agreed(arguments: Namespace, output: _Place, trial: Trial) -> bool:
    _say(
        f"{output} is going to switch on and off for {trial.ends_at_s:.0f} s.\n"
        "Disconnect what it drives first: a heater, a valve, a motor. Its parameters are set back afterwards."
    )
    if arguments.by_eye:
        _say("Press Enter every time the output goes on, and every time it goes off. It is off now.")
    if arguments.yes:
        return True
    print("Is the load disconnected? Type yes: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() == "yes"


# ---- the trial


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Whoever ends this program ends it as Ctrl-C does: after everything was put back."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _try(arguments: Namespace, settings: Settings, output: _Place, witness: _Place | None, trial: Trial) -> tuple[Verdict, Verdict]:
    """What this trial saw, and what is known of the output now: an earlier one may have seen more."""
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(_open(output.module, port_options(settings)))
        look: Look | None = None
        kind = Witness.READ_BACK
        if witness is not None:
            is_same = witness.module.address == output.module.address
            other = line if is_same else await stack.enter_async_context(_open(witness.module, port_options(settings)))
            look, kind = await stack.enter_async_context(wired_input(witness.on(other))), Witness.WIRED_INPUT
        elif arguments.by_eye:
            look, kind = await stack.enter_async_context(_person(sys.stdin.fileno())), Witness.PERSON
        verdict = await Verification(output.on(line), trial, kind, look, tell=_say).run()
    return verdict, await _keep(settings, output, verdict)


@asynccontextmanager
async def _open(module: FoundModule, options: PortOptions) -> AsyncIterator[Transactor]:
    try:
        async with open_module(module.address, options) as (_, owner):
            yield owner
    except LinkBusy as fault:
        raise PortHeld(str(fault)) from fault


@asynccontextmanager
async def _person(descriptor: int) -> AsyncIterator[Look]:
    """Somebody who presses Enter at every change; gone when the input ends."""
    loop = asyncio.get_running_loop()
    presses, is_there = 0, True

    def pressed() -> None:
        nonlocal presses, is_there
        typed = os.read(descriptor, 1024)
        presses += typed.count(b"\n")
        if not typed:
            is_there = False
            loop.remove_reader(descriptor)

    async def look() -> bool | None:
        return presses % 2 == 1 if is_there else None

    loop.add_reader(descriptor, pressed)
    try:
        yield look
    finally:
        loop.remove_reader(descriptor)


# ---- what is kept


async def _check_store(settings: Settings) -> None:
    """Raises StoreError when no verdict could be kept: before the trial, not after it."""
    await _written(settings, lambda verdicts: verdicts.keep_what_is_there())


async def _keep(settings: Settings, output: _Place, verdict: Verdict) -> Verdict:
    key = OutputKey(output.module.identity.serial, output.module.identity.firmware, output.number)

    in_force = verdict

    def keep(verdicts: Verdicts) -> None:
        nonlocal in_force
        if not verdicts.keep(key, verdict):
            in_force = verdicts.find(key)

    await _written(settings, keep)
    return in_force


async def _written(settings: Settings, change: Callable[[Verdicts], None]) -> None:
    store = StateStore(settings.state_dir, write=_write_as_owner)
    try:
        change(Verdicts(store))
        await store.flush()
    finally:
        await store.close()
    if store.fault is not None:
        raise StoreError(f"{store.fault}; run this as the user of the agent, or as root")


def _write_as_owner(path: Path, content: bytes) -> None:
    """What root keeps for the agent must be readable for the agent: it belongs to whom the folder belongs."""
    write_atomically(path, content)
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)


def _tell(arguments: Namespace, output: _Place, verdict: Verdict, in_force: Verdict) -> int:
    objection = deadman_objection(in_force, output.module.type.contact)
    if arguments.json:
        identity = output.module.identity
        where = {"module": output.module.name, "channel": output.number, "serial": identity.serial, "firmware": identity.firmware}
        print_json({**where, **verdict.saved(), "usable": objection is None, "objection": objection})
    else:
        print(f"{output}: {verdict.semantics}: {verdict.sentence}")
        if in_force != verdict:
            print(f"an earlier trial saw more, its verdict is kept: {in_force.semantics}: {in_force.sentence}")
        if objection is None:
            print("drive: auto and drive: deadman use it: the heater goes off by itself when nobody triggers it any more")
        else:
            print(f"drive: auto drives it plainly, drive: deadman refuses: {_why(in_force, objection, arguments)}")
    return Exit.DONE if objection is None else Exit.REFUSED


def _why(verdict: Verdict, objection: str, arguments: Namespace) -> str:
    """`objection`, but for a trial that saw nothing what to try next: its sentence stands above already."""
    if verdict.semantics is not Semantics.INCONCLUSIVE:
        return objection
    is_read_back = arguments.input is None and not arguments.by_eye
    return f"nothing was proven; try it again{' with --input or --by-eye' if is_read_back else ''}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
