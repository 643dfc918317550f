"""The network address of a client, behind proxies that are trusted and those that are not."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: HttpRequest) -> str:
    """The address that the request came from; empty when it came over a local socket.

    `X-Forwarded-For` is believed only as far as the hops that wrote it are listed in
    `settings.TRUSTED_PROXIES` (addresses, networks, or `unix` for a proxy on a local socket): it is
    read from its end, and the first address that is no trusted proxy is the client.
    """
    peer = request.META.get("REMOTE_ADDR") or ""
    forwarded = [part.strip() for part in (request.META.get("HTTP_X_FORWARDED_FOR") or "").split(",") if part.strip()]
    address = _parse(peer)
    while forwarded and _trusted(address):
        following = _parse(forwarded.pop())
        if following is None:
            break
        address = following
    return str(address) if address else ""


def client_network(request: HttpRequest) -> str:
    """What rate limits count by: the address, and for IPv6 the /64 that one household or host has to itself."""
    address = _parse(client_address(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address) if address else "local"


def from_trusted_proxy(request: HttpRequest) -> bool:
    """Whether the request came from a proxy whose headers are believed."""
    return _trusted(_parse(request.META.get("REMOTE_ADDR") or ""))


def _trusted(address: Address | None) -> bool:
    for entry in getattr(settings, "TRUSTED_PROXIES", ()):
        if entry == "unix":
            if address is None:
                return True
        elif address is not None and address in ipaddress.ip_network(entry, strict=False):
            return True
    return False


def _parse(text: str) -> Address | None:
    """An address from `1.2.3.4`, `1.2.3.4:567`, `::1` or `[::1]:567`; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
