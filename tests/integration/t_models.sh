#!/usr/bin/env bash
# Models are SQL: the sample's schema.sql is what its revisions build, and what SQLAlchemy's models print is that too.
source "$(dirname "$0")/lib.sh"

PRINTER=$TOP/docs/sqlalchemy_schema.py

# print_models MODULE:METADATA DIALECT [SCHEMA]
print_models() {
    PYTHONPATH=$TOP/tests/integration/models PYTHONHASHSEED=$RANDOM PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 "$PRINTER" "$@"
}

# load DATABASE FILE
load() {
    new_database "$1"
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d "$1" -f "$2" >/dev/null
}

# dump DATABASE: its schema without our own tables, as pg_dump says it. It guards its output with a word that it draws.
dump() {
    "$PG_BIN/pg_dump" -s -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -T alembic_version -T 'migrate_*' "$1" |
        grep -vE '^\\(un)?restrict '
}

# describe FILE: a SQLite schema as facts that no spelling changes.
describe() {
    sqlite_sql "$1" "
        WITH t AS (SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'alembic%' AND name NOT LIKE 'migrate%')
        SELECT 'column', t.name, c.cid, c.name, lower(c.type), c.\"notnull\", trim(c.dflt_value, '()'), c.pk, c.hidden
        FROM t, pragma_table_xinfo(t.name) c
        UNION ALL
        SELECT 'index', t.name, CASE i.origin WHEN 'c' THEN i.name END, i.\"unique\", i.partial, group_concat(x.name || x.\"desc\" || x.coll),
               NULL, NULL, NULL
        FROM t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) x GROUP BY t.name, i.name
        UNION ALL
        SELECT 'reference', t.name, f.\"from\", f.\"table\",
               coalesce(f.\"to\", (SELECT p.name FROM pragma_table_info(f.\"table\") p WHERE p.pk = 1)), f.on_update, f.on_delete, f.seq, NULL
        FROM t, pragma_foreign_key_list(t.name) f
        UNION ALL
        SELECT 'trigger', tbl_name, name, sql, NULL, NULL, NULL, NULL, NULL FROM sqlite_schema WHERE type = 'trigger'
        UNION ALL
        SELECT 'checks', name, (length(sql) - length(replace(sql, 'CHECK', ''))) / 5, NULL, NULL, NULL, NULL, NULL, NULL
        FROM sqlite_schema WHERE name IN (SELECT name FROM t)
        ORDER BY 1, 2, 3, 4, 5"
}

start_postgres
MIGRATIONS=$TOP/migrations
export SHARED_DATABASE_URL

it "says of PostgreSQL what the revisions build"
new_database shared_head tenant_head
SHARED_DATABASE_URL=$(pg_url shared_head)
run "$MIGRATE" shared head
expect_exit 0
pg_sql shared_head "INSERT INTO tenants (tenant_id, name, database_url) VALUES ('acme', 'Acme', '$(pg_url tenant_head)')"
run "$MIGRATE" tenant head
expect_exit 0
for stream in shared tenant; do
    load "${stream}_file" "$MIGRATIONS/$stream/schema.sql"
    dump "${stream}_head" >"$stream.head"
    dump "${stream}_file" >"$stream.file"
    expect diff "$stream.head" "$stream.file"
done

it "says of SQLite what the revisions build"
SHARED_DATABASE_URL=sqlite:///$T/shared.db
run "$MIGRATE" shared head
expect_exit 0
sqlite_sql shared.db "INSERT INTO tenants (tenant_id, name, database_url) VALUES ('acme', 'Acme', 'sqlite:///$T/tenant.db')"
run "$MIGRATE" tenant head
expect_exit 0
for stream in shared tenant; do
    sqlite3 -batch -bail "$stream.file.db" <"$MIGRATIONS/$stream/schema.sqlite.sql"
    describe "$stream.db" >"$stream.head"
    describe "$stream.file.db" >"$stream.file"
    expect diff "$stream.head" "$stream.file"
done

it "is what the models print"
for stream in shared tenant; do
    print_models "profile_api:${stream^}Base" postgresql >"$stream.models.sql"
    load "${stream}_models" "$stream.models.sql"
    dump "${stream}_file" >"$stream.file"
    dump "${stream}_models" >"$stream.models"
    expect diff "$stream.file" "$stream.models"
    print_models "profile_api:${stream^}Base" sqlite >"$stream.models.sqlite.sql"
    sqlite3 -batch -bail "$stream.models.db" <"$stream.models.sqlite.sql"
    describe "$stream.file.db" >"$stream.file"
    describe "$stream.models.db" >"$stream.models"
    expect diff "$stream.file" "$stream.models"
done

it "is found equal by the generator, as a file and as what schema_command prints"
new_database scratch
cp -r "$MIGRATIONS" migrations
for stream in shared tenant; do
    run "$MIGRATE_GEN" "$stream" check --from-migrations --scratch "$(pg_url scratch)"
    expect_exit 0
    rm "migrations/$stream"/schema*.sql
    sed -i "s|^\[stream\]|&\nschema_command = PYTHONPATH=$TOP/tests/integration/models PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 \
$PRINTER profile_api:${stream^}Base \"\$MIGRATE_DIALECT\"|" "migrations/$stream/env.ini"
    run "$MIGRATE_GEN" "$stream" check --from-migrations --scratch "$(pg_url scratch)"
    expect_exit 0
done

it "prints the corners of models for PostgreSQL"
run print_models corners:metadata postgresql tenant
expect_exit 0
expect_stderr_is ""
load corners out
expect_stdout_lacks "tenant"
expect_stdout_contains "-- renamed from: stuff
CREATE TABLE things ("
expect_stdout_contains "	-- renamed from: name
	title TEXT NOT NULL"
expect_stdout_contains "	-- using: rank::integer
	-- backfill: 0
	rank INTEGER NOT NULL"
expect_equal "$(pg_sql corners "SELECT enum_range(NULL::colour)")" "{red,\"it's green\"}"
expect_equal "$(pg_sql corners "SELECT count(*) FROM pg_extension WHERE extname = 'citext'")" 1
expect_equal "$(pg_sql corners "SELECT start_value, increment_by FROM pg_sequences WHERE sequencename = 'invoice_numbers'")" "1000|10"
expect_equal "$(pg_sql corners "SELECT obj_description('things'::regclass)")" "100% things"
expect_equal "$(pg_sql corners "SELECT col_description('things'::regclass, 4)")" "as the owner's eye sees it"
expect_equal "$(pg_sql corners "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_things_title'")" \
    "CHECK ((title !~~ '%;%'::text))"
expect_equal "$(pg_sql corners "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'fk_things_first_part_id'")" \
    "FOREIGN KEY (first_part_id) REFERENCES parts(part_id)"
expect_equal "$(pg_sql corners "SELECT pg_get_indexdef('ix_things_rank'::regclass)")" \
    "CREATE INDEX ix_things_rank ON public.things USING btree (rank DESC) INCLUDE (title) WHERE (rank > 7)"

it "prints the corners of models for SQLite"
run print_models corners:metadata sqlite tenant
expect_exit 0
sqlite3 -batch -bail corners.db <out
expect_stdout_lacks "tenant"
expect_stdout_lacks "EXTENSION"
expect_equal "$(sqlite_sql corners.db "SELECT sql FROM sqlite_schema WHERE name = 'ix_things_rank'")" \
    "CREATE INDEX ix_things_rank ON things (rank DESC) WHERE rank > 7"
expect_equal "$(sqlite_sql corners.db "SELECT hidden FROM pragma_table_xinfo('things') WHERE name = 'twice'")" 3

it "explains itself to whoever calls it wrong"
run print_models profile_api:SharedBase oracle
expect_exit 1
expect_stderr_contains "MODULE:METADATA DIALECT [SCHEMA]"
