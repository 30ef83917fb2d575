# shellcheck shell=bash disable=SC2154,SC2153 # sourced by tests/bench/run
# The part of tests/bench/run that is about lint: MANY revisions of both engines with what people write. Every tenth makes a
# table; the others change the tables that are there: columns, types, constraints, indexes, rows, a body of PL/pgSQL. The peer
# only parses PostgreSQL's statements and throws the trees away.

# lint_body I DIALECT
lint_body() {
    local i=$1 table=t_$((($1 - 1) / 10))
    if ((i % 10 == 1)); then
        printf 'CREATE TABLE %s (\n    id bigint PRIMARY KEY,\n    name text NOT NULL,\n    size integer,\n    noted timestamp\n);\n' "$table"
        printf 'CREATE INDEX %s_name ON %s (name);\n' "$table" "$table"
        return
    fi
    printf 'ALTER TABLE %s ADD COLUMN c_%s text;\n' "$table" "$i"
    printf "UPDATE %s SET c_%s = name WHERE size > %s;\n" "$table" "$i" "$i"
    [[ $2 == postgresql ]] || return 0
    ((i % 10 != 2)) || printf 'ALTER TABLE %s ALTER COLUMN size TYPE bigint;\n' "$table"
    ((i % 10 != 3)) || printf 'ALTER TABLE %s ADD CONSTRAINT %s_owner FOREIGN KEY (size) REFERENCES t_0 (id);\n' "$table" "$table"
    ((i % 10 != 4)) || printf 'DO $$\nBEGIN\n    IF EXISTS (SELECT FROM %s) THEN\n        ALTER TABLE %s ADD COLUMN extra text;\n    END IF;\nEND\n$$;\n' "$table" "$table"
    printf 'ALTER TABLE %s ALTER COLUMN c_%s SET NOT NULL;\n' "$table" "$i"
}

lint_down() {
    local i=$1 table=t_$((($1 - 1) / 10))
    if ((i % 10 == 1)); then echo "DROP TABLE $table;"; else echo "ALTER TABLE $table DROP COLUMN c_$i;"; fi
}

lint_project() {
    local i before=""
    new_stream linted main <<'INI'
[stream]
dialects = postgresql, sqlite
url = ${BENCH_URL}
INI
    : >statements.sql
    for ((i = 1; i <= MANY; i++)); do
        lint_body "$i" postgresql >body.postgresql
        cat body.postgresql >>statements.sql
        {
            echo "-- migrate:up postgresql" && cat body.postgresql && echo
            echo "-- migrate:up sqlite" && lint_body "$i" sqlite && echo
            echo "-- migrate:down" && lint_down "$i"
        } | write_revision linted main "$(revision_id "$i")" "$before"
        before=$(revision_id "$i")
    done
}

part_lint() {
    lint_project
    quietly gcc -O2 -Wall -o bare_parse "$BENCH/bare_parse.c" -Wl,-Bstatic -lpg_query -Wl,-Bdynamic -lpthread -lm
    local found
    found=$("$MIGRATE_GEN" --migrations linted/migrations main lint --json 2>/dev/null | grep -c '"not-null-scan"' || true)
    ((found == MANY - MANY / 10)) || { echo "bench: lint finds $found of $((MANY - MANY / 10)) columns that are read whole" >&2 && exit 1; }
    # Nothing is known: SQLite tries each revision up and down, which takes it most of the time. Then what a build remembers.
    measured lint_new "lint of $MANY revisions, both engines, from nothing" "$FEW" \
        "migrate-gen lint" sh -c "$MIGRATE_GEN --migrations linted/migrations main lint --json >/dev/null 2>&1" \
        -- "libpg_query alone on PostgreSQL's statements" ./bare_parse statements.sql
    mkdir -p build/gen
    quietly "$MIGRATE_GEN" --migrations linted/migrations compile --output build/gen
    measured lint "lint of $MANY revisions, both engines, after a build" "$SLOW" \
        "migrate-gen lint" sh -c "$MIGRATE_GEN --migrations linted/migrations main lint --json >/dev/null 2>&1" \
        -- "libpg_query alone on PostgreSQL's statements" ./bare_parse statements.sql
    rm -r build/gen
}
