"""The program openssl, which makes keys, certificates and revocation lists for us."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from lucid2mqtt.passthrough.certs_names import CertsError, Kind

BOOK = "book"
CONFIG = f"{BOOK}/openssl.cnf"
INDEX = f"{BOOK}/index.txt"
ISSUED = f"{BOOK}/issued"
CRL_NUMBER = f"{BOOK}/crlnumber"
AUTHORITY_DAYS = 3650
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_WITHIN_S = 60.0

CONFIG_TEXT = f"""\
# made by `lucid2mqtt certs init`; paths are relative to the folder above
[ca]
default_ca = authority

[authority]
certificate = ca.pem
private_key = ca.key
database = {INDEX}
new_certs_dir = {ISSUED}
crlnumber = {CRL_NUMBER}
rand_serial = yes
unique_subject = no
default_md = sha256
default_crl_days = {AUTHORITY_DAYS}
crl_extensions = list
policy = names

[names]
organizationalUnitName = supplied
commonName = supplied

[list]
authorityKeyIdentifier = keyid

[req]
distinguished_name = asked
string_mask = utf8only

[asked]

[root]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""


def extensions_text(kind: Kind, alternatives: Sequence[str]) -> str:
    """The extensions of one server or client certificate, as section `leaf`."""
    return f"""\
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = {kind.usage}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {", ".join(alternatives)}
"""


def openssl(folder: Path, *words: str) -> str:
    """Runs `openssl WORDS` in `folder` and gives what it printed. Raises CertsError when it is missing or says no.

    Everything it makes can be read by this user only.
    """
    try:
        done = subprocess.run(  # noqa: S603  every word is ours or was checked
            ["openssl", *words],  # noqa: S607  wherever the user has it
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_WITHIN_S,
            umask=0o077,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise CertsError("the program openssl is missing", "install it: sudo apt install openssl") from None
    except subprocess.TimeoutExpired:
        raise CertsError(f"openssl {words[0]} did not come to an end within {_WITHIN_S:g} s", "look at the machine's load") from None
    if done.returncode != 0:
        raise CertsError(f"openssl {words[0]} failed: {_why(done.stderr)}", f"see {folder / CONFIG} and the files it names")
    return done.stdout


def _why(said: str) -> str:
    """The line that tells most: the first of openssl's stack of errors, else the last thing it said."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower() or "can't" in line.lower()), lines[-1] if lines else "no reason given")
