#!/usr/bin/env bash
# The main job in one minute, on SQLite, in a folder that is removed afterwards: make demo
#
#   tests/demo.sh EXECUTABLE      built from the sample migrations
#
# Every command is printed before it runs, so that the output can be read as a story and typed again.
set -euo pipefail

executable=${1:?usage: tests/demo.sh EXECUTABLE}
name=${executable##*/}
folder=$(mktemp -d "${TMPDIR:-/tmp}/migrate-demo.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir bin
ln -s "$executable" "bin/$name"
PATH=$folder/bin:$PATH

tell() { printf '\n# %s\n' "$*"; }

# show COMMAND: prints it and runs it.
show() {
    printf '$ %s\n' "$1"
    eval "$1"
}

tell "Where the shared database is; the URL's form is SQLAlchemy's. Nothing exists yet."
show "export SHARED_DATABASE_URL=sqlite:///shared.db"

tell "First the shared database: it holds the users, and the table of tenants."
show "$name shared head"

tell "Five tenants sign up. Each has a database of its own; a row without an address would use the template."
show "sqlite3 shared.db \"INSERT INTO tenants (tenant_id, name, database_url) VALUES
    ('acme',    'Acme',    'sqlite:///acme.db'),
    ('globex',  'Globex',  'sqlite:///globex.db'),
    ('initech', 'Initech', 'sqlite:///initech.db'),
    ('umbrella','Umbrella','sqlite:///umbrella.db'),
    ('wayne',   'Wayne',   'sqlite:///wayne.db')\""

tell "Then every tenant, concurrently."
show "$name tenant head"

tell "A second time there is nothing to do. This is what a container's init step does on most days."
show "$name all head"

tell "The fleet at a glance, and what the tenants' databases went through."
show "$name tenant status"
show "$name tenant history"

tell "One tenant goes a step back, and is found behind."
show "$name tenant downgrade -1 --tenant acme"
show "$name tenant check || echo \"exit status \$?: revisions are pending\""
show "$name tenant head"

tell "The databases are ordinary ones: Alembic's version table is there, and what ran is in migrate_log."
show "sqlite3 acme.db 'SELECT * FROM alembic_version'"
show "ls"
