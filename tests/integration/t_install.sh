#!/usr/bin/env bash
# Another repository, on another's account: from an installed copy alone, a folder of migrations and three lines become an
# executable, with every verb that its people need. Both places have a space in their path.
source "$(dirname "$0")/lib.sh"

# A sanitizer's build is not installed.
SAN="" BUILT=$STATIC_BUILD

# as_other CMD…: as a user who owns neither the tools nor this test. Who is not root becomes, in a namespace of
# users, nobody.
if [[ $(id -u) == 0 ]]; then
    as_other() { setpriv --reuid=65534 --regid=65534 --clear-groups -- env HOME=/nonexistent "$@"; }
    give() { chown -R 65534:65534 "$@"; }
else
    as_other() { unshare --user --map-user=65534 --map-group=65534 env HOME=/nonexistent "$@"; }
    give() { :; }
fi

INSTALLED="$T/staged/opt/our tools"
SHARE=$INSTALLED/share/profile-migrate
PROJECT="$T/billing service"

it "installs everything that a project and its people take"
run make_here DESTDIR="$T/staged" PREFIX="/opt/our tools" install
expect_exit 0
expect test -x "$INSTALLED/bin/migrate-gen"
expect_equal "$(cd "$INSTALLED/lib/profile-migrate" && echo *)" "libcli.a libmigrate.a libstatic.a"
expect_equal "$(cd "$SHARE" && echo *)" "profile-migrate.mk release.sh sbom.sh"
expect cmp "$TOP/runtime/model/revision.h" "$INSTALLED/include/profile-migrate/model/revision.h"
for program in "${NAME:-profile-migrate}" migrate-gen; do
    expect test -s "$INSTALLED/share/man/man1/$program.1"
    expect bash -n "$INSTALLED/share/bash-completion/completions/$program"
    expect grep -q "complete -F .* $program\$" "$INSTALLED/share/bash-completion/completions/$program"
    expect grep -qx "#compdef $program" "$INSTALLED/share/zsh/site-functions/_$program"
    expect grep -q "^complete -c $program " "$INSTALLED/share/fish/vendor_completions.d/$program.fish"
done

it "installs files that everybody may read and nobody but their owner may change"
expect_equal "$(find "$T/staged" -perm /022 -print -o ! -perm -444 -print)" ""
expect_equal "$(cd "$T/staged" && find . -type f -perm /111 | sort)" \
    "$(printf '%s\n' "./opt/our tools/bin/migrate-gen" "./opt/our tools/share/profile-migrate/release.sh" "./opt/our tools/share/profile-migrate/sbom.sh")"

new_stream "$PROJECT" app <<'INI'
[stream]
dialects = sqlite
url = ${APP_DATABASE_URL}
INI
table_revision "$PROJECT" app aaaa1 ""
cat >"$PROJECT/Makefile" <<MK
NAME := billing-migrate
MIGRATE_VERBS := revision fingerprints check lint verify release
include ${SHARE// /\\ }/profile-migrate.mk
MK
give "$PROJECT"
# The tools work as they stand, for somebody who could not change them.
find "$INSTALLED" -type f -exec chmod a-w {} +
billing() { run as_other make --no-print-directory -C "$PROJECT" "$@"; }
executable=$PROJECT/build/billing-migrate

it "builds a project of three lines for another user, in a folder with a space"
billing
expect_exit 0
run "$executable" app head --url "sqlite:///$T/app.db"
expect_exit 0
expect_equal "$(sqlite_sql app.db "SELECT count(*) FROM sqlite_schema WHERE name = 't_aaaa1'")" 1
run "$executable" version
expect_stdout_contains "billing-migrate "

it "makes the same bytes as a project that the tools' own tree builds, and says nothing of either folder"
mkdir plain
cp -r "$PROJECT/migrations" plain/
run build_project plain billing-migrate MIGRATE_GEN="$BUILT/migrate-gen" MIGRATE_LIB="$BUILT"
expect_exit 0
expect cmp plain/build/billing-migrate "$executable"
expect_not grep -qaF "$T" "$executable"

it "does nothing when nothing changed"
billing
expect_exit 0
expect_equal "$OUT" ""

it "writes the next revision, whatever its message"
billing revision STREAM=app M="what's new: \"this\""
expect_exit 0
file=$(find "$PROJECT/migrations/app/versions" -name '*.sql' ! -name 'aaaa1*')
expect grep -qxF -- "-- Message: what's new: \"this\"" "$file"
expect grep -qx -- '-- Revises: aaaa1' "$file"

it "asks for what a revision needs"
billing revision M="add documents"
expect_exit 2
expect_stderr_contains 'usage: make migrate-revision STREAM=tenant M="add documents"'

it "lints"
sed -i -e '/^-- migrate:up/a CREATE TABLE document (id integer PRIMARY KEY, title text);' \
    -e '/^-- migrate:down/a DROP TABLE document;' "$file"
billing lint
expect_exit 0
echo "CREATE TABLE document (;" >>"$file"
billing lint
expect_exit 2
expect_stdout_contains "${file##*/}:"
sed -i '$d' "$file"

it "verifies each revision up, down and up again"
billing verify
expect_exit 0
sed -i 's/^DROP TABLE document;/DROP TABLE t_aaaa1;/' "$file"
billing verify STREAM=app
expect_exit 2
sed -i 's/^DROP TABLE t_aaaa1;/DROP TABLE document;/' "$file"

it "writes fingerprints, and builds them in"
billing fingerprints
expect_exit 0
expect test -s "$PROJECT/migrations/app/fingerprint.sqlite"
billing
expect_exit 0
run "$executable" app head --url "sqlite:///$T/app.db"
run "$executable" app drift --url "sqlite:///$T/app.db"
expect_exit 0

it "compares models with revisions"
printf '%s\n' "CREATE TABLE t_aaaa1 (id integer PRIMARY KEY);" "CREATE TABLE document (id integer PRIMARY KEY, title text);" |
    as_other tee "$PROJECT/migrations/app/schema.sql" >/dev/null
billing check STREAM=app
expect_exit 0
echo "CREATE TABLE more (id integer PRIMARY KEY);" | as_other tee -a "$PROJECT/migrations/app/schema.sql" >/dev/null
billing check STREAM=app
expect_exit 2
expect_stdout_contains "more"

it "makes a release of it"
billing release
expect_exit 0
expect cmp "$executable" "$PROJECT/build/release/billing-migrate"
expect python3 - "$PROJECT/build/release/billing-migrate.cdx.json" <<'PY'
import json, sys
bom = json.load(open(sys.argv[1]))
assert bom["metadata"]["component"]["name"] == "billing-migrate", bom
PY

it "leaves an includer's own targets alone"
cat >"$PROJECT/own.mk" <<MK
BUILD := other
NAME := second-migrate
CFLAGS := -this-must-not-reach-the-rules
.PHONY: lint
lint: migrate-lint
	@echo our own
include ${SHARE// /\\ }/profile-migrate.mk
MK
billing -f own.mk
expect_exit 0
expect_stdout_contains "our own"
expect_equal "$(grep -c 'warning: .*recipe' <<<"$ERR" || true)" 0
billing -f own.mk other/second-migrate
expect_exit 0
expect test -x "$PROJECT/other/second-migrate"

it "runs the rules without a Makefile, too"
run as_other make --no-print-directory -C "$PROJECT" -f "$SHARE/profile-migrate.mk" BUILD=third NAME=third-migrate
expect_exit 0
expect test -x "$PROJECT/third/third-migrate"

# ------------------------------------------------------------------------------------------------- the builder image

DOCKERFILE=$TOP/docs/deploy/Dockerfile.builder
# One instruction a line, behind the number of its stage.
sed -e '/^#/d' -e '/^$/d' "$DOCKERFILE" | sed -e ':a' -e '/\\$/{N;s/ *\\\n */ /;ba}' |
    awk '/^FROM /{stage++} {print stage, $0}' >instructions

it "has a builder image of two stages, the second of which gets what the first installed"
expect_equal "$(grep -c ' FROM debian:bookworm-slim' instructions)" 2
expect grep -qx '1 RUN make install DESTDIR=/staged PREFIX=/usr/local' instructions
expect grep -qx '2 COPY --from=tools /staged/ /' instructions
expect grep -qx '2 USER 65532:65532' instructions
while read -r _ _ from to; do
    expect test -e "$TOP/$from"
    expect test "$to" == "$from" -o "$to" == ./
done < <(grep '^1 COPY' instructions)

# (That the first copies all that installing takes is for t_release.sh, which builds from just that.)
# A build in the second stage opens nothing that its packages do not bring: the base image's are the essential ones.
it "names in the second stage the packages that building a project takes"
sed -n 's/^2 RUN apt-get .*--no-install-recommends \([^&]*\) &&.*/\1/p' instructions | tr ' ' '\n' | grep . >packages
expect test "$(wc -l <packages)" -gt 5
rm -rf plain/build
strace -f -o opened -e trace=openat,execve,execveat -s 4096 \
    make -s --no-print-directory -C plain -f "$SHARE/profile-migrate.mk" NAME=plain-migrate release
expect test -x plain/build/release/plain-migrate
run python3 - packages opened <<'PY'
import os, re, subprocess, sys
wanted = {line.strip() for line in open(sys.argv[1])}
known, provided = {}, {}
form = "${Package}\t${Essential}\t${Pre-Depends}, ${Depends}\t${Provides}\n"
for line in subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True).stdout.splitlines():
    package, essential, depends, provides = line.split("\t")
    known[package] = [re.match(r"[a-z0-9.+-]*", w.strip())[0] for w in re.split("[,|]", depends)]
    for name in provides.split(","):
        provided.setdefault(name.strip().split(" ")[0], []).append(package)
    if essential == "yes":
        wanted.add(package)
missing = sorted(wanted - set(known))
closure, queue = set(), sorted(wanted)
while queue:
    package = queue.pop()
    if package not in known: # awk, which mawk provides
        queue += [p for p in provided.pop(package, []) if p not in closure]
    elif package not in closure:
        closure.add(package)
        queue += known[package]
files = set()
for line in open(sys.argv[2], errors="replace"):
    hit = re.search(r'(?:openat\([^,]*, |execve(?:at)?\()"(/(?:usr|lib|lib64|bin|sbin)/[^"]*)".* = [0-9]', line)
    if hit and os.path.isfile(hit[1]):
        files.add(os.path.realpath(hit[1]))
files = {f for f in files if f.startswith("/usr/")}
def owners(paths):
    out = subprocess.run(["dpkg-query", "-S", *paths], capture_output=True, text=True).stdout
    return {p: {o.split(":")[0] for o in names.split(", ")} for names, p in
            (line.rsplit(": ", 1) for line in out.splitlines() if not line.startswith("diversion"))}
found = owners(sorted(files))
moved = {f: f.removeprefix("/usr") for f in files if f not in found}
again = owners(sorted(moved.values())) if moved else {}
found.update({f: again[m] for f, m in moved.items() if m in again})
# Caches that packages make when they are installed have no owner.
alien = sorted(f for f in files if f in found and not found[f] & closure)
assert len(found) > 50, len(found)
print("\n".join([f"not installed here: {m}" for m in missing] + [f"{f}: {found[f]}" for f in alien]))
PY
expect_exit 0
expect_equal "$OUT" ""
