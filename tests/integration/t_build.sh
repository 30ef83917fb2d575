#!/usr/bin/env bash
# The build of a project: it does what changed and no more, the same everywhere, and for other repositories too.
source "$(dirname "$0")/lib.sh"

# The rules of what is deployed: a sanitizer's build promises neither the same bytes nor a static executable.
SAN="" TOOLS_DIR=$STATIC_BUILD MIGRATE_GEN=$STATIC_BUILD/migrate-gen

# build [DIR]: the project there; the lines that make said are in $OUT.
build() {
    run build_project "${1:-project}" demo
}
compiled() { grep -c '^  CC' <<<"$OUT" || true; }
linked() { grep -c '^  LINK' <<<"$OUT" || true; }
# revisions: how many the executable holds, one line each.
revisions() { "${1:-project}/build/demo" main history | grep -c . || true; }

new_stream project main <<'INI'
[stream]
kind = single
dialects = postgresql, sqlite
url = ${DATABASE_URL}
INI
new_stream project other <<'INI'
[stream]
kind = single
dialects = sqlite
url = ${OTHER_URL}
INI
table_revision project main aaaa1 ""
table_revision project main aaaa2 aaaa1
table_revision project main aaaa3 aaaa2
table_revision project other bbbb1 ""

it "builds a project with streams of any name"
build
expect_exit 0
expect_equal "$(revisions)" 3

it "does nothing when nothing changed"
before=$(stat -c %Y.%i project/build/demo)
build
expect_exit 0
expect_equal "$OUT" ""
expect_equal "$(stat -c %Y.%i project/build/demo)" "$before"

it "compiles and links nothing when a file was only touched"
touch project/migrations/main/versions/aaaa2_test.sql
build
expect_equal "$(compiled)" 0
expect_equal "$(linked)" 0

it "compiles one revision, its stream's table and the catalogue when a revision changed"
sed -i 's/CREATE TABLE t_aaaa2 (/CREATE TABLE t_aaaa2 (more text, /' project/migrations/main/versions/aaaa2_test.sql
build
expect_exit 0
expect_equal "$(compiled)" 3
expect_equal "$(linked)" 1
expect grep -qa 'more text' project/build/demo

it "notices a revision that came, under a name with a space"
table_revision project main aaaa4 aaaa3
mv project/migrations/main/versions/aaaa4_test.sql "project/migrations/main/versions/aaaa4 with space.sql"
build
expect_exit 0
expect_equal "$(revisions)" 4

it "notices a file that was renamed"
mv "project/migrations/main/versions/aaaa4 with space.sql" project/migrations/main/versions/renamed.sql
build
expect_exit 0
expect_equal "$(linked)" 1
expect grep -qa 'renamed.sql' project/build/demo

it "notices a revision that went away, older than what is built"
rm project/migrations/main/versions/renamed.sql
build
expect_exit 0
expect_equal "$(revisions)" 3

it "notices a stream that went away"
rm -r project/migrations/other
build
expect_exit 0
run project/build/demo other history
expect_exit 2

it "leaves the executable alone when a revision is refused"
before=$(sha256sum <project/build/demo)
table_revision project main aaaa9 nosuch
build
expect_exit 2
expect_stderr_contains "nosuch"
expect_equal "$(sha256sum <project/build/demo)" "$before"
rm project/migrations/main/versions/aaaa9_test.sql
build
expect_exit 0

it "gives the same bytes in another folder, at another time, from another path"
mkdir -p deeper/in/the/tree
cp -r project/migrations deeper/in/the/tree/
find deeper -name '*.sql' -exec touch -d 2001-01-01 {} +
build deeper/in/the/tree
expect_exit 0
expect cmp project/build/demo deeper/in/the/tree/build/demo
expect_not grep -qaF "$T" project/build/demo

it "gives the same bytes for a file that goes in through .incbin, and embeds all of it"
{
    echo "-- migrate:up irreversible"
    for i in {1..2000}; do echo "CREATE TABLE wide_$i (id integer PRIMARY KEY, note text DEFAULT 'number $i');"; done
} | write_revision project main aaaa5 aaaa3
rm -r deeper/in/the/tree/migrations
cp -r project/migrations deeper/in/the/tree/
build
expect_exit 0
build deeper/in/the/tree
expect cmp project/build/demo deeper/in/the/tree/build/demo
expect grep -qaF "$(tail -n 1 project/migrations/main/versions/aaaa5_test.sql)" project/build/demo

it "takes the tools that are there as they are, and compiles the revisions alone"
run make --no-print-directory -C "$TOP" SAN= MIGRATIONS="$T/project/migrations" BUILD="$T/apart" NAME=apart TOOLS="$STATIC_BUILD"
expect_exit 0
expect_equal "$(grep '^  CC' <<<"$OUT" | grep -v ' gen/' || true)" ""
expect_equal "$(linked)" 1
expect_not test -e apart/obj
run apart/apart main heads
expect_stdout_contains "aaaa5"

it "says when the tools are not there, and makes none"
run make --no-print-directory -C "$TOP" SAN= MIGRATIONS="$T/project/migrations" BUILD="$T/apart2" NAME=apart TOOLS="$T/nowhere"
expect_exit 2
expect_stderr_contains "nowhere/migrate-gen is not there; make BUILD=$T/nowhere builds it"
expect_not test -e nowhere

it "installs what another repository needs, which includes the rules"
run make_here DESTDIR="$T/stage" PREFIX=/opt/tools install
expect_exit 0
expect_equal "$(grep -E '^  (CC|LINK)' <<<"$OUT" || true)" ""
expect test -s stage/opt/tools/share/man/man1/migrate-gen.1
mkdir -p elsewhere
cp -r project/migrations elsewhere/schema
cat >elsewhere/Makefile <<MK
MIGRATIONS := schema
BUILD      := out
NAME       := billing-migrate
CFLAGS     := -this-must-not-reach-the-rules
all: out/billing-migrate
include $T/stage/opt/tools/share/profile-migrate/profile-migrate.mk
MK
run make -C elsewhere
expect_exit 0
run elsewhere/out/billing-migrate version
expect_exit 0
expect_stdout_contains "billing-migrate"
run elsewhere/out/billing-migrate main heads
expect_stdout_contains "aaaa5"
