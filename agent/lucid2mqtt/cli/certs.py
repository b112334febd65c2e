"""certs: a private authority with certificates for servers and clients of the passthrough."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.printing import print_json, print_table
from lucid2mqtt.passthrough.certs_authority import LEAF_DAYS, Authority, Files
from lucid2mqtt.passthrough.certs_index import State, states
from lucid2mqtt.passthrough.certs_names import Kind, check_authority_name, check_name, parse_alternatives

T = TypeVar("T")
_HEADING = ("NAME", "KIND", "STATE", "ENDS", "DAYS", "SERIAL")
_LONGEST_DAYS = 3650


def add_certs(parser: ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(name: str, run: Callable[[Namespace], int], text: str) -> ArgumentParser:
        own = verbs.add_parser(name, help=text, description=text.capitalize() + ".", allow_abbrev=False)
        own.add_argument(
            "--dir",
            type=Path,
            default=Path.home() / "lucid2mqtt-certs",
            metavar="DIR",
            help="folder of the authority (default: %(default)s)",
        )
        own.set_defaults(run=run)
        return own

    begin = verb("init", _init, "begin an authority")
    begin.add_argument("--name", type=_checked(check_authority_name), default="lucid2mqtt", help="what it is called (default: %(default)s)")
    server = verb("server", _server, "make key and certificate of a server")
    client = verb("client", _client, "make key and certificate of a client")
    renew = verb("renew", _renew, "make key and certificate of a server or client again, before they end")
    revoke = verb("revoke", _revoke, "take back the certificates of a server or client")
    for own in (server, client, renew, revoke):
        own.add_argument("name", type=_checked(check_name), metavar="NAME", help="for a server best the host name its clients dial")
    for own in (server, client, renew):
        own.add_argument("--days", type=_days, default=LEAF_DAYS, metavar="N", help="how long it is good for (default: %(default)s)")
    server.add_argument(
        "--san",
        type=_checked(parse_alternatives),
        action="append",
        default=[],
        metavar="dns:HOST,ip:ADDRESS",
        help="other names and addresses by which clients dial it; may be given again",
    )
    listed = verb("list", _list, "all certificates and when they end")
    listed.add_argument("--json", action="store_true", help="print JSON")


def _init(arguments: Namespace) -> int:
    authority = Authority(arguments.dir)
    authority.found(arguments.name)
    print(f"{authority.cert}: the authority {arguments.name}, good until {authority.ends():%Y-%m-%d}")
    print(f"{authority.key}: its key; keep it here, and keep a copy of the folder in a safe place")
    print("next: lucid2mqtt certs server NAME, lucid2mqtt certs client NAME")
    return Exit.DONE


def _server(arguments: Namespace) -> int:
    authority = Authority(arguments.dir)
    alternatives = [name for names in arguments.san for name in names]
    _tell_server(authority, authority.issue(Kind.SERVER, arguments.name, alternatives, days=arguments.days), arguments.name)
    return Exit.DONE


def _client(arguments: Namespace) -> int:
    authority = Authority(arguments.dir)
    _tell_client(authority, authority.issue(Kind.CLIENT, arguments.name, days=arguments.days), arguments.name)
    return Exit.DONE


def _renew(arguments: Namespace) -> int:
    authority = Authority(arguments.dir)
    files = authority.renew(arguments.name, days=arguments.days)
    tell = _tell_server if authority.kind_of(arguments.name) is Kind.SERVER else _tell_client
    tell(authority, files, arguments.name)
    print(f"the earlier certificate is accepted until it ends; lucid2mqtt certs revoke {arguments.name} ends both")
    return Exit.DONE


def _revoke(arguments: Namespace) -> int:
    authority = Authority(arguments.dir)
    for serial in authority.revoke(arguments.name):
        print(f"{arguments.name}: {serial} is revoked")
    print(f"copy {authority.cert_and_crl} to every machine that names it as its ca; until then {arguments.name} is trusted there")
    return Exit.DONE


def _list(arguments: Namespace) -> int:
    authority = Authority(arguments.dir)
    now = datetime.now(UTC)
    book = authority.issued()
    ends = authority.ends()
    found = [_Line("ca", "authority", str(State.VALID if ends > now else State.EXPIRED), ends, authority.serial())]
    found += [
        _Line(entry.name, entry.kind, str(state), entry.ends, entry.serial) for entry, state in zip(book, states(book, now), strict=True)
    ]
    if arguments.json:
        print_json([line._asdict() | {"ends": f"{line.ends:%Y-%m-%dT%H:%M:%SZ}"} for line in found])
    else:
        rows = [(line.name, line.kind, line.state, f"{line.ends:%Y-%m-%d}", str((line.ends - now).days), line.serial) for line in found]
        print_table(rows, heading=_HEADING)
    return Exit.DONE


class _Line(NamedTuple):
    name: str
    kind: str
    state: str
    ends: datetime
    serial: str


def _tell_server(authority: Authority, files: Files, name: str) -> None:
    print(f"""\
copy to {name}, where only its program may read them:
  {files.both}    key and certificate
  {authority.cert_and_crl}    who may come in, and who no more
there, for a listener of lucid2mqtt:
  tls: {{cert: {files.both.name}, key: {files.both.name}, ca: {authority.cert_and_crl.name}}}
or with socat, which does not look at revocations:
  socat OPENSSL-LISTEN:4001,reuseaddr,fork,max-children=1,cert={files.both.name},cafile={authority.cert.name} DEVICE,raw,echo=0""")


def _tell_client(authority: Authority, files: Files, name: str) -> None:
    print(f"""\
copy to {name}, where only its user may read them:
  {files.both}    key and certificate
  {authority.cert}    the authority
there, with lucid2mqtt:
  lucid2mqtt attach tls://SERVER:4001 LINK --cert {files.both.name} --ca {authority.cert.name}
or with socat:
  socat PTY,link=LINK,raw,echo=0 OPENSSL-CONNECT:SERVER:4001,cert={files.both.name},cafile={authority.cert.name}""")


def _checked(check: Callable[[str], T]) -> Callable[[str], T]:
    """`check` with its ValueError as argparse shows it to the user."""

    def convert(text: str) -> T:
        try:
            return check(text)
        except ValueError as fault:
            raise ArgumentTypeError(str(fault)) from None

    return convert


def _days(text: str) -> int:
    days = int(text) if text.isdecimal() else 0
    if not 1 <= days <= _LONGEST_DAYS:
        raise ArgumentTypeError(f"{text!r} is no number of days from 1 to {_LONGEST_DAYS}")
    return days
