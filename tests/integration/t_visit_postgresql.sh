#!/usr/bin/env bash
# Visits and fleets on PostgreSQL, case by case: visit_postgresql.c says what each shows. limit: 600
source "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2206 # flags
flags=(-std=gnu17 -g -O1 -D_GNU_SOURCE -I"$TOP/runtime" -I"$TOP" -isystem /usr/include/postgresql ${SAN:+-fsanitize=$SAN})
"${CC:-gcc}" "${flags[@]}" -o visit_postgresql "$TOP/tests/integration/visit_postgresql.c" "$TOOLS_DIR/libmigrate.a" \
    -ljansson -lpq -lsqlite3 -lcrypto -lpthread

start_postgres
export VISIT_SOCKET=$PG_HOME VISIT_PORT=$PG_PORT
start_pgbouncer
export VISIT_BOUNCER_PORT=$BOUNCER_PORT

while IFS=$'\t' read -r name sentence; do
    it "$sentence"
    run timeout 120 ./visit_postgresql "$name" </dev/null
    expect_exit 0
done < <(./visit_postgresql)
