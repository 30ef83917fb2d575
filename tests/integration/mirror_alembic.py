#!/usr/bin/env python3
"""Writes a folder of revisions again as an Alembic project, with the same ids, parents, labels and SQL.

    mirror_alembic.py MIGRATIONS DIR

DIR gets alembic.ini with a section for each of the streams shared and tenant, and for each a folder with env.py and versions/.
The addresses are those that our executable reads, SHARED_DATABASE_URL and the tenants table; -x tenant_id=ID is one tenant.
Autogenerate compares with schema.sqlite.sql of the stream in MIGRATIONS.
"""
import pathlib
import re
import sqlite3
import sys

INI = """\
[shared]
script_location = %(here)s/shared

[tenant]
script_location = %(here)s/tenant
"""

ENV = '''\
import os
import pathlib
from alembic import context
from sqlalchemy import MetaData, create_engine, event, pool, text

stream = context.config.config_ini_section
shared_url = os.environ["SHARED_DATABASE_URL"]
migrations = {migrations!r}


def databases():
    if stream == "shared":
        return [(None, shared_url)]
    with create_engine(shared_url, poolclass=pool.NullPool).connect() as connection:
        rows = connection.execute(text("SELECT tenant_id, database_url FROM tenants ORDER BY tenant_id")).all()
    wanted = context.get_x_argument(as_dictionary=True).get("tenant_id")
    return [(tenant, url) for tenant, url in rows if wanted in (None, tenant)]


def models():
    """What schema.sqlite.sql says, as the models would be: on SQLite both sides are then read alike."""
    engine = create_engine("sqlite://", poolclass=pool.StaticPool)
    with engine.connect() as connection:
        connection.connection.executescript((pathlib.Path(migrations) / stream / "schema.sqlite.sql").read_text())
        metadata = MetaData()
        metadata.reflect(connection)
    return metadata


def run(tenant, url):
    engine = create_engine(url, poolclass=pool.NullPool)

    @event.listens_for(engine, "connect")
    def connected(connection, _):
        if engine.dialect.name == "sqlite":
            connection.create_function("migrate_setting", 1, lambda _: tenant)
        elif tenant:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('migrate.tenant_id', %s, false)", (tenant,))
            connection.commit()

    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=models(), transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    context.configure(url=databases()[0][1])
    with context.begin_transaction():
        context.run_migrations()
else:
    found = databases()
    if not found:
        print("No tenants found")
    for tenant, url in found:
        run(tenant, url)
'''

MAKO = '''\
"""${message}"""
from alembic import op
import sqlalchemy as sa
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''


def header(text, name):
    found = re.search(rf"^-- {name}:[ \t]*(.*)$", text, re.M)
    return [word.strip() for word in found[1].split(",")] if found and found[1].strip() else []


def sections(text):
    """{(direction, dialect): (body, words of its line)}; the dialect "" serves all."""
    found = {}
    for part in re.split(r"^-- migrate:", text, flags=re.M)[1:]:
        line, _, body = part.partition("\n")
        direction, *words = line.split()
        dialects = [word for word in words if word in ("postgresql", "sqlite")]
        for dialect in dialects or [""]:
            found[direction, dialect] = (body, words)
    return found


def statements(body, dialect):
    """The statements; a semicolon within SQLite's triggers or between dollar quotes ends none."""
    whole = sqlite3.complete_statement if dialect == "sqlite" else lambda text: text.count("$$") % 2 == 0
    found, collected = [], ""
    for line in body.splitlines(keepends=True):
        collected += line
        if line.rstrip().endswith(";") and whole(collected):
            found.append(collected.strip().removesuffix(";"))
            collected = ""
    return found


def python_body(found, direction):
    """The body of upgrade() or downgrade(); a colon before a word would be a parameter to SQLAlchemy."""
    lines = []
    for dialect in ("postgresql", "sqlite"):
        body, words = found.get((direction, dialect)) or found.get((direction, "")) or ("", [])
        lines.append(f'    if op.get_context().dialect.name == "{dialect}":')
        lines.append("        pass")
        indent = " " * 8
        if "transaction:false" in words:
            lines.append(indent + "with op.get_context().autocommit_block():")
            indent += " " * 4
        for statement in statements(body, dialect):
            escaped = re.sub(r"(?<!:):(?=[a-zA-Z])", r"\:", statement)
            lines.append(f"{indent}op.execute({escaped!r})")
    return "\n".join(lines)


def single(values):
    return repr(values[0] if len(values) == 1 else tuple(values) or None)


def mirror(path, folder):
    text = path.read_text(encoding="utf-8")
    [revision] = header(text, "Revision")
    message = re.search(r"^-- Message: (.*)$", text, re.M)[1]
    found = sections(text)
    (folder / f"{path.stem}.py").write_text(
        f'"""{message}"""\nfrom alembic import op\nrevision = {revision!r}\n'
        f"down_revision = {single(header(text, 'Revises'))}\n"
        f"branch_labels = {tuple(header(text, 'Branch-Labels')) or None!r}\n"
        f"depends_on = {single(header(text, 'Depends-On'))}\n\n\n"
        f"def upgrade():\n{python_body(found, 'up')}\n\n\ndef downgrade():\n{python_body(found, 'down')}\n",
        encoding="utf-8")


migrations, directory = (pathlib.Path(path) for path in sys.argv[1:])
directory.mkdir(parents=True, exist_ok=True)
(directory / "alembic.ini").write_text(INI)
for stream in ("shared", "tenant"):
    versions = directory / stream / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    (directory / stream / "env.py").write_text(ENV.replace("{migrations!r}", repr(str(migrations.resolve()))))
    (directory / stream / "script.py.mako").write_text(MAKO)
    for old in versions.glob("*.py"):
        old.unlink()
    for path in sorted((migrations / stream / "versions").glob("*.sql")):
        mirror(path, versions)
