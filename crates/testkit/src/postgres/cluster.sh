# Runs a PostgreSQL of its own in a folder of its own. $1: directory of its programs; the rest: `name=value` settings.
# Says where it is, then obeys `start` and `stop`, one a line, saying `done` after each. When standard input closes, which
# the death of the test does too, it ends the server and removes the folder.
set -eu
bin=$1
shift
trap '' HUP INT TERM
folder=$(mktemp -d /tmp/pintle-postgres.XXXXXX)
cd "$folder"
as="setpriv --pdeathsig QUIT"
own() { :; }
if [ "$(id -u)" = 0 ]; then
    # PostgreSQL refuses to run as root.
    as="$as --reuid postgres --regid postgres --clear-groups"
    own() { chown -R postgres: "$folder"; }
fi
fail() {
    cat log >&2
    rm -rf "$folder"
    exit 1
}
start() {
    # A test may have put files there.
    own
    $as "$bin/postgres" -D data -k "$folder" "$@" >>log 2>&1 &
    server=$!
    until "$bin/pg_isready" --quiet --host "$folder"; do
        kill -0 "$server" 2>/dev/null || fail
        sleep 0.02
    done
}
stop() {
    kill -"$1" "$server" 2>/dev/null || true
    wait "$server" || true
}
for setting in "$@"; do
    shift
    set -- "$@" -c "$setting"
done
# First, so that a setting can switch it on again: nobody here needs to survive a loss of power.
set -- -c fsync=off "$@"
: >log
own
$as "$bin/initdb" -D data -U pintle -A trust -E UTF8 --locale C --no-sync >>log 2>&1 || fail
start "$@"
echo "$folder"
while read -r command; do
    case $command in
    start) start "$@" ;;
    stop) stop INT ;;
    esac
    echo done
done
stop QUIT
rm -rf "$folder"
