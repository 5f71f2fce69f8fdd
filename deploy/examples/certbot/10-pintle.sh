#!/bin/sh
# Goes to /etc/letsencrypt/renewal-hooks/deploy/: certbot runs it once for every lineage it renewed.
# /etc/pintle/certbot.env, mode 0600, says PINTLE_SERVER, PINTLE_ORGANIZATION, PINTLE_PROJECT, PINTLE_TOKEN and, to release
# without a person, PINTLE_KEY (and PINTLE_KEY_PASSWORD).
set -eu
set -a
. "${PINTLE_ENV:-/etc/pintle/certbot.env}"
set +a
if [ -n "${PINTLE_KEY:-}" ]; then
    exec pintle hook certbot --release "$@"
fi
exec pintle hook certbot "$@"
