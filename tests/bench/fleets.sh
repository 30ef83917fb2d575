# shellcheck shell=bash disable=SC2154,SC2153 # sourced by tests/bench/run
# The parts of tests/bench/run that are about many databases, all with the same executable: two revisions, the first of
# which every database has from its template.

ALEMBIC_TENANTS=50
JOBS=20
FLEET=$T/fleet/build/fleet-migrate
REVISION_1=$(revision_id 1)
REVISION_2=$(revision_id 2)

fleet_project() {
    [[ ! -x $FLEET ]] || return 0
    new_project fleet
    write_revision fleet shared aaaaaaaaaaa1 "" <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text NOT NULL);

-- migrate:down
DROP TABLE tenants;
SQL
    local i before=""
    for i in 1 2; do
        write_revision fleet tenant "$(revision_id $i)" "$before" < <(
            echo "-- migrate:up" && body $i && echo && echo "-- migrate:down" && echo "DROP TABLE t_$i;")
        before=$(revision_id $i)
    done
    quietly build_project fleet fleet-migrate
    # Back to the first revision, whoever applied the second.
    printf '%s\n' "BEGIN;" "DROP TABLE t_2;" "DELETE FROM migrate_log WHERE revision = '$REVISION_2';" \
        "UPDATE alembic_version SET version_num = '$REVISION_1';" "COMMIT;" >reset.sql
}

# ------------------------------------------------------------------------------------------------ PostgreSQL databases

# fleet_server: FLEET_DATABASES databases at head on a server of their own, and a registry. They are made without fsync,
# and measured with it. The server has memory for the catalogs of all, as a server of that many should.
fleet_server() {
    local i
    [[ -z ${FLEET_SERVER:-} ]] || return 0
    FLEET_SERVER=1
    fleet_project
    start_postgres --name fleet --conf "shared_buffers = 1GB" --conf "autovacuum = off" --conf "max_wal_size = 4GB"
    PSQL_FLEET=("$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER")
    SERVER=(127.0.0.1 "$PG_PORT" "$PG_USER")
    export SHARED_DATABASE_URL PGPASSWORD=$PG_PASSWORD
    SHARED_DATABASE_URL=$(pg_url registry)
    new_database registry first head
    quietly "$FLEET" shared head
    registered first
    quietly "$FLEET" tenant "$REVISION_1"
    capture_messages
    registered head
    quietly "$FLEET" tenant head
    mapfile -t DATABASES < <(seq -f "tenant_%.0f" "$FLEET_DATABASES")
    progress "making $FLEET_DATABASES databases"
    for i in "${DATABASES[@]}"; do echo "CREATE DATABASE $i TEMPLATE head STRATEGY file_copy;"; done |
        "${PSQL_FLEET[@]}" -d postgres
    sed -i -E '/^(fsync|full_page_writes|synchronous_commit) = off/d' "$PG_DATA/postgresql.conf"
    sync -f "$PG_DATA"
    restart_postgres
    quietly ./bare --threads $JOBS "${SERVER[@]}" "${DATABASES[@]}" # so that nobody is the first to read a catalog
}

# registered DATABASE…: these are the tenants.
registered() {
    "${PSQL_FLEET[@]}" -d registry < <(
        echo "TRUNCATE tenants; COPY tenants FROM stdin;"
        for i; do printf '%s\t%s\n' "$i" "$(pg_url "$i")"; done
        printf '%s\n' '\.' )
}

# messages.sql.*: what is sent to a database that lacks one revision, byte for byte.
capture_messages() {
    new_database_of first capture
    registered capture
    quietly strace -f -qq -e trace=sendto -xx -s 1000000 -o sent "$FLEET" tenant head
    python3 - <<'PY'
import re
ours, n = set(), 0
for line in open("sent"):
    call = re.search(r'sendto\((\d+), "((?:\\x[0-9a-f]{2})*)"', line)
    if not call:
        continue
    fd, data = call[1], bytes.fromhex(call[2].replace("\\x", ""))
    if data[4:8] == b"\0\3\0\0":
        (ours.add if b"database\0capture\0" in data else ours.discard)(fd)
    elif data[:1] == b"Q" and fd in ours:
        n += 1
        open(f"message.{n}.sql", "wb").write(data[5:-1])
PY
    MESSAGES=()
    for i in message.*.sql; do MESSAGES+=(--message "$i"); done
    ((${#MESSAGES[@]} >= 4)) || { echo "bench: no messages were captured" >&2 && return 1; }
}

new_database_of() { "${PSQL_FLEET[@]}" -d postgres -c "CREATE DATABASE $2 TEMPLATE $1"; }

# passwords METHOD: trust or scram-sha-256, for everybody who comes over TCP.
passwords() {
    printf '%s\n' "local all all trust" "host all all 127.0.0.1/32 $1" >"$PG_DATA/pg_hba.conf"
    pg_sql postgres "SELECT pg_reload_conf()" >/dev/null
    # shellcheck disable=SC2034 # makes pg_url write the password, which a server that trusts does not ask for
    PG_SCRAM=1
    SHARED_DATABASE_URL=$(pg_url registry)
}

# nothing_to_do NAME TITLE: ours, the loop and pgbench.
nothing_to_do() {
    local n=${#DATABASES[@]}
    echo "SELECT version_num FROM alembic_version;" >select.sql
    measured "$1" "$2" "$FEW" \
        "profile-migrate tenant head --jobs $JOBS" "$FLEET" tenant head --jobs $JOBS \
        -- "bare libpq, one SELECT each, $JOBS threads" ./bare --threads $JOBS "${SERVER[@]}" "${DATABASES[@]}" \
        -- "pgbench -C -c $JOBS -j $JOBS, as often to one of them" "$PG_BIN/pgbench" -n -C -c $JOBS -j $JOBS \
        -t $(((n + JOBS - 1) / JOBS)) -f select.sql -h 127.0.0.1 -p "$PG_PORT" -U "$PG_USER" tenant_1
}

part_fleet() {
    fleet_server
    passwords trust
    registered "${DATABASES[@]}"
    nothing_to_do fleet "nothing to do, $FLEET_DATABASES PostgreSQL databases"
    passwords scram-sha-256
    registered "${DATABASES[@]}"
    nothing_to_do fleet_scram "nothing to do, $FLEET_DATABASES PostgreSQL databases, SCRAM"
    passwords trust
    registered "${DATABASES[@]}"
    measured fleet_revision "one revision, $FLEET_DATABASES PostgreSQL databases" "$FEW" \
        --before "./bare --threads $JOBS --message reset.sql ${SERVER[*]} ${DATABASES[*]}" \
        "profile-migrate tenant head --jobs $JOBS" "$FLEET" tenant head --jobs $JOBS \
        -- "bare libpq, the same bytes, $JOBS threads" ./bare --threads $JOBS "${MESSAGES[@]}" "${SERVER[@]}" "${DATABASES[@]}"
}

# -------------------------------------------------------------------------------------------------------- SQLite files

# sqlite_tenants N: the registry names N files.
sqlite_tenants() {
    sqlite_sql registry.db "DELETE FROM tenants; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        INSERT INTO tenants SELECT printf('tenant-%05d', i), printf('sqlite:////$T/tenants/%05d.db', i) FROM n"
    seq -f "$T/tenants/%05.0f.db" "$1" >files
}

part_sqlite() {
    local some=$(((SQLITE_FILES + 9) / 10))
    fleet_project
    mkdir tenants
    export SHARED_DATABASE_URL=sqlite:////$T/registry.db
    quietly "$FLEET" shared head
    sqlite_tenants "$SQLITE_FILES"
    measured sqlite_made "$SQLITE_FILES SQLite databases, made and brought to head" 1 \
        "profile-migrate tenant head --jobs $JOBS" "$FLEET" tenant head --jobs "$JOBS"
    measured sqlite_fleet "$SQLITE_FILES SQLite databases, nothing to do" "$FEW" \
        "profile-migrate tenant head --jobs $JOBS" "$FLEET" tenant head --jobs $JOBS \
        -- "bare sqlite3, one SELECT each, $JOBS threads" ./bare_sqlite $JOBS files \
        -- "profile-migrate tenant status --jobs $JOBS" "$FLEET" tenant status --jobs $JOBS
    sqlite_tenants "$some"
    # What we write for a revision: its body, the version row, the row of the log with all its columns.
    {
        echo "BEGIN IMMEDIATE;" && body 2
        echo "UPDATE alembic_version SET version_num = '$REVISION_2' WHERE version_num = '$REVISION_1';"
        sqlite_sql tenants/00001.db ".mode insert migrate_log" \
            "SELECT * FROM migrate_log WHERE revision = '$REVISION_2'" | sed 's/VALUES([0-9]*,/VALUES(NULL,/'
        echo "COMMIT;"
    } >revision.sql
    measured sqlite_revision "one revision, $some SQLite databases" "$FEW" --before "./bare_sqlite $JOBS files reset.sql" \
        "profile-migrate tenant head --jobs $JOBS" "$FLEET" tenant head --jobs $JOBS \
        -- "bare sqlite3, the same statements, $JOBS threads" ./bare_sqlite $JOBS files revision.sql
    sqlite_tenants 100
    measured sqlite_100 "100 SQLite databases, nothing to do" "$FEW" \
        "profile-migrate tenant head --jobs $JOBS" "$FLEET" tenant head --jobs "$JOBS"
    rm -rf tenants
}

# ------------------------------------------------------------------------------------------------------------- Alembic

# alembic_fleet: the two revisions for Alembic, with an env.py that goes through the addresses in a file one by one, by
# psycopg2 or, in an event loop, by asyncpg.
alembic_fleet() {
    [[ ! -d alembic_fleet ]] || return 0
    alembic_project alembic_fleet 2
    cat >alembic_fleet/env.py <<'PY'
import asyncio
import os
from alembic import context
from sqlalchemy import create_engine, pool


def migrate(connection):
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def migrate_all(urls):
    from sqlalchemy.ext.asyncio import create_async_engine
    for url in urls:
        engine = create_async_engine(url, poolclass=pool.NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
            await connection.commit()
        await engine.dispose()

urls = os.environ["BENCH_ALEMBIC_URLS"].split()
if "+asyncpg" in urls[0]:
    asyncio.run(migrate_all(urls))
else:
    for url in urls:
        with create_engine(url, poolclass=pool.NullPool).connect() as connection:
            migrate(connection)
PY
    cat >one_process.sh <<'SH'
BENCH_ALEMBIC_URLS=$* exec alembic -c alembic_fleet/alembic.ini upgrade head
SH
    cat >process_each.sh <<'SH'
for url; do BENCH_ALEMBIC_URLS=$url alembic -c alembic_fleet/alembic.ini upgrade head || exit 1; done
SH
}

# urls DRIVER DATABASE…: into $URLS.
urls() {
    local driver=$1 i
    shift
    URLS=()
    for i; do URLS+=("$(pg_url "$i" "$driver")"); done
}

# few_tenants: the first of the databases, for what is slow; into $SOME, $PSYCOPG, $ASYNCPG.
few_tenants() {
    fleet_server
    alembic_fleet
    passwords trust
    SOME=("${DATABASES[@]:0:ALEMBIC_TENANTS}")
    registered "${SOME[@]}"
    urls psycopg2 "${SOME[@]}"
    PSYCOPG=("${URLS[@]}")
    urls asyncpg "${SOME[@]}"
    ASYNCPG=("${URLS[@]}")
}

# beside_alembic ARGUMENT…: ours, the loop with these arguments, and Alembic in four ways.
beside_alembic() {
    SIDE=("profile-migrate tenant head --jobs $JOBS" "$FLEET" tenant head --jobs "$JOBS"
        -- "bare libpq, $JOBS threads" ./bare --threads "$JOBS" "$@" "${SERVER[@]}" "${SOME[@]}"
        -- "alembic, psycopg2, one process" sh one_process.sh "${PSYCOPG[@]}"
        -- "alembic, asyncpg, one process" sh one_process.sh "${ASYNCPG[@]}"
        -- "alembic, psycopg2, a process each" sh process_each.sh "${PSYCOPG[@]}"
        -- "alembic, asyncpg, a process each" sh process_each.sh "${ASYNCPG[@]}")
}

part_tenants() {
    few_tenants
    beside_alembic
    measured tenants "nothing to do, ${#SOME[@]} PostgreSQL databases" 1 "${SIDE[@]}"
    beside_alembic "${MESSAGES[@]}"
    measured tenants_revision "one revision, ${#SOME[@]} PostgreSQL databases" 1 \
        --before "./bare --threads $JOBS --message reset.sql ${SERVER[*]} ${SOME[*]}" "${SIDE[@]}"
    back_to_head
}

# back_to_head: as if nobody but us had applied the second revision.
back_to_head() {
    quietly ./bare --threads $JOBS --message reset.sql "${SERVER[@]}" "${SOME[@]}"
    quietly "$FLEET" tenant head --jobs "$JOBS"
}

# --------------------------------------------------------------------------------------------------------------- delay

part_delay() {
    local ms port=""
    few_tenants
    for ms in 5 20; do
        start_proxy --delay-ms $ms
        port=$PG_PORT
        PG_PORT=$PROXY_PORT SERVER[1]=$PROXY_PORT
        registered "${SOME[@]}"
        urls psycopg2 "${SOME[@]}"
        measured "delay_$ms" "nothing to do, ${#SOME[@]} databases, $ms ms away" "$FEW" \
            "profile-migrate tenant head --jobs $JOBS" "$FLEET" tenant head --jobs $JOBS \
            -- "bare libpq, one SELECT each, $JOBS threads" ./bare --threads $JOBS "${SERVER[@]}" "${SOME[@]}" \
            -- "alembic, psycopg2, one process" sh one_process.sh "${URLS[@]}"
        PG_PORT=$port SERVER[1]=$port
        kill "$PROXY_PID"
    done
    registered "${SOME[@]}"
}

# -------------------------------------------------------------------------------------------------------------- curves

# wall_of NAME ROW: the ms in a result's row.
wall_of() { awk -F '\t' -v row="$2" 'NR == row {print $2}' "$BENCH_OUT/$1.tsv"; }

# rate N MS: databases in a second.
rate() { awk -v n="$1" -v ms="$2" 'BEGIN {printf "%.1f", n * 1000 / ms}'; }

part_curves() {
    local jobs n known alembic
    few_tenants
    SOME=("${DATABASES[@]:0:200}")
    registered "${SOME[@]}"
    printf 'jobs\tours\tbare\n' >"$BENCH_OUT/jobs.tsv"
    for jobs in 1 2 4 8 16 32 64; do
        measured curve "nothing to do, ${#SOME[@]} databases, by $jobs" "$FEW" \
            "profile-migrate tenant head --jobs $jobs" "$FLEET" tenant head --jobs $jobs \
            -- "bare libpq, $jobs threads" ./bare --threads $jobs "${SERVER[@]}" "${SOME[@]}" >/dev/null
        printf '%s\t%s\t%s\n' $jobs "$(rate ${#SOME[@]} "$(wall_of curve 1)")" "$(rate ${#SOME[@]} "$(wall_of curve 2)")" \
            >>"$BENCH_OUT/jobs.tsv"
    done

    printf 'tenants\tours\tledger\tbare\talembic\n' >"$BENCH_OUT/tenants_time.tsv"
    for n in 1 10 50 100 200 500 1000; do
        ((n <= FLEET_DATABASES)) || break
        SOME=("${DATABASES[@]:0:n}")
        registered "${SOME[@]}"
        urls psycopg2 "${SOME[@]}"
        quietly "$FLEET" tenant head --jobs $JOBS --ledger trust
        measured curve "nothing to do, $n databases" "$FEW" \
            "profile-migrate tenant head" "$FLEET" tenant head --jobs $JOBS --no-ledger \
            -- "profile-migrate tenant head --ledger trust" "$FLEET" tenant head --jobs $JOBS --ledger trust \
            -- "bare libpq" ./bare --threads $JOBS "${SERVER[@]}" "${SOME[@]}" >/dev/null
        known=$(printf '%s\t%s\t%s' "$(wall_of curve 1)" "$(wall_of curve 2)" "$(wall_of curve 3)")
        measured curve "nothing to do, $n databases, Alembic" 1 "alembic, psycopg2, one process" \
            sh one_process.sh "${URLS[@]}" >/dev/null
        alembic=$(wall_of curve 1)
        printf '%s\t%s\t%s\n' "$n" "$known" "$alembic" >>"$BENCH_OUT/tenants_time.tsv"
    done
    rm -f "$BENCH_OUT/curve.tsv"

    plot jobs
    plot tenants_time
    echo
    echo "Plots: jobs.svg, tenants_time.svg, from the files of the same names that end in .tsv."
}

# plot NAME: NAME.svg from NAME.tsv, by NAME.gp. Run inside the folder, so that no path gets into the picture.
plot() { (cd "$BENCH_OUT" && gnuplot "$BENCH/$1.gp" >"$1.svg"); }
