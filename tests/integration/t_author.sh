#!/usr/bin/env bash
# revision, merge and edit: what a developer types between two builds, and that the result compiles as it is.
# shellcheck disable=SC2016 # dollars and backquotes are meant as they stand
source "$(dirname "$0")/lib.sh"

gen() {
    run "$MIGRATE_GEN" "$@"
}

# The one line that a command printed is the file that it wrote.
expect_written() {
    expect_exit 0
    expect_stderr_is ""
    FILE=$OUT
    expect test -f "$FILE"
}

# As it was written, the file has nothing to do yet, and only that is said of it.
expect_compiles() {
    run "$MIGRATE_GEN" check -q
    expect_exit 0
    expect_equal "$(grep -E ': (warning|error): ' "$T/err" | grep -v ': warning: the section is empty \[empty-section]$' || true)" ""
}

header() {
    sed -n "s/^-- $1: *//p" "$FILE"
}

mkdir -p migrations/app
printf '[stream]\n' >migrations/app/env.ini

it "writes the first revision of a stream that has none, without a template"
gen app revision -m "create documents"
expect_written
first=$(header Revision)
expect_stdout_matches '^migrations/app/versions/[0-9a-f]{12}_create_documents\.sql$'
expect_equal "$(sed "s/$first/ID/; s/^-- Created: .*/-- Created: NOW/" "$FILE")" '-- Revision: ID
-- Revises:
-- Message: create documents
-- Created: NOW

-- migrate:up

-- migrate:down'
expect_equal "$FILE" "migrations/app/versions/${first}_create_documents.sql"
expect_compiles
expect_stderr_is "$FILE:6:1: warning: the section is empty [empty-section]
    -- migrate:up
    ^
hint: write the SQL, or a comment that says why there is nothing to do"

it "builds on the head, with the author's own time"
TZ=Asia/Ho_Chi_Minh gen app revision -m "add owners"
expect_written
second=$(header Revision)
expect_equal "$(header Revises)" "$first"
expect_that "Created is $(header Created)" matches "$(header Created)" \
    "^$(TZ=Asia/Ho_Chi_Minh date +%Y-%m-%d) [0-9]{2}:[0-9]{2}:[0-9]{2}\+07:00$"
expect_compiles

it "takes Alembic's spelling of the stream"
gen -n app revision -m "by name" --rev-id named
expect_written
expect_equal "$FILE" migrations/app/versions/named_by_name.sql
rm "$FILE"

it "cuts long names between words, and keeps letters of any language"
gen app revision -m "Thêm bảng hoá đơn; and a great many other things that nobody wants to type" --rev-id long
expect_written
expect_equal "$FILE" "migrations/app/versions/long_thêm_bảng_hoá_đơn_and_a_great_many_.sql"
rm "$FILE"
gen app revision -m "$(printf 'x%.0s' {1..50})" --rev-id long
expect_equal "$OUT" "migrations/app/versions/long_$(printf 'x%.0s' {1..40})_.sql"
rm "$OUT"
gen app revision -m "!?" --rev-id long
expect_equal "$OUT" "migrations/app/versions/long.sql"
rm "$OUT"

it "refuses a parent that is no head, in Alembic's words, and takes it with --splice"
gen app revision -m "side" --head "$first"
expect_exit 2
expect_stderr_is "error: Revision $first is not a head revision; please specify --splice to create a new branch from this revision"
gen app revision -m "side" --head "${first:0:6}" --splice --branch-label side --depends-on "${second:0:6}"
expect_written
side=$(header Revision)
expect_equal "$(header Revises)" "$first"
expect_equal "$(header Branch-Labels)" side
expect_equal "$(header Depends-On)" "$second"

it "says which heads there are when there are several"
gen app revision -m "more"
expect_exit 2
expect_stderr_matches '^error: Multiple heads are present; please specify the head revision on which the new revision should be based, or perform a merge\.'
expect_stderr_contains "$second"
expect_stderr_contains "hint: $MIGRATE_GEN app merge -m MESSAGE joins them; --head REV builds on one"
gen app revision -m "more" --head side@head
expect_written
expect_equal "$(header Revises)" "$side"
more=$(header Revision)

it "prints the merge command that the build asks for, and that command works"
run "$MIGRATE_GEN" check -q
expect_exit 1
command=$(sed -n 's/^hint: join them with `\(.*\)`, or say.*/\1/p' <<<"$ERR")
expect_that "no command in: $ERR" matches "$command" "^$MIGRATE_GEN app merge -m \"merge [0-9a-f]+ and [0-9a-f]+\"\$"
run bash -c "$command"
expect_written
expect_equal "$(header Revises | tr -d ' ' | tr , '\n' | sort)" "$(printf '%s\n' "$second" "$more" | sort)"
expect_compiles

it "refuses to merge what is no two heads"
gen app merge -m "again"
expect_exit 2
expect_stderr_matches '^error: there is nothing to merge: [0-9a-f]+ is the only head$'
gen app merge -m "again" "$first"
expect_exit 2
expect_stderr_contains "is not a head revision"
gen app merge -m "again" --splice "$first"
expect_stderr_is "error: a merge has two parents at least"
gen app merge -m "again" --splice "$first" "$first"
expect_stderr_is "error: $first is named twice"
gen app merge -m "again" --splice "$first" "$second"
expect_stderr_is "error: $first is an ancestor of $second already"

it "starts a new branch from nothing"
gen app revision -m "apart" --head base --rev-id apart
expect_written
expect_equal "$(header Revises)" ""
rm "$FILE"

it "refuses a name that the build would refuse, before there is a file"
before=$(ls migrations/app/versions)
gen app revision -m x --rev-id head
expect_exit 2
expect_stderr_contains 'error: the revision id "head" is a word of the command line'
gen app revision -m x --rev-id a-b
expect_stderr_contains "error: the revision id \"a-b\" holds '-'"
gen app revision -m x --rev-id ../../../x
expect_exit 2
gen app revision -m x --rev-id "$first"
expect_stderr_contains "error: the revision \"$first\" is there twice"
gen app revision -m x --branch-label side
expect_stderr_contains 'error: the label "side" is there twice'
gen app revision -m x --depends-on nowhere
expect_exit 2
gen app revision
expect_exit 2
expect_stderr_is 'error: the revision has no message
hint: -m "add documents"'
gen app revision -m $'two\nlines'
expect_exit 2
expect_stderr_is "error: a message is one line, without control characters"
expect_equal "$(ls migrations/app/versions)" "$before"

it "never overwrites"
gen app revision -m "mine" --rev-id taken
expect_written
mkdir -p aside && mv "$FILE" aside
ln -s /nonexistent/target "$FILE"
touch "$T/elsewhere"
ln -sf "$T/elsewhere" migrations/app/versions/taken_mine.sql
run "$MIGRATE_GEN" app revision -m "mine" --rev-id taken
expect_exit 1
expect_equal "$(cat "$T/elsewhere")" ""
rm -f migrations/app/versions/taken_mine.sql

it "names the nearest stream"
gen ap revision -m x
expect_exit 2
expect_stderr_is 'error: there is no stream "ap"
hint: did you mean "app"?'
gen zzzzzz revision -m x
expect_stderr_contains "hint: streams in migrations: app"

it "shows what is wrong with the stream, and writes nothing"
cp -r migrations broken
printf -- '-- Revision: z\n-- Revises: nowhere\n-- Message: m\n-- migrate:up\n-- migrate:down\n' >broken/app/versions/z.sql
gen --migrations broken app revision -m x
expect_exit 1
expect_stderr_contains 'broken/app/versions/z.sql:2:13: error: there is no revision "nowhere"'
expect_stderr_contains 'error: the stream "app" has errors'

it "fills in the project's own template"
cp -r migrations own
cat >own/revision.sql.tmpl <<'TMPL'
## ${nothing} here is looked at
-- Revision: ${revision}
-- Revises: ${down_revision}
-- Message: ${message}
-- Created: ${created}
-- Branch-Labels: ${branch_labels}
-- Depends-On: ${depends_on}
-- Requires: ${requires}

-- Ticket: see ${message} (${revision})
-- migrate:up postgresql
-- for PostgreSQL
-- migrate:up sqlite
-- for SQLite
-- migrate:down postgresql,sqlite lock_timeout:1s
TMPL
gen --migrations own app revision -m "from a template" --rev-id t1
expect_written
expect_equal "$(tail -n +5 "$FILE")" '
-- Ticket: see from a template (t1)
-- migrate:up postgresql
-- for PostgreSQL
-- migrate:up sqlite
-- for SQLite
-- migrate:down postgresql,sqlite lock_timeout:1s'
run "$MIGRATE_GEN" check -q --migrations own
expect_exit 0

it "leaves out the sections of dialects that the stream does not have"
mkdir own/lite
printf '[stream]\ndialects = sqlite\n' >own/lite/env.ini
gen --migrations own lite revision -m "sqlite alone" --rev-id t2
expect_written
expect_equal "$(tail -n +5 "$FILE")" '
-- Ticket: see sqlite alone (t2)
-- migrate:up sqlite
-- for SQLite
-- migrate:down sqlite lock_timeout:1s'

it "refuses a placeholder that it does not know"
echo "\${tenant}" >>own/revision.sql.tmpl
gen --migrations own app revision -m x
expect_exit 2
expect_stderr_contains 'own/revision.sql.tmpl:16: error: unknown placeholder "${tenant}"'
expect_stderr_contains 'hint: known are ${revision}, ${down_revision}, ${message}'

it "writes what the registry's database must have"
mkdir -p migrations/fleet
printf '[stream]\nkind = fleet\nregistry = app\n' >migrations/fleet/env.ini
gen fleet revision -m "needs the registry" --requires app@head
expect_written
expect_that "Requires is $(header Requires)" matches "$(header Requires)" '^app@[0-9a-f]{12}$'
expect_compiles
gen fleet revision -m x --requires app
expect_exit 2
gen fleet revision -m x --requires nowhere@head
expect_stderr_contains 'there is no stream "nowhere"'

it "answers in JSON"
gen app revision -m "machine" --rev-id machine --json
expect_exit 0
expect_stdout_is '{"path": "migrations/app/versions/machine_machine.sql"}'

it "opens a revision in the editor that is set, even in a stream with findings"
EDITOR="printf %s\\\\n" gen app edit mach
expect_exit 0
expect_stdout_is "migrations/app/versions/machine_machine.sql"
VISUAL="printf %s\\\\n" EDITOR=false gen app edit head
expect_stdout_is "migrations/app/versions/machine_machine.sql"
EDITOR="printf %s\\\\n" gen --migrations broken app edit z
expect_stdout_is "broken/app/versions/z.sql"
EDITOR=false gen app edit machine
expect_exit 1
gen app edit nosuch
expect_exit 2
unset VISUAL EDITOR
run env -u VISUAL -u EDITOR "$MIGRATE_GEN" app edit machine
expect_exit 2
expect_stderr_is 'error: neither VISUAL nor EDITOR is set
hint: EDITOR=vi '"$MIGRATE_GEN app edit machine"

it "writes for the sample what the sample's template says"
cp -r "$TOP/migrations" sample
rm -f sample/*/fingerprint.* # of the revisions before
for stream in shared tenant; do
    gen --migrations sample "$stream" revision -m "one more thing"
    expect_written
    expect_that "no word of the guide" grep -q '^-- docs/guide.md' "$FILE"
done
run "$MIGRATE_GEN" check -q --migrations sample
expect_exit 0
expect_equal "$(grep -c 'warning: the section is empty' "$T/err")" 4
