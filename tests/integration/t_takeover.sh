#!/usr/bin/env bash
# Databases that the real Alembic migrated, carried on by us, and ours read by the real Alembic. limit: 400
source "$(dirname "$0")/lib.sh"

start_postgres

# Five revisions in a row with a branch and its merge: a1 - b1 - c1 - m1 - e1
#                                                              \ d1 /
new_stream project main <<'INI'
[stream]
kind = single
dialects = postgresql, sqlite
url = ${MAIN_URL}
INI
table_revision project main aaaa1 ""
table_revision project main bbbb1 aaaa1
table_revision project main cccc1 bbbb1 "Branch-Labels: left"
table_revision project main dddd1 aaaa1 "Branch-Labels: right"
table_revision project main mmmm1 "cccc1, dddd1"
table_revision project main eeee1 mmmm1
build_project project main-migrate
OURS=$T/project/build/main-migrate

# The same project for Alembic.
mkdir -p alembic/versions
printf '[alembic]\nscript_location = %s\n' "$T/alembic" >alembic/alembic.ini
cat >alembic/env.py <<'PY'
import os
from alembic import context
from sqlalchemy import create_engine, pool
engine = create_engine(os.environ["ALEMBIC_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration="ALEMBIC_ONE" not in os.environ)
    with context.begin_transaction():
        context.run_migrations()
PY
alembic_revision() {
    printf '"""revision %s"""\nfrom alembic import op\nrevision = "%s"\ndown_revision = %s\nbranch_labels = %s\n' \
        "$1" "$1" "$2" "$3" >"alembic/versions/$1_test.py"
    printf 'def upgrade():\n    op.execute("CREATE TABLE t_%s (id integer PRIMARY KEY)")\n' "$1" >>"alembic/versions/$1_test.py"
    printf 'def downgrade():\n    op.execute("DROP TABLE t_%s")\n' "$1" >>"alembic/versions/$1_test.py"
}
alembic_revision aaaa1 None None
alembic_revision bbbb1 '"aaaa1"' None
alembic_revision cccc1 '"bbbb1"' '("left",)'
alembic_revision dddd1 '"aaaa1"' '("right",)'
alembic_revision mmmm1 '("cccc1", "dddd1")' None
alembic_revision eeee1 '"mmmm1"' None
alembic() { command alembic -c alembic/alembic.ini "$@"; }

# tables, rows: what a database holds, whatever its engine.
postgres_tables() { pg_sql "$1" "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relname LIKE 't\_%'"; }
sqlite_tables() { sqlite_sql "$1.db" "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE name LIKE 't\_%' ESCAPE '\\' ORDER BY name)"; }
postgres_rows() { pg_sql "$1" "SELECT string_agg(version_num, ' ' ORDER BY version_num) FROM alembic_version"; }
sqlite_rows() { sqlite_sql "$1.db" "SELECT group_concat(version_num, ' ') FROM (SELECT version_num FROM alembic_version ORDER BY 1)"; }
postgres_query() { pg_sql "$1" "$2"; }
sqlite_query() { sqlite_sql "$1.db" "$2"; }

# use ENGINE DATABASE: a new database, and its address for both tools.
use() {
    if [[ $1 == postgres ]]; then
        new_database "$2"
        MAIN_URL=$(pg_url "$2") ALEMBIC_URL=$(pg_url "$2")
    else
        MAIN_URL=sqlite:///$2.db ALEMBIC_URL=sqlite:///$2.db
    fi
    export MAIN_URL ALEMBIC_URL
}

# normal: lists that Alembic prints in the order of a Python set, and paths, made comparable.
normal() {
    python3 -c '
import re, sys
lines, run = [], []
for line in sys.stdin.read().split("\n"):
    line = re.sub(r"^(Branches into|Branch names|Merges): (.*)", lambda m: m[1] + ": " + ", ".join(sorted(m[2].split(", "))), line)
    line = re.sub(r"\(([a-z, ]+)\)", lambda m: "(" + ", ".join(sorted(m[1].split(", "))) + ")", line)
    line = re.sub(r"^Path: .*", "Path:", line)
    if re.match(r" +-> ", line):
        run.append(line)
        continue
    lines += sorted(run) + [line]
    run = []
print("\n".join(lines + sorted(run)))'
}

for engine in postgres sqlite; do
    n=0
    for target in aaaa1 bbbb1 cccc1 dddd1 mmmm1 heads; do
        n=$((n + 1))
        database=from_$n
        use $engine $database
        it "carries on to head what Alembic left at $target ($engine)"
        alembic upgrade $target >/dev/null 2>&1
        run "$OURS" main head
        expect_exit 0
        expect_equal "$(${engine}_rows $database)" eeee1
        expect_equal "$(${engine}_tables $database)" "t_aaaa1 t_bbbb1 t_cccc1 t_dddd1 t_eeee1 t_mmmm1"

        it "records one adopt row for each revision that Alembic applied, and one upgrade row for each of ours ($engine, $target)"
        expect_equal "$(${engine}_query $database "SELECT count(DISTINCT revision) FROM migrate_log WHERE direction IN ('adopt', 'upgrade')")" 6
        expect_equal "$(${engine}_query $database "SELECT count(*) FROM migrate_log WHERE direction IN ('adopt', 'upgrade')")" 6

        it "lets Alembic read our rows and go down again ($engine, $target)"
        run alembic current
        expect_exit 0
        expect_stdout_contains "eeee1 (head)"
        run alembic downgrade base
        expect_exit 0
        expect_equal "$(${engine}_tables $database)" ""
    done

    use $engine ours
    it "makes the version table as Alembic makes it ($engine)"
    "$OURS" main head >/dev/null 2>&1
    use $engine theirs
    alembic upgrade head >/dev/null 2>&1
    if [[ $engine == postgres ]]; then
        describe="SELECT column_name, data_type, character_maximum_length, is_nullable FROM information_schema.columns WHERE table_name = 'alembic_version'"
        expect_equal "$(pg_sql ours "$describe")" "$(pg_sql theirs "$describe")"
        describe="SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'alembic_version'::regclass"
        expect_equal "$(pg_sql ours "$describe")" "$(pg_sql theirs "$describe")"
    else
        expect_equal "$(sqlite_sql ours.db "PRAGMA table_info(alembic_version)")" "$(sqlite_sql theirs.db "PRAGMA table_info(alembic_version)")"
        squeeze() { tr -s ' \n' ' ' | sed 's/ *, */, /g; s/( /(/g; s/ )/)/g'; }
        expect_equal "$(sqlite_sql ours.db "SELECT sql FROM sqlite_schema WHERE name = 'alembic_version'" | squeeze)" \
            "$(sqlite_sql theirs.db "SELECT sql FROM sqlite_schema WHERE name = 'alembic_version'" | squeeze)"
    fi

    it "goes down and up in turns with Alembic ($engine)"
    use $engine turns
    for _ in 1 2 3; do
        "$OURS" main head >/dev/null 2>&1
        alembic downgrade bbbb1 >/dev/null 2>&1
        expect_equal "$(${engine}_rows turns)" "bbbb1 dddd1"
        "$OURS" main downgrade base >/dev/null 2>&1
        expect_equal "$(${engine}_tables turns)" ""
        alembic upgrade dddd1 >/dev/null 2>&1
        expect_equal "$(${engine}_rows turns)" dddd1
    done

    it "prints what Alembic prints for history, heads, branches, current and show ($engine)"
    use $engine printed
    alembic upgrade left@head >/dev/null 2>&1
    for words in "heads" "heads -v" "branches" "branches -v" "history" "history -v" "history -r aaaa1:mmmm1" \
        "history -r :bbbb1" "history -i" "history -r current:" "current" "show mmmm1" "show aaaa1"; do
        read -ra arguments <<<"$words"
        alembic "${arguments[@]}" 2>/dev/null | normal >theirs.txt || true
        "$OURS" main "${arguments[@]}" 2>/dev/null | normal >ours.txt || true
        expect_equal "$words: $(cat ours.txt)" "$words: $(cat theirs.txt)"
    done
done

it "writes a script that ends in the rows and tables of an online run"
use postgres online
"$OURS" main head >/dev/null 2>&1
use postgres offline
run "$OURS" main upgrade head --sql
expect_exit 0
cp out script.sql
"$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d offline -f script.sql >/dev/null
expect_equal "$(postgres_rows offline)" "$(postgres_rows online)"
expect_equal "$(postgres_tables offline)" "$(postgres_tables online)"

it "writes it in Alembic's shape"
ALEMBIC_ONE=1 alembic upgrade head --sql >theirs.sql 2>/dev/null
shape() { grep -E '^(BEGIN|COMMIT|CREATE TABLE|INSERT INTO alembic|UPDATE alembic|DELETE FROM alembic|-- Running)' "$1" | sed 's/ (.*//'; }
expect_equal "$(shape script.sql)" "$(shape theirs.sql)"
