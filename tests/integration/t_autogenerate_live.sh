#!/usr/bin/env bash
# Autogenerate against what lives: it only reads, whoever it is that reads; every name is right, whatever it is made of;
# and what is bad ends with a message. limit: 300
source "$(dirname "$0")/lib.sh"

start_postgres --conf "log_statement = all"
new_database scratch
SCRATCH=$(pg_url scratch)

diff_of() { run timeout 120 "$MIGRATE_GEN" diff "$@" --scratch "$SCRATCH"; }
psql_file() { "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d "$1" -f "$2" >psql.log 2>&1 || { cat psql.log && return 1; }; }
dump() { "$PG_BIN/pg_dump" -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" "$1" | grep -v restrict; }
url_of() { echo "postgresql://$1@127.0.0.1:$PG_PORT/$2"; }

# ------------------------------------------------------------------------------------------------------- hostile names

# Everything has a name, a text and a comment that somebody might get wrong; the number says which name goes to which.
hostile() { "$TOP/tests/integration/hostile.py" "$@"; }

for seed in 9 40; do
    hostile postgresql $seed before >before.sql
    hostile postgresql $seed after >after.sql
    new_database "hostile$seed"
    pg_sql postgres "$(hostile postgresql $seed extra)"

    it "makes a PostgreSQL schema of hostile names from nothing, and then nothing is left to do ($seed)"
    diff_of empty before.sql
    expect_exit 0
    cp out up.sql
    expect psql_file "hostile$seed" up.sql
    diff_of "$(pg_url "hostile$seed")" before.sql
    expect_exit 0
    expect_stdout_is ""

    it "changes it: types, labels, bodies, comments, a column by hint ($seed)"
    diff_of "$(pg_url "hostile$seed")" after.sql --allow-destructive
    expect_exit 0
    cp out up.sql
    expect psql_file "hostile$seed" up.sql
    diff_of "$(pg_url "hostile$seed")" after.sql
    expect_exit 0
    expect_stdout_is ""
done

it "takes the whole away again"
diff_of "$(pg_url hostile9)" empty --allow-destructive
expect_exit 0
cp out down.sql
expect psql_file hostile9 down.sql
diff_of "$(pg_url hostile9)" empty
expect_exit 0
expect_stdout_is ""

for seed in 9 40; do
    it "does the same on SQLite, and keeps the rows ($seed)"
    hostile sqlite $seed before >before.sqlite.sql
    hostile sqlite $seed after >after.sqlite.sql
    run timeout 60 "$MIGRATE_GEN" diff empty before.sqlite.sql
    expect_exit 0
    expect sqlite3 -batch -bail "hostile$seed.db" <"$T/out"
    hostile sqlite $seed extra | sqlite3 -batch -bail "hostile$seed.db"
    for to in after before; do
        run timeout 60 "$MIGRATE_GEN" diff "hostile$seed.db" $to.sqlite.sql --allow-destructive
        expect_exit 0
        cp out script.sql
        # The sequence's table aside, three tables with five rows.
        expect sqlite3 -batch -bail "hostile$seed.db" <script.sql
        expect_equal "$(hostile sqlite $seed count | sqlite3 -batch -bail "hostile$seed.db")" 5
        run timeout 60 "$MIGRATE_GEN" diff "hostile$seed.db" $to.sqlite.sql
        expect_exit 0
        expect_stdout_is ""
    done
done

# Names without quotes are folded in hints as everywhere, and SQLite's are written as the models have them.
it "takes the old name of a hint as the engine would take it"
cat >mixed.sql <<'SQL'
CREATE TABLE Notes (Id integer PRIMARY KEY, Title text, "wEird x" text);
SQL
cat >renamed.sql <<'SQL'
-- renamed from: Notes
CREATE TABLE Papers (Id integer PRIMARY KEY,
    HeadLine text, -- renamed from: Title
    -- renamed from: "wEird x"
    "Other X" text);
SQL
diff_of mixed.sql renamed.sql
expect_exit 0
expect_stdout_contains 'RENAME COLUMN title TO headline;'
expect_stdout_contains 'RENAME COLUMN "wEird x" TO "Other X";'
expect_stdout_contains 'ALTER TABLE public.notes RENAME TO papers;'
expect_stdout_lacks "DROP"
run timeout 60 "$MIGRATE_GEN" diff mixed.sql renamed.sql --dialect sqlite
expect_exit 0
expect_stdout_is 'ALTER TABLE Notes RENAME COLUMN Title TO HeadLine;
ALTER TABLE Notes RENAME COLUMN "wEird x" TO "Other X";
ALTER TABLE Notes RENAME TO Papers;'

# --------------------------------------------------------------------------------------------------------- only reading

# What PostgreSQL has and nobody models is there too, on both sides; and roles, owners, grants, and extensions whose names
# want quotes.
cat >rich.sql <<'SQL'
CREATE SCHEMA app;
CREATE TABLE app.t (id citext PRIMARY KEY, n integer NOT NULL DEFAULT 1, h text DEFAULT gen_random_uuid());
CREATE VIEW app.v AS SELECT id, n + 1 AS m FROM app.t;
CREATE TEXT SEARCH CONFIGURATION app.plain (COPY = simple);
CREATE FUNCTION app.number(app.t) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE CAST (app.t AS integer) WITH FUNCTION app.number(app.t);
CREATE FUNCTION app.noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER noted ON sql_drop EXECUTE FUNCTION app.noted();
CREATE SEQUENCE app.s OWNED BY app.t.n;
GRANT SELECT ON app.t TO reader WITH GRANT OPTION;
SQL
new_database live
pg_sql postgres "CREATE ROLE looker LOGIN; CREATE ROLE reader; CREATE ROLE owns; REVOKE ALL ON DATABASE live FROM PUBLIC;
    GRANT CONNECT ON DATABASE live TO looker"
pg_sql live 'CREATE EXTENSION citext; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION adminpack'
psql_file live rich.sql
pg_sql live "REVOKE ALL ON SCHEMA public FROM PUBLIC; ALTER TABLE app.t OWNER TO owns; INSERT INTO app.t VALUES ('x')"
{ cat rich.sql && echo "REVOKE ALL ON SCHEMA public FROM PUBLIC; ALTER TABLE app.t ADD COLUMN o integer;"; } >richer.sql

it "takes no lock that anybody could wait for"
dump live >before.dump
: >"$PG_LOG"
# This mode goes together with ACCESS SHARE and with nothing else.
pg_sql live "SELECT 'LOCK TABLE ' || string_agg(oid::regclass::text, ', ') || ' IN EXCLUSIVE MODE;' FROM pg_class
    WHERE relkind IN ('r', 'v') AND relnamespace IN ('pg_catalog'::regnamespace, 'app'::regnamespace) AND NOT relisshared
      AND (relkind = 'r' OR relnamespace <> 'pg_catalog'::regnamespace)" >lock.sql
mkfifo hold
{ cat lock.sql && echo "SELECT 'held';" && cat hold; } |
    "$PG_BIN/psql" -X -q -A -t -1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d live >held 2>&1 &
HOLDER=$!
exec 7>hold
expect eventually 10 grep -q held held
PGOPTIONS="-c lock_timeout=3s" diff_of "$(url_of looker live)" richer.sql
exec 7>&-
wait "$HOLDER" || true
expect_exit 0
expect_stdout_is "ALTER TABLE app.t ADD COLUMN o integer;"

it "reads all catalogs in one transaction that can only read"
grep -E ' looker? | live ' "$PG_LOG" | grep -v 'postgres\|psql' >live.log || true
expect_equal "$(grep -c 'BEGIN' live.log)" "$(grep -c 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' live.log)"
expect_that "nothing was logged" test -s live.log

it "is told the same as the owner, whoever reads"
cp out looker.out
diff_of "$(pg_url live)" richer.sql
expect_exit 0
expect cmp looker.out out

it "leaves the database as it was, to the byte"
dump live >after.dump
expect cmp before.dump after.dump

it "names what nobody models where only one side has it, also beside a rename"
sed 's/ n integer NOT NULL/\n    -- renamed from: n\n    number integer NOT NULL/; s/n + 1 AS m/number + 1 AS m/; s/app\.t\.n;/app.t.number;/' \
    richer.sql >renamed.sql
diff_of "$(pg_url live)" renamed.sql
expect_exit 0
expect_stdout_is "ALTER TABLE app.t RENAME COLUMN n TO number;
ALTER TABLE app.t ADD COLUMN o integer;"
grep -v 'TEXT SEARCH\|CAST' renamed.sql >fewer.sql
diff_of "$(pg_url live)" fewer.sql --allow-destructive
expect_exit 1
expect_stdout_is ""
expect_stderr_contains "unmodelled text search configuration app.plain: it is not wanted"
expect_stderr_contains "unmodelled cast (app.t AS integer): it is not wanted"
pg_sql live "DROP TEXT SEARCH CONFIGURATION app.plain"
diff_of "$(pg_url live)" renamed.sql
expect_exit 1
expect_stderr_contains "unmodelled text search configuration app.plain: it is missing"

# --------------------------------------------------------------------------------------------------------- what is bad

echo "CREATE TABLE t (i integer);" >table.sql
new_database fresh

it "does not try things on the live database, empty as it may be"
run timeout 60 "$MIGRATE_GEN" diff "$(pg_url fresh)" table.sql --scratch "$(pg_url fresh)"
expect_exit 2
expect_stdout_is ""
expect_stderr_contains "the scratch database is the live one"
run timeout 60 "$MIGRATE_GEN" diff table.sql "$(url_of postgres fresh)" --scratch "postgresql://127.0.0.1:$PG_PORT/fresh?user=postgres"
expect_exit 2

it "tells a folder from a file that is missing, and both from text that is none"
mkdir folder.sql
: >zero.sql
printf 'CREATE TABLE t (a\0 int);' >nul.sql
printf 'CREATE TABLE t (a\xff int);' >latin.sql
echo "CREATE TABLE t (a text DEFAULT 'open);" >open.sql
diff_of zero.sql folder.sql
expect_exit 2
expect_stderr_contains '"folder.sql" is a folder'
diff_of zero.sql missing.sql
expect_exit 2
expect_stderr_contains 'there is no file "missing.sql"'
diff_of zero.sql nul.sql
expect_exit 2
expect_stderr_contains "nul.sql:1:18: error: the file holds a NUL byte"
diff_of zero.sql latin.sql
expect_exit 2
expect_stderr_contains "latin.sql:1:18: error: invalid UTF-8: byte 0xff"
diff_of zero.sql open.sql
expect_exit 1
expect_stderr_contains "open.sql:1:32: error: unterminated quoted string"
diff_of zero.sql zero.sql
expect_exit 0
expect_stdout_is ""

it "says who does not answer, and never a password"
diff_of "postgresql://postgres:open-sesame@127.0.0.1:1/x" table.sql
expect_exit 4
expect_stderr_contains "Connection refused"
expect_stderr_lacks "sesame"
pg_sql postgres "CREATE ROLE locked LOGIN PASSWORD 'right'"
as_server sed -i '1i host all locked 127.0.0.1/32 scram-sha-256' "$PG_DATA/pg_hba.conf"
pg_sql postgres "SELECT pg_reload_conf()" >reloaded
for options in "$(url_of locked:open-sesame fresh) table.sql" "table.sql table.sql --scratch $(url_of locked:open-sesame fresh)"; do
    # shellcheck disable=SC2086 # two or more words
    run timeout 60 "$MIGRATE_GEN" diff $options
    expect_exit 1
    expect_stderr_contains 'password authentication failed for user "locked"'
    expect_stderr_lacks "sesame"
done

# A file's CRLF is LF; what is quoted in it must not be.
it "writes revisions whose texts and names have carriage returns, and ends where the models are"
new_stream p lines <<'INI'
[stream]
kind = single
dialects = postgresql
INI
cat >p/migrations/lines/schema.sql <<'SQL'
CREATE TYPE e AS ENUM (E'1\r\n2', '3');
CREATE TABLE t (id integer PRIMARY KEY, a text DEFAULT E'a\r\nb''\\c', U&"q""\000D\000A\\z" integer);
COMMENT ON TABLE t IS E'two\r\nlines';
SQL
run timeout 60 "$MIGRATE_GEN" --migrations p/migrations lines revision --autogenerate -m lines --scratch "$SCRATCH"
expect_exit 0
run timeout 60 "$MIGRATE_GEN" --migrations p/migrations lines check --scratch "$SCRATCH"
expect_exit 0
