"""Encryption between hosts, where each end proves who it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class Tls:
    """A node's certificate and key, and the authority that signed everybody's: files in PEM.

    Both ends show a certificate and check the other's, with TLS 1.3 alone. `check_host` says whether whoever connects
    also compares the host it asked for with the names in the other's certificate; leave that out only if every holder
    of a certificate of this authority may stand for every other.
    """

    certificate: str
    key: str
    authority: str
    check_host: bool = True

    def listening(self) -> ssl.SSLContext:
        """For who takes connections.

        Raises:
            OSError: a file is missing, or holds something else.
        """
        import ssl  # Here, because it takes long to import, and one machine alone has no use for it.

        return self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def connecting(self) -> ssl.SSLContext:
        """For who makes them.

        Raises:
            OSError: a file is missing, or holds something else.
        """
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.check_host
        return self._load(context)

    def _load(self, context: ssl.SSLContext) -> ssl.SSLContext:
        import ssl

        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(self.certificate, self.key)
        context.load_verify_locations(cafile=self.authority)
        return context
