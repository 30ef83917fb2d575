#!/usr/bin/env bash
# No password in any output, whatever characters it holds and however a connection fails.
source "$(dirname "$0")/lib.sh"

start_postgres --scram
new_project project
write_revision project shared shar1 "" <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text);

-- migrate:down
DROP TABLE tenants;
SQL
table_revision project tenant ten1 ""
build_project project secret-migrate
OURS=$T/project/build/secret-migrate
new_database shared

# percent TEXT: every byte percent-encoded.
percent() { printf '%s' "$1" | od -An -v -tx1 | tr -d '\n' | sed 's/ /%/g'; }

# expect_silence PASSWORD: neither it nor its encoded form is in what the last run printed.
expect_silence() {
    expect_stdout_lacks "$1"
    expect_stderr_lacks "$1"
    expect_stderr_lacks "$(percent "$1")"
    expect_stdout_lacks "$(percent "$1")"
}

PASSWORDS=('p@ss/w:rd' 'h#sh?query=1' '100%pure' 'quote'\''s "and" \back' 'sp ace+plus' 'käse-ünïcode' 'a@b@c@d' ':::://' 'x=y&z;')

it "logs in with every password, percent-encoded, and never shows it"
number=0
for password in "${PASSWORDS[@]}"; do
    number=$((number + 1))
    quoted=${password//\'/\'\'}
    "$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d postgres <<SQL
SET standard_conforming_strings = on;
CREATE ROLE role_$number LOGIN SUPERUSER PASSWORD '$quoted';
SQL
    SHARED_DATABASE_URL="postgresql+asyncpg://role_$number:$(percent "$password")@127.0.0.1:$PG_PORT/shared"
    export SHARED_DATABASE_URL
    run "$OURS" shared head
    expect_exit 0
    expect_silence "$password"
    run "$OURS" config
    expect_silence "$password"
    run "$OURS" shared current -v --json
    expect_exit 0
    expect_silence "$password"
done

it "takes a password from a variable raw, in the middle of a URL"
# shellcheck disable=SC2016 # references of env.ini
sed -i 's|^url = .*|url = postgresql://${SECRET_USER}:${SECRET_PASSWORD}@127.0.0.1:${SECRET_PORT}/shared|' project/migrations/shared/env.ini
build_project project secret-migrate
number=0
export SECRET_PORT=$PG_PORT
for password in "${PASSWORDS[@]}"; do
    number=$((number + 1))
    export SECRET_USER=role_$number SECRET_PASSWORD=$password
    run "$OURS" shared current
    expect_exit 0
    expect_silence "$password"
done

it "shows no password when the login fails"
number=0
for password in "${PASSWORDS[@]}"; do
    number=$((number + 1))
    export SECRET_USER=role_$number SECRET_PASSWORD="wrong$password"
    run "$OURS" shared head
    expect_exit 1
    expect_stderr_contains "password authentication failed"
    expect_silence "$password"
done

it "shows no password when nobody answers, the host is unknown, or the URL is malformed"
for template in 'postgresql://u:%s@127.0.0.1:1/d' 'postgresql://u:%s@no.such.host.invalid/d' 'postgresql+asyncpg://u:%s@h:notaport/d' \
    'postgres://u:%s@[::1/d' 'mysql://u:%s@h/d' 'host=127.0.0.1 port=1 user=u password=%s' 'postgresql://u:%s@h/d?nonsense=%%zz' \
    'postgresql://u:%s' 'u:%s@h' 'postgresql://u:%s@127.0.0.1:1/d?sslmode=nonsense'; do
    for password in 'hunter2-Sesame' 'p@ss/w0rd' '%zzbroken%4'; do
        # shellcheck disable=SC2059 # the templates are formats
        printf -v url "$template" "$password"
        run env PROFILE_MIGRATE_X=1 "$OURS" shared head --url "$url" --connect-timeout 1s
        expect_that "exit 0 with $template" fails equal "$STATUS" 0 || true
        expect_silence "$password"
        expect_stderr_lacks "Sesame"
        expect_stderr_lacks "w0rd"
        expect_stderr_lacks "zzbroken"
    done
done

it "shows no password of a tenant"
export SECRET_USER=role_1 SECRET_PASSWORD=${PASSWORDS[0]}
pg_sql shared "INSERT INTO tenants VALUES ('one', 'postgresql://role_1:$(percent "${PASSWORDS[0]}")@127.0.0.1:$PG_PORT/missing'), ('two', 'postgresql://role_2:tOpSecret99@127.0.0.1:$PG_PORT/shared'), ('three', 'nonsense://u:tOpSecret99@h/d')"
for words in "head" "tenants" "status" "head --json" "tenants --json" "status --json" "check" "head -v"; do
    read -ra arguments <<<"$words"
    run "$OURS" tenant "${arguments[@]}"
    expect_silence "${PASSWORDS[0]}"
    expect_silence tOpSecret99
done

it "reads secrets from files, without the final newline, and says which one is missing"
printf '%s\n' "${PASSWORDS[1]}" >secret.file
unset SECRET_PASSWORD
export SECRET_USER=role_2 SECRET_PASSWORD_FILE=$T/secret.file
run "$OURS" shared current
expect_exit 0
export SECRET_PASSWORD_FILE=$T/no.such.file
run "$OURS" shared current
expect_exit 2
expect_stderr_contains "no.such.file"
unset SECRET_PASSWORD_FILE
run "$OURS" shared current
expect_exit 2
expect_stderr_contains "SECRET_PASSWORD"
expect_stderr_contains "shared"
head -c 70000 /dev/zero | tr '\0' x >large.file
SECRET_PASSWORD_FILE=$T/large.file run "$OURS" shared current
expect_exit 2
expect_stderr_contains "large.file"

it "takes the executable's own variables, with a _FILE form, over what is embedded"
printf 'postgresql://role_2:%s@127.0.0.1:%s/shared' "$(percent "${PASSWORDS[1]}")" "$PG_PORT" >url.file
SECRET_MIGRATE_SHARED_URL_FILE=$T/url.file run "$OURS" shared current
expect_exit 0
expect_stdout_contains shar1
SECRET_MIGRATE_SHARED_URL_FILE=$T/url.file run "$OURS" config
expect_stdout_contains SECRET_MIGRATE_SHARED_URL_FILE
expect_silence "${PASSWORDS[1]}"

it "keeps passwords out of the process list"
export SECRET_PASSWORD=${PASSWORDS[1]}
"$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d shared -c "BEGIN; LOCK TABLE alembic_version; SELECT pg_sleep(20)" >/dev/null 2>&1 &
holder=$!
waiting() { [[ $(pg_sql postgres "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = '$1'") == "$2" ]]; }
eventually 10 waiting Timeout 1
"$OURS" shared head >/dev/null 2>&1 &
ours=$!
eventually 10 waiting Lock 1
listing=$(tr '\0' ' ' <"/proc/$ours/cmdline")
expect_that "the process is not there: $listing" contains "$listing" "shared head" || true
expect_that "the process list shows it" lacks "$listing" "${PASSWORDS[1]}" || true
activity=$(pg_sql postgres "SELECT string_agg(query || application_name, ' ') FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
expect_that "the server's list lacks us: $activity" contains "$activity" "alembic_version" || true
expect_that "the server's list shows it" lacks "$activity" "${PASSWORDS[1]}" || true
kill $ours $holder 2>/dev/null || true
wait 2>/dev/null || true

it "refuses a literal password in env.ini at build time, without printing it"
sed -i 's|^url = .*|url = postgresql://app:Literal-Pass77@db/shared|' project/migrations/shared/env.ini
run build_project project secret-migrate
expect_that "it was built" fails equal "$STATUS" 0
expect_stderr_contains 'env.ini:4'
expect_stderr_lacks "Literal-Pass77"

it "leaves no secret and no path of this machine in the executable"
strings -n 6 "$OURS" >strings.txt
expect_not grep -q -F -e "$T" -e "$TOP/runtime" -e "$TOP/gen" -e "Literal-Pass77" strings.txt
