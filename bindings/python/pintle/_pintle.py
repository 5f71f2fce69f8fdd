"""Setting up, and what an app holds then."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ._context import PinnedContext
from ._native import Decision, Error, Native
from ._refresher import Fetcher, Refresher

_logger = logging.getLogger("pintle")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


class Event(NamedTuple):
    """Something that happened."""

    kind: str
    """One word, as `connection` or `config_accepted`."""
    code: str | None
    """The stable code, where it is a failure or a warning."""
    severity: str
    """`debug`, `info`, `warn` or `error`."""
    host: str | None
    """The host it is about."""
    message: str
    """A sentence for people."""


Listener = Callable[[Event], object]


class Pintle:
    """Pinning for one project, running: it refreshes in the background until `close`. Several live side by side."""

    def __init__(
        self,
        bundle: str | os.PathLike[str] | bytes | None = None,
        *,
        organization: str | None = None,
        project: str | None = None,
        public_key: str | None = None,
        urls: Sequence[str] | None = None,
        recovery_key: str | None = None,
        built_at: int | None = None,
        seed: bytes | None = None,
        permissive: bool = False,
        storage_dir: str | os.PathLike[str] | None = None,
        fetch_timeout: float = 10.0,
        report_to: str | None = None,
        listener: Listener | None = None,
        config_context: ssl.SSLContext | None = None,
        dangerous_allow_http_loopback: bool = False,
    ) -> None:
        """See `setup`. Does not wait for the network: until a configuration comes, every connection is refused."""
        root = {
            "organization": organization,
            "project": project,
            "public_key": public_key,
            "urls": urls,
            "recovery_key": recovery_key,
            "built_at": built_at,
        }
        self._listeners: list[Listener] = [listener] if listener is not None else []
        self._closed = False
        # A proxy would look for the loopback host on its own machine.
        refresher = Refresher(Fetcher(config_context, use_proxies=not dangerous_allow_http_loopback))
        self._refresher = refresher
        listeners = self._listeners
        self._native = Native(
            bundle=_read_bundle(bundle, root),
            seed=seed,
            permissive=permissive,
            fetch_timeout=fetch_timeout,
            storage_dir=storage_dir,
            report_to=report_to,
            http_loopback=dangerous_allow_http_loopback,
            listener=lambda *event: _tell(listeners, Event(*event)),
            wake=lambda: refresher.wake(),
        )
        refresher.start(self, self._native)

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Waits until a configuration is in force: at once from disk or seed, else after the first refresh. Raises `Error`."""
        self._open().wait_until_ready(timeout)

    def ssl_context(
        self, cafile: str | None = None, capath: str | None = None, cadata: str | bytes | None = None
    ) -> PinnedContext:
        """An `ssl.SSLContext` all of whose connections are pinned; with the platform's authorities, or with those given."""
        context = PinnedContext(self)
        if cafile or capath or cadata:
            context.load_verify_locations(cafile, capath, cadata)
        else:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return context

    def check(
        self,
        host: str,
        presented: Iterable[bytes],
        *,
        platform_accepts: bool,
        verified_path: Iterable[bytes] | None = None,
        ocsp_response: bytes | None = None,
        sct_list: bytes | None = None,
        may_wait: bool = True,
    ) -> Decision:
        """Decides a connection of any other stack. Chains are DER, leaf first. `verified_path` is what the platform verified
        up to a trust anchor, never what was presented."""
        path = None if verified_path is None else list(verified_path)
        return self._open().check(
            host, list(presented), path, platform_accepts, may_wait, ocsp_response, sct_list
        )

    @property
    def generation(self) -> int:
        """The generation of trust now: a connection decided under another one must be decided again before a request."""
        return self._open().generation()

    def refresh(self, timeout: float = 30.0) -> None:
        """Refreshes now, and waits until that is over. Raises `Error`; what is in force stays."""
        self._open().refresh(timeout)

    def reconfigure(self, bundle: str | os.PathLike[str] | bytes, timeout: float = 30.0) -> None:
        """Takes up another project or key, for this process only, and waits for its configuration. Whoever can change what
        is passed here decides what the app trusts."""
        native = self._open()
        native.wait_for_configuration(native.reconfigure(_read_bundle(bundle, {})), timeout)

    def set_permissive(self, permissive: bool) -> None:
        """Changes what happens to hosts without an entry."""
        self._open().set_permissive(permissive)

    def listen(self, listener: Listener) -> None:
        """Tells `listener` every event from now on, on the thread where it happens: it must not wait for a refresh. The
        logger `pintle` gets them, too."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Ends the refreshing. Connections through its contexts are refused from now on."""
        self._closed = True
        self._refresher.stop()

    def _open(self) -> Native:
        if self._closed:
            raise ValueError("this Pintle is closed")
        return self._native

    def __enter__(self) -> Pintle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def setup(bundle: str | os.PathLike[str] | bytes | None = None, *, timeout: float = 30.0, **options: Any) -> Pintle:
    """Sets up pinning and waits until a configuration is in force.

    `bundle` is `pintle.json`: its path, or its content as bytes. Without it give `organization`, `project`, `public_key` and
    `urls`. Options are those of `Pintle`: `storage_dir` keeps the configuration across restarts; `seed` is a signed
    configuration shipped inside the app; `permissive` lets hosts without an entry pass by the platform's word alone;
    `report_to` is a collector's URL, which is sent sums of violations at most once an hour.

    Raises `Error`: `setup_invalid`, or why there is no configuration.
    """
    pintle = Pintle(bundle, **options)
    try:
        pintle.wait_until_ready(timeout)
    except Error:
        pintle.close()
        raise
    return pintle


async def setup_async(
    bundle: str | os.PathLike[str] | bytes | None = None, *, timeout: float = 30.0, **options: Any
) -> Pintle:
    """`setup` that does not block the event loop."""
    return await asyncio.to_thread(setup, bundle, timeout=timeout, **options)


def _read_bundle(bundle: str | os.PathLike[str] | bytes | None, root: dict[str, object]) -> bytes:
    if isinstance(bundle, bytes):
        return bundle
    if bundle is not None:
        with open(bundle, "rb") as file:
            return file.read()
    given = {name: list(value) if name == "urls" else value for name, value in root.items() if value is not None}  # type: ignore[call-overload]
    return json.dumps(given).encode()


def _tell(listeners: list[Listener], event: Event) -> None:
    _logger.log(_LEVELS[event.severity], "%s", event.message, extra={"pintle_code": event.code})
    for listener in list(listeners):
        try:
            listener(event)
        except Exception:
            _logger.exception("a listener failed")
