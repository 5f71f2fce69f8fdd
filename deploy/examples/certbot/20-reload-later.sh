#!/bin/sh
# Goes to /etc/letsencrypt/renewal-hooks/deploy/ beside 10-pintle.sh, instead of a hook that reloads at once. Until the reload
# the web server keeps the old certificate, which apps know and which is valid for weeks; a day later they know the new key.
# If they do not, because the release failed and fails again, nothing is reloaded. Needs PINTLE_KEY in certbot.env.
set -eu
hook="$(dirname "$0")/10-pintle.sh"
systemd-run --collect --on-active=1d \
    --setenv=RENEWED_LINEAGE="$RENEWED_LINEAGE" --setenv=RENEWED_DOMAINS="$RENEWED_DOMAINS" \
    /bin/sh -c "'$hook' --strict && systemctl reload nginx"
