"""A mail server for the account journeys: takes mail after STARTTLS and a sign-in, prints each as one line of JSON.

Arguments: certificate chain and key, both PEM. The first line it prints is its port. It ends with its standard input.
"""

import json
import socket
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Printer:
    async def handle_DATA(self, server, session, envelope):
        mail = {"to": envelope.rcpt_tos, "data": envelope.content.decode("ascii"), "tls": session.ssl is not None}
        print(json.dumps(mail), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"pintle", b"mail password")
    return AuthResult(success=known)


def find_free_port():
    """The controller connects to the port it is told: it cannot be told to find one."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1], sys.argv[2])
controller = Controller(
    Printer(),
    hostname="127.0.0.1",
    port=find_free_port(),
    tls_context=context,
    require_starttls=True,
    authenticator=authenticate,
    auth_required=True,
)
controller.start()
print(controller.port, flush=True)
sys.stdin.read()
controller.stop()
