#!/usr/bin/env bash
# The PostgreSQL backend alone, case by case: db_postgresql.c says what each shows. limit: 400
source "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2206 # flags
flags=(-std=gnu17 -g -O1 -D_GNU_SOURCE -I"$TOP/runtime" -isystem /usr/include/postgresql ${SAN:+-fsanitize=$SAN})
"${CC:-gcc}" "${flags[@]}" -o db_postgresql "$TOP/tests/integration/db_postgresql.c" "$TOOLS_DIR/libmigrate.a" \
    -ljansson -lpq -lsqlite3 -lcrypto -lpthread

start_postgres --name secret --scram --tls
export DB_SCRAM_PORT=$PG_PORT DB_PASSWORD=$PG_PASSWORD DB_CA=$PG_CA
start_postgres
export DB_SOCKET=$PG_HOME DB_PORT=$PG_PORT
start_pgbouncer
export DB_BOUNCER_PORT=$BOUNCER_PORT

while IFS=$'\t' read -r name sentence; do
    it "$sentence"
    run timeout 60 ./db_postgresql "$name" </dev/null
    expect_exit 0
done < <(./db_postgresql | grep -E "^${ONLY:-}")
