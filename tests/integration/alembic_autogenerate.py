#!/usr/bin/env python3
"""Ask the real Alembic to autogenerate random edits that it can express, and compare where its way and ours end. TAP.

    alembic_autogenerate.py MIGRATE_GEN PRINTER FACTS.sql HOST PORT SEED COUNT

Each pair is walked three times in a transaction that is rolled back: B made from nothing, A led to B by Alembic, and A led to B
by `migrate-gen diff` of what PRINTER prints of both. Equal is what FACTS.sql gives, which reads the catalogs.
"""
import copy
import importlib.util
import io
import random
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations

NAMES = {"pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s",
         "ix": "ix_%(table_name)s_%(column_0_N_name)s"}
TYPES = {"integer": [sa.SmallInteger(), sa.Integer(), sa.BigInteger()], "text": [sa.String(20), sa.String(50), sa.Text()],
         "time": [sa.Date(), sa.DateTime(), sa.DateTime(timezone=True)], "other": [sa.Boolean(), sa.LargeBinary(), sa.Numeric(10, 2)]}


def column(r):
    group = r.choice(list(TYPES))
    return {"group": group, "type": r.randrange(3) if group != "other" else r.randrange(3), "null": r.random() < 0.7,
            "unique": r.random() < 0.2, "index": r.random() < 0.2, "to": None}


def table(r, model):
    t = {f"c{i}": column(r) for i in r.sample(range(20), r.randrange(1, 6))}
    for other in r.sample(sorted(model), min(len(model), r.choice([0, 1]))):
        t[f"{other}_id"] = {"group": "integer", "type": 1, "null": True, "unique": False, "index": r.random() < 0.5, "to": other}
    return t


def model_of(r):
    model = {}
    for i in range(r.randrange(1, 5)):
        model[f"t{i}"] = table(r, model)
    return model


def referenced(model, name):
    return any(c["to"] == name for t in model.values() for c in t.values())


def edit(r, model, start):
    name = r.choice(sorted(model))
    t = model[name]
    plain = [n for n, c in sorted(t.items()) if not c["to"] and n in start.get(name, {})]
    what = r.choice(["table", "drop table", "column", "drop column", "index", "unique", "null", "type", "key"])
    if what == "table":
        model[f"t{len(model) + 10}"] = table(r, model)
    elif what == "drop table" and len(model) > 1 and not referenced(model, name) and not referenced(start, name):
        del model[name]
    elif what == "column":
        t[f"n{r.randrange(100)}"] = dict(column(r), null=True)
    elif what == "drop column" and len(t) > 1:
        del t[r.choice(sorted(t))]
    elif what in ("index", "unique", "null") and plain:
        c = t[r.choice(plain)]
        c[what] = not c[what]
    elif what == "type" and plain:
        c = t[r.choice(plain)]
        if c["group"] != "other":
            c["type"] = r.randrange(3)
    elif what == "key":
        to = r.choice(sorted(model))
        t[f"k{r.randrange(100)}_id"] = {"group": "integer", "type": 1, "null": True, "unique": False, "index": False, "to": to}


def metadata_of(model):
    metadata = sa.MetaData(naming_convention=NAMES)
    for name, columns in model.items():
        items = [sa.Column("id", sa.Integer, primary_key=True)]
        for n, c in columns.items():
            keys = [sa.ForeignKey(f"{c['to']}.id")] if c["to"] else []
            items.append(sa.Column(n, TYPES[c["group"]][c["type"]], *keys, nullable=c["null"], unique=c["unique"] or None,
                                   index=c["index"] or None))
        sa.Table(name, metadata, *items)
    return metadata


class Peer:
    def __init__(self, arguments):
        self.tool, printer, facts, host, port = arguments
        spec = importlib.util.spec_from_file_location("printer", printer)
        self.printer = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.printer)
        with open(facts, encoding="utf-8") as f:
            self.facts_sql = f.read()
        self.engine = sa.create_engine(f"postgresql://postgres@/peer?host={host}&port={port}")
        self.scratch = f"postgresql://postgres@/scratch?host={host}&port={port}"

    def facts(self, connection):
        connection.exec_driver_sql("SET LOCAL search_path = pg_catalog")
        cursor = connection.connection.cursor()
        cursor.execute(self.facts_sql)
        return [row[0] for row in cursor.fetchall()]

    def walk(self, start, way):
        """Facts after `way` from what `start` makes; all of it is rolled back."""
        with self.engine.connect() as connection:
            transaction = connection.begin()
            try:
                start.create_all(connection)
                way(connection)
                return self.facts(connection)
            finally:
                transaction.rollback()

    def alembic(self, goal):
        def way(connection):
            context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": goal})
            script = produce_migrations(context, goal)
            operations = Operations(context)

            def run(op):
                for inner in op.ops if hasattr(op, "ops") else ():
                    run(inner)
                if not hasattr(op, "ops"):
                    operations.invoke(op)
            run(script.upgrade_ops)
        return way

    def ours(self, start, goal):
        files = []
        for metadata in (start, goal):
            text = io.StringIO()
            with redirect_stdout(text):
                self.printer.print_schema(metadata, "postgresql")
            files.append(tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8"))
            files[-1].write(text.getvalue())
            files[-1].flush()
        answer = subprocess.run([self.tool, "diff", files[0].name, files[1].name, "--scratch", self.scratch,
                                 "--allow-destructive"],
                                capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise RuntimeError(answer.stderr)
        return lambda connection: connection.connection.cursor().execute(answer.stdout) if answer.stdout.strip() else None

    def check(self, seed):
        r = random.Random(seed)
        model = model_of(r)
        edited = copy.deepcopy(model)
        for _ in range(r.randrange(1, 5)):
            edit(r, edited, model)
        start, goal = metadata_of(model), metadata_of(edited)
        wanted = self.walk(goal, lambda connection: None)
        told = [self.difference("ours", wanted, self.walk(start, self.ours(start, goal)))]
        try:
            told.append(self.difference("Alembic's", wanted, self.walk(start, self.alembic(goal))))
        except sa.exc.DBAPIError as e:
            told.append(f"# Alembic's: {str(e.orig).strip()}")
        return told

    def difference(self, whose, wanted, found):
        lines = [f"# {whose}: {mark} {line}" for mark, a, b in (("lacks", wanted, found), ("has", found, wanted))
                 for line in sorted(set(a) - set(b))]
        return "\n".join(lines)


def main():
    peer = Peer(sys.argv[1:6])
    seed, count = int(sys.argv[6]), int(sys.argv[7])
    wrong, same, astray = [], 0, []
    for i in range(seed, seed + count):
        ours, alembics = peer.check(i)
        same += not ours and not alembics
        if ours:
            wrong.append(i)
            print(f"# seed {i}\n{ours}")
        if alembics:
            astray.append(i)
            print(f"# seed {i}\n{alembics}")
    print(f"# {count} edits of models, seeds from {seed}: {same} times both ways end at the models, {len(wrong)} times ours does not, "
          f"{len(astray)} times Alembic's does not")
    print(f"{'not ok' if wrong else 'ok'} 1 - leads from models to edited models")
    print(f"{'ok' if same >= count * 8 // 10 else 'not ok'} 2 - ends where the real Alembic ends, where that can express the edit")
    print("1..2")
    sys.exit(bool(wrong) or same < count * 8 // 10)


if __name__ == "__main__":
    main()
