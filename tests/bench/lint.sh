# shellcheck shell=bash disable=SC2154,SC2153 # sourced by tests/bench/run
# The part of tests/bench/run that is about lint: MANY revisions of both engines, with what people write: tables, columns,
# constraints, indexes, a body of PL/pgSQL in every tenth. The peer only parses PostgreSQL's statements and throws the trees away.

# lint_body I DIALECT
lint_body() {
    printf 'CREATE TABLE t_%s (\n    id bigint PRIMARY KEY,\n    name text NOT NULL,\n    size integer,\n    noted timestamp\n);\n' "$1"
    printf 'CREATE INDEX t_%s_name ON t_%s (name);\n' "$1" "$1"
    (($1 > 1)) || return 0
    local before=$(($1 - 1))
    printf 'ALTER TABLE t_%s ADD COLUMN more text;\n' "$before"
    [[ $2 == postgresql ]] || return 0
    printf 'ALTER TABLE t_%s ALTER COLUMN size TYPE bigint;\n' "$before"
    printf 'ALTER TABLE t_%s ALTER COLUMN size SET NOT NULL;\n' "$before"
    printf 'ALTER TABLE t_%s ADD CONSTRAINT t_%s_owner FOREIGN KEY (size) REFERENCES t_%s (id);\n' "$1" "$1" "$before"
    printf "UPDATE t_%s SET more = name WHERE more IS NULL AND size > 10;\n" "$before"
    (($1 % 10)) || printf 'DO $$\nBEGIN\n    IF EXISTS (SELECT FROM t_%s) THEN\n        ALTER TABLE t_%s ADD COLUMN extra text;\n    END IF;\nEND\n$$;\n' "$before" "$before"
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
            echo "-- migrate:down" && echo "DROP TABLE t_$i;"
        } | write_revision linted main "$(revision_id "$i")" "$before"
        before=$(revision_id "$i")
    done
}

part_lint() {
    lint_project
    quietly gcc -O2 -Wall -o bare_parse "$BENCH/bare_parse.c" -Wl,-Bstatic -lpg_query -Wl,-Bdynamic -lpthread -lm
    local found
    found=$("$MIGRATE_GEN" --migrations linted/migrations main lint --json 2>/dev/null | grep -c '"not-null-scan"' || true)
    ((found == MANY - 1)) || { echo "bench: lint finds $found of $((MANY - 1)) columns that are read whole" >&2 && exit 1; }
    measured lint "lint of $MANY revisions, both engines" "$SLOW" \
        "migrate-gen lint" sh -c "$MIGRATE_GEN --migrations linted/migrations main lint --json >/dev/null 2>&1" \
        -- "libpg_query alone on PostgreSQL's statements" ./bare_parse statements.sql
}
