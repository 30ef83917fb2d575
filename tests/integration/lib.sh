# shellcheck shell=bash disable=SC2034 # variables are for the tests that source this
# Helpers for integration tests. A test is a script tests/integration/t_NAME.sh:
#
#     source "$(dirname "$0")/lib.sh"
#     start_postgres
#     new_database shared
#
#     it "brings an empty database to head"
#     run "$MIGRATE" shared head --url "$(pg_url shared)"
#     expect_exit 0
#     expect_stdout_contains "create users"
#     expect_equal "$(pg_sql shared 'SELECT count(*) FROM users')" 0
#
# `it` opens a case, the next `it` or the end closes it; a case without a single expectation is a failed one. Every
# script works in a folder of its own, $T, which is its current folder and is removed in the end together with every
# server that was started (KEEP=1 keeps the folder). A command of the script itself that fails ends the script
# (set -e), and the runner counts that; only `run` may fail.
#
# $MIGRATE and $MIGRATE_GEN are the executables of the sample migrations under test, $TOP the repository. Under a
# sanitizer they are dynamic; $STATIC_BUILD is the folder of a build without one, in any case.

set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${BUILD_DIR:=$TOP/build}"
: "${TOOLS_DIR:=$BUILD_DIR}"
: "${MIGRATE:=$BUILD_DIR/profile-migrate}"
: "${MIGRATE_GEN:=$TOOLS_DIR/migrate-gen}"
: "${STATIC_BUILD:=$BUILD_DIR}"
export MIGRATE MIGRATE_GEN
PG_BIN=/usr/lib/postgresql/15/bin
PG_USER=postgres
# The characters that URLs, keyword strings and shells stumble over are for the tests that are about them.
PG_PASSWORD=open-sesame-7731

T=$(mktemp -d "${TEST_RUN_DIR:-${TMPDIR:-/tmp}}/$(basename "$0" .sh).XXXXXX")
chmod 711 "$T"
cd "$T"

# Nothing of the machine's own settings reaches a test.
while read -r variable; do unset "$variable"; done < <(compgen -e | grep -E '^(PG|PROFILE_MIGRATE|SHARED_|TENANT_|DATABASE_)' || true)
mkdir home
export HOME=$T/home LC_ALL=C.UTF-8
unset TZ MAKEFLAGS MFLAGS MAKELEVEL

# ------------------------------------------------------------------------------------------------------------- cases

CASE=""
CASE_CHECKS=0
CASE_FAILURES=0
CASES=0
FAILED_CASES=0

# it SENTENCE: what the following expectations show.
it() {
    close_case
    CASE=$1
}

close_case() {
    [[ -n $CASE ]] || return 0
    CASES=$((CASES + 1))
    if ((CASE_CHECKS == 0)); then
        echo "# nothing was expected"
        CASE_FAILURES=1
    fi
    if ((CASE_FAILURES == 0)); then
        echo "ok $CASES - $CASE"
    else
        echo "not ok $CASES - $CASE"
        FAILED_CASES=$((FAILED_CASES + 1))
    fi
    CASE="" CASE_CHECKS=0 CASE_FAILURES=0
}

# ok [TEXT], not_ok TEXT: an expectation that the script decided itself.
ok() {
    CASE_CHECKS=$((CASE_CHECKS + 1))
}

not_ok() {
    local i
    CASE_CHECKS=$((CASE_CHECKS + 1))
    CASE_FAILURES=$((CASE_FAILURES + 1))
    for ((i = 1; i < ${#BASH_SOURCE[@]} - 1; i++)); do
        [[ ${BASH_SOURCE[i]} == */lib.sh ]] || break
    done
    printf '%s\n' "line ${BASH_LINENO[i - 1]}: $*" | sed 's/^/# /'
}

# show_run: what the last `run` left, for the reader of a failed expectation.
show_run() {
    printf '%s\n' "command: $RAN" "exit status: $STATUS" "stdout: $OUT" "stderr: $ERR" | head -n 60 | sed 's/^/#   /'
}

# ------------------------------------------------------------------------------------------------------ running things

OUT="" ERR="" STATUS=0 RAN=""

# run CMD…: never fails; leaves $OUT, $ERR, $STATUS (also as files: $T/out, $T/err, byte for byte). stdin is empty
# unless the caller redirects it.
run() {
    RAN=$*
    STATUS=0
    if [[ -t 0 ]]; then
        "$@" >"$T/out" 2>"$T/err" </dev/null || STATUS=$?
    else
        "$@" >"$T/out" 2>"$T/err" || STATUS=$?
    fi
    OUT=$(tr -d '\0' <"$T/out")
    ERR=$(tr -d '\0' <"$T/err")
}

# expect_that MESSAGE CMD…: CMD succeeds. The building block of the others.
expect_that() {
    local message=$1
    shift
    if "$@"; then
        ok
    else
        not_ok "$message"
        return 1
    fi
}

contains() { [[ $1 == *"$2"* ]]; }
lacks() { [[ $1 != *"$2"* ]]; }
matches() { [[ $1 =~ $2 ]]; }
equal() { [[ $1 == "$2" ]]; }

expect_exit() { expect_that "exit status $STATUS, expected $1" equal "$STATUS" "$1" || show_run; }
expect_stdout_is() { expect_that "stdout is not: $1" equal "$OUT" "$1" || show_run; }
expect_stderr_is() { expect_that "stderr is not: $1" equal "$ERR" "$1" || show_run; }
expect_stdout_contains() { expect_that "stdout lacks: $1" contains "$OUT" "$1" || show_run; }
expect_stderr_contains() { expect_that "stderr lacks: $1" contains "$ERR" "$1" || show_run; }
expect_stdout_lacks() { expect_that "stdout contains: $1" lacks "$OUT" "$1" || show_run; }
expect_stderr_lacks() { expect_that "stderr contains: $1" lacks "$ERR" "$1" || show_run; }
# Extended regular expressions, over the whole output; ^ and $ are its ends.
expect_stdout_matches() { expect_that "stdout does not match: $1" matches "$OUT" "$1" || show_run; }
expect_stderr_matches() { expect_that "stderr does not match: $1" matches "$ERR" "$1" || show_run; }
# expect_equal ACTUAL EXPECTED
expect_equal() { expect_that "$(printf 'got:      %s\nexpected: %s' "$1" "$2")" equal "$1" "$2" || true; }
# expect CMD…, expect_not CMD…: the command succeeds, or fails.
expect() { expect_that "failed: $*" "$@" || true; }
fails() { ! "$@"; }
expect_not() { expect_that "succeeded: $*" fails "$@" || true; }

# eventually SECONDS CMD…: tries until it succeeds; false when the time is over.
eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

# --------------------------------------------------------------------------------------------------------- PostgreSQL

SERVERS=()   # data folders of the servers that may be running
BOUNCERS=()  # files with process ids

# The server refuses to run as root, so root hands over to a user who exists for that.
if [[ $(id -u) == 0 ]]; then
    PG_OWNER=$(id -un postgres 2>/dev/null || echo nobody)
    as_server() { setpriv --reuid="$PG_OWNER" --regid="$(id -g "$PG_OWNER")" --clear-groups -- "$@"; }
else
    PG_OWNER=$(id -un)
    as_server() { "$@"; }
fi

# private_folder DIR: empty, and owned by the user that servers run as.
private_folder() {
    mkdir -p "$1"
    [[ $(id -u) != 0 ]] || chown "$PG_OWNER:" "$1"
    chmod 700 "$1"
}

# initdb takes a second, a copy does not: the first test of a run makes a template for all of them.
template_cluster() {
    local template=${TEST_RUN_DIR:-$T}/cluster
    (
        flock 9
        [[ ! -e $template.made ]] || exit 0
        private_folder "$template"
        install -m 644 /dev/stdin "$template.password" <<<"$PG_PASSWORD"
        as_server "$PG_BIN/initdb" -D "$template" -U "$PG_USER" --pwfile="$template.password" --auth=trust \
            --no-locale --encoding=UTF8 --no-sync >"$template.log" 2>&1 || { cat "$template.log" >&2 && exit 1; }
        : >"$template.made"
    ) 9>"$template.lock"
    echo "$template"
}

# start_postgres [--scram] [--tls] [--fsync] [--name NAME] [--conf LINE]…
#
# A server of this test alone, on a Unix socket in $PG_HOME and on 127.0.0.1:$PG_PORT. By default it trusts everybody;
# --scram wants $PG_PASSWORD over TCP, --tls offers TLS with a certificate for "localhost" and "db.test" that $PG_CA
# signed, --fsync is for tests that pull the plug. A second server gets another --name; the variables then speak of the
# last one started.
start_postgres() {
    local name=pg scram="" tls="" auth=trust conf=() durable="fsync = off
full_page_writes = off
synchronous_commit = off"
    while (($#)); do
        case $1 in
        --scram) scram=1 auth=scram-sha-256 ;;
        --tls) tls=1 ;;
        --fsync) durable="" ;;
        --name) name=$2 && shift ;;
        --conf) conf+=("$2") && shift ;;
        *) echo "start_postgres: $1?" >&2 && return 2 ;;
        esac
        shift
    done
    PG_HOME=$T/$name PG_DATA=$T/$name/data PG_LOG=$T/$name/log PG_SCRAM=$scram PG_CA=""
    private_folder "$PG_HOME"
    chmod 711 "$PG_HOME"
    cp -a "$(template_cluster)" "$PG_DATA"
    cat >>"$PG_DATA/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$PG_HOME'
max_connections = 200
shared_buffers = 32MB
jit = off
log_line_prefix = '%m [%p] %d %a '
$durable
CONF
    printf '%s\n' "local all all trust" "host all all 127.0.0.1/32 $auth" >"$PG_DATA/pg_hba.conf"
    if [[ -n $tls ]]; then
        make_certificates "$PG_HOME"
        PG_CA=$PG_HOME/ca.crt
        printf '%s\n' "ssl = on" "ssl_cert_file = '$PG_HOME/server.crt'" "ssl_key_file = '$PG_HOME/server.key'" \
            >>"$PG_DATA/postgresql.conf"
    fi
    printf '%s\n' "${conf[@]}" >>"$PG_DATA/postgresql.conf"
    SERVERS+=("$PG_DATA")
    local attempt
    for attempt in 1 2 3 4 5; do
        # Below the range that the kernel takes ports of outgoing connections from.
        PG_PORT=$((20000 + RANDOM % 12000))
        if as_server "$PG_BIN/pg_ctl" -D "$PG_DATA" -l "$PG_LOG" -o "-p $PG_PORT" -w -s start 2>/dev/null; then
            return 0
        fi
        grep -q 'Address already in use' "$PG_LOG" || break
    done
    echo "the server did not start (attempt $attempt):" >&2
    cat "$PG_LOG" >&2
    return 1
}

# stop_postgres [MODE], start_postgres_again, restart_postgres [MODE]: the server last started; MODE is smart, fast or
# immediate.
stop_postgres() {
    as_server "$PG_BIN/pg_ctl" -D "$PG_DATA" -m "${1:-fast}" -w -s stop
}

start_postgres_again() {
    as_server "$PG_BIN/pg_ctl" -D "$PG_DATA" -l "$PG_LOG" -o "-p $PG_PORT" -w -s start
}

restart_postgres() {
    stop_postgres "${1:-fast}"
    start_postgres_again
}

# pg_sql DATABASE SQL: rows as lines, columns separated by "|".
pg_sql() {
    "$PG_BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d "$1" -c "$2"
}

new_database() {
    local name
    for name; do pg_sql postgres "CREATE DATABASE \"$name\" TEMPLATE template0"; done
}

# pg_url DATABASE [DRIVER]: over TCP, with the password if the server wants one.
pg_url() {
    echo "postgresql${2:+"+$2"}://$PG_USER${PG_SCRAM:+":$PG_PASSWORD"}@127.0.0.1:$PG_PORT/$1"
}

# make_certificates DIR: ca.crt, and server.crt with server.key for "localhost" and "db.test", signed by it.
make_certificates() {
    local dir=$1
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=test authority" \
        -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
        -keyout "$dir/server.key" -out "$dir/server.csr" 2>/dev/null
    openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -set_serial 1 -days 2 \
        -extfile <(echo "subjectAltName=DNS:localhost,DNS:db.test") -out "$dir/server.crt" 2>/dev/null
    chmod 600 "$dir/server.key"
    [[ $(id -u) != 0 ]] || chown "$PG_OWNER:" "$dir/server.key"
}

# start_pgbouncer [LINE]…: in front of the server last started, in transaction mode; further lines for its [pgbouncer]
# section. Listens on 127.0.0.1:$BOUNCER_PORT.
start_pgbouncer() {
    local dir
    BOUNCER_PORT=$((20000 + RANDOM % 12000))
    dir=$T/pgbouncer.$BOUNCER_PORT
    private_folder "$dir"
    # auth_type any asks no password and logs in as the user that the database line names.
    printf '%s\n' "[databases]" "* = host=$PG_HOME port=$PG_PORT user=$PG_USER" \
        "[pgbouncer]" "listen_addr = 127.0.0.1" "listen_port = $BOUNCER_PORT" "unix_socket_dir =" "auth_type = any" \
        "pool_mode = transaction" "admin_users = $PG_USER" "logfile = $dir/log" "pidfile = $dir/pid" "$@" >"$dir/ini"
    chmod 644 "$dir/ini"
    BOUNCERS+=("$dir/pid")
    as_server /usr/sbin/pgbouncer -q -d "$dir/ini" 2>"$dir.err"
    eventually 10 "$PG_BIN/psql" -X -h 127.0.0.1 -p "$BOUNCER_PORT" -U "$PG_USER" -d postgres -c 'SELECT 1' ||
        { cat "$dir/log" "$dir.err" >&2 && return 1; }
}

# bouncer_url DATABASE
bouncer_url() {
    echo "postgresql://$PG_USER@127.0.0.1:$BOUNCER_PORT/$1"
}

# start_proxy [OPTION]…: proxy.c, which has the options, before the server last started. Listens on 127.0.0.1:$PROXY_PORT,
# and adds a line to $PROXY_LOG for every connection that is over; proxy_is_idle when all of them are.
start_proxy() {
    local dir
    [[ -x $T/proxy ]] || "${CC:-gcc}" -O2 -Wall -Wextra -o "$T/proxy" "$TOP/tests/integration/proxy.c"
    dir=$(mktemp -d "$T/proxy.XXXXXX")
    PROXY_LOG=$dir/log
    : >"$PROXY_LOG"
    "$T/proxy" 0 "127.0.0.1:$PG_PORT" --log "$PROXY_LOG" "$@" >"$dir/port" 2>"$dir/err" &
    echo $! >"$dir/pid"
    disown # so that a test can wait for what it started itself
    BOUNCERS+=("$dir/pid")
    eventually 10 grep -q . "$dir/port" || { cat "$dir/err" >&2 && return 1; }
    PROXY_PORT=$(<"$dir/port") PROXY_PID=$(<"$dir/pid")
    PROXY_SOCKETS=$(proxy_sockets)
}

proxy_sockets() { find "/proc/$PROXY_PID/fd" -lname 'socket:*' 2>/dev/null | wc -l; }
proxy_is_idle() { [[ $(proxy_sockets) == "$PROXY_SOCKETS" ]]; }

# proxy_url DATABASE: as pg_url, by way of the proxy last started, without TLS.
proxy_url() {
    echo "$(PG_PORT=$PROXY_PORT pg_url "$1")?sslmode=disable"
}

# ------------------------------------------------------------------------------------------------------------- SQLite

# sqlite_sql FILE SQL: rows as lines, columns separated by "|".
sqlite_sql() {
    sqlite3 -batch -bail "$1" "$2"
}

# ----------------------------------------------------------------------------------------------------------- projects

# registry_revision DIR: the revision shar1 of the stream "shared", which makes the table of tenants.
registry_revision() {
    write_revision "$1" shared shar1 "" <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text, schema text);

-- migrate:down
DROP TABLE tenants;
SQL
}

# new_project DIR: DIR/migrations with two streams, "shared" (single) and "tenant" (fleet), and no revision yet. The
# URLs come from $SHARED_DATABASE_URL, and from the tenants table or $TENANT_DATABASE_URL.
new_project() {
    new_stream "$1" shared <<'INI'
[stream]
kind = single
dialects = postgresql, sqlite
url = ${SHARED_DATABASE_URL}
INI
    new_stream "$1" tenant <<'INI'
[stream]
kind = fleet
dialects = postgresql, sqlite
registry = shared
tenants_query = SELECT tenant_id, database_url FROM tenants ORDER BY tenant_id
tenant_url = ${TENANT_DATABASE_URL}
INI
}

# new_stream DIR STREAM: its env.ini comes from stdin.
new_stream() {
    mkdir -p "$1/migrations/$2/versions"
    cat >"$1/migrations/$2/env.ini"
}

# write_revision DIR STREAM ID REVISES [HEADER-LINE]…: the body, with its section lines, comes from stdin.
write_revision() {
    local file=$1/migrations/$2/versions/$3_test.sql id=$3 revises=$4
    shift 4
    {
        printf -- '-- %s\n' "Revision: $id" "Revises: $revises" "Message: revision $id" \
            "Created: 2026-11-22 10:15:00+07:00" "$@" | sed 's/ *$//'
        echo
        cat
    } >"$file"
}

# table_revision DIR STREAM ID REVISES [HEADER-LINE]…: creates the table t_ID, and drops it.
table_revision() {
    write_revision "$@" <<SQL
-- migrate:up
CREATE TABLE t_$3 (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE t_$3;
SQL
}

# build_project DIR NAME [MAKE-ARGUMENT]…: DIR/build/NAME from DIR/migrations, with the libraries and the migrate-gen
# that are built already, so that it takes a second. Says why and fails if it cannot; `run build_project …` to look at a
# refusal.
build_project() {
    local dir=$1 name=$2
    shift 2
    make -s --no-print-directory -f "$TOP/gen/project.mk" MIGRATIONS="$dir/migrations" BUILD="$dir/build" NAME="$name" \
        SAN="${SAN:-}" MIGRATE_GEN="$MIGRATE_GEN" MIGRATE_LIB="$TOOLS_DIR" MIGRATE_INCLUDE="$TOP/runtime" "$@"
}

# make_here ARGUMENT…: make in the repository itself, in the build without a sanitizer; one test at a time, since two makes
# in one folder would be in each other's way.
make_here() {
    flock "$STATIC_BUILD/tests.lock" make --no-print-directory -C "$TOP" SAN= BUILD="$STATIC_BUILD" \
        NAME="${NAME:-profile-migrate}" "$@"
}

# ------------------------------------------------------------------------------------------------- a root's privileges

# Prefixes of a command. AS_ROOT: root of this machine, or of a user namespace, or by sudo where those are forbidden (in
# a chroot). OWN_MOUNTS: in a mount namespace. Inside a chroot, whose / is no mount point, mounts cannot be made private;
# so whoever mounts there unmounts before it ends.
AS_ROOT=()
if [[ $(id -u) != 0 ]]; then
    AS_ROOT=(unshare --user --map-root-user)
    "${AS_ROOT[@]}" true 2>/dev/null || AS_ROOT=(sudo -n -E)
fi
EMPTY_ROOT=("${AS_ROOT[@]}" chroot)
OWN_MOUNTS=("${AS_ROOT[@]}" unshare --mount)
mountpoint -q / || OWN_MOUNTS+=(--propagation unchanged)

# in_empty_root DIR CMD…: CMD with DIR as its whole file system, as in an image that holds nothing else.
in_empty_root() { "${EMPTY_ROOT[@]}" "$@"; }

# ------------------------------------------------------------------------------------------------------------ the end

stop_everything() {
    local data pid
    for data in "${SERVERS[@]}"; do
        [[ ! -e $data/postmaster.pid ]] ||
            as_server "$PG_BIN/pg_ctl" -D "$data" -m immediate -w -s stop >/dev/null 2>&1 || true
    done
    for pid in "${BOUNCERS[@]}"; do
        [[ ! -e $pid ]] || kill -TERM "$(cat "$pid")" 2>/dev/null || true
    done
    for pid in $(jobs -p); do kill -KILL "$pid" 2>/dev/null || true; done
    cd /
    if [[ -n ${KEEP:-} ]]; then echo "# kept: $T"; else rm -rf "$T"; fi
}

at_exit() {
    local status=$?
    trap - ERR
    set +e
    if ((status == 0)); then
        close_case
        echo "1..$CASES"
        ((FAILED_CASES == 0 && CASES > 0)) || status=1
    elif [[ -n $CASE ]]; then
        echo "not ok $((CASES + 1)) - $CASE"
    fi
    stop_everything
    exit "$status"
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'echo "# ${BASH_SOURCE[0]}: line $LINENO: failed: $BASH_COMMAND" >&2' ERR
