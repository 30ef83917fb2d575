# shellcheck shell=bash disable=SC2154,SC2153 # sourced by tests/bench/run
# The part of tests/bench/run that is about comparing a database with a schema file: migrate-gen diff, DIFF_TABLES tables
# of ten columns, an identity key, a foreign key and two indexes each, with nothing changed and with every fiftieth changed.
#
# The peers do a part of the work each: pg_dump only reads the live database, psql only loads the file and rolls it back;
# Alembic's comparison reads the database too, and has its models in memory.

DIFF_TABLES=${DIFF_TABLES:-1000}

# diff_schema KEY TIME CHANGED: the schema as SQL; CHANGED 1: a column more and another index in every fiftieth table.
diff_schema() {
    awk -v n="$DIFF_TABLES" -v key="$1" -v time="$2" -v changed="$3" 'BEGIN {
        for (i = 0; i < n; i++) {
            c = changed && i % 50 == 7
            printf "CREATE TABLE t_%d (\n    id %s PRIMARY KEY,\n    parent_id bigint,\n", i, key
            printf "    code varchar(40) NOT NULL,\n    title text NOT NULL,\n    body text,\n    amount numeric(12, 2),\n"
            printf "    active boolean NOT NULL,\n    created_at %s NOT NULL,\n    rank integer,\n    note varchar(200),\n", time
            printf "%s    CONSTRAINT t_%d_parent FOREIGN KEY (parent_id) REFERENCES t_%d (id)\n);\n", \
                c ? "    added text,\n" : "", i, i - i % 10
            printf "CREATE INDEX t_%d_code ON t_%d (code);\n", i, i
            printf "CREATE INDEX t_%d_rank ON t_%d (rank%s);\n", i, i, c ? ", note" : ""
        }
    }'
}

# Alembic compares; it must find nothing, as we do.
diff_alembic() {
    cat >compare.py <<'PY'
import sys
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

models, postgresql = sa.MetaData(), sys.argv[1].startswith("postgresql")
for i in range(int(sys.argv[2])):
    key = [sa.BigInteger, sa.Identity(always=True)] if postgresql else [sa.Integer]
    sa.Table(f"t_{i}", models, sa.Column("id", *key, primary_key=True), sa.Column("parent_id", sa.BigInteger),
             sa.Column("code", sa.String(40), nullable=False), sa.Column("title", sa.Text, nullable=False),
             sa.Column("body", sa.Text), sa.Column("amount", sa.Numeric(12, 2)),
             sa.Column("active", sa.Boolean, nullable=False), sa.Column("created_at", sa.DateTime, nullable=False),
             sa.Column("rank", sa.Integer), sa.Column("note", sa.String(200)),
             sa.ForeignKeyConstraint(["parent_id"], [f"t_{i - i % 10}.id"], name=f"t_{i}_parent"),
             sa.Index(f"t_{i}_code", "code"), sa.Index(f"t_{i}_rank", "rank"))
with sa.create_engine(sys.argv[1]).connect() as connection:
    found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), models)
    sys.exit(f"alembic finds {found[:3]}" if found else 0)
PY
}

# Ours must find what is there to be found, or its time means nothing.
diff_check() {
    local wanted=$1 found
    shift
    found=$("$MIGRATE_GEN" diff "$@" | awk '/ADD COLUMN/ {n++} END {print n + 0}')
    [[ $found == "$wanted" ]] || { echo "bench: diff $* adds $found columns, not $wanted" >&2 && exit 1; }
}

diff_postgresql() {
    start_postgres --name diff --fsync --conf "max_locks_per_transaction = 4096" --conf "shared_buffers = 256MB"
    local live psql=("$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER")
    local dump=("$PG_BIN/pg_dump" -s -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" live) scratch changed title
    new_database live scratch
    live=$(pg_url live) scratch=$(pg_url scratch)
    "${psql[@]}" -1 -d live -f same.sql
    diff_check 0 "$live" same.sql --scratch "$scratch"
    diff_check $((DIFF_TABLES / 50)) "$live" changed.sql --scratch "$scratch"
    for changed in same changed; do
        local peers=(-- "pg_dump -s, the reading" "${dump[@]}"
            -- "psql, the loading" "${psql[@]}" -d scratch -c BEGIN -f "$changed.sql" -c ROLLBACK)
        title="nothing changed"
        [[ $changed == same ]] || title="$((DIFF_TABLES / 50)) of them changed"
        [[ $changed != same ]] || peers+=(-- "alembic, compare_metadata" /usr/bin/python3 -W ignore compare.py "$live" "$DIFF_TABLES")
        measured "diff_$changed" "$DIFF_TABLES tables compared, $title, PostgreSQL" "$SLOW" \
            "migrate-gen diff --scratch" "$MIGRATE_GEN" diff "$live" "$changed.sql" --scratch "$scratch" \
            -- "migrate-gen diff, temporary cluster" "$MIGRATE_GEN" diff "$live" "$changed.sql" "${peers[@]}"
    done
}

diff_sqlite() {
    local live=sqlite:////$T/live.db
    sqlite3 -bail live.db <same.sqlite.sql
    diff_check 0 "$live" same.sqlite.sql
    diff_check $((DIFF_TABLES / 50)) "$live" changed.sqlite.sql
    measured diff_sqlite_same "$DIFF_TABLES tables compared, nothing changed, SQLite" "$SLOW" \
        "migrate-gen diff" "$MIGRATE_GEN" diff "$live" same.sqlite.sql \
        -- "sqlite3 .schema, the reading" sqlite3 live.db .schema \
        -- "sqlite3, the loading" sqlite3 -bail :memory: '.read same.sqlite.sql' \
        -- "alembic, compare_metadata" /usr/bin/python3 -W ignore compare.py "$live" "$DIFF_TABLES"
    measured diff_sqlite_changed "$DIFF_TABLES tables compared, $((DIFF_TABLES / 50)) of them changed, SQLite" "$SLOW" \
        "migrate-gen diff" "$MIGRATE_GEN" diff "$live" changed.sqlite.sql \
        -- "sqlite3 .schema, the reading" sqlite3 live.db .schema \
        -- "sqlite3, the loading" sqlite3 -bail :memory: '.read changed.sqlite.sql'
}

part_diff() {
    diff_schema "bigint GENERATED ALWAYS AS IDENTITY" timestamp 0 >same.sql
    diff_schema "bigint GENERATED ALWAYS AS IDENTITY" timestamp 1 >changed.sql
    diff_schema "integer NOT NULL" datetime 0 >same.sqlite.sql
    diff_schema "integer NOT NULL" datetime 1 >changed.sqlite.sql
    diff_alembic
    diff_postgresql
    diff_sqlite
}
