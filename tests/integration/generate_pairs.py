#!/usr/bin/env python3
"""Write pairs of schemas for peer_gen_pairs: a random one, and what some random edits make of it.

    generate_pairs.py postgresql|sqlite SEED COUNT

Pair number i has the seed SEED + i, which its name says, so that `generate_pairs.py DIALECT THAT 1` writes it alone. What
is generated can be walked there and back with the rows that are generated too: every change of a type has a cast, every
row satisfies every check, and what is dropped needs no rows to come back.
"""
import copy
import random
import sys

WORDS = """account album amount answer badge batch bill body booking branch budget card cart chapter city client code colour
comment company contact contract country course currency customer day delivery device document draft driver email event file
flight folder game grade group guest height hotel image invoice item kind label language lesson level limit line link list
location machine member menu message method model month note number office order owner page parcel part payment period person
phone photo place plan player point policy price product profile project question queue range rate reason region report role
room route rule season seat section service session shop size source stage state station status step stock store street
student subject task teacher team term test theme ticket title token topic track trip unit user value vehicle version visit
volume voucher week weight window word year zone""".split()
HOSTILE = ["select", "Mixed Case", 'quo"te', "x;y", "ünï", "new\nline", "it's", "a.b", "--", "{x}", "[y]", "%s", "$1", "user"]

INTEGERS = ["smallint", "integer", "bigint", "numeric(12,2)"]
TEXTS = ["text", "varchar(30)", "varchar(80)", "char(10)"]
TIMES = ["date", "timestamp", "timestamptz"]
GROUPS = {"integer": INTEGERS, "text": TEXTS, "time": TIMES, "boolean": ["boolean"]}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Thing:
    """An object with attributes; `key` never changes, so that others can point to it."""

    next_key = 0

    def __init__(self, **attributes):
        Thing.next_key += 1
        self.key = Thing.next_key
        self.__dict__.update(attributes)

    @property
    def q(self):
        return quoted(self.name)


class Generator:
    def __init__(self, dialect, seed):
        Thing.next_key = 0
        self.random = random.Random(seed)
        self.pg = dialect == "postgresql"
        self.used = set()
        self.fresh = False  # whether what is made now is new in the second schema

    # ---- small choices

    def maybe(self, probability):
        return self.random.random() < probability

    def name(self, suffix=""):
        while True:
            if self.maybe(0.06):
                name = self.random.choice(HOSTILE) + suffix
            elif self.maybe(0.01):
                name = "l" * (60 - len(suffix)) + suffix
            else:
                name = "_".join(self.random.sample(WORDS, self.random.choice([1, 1, 2]))) + suffix
            if name.lower() not in self.used:
                self.used.add(name.lower())
                return name

    def number(self):
        return self.random.randrange(1, 40)

    # ---- making

    def enum(self, s):
        labels = self.random.sample(WORDS, self.random.randrange(2, 5))
        s.enums.append(Thing(name=self.name("_t"), labels=labels, comment=None))

    def domain(self, s):
        group = self.random.choice(["integer", "text"])
        s.domains.append(Thing(name=self.name("_d"), group=group, type=GROUPS[group][1], limit=self.number(), not_null=False))

    def column(self, s, table):
        """What has a default may be NOT NULL, and what has none may be unique: rows must come through."""
        group = self.random.choice(["integer", "integer", "text", "text", "time", "boolean"])
        c = Thing(name=self.name(), group=group, type=self.random.choice(GROUPS[group]), default=None, not_null=False,
                  fresh=self.fresh, unique=False, comment=None, target=None, generated=None, collate=None, statistics=None,
                  renamed=None, enum=None, domain=None)
        if self.pg and s.enums and self.maybe(0.15):
            c.enum, c.group, c.type = self.random.choice(s.enums).key, "enum", None
        elif self.pg and s.domains and self.maybe(0.12):
            domain = self.random.choice(s.domains)
            c.domain, c.group, c.type = domain.key, domain.group, None
        elif table.columns and self.maybe(0.07):
            base = [x for x in table.columns if x.group == "integer" and not x.generated and not x.target]
            if base:
                c.generated, c.group, c.type = (self.random.choice(base).key, self.number()), "integer", "numeric"
                return c
        if self.maybe(0.4):
            c.default = self.default_of(s, c)
            c.not_null = self.maybe(0.5)
        return c

    def default_of(self, s, c):
        if c.group == "enum":
            return "'" + next(e for e in s.enums if e.key == c.enum).labels[0] + "'"
        return {"integer": str(40 + self.number()), "text": f"'x{self.number()}'", "boolean": self.random.choice(["true", "false"]),
                "time": "CURRENT_DATE" if not self.pg else self.random.choice(["now()", "CURRENT_DATE", "'2020-02-02'"])}[c.group]

    def reference(self, s, table):
        target = self.random.choice(s.tables) if s.tables else table
        return Thing(name=self.name("_id"), group="reference", type=self.random.choice(["integer", "bigint"]), default=None,
                     not_null=False, fresh=self.fresh, unique=False, comment=None, target=target.key, generated=None,
                     collate=None, statistics=None, renamed=None, enum=None, domain=None, action=self.action(), enforced=True)

    def action(self):
        return self.random.choice(["", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE CASCADE",
                                   " DEFERRABLE INITIALLY DEFERRED"])

    def table(self, s):
        t = Thing(name=self.name(), columns=[], checks=[], uniques=[], indexes=[], triggers=[], policies=[], statistics=[],
                  key_type=self.random.choice(["integer", "bigint"]), identity=self.random.choice(["", "identity", "serial"]),
                  security=False, unlogged=False, fillfactor=None, comment=None, owner=None, grants={}, renamed=None,
                  fresh=self.fresh, partitions=[])
        for _ in range(self.random.randrange(1, 7)):
            t.columns.append(self.column(s, t))
        for _ in range(self.random.choice([0, 0, 1, 2])):
            t.columns.append(self.reference(s, t))
        s.tables.append(t)
        for make in (self.check, self.unique, self.index):
            if self.maybe(0.5):
                make(s, t)
        return t

    def plain(self, t):
        return [c for c in t.columns if not c.fresh or t.fresh]

    def condition(self, t, columns=None):
        c = self.random.choice(columns or t.columns)
        kind = {"integer": "integer", "reference": "any", "text": "text"}.get(c.group, "any")
        if kind == "integer":
            text = self.random.choice(["{} > %d", "{} <> %d", "{} + 1 > %d"]) % self.number()
        elif kind == "text":
            text = "length({}) < %d" % (self.number() + 60)
        else:
            text = "{} IS NOT NULL" if c.group != "reference" else "{} IS NULL OR {} > 0"
        return (c.key, text)

    def check(self, s, t):
        columns = [c for c in self.plain(t) if c.group in ("integer", "text")]
        if columns:
            t.checks.append(Thing(name=self.name("_ck"), condition=self.condition(t, columns), comment=None,
                                  not_valid=self.pg and self.maybe(0.1)))

    def unique(self, s, t):
        columns = [c for c in self.plain(t) if c.group in ("integer", "text") and not c.default and not c.generated and not c.domain]
        if columns:
            keys = [c.key for c in self.random.sample(columns, min(len(columns), self.random.choice([1, 1, 2])))]
            for c in columns:
                c.unique = c.unique or c.key in keys
            t.uniques.append(Thing(name=self.name("_uq"), columns=keys, comment=None))

    def index(self, s, t):
        columns = self.random.sample(t.columns, min(len(t.columns), self.random.choice([1, 1, 2, 3])))
        parts = [(c.key, self.random.choice(["{}", "{} DESC"] + (["lower({})"] if c.group == "text" else []))) for c in columns]
        t.indexes.append(Thing(name=self.name("_ix"), parts=parts, where=self.condition(t) if self.maybe(0.3) else None,
                               comment=None))

    def view(self, s, materialized=False):
        if not s.tables:
            return
        base = self.random.choice(s.tables + [v for v in s.views if not materialized or not v.materialized])
        outputs = [c.key for c in (base.columns if hasattr(base, "checks") else base.outputs) if self.maybe(0.6)]
        if outputs:
            s.views.append(Thing(name=self.name("_v"), base=base.key, materialized=materialized, invoker=self.maybe(0.2),
                                 outputs=[Thing(name=self.name(), of=o) for o in outputs], limit=self.maybe(0.3), indexes=[],
                                 comment=None, owner=None, grants={}, trigger=False))

    def function(self, s):
        s.functions.append(Thing(name=self.name("_f"), result=self.random.choice(["integer", "bigint"]), argument=self.name("_a"),
                                 body=self.number(), comment=None, grants={}, owner=None, plpgsql=self.maybe(0.3)))

    def trigger(self, s, t):
        columns = [c.key for c in t.columns if not c.generated]
        if columns:
            t.triggers.append(Thing(name=self.name("_tg"), timing=self.random.choice(["BEFORE", "AFTER"]),
                                    event=self.random.choice(["UPDATE OF", "INSERT", "DELETE"]),
                                    column=self.random.choice(columns), state=self.random.choice(["", "", "DISABLE"]), comment=None))

    def policy(self, s, t):
        t.policies.append(Thing(name=self.name("_p"), command=self.random.choice(["ALL", "SELECT", "UPDATE", "DELETE"]),
                                condition=self.condition(t), role=self.random.choice(["PUBLIC", "app", "reader"]), comment=None))

    def sequence(self, s):
        s.sequences.append(Thing(name=self.name("_s"), increment=self.random.choice([1, 5]), cycle=self.maybe(0.3), comment=None,
                                 grants={}, owner=None))

    def schema(self):
        s = Thing(enums=[], domains=[], tables=[], views=[], functions=[], sequences=[])
        for make, most in ((self.enum, 2), (self.domain, 2), (self.function, 2), (self.sequence, 1)):
            for _ in range(self.random.randrange(most + 1) if self.pg else 0):
                make(s)
        for _ in range(self.random.randrange(1, 6)):
            self.table(s)
        for _ in range(self.random.randrange(4)):
            self.view(s, self.pg and self.maybe(0.3))
        for t in s.tables:
            for make in (self.trigger,) + ((self.policy, self.satellites, self.extended) if self.pg else ()):
                if self.maybe(0.3):
                    make(s, t)
        for v in s.views:
            if self.pg and self.maybe(0.5):
                self.satellites(s, v)
        return s

    def extended(self, s, t):
        columns = [c.key for c in t.columns]
        if len(columns) > 1:
            t.statistics.append(Thing(name=self.name("_st"), columns=self.random.sample(columns, 2)))

    def satellites(self, s, thing):
        """What hangs on an object and must outlive its replacement."""
        thing.comment = self.random.choice([None, "it's \\ kept", "two\nlines", f"comment {self.number()}"])
        thing.owner = self.random.choice([None, "keeper"])
        thing.grants = {role: self.random.choice(["SELECT", "ALL", "SELECT, UPDATE"])
                        for role in ("app", "reader", "PUBLIC") if self.maybe(0.4)}

    # ---- editing

    def edit(self, s):
        t = self.random.choice(s.tables)
        c = self.random.choice(t.columns) if t.columns else None
        edits = [self.table, self.drop_table, lambda s: t.columns.insert(self.random.randrange(len(t.columns) + 1), self.column(s, t)),
                 lambda s: t.columns.append(self.reference(s, t)), lambda s: self.drop_column(t), lambda s: self.change_type(t),
                 lambda s: self.change_type(t), lambda s: self.change_default(s, t), lambda s: self.change_null(t),
                 lambda s: self.check(s, t), lambda s: self.unique(s, t), lambda s: self.index(s, t),
                 lambda s: self.drop_one(t.checks), lambda s: self.drop_one(t.uniques), lambda s: self.drop_one(t.indexes),
                 lambda s: self.change_check(t), lambda s: self.change_index(t), lambda s: self.change_reference(t), self.view,
                 lambda s: self.drop_one(s.views), self.change_view, lambda s: self.trigger(s, t), lambda s: self.drop_one(t.triggers),
                 lambda s: self.change_trigger(t), lambda s: self.rename_column(t), lambda s: self.rename_table(t),
                 lambda s: self.random.shuffle(t.columns)]
        if self.pg:
            edits += [self.enum, self.add_label, self.drop_label, self.domain, self.change_domain, self.function, self.change_function,
                      lambda s: self.drop_one(s.functions), lambda s: self.view(s, True), lambda s: self.policy(s, t),
                      lambda s: self.change_policy(t), lambda s: self.drop_one(t.policies), lambda s: self.satellites(s, t),
                      lambda s: s.views and self.satellites(s, self.random.choice(s.views)), lambda s: self.toggle(t, "security"),
                      lambda s: self.toggle(t, "unlogged"), lambda s: setattr(t, "fillfactor", self.random.choice([None, 50, 90])),
                      lambda s: setattr(t, "identity", self.random.choice(["", "identity", "serial"])), self.sequence,
                      lambda s: s.sequences and self.satellites(s, self.random.choice(s.sequences)),
                      lambda s: self.drop_one(s.sequences), lambda s: self.extended(s, t), lambda s: self.drop_one(t.statistics),
                      lambda s: c and setattr(c, "comment", self.random.choice([None, "a column", "that's it"])),
                      lambda s: c and setattr(c, "statistics", self.random.choice([None, 10, 500]))]
        self.random.choice(edits)(s)
        self.prune(s)

    def toggle(self, thing, attribute):
        setattr(thing, attribute, not getattr(thing, attribute))

    def drop_one(self, things):
        if things:
            things.pop(self.random.randrange(len(things)))

    def drop_table(self, s):
        if len(s.tables) > 1:
            self.drop_one(s.tables)

    def drop_column(self, t):
        columns = [c for c in t.columns if not c.not_null or c.default]
        if len(t.columns) > 1 and columns:
            t.columns.remove(self.random.choice(columns))

    def change_type(self, t):
        columns = [c for c in t.columns if c.group in GROUPS and c.type and not c.generated]
        if columns:
            c = self.random.choice(columns)
            c.type = self.random.choice(GROUPS[c.group])

    def change_default(self, s, t):
        columns = [c for c in self.plain(t) if not c.unique and not c.generated and not c.target]
        if columns:
            c = self.random.choice(columns)
            c.default = self.default_of(s, c) if c.not_null or not c.default or self.maybe(0.5) else None

    def change_null(self, t):
        columns = [c for c in self.plain(t) if c.default and not c.fresh and not c.generated]
        if columns:
            self.toggle(self.random.choice(columns), "not_null")

    def change_check(self, t):
        columns = [c for c in self.plain(t) if c.group in ("integer", "text")]
        if t.checks and columns:
            self.random.choice(t.checks).condition = self.condition(t, columns)

    def change_index(self, t):
        if t.indexes:
            name = self.random.choice(t.indexes)
            t.indexes.remove(name)
            self.index(None, t)
            t.indexes[-1].name = name.name

    def change_reference(self, t):
        references = [c for c in t.columns if c.target]
        if references:
            c = self.random.choice(references)
            if self.maybe(0.3):
                self.toggle(c, "enforced")
            else:
                c.action = self.action()

    def change_view(self, s):
        if s.views:
            v = self.random.choice(s.views)
            if self.maybe(0.5) and len(v.outputs) > 1:
                self.drop_one(v.outputs)
            elif self.maybe(0.5):
                self.toggle(v, "limit")
            else:
                self.toggle(v, "invoker")

    def change_trigger(self, t):
        if t.triggers:
            g = self.random.choice(t.triggers)
            g.state = self.random.choice(["", "DISABLE"])
            g.timing = self.random.choice(["BEFORE", "AFTER"])

    def change_policy(self, t):
        if t.policies:
            self.random.choice(t.policies).condition = self.condition(t)

    def rename_column(self, t):
        columns = [c for c in t.columns if not c.fresh and not c.renamed and not t.renamed and "\n" not in c.name]
        if columns:
            c = self.random.choice(columns)
            c.renamed, c.name = c.name, self.name()

    def rename_table(self, t):
        if not t.fresh and not t.renamed and not any(c.renamed for c in t.columns) and "\n" not in t.name:
            t.renamed, t.name = t.name, self.name()

    def add_label(self, s):
        if s.enums:
            e = self.random.choice(s.enums)
            label = self.random.choice([w for w in WORDS if w not in e.labels])
            e.labels.insert(self.random.randrange(1, len(e.labels) + 1), label)

    def drop_label(self, s):
        if s.enums:
            e = self.random.choice(s.enums)
            if len(e.labels) > 1:
                e.labels.pop()

    def change_domain(self, s):
        if s.domains:
            d = self.random.choice(s.domains)
            d.limit = self.number()

    def change_function(self, s):
        if s.functions:
            f = self.random.choice(s.functions)
            what = self.random.randrange(3)
            if what == 0:
                f.body = self.number()
            elif what == 1:
                f.result = self.random.choice(["integer", "bigint"])
            else:
                f.argument = self.name("_a")

    def prune(self, s):
        """Away with what points to nothing any more."""
        tables = {t.key for t in s.tables}
        for t in s.tables:
            changed = True
            while changed:
                keys = {c.key for c in t.columns}
                lost = [c for c in t.columns if c.generated and c.generated[0] not in keys]
                changed = bool(lost)
                for c in lost:
                    t.columns.remove(c)
            for c in t.columns:
                if c.target and c.target not in tables:
                    c.enforced = False
            t.checks = [x for x in t.checks if x.condition[0] in keys]
            t.policies = [x for x in t.policies if x.condition[0] in keys]
            t.uniques = [x for x in t.uniques if set(x.columns) <= keys]
            t.indexes = [x for x in t.indexes if {k for k, _ in x.parts} <= keys and (not x.where or x.where[0] in keys)]
            t.triggers = [x for x in t.triggers if x.column in keys]
            t.statistics = [x for x in t.statistics if set(x.columns) <= keys]
        known = {t.key: {c.key for c in t.columns} for t in s.tables}
        views = []
        for v in s.views:
            v.outputs = [o for o in v.outputs if o.of in known.get(v.base, ())]
            if v.outputs:
                known[v.key] = {o.key for o in v.outputs}
                views.append(v)
        s.views = views

    # ---- writing

    def write(self, s):
        out = []
        add = out.append
        if self.pg:
            self.write_types(s, add)
        names = {}
        for t in s.tables:
            names[t.key] = t
            for c in t.columns:
                names[c.key] = c
        for v in s.views:
            names[v.key] = v
            for o in v.outputs:
                names[o.key] = o
        if any(v.materialized for v in s.views):  # it is filled with its owner's rights, and those of the views it reads
            for thing in s.tables + s.views:
                thing.owner = None
        for t in s.tables:
            self.write_table(s, t, names, add)
        for t in s.tables:
            for c in t.columns if self.pg else ():
                if c.target and c.enforced:
                    add(f"ALTER TABLE {t.q} ADD FOREIGN KEY ({c.q}) REFERENCES {names[c.target].q}{c.action};")
            self.write_parts(t, names, add)
        for v in s.views:
            self.write_view(v, names, add)
        if self.pg and any(t.triggers for t in s.tables):
            add("CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN COALESCE(NEW, OLD); END';")
        for t in s.tables:
            self.write_triggers(t, names, add)
        return "\n".join(out) + "\n"

    def comment(self, what, thing, add):
        if self.pg and getattr(thing, "comment", None):
            text = thing.comment.replace("'", "''")
            add(f"COMMENT ON {what} IS '{text}';")

    def write_satellites(self, kind, thing, address, add, grants=True):
        if not self.pg:
            return
        if thing.owner:
            add(f"ALTER {kind} {address} OWNER TO {thing.owner};")
        for role, rights in thing.grants.items() if grants else ():
            add(f"GRANT {rights} ON {'SEQUENCE ' if kind == 'SEQUENCE' else ''}{address} TO {role};")
        self.comment(f"{kind} {address}", thing, add)

    def write_types(self, s, add):
        for e in s.enums:
            add(f"CREATE TYPE {e.q} AS ENUM (" + ", ".join(f"'{x}'" for x in e.labels) + ");")
        for d in s.domains:
            check = f"VALUE > {d.limit}" if d.group == "integer" else f"length(VALUE) < {d.limit + 60}"
            add(f"CREATE DOMAIN {d.q} AS {d.type} CONSTRAINT limited CHECK ({check});")
        for q in s.sequences:
            add(f"CREATE SEQUENCE {q.q} INCREMENT {q.increment}{' CYCLE' if q.cycle else ''};")
            q.grants = {role: "ALL" for role in q.grants}
            self.write_satellites("SEQUENCE", q, q.q, add)
        for f in s.functions:
            body = f"$$ SELECT ({f.body})::{f.result} $$" if not f.plpgsql else f"$$ BEGIN RETURN {f.body}; END $$"
            add(f"CREATE FUNCTION {f.q}({quoted(f.argument)} integer) RETURNS {f.result} LANGUAGE "
                f"{'plpgsql' if f.plpgsql else 'sql'} IMMUTABLE AS {body};")

    def type_of(self, s, c):
        if c.enum:
            return next(e for e in s.enums if e.key == c.enum).q
        if c.domain:
            return next(d for d in s.domains if d.key == c.domain).q
        return c.type

    def write_table(self, s, t, names, add):
        key = f"id {t.key_type} "
        if self.pg:
            key = {"": key + "PRIMARY KEY", "identity": key + "GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
                   "serial": "id " + {"integer": "serial", "bigint": "bigserial"}[t.key_type] + " PRIMARY KEY"}[t.identity]
        else:
            key = "id integer PRIMARY KEY" + (" AUTOINCREMENT" if t.identity == "serial" else "")
        lines = [key]
        for c in t.columns:
            hint = f"-- renamed from: {quoted(c.renamed)}\n    " if c.renamed else ""
            text = f"{hint}{c.q} {self.type_of(s, c)}"
            if c.generated:
                text += f" GENERATED ALWAYS AS ({names[c.generated[0]].q} * {c.generated[1]}) STORED"
            if c.default:
                text += f" DEFAULT {c.default}"
            if c.not_null:
                text += " NOT NULL"
            if c.target and c.enforced and not self.pg:
                text += f" REFERENCES {names[c.target].q}{c.action}"
            lines.append(text)
        for x in t.uniques:
            lines.append(f"CONSTRAINT {x.q} UNIQUE (" + ", ".join(names[k].q for k in x.columns) + ")")
        for x in t.checks:
            if not x.not_valid:
                lines.append(f"CONSTRAINT {x.q} CHECK (" + x.condition[1].replace("{}", names[x.condition[0]].q) + ")")
        if t.renamed:
            add(f"-- renamed from: {quoted(t.renamed)}")
        options = f" WITH (fillfactor = {t.fillfactor})" if t.fillfactor and self.pg else ""
        add(f"CREATE {'UNLOGGED ' if self.logged_alone(s, t) else ''}TABLE {t.q} (\n    " + ",\n    ".join(lines) + f"\n){options};")

    def logged_alone(self, s, t):
        """A logged table may not reference an unlogged one."""
        referenced = any(c.target for x in s.tables for c in x.columns if c.target == t.key or x.key == t.key)
        return self.pg and t.unlogged and not referenced

    def write_parts(self, t, names, add):
        for x in t.indexes:
            parts = ", ".join(text.format(names[k].q.replace("{", "{{").replace("}", "}}")).replace("{{", "{").replace("}}", "}")
                              for k, text in x.parts)
            where = " WHERE " + x.where[1].replace("{}", names[x.where[0]].q) if x.where else ""
            add(f"CREATE INDEX {x.q} ON {t.q} ({parts}){where};")
        if not self.pg:
            return
        for x in t.checks:
            if x.not_valid:
                add(f"ALTER TABLE {t.q} ADD CONSTRAINT {x.q} CHECK (" + x.condition[1].replace("{}", names[x.condition[0]].q) + ") NOT VALID;")
        for x in t.statistics:
            add(f"CREATE STATISTICS {x.q} ON " + ", ".join(names[k].q for k in x.columns) + f" FROM {t.q};")
        for x in t.policies:
            add(f"CREATE POLICY {x.q} ON {t.q} FOR {x.command} TO {x.role} USING (" +
                x.condition[1].replace("{}", names[x.condition[0]].q) + ");")
        if t.security:
            add(f"ALTER TABLE {t.q} ENABLE ROW LEVEL SECURITY;")
        for c in t.columns:
            if c.statistics:
                add(f"ALTER TABLE {t.q} ALTER {c.q} SET STATISTICS {c.statistics};")
            self.comment(f"COLUMN {t.q}.{c.q}", c, add)
        self.write_satellites("TABLE", t, t.q, add)

    def write_view(self, v, names, add):
        base = names[v.base]
        outputs = ", ".join(f"{names[o.of].q} AS {o.q}" for o in v.outputs)
        options = " WITH (security_invoker = true)" if v.invoker and self.pg and not v.materialized else ""
        where = f" WHERE {names[v.outputs[0].of].q} IS NOT NULL" if v.limit else ""
        kind = "MATERIALIZED VIEW" if v.materialized else "VIEW"
        add(f"CREATE {kind} {v.q}{options} AS SELECT {outputs} FROM {base.q}{where};")
        if v.materialized and v.limit:
            add(f"CREATE INDEX {quoted(v.name[:50] + '_i')} ON {v.q} ({v.outputs[0].q});")
        self.write_satellites(kind, v, v.q, add)

    def write_triggers(self, t, names, add):
        for x in t.triggers:
            event = x.event + (f" {names[x.column].q}" if x.event == "UPDATE OF" else "")
            head = f"CREATE TRIGGER {x.q} {x.timing} {event} ON {t.q}"
            if self.pg:
                add(f"{head} FOR EACH ROW EXECUTE FUNCTION on_change();")
                if x.state:
                    add(f"ALTER TABLE {t.q} {x.state} TRIGGER {x.q};")
            else:
                add(f"{head} BEGIN SELECT 1; END;")

    def rows(self, s):
        """Three rows for each table: children's parents have the same ids."""
        out = []
        for t in self.parents_first(s):
            columns = [c for c in t.columns if not c.generated]
            for i in (1, 2, 3):
                values = [str(i)] + [self.value(s, c, i) for c in columns]
                out.append(f"INSERT INTO {t.q} (id" + "".join(f", {c.q}" for c in columns) + ") VALUES (" + ", ".join(values) + ");")
        return "\n".join(out) + "\n"

    def parents_first(self, s):
        return s.tables  # a table's references go to earlier ones

    def value(self, s, c, i):
        if c.group == "enum":
            return "'" + next(e for e in s.enums if e.key == c.enum).labels[0] + "'"
        return {"integer": str(60 + i), "reference": str(i), "text": f"'t{i}'", "time": f"'2026-01-0{i}'", "boolean": "true"}[c.group]


def pair(dialect, seed):
    g = Generator(dialect, seed)
    first = g.schema()
    g.prune(first)
    second = copy.deepcopy(first)
    g.fresh = True
    for t in second.tables:
        t.fresh = False
    for _ in range(g.random.randrange(1, 9)):
        g.edit(second)
    roles = "--- roles app reader keeper\n" if g.pg else ""
    return (f"--- pair seed {seed}\n{roles}--- from\n{g.write(first)}--- to\n{g.write(second)}"
            f"--- rows\n{g.rows(first)}")


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("postgresql", "sqlite"):
        sys.exit(__doc__)
    for i in range(int(sys.argv[3])):
        print(pair(sys.argv[1], int(sys.argv[2]) + i))


if __name__ == "__main__":
    main()
