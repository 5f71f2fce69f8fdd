"""One pinned request with requests.

    python app.py pintle.json https://api.example.com/
"""

import os
import sys

import pintle
import requests


def main(bundle: str, url: str) -> None:
    # http is for a CDN on this machine, in trials.
    with pintle.setup(bundle, dangerous_allow_http_loopback="PINTLE_DANGEROUS_HTTP" in os.environ) as pins:
        with pintle.requests_session(pins) as session:
            answer = session.get(url, timeout=30)
            print(answer.status_code, answer.text)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: app.py pintle.json URL")
    try:
        main(sys.argv[1], sys.argv[2])
    except (pintle.Error, requests.RequestException) as error:
        refusal = pintle.find_refusal(error)
        sys.exit(f"refused: {refusal.code}" if refusal else f"failed: {error}")
