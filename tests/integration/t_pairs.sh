#!/usr/bin/env bash
# Pairs of schemas for every kind of object, written by hand: the generator's way from each to the other, and its down,
# lead exactly there. peer_gen_pairs.c walks them and has the form of the files. limit: 1800
source "$(dirname "$0")/lib.sh"

PAIRS=$TOP/tests/integration/pairs

# walk_pairs ARGUMENT…: the program's cases are cases of ours.
walk_pairs() {
    local status=0
    "$BUILD_DIR/tests/peer_gen_pairs" "$@" >"$T/cases" || status=$?
    grep -v '^1\.\.' "$T/cases" || true
    CASES=$((CASES + $(grep -cE '^(not )?ok ' "$T/cases" || true)))
    FAILED_CASES=$((FAILED_CASES + $(grep -c '^not ok ' "$T/cases" || true)))
    ((status <= 1)) && grep -q '^1\.\.' "$T/cases"
}

start_postgres --conf "max_locks_per_transaction = 1024"
new_database scratch oracle
walk_pairs --both --held-back --facts "$PAIRS/facts_postgresql.sql" --scratch "$(pg_url scratch)" \
    --oracle "host=$PG_HOME port=$PG_PORT user=$PG_USER dbname=oracle" "$PAIRS"/postgresql/*.sql
walk_pairs --both --held-back "$PAIRS"/sqlite/*.sql
