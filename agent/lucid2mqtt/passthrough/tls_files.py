"""Certificates of a listener, read again when their files change."""

from __future__ import annotations

import logging
import ssl

from lucid2mqtt.passthrough.options import ServerTls

_log = logging.getLogger(__name__)

_Stamp = tuple[tuple[int, int, int], ...]


class Certificates:
    """Gives the TLS context for each new connection; connections that stand keep the one they began with."""

    def __init__(self, files: ServerTls) -> None:
        """Reads the files. Raises OSError (ssl.SSLError among them) when they cannot be used."""
        self._files = files
        self._is_told = False
        self._stamp = self._look()
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """The context of the files as they are now; of the last usable ones while they cannot be used."""
        try:
            stamp = self._look()
            if stamp != self._stamp:
                self._context = self._load()
                self._stamp = stamp
                self._is_told = False
                _log.info("%s: read again", self._files.cert)
        except OSError as fault:
            level = logging.DEBUG if self._is_told else logging.WARNING
            self._is_told = True
            _log.log(level, "%s: changed, but cannot be used (%s); the earlier one stays in use", self._files.cert, fault)
        return self._context

    def _look(self) -> _Stamp:
        paths = (self._files.cert, self._files.key, self._files.ca)
        seen = [path.stat() for path in paths if path is not None]
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in seen)

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._files.cert, self._files.key)
        if self._files.ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self._files.ca)
            if context.cert_store_stats()["crl"]:  # the file may hold a list of revoked certificates too
                context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        return context
