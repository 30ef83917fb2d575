#!/usr/bin/env bash
# What every command owes its reader, beside what the sessions of t_cli.sh show: JSON wherever it is asked for, refusals
# before anything is connected to, and the words that Alembic uses.
source "$(dirname "$0")/lib.sh"

# member NAME…: of the object that the last `run` printed.
member() {
    python3 -c 'import json, sys
answer = json.load(open(sys.argv[1]))
for name in sys.argv[2:]:
    print(answer[name], end="" if str(answer[name]).endswith("\n") else "\n")' "$T/out" "$@"
}

new_project project
table_revision project shared s1 ""
write_revision project tenant t1 "" <<'SQL'
-- migrate:up
CREATE TABLE one (id integer PRIMARY KEY);
-- migrate:down
DROP TABLE one;
SQL
table_revision project tenant a1 t1 "Branch-Labels: left"
table_revision project tenant b1 t1 "Branch-Labels: right"
sed -i '/^kind/a multiple_heads = true' project/migrations/tenant/env.ini
build_project project several
M=$T/project/build/several
export SHARED_DATABASE_URL=sqlite:///shared.db

it "answers in JSON where the answer is a text"
for words in "help" "help upgrade" "help --man" "completion bash" "completion zsh" "completion fish"; do
    # shellcheck disable=SC2086
    run "$MIGRATE" $words --json
    expect_exit 0
    # shellcheck disable=SC2086
    expect_equal "$(member text)" "$("$MIGRATE" $words)"
    # shellcheck disable=SC2086
    run "$MIGRATE_GEN" $words --json
    # shellcheck disable=SC2086
    [[ $words == "help upgrade" ]] || expect_equal "$(member text)" "$("$MIGRATE_GEN" $words)"
done
run "$M" tenant upgrade t1:a1 --sql --json --dialect sqlite -x tenant_id=acme
expect_exit 0
expect_equal "$(member stream tenant dialect)" "$(printf '%s\n' tenant acme sqlite)"
expect_equal "$(member script)" "$("$M" tenant upgrade t1:a1 --sql --dialect sqlite -x tenant_id=acme)"

it "writes a script for one database only"
run "$M" all upgrade head --sql
expect_exit 2
expect_stdout_is ""
expect_stderr_contains "a script is for one database, and all are 2 streams"
run "$M" tenant upgrade heads --sql --dry-run
expect_exit 2
expect_stderr_contains "--dry-run looks at the databases, and --sql at none"

it "names the rows that a stamp changes, as Alembic does"
run "$M" tenant stamp a1 b1 --sql
expect_stdout_contains "-- Running stamp_revision  -> a1"
expect_stdout_contains "-- Running stamp_revision  -> b1"
run "$M" tenant stamp a1:t1 --sql
expect_stdout_contains "-- Running stamp_revision a1 -> t1"

it "refuses a target that goes the wrong way before it looks at any database"
for target in base left@base; do
    run "$M" tenant upgrade "$target"
    expect_exit 2
    expect_stderr_contains "upgrade goes up: \"$target\" does not"
    expect_stderr_contains "several tenant downgrade $target"
done
expect test ! -e shared.db

it "takes no tenant for being below a revision of another branch"
run "$M" shared head --url sqlite:///shared.db
sqlite_sql shared.db "CREATE TABLE tenants (tenant_id text, database_url text);
    INSERT INTO tenants VALUES ('acme', 'sqlite:///acme.db'), ('globex', 'sqlite:///globex.db')"
run "$M" tenant upgrade a1 --tenant acme
run "$M" tenant upgrade t1 --tenant globex
run "$M" tenant downgrade b1
expect_exit 2
expect_stderr_contains "tenant acme: b1 is not a valid downgrade target"
expect_stderr_contains "globex: nothing to do, at t1"
run "$M" tenant downgrade a1
expect_exit 0

it "keeps exit status 2 for runs that touched nothing"
run "$M" tenant upgrade t1+1 --uneven
expect_exit 2
run "$M" tenant upgrade b1 --tenant globex
run "$M" tenant downgrade b1@-1 --uneven
expect_exit 1
expect_stdout_contains "1 downgraded (1 revision), 1 failed"

it "explains the failures of a dry run"
run "$M" tenant upgrade t1+1 --dry-run
expect_exit 2
expect_stderr_contains 'error: tenant acme: "t1+1" is ambiguous: 2 revisions follow t1'
expect_stderr_contains "hint:"

it "takes a query that is wrong for a mistake in the configuration"
run env SEVERAL_TENANT_TENANTS_QUERY="DELETE FROM tenants RETURNING tenant_id" "$M" tenant status
expect_exit 2
expect_stderr_contains 'stream "tenant": tenants_query: a query only reads'
run env SEVERAL_TENANT_TENANTS_QUERY="SELEC tenant_id" "$M" tenant status
expect_exit 2
expect_stderr_contains 'stream "tenant": tenants_query: near "SELEC": syntax error'
run env SEVERAL_SHARED_VERSION_TABLE=migrate_log "$M" shared head
expect_exit 2
expect_stderr_contains "version_table: migrate_log is the name of the log beside it"
