"""
Objects of every kind whose names are hard to get right, and what their identities and addresses must be.

    catalog_names.py sql         CREATE statements
    catalog_names.py facts       lines as peer_catalog prints them: KIND, IDENTITY, "address", ADDRESS
    catalog_names.py comments    COMMENT ON each of them, by the addresses that peer_catalog printed (stdin)

One kind in one schema for each name, since tables, indexes and types share name spaces.
"""
import re
import sys

NAMES = [
    "plain",
    "select",
    'quote"d',
    "apos'trophe",
    "new\nline",
    "back\\slash",
    "tab\there",
    "dot.ted, (bracketed) [{$1}]",
    "Ünïcødé 表",
    "x" * 63,
    "é" * 31,
    "Üp" + "y" * 60,
    "--",
    "/* $$ */",
    " ",
]
RESERVED = {"select"}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def printed(name):
    """As quote_ident() does."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) and name not in RESERVED else quoted(name)


def schema_of(letter, name):
    """The letter and as much of the name as 63 bytes hold."""
    return letter + name.encode()[:62].decode(errors="ignore")


# (kind, letter, SQL, identity, address): N the name, S the schema, as SQL; n and s as they are printed.
KINDS = [
    ("collation", "a", 'CREATE COLLATION {S}.{N} FROM "C"', "{s}.{n}", "{s}.{n}"),
    ("type", "b", "CREATE TYPE {S}.{N} AS ENUM ('a')", "{s}.{n}", "{s}.{n}"),
    ("domain", "c", "CREATE DOMAIN {S}.{N} AS int CONSTRAINT {N} CHECK (VALUE > 0)", "{s}.{n}", "{s}.{n}"),
    ("domain constraint", "c", "", "{s}.{n}.{n}", "{n}"),
    ("composite type", "d", "CREATE TYPE {S}.{N} AS ({N} int)", "{s}.{n}", "{s}.{n}"),
    ("attribute", "d", "", "{s}.{n}.{n}", "{n}"),
    ("range type", "e", "CREATE TYPE {S}.{N} AS RANGE (SUBTYPE = date, MULTIRANGE_TYPE_NAME = {S}.multi)", "{s}.{n}",
     "{s}.{n}"),
    ("sequence", "f", "CREATE SEQUENCE {S}.{N}", "{s}.{n}", "{s}.{n}"),
    ("function", "g",
     "CREATE TYPE {S}.{N} AS ENUM ('a');"
     "CREATE FUNCTION {S}.{N}({N} {S}.{N}, {S}.{N}[]) RETURNS {S}.{N} LANGUAGE sql AS 'SELECT $1'",
     "{s}.{n}({s}.{n}, {s}.{n}[])", "{s}.{n}({s}.{n},{s}.{n}[])"),
    ("function", "h", "CREATE PROCEDURE {S}.{N}(INOUT {N} int) LANGUAGE sql AS 'SELECT 1'", "{s}.{n}(integer)",
     "{s}.{n}(integer)"),
    ("aggregate", "i", "CREATE AGGREGATE {S}.{N}({N} int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')",
     "{s}.{n}(integer)", "{s}.{n}({n} integer)"),
    ("aggregate", "j", "CREATE AGGREGATE {S}.{N}(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0')", "{s}.{n}()",
     "{s}.{n}(*)"),
    ("table", "k",
     "CREATE TABLE {S}.{N} ({N} int DEFAULT 1 CONSTRAINT {N} CHECK ({N} > 0), other int);"
     "ALTER TABLE {S}.{N} ENABLE ROW LEVEL SECURITY;"
     "CREATE POLICY {N} ON {S}.{N} TO {N} USING ({N} > 1);"
     "CREATE FUNCTION {S}.{N}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END';"
     "CREATE TRIGGER {N} BEFORE UPDATE OF {N} ON {S}.{N} FOR EACH ROW EXECUTE FUNCTION {S}.{N}();"
     "CREATE RULE {N} AS ON DELETE TO {S}.{N} DO INSTEAD NOTHING;"
     "CREATE STATISTICS {S}.{N} ON {N}, other FROM {S}.{N}",
     "{s}.{n}", "{s}.{n}"),
    ("column", "k", "", "{s}.{n}.{n}", "{n}"),
    ("default", "k", "", "{s}.{n}.{n}", "{n}"),
    ("constraint", "k", "", "{s}.{n}.{n}", "{n}"),
    ("policy", "k", "", "{s}.{n}.{n}", "{n}"),
    ("trigger", "k", "", "{s}.{n}.{n}", "{n}"),
    ("rule", "k", "", "{s}.{n}.{n}", "{n}"),
    ("statistics", "k", "", "{s}.{n}", "{s}.{n}"),
    ("index", "l", "CREATE TABLE {S}.t (i int); CREATE INDEX {N} ON {S}.t (i)", "{s}.{n}", "{s}.{n}"),
    ("foreign key", "m",
     "CREATE TABLE {S}.{N} ({N} int PRIMARY KEY, up int, CONSTRAINT {N} FOREIGN KEY (up) REFERENCES {S}.{N})",
     "{s}.{n}.{n}", "{n}"),
    ("view", "n", "CREATE VIEW {S}.{N} AS SELECT 1 AS {N}", "{s}.{n}", "{s}.{n}"),
    ("view column", "n", "", "{s}.{n}.{n}", "{n}"),
    ("materialized view", "o", "CREATE MATERIALIZED VIEW {S}.{N} AS SELECT 1 AS {N}", "{s}.{n}", "{s}.{n}"),
    ("event trigger", "p",
     "CREATE FUNCTION {S}.{N}() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
     "CREATE EVENT TRIGGER {N} ON sql_drop EXECUTE FUNCTION {S}.{N}();"
     "ALTER EVENT TRIGGER {N} DISABLE", "{n}", "{n}"),
    ("foreign-data wrapper", "q", "CREATE FOREIGN DATA WRAPPER {N} OPTIONS ({N} '1')", "{n}", "{n}"),
    ("server", "q", "CREATE SERVER {N} FOREIGN DATA WRAPPER {N}", "{n}", "{n}"),
    ("user mapping", "q", "CREATE USER MAPPING FOR {N} SERVER {N}", "{n} on {n}", "{n} on {n}"),
    ("foreign table", "q", "CREATE FOREIGN TABLE {S}.{N} ({N} int) SERVER {N}", "{s}.{n}", "{s}.{n}"),
    ("publication", "r", "CREATE TABLE {S}.{N} (i int); CREATE PUBLICATION {N} FOR TABLE {S}.{N}", "{n}", "{n}"),
    ("publication member", "r", "", "{n}.{s}.{n}", "TABLE {s}.{n}"),
    ("subscription", "t",
     "CREATE SUBSCRIPTION {N} CONNECTION 'password=hunter2' PUBLICATION {N}"
     " WITH (connect = false, slot_name = NONE, enabled = false)", "{n}", "{n}"),
    ("default privileges", "u", "ALTER DEFAULT PRIVILEGES FOR ROLE {N} IN SCHEMA {S} GRANT SELECT ON TABLES TO {N}",
     "FOR ROLE {n} IN SCHEMA {s} ON TABLES", "FOR ROLE {n} IN SCHEMA {s} ON TABLES"),
    ("unmodelled", "v", "CREATE TEXT SEARCH DICTIONARY {S}.{N} (TEMPLATE = simple)",
     "text search dictionary {s}.{n}", "text search dictionary {s}.{n}"),
    ("partition", "w",
     "CREATE TABLE {S}.p ({N} int) PARTITION BY LIST ({N}); CREATE TABLE {S}.{N} PARTITION OF {S}.p FOR VALUES IN (1)",
     "{s}.{n}", "{s}.{n}"),
    ("inheritance", "x", "CREATE TABLE {S}.p ({N} int); CREATE TABLE {S}.{N} () INHERITS ({S}.p)",
     "{s}.{n} of {s}.p", "{s}.{n}"),
]

# What COMMENT ON calls a kind; of a part with its parent.
COMMENT_ON = {
    "schema": "SCHEMA {a}", "collation": "COLLATION {a}", "type": "TYPE {a}", "domain": "DOMAIN {a}",
    "domain constraint": "CONSTRAINT {a} ON DOMAIN {p}", "composite type": "TYPE {a}", "attribute": "COLUMN {p}.{a}",
    "range type": "TYPE {a}", "sequence": "SEQUENCE {a}", "function": "ROUTINE {a}", "aggregate": "AGGREGATE {a}",
    "table": "TABLE {a}", "column": "COLUMN {p}.{a}", "constraint": "CONSTRAINT {a} ON {p}",
    "foreign key": "CONSTRAINT {a} ON {p}", "policy": "POLICY {a} ON {p}", "trigger": "TRIGGER {a} ON {p}",
    "rule": "RULE {a} ON {p}", "statistics": "STATISTICS {a}", "index": "INDEX {a}", "view": "VIEW {a}",
    "view column": "COLUMN {p}.{a}", "materialized view": "MATERIALIZED VIEW {a}", "event trigger": "EVENT TRIGGER {a}",
    "foreign-data wrapper": "FOREIGN DATA WRAPPER {a}", "server": "SERVER {a}", "foreign table": "FOREIGN TABLE {a}",
    "publication": "PUBLICATION {a}",
}  # fmt: skip


def escaped(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def unescaped(text):
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text)


def words(letter, name):
    schema = schema_of(letter, name)
    return {"N": quoted(name), "S": quoted(schema), "n": printed(name), "s": printed(schema)}


def write_sql():
    for name in NAMES:
        print(f"CREATE ROLE {quoted(name)};")
        for letter in sorted({kind[1] for kind in KINDS}):
            print(f"CREATE SCHEMA {quoted(schema_of(letter, name))};")
        for _, letter, sql, _, _ in KINDS:
            if sql:
                print(sql.format(**words(letter, name)) + ";")


def write_facts():
    for name in NAMES:
        for kind, letter, _, identity, address in KINDS:
            w = words(letter, name)
            print(kind, escaped(identity.format(**w)), "address", escaped(address.format(**w)), sep="\t")


def write_comments():
    facts = [line.rstrip("\n").split("\t") for line in sys.stdin]
    addresses = {(f[0], f[1]): f[3] for f in facts if f[2] == "address"}
    parents = {(f[0], f[1]): f[3] for f in facts if f[2] == "parent"}
    tables = {identity: a for (kind, identity), a in addresses.items()
              if kind in ("table", "foreign table", "view", "materialized view", "domain", "composite type")}
    for (kind, identity), address in addresses.items():
        if kind in COMMENT_ON:
            parent = tables.get(parents.get((kind, identity)), "")
            target = COMMENT_ON[kind].format(a=unescaped(address), p=unescaped(parent))
            print(f"COMMENT ON {target} IS 'seen';")


if __name__ == "__main__":
    {"sql": write_sql, "facts": write_facts, "comments": write_comments}[sys.argv[1]]()
