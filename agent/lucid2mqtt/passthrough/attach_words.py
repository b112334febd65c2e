"""Why a connection to the other side did not come about or broke, in words with a remedy. Pure."""

from __future__ import annotations

_VERDICTS = {
    3: "no revocation list in the --ca file is of the server's authority",
    9: "the server's certificate is not valid yet: check the clocks of both machines",
    10: "the server's certificate has expired: renew it there",
    12: "the revocation list in the --ca file is too old: copy a new one from the authority",
    18: "the server's certificate is not signed by an authority of --ca",
    19: "the server's certificate is not signed by an authority of --ca",
    20: "the server's certificate is not signed by an authority of --ca",
    21: "the server's certificate is not signed by an authority of --ca",
    23: "the server's certificate is revoked",
    26: "the server's certificate is none for servers",
    62: "the server's certificate is for another name: dial the name it is for, or give that as --server-name",
    64: "the server's certificate is for another address: dial the name it is for, or give that as --server-name",
}
"""X509_V_ERR_... numbers, in every OpenSSL the same (x509_vfy.h)."""

_ALERTS = (
    ("CERTIFICATE_REQUIRED", "the server wants a certificate of ours: give one with --cert"),
    ("CERTIFICATE_REVOKED", "the server says that our certificate is revoked"),
    ("CERTIFICATE_EXPIRED", "the server says that our certificate has expired: renew it"),
    ("UNKNOWN_CA", "the server does not know the authority of our certificate"),
    ("BAD_CERTIFICATE", "the server does not accept our certificate"),
    ("UNSUPPORTED_CERTIFICATE", "the server says that our certificate is none for clients"),
    ("CERTIFICATE_UNKNOWN", "the server does not accept our certificate"),
    ("HANDSHAKE_FAILURE", "the server refuses: it wants another certificate, or other ciphers"),
    ("PROTOCOL_VERSION", "the server speaks only versions of TLS that are no longer safe"),
    ("WRONG_VERSION_NUMBER", "the other side does not speak TLS: tcp:// instead of tls://, perhaps"),
)
"""By a part of OpenSSL's reason: the parts before it change with versions."""


def verdict_words(code: int, message: str) -> str:
    """What it means that the server's certificate failed the check `code`; `message` is what OpenSSL says about it."""
    return _VERDICTS.get(code) or f"the server's certificate is not accepted: {message}"


def alert_words(reason: str) -> str:
    """What a fault of the TLS connection means; `reason` as in `ssl.SSLError.reason`, empty when there is none."""
    return next(
        (words for part, words in _ALERTS if part in reason), f"TLS failed: {reason.lower().replace('_', ' ') or 'no reason given'}"
    )
