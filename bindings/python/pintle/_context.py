"""`ssl` decided by pins: after the handshake, before a byte of the app's, and again before each write once trust changed."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._pintle import Pintle


class Refused(ssl.SSLCertVerificationError):
    """The pins refuse the connection; no byte of a request was sent."""

    def __init__(self, host: str, code: str) -> None:
        super().__init__(1, f"pintle: {host}: {code}")
        self.host = host
        self.code = code
        self.verify_code = 1
        self.verify_message = code


def find_refusal(error: BaseException | None) -> Refused | None:
    """The refusal that made an HTTP client fail, if one did: clients wrap it in errors of their own."""
    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        candidate = pending.pop()
        if isinstance(candidate, Refused):
            return candidate
        if isinstance(candidate, BaseException) and id(candidate) not in seen:
            seen.add(id(candidate))
            # `reason` is urllib3's.
            pending += [candidate.__cause__, candidate.__context__, getattr(candidate, "reason", None), *candidate.args]
    return None


class _Pinned:
    """What sockets and memory objects share. `_may_wait`: whether the handshake runs on a thread that may block."""

    _may_wait = True
    _generation: int | None = None
    _evidence: tuple[str, list[bytes], list[bytes] | None, bool] | None = None

    def _decide(self) -> None:
        context = self.context  # type: ignore[attr-defined]
        host = self.server_hostname  # type: ignore[attr-defined]
        if not host or context._pintle is None:
            raise Refused(host or "", "host_invalid")
        if self._evidence is None:
            accepted = context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname
            # A resumed session shows no certificate; our contexts resume none.
            accepted = accepted and not self.session_reused  # type: ignore[attr-defined]
            path = _chain(self, "get_verified_chain") if accepted else None
            self._evidence = (host, _chain(self, "get_unverified_chain"), path, accepted)
        native = context._pintle._open()
        decision = native.check(*self._evidence, self._may_wait)
        self._generation = decision.generation
        if not decision.allowed:
            # Whoever goes on in spite of it meets the same answer.
            self._generation = None
            raise Refused(host, decision.code or "internal_error")

    def _decide_again(self) -> None:
        """Before a write: as long as nobody changed what is trusted, one comparison."""
        pintle = self.context._pintle  # type: ignore[attr-defined]
        if self._generation is None or pintle._open().generation() != self._generation:
            self._decide()


def _chain(connection: Any, name: str) -> list[bytes]:
    method = getattr(connection, name, None) or getattr(connection._sslobj, name)
    # Public since Python 3.13 and in bytes; before that, certificates.
    return [der if isinstance(der, bytes) else der.public_bytes(2) for der in method() or []]


class PinnedSocket(_Pinned, ssl.SSLSocket):
    """A TLS socket that its context's pins decide."""

    def do_handshake(self, block: bool = False) -> None:
        self._may_wait = self.gettimeout() != 0.0
        super().do_handshake(block)
        if not self.server_side:
            self._decide()

    def send(self, data: Any, flags: int = 0) -> int:
        if self._sslobj is not None:  # type: ignore[attr-defined]
            self._decide_again()
        return super().send(data, flags)

    def write(self, data: Any) -> int:
        self._decide_again()
        return super().write(data)


class PinnedObject(_Pinned, ssl.SSLObject):
    """The same in memory, for event loops: it cannot wait."""

    _may_wait = False

    def do_handshake(self) -> None:
        super().do_handshake()
        if not self.server_side:
            self._decide()

    def write(self, data: Any) -> int:
        self._decide_again()
        return super().write(data)


class PinnedContext(ssl.SSLContext):
    """A client's context all of whose connections are pinned: `Pintle.ssl_context`.

    It cannot be weakened (`verify_mode`, `check_hostname`), and resumes no session.
    """

    sslsocket_class = PinnedSocket
    sslobject_class = PinnedObject
    _pintle: Pintle | None = None
    _by_pins_alone: PinnedContext | None = None

    def __new__(cls, *_: object, **__: object) -> PinnedContext:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, pintle: Pintle) -> None:
        self._pintle = pintle
        self.minimum_version = ssl.TLSVersion.TLSv1_2
        if type(self) is PinnedContext:
            self._by_pins_alone = _ByPinsAlone(pintle)

    @property
    def verify_mode(self) -> ssl.VerifyMode:
        """`CERT_REQUIRED`; anything else raises `ValueError`."""
        return ssl.SSLContext.verify_mode.fget(self)  # type: ignore[attr-defined]

    @verify_mode.setter
    def verify_mode(self, mode: ssl.VerifyMode) -> None:
        if mode != ssl.CERT_REQUIRED:
            raise ValueError("a pinned context verifies certificates: verify=False and CERT_NONE cannot be had with it")

    @property
    def check_hostname(self) -> bool:
        """True; False raises `ValueError`."""
        return _CHECK_HOSTNAME.__get__(self)

    @check_hostname.setter
    def check_hostname(self, check: bool) -> None:
        if not check:
            raise ValueError("a pinned context checks the host's name")

    # What concerns the handshake holds for both: servers under `trust: "pins"` speak the same protocols.
    def set_alpn_protocols(self, alpn_protocols: Any) -> None:
        """As of any `ssl.SSLContext`."""
        super().set_alpn_protocols(alpn_protocols)
        if self._by_pins_alone is not None:
            self._by_pins_alone.set_alpn_protocols(alpn_protocols)

    def load_cert_chain(self, *arguments: Any, **options: Any) -> None:
        """As of any `ssl.SSLContext`: the client's own certificate."""
        super().load_cert_chain(*arguments, **options)
        if self._by_pins_alone is not None:
            self._by_pins_alone.load_cert_chain(*arguments, **options)

    def _for(self, host: object) -> PinnedContext:
        """The context for a host: one that the platform may refuse has to be seen to be decided."""
        if isinstance(host, bytes):
            host = host.decode("ascii", "replace")
        if self._pintle is None or self._by_pins_alone is None or not isinstance(host, str):
            return self
        return self._by_pins_alone if self._pintle._open().is_trusted_by_pins(host) else self

    def wrap_socket(  # type: ignore[override]
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """As of any `ssl.SSLContext`, for clients; `session` is not used: nothing is resumed."""
        context = self._for(server_hostname)
        return super(PinnedContext, context).wrap_socket(
            sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname
        )

    def wrap_bio(  # type: ignore[override]
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As of any `ssl.SSLContext`, for clients; `session` is not used: nothing is resumed."""
        context = self._for(server_hostname)
        return super(PinnedContext, context).wrap_bio(incoming, outgoing, server_side, server_hostname)


_CHECK_HOSTNAME: Any = next(vars(c)["check_hostname"] for c in ssl.SSLContext.__mro__ if "check_hostname" in vars(c))


class _ByPinsAlone(PinnedContext):
    """For hosts under `trust: "pins"`: OpenSSL lets everything through, and the pins, names and dates decide."""

    def __init__(self, pintle: Pintle) -> None:
        super().__init__(pintle)
        _CHECK_HOSTNAME.__set__(self, False)
        ssl.SSLContext.verify_mode.fset(self, ssl.CERT_NONE)  # type: ignore[attr-defined]


def fetch_certificate(host: str, port: int = 443, *, address: str | None = None, timeout: float = 10.0) -> list[bytes]:
    """What `host` presents (at `address`, if given), in DER, leaf first. It proves nothing, and nothing is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((address or host, port), timeout) as connection:
        with context.wrap_socket(connection, server_hostname=host) as shown:
            return _chain(shown, "get_unverified_chain")
