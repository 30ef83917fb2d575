#!/usr/bin/env bash
# revision --autogenerate, STREAM check and diff: from models to reviewed revisions, on real PostgreSQL and SQLite.
source "$(dirname "$0")/lib.sh"

start_postgres
new_database scratch
SCRATCH=$(pg_url scratch)

GEN=(timeout 120 "$MIGRATE_GEN")

# ---------------------------------------------------------------------------------------------------------- helpers

# The state that every case of the project begins with: a table each, in both streams, and models that say the same.
fresh_project() {
    rm -rf p
    new_project p
    write_revision p shared shar1 "" <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text, schema text);

-- migrate:down
DROP TABLE tenants;
SQL
    echo "CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text, schema text);" >p/migrations/shared/schema.sql
    write_revision p tenant tena1 "" <<'SQL'
-- migrate:up
CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, title text NOT NULL, body text);
CREATE INDEX notes_title_idx ON notes (title);

-- migrate:down
DROP TABLE notes;
SQL
    models <<'SQL'
CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, title text NOT NULL, body text);
CREATE INDEX notes_title_idx ON notes (title);
SQL
}

# models: of the stream "tenant", from stdin.
models() { cat >p/migrations/tenant/schema.sql; }

gen() { run "${GEN[@]}" --migrations p/migrations "$@"; }
autogenerate() { gen tenant revision --autogenerate --scratch "$SCRATCH" -m "$@"; }
files() { find p/migrations/tenant/versions -name '*.sql' | wc -l; }
# The file that was written last, and one of its sections.
written() { cat "${OUT##*$'\n'}"; }
section() { written | awk -v want="-- migrate:$1" '/^-- migrate:/{on = index($0, want) == 1} on && !/^-- migrate:/'; }

fresh_project

# -------------------------------------------------------------------------------------------------------- the source

it "says that nothing changed, and writes nothing"
autogenerate "nothing"
expect_exit 0
expect_stderr_contains "nothing changed"
expect_equal "$(files)" 1

it "says that it replays the revisions where no URL is configured"
expect_stderr_contains "SHARED_DATABASE_URL is not set"
expect_stderr_contains "replayed"

it "does not take a URL that is wrong for one that is not there"
SHARED_DATABASE_URL=nonsense autogenerate "nothing"
expect_exit 2
expect_stderr_lacks "replayed"
expect_stderr_contains 'stream "shared"'

it "is asked for that with --from-migrations"
gen tenant revision --autogenerate --from-migrations --scratch "$SCRATCH" -m x
expect_exit 0
expect_stderr_lacks "SHARED_DATABASE_URL"

it "writes a way up and down for both dialects"
models <<'SQL'
CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, title text NOT NULL, body text, stars integer);
CREATE INDEX notes_title_idx ON notes (title);
CREATE TABLE tags (name text NOT NULL PRIMARY KEY);
SQL
autogenerate "add tags"
expect_exit 0
expect_equal "$(files)" 2
expect contains "$(section up)" "ADD COLUMN stars integer"
expect contains "$(section up)" "CREATE TABLE tags"
expect contains "$(section down)" "DROP TABLE tags"
expect contains "$(section down)" "DROP COLUMN stars"

it "names in the file what was compared with what"
expect contains "$(written)" "PostgreSQL: compared p/migrations/tenant/schema.sql with tenant@heads."
expect contains "$(written)" "SQLite: compared p/migrations/tenant/schema.sql with tenant@heads."
ADDED=${OUT##*$'\n'}

it "has nothing to do a second time"
autogenerate "again"
expect_exit 0
expect_stderr_contains "nothing changed"

it "leaves nothing behind in the scratch database"
expect_equal "$(pg_sql scratch "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")" 0

# What was written is built and run: on PostgreSQL a tenant, on SQLite another.
build_project p profile-migrate
APP=$T/p/build/profile-migrate
new_database shared acme
export SHARED_DATABASE_URL
SHARED_DATABASE_URL=$(pg_url shared)
run "$APP" shared head
pg_sql shared "INSERT INTO tenants VALUES ('acme', '$(pg_url acme)'), ('bolt', 'sqlite:///$T/bolt.db')"

it "wants the target database up to date"
run "$APP" tenant +1
autogenerate "x"
expect_exit 1
expect_stderr_contains "Target database is not up to date."
expect_equal "$(files)" 2

it "builds, and goes up on both engines"
run "$APP" tenant head
expect_exit 0
expect_equal "$(pg_sql acme "SELECT count(*) FROM tags")" 0
expect_equal "$(sqlite_sql bolt.db "SELECT count(*) FROM tags")" 0

it "compares with the first tenant that is listed, and names it without a password"
models <<'SQL'
CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, title text NOT NULL, body text, stars integer);
CREATE INDEX notes_title_idx ON notes (title);
CREATE TABLE tags (name text NOT NULL PRIMARY KEY, color text);
SQL
autogenerate "color"
expect_exit 0
expect contains "$(written)" "with tenant \"acme\" (postgresql://$PG_USER@127.0.0.1:$PG_PORT/acme)"
expect contains "$(written)" "SQLite: compared p/migrations/tenant/schema.sql with tenant@heads."
rm -f "${OUT##*$'\n'}"

it "compares with the tenant of -x tenant_id, and of --tenant"
autogenerate "color" -x tenant_id=bolt
expect_exit 0
expect contains "$(written)" "SQLite: compared p/migrations/tenant/schema.sql with tenant \"bolt\" (sqlite:///$T/bolt.db)"
rm -f "${OUT##*$'\n'}"
autogenerate "color" --tenant nobody
expect_exit 2
expect_stderr_contains 'there is no tenant "nobody"'

it "compares with --against, a difference that only that database has included"
pg_sql acme "ALTER TABLE notes ADD COLUMN extra int"
autogenerate "color" --against "$(pg_url acme)"
expect_exit 0
expect contains "$(section "up postgresql")" "DROP COLUMN extra"
rm -f "${OUT##*$'\n'}"
pg_sql acme "ALTER TABLE notes DROP COLUMN extra"

it "only reads the live side: a role without any right on the tables is enough"
pg_sql acme "CREATE ROLE looker LOGIN"
autogenerate "color" --against "postgresql://looker@127.0.0.1:$PG_PORT/acme"
expect_exit 0
expect_stderr_contains "permission denied"
rm -f "${OUT##*$'\n'}"

it "takes Alembic's choices: rev-id, head, splice, labels, depends-on"
TIP=$(basename "$ADDED" | cut -d_ -f1)
autogenerate "color" --rev-id feed0001 --head tena1 --splice --branch-label paint --depends-on "$TIP"
expect_exit 0
expect contains "$(written)" "-- Revision: feed0001"
expect contains "$(written)" "-- Revises: tena1"
expect contains "$(written)" "-- Branch-Labels: paint"
expect contains "$(written)" "-- Depends-On: $TIP"
rm -f "${OUT##*$'\n'}"

# ----------------------------------------------------------------------------------------------------------- renames

sqlite_sql bolt.db "INSERT INTO notes VALUES (1, 'one', 'text', 5)"
pg_sql acme "INSERT INTO notes VALUES (1, 'one', 'text', 5)"
renamed_models() {
    models <<SQL
CREATE TABLE notes (
    id integer NOT NULL PRIMARY KEY,
    $1
    headline text NOT NULL, body text, stars integer);
CREATE INDEX notes_headline_idx ON notes (headline);
CREATE TABLE tags (name text NOT NULL PRIMARY KEY);
SQL
}

it "asks off a terminal by exit code 2, writes nothing, and says how to answer"
renamed_models ""
BEFORE=$(files)
autogenerate "rename"
expect_exit 2
expect_stderr_contains "-- renamed from: title"
expect_stderr_contains "--rename 'column:notes.title=headline'"
expect_stderr_contains "--allow-destructive='column:notes.title'"
expect_equal "$(files)" "$BEFORE"

it "asks on a terminal, once for both dialects, and takes anything but yes for no"
models <<'SQL'
CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, title text NOT NULL, words text, stars integer);
CREATE INDEX notes_title_idx ON notes (title);
CREATE TABLE tags (name text NOT NULL PRIMARY KEY);
SQL
STATUS=0
OUT=$("$TOP/tests/integration/answer.py" "" -- "${GEN[@]}" --migrations p/migrations tenant revision --autogenerate \
    --scratch "$SCRATCH" -m rename 2>&1) || STATUS=$?
expect_exit 0
expect contains "$OUT" "Is column notes.body renamed to words? [y/N]"
expect contains "$(cat p/migrations/tenant/versions/*_rename.sql)" "DESTRUCTIVE (disabled): drops column notes.body"
rm -f p/migrations/tenant/versions/*_rename.sql

it "renames on yes"
renamed_models ""
STATUS=0
OUT=$("$TOP/tests/integration/answer.py" y -- "${GEN[@]}" --migrations p/migrations tenant revision --autogenerate \
    --scratch "$SCRATCH" -m rename 2>&1) || STATUS=$?
expect_exit 0
expect contains "$(cat p/migrations/tenant/versions/*_rename.sql)" "RENAME COLUMN title TO headline"
rm -f p/migrations/tenant/versions/*_rename.sql

it "renames by --rename"
autogenerate "rename" --rename column:notes.title=headline
expect_exit 0
expect contains "$(section up)" "ALTER TABLE notes RENAME COLUMN title TO headline"
rm -f "${OUT##*$'\n'}"

it "renames by a hint, and back on the way down; what bears the name goes along"
renamed_models "-- renamed from: title"
autogenerate "rename"
expect_exit 0
expect contains "$(section "up postgresql")" "ALTER TABLE notes RENAME COLUMN title TO headline"
expect contains "$(section "up postgresql")" "ALTER INDEX notes_title_idx RENAME TO notes_headline_idx"
expect contains "$(section "down postgresql")" "ALTER TABLE notes RENAME COLUMN headline TO title"
build_project p profile-migrate
run "$APP" tenant head
expect_exit 0
expect_equal "$(pg_sql acme "SELECT headline FROM notes")" one
expect_equal "$(sqlite_sql bolt.db "SELECT headline FROM notes")" one
run "$APP" tenant downgrade -1 --tenant acme
expect_exit 0
run "$APP" tenant downgrade -1 --tenant bolt
expect_equal "$(pg_sql acme "SELECT title FROM notes")" one
expect_equal "$(sqlite_sql bolt.db "SELECT title FROM notes")" one
run "$APP" tenant head

it "notes a hint whose rename was done, and changes nothing for it"
autogenerate "again"
expect_exit 0
expect_stderr_contains "was renamed already"
expect_stderr_contains "nothing changed"

it "refuses a hint that fits nothing, at its line"
renamed_models "-- renamed from: titel"
models <<'SQL'
CREATE TABLE notes (
    id integer NOT NULL PRIMARY KEY,
    headline text NOT NULL, body text, stars integer,
    -- renamed from: nothing_like_it
    color text);
CREATE INDEX notes_headline_idx ON notes (headline);
CREATE TABLE tags (name text NOT NULL PRIMARY KEY);
SQL
autogenerate "x"
expect_exit 1
expect_stderr_contains "p/migrations/tenant/schema.sql:4:"
expect_stderr_contains "nothing_like_it"

it "refuses two hints for one source"
models <<'SQL'
CREATE TABLE notes (
    id integer NOT NULL PRIMARY KEY,
    headline text NOT NULL, stars integer,
    -- renamed from: body
    text text,
    -- renamed from: body
    words text);
CREATE INDEX notes_headline_idx ON notes (headline);
CREATE TABLE tags (name text NOT NULL PRIMARY KEY);
SQL
autogenerate "x"
expect_exit 1
expect_stderr_contains "schema.sql:6:"
expect_stderr_contains "cannot be renamed from the same one"

# ------------------------------------------------------------------------------------------- destructive, conversions

it "writes what loses rows as comments, with what needs it, and says so on the way down"
models <<'SQL'
CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, headline text NOT NULL, stars integer);
CREATE INDEX notes_headline_idx ON notes (headline);
SQL
BEFORE=$(files)
autogenerate "less"
expect_exit 0
expect_stderr_contains "warning: SQLite: drops column notes.body: what it holds is gone; it is a comment, unless"
expect contains "$(section "up postgresql")" "-- DESTRUCTIVE (disabled): drops column notes.body"
expect contains "$(section "up postgresql")" "--     ALTER TABLE notes DROP COLUMN body;"
expect contains "$(section "up postgresql")" "--     DROP TABLE tags;"
expect_not grep -q '^DROP TABLE tags' "${OUT##*$'\n'}"
expect contains "$(section "down postgresql")" "--     ALTER TABLE notes ADD COLUMN body text;"
build_project p profile-migrate
run "$APP" tenant head
expect_exit 0
expect_equal "$(pg_sql acme "SELECT body FROM notes")" text
expect_equal "$(sqlite_sql bolt.db "SELECT body FROM notes")" text

it "shows the gap in check"
gen tenant check --scratch "$SCRATCH"
expect_exit 5
expect_stdout_contains "body"
expect_stdout_contains "tags"

it "writes them as statements with --allow-destructive=KIND:NAME, and all with --allow-destructive"
autogenerate "less2" --allow-destructive=table:tags
expect_exit 0
expect contains "$(section "up postgresql")" $'\nDROP TABLE tags;'
expect contains "$(section "up postgresql")" "--     ALTER TABLE notes DROP COLUMN body;"
rm -f "${OUT##*$'\n'}"
autogenerate "less2" --allow-destructive
expect_exit 0
expect lacks "$(section "up postgresql")" "disabled"
expect contains "$(section "down postgresql")" "does not come back"
build_project p profile-migrate
run "$APP" tenant head
expect_exit 0
expect_equal "$(pg_sql acme "SELECT count(*) FROM information_schema.columns WHERE column_name = 'body'")" 0

it "is equal then, models and revisions and databases"
gen tenant check --scratch "$SCRATCH" --against "$(pg_url acme)"
expect_exit 0
gen tenant check --scratch "$SCRATCH" --against "sqlite:///$T/bolt.db" --json
expect_exit 0
expect_stdout_contains '"exit_code": 0'

it "converts by -- using: and fills by -- backfill:"
cat >p/migrations/tenant/schema.sql <<'SQL'
CREATE TABLE notes (
    id integer NOT NULL PRIMARY KEY,
    headline text NOT NULL,
    -- using: stars > 3
    stars boolean,
    -- backfill: headline || '!'
    shout text NOT NULL
);
CREATE INDEX notes_headline_idx ON notes (headline);
SQL
cp p/migrations/tenant/schema.sql p/migrations/tenant/schema.sqlite.sql
autogenerate "convert" --allow-destructive
expect_exit 0
expect contains "$(section "up postgresql")" "USING"
build_project p profile-migrate
run "$APP" tenant head
expect_exit 0
expect_equal "$(pg_sql acme "SELECT stars, shout FROM notes")" "t|one!"
expect_equal "$(sqlite_sql bolt.db "SELECT stars, shout FROM notes")" "1|one!"

it "refuses a new NOT NULL column that nothing fills"
cat >p/migrations/tenant/schema.sql <<'SQL'
CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, headline text NOT NULL, stars boolean, shout text NOT NULL, must text NOT NULL);
CREATE INDEX notes_headline_idx ON notes (headline);
SQL
cp p/migrations/tenant/schema.sql p/migrations/tenant/schema.sqlite.sql
BEFORE=$(files)
autogenerate "must"
expect_exit 1
expect_stderr_contains "must"
expect_stderr_contains "backfill"
expect_equal "$(files)" "$BEFORE"

it "marks what weakens security, and warns"
new_stream p rls <<'INI'
[stream]
kind = single
dialects = postgresql
INI
write_revision p rls rlsa1 "" <<'SQL'
-- migrate:up
CREATE TABLE t (id integer PRIMARY KEY, who text);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON t USING (who = current_user);

-- migrate:down
DROP TABLE t;
SQL
echo "CREATE TABLE t (id integer PRIMARY KEY, who text);" >p/migrations/rls/schema.sql
gen rls revision --autogenerate -m "open it" --scratch "$SCRATCH" --allow-destructive
expect_exit 0
expect contains "$(written)" "-- SECURITY:"
expect contains "$(written)" "DISABLE ROW LEVEL SECURITY"
expect_stderr_contains "warning"
rm -rf p/migrations/rls

it "writes grants to the roles that count, whatever they are called, and loses nobody else's when a view is made anew"
new_stream p grants <<'INI'
[stream]
kind = single
dialects = postgresql
autogenerate_grants = re-porter
INI
write_revision p grants grana1 "" <<'SQL'
-- migrate:up
CREATE ROLE watcher;
CREATE ROLE "re-porter";
CREATE TABLE t (i int, j int);
CREATE VIEW v AS SELECT i, j FROM t;
GRANT SELECT ON v, t TO watcher;

-- migrate:down
DROP VIEW v;
DROP TABLE t;
DROP ROLE watcher;
DROP ROLE "re-porter";
SQL
echo 'CREATE TABLE t (i int, j int); CREATE VIEW v AS SELECT j, i FROM t; GRANT SELECT ON v, t TO "re-porter";' \
    >p/migrations/grants/schema.sql
gen grants revision --autogenerate -m "other order" --scratch "$SCRATCH"
expect_exit 0
expect_equal "$(section up | grep -E 'GRANT|REVOKE' | LC_ALL=C sort)" "\
GRANT SELECT ON TABLE t TO \"re-porter\";
GRANT SELECT ON TABLE v TO \"re-porter\";
GRANT SELECT ON TABLE v TO watcher;"
rm -rf p/migrations/grants

it "replays revisions that name roles which the scratch server has not, in a DO block too"
new_stream p grants <<'INI'
[stream]
kind = single
dialects = postgresql
autogenerate_grants = *
INI
write_revision p grants grana1 "" <<'SQL'
-- migrate:up
CREATE TABLE t (i int, j int);
GRANT SELECT ON t TO "nobody here", nor_here;
DO $$ BEGIN EXECUTE 'GRANT UPDATE ON t TO not_here_either'; END $$;

-- migrate:down
DROP TABLE t;
SQL
echo 'CREATE TABLE t (i int, j int); GRANT SELECT ON t TO "nobody here", nor_here; GRANT UPDATE ON t TO not_here_either;' \
    >p/migrations/grants/schema.sql
gen grants check --scratch "$SCRATCH"
expect_exit 0
gen grants fingerprint --scratch "$SCRATCH"
expect_exit 0
rm -rf p/migrations/grants

# ------------------------------------------------------------------------------------------------------------ online

it "writes several revisions with --online, each its own transaction, and they run"
rm p/migrations/tenant/schema.sqlite.sql
models <<'SQL'
CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, headline text NOT NULL, stars boolean, shout text NOT NULL,
    CONSTRAINT notes_headline_check CHECK (headline <> ''));
CREATE INDEX notes_headline_idx ON notes (headline);
CREATE INDEX notes_stars_idx ON notes (stars);
SQL
BEFORE=$(files)
autogenerate "online" --online
expect_exit 0
expect_that "one file only" test "$(files)" -gt $((BEFORE + 1))
ALL=$(xargs cat <<<"$OUT")
expect contains "$ALL" "-- migrate:up postgresql transaction:false"
expect contains "$ALL" "CREATE INDEX CONCURRENTLY notes_stars_idx"
expect contains "$ALL" "NOT VALID"
expect contains "$ALL" "VALIDATE CONSTRAINT notes_headline_check"
build_project p profile-migrate
run "$APP" tenant head
expect_exit 0
gen tenant check --scratch "$SCRATCH" --against "$(pg_url acme)"
expect_exit 0
run "$APP" tenant downgrade "-$(($(files) - BEFORE))" --tenant acme
expect_exit 0
expect_equal "$(pg_sql acme "SELECT count(*) FROM pg_constraint WHERE conname = 'notes_headline_check'")" 0
run "$APP" tenant head

it "takes the form from env.ini"
echo "autogenerate_online = true" >>p/migrations/tenant/env.ini
models <<'SQL'
CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, headline text NOT NULL, stars boolean, shout text NOT NULL,
    CONSTRAINT notes_headline_check CHECK (headline <> ''));
CREATE INDEX notes_headline_idx ON notes (headline);
CREATE INDEX notes_stars_idx ON notes (stars);
CREATE INDEX notes_shout_idx ON notes (shout);
SQL
autogenerate "ini"
expect_exit 0
expect contains "$(written)" "CREATE INDEX CONCURRENTLY notes_shout_idx"
rm -f "$OUT"
sed -i '/autogenerate_online/d' p/migrations/tenant/env.ini

it "puts enum values that the same plan uses into a revision of their own"
new_stream p moods <<'INI'
[stream]
kind = single
dialects = postgresql
INI
write_revision p moods mooda1 "" <<'SQL'
-- migrate:up
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE t (id integer PRIMARY KEY, m mood NOT NULL DEFAULT 'sad');

-- migrate:down
DROP TABLE t;
DROP TYPE mood;
SQL
cat >p/migrations/moods/schema.sql <<'SQL'
CREATE TYPE mood AS ENUM ('sad', 'fair', 'glad');
CREATE TABLE t (id integer PRIMARY KEY, m mood NOT NULL DEFAULT 'fair');
SQL
gen moods revision --autogenerate -m "fair" --scratch "$SCRATCH"
expect_exit 0
expect_equal "$(wc -w <<<"$OUT")" 2
build_project p profile-migrate
new_database moods
run "$APP" moods head --url "$(pg_url moods)"
expect_exit 0
expect_equal "$(pg_sql moods "INSERT INTO t VALUES (1) RETURNING m")" fair
pg_sql moods "DELETE FROM t"
run "$APP" moods downgrade base --url "$(pg_url moods)"
expect_exit 0
rm -rf p/migrations/moods

it "keeps the template's own lines around what it writes, and its comments"
cat >p/migrations/revision.sql.tmpl <<'TEMPLATE'
## ${comment} and ${body} may be spoken of here
-- Revision: ${revision}
-- Revises: ${down_revision}
-- Message: ${message}

-- our own words

-- migrate:up postgresql
SET LOCAL lock_timeout = '3s';
${body}
-- done

-- migrate:up sqlite

-- migrate:down
TEMPLATE
autogenerate "template"
expect_exit 0
expect contains "$(written)" "-- our own words"
expect contains "$(written)" "-- PostgreSQL: compared"
expect matches "$(section "up postgresql")" "SET LOCAL lock_timeout = '3s';.*CREATE INDEX.*-- done"
expect lacks "$(section "up sqlite")" "lock_timeout"
rm -f "$OUT"
gen tenant revision -m "by hand"
expect_exit 0
expect lacks "$(written)" "{body}"
rm -f "$OUT" p/migrations/revision.sql.tmpl

# --------------------------------------------------------------------------------------------------- schema_command

it "takes the models from schema_command, run where the project is"
mkdir p/models
cp p/migrations/tenant/schema.sql p/models/postgresql.sql
sed 's/boolean/boolean/' p/models/postgresql.sql >p/models/sqlite.sql
mv p/migrations/tenant/schema.sql kept.sql
echo "schema_command = cat models/\$MIGRATE_DIALECT.sql" >>p/migrations/tenant/env.ini
gen tenant check --scratch "$SCRATCH"
expect_exit 5
expect_stdout_contains notes_shout_idx

it "points into what the command printed, and keeps that"
echo "CREATE TABLE broken (id nothing_known);" >>p/models/postgresql.sql
gen tenant check --scratch "$SCRATCH"
expect_exit 1
expect_stderr_matches 'schema\.tenant\.postgresql\.[A-Za-z0-9]+:[0-9]+:[0-9]+: error'
KEPT=$(grep -o '[^ ]*schema\.tenant\.postgresql\.[A-Za-z0-9]*' "$T/err" | head -n 1)
expect test -e "$KEPT"
rm -f "$KEPT"

it "says when the command fails or prints nothing"
sed -i 's/^schema_command.*/schema_command = exit 3/' p/migrations/tenant/env.ini
gen tenant check --scratch "$SCRATCH"
expect_exit 1
expect_stderr_contains "exit status 3"
sed -i 's/^schema_command.*/schema_command = true/' p/migrations/tenant/env.ini
gen tenant check --scratch "$SCRATCH"
expect_exit 1
expect_stderr_contains "printed nothing"
sed -i '/^schema_command/d' p/migrations/tenant/env.ini
mv kept.sql p/migrations/tenant/schema.sql

# -------------------------------------------------------------------------------------------------------------- diff

it "prints the SQL between any two of file, revision and database"
cat >a.sql <<'SQL'
CREATE TABLE t (id int PRIMARY KEY, a text);
SQL
cat >b.sql <<'SQL'
CREATE TABLE t (id int PRIMARY KEY, a text, b text);
COMMENT ON TABLE t IS 'it''s';
SQL
new_database one
pg_sql one "$(cat a.sql)"
for from in a.sql "$(pg_url one)"; do
    gen diff "$from" b.sql --scratch "$SCRATCH"
    expect_exit 0
    expect_stdout_contains "ALTER TABLE public.t ADD COLUMN b text;"
    expect_stdout_contains "COMMENT ON TABLE public.t IS 'it''s';"
done
gen diff tenant@base tenant@tena1 --dialect sqlite
expect_exit 0
expect_stdout_contains "CREATE TABLE notes"
gen diff a.sql a.sql --scratch "$SCRATCH"
expect_exit 0
expect_stdout_is ""

it "needs neither a scratch database nor a server of ours where it can start its own, and none for SQLite"
run "${GEN[@]}" diff a.sql b.sql
expect_exit 0
expect_stdout_contains "ADD COLUMN b"
echo "CREATE TABLE t (id integer PRIMARY KEY, a text);" >a.sqlite.sql
echo "CREATE TABLE t (id integer PRIMARY KEY, a text UNIQUE);" >b.sqlite.sql
PATH=/usr/bin:/bin run "${GEN[@]}" diff a.sqlite.sql b.sqlite.sql
expect_exit 0
expect_stdout_contains "PRAGMA foreign_keys = OFF;"

it "leaves the rows of a table that SQLite must rebuild"
sqlite_sql rows.db "$(cat a.sqlite.sql); INSERT INTO t VALUES (1, 'x'), (2, 'y')"
run "${GEN[@]}" diff "sqlite:///$T/rows.db" b.sqlite.sql
sqlite3 -batch -bail rows.db <"$T/out"
expect_equal "$(sqlite_sql rows.db "SELECT count(*) FROM t")" 2

it "renames schemas, tables and what is in them, with all that bears their name"
cat >before.sql <<'SQL'
CREATE SCHEMA old;
CREATE TYPE old.mood AS ENUM ('sad', 'ok');
CREATE TABLE old.docs (id serial PRIMARY KEY, title text NOT NULL, m old.mood);
CREATE INDEX docs_title_idx ON old.docs (title);
SQL
cat >after.sql <<'SQL'
-- renamed from: old
CREATE SCHEMA new;
CREATE TYPE new.mood AS ENUM ('sad',
    -- renamed from: ok
    'fine');
-- renamed from: docs
CREATE TABLE new.papers (id serial PRIMARY KEY,
    headline text NOT NULL, -- renamed from: title
    m new.mood);
CREATE INDEX papers_headline_idx ON new.papers (headline);
SQL
new_database renames
pg_sql renames "$(cat before.sql); INSERT INTO old.docs (title, m) VALUES ('one', 'ok')"
gen diff "$(pg_url renames)" after.sql --scratch "$SCRATCH"
expect_exit 0
expect_stdout_lacks "DROP"
expect_stdout_lacks "CREATE"
"$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d renames -f "$T/out"
expect_equal "$(pg_sql renames "INSERT INTO new.papers (headline) VALUES ('two'); SELECT id, headline, m FROM new.papers ORDER BY 1")" $'1|one|fine\n2|two|'
gen diff "$(pg_url renames)" after.sql --scratch "$SCRATCH"
expect_stdout_is ""

it "refuses what it cannot do by name, prints nothing, and exits with 1"
cat >c.sql <<'SQL'
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
SQL
gen diff a.sql c.sql --scratch "$SCRATCH"
expect_exit 1
expect_stdout_is ""
expect_stderr_contains "plain"

it "prints each change and the whole as JSON"
gen diff a.sql b.sql --scratch "$SCRATCH" --json
expect_exit 0
expect_stdout_contains '{"event": "change", "sql": "ALTER TABLE public.t ADD COLUMN b text"'
expect_equal "$(tail -n 1 "$T/out" | python3 -c 'import json, sys; o = json.load(sys.stdin); print(len(o["steps"]), o["refused"], o["verified"])')" "2 [] True"

it "has names of any kind right"
cat >odd.sql <<'SQL'
CREATE TABLE "a ""quoted""
table" ("select" int PRIMARY KEY, "Größe 🙂" text DEFAULT 'x''y');
CREATE INDEX "0123456789012345678901234567890123456789012345678901234567890ab" ON "a ""quoted""
table" ("Größe 🙂");
SQL
gen diff a.sql odd.sql --scratch "$SCRATCH" --allow-destructive
expect_exit 0
new_database odd
pg_sql odd "$(cat a.sql)"
"$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d odd -f "$T/out"
gen diff "$(pg_url odd)" odd.sql --scratch "$SCRATCH"
expect_exit 0
expect_stdout_is ""

it "wants two endpoints that are some, of one engine"
gen diff nothing a.sql
expect_exit 2
gen diff missing.sql a.sql
expect_exit 2
expect_stderr_contains 'there is no file "missing.sql"'
gen diff "sqlite:///$T/rows.db" "$(pg_url one)"
expect_exit 2

# ------------------------------------------------------------------------------------------------ a tenant is a schema

it "compares a tenant that is a schema of a shared database, and writes what fits them all"
new_stream p rooms <<'INI'
[stream]
kind = fleet
dialects = postgresql
registry = shared
tenants_query = SELECT tenant_id, database_url, schema FROM tenants WHERE schema IS NOT NULL ORDER BY tenant_id
INI
write_revision p rooms room1 "" <<'SQL'
-- migrate:up
CREATE TABLE desks (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE desks;
SQL
cat >p/migrations/rooms/schema.sql <<'SQL'
CREATE TABLE desks (id integer PRIMARY KEY, kind text NOT NULL DEFAULT 'plain');
CREATE VIEW kinds AS SELECT DISTINCT kind FROM desks;
SQL
new_database house
pg_sql house "CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE public.stranger (id int)"
pg_sql shared "INSERT INTO tenants VALUES ('one', '$(pg_url house)', 'one'), ('two', '$(pg_url house)', 'two')"
build_project p profile-migrate
run "$APP" rooms head
expect_exit 0
gen rooms revision --autogenerate --scratch "$SCRATCH" -m "kinds"
expect_exit 0
expect contains "$(written)" 'with tenant "one"'
expect contains "$(section up)" "ALTER TABLE desks ADD COLUMN kind"
expect lacks "$(section up)" "one."
expect lacks "$(section up)" "stranger"
build_project p profile-migrate
run "$APP" rooms head
expect_exit 0
expect_equal "$(pg_sql house "SELECT count(*) FROM two.kinds")" 0
gen rooms revision --autogenerate --scratch "$SCRATCH" -m "again" --tenant two
expect_exit 0
expect_stderr_contains "nothing changed"
