--- pair table add/drop: with indexes and triggers
--- from
CREATE TABLE stays (id integer PRIMARY KEY, n integer);
--- to
CREATE TABLE stays (id integer PRIMARY KEY, n integer);
CREATE TABLE orders (
    id      integer PRIMARY KEY AUTOINCREMENT,
    stay_id integer NOT NULL REFERENCES stays ON DELETE CASCADE,
    code    varchar(12) COLLATE NOCASE DEFAULT 'x' UNIQUE,
    total   numeric(10, 2) CONSTRAINT positive CHECK (total > 0),
    twice   numeric GENERATED ALWAYS AS (total * 2) STORED
);
CREATE INDEX orders_stay_id_idx ON orders (stay_id);
CREATE TRIGGER orders_made AFTER INSERT ON orders BEGIN UPDATE stays SET n = n + 1 WHERE id = NEW.stay_id; END;
--- rows
INSERT INTO stays VALUES (1, 0), (2, 0);

--- pair table add/drop: two that need each other
--- from
CREATE TABLE lonely (id integer);
--- to
CREATE TABLE lonely (id integer);
CREATE TABLE chicken (id integer PRIMARY KEY, egg_id integer REFERENCES egg);
CREATE TABLE egg (id integer PRIMARY KEY, chicken_id integer REFERENCES chicken);

--- pair table add/drop: a parent goes, its children stay
--- from
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE c (id integer PRIMARY KEY, p_id integer REFERENCES p ON DELETE CASCADE);
--- to
CREATE TABLE c (id integer PRIMARY KEY, p_id integer);
--- rows
INSERT INTO p VALUES (1);
INSERT INTO c VALUES (1, 1);

--- pair hostile names: quotes, newlines, keywords and Unicode
--- from
CREATE TABLE "a""b" ("c
d" integer);
--- to
CREATE TABLE "a""b" ("c
d" text NOT NULL DEFAULT 'quote '' and
newline -- no comment', "é😀" integer, "select" integer CHECK ("select" > 0), [in brackets] text, `in ticks` text);
CREATE TABLE "table" ("order" integer PRIMARY KEY, "from" text UNIQUE);
CREATE INDEX "i""x" ON "a""b" (lower("é😀")) WHERE "select" > 0;
CREATE VIEW "vi""ew" AS SELECT "c
d" AS "x;y" FROM "a""b";
CREATE TRIGGER "tr;ig" AFTER DELETE ON "a""b" BEGIN DELETE FROM "table" WHERE "order" = OLD."select"; END;
--- rows
INSERT INTO "a""b" VALUES (1), (2);

--- pair column add/drop: in place at the end
--- from
CREATE TABLE t (id integer PRIMARY KEY, a text);
--- to
CREATE TABLE t (id integer PRIMARY KEY, a text, b integer, c text NOT NULL DEFAULT 'x', d integer REFERENCES t, e text CHECK (e <> ''));
--- forward has ADD
--- forward lacks DROP TABLE
--- rows
INSERT INTO t VALUES (1, 'a'), (2, 'b');

--- pair column add/drop: in the middle, the order is kept
--- from
CREATE TABLE t (id integer PRIMARY KEY, a text, z text);
--- to
CREATE TABLE t (id integer PRIMARY KEY, b integer, a text, c text, z text);
--- rows
INSERT INTO t VALUES (1, 'a', 'z');

--- pair column add/drop: what ALTER TABLE cannot add
--- from
CREATE TABLE t (id integer PRIMARY KEY);
--- to
CREATE TABLE t (id integer PRIMARY KEY, u text UNIQUE, at text NOT NULL DEFAULT CURRENT_TIMESTAMP,
    e text DEFAULT (lower('X')), s integer GENERATED ALWAYS AS (id + 1) STORED);
--- rows
INSERT INTO t VALUES (1), (2);

--- pair column add/drop: one that everything uses
--- from
CREATE TABLE t (id integer PRIMARY KEY, a text, b integer CHECK (b > length(a)), UNIQUE (a, b));
CREATE INDEX t_a_idx ON t (a);
CREATE INDEX t_part_idx ON t (b) WHERE a IS NOT NULL;
CREATE VIEW v AS SELECT id, a FROM t;
CREATE TRIGGER g AFTER UPDATE OF a ON t BEGIN SELECT NEW.a; END;
--- to
CREATE TABLE t (id integer PRIMARY KEY, b integer);
CREATE INDEX t_part_idx ON t (b);
CREATE VIEW v AS SELECT id FROM t;
--- rows
INSERT INTO t VALUES (1, 'a', 2);

--- pair column order: another order alone is nothing
--- from
CREATE TABLE t (a integer, b text, c date);
--- to
CREATE TABLE t (c date, a integer, b text);
--- forward nothing
--- back nothing

--- pair type change: rebuilt, with children, views and triggers on it
--- from
CREATE TABLE p (id integer PRIMARY KEY, a integer NOT NULL);
CREATE TABLE c (id integer PRIMARY KEY, p_id integer NOT NULL REFERENCES p ON DELETE CASCADE);
CREATE TABLE log (what text);
CREATE INDEX p_a_idx ON p (a);
CREATE VIEW v AS SELECT a FROM p;
CREATE VIEW w AS SELECT a + 1 AS b FROM v;
CREATE TRIGGER on_p AFTER UPDATE ON p BEGIN INSERT INTO log VALUES (NEW.a); END;
CREATE TRIGGER on_c AFTER INSERT ON c BEGIN UPDATE p SET a = a + 1 WHERE id = NEW.p_id; END;
CREATE TRIGGER on_v INSTEAD OF INSERT ON v BEGIN INSERT INTO p (a) VALUES (NEW.a); END;
--- to
CREATE TABLE p (id integer PRIMARY KEY, a text NOT NULL);
CREATE TABLE c (id integer PRIMARY KEY, p_id integer NOT NULL REFERENCES p ON DELETE CASCADE);
CREATE TABLE log (what text);
CREATE INDEX p_a_idx ON p (a);
CREATE VIEW v AS SELECT a FROM p;
CREATE VIEW w AS SELECT a + 1 AS b FROM v;
CREATE TRIGGER on_p AFTER UPDATE ON p BEGIN INSERT INTO log VALUES (NEW.a); END;
CREATE TRIGGER on_c AFTER INSERT ON c BEGIN UPDATE p SET a = a + 1 WHERE id = NEW.p_id; END;
CREATE TRIGGER on_v INSTEAD OF INSERT ON v BEGIN INSERT INTO p (a) VALUES (NEW.a); END;
--- rows
INSERT INTO p VALUES (1, 5), (2, 6);
INSERT INTO c VALUES (1, 1), (2, 2);
DELETE FROM log;
--- after SELECT count(*) = 0 FROM log

--- pair type change USING: by a hint
--- from
CREATE TABLE t (
    id integer PRIMARY KEY,
    a text -- using: 'n' || a
);
--- to
CREATE TABLE t (
    id integer PRIMARY KEY,
    a integer -- using: CAST(substr(a, 2) AS integer)
);
--- rows
INSERT INTO t VALUES (1, 'n7');
--- after SELECT a = 7 AND typeof(a) = 'integer' FROM t

--- pair default: added, changed and dropped
--- from
CREATE TABLE t (id integer PRIMARY KEY, a integer DEFAULT 1, b text, c text DEFAULT 'x', d text DEFAULT (lower('A')));
--- to
CREATE TABLE t (id integer PRIMARY KEY, a integer DEFAULT 2, b text DEFAULT 'b', c text, d text DEFAULT CURRENT_DATE);
--- rows
INSERT INTO t (id) VALUES (1);
--- after SELECT a = 1 AND b IS NULL AND c = 'x' FROM t

--- pair not null: set and dropped
--- from
CREATE TABLE t (id integer PRIMARY KEY, a integer, b text NOT NULL);
--- to
CREATE TABLE t (id integer PRIMARY KEY, a integer NOT NULL DEFAULT 0, b text);
--- rows
INSERT INTO t VALUES (1, 2, 'b');

--- pair not null: a new column with a backfill
--- from
CREATE TABLE t (id integer PRIMARY KEY, a text);
--- to
CREATE TABLE t (id integer PRIMARY KEY, a text,
    -- backfill: a || '!'
    b text NOT NULL
);
--- rows
INSERT INTO t VALUES (1, 'x'), (2, 'y');
--- after SELECT min(b = a || '!') FROM t

--- pair generated column: virtual is added in place, stored is not
--- from
CREATE TABLE t (id integer PRIMARY KEY, a integer);
--- to
CREATE TABLE t (id integer PRIMARY KEY, a integer, v integer GENERATED ALWAYS AS (a * 2) VIRTUAL);
--- forward lacks DROP TABLE
--- rows
INSERT INTO t VALUES (1, 4);
--- after SELECT v = 8 FROM t

--- pair generated column: stored, changed, made plain
--- from
CREATE TABLE t (id integer PRIMARY KEY, a integer, b integer GENERATED ALWAYS AS (a + 1) STORED, c integer AS (a) VIRTUAL, d integer);
CREATE INDEX t_b_idx ON t (b);
--- to
CREATE TABLE t (id integer PRIMARY KEY, a integer, b integer GENERATED ALWAYS AS (a + 2) STORED, c integer, d integer AS (a * a) STORED);
CREATE INDEX t_b_idx ON t (b);
--- rows
INSERT INTO t (id, a) VALUES (1, 4);
--- after SELECT b = 6 AND d = 16 FROM t

--- pair identity: AUTOINCREMENT begins and ends, numbers are never used twice
--- from
CREATE TABLE t (id integer PRIMARY KEY AUTOINCREMENT, a text);
CREATE TABLE u (id integer PRIMARY KEY, a text);
CREATE TABLE w (id integer PRIMARY KEY AUTOINCREMENT, a text);
--- to
CREATE TABLE t (id integer PRIMARY KEY AUTOINCREMENT, a text NOT NULL DEFAULT 'x');
CREATE TABLE u (id integer PRIMARY KEY AUTOINCREMENT, a text);
CREATE TABLE w (id integer PRIMARY KEY, a text);
--- rows
INSERT INTO t VALUES (40, 'a');
INSERT INTO t VALUES (41, 'b');
DELETE FROM t WHERE id = 41;
INSERT INTO u VALUES (7, 'a');
--- after SELECT seq = 41 FROM sqlite_sequence WHERE name = 't'

--- pair collation (column): changed, with an index
--- from
CREATE TABLE t (id integer PRIMARY KEY, a text COLLATE NOCASE, b text);
CREATE INDEX t_a_idx ON t (a);
--- to
CREATE TABLE t (id integer PRIMARY KEY, a text, b text COLLATE RTRIM);
CREATE INDEX t_a_idx ON t (a);
--- rows
INSERT INTO t VALUES (1, 'A', 'b');

--- pair reloptions: WITHOUT ROWID and STRICT
--- from
CREATE TABLE t (id integer PRIMARY KEY, a text);
CREATE TABLE u (id integer PRIMARY KEY, a text) WITHOUT ROWID;
CREATE TABLE w (id integer PRIMARY KEY, a text) STRICT;
--- to
CREATE TABLE t (id integer PRIMARY KEY, a text) WITHOUT ROWID;
CREATE TABLE u (id integer PRIMARY KEY, a text);
CREATE TABLE w (id integer PRIMARY KEY, a text);
--- rows
INSERT INTO t VALUES (1, 'a');
INSERT INTO u VALUES (1, 'a');
INSERT INTO w VALUES (1, 'a');

--- pair comments: those in the text are nothing
--- from
CREATE TABLE t (id integer PRIMARY KEY, -- the key
    a text /* the a */);
--- to
CREATE TABLE t (
    id integer PRIMARY KEY,
    a  text
);
--- forward nothing
--- back nothing

--- pair rowids: kept where there is no other key
--- from
CREATE TABLE t (a text);
--- to
CREATE TABLE t (a text NOT NULL);
--- rows
INSERT INTO t (rowid, a) VALUES (5, 'five'), (9, 'nine');
--- after SELECT count(*) = 2 FROM t WHERE (rowid = 5 AND a = 'five') OR (rowid = 9 AND a = 'nine')

--- pair virtual table: made and dropped, and its shadows are nobody's business
--- from
CREATE TABLE t (id integer PRIMARY KEY);
--- to
CREATE TABLE t (id integer PRIMARY KEY);
CREATE VIRTUAL TABLE f USING fts5 (title, body);

--- pair virtual table: changed is refused
--- from
CREATE VIRTUAL TABLE f USING fts5 (title);
--- to
CREATE VIRTUAL TABLE f USING fts5 (title, body);
--- forward refused virtual
--- back refused virtual

--- pair renames: a table and a column by hints
--- from
-- renamed from: new_table
CREATE TABLE old_table (
    id integer PRIMARY KEY,
    old_column text NOT NULL -- renamed from: new_column
);
CREATE TABLE c (id integer PRIMARY KEY, p_id integer REFERENCES old_table ON DELETE CASCADE);
CREATE INDEX i ON old_table (old_column);
--- to
-- renamed from: old_table
CREATE TABLE new_table (
    id integer PRIMARY KEY,
    new_column text NOT NULL -- renamed from: old_column
);
CREATE TABLE c (id integer PRIMARY KEY, p_id integer REFERENCES new_table ON DELETE CASCADE);
CREATE INDEX i ON new_table (new_column);
--- forward has RENAME
--- forward lacks DROP TABLE
--- rows
INSERT INTO old_table VALUES (1, 'x');
INSERT INTO c VALUES (1, 1);
--- after SELECT new_column = 'x' FROM new_table

--- pair renames: a column, and another type at once
--- from
CREATE TABLE t (
    id integer PRIMARY KEY,
    a integer -- renamed from: b
);
--- to
CREATE TABLE t (
    id integer PRIMARY KEY,
    b text NOT NULL DEFAULT '' -- renamed from: a
);
--- rows
INSERT INTO t VALUES (1, 5);
--- after SELECT b = '5' FROM t

--- pair nothing: the same in other words
--- from
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE "t" ("a" INT DEFAULT (1), b VARCHAR(5) NOT NULL UNIQUE, p_id REFERENCES p, PRIMARY KEY (a));
CREATE INDEX i ON t (b ASC);
--- to
CREATE TABLE p (id INTEGER, PRIMARY KEY (id));
CREATE TABLE t (a int DEFAULT 1 PRIMARY KEY, b varchar(5) NOT NULL, p_id, UNIQUE (b), FOREIGN KEY (p_id) REFERENCES p (id));
CREATE INDEX "i" ON "t" ("b");
--- forward nothing
--- back nothing
