#!/bin/sh
# Shows every check against the embedded mail server: command, output, exit code. Fails when an exit code is not the one told.
set -eu
cd "$(dirname "$0")/.."
cargo build --quiet --package check_smtp_conn --package check_smtp_cert --package check_smtp_auth --package check_smtp_delivery --package check_smtp_testbed
PATH=$PWD/target/debug:$PATH

variables=$(mktemp)
smtp_testbed serve >"$variables" &
server=$!
state=$(mktemp -d)
elsewhere=$state/Maildir
mkdir -p "$elsewhere/new" "$elsewhere/cur" "$elsewhere/tmp"
trap 'kill $server 2>/dev/null || true; rm -rf "$variables" "$state"' EXIT
tries=0
until grep -q TESTBED_PID "$variables"; do
    tries=$((tries + 1))
    [ $tries -le 300 ] && kill -0 $server || { echo "the embedded server did not start" >&2; exit 1; }
    sleep 0.1
done
# shellcheck disable=SC1090
. "$variables"
smtp=$TESTBED_SMTP_PORT submission=$TESTBED_SUBMISSION_PORT smtps=$TESTBED_SMTPS_PORT slow=$TESTBED_SLOW_PORT
untrusted=$TESTBED_UNTRUSTED_PORT closed=$TESTBED_CLOSED_PORT ca=$TESTBED_CA_FILE
failed=0

scene() {
    title=$1 expected=$2
    shift 2
    printf '\n# %s\n$' "$title"
    printf ' %s' "$@"
    printf '\n'
    status=0
    "$@" || status=$?
    echo "exit code $status"
    if [ $status != "$expected" ]; then
        echo "!!! exit code $expected was expected"
        failed=1
    fi
}

scene "A relay on port 25: does it answer, and how fast is each step?" 0 \
    check_smtp_conn -H 127.0.0.1 -p "$smtp" -w 1 -c 3
scene "STARTTLS, the certificate verified (here against the server's own CA)" 0 \
    check_smtp_conn -H localhost -p "$submission" -S --ca-file "$ca"
scene "Implicit TLS, every finding shown" 0 \
    check_smtp_conn -H localhost -p "$smtps" -s --ca-file "$ca" -v
scene "A slow server: a warning on one phase" 1 \
    check_smtp_conn -H 127.0.0.1 -p "$slow" -w ehlo=0.2 -c ehlo=2
scene "A capability that is missing, and one that is there" 2 \
    check_smtp_conn -H 127.0.0.1 -p "$smtp" --require-ext 'XCLIENT,SIZE>=10M'
scene "Nobody listens" 2 \
    check_smtp_conn -H 127.0.0.1 -p "$closed"
scene "An untrusted certificate" 2 \
    check_smtp_conn -H localhost -p "$untrusted" -S
scene "The same, looked at all the same: the status line says so" 0 \
    check_smtp_conn -H localhost -p "$untrusted" -S --insecure
scene "Submission wants TLS before MAIL" 2 \
    check_smtp_conn -H 127.0.0.1 -p "$submission" -f probe@example.org
scene "A port that speaks TLS, asked in the clear" 2 \
    check_smtp_conn -H 127.0.0.1 -p "$smtps" -t 1
scene "Several ports in one table" 2 \
    check_smtp_conn -H 127.0.0.1 --ports "$smtp,$submission,$closed" --require-ports "$smtp,$closed"
scene "For Zabbix: JSON, the same exit code" 0 \
    check_smtp_conn -H 127.0.0.1 -p "$smtp" --output json
scene "The certificate: until when, by which path, with which TLS" 0 \
    check_smtp_cert -H localhost -p "$submission" --ca-file "$ca" -v
scene "A limit on what must be left" 1 \
    check_smtp_cert -H localhost -p "$smtps" -s --ca-file "$ca" -w 95% -c 10%
scene "Which versions it accepts, and whether it forgets what came before TLS" 0 \
    check_smtp_cert -H localhost -p "$submission" --ca-file "$ca" --probe-versions --test-injection --forbid-tls none -v
scene "A certificate that signs itself" 2 \
    check_smtp_cert -H localhost -p "$untrusted"
export SMTP_USER="$TESTBED_USER" SMTP_PASS="$TESTBED_PASSWORD"
scene "A login inside TLS; user and password come from the environment" 0 \
    check_smtp_auth -H localhost -p "$submission" --ca-file "$ca"
scene "A wrong password: cause and remedy" 2 \
    env SMTP_PASS=wrong check_smtp_auth -H localhost -p "$submission" --ca-file "$ca"
scene "A mechanism that the server does not offer" 2 \
    check_smtp_auth -H localhost -p "$submission" --ca-file "$ca" -A SCRAM-SHA-256
scene "Nobody else is let in: no login before TLS, no wrong password" 0 \
    check_smtp_auth -H localhost -p "$submission" --ca-file "$ca" --require-tls-for-auth --expect-refused -v
scene "The embedded server takes mail from strangers: found" 2 \
    check_smtp_auth -H localhost -p "$submission" --ca-file "$ca" --no-login --require-auth
scene "A message by submission: accepted; without --receive nobody looks whether it arrives" 0 \
    check_smtp_delivery -H localhost -p "$submission" --ca-file "$ca" -f "$SMTP_USER" --to sink@example.org --password-env SMTP_PASS
scene "A message, and the wait until it has arrived" 0 \
    check_smtp_delivery -H 127.0.0.1 -p "$smtp" -f probe@example.org --to sink@example.org --receive "maildir:$TESTBED_MAILDIR" --wait 5 --state-dir "$state"
scene "One that goes elsewhere: it does not arrive here" 2 \
    check_smtp_delivery -H 127.0.0.1 -p "$smtp" -f probe@example.org --to sink@example.org --receive "maildir:$elsewhere" --wait 1 --state-dir "$state"
scene "Without waiting: each run sends one, and tells what became of the one before" 0 \
    check_smtp_delivery -H 127.0.0.1 -p "$smtp" -f probe@example.org --to sink@example.org --receive "maildir:$TESTBED_MAILDIR" --async --instance route-1 --state-dir "$state"
scene "The next run" 0 \
    check_smtp_delivery -H 127.0.0.1 -p "$smtp" -f probe@example.org --to sink@example.org --receive "maildir:$TESTBED_MAILDIR" --async --instance route-1 --state-dir "$state"
scene "Without a login the same server wants TLS first" 2 \
    check_smtp_delivery -H localhost -p "$submission" -f probe@example.org --to sink@example.org
scene "A message above the server's limit: every step shown" 2 \
    check_smtp_delivery -H localhost -p "$smtp" -f probe@example.org --to sink@example.org --size 11M -v
scene "Two recipients, no message: would they be taken?" 0 \
    check_smtp_delivery -H localhost -p "$smtp" -f probe@example.org --to one@example.org --to two@example.org --stop-after rcpt
scene "A mistake on the command line" 3 \
    check_smtp_conn -H 127.0.0.1 -p smtp

echo
if [ $failed = 0 ]; then
    echo "All scenes ended as they should."
else
    exit 1
fi
