#!/usr/bin/env bash
# Alembic's autogenerate beside ours, on edits of SQLAlchemy models that it can express: both end at the models.
# AUTOGENERATE_SEED and AUTOGENERATE_EDITS choose others.
source "$(dirname "$0")/lib.sh"

: "${AUTOGENERATE_SEED:=20261122}" "${AUTOGENERATE_EDITS:=40}"

start_postgres --conf "max_locks_per_transaction = 1024"
new_database scratch peer
/usr/bin/python3 -c 'import alembic, sqlalchemy; print("# Alembic", alembic.__version__, "SQLAlchemy", sqlalchemy.__version__)'
run /usr/bin/python3 -B -W ignore "$TOP/tests/integration/alembic_autogenerate.py" "$MIGRATE_GEN" "$TOP/docs/sqlalchemy_schema.py" \
    "$TOP/tests/integration/pairs/facts_postgresql.sql" "$PG_HOME" "$PG_PORT" "$AUTOGENERATE_SEED" "$AUTOGENERATE_EDITS"
grep '^#' "$T/out" || true

it "leads from models to edited models"
expect_stdout_contains "
ok 1 - "

it "ends where the real Alembic ends, where that can express the edit"
expect_stdout_contains "
ok 2 - "
