#!/usr/bin/env bash
# Where schema files are tried: a cluster that comes and goes with the program, or a standing database that is left as it
# was. And how a file is loaded there: in any order, with what does not belong there refused where it stands.
source "$(dirname "$0")/lib.sh"

mkdir -m 711 scratch
export TMPDIR=$T/scratch
echo "-- nothing" >empty.sql

# load FILE [OPTION]…: as the goal of a comparison with nothing.
load() { run timeout 60 "$MIGRATE_GEN" diff empty.sql "$@"; }

# says FILE TEXT…: the file is refused, and these are among the findings.
says() {
    local file=$1 text
    shift
    load "$file"
    expect_exit 1
    for text; do expect_stderr_contains "$text"; done
}

nothing_left() { [[ -z $(ls -A "$TMPDIR") ]] && ! pgrep -f "postgres -D data -k $TMPDIR" >/dev/null; }

# in_the_middle COMMAND…: starts it in the background, and comes back while its cluster is there: $MIDDLE.
in_the_middle() {
    echo "SELECT pg_catalog.pg_sleep(60);" >slow.sql
    "$@" >/dev/null 2>&1 &
    MIDDLE=$!
    eventually 30 pgrep -f "postgres: postgres .*SELECT" || return 1
}

# ---------------------------------------------------------------------------------------------------- temporary cluster

cat >table.sql <<'SQL'
CREATE TABLE documents (id integer PRIMARY KEY, title text NOT NULL);
SQL

it "starts a cluster of its own, and takes it away again"
load table.sql
expect_exit 0
expect_stdout_contains "CREATE TABLE"
expect nothing_left

it "does not mind what the environment says of other databases"
PGHOSTADDR=192.0.2.1 PGSERVICE=nowhere PGOPTIONS='-c no.such=1' PGDATA=/nowhere load table.sql
expect_exit 0

it "runs as an ordinary user as well"
if [[ $(id -u) == 0 ]]; then
    mkdir -m 777 "$T/free"
    chmod 644 empty.sql table.sql
    install -m 755 "$MIGRATE_GEN" "$T/migrate-gen"
    TMPDIR=$T/free run setpriv --reuid=65534 --regid=65534 --clear-groups "$T/migrate-gen" diff empty.sql table.sql
    expect_exit 0
    expect_stdout_contains "CREATE TABLE"
    expect test -z "$(ls -A "$T/free")"
else
    ok
fi

it "goes elsewhere when TMPDIR is too long for a socket, or closed to the server's user"
long=$T/$(printf 'x%.0s' {1..100})
mkdir "$long"
mkdir -m 700 "$T/closed"
TMPDIR=$long load table.sql
expect_exit 0
TMPDIR=$T/closed load table.sql
expect_exit 0
expect test -z "$(find "$long" "$T/closed" -name "migrate-*")"

for signal in KILL TERM HUP; do
    it "leaves nothing behind when it ends by SIG$signal"
    expect in_the_middle "$MIGRATE_GEN" diff empty.sql slow.sql
    kill -"$signal" "$MIDDLE"
    wait "$MIDDLE" 2>/dev/null || true
    expect eventually 10 nothing_left
done

# ---------------------------------------------------------------------------------------------------- standing database

start_postgres
new_database scratch rich
pg_sql postgres "CREATE ROLE poor LOGIN; CREATE ROLE owns LOGIN"
pg_sql postgres "CREATE DATABASE owned OWNER owns TEMPLATE template0"

everything() { "$PG_BIN/pg_dumpall" -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" | grep -v restrict; }
url_of() { echo "postgresql://$1@/$2?host=$PG_HOME&port=$PG_PORT"; }

cat >roles.sql <<'SQL'
CREATE EXTENSION citext;
CREATE SCHEMA app;
CREATE TABLE app.t (id citext PRIMARY KEY);
ALTER TABLE app.t OWNER TO "Nobody ""Here";
GRANT SELECT ON app.t TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE reader IN SCHEMA app GRANT SELECT ON TABLES TO writer;
CREATE POLICY p ON app.t TO other;
SQL

it "leaves a standing database as it was, roles and extensions included"
everything >before
load roles.sql --scratch "$(url_of postgres scratch)"
expect_exit 0
load empty.sql --scratch "$(url_of postgres scratch)"
expect_exit 0
everything >after
expect cmp before after

it "names the role that it may not make"
run "$MIGRATE_GEN" diff empty.sql roles.sql --scratch "$(url_of owns owned)"
expect_exit 1
expect_stderr_contains 'roles.sql:4:1: error: the role "Nobody "Here" is missing on the scratch server'

it "refuses a database that holds something, and names it"
pg_sql rich "CREATE TABLE in_the_way (i int)"
load table.sql --scratch "$(url_of postgres rich)"
expect_exit 2
expect_stderr_contains "is not empty: relation in_the_way"

it "refuses a database where it may create nothing"
load table.sql --scratch "$(url_of poor scratch)"
expect_exit 2
expect_stderr_contains 'the role "poor" may not create anything'
expect_stderr_contains "GRANT CREATE ON DATABASE scratch TO poor"

it "wants PostgreSQL, and one that is there"
load table.sql --scratch "sqlite:///x.db"
expect_exit 2
expect_stderr_contains "must be PostgreSQL"
load table.sql --scratch "$(url_of postgres nowhere)"
expect_exit 1
expect_stderr_contains 'database "nowhere" does not exist'

it "waits for another that uses the database"
pg_sql scratch "SELECT 1 FROM pg_advisory_lock(x'6d6967726174652d'::bigint), pg_sleep(2)" >lock.out &
sleep 0.5
SECONDS=0
load table.sql --scratch "$(url_of postgres scratch)"
expect_exit 0
expect test "$SECONDS" -ge 1
wait

it "warns of an extension that stands there and is not in the file"
pg_sql owned "CREATE EXTENSION hstore"
load table.sql --scratch "$(url_of owns owned)"
expect_stderr_contains 'the scratch database has the extension "hstore", which the file does not make'

# --------------------------------------------------------------------------------------------------------- what is loaded

it "loads what pg_dump writes of a rich database, and finds nothing to change"
new_database full
"$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d full >/dev/null 2>&1 <<'SQL'
CREATE ROLE owner1; CREATE ROLE "read er"; CREATE ROLE writer;
CREATE EXTENSION citext; CREATE EXTENSION btree_gist; CREATE EXTENSION postgres_fdw;
CREATE SCHEMA app AUTHORIZATION owner1;
CREATE TYPE app.st AS ENUM ('a', 'b', 'it''s');
CREATE DOMAIN app.email AS citext CONSTRAINT em CHECK (VALUE ~ '@');
CREATE TYPE app.comp AS (x int, y text);
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.u := now(); RETURN NEW; END $$;
CREATE TABLE app.t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, e app.email NOT NULL, s app.st DEFAULT 'a',
    u timestamptz, n int, m int GENERATED ALWAYS AS (n + 1) STORED, c app.comp, EXCLUDE USING gist (n WITH =));
CREATE TABLE app.ser (id serial PRIMARY KEY, t bigint REFERENCES app.t DEFERRABLE, v text COLLATE "C");
CREATE UNIQUE INDEX ser_v ON app.ser (lower(v)) INCLUDE (t) WHERE t > 0;
CREATE TABLE app.p (d date NOT NULL, k int) PARTITION BY RANGE (d);
CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE INDEX ON app.p (k);
CREATE VIEW app.v WITH (security_invoker = true) AS SELECT id, e FROM app.t GROUP BY id;
CREATE MATERIALIZED VIEW app.mv AS SELECT * FROM app.ser;
CREATE TRIGGER tg BEFORE UPDATE ON app.t FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY pol ON app.t FOR SELECT TO "read er" USING (id > 0);
CREATE RULE r AS ON DELETE TO app.ser DO INSTEAD NOTHING;
CREATE STATISTICS app.stx ON id, t FROM app.ser;
CREATE FUNCTION app.f(a int DEFAULT 1) RETURNS TABLE (x bigint) LANGUAGE sql AS 'SELECT id FROM app.t WHERE id > a';
CREATE FUNCTION app.g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT count(*)::int FROM app.t; END;
CREATE PUBLICATION pub FOR TABLE app.t;
CREATE SUBSCRIPTION sub CONNECTION 'host=x' PUBLICATION y WITH (connect = false);
CREATE SERVER srv FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE app.ft (a int) SERVER srv;
GRANT SELECT (id), UPDATE (e) ON app.t TO "read er";
GRANT ALL ON app.ser TO writer WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE owner1 IN SCHEMA app GRANT SELECT ON TABLES TO "read er";
ALTER TABLE app.t OWNER TO owner1;
COMMENT ON COLUMN app.t.id IS 'it''s';
CREATE TABLE "We""ird é" (i int, "sel;ect" text DEFAULT E'a\nb;--');
CREATE FUNCTION public.loose() RETURNS bigint LANGUAGE plpgsql SET search_path = app AS 'BEGIN RETURN (SELECT max(id) FROM t); END';
CREATE FUNCTION public.looser() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
SQL
"$PG_BIN/pg_dump" -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -s full >full.sql
run timeout 60 "$MIGRATE_GEN" diff full.sql full.sql
expect_exit 0
expect_stderr_lacks "error"

it "takes statements in any order, each with the search path that it was written under"
cat >order.sql <<'SQL'
SET search_path = b;
CREATE VIEW v AS SELECT one FROM a.t JOIN here ON true;
SET search_path = a;
CREATE SCHEMA a;
CREATE SCHEMA b;
CREATE TABLE t (one int);
CREATE TABLE b.here ();
CREATE INDEX CONCURRENTLY t_one ON t (one);
SQL
load order.sql
expect_exit 0
expect_stdout_contains "CREATE VIEW b.v"

it "reports each statement that misses something at its own place"
cat >missing.sql <<'SQL'
CREATE TABLE ä (ö int REFERENCES nowhere (id),
  b nothing.at_all);
CREATE TABLE fine (i int);
CREATE VIEW v AS
    SELECT i, j FROM fine;
CREATE EXTENSION no_such_extension;
SQL
says missing.sql 'missing.sql:2:5: error: schema "nothing" does not exist' \
    'missing.sql:5:15: error: column "j" does not exist' \
    'missing.sql:6:1: error: extension "no_such_extension" is not available' 'postgresql-contrib'

it "refuses what does not belong in a schema"
cat >refused.sql <<'SQL'
BEGIN;
CREATE TABLE t (i int);
INSERT INTO t VALUES (1);
COPY t FROM STDIN;
1
2; it's
\.
\d t
SET ROLE someone;
SET TRANSACTION READ ONLY;
CREATE DATABASE d;
VACUUM t;
ALTER SYSTEM SET work_mem = '1GB';
CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p;
CALL p();
TRUNCATE t;
COMMIT;
SQL
says refused.sql "refused.sql:1:1: error: BEGIN: the file is loaded in a transaction that is not its own" \
    "refused.sql:3:1: error: INSERT: writes rows" "refused.sql:4:1: error: COPY: copies rows" \
    'refused.sql:8:1: error: "\d" is a command of psql' "refused.sql:9:1: error: SET ROLE" \
    "refused.sql:10:1: error: the file is loaded in a transaction" \
    "refused.sql:11:1: error: CREATE DATABASE: is outside of any schema" \
    "refused.sql:12:1: error: VACUUM: changes no schema" "refused.sql:13:1: error: ALTER SYSTEM" \
    "refused.sql:14:1: error: CREATE SUBSCRIPTION that connects" "refused.sql:15:1: error: CALL" \
    "refused.sql:16:1: error: TRUNCATE" "refused.sql:17:1: error: COMMIT"
expect_stderr_lacks "refused.sql:5:"
expect_stderr_lacks "refused.sql:2:"

it "goes on behind syntax errors"
printf '%s\n' "CREATE TABEL a (i int);" "CREATE TABLE b (i int,);" "CREATE TABLE c (i int DEFAULT nofunc());" >syntax.sql
says syntax.sql 'syntax.sql:1:8: error: syntax error at or near "TABEL"' 'syntax.sql:2:23: error: syntax error' \
    'syntax.sql:3:31: error: function nofunc() does not exist'

it "looks into bodies when all is there"
cat >bodies.sql <<'SQL'
CREATE FUNCTION early() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM late';
CREATE FUNCTION wrong() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*)
    FROM nowhere $$;
CREATE FUNCTION slip() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RETRUN;
END $$;
CREATE FUNCTION temporary() RETURNS void LANGUAGE sql AS $$ CREATE TEMP TABLE x (i int); DELETE FROM x $$;
CREATE TABLE late ();
SQL
says bodies.sql 'bodies.sql:4:10: error: wrong(): relation "nowhere" does not exist' \
    'bodies.sql:7:3: error: slip(): syntax error at or near "RETRUN"' 'warning: temporary(): relation "x" does not exist'
expect_stderr_lacks "early()"

it "reports what a DO block stumbles over at its line"
printf '%s\n' "DO \$\$" "BEGIN" "  EXECUTE 'CREATE TABLE x (i nothing)';" "END \$\$;" >do.sql
says do.sql 'do.sql:3:3: error: type "nothing" does not exist'

it "warns of rows, roles, and settings of another version"
cat >warned.sql <<'SQL'
SET transaction_timeout = 0;
CREATE ROLE somebody;
CREATE TABLE filled AS SELECT 1 AS one;
SELECT pg_catalog.set_config('search_path', '', false);
SELECT 1, 2;
SQL
load warned.sql
expect_exit 0
expect_stderr_contains "warned.sql:1:1: warning: transaction_timeout: PostgreSQL 15 does not know it"
expect_stderr_contains "warned.sql:2:1: warning: CREATE ROLE: roles belong to the server"
expect_stderr_contains "warning: public.filled has rows"
expect_stderr_contains "warned.sql:5:1: warning: SELECT in a schema"
expect_stderr_lacks "warned.sql:4:"

it "wants the labels of an enum where it is made"
printf '%s\n' "CREATE TYPE e AS ENUM ('a');" "ALTER TYPE e ADD VALUE 'b';" "CREATE TABLE t (e e DEFAULT 'b');" >enum.sql
says enum.sql 'enum.sql:3:29: error: unsafe use of new value "b"' "list the value in CREATE TYPE"

