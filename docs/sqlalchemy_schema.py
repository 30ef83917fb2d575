#!/usr/bin/env python3
"""Print the tables of SQLAlchemy models as SQL: what schema_command asks for.

    sqlalchemy_schema.py MODULE:METADATA DIALECT [SCHEMA]

METADATA is a MetaData or a declarative base of that module (profile_api.models:TenantBase), DIALECT postgresql or sqlite.
SCHEMA is the name that the models give their tables' schema when each tenant has one of its own; it is left out of what is
printed. Nothing connects anywhere, and no database driver has to be installed.

SQLAlchemy 1.4 and 2. Copy it into your project, it is yours.
"""
import importlib
import sys

from sqlalchemy import create_mock_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, CreateTable

# What models say for the next revision alone, in the `info` of a table or a column:
#     mapped_column(Text, nullable=False, info={"renamed_from": "name", "backfill": "''"})
HINTS = {"renamed_from": "renamed from", "using": "using", "backfill": "backfill"}


def hints(item, indent):
    said = [(words, item.info[key]) for key, words in HINTS.items() if key in item.info]
    return "".join(f"-- {words}: {value}\n{indent}" for words, value in said)


@compiles(CreateColumn)
def column(create, compiler, **kw):
    text = compiler.visit_create_column(create, **kw)
    # None: a column that the dialect does not print (system=True).
    return text and hints(create.element, "\t") + text


@compiles(CreateTable)
def table(create, compiler, **kw):
    text = compiler.visit_create_table(create, **kw).strip()
    return hints(create.element, "") + text


def print_schema(metadata, dialect, schema=None):
    def write(statement, *_, **__):
        text = str(statement.compile(dialect=engine.dialect)).strip()
        print(text if text.endswith(";") else text + ";", end="\n\n")

    # The usual styles of parameters belong to drivers, and double every percent sign.
    engine = create_mock_engine(f"{dialect}://", write, paramstyle="named")
    # schema_translate_map does this on a connection; without one it wants to know a default schema.
    engine.dialect.identifier_preparer.schema_for_object = lambda item: None if item.schema == schema else item.schema
    metadata.create_all(engine, checkfirst=False)


def main(arguments):
    if len(arguments) not in (2, 3) or arguments[1] not in ("postgresql", "sqlite"):
        sys.exit(__doc__)
    module, _, name = arguments[0].partition(":")
    sys.path.insert(0, "")
    base = getattr(importlib.import_module(module), name)
    print_schema(getattr(base, "metadata", base), *arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
