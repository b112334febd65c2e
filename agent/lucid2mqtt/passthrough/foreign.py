"""Recognises programs that speak something else, so that the log can say what is wrong instead of "garbage"."""

from __future__ import annotations

_OPENINGS = (
    (b"GET ", "a web browser (HTTP)"),
    (b"POST ", "an HTTP client"),
    (b"HEAD ", "an HTTP client"),
    (b"OPTIONS ", "an HTTP client"),
    (b"SSH-", "an SSH client"),
    (b"\x16\x03", "a TLS client; this port is not encrypted"),
    (b"\xff\xfb", "a telnet or RFC 2217 client; give it an rfc2217:// listener"),
    (b"\xff\xfd", "a telnet or RFC 2217 client; give it an rfc2217:// listener"),
)


def foreign_program(first: bytes) -> str:
    """What kind of program begins like this, in words; empty when it may be one for a LucidControl module.

    None of the openings is a request that a module could carry out: their commands are unknown or their lengths impossible.
    """
    return next((words for opening, words in _OPENINGS if first.startswith(opening)), "")
