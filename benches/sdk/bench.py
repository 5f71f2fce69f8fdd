"""What pinning costs in Python: `bench.py FOLDER PORT`, by `cargo xtask bench sdk`. A line of JSON for each figure."""

import json
import socket
import ssl
import sys
import time
from pathlib import Path

import pintle

HOST = "localhost"
folder, port = Path(sys.argv[1]), int(sys.argv[2])
authorities = str(folder / "ca.pem")


def measure(times, work):
    """Seconds of each of `times` calls."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - begun)
    return taken


def tell(name, taken):
    taken = sorted(taken)
    at = lambda share: taken[min(len(taken) - 1, int(len(taken) * share))]
    print(json.dumps({"name": name, "least": taken[0], "p50": at(0.5), "p99": at(0.99)}), flush=True)


def set_up(storage):
    pins = pintle.Pintle(folder / "pintle.json", storage_dir=storage, dangerous_allow_http_loopback=True)
    pins.wait_until_ready()
    return pins


storage = folder / "storage"
set_up(storage).close()
held = []
tell("set-up", measure(200, lambda: held.append(set_up(storage))))
for each in held[1:]:
    each.close()
pins = held[0]


def connect(context):
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain, server_hostname=HOST) as tls:
        return tls.get_unverified_chain() if hasattr(tls, "get_unverified_chain") else tls._sslobj.get_unverified_chain()


ordinary = ssl.create_default_context(cafile=authorities)
pinned = pins.ssl_context(cafile=authorities)
chain = [each if isinstance(each, bytes) else each.public_bytes(2) for each in connect(pinned)]
decide = lambda: pins.check(HOST, chain, platform_accepts=True, verified_path=chain)
assert decide().allowed
measure(1000, decide)
tell("decision", measure(20_000, decide))

taken = {"unpinned": [], "pinned": []}
for _ in range(300):
    taken["unpinned"] += measure(1, lambda: connect(ordinary))
    taken["pinned"] += measure(1, lambda: connect(pinned))
for name, each in taken.items():
    tell(f"handshake, {name}", each)
pins.close()
