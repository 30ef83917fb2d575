#!/usr/bin/env bash
# Random schemas and random edits of them, in both dialects: the generator's way there and its way back lead exactly where
# they should, rows and all. limit: 1800
#
# PAIRS_SEED and PAIRS choose others: PAIRS_SEED=7 PAIRS=5000 tests/run generated_pairs
# One pair: generate_pairs.py DIALECT SEED 1, with the seed that a failure names.
source "$(dirname "$0")/lib.sh"

: "${PAIRS_SEED:=20261122}" "${PAIRS:=2000}"
POSTGRESQL=$((PAIRS * 3 / 20)) # each of them takes as long as twenty of SQLite's
echo "# seeds from $PAIRS_SEED, $POSTGRESQL pairs of PostgreSQL's and $((PAIRS - POSTGRESQL)) of SQLite's"

# generate DIALECT COUNT
generate() {
    python3 "$TOP/tests/integration/generate_pairs.py" "$1" "$PAIRS_SEED" "$2" >"$1.sql"
}

# walk_pairs SENTENCE ARGUMENT…
walk_pairs() {
    it "$1"
    run "$BUILD_DIR/tests/peer_gen_pairs" --tally "${@:2}"
    grep '^#' "$T/out" | head -n 200 || true
    expect_exit 0
    expect_stdout_contains ", 0 refused, 0 wrong"
}

generate sqlite "$((PAIRS - POSTGRESQL))"
walk_pairs "goes from any schema of SQLite's to its edited self and back" --both --held-back sqlite.sql

generate postgresql "$POSTGRESQL"
start_postgres --conf "max_locks_per_transaction = 1024" --conf "autovacuum_naptime = 5s"
new_database scratch oracle
walk_pairs "goes from any schema of PostgreSQL's to its edited self and back" \
    --facts "$TOP/tests/integration/pairs/facts_postgresql.sql" --scratch "$(pg_url scratch)" \
    --oracle "host=$PG_HOME port=$PG_PORT user=$PG_USER dbname=oracle" postgresql.sql
