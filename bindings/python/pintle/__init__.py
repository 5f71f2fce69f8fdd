"""Dynamic TLS certificate pinning for the HTTP client you already use.

    import pintle, requests

    pins = pintle.setup("pintle.json", storage_dir="/var/lib/myapp")
    with pintle.requests_session(pins) as session:
        session.get("https://api.example.com/")

`Pintle.ssl_context` is an `ssl.SSLContext` for any other client. A connection that the pins refuse raises `Refused`, a
subclass of `ssl.SSLError`, before a byte of the request is sent.
"""

from ._clients import aiohttp_connector, httpx_async_transport, httpx_transport, requests_adapter, requests_session
from ._clients import urllib3_pool_manager
from ._context import PinnedContext, Refused, fetch_certificate, find_refusal
from ._native import CODES, PROTOCOL_LEVEL, Decision, Error
from ._pintle import Event, Pintle, setup, setup_async

__all__ = [
    "CODES",
    "PROTOCOL_LEVEL",
    "Decision",
    "Error",
    "Event",
    "Pintle",
    "PinnedContext",
    "Refused",
    "aiohttp_connector",
    "fetch_certificate",
    "find_refusal",
    "httpx_async_transport",
    "httpx_transport",
    "requests_adapter",
    "requests_session",
    "setup",
    "setup_async",
    "urllib3_pool_manager",
]
