#!/usr/bin/env bash
# import-alembic: a real Alembic project with two streams for PostgreSQL and SQLite, from what it prints to an executable that
# carries its databases on. What cannot be carried over is said; contradictions are refused. limit: 600
# shellcheck disable=SC2016 # ${…} in env.ini is for the executable
source "$(dirname "$0")/lib.sh"

start_postgres

# ------------------------------------------------------------------------------------------------ an Alembic project

# new_alembic DIR: a project without revisions, with the sections [shared] and [tenant].
new_alembic() {
    mkdir -p "$1/shared/versions" "$1/tenant/versions"
    cat >"$1/alembic.ini" <<'INI'
[DEFAULT]
host = db.internal
[alembic]
script_location = %(here)s/shared
[shared]
# who may sign in
script_location = %(here)s/shared
sqlalchemy.url = postgresql+asyncpg://app:s%%23cret@%(host)s:5432/shared
version_table = alembic_version
[tenant]
script_location = %(here)s/tenant
version_table = tenant_version
INI
    cat >"$1/env.py" <<'PY'
import os
from alembic import context
from sqlalchemy import create_engine, pool
options = dict(transaction_per_migration="ALEMBIC_ONE" not in os.environ,
               version_table=context.config.get_main_option("version_table"))
if "ALEMBIC_PERCENT" not in os.environ:
    options["dialect_opts"] = {"paramstyle": "named"}
if context.is_offline_mode():
    context.configure(url=os.environ["ALEMBIC_URL"], literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(os.environ["ALEMBIC_URL"], poolclass=pool.NullPool).connect() as connection:
        options.pop("dialect_opts", None)
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
PY
    cp "$1/env.py" "$1/shared/env.py"
    cp "$1/env.py" "$1/tenant/env.py"
}

# alembic_revision DIR STREAM ID DOWN LABELS DEPENDS MESSAGE: the body, two functions, comes from stdin.
alembic_revision() {
    {
        printf '"""%s\n\nRevision ID: %s\nRevises: x\nCreate Date: 2026-03-%02d 09:05:00.000000\n\n"""\n' "$7" "$3" "$((++created))"
        printf 'from alembic import op, context\nimport sqlalchemy as sa\n'
        printf 'revision = "%s"\ndown_revision = %s\nbranch_labels = %s\ndepends_on = %s\n' "$3" "$4" "$5" "$6"
        cat
    } >"$1/$2/versions/$3.py"
}
created=0

# in_alembic DIR STREAM ARGUMENT…
in_alembic() { (cd "$1" && command alembic -n "$2" "${@:3}"); }

# scripts DIR STREAM: up.ENGINE.sql, down.ENGINE.sql and history.txt of the stream's folder.
scripts() {
    export ALEMBIC_URL=postgresql://offline/offline
    in_alembic "$1" "$2" history -v >"$2.history.txt" 2>/dev/null
    in_alembic "$1" "$2" upgrade base:head --sql >"$2.up.postgresql.sql" 2>/dev/null
    in_alembic "$1" "$2" downgrade head:base --sql >"$2.down.postgresql.sql" 2>/dev/null
    ALEMBIC_URL=sqlite:///offline.db
    in_alembic "$1" "$2" upgrade base:head --sql >"$2.up.sqlite.sql" 2>/dev/null
    in_alembic "$1" "$2" downgrade head:base --sql >"$2.down.sqlite.sql" 2>/dev/null
}

import() { run "$MIGRATE_GEN" --migrations ours/migrations "$@"; }
# import_both STREAM [ARGUMENT…]
import_both() {
    import "$1" import-alembic --upgrade-sql "postgresql:$1.up.postgresql.sql" --downgrade-sql "postgresql:$1.down.postgresql.sql" \
        --upgrade-sql "sqlite:$1.up.sqlite.sql" --downgrade-sql "sqlite:$1.down.sqlite.sql" --history "$1.history.txt" "${@:2}"
}
written() { find ours -type f | sort; }

new_alembic theirs
alembic_revision theirs shared s001 None None None "create users" <<'PY'
def upgrade():
    op.create_table("users", sa.Column("user_id", sa.Integer, primary_key=True),
                    sa.Column("email", sa.String(200), nullable=False, unique=True))
def downgrade():
    op.drop_table("users")
PY
alembic_revision theirs shared s002 '"s001"' None None "list tenants" <<'PY'
def upgrade():
    op.create_table("tenants", sa.Column("tenant_id", sa.String(40), primary_key=True), sa.Column("database_url", sa.Text))
    op.execute("INSERT INTO users VALUES (1, 'root@example.com'); INSERT INTO users VALUES (2, 'a;b@example.com')")
def downgrade():
    op.execute("DELETE FROM users")
    op.drop_table("tenants")
PY

# t001 - t002 - t003 ------- t006 - t007 ------ t010 - t011 - t012
#      \ t004 (billing) - t005 /         t008 - t009 (audit) /
alembic_revision theirs tenant t001 None None None "create profiles" <<'PY'
def upgrade():
    t = op.create_table("profiles", sa.Column("profile_id", sa.Integer, primary_key=True),
        sa.Column("handle", sa.String(50), nullable=False, server_default="it's; -- nobody", comment="as in @handle; unique"),
        sa.Column("kind", sa.Enum("person", "team", name="profile_kind"), nullable=False, server_default="person"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp(), nullable=False),
        sa.UniqueConstraint("handle", name="profiles_handle_key"), comment="Who is who -- one row each")
    op.bulk_insert(t, [{"profile_id": 1, "handle": "x;y", "kind": "person", "created_at": sa.text("'2026-01-02 03:04:05'")} if False
                       else {"profile_id": 1, "handle": "x;y", "kind": "person"}, {"profile_id": 2, "handle": "100% -- no", "kind": "team"}])
    op.execute("UPDATE profiles SET created_at = '2026-01-02 03:04:05'")
def downgrade():
    op.drop_table("profiles")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TYPE profile_kind")
PY
alembic_revision theirs tenant t002 '"t001"' None None "create documents" <<'PY'
def upgrade():
    op.create_table("documents", sa.Column("document_id", sa.Integer, primary_key=True),
        sa.Column("profile_id", sa.Integer, sa.ForeignKey("profiles.profile_id", ondelete="CASCADE", name="documents_profile_fk"), nullable=False),
        sa.Column("title", sa.Text, nullable=False), sa.Column("size_bytes", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("size_bytes >= 0", name="documents_size_check"))
    op.create_index("documents_profile_id_idx", "documents", ["profile_id"])
def downgrade():
    op.drop_index("documents_profile_id_idx", "documents")
    op.drop_table("documents")
PY
alembic_revision theirs tenant t003 '"t002"' None None "index titles" <<'PY'
def upgrade():
    op.add_column("documents", sa.Column("status", sa.String(10), server_default="draft", nullable=False))
    with op.get_context().autocommit_block():
        op.create_index("documents_title_idx", "documents", ["title"], postgresql_concurrently=True)
def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index("documents_title_idx", "documents", postgresql_concurrently=True)
    op.drop_column("documents", "status")
PY
alembic_revision theirs tenant t004 '"t001"' '("billing",)' None "create billing accounts" <<'PY'
def upgrade():
    op.create_table("billing_accounts", sa.Column("account_id", sa.Integer, primary_key=True),
        sa.Column("balance", sa.Numeric(18, 2), server_default="0", nullable=False))
def downgrade():
    op.drop_table("billing_accounts")
PY
alembic_revision theirs tenant t005 '"t004"' None None "touch balances" <<'PY'
def upgrade():
    if op.get_context().dialect.name == "postgresql":
        op.execute("""
    -- not only a comment; with a semicolon
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        -- Running upgrade t004 -> t005

        NEW.balance := coalesce(NEW.balance, 0);

        RETURN NEW; -- done
    END;
    $body$;
    """)
        op.execute("CREATE TRIGGER touch BEFORE UPDATE ON billing_accounts FOR EACH ROW EXECUTE FUNCTION touch()")
    else:
        op.execute("CREATE TRIGGER touch AFTER UPDATE ON billing_accounts BEGIN "
                   "UPDATE billing_accounts SET balance = coalesce(balance, 0) WHERE account_id = NEW.account_id; SELECT 1; END;")
def downgrade():
    op.execute("DROP TRIGGER touch" + (" ON billing_accounts" if op.get_context().dialect.name == "postgresql" else ""))
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION touch()")
PY
alembic_revision theirs tenant t006 '("t003", "t005")' None None "merge billing" <<'PY'
def upgrade():
    pass
def downgrade():
    pass
PY
alembic_revision theirs tenant t007 '"t006"' None None "fill in: 100% of them" <<'PY'
def upgrade():
    op.execute("INSERT INTO documents (document_id, profile_id, title) VALUES (1, 1, '100%'), (2, 2, 'a -- b')  -- two of them")
    op.execute("/* all; of */ UPDATE documents SET status = 'old' WHERE title LIKE '%0\\%' OR title = 'it''s' -- the first")
    op.execute("INSERT INTO billing_accounts (account_id) VALUES (7)")
    op.execute("UPDATE billing_accounts SET balance = 2;")
    op.execute(sa.text("UPDATE profiles SET handle = :h WHERE profile_id = 1").bindparams(h="q:x%;"))
def downgrade():
    op.execute("DELETE FROM billing_accounts")
    op.execute("DELETE FROM documents")
PY
alembic_revision theirs tenant t008 None '("audit",)' None "create audit log" <<'PY'
def upgrade():
    op.create_table("audit_log", sa.Column("at", sa.DateTime), sa.Column("what", sa.JSON))
def downgrade():
    op.drop_table("audit_log")
PY
alembic_revision theirs tenant t009 '"t008"' None '("t002",)' "audit documents" <<'PY'
def upgrade():
    op.create_table("audited", sa.Column("document_id", sa.Integer, sa.ForeignKey("documents.document_id")))
def downgrade():
    op.drop_table("audited")
PY
alembic_revision theirs tenant t010 '("t007", "t009")' None None "merge audit" <<'PY'
def upgrade():
    pass
def downgrade():
    pass
PY
alembic_revision theirs tenant t011 '"t010"' None None "rename and restrict" <<'PY'
audit = sa.Table("audit_log", sa.MetaData(), sa.Column("at", sa.DateTime), sa.Column("what", sa.JSON))
def upgrade():
    op.alter_column("documents", "size_bytes", new_column_name="bytes")
    op.execute("CREATE VIEW titles AS SELECT title FROM documents")
    with op.batch_alter_table("audit_log", copy_from=audit) as batch:
        batch.alter_column("at", nullable=False)
    if op.get_context().dialect.name == "postgresql":
        op.create_check_constraint("handle_check", "profiles", "length(handle) > 1")
        op.alter_column("billing_accounts", "balance", server_default="1")
        op.create_table_comment("documents", "What; is -- stored")
def downgrade():
    if op.get_context().dialect.name == "postgresql":
        op.drop_table_comment("documents")
        op.alter_column("billing_accounts", "balance", server_default="0")
        op.drop_constraint("handle_check", "profiles")
    with op.batch_alter_table("audit_log", copy_from=audit) as batch:
        batch.alter_column("at", nullable=True)
    op.execute("DROP VIEW titles")
    op.alter_column("documents", "bytes", new_column_name="size_bytes")
PY
alembic_revision theirs tenant t012 '"t011"' None None "let bots in" <<'PY'
def upgrade():
    if op.get_context().dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE profile_kind ADD VALUE 'bot'")
    else:
        op.execute("SELECT 1")
def downgrade():
    op.execute("SELECT 2")
PY
TENANT=(t001 t002 t003 t004 t005 t006 t007 t008 t009 t010 t011 t012)

# ------------------------------------------------------------------------------------------------------- the import

scripts theirs shared
scripts theirs tenant
mkdir -p ours/migrations

it "makes a stream, its env.ini and its revisions"
import_both shared --ini theirs/alembic.ini
expect_exit 0
expect_stdout_is "ours/migrations/shared/env.ini
ours/migrations/shared/versions/s001_create_users.sql
ours/migrations/shared/versions/s002_list_tenants.sql"
expect_equal "$(cat ours/migrations/shared/env.ini)" '# From theirs/alembic.ini, section [shared].
[stream]
kind = single
dialects = postgresql, sqlite
version_table = alembic_version
url = postgresql+asyncpg://app:${SHARED_DATABASE_PASSWORD}@db.internal:5432/shared

[lint]
# what was imported is applied where it matters: lint speaks of what comes behind it
since = s002'

it "copies no password, and names the variable that must hold it"
expect_stderr_contains "the environment must hold SHARED_DATABASE_PASSWORD: the password, encoded as it is in the URL"
expect_not grep -rqE 's#cret|s%23cret' ours "$T/out" "$T/err"

it "makes a fleet of the other stream"
import_both tenant --ini theirs/alembic.ini --registry shared
expect_exit 0
expect_equal "$(head -6 ours/migrations/tenant/env.ini)" '# From theirs/alembic.ini, section [tenant].
[stream]
kind = fleet
dialects = postgresql, sqlite
registry = shared
version_table = tenant_version'
expect_equal "$(find ours/migrations/tenant/versions -name '*.sql' | wc -l)" 12

it "says of a section that it runs without a transaction, though some of it stood in one"
expect_stderr_contains "warning: t003: the whole section runs without a transaction"
expect_stderr_contains "1 of its 2 statements stood in one"

it "writes statements as Alembic ran them: what it lost of semicolons and comments is put right"
expect_equal "$(sed -n '/^-- migrate:up/,$p' ours/migrations/tenant/versions/t007_*.sql)" \
    "-- migrate:up
INSERT INTO documents (document_id, profile_id, title) VALUES (1, 1, '100%'), (2, 2, 'a -- b');  -- two of them
/* all; of */
UPDATE documents SET status = 'old' WHERE title LIKE '%0\\%' OR title = 'it''s';  -- the first
INSERT INTO billing_accounts (account_id) VALUES (7);
UPDATE billing_accounts SET balance = 2;
UPDATE profiles SET handle = 'q:x%;' WHERE profile_id = 1;

-- migrate:down
DELETE FROM billing_accounts;
DELETE FROM documents;"

it "says once what both engines do in the same words, and keeps the header"
expect_equal "$(head -7 ours/migrations/tenant/versions/t004_*.sql)" "-- Revision: t004
-- Revises: t001
-- Message: create billing accounts
-- Created: 2026-03-06 09:05:00.000000
-- Branch-Labels: billing

-- migrate:up postgresql"
expect_equal "$(grep -c '^-- Depends-On: t002$' ours/migrations/tenant/versions/t009_*.sql)" 1

it "keeps nothing of the migrator's own in a body"
expect_not grep -rnE '^(BEGIN|COMMIT|-- Running)|_version' ours/migrations/shared/versions ours/migrations/tenant/versions

it "reads one transaction around everything as it reads one around each revision"
for engine in postgresql sqlite; do
    ALEMBIC_URL=$([[ $engine == sqlite ]] && echo sqlite:///x.db || echo postgresql://x/x)
    export ALEMBIC_URL
    ALEMBIC_ONE=1 in_alembic theirs tenant upgrade base:head --sql >"one.up.$engine.sql" 2>/dev/null
    ALEMBIC_ONE=1 in_alembic theirs tenant downgrade head:base --sql >"one.down.$engine.sql" 2>/dev/null
done
expect_equal "$(grep -c '^BEGIN;' one.up.postgresql.sql) $(grep -c '^BEGIN;' tenant.up.postgresql.sql)" "3 14"
mkdir one
run "$MIGRATE_GEN" --migrations one tenant import-alembic --upgrade-sql one.up.postgresql.sql --upgrade-sql one.up.sqlite.sql \
    --downgrade-sql one.down.postgresql.sql --downgrade-sql one.down.sqlite.sql --history tenant.history.txt \
    --ini theirs/alembic.ini
expect_exit 0
expect diff -r one/tenant/versions ours/migrations/tenant/versions

it "builds"
build_project ours profile-migrate >build.log 2>&1 || cat build.log
OURS=$T/ours/build/profile-migrate
expect test -x "$OURS"

it "prints the history that Alembic prints"
# normal: without paths, the docstring's own lines, and the order in which Alembic prints a Python set.
normal() {
    sed -E 's/^Path: .*/Path:/; /^ +(Revision ID|Revises|Create Date):/d; /^    $/d' | cat -s | while IFS= read -r line; do
        case $line in
        "Branches into: "* | "Branch names: "*) echo "${line%%: *}: $(tr ',' '\n' <<<"${line#*: }" | tr -d ' ' | sort | paste -sd,)" ;;
        *) sed -E 's/\(billing, audit\)/(audit, billing)/' <<<"$line" ;;
        esac
    done
}
expect_equal "$("$OURS" tenant history -v | normal)" "$(normal <tenant.history.txt)"
expect_equal "$("$OURS" tenant heads)" "$(ALEMBIC_URL=sqlite:///x in_alembic theirs tenant heads 2>/dev/null | normal)"

# ----------------------------------------------------------------------------------------------- the same databases

it "brings a new database of the shared stream to head"
run "$OURS" shared head --url "sqlite:///$T/registry.db"
expect_exit 0
sqlite3 registry.db "INSERT INTO tenants VALUES ('acme', NULL)"
expect_equal "$(sqlite3 registry.db "SELECT group_concat(email, ' ') FROM users")" "root@example.com a;b@example.com"

# ours DATABASE ARGUMENT…: the tenant stream, with the database as its one tenant.
ours() { run "$OURS" tenant "${@:2}" --tenant acme --tenant-url "$(url "$1")" --registry-url "sqlite:///$T/registry.db"; }
theirs() { ALEMBIC_URL=$(url "$1") in_alembic theirs tenant "${@:2}" >alembic.log 2>&1 || cat alembic.log; }

url() { if [[ $ENGINE == postgresql ]]; then pg_url "$1"; else echo "sqlite:///$T/$1.db"; fi; }
make_database() { if [[ $ENGINE == postgresql ]]; then new_database "$1"; fi; }
copy_database() {
    if [[ $ENGINE == postgresql ]]; then pg_sql postgres "CREATE DATABASE $2 TEMPLATE $1"; else cp "$1.db" "$2.db"; fi
}
# content DATABASE: schema and rows, without our log and without what each run invents.
content() {
    if [[ $ENGINE == postgresql ]]; then
        # Rows lie in their table as room was found for them: the order tells nothing.
        "$PG_BIN/pg_dump" --inserts -T 'migrate_log*' -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" "$1" |
            grep -vE '^(\\(un)?restrict|--|$)' | awk '/^INSERT/ { print | "sort"; next } { print }'
    else
        sqlite3 "$1.db" "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name <> 'migrate_log' ORDER BY 1, 2" | tr -s ' \t\n' ' '
        sqlite3 "$1.db" .dump | { grep '^INSERT' || true; } | { grep -v migrate_log || true; } | sort
    fi
}
same() {
    local left right
    left=$(content "$1") right=$(content "$2")
    expect_that "$1 and $2 differ: $(diff <(echo "$left") <(echo "$right") | head -20)" equal "$left" "$right" || true
}

# rows DATABASE: the version rows.
rows() {
    if [[ $ENGINE == postgresql ]]; then
        pg_sql "$1" "SELECT version_num FROM tenant_version ORDER BY 1"
    else
        sqlite3 "$1.db" "SELECT version_num FROM tenant_version ORDER BY 1"
    fi
}

for ENGINE in postgresql sqlite; do
    make_database head_theirs
    theirs head_theirs upgrade head
    for revision in "${TENANT[@]}"; do
        it "carries on to head what Alembic left at $revision ($ENGINE)"
        make_database "at_$revision"
        theirs "at_$revision" upgrade "$revision"
        copy_database "at_$revision" "on_$revision"
        ours "on_$revision" head
        expect_exit 0
        same "on_$revision" head_theirs

        it "makes at $revision what Alembic makes there ($ENGINE)"
        make_database "our_$revision"
        ours "our_$revision" upgrade "$revision"
        expect_exit 0
        same "our_$revision" "at_$revision"
        expect_equal "$(rows "our_$revision")" "$(rows "at_$revision")"
    done

    make_database head_ours
    ours head_ours head
    for revision in t011 t010 t007 t006 t009 t003 t002 t001 base; do
        it "goes down to $revision as Alembic does ($ENGINE)"
        theirs head_theirs downgrade "$revision"
        ours head_ours downgrade "$revision"
        expect_exit 0
        same head_ours head_theirs
        expect_equal "$(rows head_ours)" "$(rows head_theirs)"
    done

    it "leaves no table behind at base ($ENGINE)"
    expect_not contains "$(content head_ours)" profiles

    it "sees no difference with the tool's own eyes, either ($ENGINE)"
    run "$MIGRATE_GEN" diff "$(url on_t005)" "$(url our_t012)"
    expect_exit 0
    expect_stdout_is ""
done

# ------------------------------------------------------------------------------------------- what cannot be carried over

# One engine, so that a case is short: g1 - g2 - g3 (data, in Python) - g4 (no way back), and a second head d1 on a base of its own.
new_alembic gaps
alembic_revision gaps tenant g001 None None None "create" <<'PY'
def upgrade():
    op.execute("CREATE TABLE g (i integer)")
def downgrade():
    op.execute("DROP TABLE g")
PY
alembic_revision gaps tenant g002 '"g001"' None None "rows, in Python" <<'PY'
def upgrade():
    if not context.is_offline_mode():
        op.get_bind().execute(sa.text("INSERT INTO g SELECT 1"))
def downgrade():
    pass
PY
alembic_revision gaps tenant g003 '"g002"' None None "look at the table" <<'PY'
def upgrade():
    op.execute("INSERT INTO g VALUES (5)")
    with op.batch_alter_table("g", recreate="always") as batch:
        batch.alter_column("i", nullable=False)
def downgrade():
    raise NotImplementedError("no way back")
PY
alembic_revision gaps tenant g004 '"g003"' None None "go on" <<'PY'
def upgrade():
    op.execute("CREATE TABLE h (i integer)")
def downgrade():
    op.execute("DROP TABLE h")
PY
export ALEMBIC_URL=sqlite:///offline.db
in_alembic gaps tenant history -v >gaps.history.txt 2>/dev/null
in_alembic gaps tenant upgrade base:head --sql >gaps.up.sql 2>/dev/null || true
in_alembic gaps tenant upgrade g003:head --sql >gaps.up2.sql 2>/dev/null
in_alembic gaps tenant downgrade head:g003 --sql >gaps.down.sql 2>/dev/null
in_alembic gaps tenant downgrade g002:base --sql >gaps.down2.sql 2>/dev/null
rm -rf ours/migrations
mkdir ours/migrations
import_gaps() {
    import tenant import-alembic --upgrade-sql gaps.up.sql --upgrade-sql gaps.up2.sql --downgrade-sql gaps.down.sql \
        --downgrade-sql gaps.down2.sql --history gaps.history.txt --ini gaps/alembic.ini "$@"
}

it "names each revision that has no SQL, with the reason, and writes nothing"
import_gaps
expect_exit 1
expect_stderr_contains "gaps.up.sql:12:1: error: g002: its upgrade has no SQL for sqlite"
expect_stderr_matches "error: g003: Alembic gave up in its upgrade for sqlite: This operation cannot proceed in --sql mode"
expect_stderr_contains "error: g003: no script for sqlite has its downgrade"
expect_stderr_contains "--allow-gaps=g003 imports it with an empty section to be filled in"
expect_stderr_contains "nothing was written"
expect_stdout_is ""
expect_equal "$(find ours/migrations -type f)" ""

it "says the same in JSON, in its own members"
import_gaps --json
expect_exit 1
expect_equal "$(tail -n 1 "$T/out")" '{"written": false, "stream": "tenant", "revisions": 4, "gaps": 3, "review": 0, "files": [], "variable": "TENANT_DATABASE_URL", "diff": null}'
expect_stdout_contains '{"rule": "import-gap", "severity": "error", "path": "gaps.up.sql", "line": 12,'

it "wants every gap to be allowed"
import_gaps --allow-gaps=g003
expect_exit 1
expect_stderr_contains "error: g002: its upgrade has no SQL for sqlite"
expect_stderr_contains "warning: g003: Alembic gave up"
expect_equal "$(find ours/migrations -type f)" ""

it "imports them when that is allowed: an empty section with its reason, and no way back"
import_gaps --allow-gaps
expect_exit 0
expect_equal "$(sed -n '/^-- Created/,$p' ours/migrations/tenant/versions/g003_*.sql | tail -n +2)" "
-- > Not imported for sqlite: the downgrade, which Alembic's scripts do not have whole.

-- migrate:up irreversible
-- Not imported: Alembic could not write it down as SQL. Write what it does.
-- What it printed before that:
-- | INSERT INTO g VALUES (5);"
expect_equal "$(sed -n '/^-- migrate/,$p' ours/migrations/tenant/versions/g002_*.sql)" "-- migrate:up
-- Alembic's script has no SQL here.

-- migrate:down
-- Alembic's script has no SQL here."
run "$MIGRATE_GEN" --migrations ours/migrations check
expect_exit 0

it "overwrites nothing"
import_gaps --allow-gaps
expect_exit 1
expect_stderr_contains "error: g001 is there already"
expect_stderr_contains "remove the file to import the revision anew"

it "leaves an env.ini alone that is there, and shows what it would make of it"
rm ours/migrations/tenant/versions/*
printf '[stream]\n# mine\ndialects = sqlite\nversion_table = tenant_version\nurl = ${MINE}\n' >ours/migrations/tenant/env.ini
import_gaps --allow-gaps
expect_exit 0
expect_stdout_contains '-url = ${MINE}
+url = ${TENANT_DATABASE_URL}'
expect_stderr_contains "ours/migrations/tenant/env.ini stays as it is"
expect_equal "$(sed -n 2p ours/migrations/tenant/env.ini)" "# mine"
expect grep -q MINE ours/migrations/tenant/env.ini

it "refuses another version table than the stream's"
rm ours/migrations/tenant/versions/*
sed -i 's/tenant_version/alembic_version/' ours/migrations/tenant/env.ini
import_gaps --allow-gaps
expect_exit 1
expect_stderr_contains "error: Alembic's table is tenant_version here, and alembic_version in ours/migrations/tenant/env.ini"
sed -i 's/alembic_version/tenant_version/' ours/migrations/tenant/env.ini

it "refuses a script of an engine that the stream does not have"
run "$MIGRATE_GEN" --migrations ours/migrations tenant import-alembic --upgrade-sql postgresql:gaps.up2.sql --dialect sqlite
expect_exit 1
expect_stderr_contains "the script is for postgresql, which is none of the stream's dialects"

it "refuses what the build would refuse, with the place where it would stand"
sed 's/CREATE TABLE h/CREATE TABEL h/' gaps.up2.sql >broken.sql
import tenant import-alembic --upgrade-sql gaps.up.sql --upgrade-sql broken.sql --downgrade-sql gaps.down.sql \
    --downgrade-sql gaps.down2.sql --history gaps.history.txt --allow-gaps
expect_exit 1
expect_stderr_contains 'ours/migrations/tenant/versions/g004_go_on.sql:7:8: error: near "TABEL": syntax error'
expect_stderr_contains "nothing was written"
expect_equal "$(find ours/migrations/tenant/versions -type f)" ""

it "says that percent signs were doubled"
ALEMBIC_PERCENT=1 ALEMBIC_URL=postgresql://offline/offline in_alembic theirs tenant upgrade base:head --sql >percent.sql 2>/dev/null
run "$MIGRATE_GEN" --migrations ours/migrations tenant import-alembic --upgrade-sql percent.sql --allow-gaps
expect_exit 1
expect_stderr_contains 'warning: "%%" is taken as it stands'
expect_stderr_contains 'dialect_opts={"paramstyle": "named"}'

it "wants a script, a stream, and a folder"
import tenant import-alembic
expect_exit 2
expect_stderr_contains "there is no script to import"
import other import-alembic --upgrade-sql gaps.up.sql
expect_exit 2
expect_stderr_contains "there is no stream \"other\" in ours/migrations"
run "$MIGRATE_GEN" --migrations nowhere tenant import-alembic --upgrade-sql gaps.up.sql --ini gaps/alembic.ini
expect_exit 2
expect_stderr_contains "the migrations folder \"nowhere\" cannot be read"

it "takes several heads, with a way down for each, and derives a dependency without a history"
new_alembic heads
alembic_revision heads tenant h001 None None None "one" <<'PY'
def upgrade():
    op.execute("CREATE TABLE one (i integer)")
def downgrade():
    op.execute("DROP TABLE one")
PY
alembic_revision heads tenant h002 None '("other",)' '("h001",)' "two" <<'PY'
def upgrade():
    op.execute("CREATE TABLE two (i integer)")
def downgrade():
    op.execute("DROP TABLE two")
PY
alembic_revision heads tenant h003 '"h001"' None None "three" <<'PY'
def upgrade():
    op.execute("CREATE TABLE three (i integer)")
def downgrade():
    op.execute("DROP TABLE three")
PY
export ALEMBIC_URL=sqlite:///offline.db
in_alembic heads tenant upgrade base:h002 --sql >heads.up.sql 2>/dev/null
in_alembic heads tenant upgrade base:h003 --sql >heads.up2.sql 2>/dev/null
in_alembic heads tenant downgrade h002:base --sql >heads.down.sql 2>/dev/null
in_alembic heads tenant downgrade h003:base --sql >heads.down2.sql 2>/dev/null
rm -rf ours/migrations
mkdir ours/migrations
import tenant import-alembic --upgrade-sql heads.up.sql --upgrade-sql heads.up2.sql --downgrade-sql heads.down.sql \
    --downgrade-sql heads.down2.sql --ini heads/alembic.ini
expect_exit 0
expect_stderr_contains "messages, labels, times and some dependencies are not in the SQL"
expect grep -q '^multiple_heads = true$' ours/migrations/tenant/env.ini
expect grep -q '^-- Depends-On: h001$' ours/migrations/tenant/versions/h002_revision_h002.sql
run "$MIGRATE_GEN" --migrations ours/migrations check
expect_exit 0
