#!/usr/bin/env bash
# The guide, its Vietnamese edition and the takeover do what they say: every command is run, in order. limit: 900
source "$(dirname "$0")/lib.sh"

export PYTHONDONTWRITEBYTECODE=1
pages() { python3 "$TOP/tests/integration/pages.py" "$@"; }

# An editor that puts the sections of $WRITE into the revision which it is given, and programs that install nothing.
mkdir bin
cat >bin/editor <<'SH'
#!/bin/sh
[ -s "$WRITE" ] || exit 0
sed -i '/^-- docs\/guide/,$d' "$1" && cat "$WRITE" >>"$1"
SH
printf '#!/bin/sh\nexit 0\n' >bin/apt-get
printf '#!/bin/sh\nexec "$@"\n' >bin/sudo
chmod +x bin/*
export PATH=$T/bin:$PATH EDITOR=$T/bin/editor VISUAL=$T/bin/editor WRITE=$T/write
export TOOLS=$TOOLS_DIR BUILD=build

# new_world NAME: a clone without history in $WORLD/project, and where Alembic works beside it.
new_world() {
    local each
    WORLD=$T/$1
    mkdir -p "$WORLD/project/build" "$WORLD/alembic"
    for each in Makefile bootstrap runtime gen tests docs; do ln -s "$TOP/$each" "$WORLD/project/$each"; done
    cp -R "$TOP/migrations" "$WORLD/project/migrations"
    ln -s "$MIGRATE_GEN" "$WORLD/project/build/migrate-gen"
    : >"$WORLD/exports"
}

mirror() { python3 "$TOP/tests/integration/mirror_alembic.py" "$WORLD/project/migrations" "$WORLD/alembic"; }

# in_world FOLDER COMMAND: as its reader types it, with what was exported before.
in_world() {
    # shellcheck disable=SC2016 # the other shell's
    run env WORLD_FOLDER="$WORLD/$1" WORLD_EXPORTS="$WORLD/exports" \
        bash -c 'cd "$WORLD_FOLDER" && source "$WORLD_EXPORTS" && eval "$0"' "$2"
}

# rows FOLDER: the version rows of every SQLite database there is.
rows() {
    local file
    for file in shared acme globex; do
        [[ ! -e $WORLD/$1/$file.db ]] ||
            sqlite_sql "$WORLD/$1/$file.db" "SELECT '$file ' || version_num FROM alembic_version ORDER BY 1"
    done
}

# newest FOLDER GLOB; parents FILE: what the youngest file says of the revisions that it builds on.
newest() { find "$WORLD/$1" -path "*/versions/$2" -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-; }
parents() { sed -nE "s/^(down_revision = |-- Revises: )//p" "$1" | grep -oE '[0-9a-f]{12}' | sort; }

# alike COMMAND: what Alembic did and said with the command on the left is what we did and said.
alike() {
    case $1 in
    *" revision "* | *" merge "*) expect_equal "$(parents "$(newest project '*.sql')")" "$THEIR_PARENTS" ;;
    *" heads" | *" current" | *" history"*) expect_equal "$(sed -E 's/^[a-z]+: //' <<<"$OUT")" "$THEIRS" ;;
    *) expect_equal "$(rows project)" "$(rows alembic)" ;;
    esac
}

# alembic_first COMMAND: the left column, on databases of its own with the revisions of ours.
alembic_first() {
    mirror
    case $1 in
    *" downgrade "* | *" --autogenerate "*)
        if [[ $(rows alembic) != "$(rows project)" ]]; then
            in_world alembic 'alembic -n shared upgrade head && alembic -n tenant upgrade head'
        fi
        ;;
    esac
    in_world alembic "$1"
    THEIRS=$OUT THEIR_PARENTS=$(parents "$(newest alembic '*.py')")
}

# walk PAGE ENGINE [SED-SCRIPT]: each command a case. The script makes commands into those of another engine; answers are
# then not compared, and Alembic is not asked.
walk() {
    local page=$1 engine=$2 script=${3:-} line exit column shown command answer write
    while IFS= read -r -d '' line; do
        read -r -d '' exit && read -r -d '' column && read -r -d '' shown
        IFS= read -r -d '' command && IFS= read -r -d '' answer && IFS= read -r -d '' write
        [[ -z $script || $column != left ]] || continue
        it "$page:$line ($engine): ${command%%$'\n'*}"
        command=$(sed -E "$script" <<<"$command")
        printf '%s' "$write" >"$WRITE"
        if [[ $column == left ]]; then
            alembic_first "$command"
        else
            in_world project "$command"
        fi
        expect_exit "$exit"
        if [[ $command == export* ]]; then printf '%s\n' "$command" >>"$WORLD/exports"; fi
        if [[ -n $script ]]; then continue; fi
        if [[ $column == right ]]; then alike "$command"; fi
        if [[ -n $shown ]]; then
            printf '%s\n' "$answer" >told
            expect_that "the page shows: $answer" pages same told out err || show_run
        fi
        if [[ $command == sqlite3* && $page == guide.md ]]; then in_world alembic "$command"; fi
    done < <(pages steps "$TOP/docs/$page")
}

it "has the same commands in both languages"
pages commands "$TOP/docs/guide.md" >english
pages commands "$TOP/docs/vi/huong-dan.md" >vietnamese
expect test -s english
expect_equal "$(diff english vietnamese || true)" ""

it "has the same sections and blocks in both languages"
shape() { sed -nE -e '/^    /p' -e 's/^(#+) .*/\1/p' -e 's/^\|.*/|/p' "$1"; }
expect_equal "$(diff <(shape "$TOP/docs/guide.md") <(shape "$TOP/docs/vi/huong-dan.md") || true)" ""

for page in guide.md takeover.md vi/huong-dan.md; do
    it "marks every command, in $page"
    expect_equal "$(pages untold "$TOP/docs/$page")" ""
done

new_world sqlite
walk guide.md sqlite

start_postgres
new_database shared acme globex
new_world postgresql
walk guide.md postgresql "s#sqlite:///(shared|acme|globex)[.]db#$(pg_url '\1')#g; s#^sqlite3 shared[.]db#$PG_BIN/psql -X -q -d $(pg_url shared) -c#"

# The project to take over: the sample's revisions as Alembic's, and databases that Alembic made. The new one has no stream yet.
it "takes over what Alembic made"
new_world takeover
WORLD_ALEMBIC=$WORLD/profile-api
python3 "$TOP/tests/integration/mirror_alembic.py" "$TOP/migrations" "$WORLD_ALEMBIC"
rm -r "$WORLD/project/migrations/shared" "$WORLD/project/migrations/tenant"
cd "$WORLD/project"
export SHARED_DATABASE_URL=sqlite:///shared.db
alembic() { command alembic -c "$WORLD_ALEMBIC/alembic.ini" "$@" >>"$T/alembic.log" 2>&1; }
expect alembic -n shared upgrade head
sqlite_sql shared.db "INSERT INTO tenants (tenant_id, name, database_url)
    VALUES ('acme', 'Acme', 'sqlite:///acme.db'), ('globex', 'Globex', 'sqlite:///globex.db')"
expect alembic -n tenant upgrade head
expect alembic -n tenant -x tenant_id=acme downgrade -1
cd "$T"
unset SHARED_DATABASE_URL
walk takeover.md sqlite

it "is seen by Alembic's autogenerate, as the page warns"
cd "$WORLD/project"
export SHARED_DATABASE_URL=sqlite:///shared.db
expect alembic -n tenant stamp --purge f05c9a2d1b83
expect alembic -n tenant -x tenant_id=acme revision --autogenerate -m "look"
expect grep -q "drop_table('migrate_log')" "$WORLD_ALEMBIC"/tenant/versions/*_look.py
cd "$T"

# What the page says of permissions, on PostgreSQL.
new_world permissions
role_url() { echo "postgresql://$1@127.0.0.1:$PG_PORT/$2"; }
as_role() { run env SHARED_DATABASE_URL="$(role_url "$1" taken_shared)" "$MIGRATE" "${@:2}"; }
pg_sql postgres "CREATE ROLE app LOGIN; CREATE ROLE reader LOGIN"
pg_sql postgres "CREATE DATABASE taken_shared OWNER app"
mirror

it "lets a role that only reads look, and refuses it to write (postgresql)"
in_world alembic "SHARED_DATABASE_URL='$(role_url app taken_shared)' alembic -n shared upgrade head"
expect_exit 0
pg_sql taken_shared "GRANT SELECT ON tenants, alembic_version TO reader"
as_role reader shared head --dry-run
expect_exit 0
as_role reader shared check
expect_exit 0
as_role reader shared drift
expect_exit 0
as_role reader shared head
expect_exit 1
expect_stderr_contains "cannot create the version table and the log"

it "needs the owner once for the tables, and then grants on them (postgresql)"
as_role app shared upgrade 2b84f6c0e91d
expect_exit 0
pg_sql taken_shared "GRANT SELECT, INSERT, UPDATE, DELETE ON alembic_version, migrate_log TO reader"
as_role reader shared head
expect_exit 0
