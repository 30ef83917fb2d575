#!/usr/bin/env bash
# Fingerprints and drift: written from the revisions, refused when stale, embedded, exported; and what live databases hold
# otherwise, alone and in a fleet, as databases and as schemas. limit: 300
# shellcheck disable=SC2016 # backquotes are what is printed
source "$(dirname "$0")/lib.sh"

start_postgres
new_database scratch
SCRATCH=$(pg_url scratch)

# fingerprint DIR [WORD]…: writes what DIR's revisions build.
fingerprint() {
    local dir=$1
    shift
    run timeout 120 "$MIGRATE_GEN" --migrations "$dir/migrations" "$@" fingerprint --scratch "$SCRATCH"
}

new_project p
printf '%s\n' '[stream]' 'kind = fleet' 'dialects = postgresql, sqlite' 'registry = shared' \
    'tenants_query = SELECT tenant_id, database_url, schema FROM tenants ORDER BY tenant_id' \
    'tenant_url = ${TENANT_DATABASE_URL}' >p/migrations/tenant/env.ini
registry_revision p
write_revision p tenant ten1 "" <<'SQL'
-- migrate:up postgresql
CREATE TYPE mood AS ENUM ('bad', 'good');
CREATE TABLE documents (id bigint PRIMARY KEY, title text NOT NULL DEFAULT 'none', mood mood, size integer CHECK (size > 0));
CREATE INDEX documents_title_idx ON documents (lower(title)) WHERE size > 1;
CREATE VIEW titles AS SELECT d.id, d.title FROM documents d WHERE d.size + 1 > 2;
CREATE FUNCTION worst(a mood, b mood) RETURNS mood LANGUAGE sql AS 'SELECT least(a, b)';

-- migrate:up sqlite
CREATE TABLE documents (id integer PRIMARY KEY, title text NOT NULL DEFAULT 'none', size integer CHECK (size > 0));
CREATE INDEX documents_title_idx ON documents (title);

-- migrate:down postgresql
DROP FUNCTION worst(mood, mood);
DROP VIEW titles;
DROP TABLE documents;
DROP TYPE mood;

-- migrate:down sqlite
DROP TABLE documents;
SQL
TENANT=p/migrations/tenant

# ------------------------------------------------------------------------------------------------------ at build time

it "says that an executable without fingerprints cannot tell"
build_project p p-migrate >/dev/null
run p/build/p-migrate shared drift --url "sqlite:///$T/none.db"
expect_exit 2
expect_stderr_contains 'this executable carries no fingerprint of stream "shared"'
expect_stderr_contains 'hint: `migrate-gen shared fingerprint` writes it'
expect_not test -e none.db

it "writes what the revisions build, and the same bytes when asked again"
fingerprint p
expect_exit 0
expect_stdout_contains "$TENANT/fingerprint.postgresql"
expect_equal "$(sed -n 's/^heads: //p' $TENANT/fingerprint.postgresql)" ten1
expect_equal "$(sed -nE 's/^[0-9a-f]{16}:[0-9a-f]{8} //p' $TENANT/fingerprint.postgresql)" 'function: worst(mood, mood)
table: documents
  column: documents.id
  column: documents.mood
  column: documents.size
  column: documents.title
    default: documents.title
  constraint: documents.documents_pkey
  constraint: documents.documents_size_check
  index: documents_title_idx
type: mood
view: titles
  view column: titles.id
  view column: titles.title'
cp $TENANT/fingerprint.postgresql before
fingerprint p tenant
expect_exit 0
expect_stdout_contains "fingerprint.postgresql: up to date"
expect cmp before $TENANT/fingerprint.postgresql
expect_equal "$(pg_sql scratch "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")" 0

it "embeds it, and gives it back by export: a build from that is the same executable"
run build_project p p-migrate
expect_exit 0
run p/build/p-migrate self-check
expect_exit 0
mkdir again
run p/build/p-migrate export again/migrations
expect_exit 0
expect cmp before again/migrations/tenant/fingerprint.postgresql
run build_project again p-migrate
expect_exit 0
# A sanitizer writes the names of folders into what it checks.
[[ -n ${SAN:-} ]] || expect cmp p/build/p-migrate again/build/p-migrate

it "refuses a fingerprint of other revisions, with the command that mends it"
cp -r p stale
write_revision stale tenant ten2 ten1 <<'SQL'
-- migrate:up
ALTER TABLE documents ADD COLUMN note text;

-- migrate:down
ALTER TABLE documents DROP COLUMN note;
SQL
run build_project stale p-migrate
expect_exit 2
expect_stderr_contains 'stale/migrations/tenant/fingerprint.postgresql:4:1: error: the fingerprint was made at ten1, and the stream "tenant" is at ten2'
expect_stderr_contains 'stale/migrations tenant fingerprint` writes it anew'
fingerprint stale tenant
expect_exit 0
run build_project stale p-migrate
expect_exit 0
sed -i 's/note text/note varchar(9)/' stale/migrations/tenant/versions/ten2_test.sql
run build_project stale p-migrate
expect_stderr_contains 'fingerprint.postgresql:5:1: error: the fingerprint was made from other revisions'
sed -i 's/note varchar(9);/note  text; -- why/' stale/migrations/tenant/versions/ten2_test.sql
run build_project stale p-migrate
expect_exit 0

it "says why it cannot be written"
cp -r p broken
write_revision broken tenant ten2 ten1 <<'SQL'
-- migrate:up
SELECT 1 FROM nowhere;

-- migrate:down
SQL
fingerprint broken tenant
expect_exit 1
expect_stderr_contains "fingerprint.postgresql: revision ten2"
expect_stderr_contains nowhere
expect cmp before broken/migrations/tenant/fingerprint.postgresql
run "$MIGRATE_GEN" --migrations p/migrations nobody fingerprint
expect_exit 2
expect_stderr_contains 'there is no stream "nobody"'

# ---------------------------------------------------------------------------------------------------------- databases

OURS=$T/p/build/p-migrate
new_database shared
SHARED_DATABASE_URL=$(pg_url shared) && export SHARED_DATABASE_URL
TENANT_DATABASE_URL=$(pg_url "{tenant_id}") && export TENANT_DATABASE_URL
"$OURS" shared head >/dev/null 2>&1
for name in acme globex hooli initech; do
    new_database $name
    pg_sql shared "INSERT INTO tenants (tenant_id) VALUES ('$name')"
done
"$OURS" tenant head >/dev/null 2>&1

it "finds nothing in databases that nobody touched"
run "$OURS" all drift
expect_exit 0
expect_stdout_is "shared: no drift
tenant: 4 without drift"

it "does not look at owners, grants, rows, statistics and its own tables"
pg_sql acme "CREATE ROLE reader; GRANT SELECT ON documents TO reader; ALTER TABLE documents OWNER TO reader;
    INSERT INTO documents VALUES (1, 'x', 'good', 7); ANALYZE; CREATE INDEX ON migrate_log (actor);"
run "$OURS" tenant drift --tenant acme
expect_exit 0

it "names what is missing, unexpected and changed, once for tenants that differ alike"
for name in acme hooli; do
    pg_sql $name "DROP INDEX documents_title_idx; ALTER TABLE documents ALTER id TYPE numeric;" 2>/dev/null ||
        pg_sql $name "DROP INDEX documents_title_idx; ALTER TABLE documents ALTER mood SET NOT NULL, ADD mine text"
done
pg_sql globex "CREATE TABLE tmp_x (id integer PRIMARY KEY); CREATE SCHEMA aside CREATE TABLE y (z integer);
    CREATE OR REPLACE FUNCTION worst(a mood, b mood) RETURNS mood LANGUAGE sql AS 'SELECT greatest(a, b)';
    CREATE OR REPLACE VIEW titles AS SELECT d.id, d.title FROM documents d;
    ALTER TABLE documents ALTER title SET DEFAULT 'nothing', DROP CONSTRAINT documents_size_check"
run "$OURS" tenant drift
expect_exit 5
expect_stdout_is 'acme, hooli differ alike:
  unexpected column documents.mine
  changed column documents.mood
  missing index documents_title_idx
globex differs:
  changed function worst(mood, mood)
  changed default documents.title
  missing constraint documents.documents_size_check
  unexpected table tmp_x
  changed view titles
  unexpected schema aside
  unexpected table aside.y
tenant: 1 without drift, 3 with drift'

it "answers in JSON, and for the tenants that were chosen"
run "$OURS" tenant drift --tenant hooli --tenant initech --json
expect_exit 5
expect_equal "$(tail -n 1 <<<"$OUT" | python3 -c '
import json, sys
o = json.load(sys.stdin)
print(o["databases"], o["same"], o["drifted"], o["exit_code"], o["groups"][0]["tenants"], o["groups"][0]["differences"][2])')" \
    "2 1 1 5 ['hooli'] {'verdict': 'missing', 'kind': 'index', 'object': 'documents_title_idx'}"

it "does not compare who is behind, and says so with the code of check"
run "$OURS" tenant downgrade -1 --tenant initech
run "$OURS" tenant drift --tenant initech
expect_exit 3
expect_stdout_is "not compared, behind: initech (1 pending)
tenant: 1 behind"
run "$OURS" tenant drift
expect_exit 5
"$OURS" tenant head --tenant initech >/dev/null 2>&1

it "refuses who is ahead, or leaves him out where that is allowed"
pg_sql initech "UPDATE alembic_version SET version_num = 'ten9';
    INSERT INTO migrate_log (stream, revision, parents, direction, checksum_version, rows_after, state)
    VALUES ('tenant', 'ten9', 'ten1', 'upgrade', 1, 'ten9', 'done')"
run "$OURS" tenant drift --tenant initech
expect_exit 5
expect_stderr_contains "ahead"
run "$OURS" tenant drift --tenant initech --on-ahead allow
expect_exit 0
expect_stdout_contains "not compared, ahead of this executable: initech"
pg_sql initech "UPDATE alembic_version SET version_num = 'ten1'; DELETE FROM migrate_log WHERE revision = 'ten9'"

it "is content with a role that may only read catalogs, and writes nothing"
pg_sql postgres "CREATE ROLE looker LOGIN"
pg_sql initech "GRANT SELECT ON alembic_version, migrate_log TO looker; ALTER DATABASE initech SET default_transaction_read_only = on"
run env TENANT_DATABASE_URL="postgresql://looker@127.0.0.1:$PG_PORT/{tenant_id}" "$OURS" tenant drift --tenant initech
expect_exit 0
expect_stdout_is "tenant: 1 without drift"
pg_sql postgres "ALTER DATABASE initech RESET default_transaction_read_only"

it "gives up on a table that somebody keeps to himself, as on any lock"
{
    echo "BEGIN; LOCK TABLE documents IN ACCESS EXCLUSIVE MODE; SELECT 'locked';"
    sleep 20
} | "$PG_BIN/psql" -X -q -A -t -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" initech >locker 2>&1 &
expect eventually 10 grep -q locked locker
run timeout 20 "$OURS" tenant drift --tenant initech --lock-timeout 100ms --lock-retries 1
expect_exit 4
expect_stderr_contains "lock timeout"
pg_sql initech "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'idle in transaction'" >locker
run "$OURS" tenant drift --tenant initech
expect_exit 0

# ------------------------------------------------------------------------------------------------------ other versions

it "compares only what every major version prints alike with a fingerprint of another one"
cp -r p other
sed -i 's/^dialect: postgresql .*/dialect: postgresql 14/' other/migrations/tenant/fingerprint.postgresql
run build_project other p-migrate
expect_exit 0
run other/build/p-migrate tenant drift --tenant initech
expect_exit 0
expect_stderr_is ""
run other/build/p-migrate tenant drift --tenant acme --tenant globex
expect_exit 5
expect_stdout_contains "changed column documents.mood"
expect_stdout_contains "unexpected table tmp_x"
expect_stdout_lacks "titles"
expect_stderr_contains "3 objects in 1 database: PostgreSQL 15 prints them differently from PostgreSQL 14"

# ------------------------------------------------------------------------------------------------------------- schemas

it "compares tenants that are schemas of one database with the same fingerprint"
new_database many
pg_sql shared "DELETE FROM tenants"
names=("plain" "Beta Gamma" 'quote"d' "select" "ünïcode")
for name in "${names[@]}"; do
    pg_sql shared "INSERT INTO tenants (tenant_id, schema) VALUES ('$name', '$name')"
    pg_sql many "CREATE SCHEMA \"${name//\"/\"\"}\""
done
TENANT_DATABASE_URL=$(pg_url many)
"$OURS" tenant head >/dev/null 2>&1
pg_sql many "CREATE TABLE public.elsewhere (x integer)"
run "$OURS" tenant drift
expect_exit 0
expect_stdout_is "tenant: 5 without drift"
pg_sql many "SET client_min_messages = warning; CREATE TABLE plain.\"new
line\" (x integer); ALTER TABLE \"Beta Gamma\".documents DROP COLUMN size CASCADE"
run "$OURS" tenant drift
expect_exit 5
expect_stdout_is 'Beta Gamma differs:
  missing column documents.size
  missing constraint documents.documents_size_check
  missing index documents_title_idx
  missing view titles
plain differs:
  unexpected table "new\x0aline"
tenant: 3 without drift, 2 with drift'

it "says what could not be looked at"
pg_sql shared "INSERT INTO tenants (tenant_id, schema) VALUES ('nobody', 'nobody')"
run "$OURS" tenant drift --tenant nobody
expect_exit 1
expect_stdout_is "tenant: 1 failing"

# -------------------------------------------------------------------------------------------------------------- SQLite

SHARED_DATABASE_URL="sqlite:///$T/shared.db" TENANT_DATABASE_URL="sqlite:///$T/{tenant_id}.db"
"$OURS" shared head >/dev/null 2>&1
for name in one two three; do sqlite_sql shared.db "INSERT INTO tenants (tenant_id) VALUES ('$name')"; done
"$OURS" tenant head >/dev/null 2>&1

it "finds what is otherwise in SQLite files, and leaves them as they are"
expect_equal "$(sed -nE 's/^[0-9a-f]{16} //p' $TENANT/fingerprint.sqlite)" 'table: documents
  column: documents.id
  column: documents.size
  column: documents.title
  constraint: documents.CHECK (size > 0)
  constraint: documents.PRIMARY KEY (id)
  index: documents_title_idx'
run "$OURS" all drift
expect_exit 0
expect_stdout_is "shared: no drift
tenant: 3 without drift"
sqlite_sql two.db "DROP INDEX documents_title_idx; CREATE INDEX documents_title_idx ON documents (title DESC);
    ALTER TABLE documents ADD COLUMN mine text; CREATE TABLE tmp_x (a)"
sqlite_sql three.db "INSERT INTO documents (title, size) VALUES ('x', 3); ANALYZE; VACUUM"
sha256sum ./*.db >sums
run "$OURS" tenant drift
expect_exit 5
expect_stdout_is "two differs:
  unexpected column documents.mine
  changed index documents_title_idx
  unexpected table tmp_x
tenant: 2 without drift, 1 with drift"
expect sha256sum --quiet -c sums

# --------------------------------------------------------------------------------------------------------- the sample

it "is up to date in the sample"
cp -r "$TOP/migrations" sample
run timeout 120 "$MIGRATE_GEN" --migrations sample fingerprint --scratch "$SCRATCH"
expect_exit 0
expect_not grep -v ': up to date$' "$T/out"

it "follows an autogenerated revision"
sed -i 's/^CREATE TABLE tags/CREATE TABLE extra (id integer PRIMARY KEY);\n&/' sample/tenant/schema*.sql
run timeout 120 "$MIGRATE_GEN" --migrations sample tenant revision --autogenerate --from-migrations --scratch "$SCRATCH" -m "extra"
expect_exit 0
expect_stderr_contains "sample/tenant/fingerprint.postgresql follows"
expect grep -q ' table: extra$' sample/tenant/fingerprint.sqlite
run "$MIGRATE_GEN" --migrations sample check
expect_exit 0
