"""What models can say and a printer of schemas may lose: each is looked for in what comes out."""
from sqlalchemy import (DDL, Boolean, CheckConstraint, Column, Computed, Enum, ForeignKey, Index, Integer, MetaData,
                        Sequence, Table, Text, event, text)

# The names of what has none: PostgreSQL would choose its own, and SQLite none at all. The models' tables are in a schema
# that is called "tenant" here and is each tenant's own there.
metadata = MetaData(
    schema="tenant",
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    })

event.listen(metadata, "before_create", DDL("CREATE EXTENSION citext").execute_if(dialect="postgresql"))

colour = Enum("red", "it's green", name="colour", metadata=metadata)
numbers = Sequence("invoice_numbers", start=1000, increment=10, metadata=metadata)

things = Table(
    "things", metadata,
    Column("thing_id", Integer, primary_key=True),
    Column("title", Text, nullable=False, unique=True, info={"renamed_from": "name"}),
    Column("rank", Integer, nullable=False, info={"backfill": "0", "using": "rank::integer"}),
    Column("colour", colour, comment="as the owner's eye sees it"),
    Column("parent_id", ForeignKey("things.thing_id", deferrable=True, initially="DEFERRED")),
    Column("first_part_id", ForeignKey("parts.part_id", use_alter=True)),
    Column("twice", Integer, Computed("rank * 2", persisted=True)),
    Column("number", Integer, numbers),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("python_only", Integer, default=7),
    CheckConstraint("title NOT LIKE '%;%'", name="title"),
    comment="100% things",
    info={"renamed_from": "stuff"},
)
Index("ix_things_rank", things.c.rank.desc(), postgresql_include=["title"], postgresql_where=things.c.rank > 7,
      sqlite_where=things.c.rank > 7)

parts = Table(
    "parts", metadata,
    Column("part_id", Integer, primary_key=True),
    Column("thing_id", ForeignKey("things.thing_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("colour", colour),
    Column('a "strange" name', Text),
)
