"""Where the app listens, and under which names it answers."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress

import attrs

from visioncam_core.errors import OptionError

LOOPBACK = ("127.0.0.1", "::1")


@attrs.frozen
class Addresses:
    """Where the app can be reached: what the user named, and a TCP port."""

    host: str
    port: int

    @property
    def local(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        host = socket.gethostname() if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def known(self, host: str) -> bool:
        """Return whether a `Host` header names this app.

        A page elsewhere can make its own name point at this computer (DNS rebinding), but then its name
        stands in the header.  Numbers can't be rebound, so for a public app any of them will do.
        """
        name, port = _split(host)
        if port != self.port:
            return False
        if self.local:
            return name in ("localhost", *LOOPBACK)
        if name in ("localhost", self.host, socket.gethostname(), socket.getfqdn()):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def sockets(self) -> list[socket.socket]:
        """Return listening sockets: one, and for the default host another for IPv6 where there is IPv6."""
        found = [_listen(self.host, self.port)]
        if self.host in ("127.0.0.1", "localhost"):
            with suppress(OptionError):  # where there is no IPv6
                found.append(_listen("::1", found[0].getsockname()[1]))
        return found


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family, backlog=64)
    except (OSError, OverflowError) as error:
        text = getattr(error, "strerror", None) or str(error)
        reason = text.partition(" (while")[0].lower()  # the address follows, which is in the message already
        raise OptionError(
            f"cannot listen on {host} port {port}: {reason}; --port 0 picks a free one"
        ) from error


def _split(host: str) -> tuple[str, int]:
    """Return name and port of a `Host` header; port 80 where it has none, 0 where it is none."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, "80"
    if not port.isdecimal() or len(port) > 5:
        return name, 0
    return name.strip("[]").lower(), int(port)
