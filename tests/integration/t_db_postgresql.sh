#!/usr/bin/env bash
# The PostgreSQL backend alone, case by case: db_postgresql.c says what each shows. limit: 400
source "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2206 # flags
flags=(-std=gnu17 -g -O1 -D_GNU_SOURCE -I"$TOP/runtime" -isystem /usr/include/postgresql ${SAN:+-fsanitize=$SAN})
"${CC:-gcc}" "${flags[@]}" -o db_postgresql "$TOP/tests/integration/db_postgresql.c" "$TOOLS_DIR/libmigrate.a" \
    -ljansson -lpq -lsqlite3 -lcrypto -lpthread

start_postgres --name secret --scram --tls
export DB_SCRAM_PORT=$PG_PORT DB_PASSWORD=$PG_PASSWORD DB_CA=$PG_CA
start_postgres --name standby
stop_postgres
: >"$PG_DATA/standby.signal" # with nobody to follow, it stays in recovery
[[ $(id -u) != 0 ]] || chown "$PG_OWNER:" "$PG_DATA/standby.signal"
as_server "$PG_BIN/pg_ctl" -D "$PG_DATA" -l "$PG_LOG" -o "-p $PG_PORT" -w -s start
export DB_STANDBY_SOCKET=$PG_HOME DB_STANDBY_PORT=$PG_PORT
start_postgres
export DB_SOCKET=$PG_HOME DB_PORT=$PG_PORT
start_pgbouncer
export DB_BOUNCER_PORT=$BOUNCER_PORT

# in_silence COMMAND…: where the only name server is one that never answers.
in_silence() {
    echo "nameserver 127.0.0.1" >resolv.conf
    cat >silence.py <<'PYTHON'
import fcntl, socket, struct, subprocess, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(server, 0x8914, struct.pack("16sh14x", b"lo", 0x1))  # SIOCSIFFLAGS, IFF_UP
server.bind(("127.0.0.1", 53))
sys.exit(subprocess.run(sys.argv[1:]).returncode)
PYTHON
    # shellcheck disable=SC2016 # for the inner shell
    "${OWN_MOUNTS[@]}" --net bash -c 'mount --bind resolv.conf /etc/resolv.conf || exit
        python3 silence.py "$@"; status=$?; umount /etc/resolv.conf; exit "$status"' - "$@"
}

while IFS=$'\t' read -r name sentence; do
    it "$sentence"
    where=()
    [[ $name != silent_names ]] || where=(in_silence)
    run "${where[@]}" timeout 60 ./db_postgresql "$name" </dev/null
    expect_exit 0
done < <(./db_postgresql | grep -E "^${ONLY:-}")
