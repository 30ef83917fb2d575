--- pair primary key: added, dropped, of other columns
--- from
CREATE TABLE t (a integer PRIMARY KEY, b integer NOT NULL);
CREATE TABLE u (a integer NOT NULL, b text);
CREATE TABLE w (a integer, b integer, PRIMARY KEY (a, b));
--- to
CREATE TABLE t (a integer NOT NULL, b integer PRIMARY KEY);
CREATE TABLE u (a integer NOT NULL PRIMARY KEY, b text);
CREATE TABLE w (a integer, b integer, PRIMARY KEY (b, a DESC));
--- rows
INSERT INTO t VALUES (1, 2);
INSERT INTO u VALUES (1, 'x');
INSERT INTO w VALUES (1, 2);

--- pair unique: added, dropped, named, with a conflict clause
--- from
CREATE TABLE t (id integer PRIMARY KEY, a text UNIQUE, b text, c text, UNIQUE (b, c));
--- to
CREATE TABLE t (id integer PRIMARY KEY, a text, b text, c text, CONSTRAINT named UNIQUE (a, b) ON CONFLICT REPLACE, UNIQUE (c));
--- rows
INSERT INTO t VALUES (1, 'a', 'b', 'c');

--- pair foreign key: every option
--- from
CREATE TABLE p (id integer PRIMARY KEY, a text, b text, UNIQUE (a, b));
CREATE TABLE c (id integer PRIMARY KEY, w integer REFERENCES p, x text, y text, z integer REFERENCES p ON DELETE CASCADE,
    FOREIGN KEY (x, y) REFERENCES p (a, b));
--- to
CREATE TABLE p (id integer PRIMARY KEY, a text, b text, UNIQUE (a, b));
CREATE TABLE c (id integer PRIMARY KEY, w integer REFERENCES p ON UPDATE CASCADE ON DELETE SET NULL, x text, y text,
    z integer REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT both FOREIGN KEY (x, y) REFERENCES p (a, b) ON DELETE SET DEFAULT);
--- rows
INSERT INTO p VALUES (1, 'a', 'b');
INSERT INTO c VALUES (1, 1, 'a', 'b', 1);

--- pair foreign key: added and dropped, to itself too
--- from
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE c (id integer PRIMARY KEY, p_id integer, parent_id integer);
--- to
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE c (id integer PRIMARY KEY, p_id integer REFERENCES p ON DELETE CASCADE, parent_id integer REFERENCES c ON DELETE CASCADE);
--- rows
INSERT INTO p VALUES (1);
INSERT INTO c VALUES (1, 1, NULL), (2, 1, 1);

--- pair foreign key: a parent is rebuilt, and no child row goes
--- from
CREATE TABLE p (id integer PRIMARY KEY, a text);
CREATE TABLE c (id integer PRIMARY KEY, p_id integer NOT NULL REFERENCES p ON DELETE CASCADE);
CREATE TABLE d (id integer PRIMARY KEY, p_id integer REFERENCES p ON DELETE SET NULL);
--- to
CREATE TABLE p (id integer PRIMARY KEY, a text CHECK (a <> 'z'));
CREATE TABLE c (id integer PRIMARY KEY, p_id integer NOT NULL REFERENCES p ON DELETE CASCADE);
CREATE TABLE d (id integer PRIMARY KEY, p_id integer REFERENCES p ON DELETE SET NULL);
--- rows
INSERT INTO p VALUES (1, 'a');
INSERT INTO c VALUES (1, 1);
INSERT INTO d VALUES (1, 1);
--- after SELECT p_id = 1 FROM d

--- pair check: text, name, of the table and of a column
--- from
CREATE TABLE t (id integer PRIMARY KEY, a integer CHECK (a > 0), b integer, CONSTRAINT both CHECK (a <> b));
--- to
CREATE TABLE t (id integer PRIMARY KEY, a integer CHECK (a > 1), b integer CONSTRAINT named CHECK (b IN (1, 3)), CONSTRAINT both CHECK (a < b));
--- rows
INSERT INTO t VALUES (1, 2, 3);

--- pair enum: a CHECK gets a value and loses one
--- from
CREATE TABLE t (id integer PRIMARY KEY, status text NOT NULL DEFAULT 'draft' CONSTRAINT t_status_check CHECK (status IN ('draft', 'done')));
--- to
CREATE TABLE t (id integer PRIMARY KEY, status text NOT NULL DEFAULT 'draft' CONSTRAINT t_status_check CHECK (status IN ('draft', 'done', 'it''s gone')));
--- rows
INSERT INTO t VALUES (1, 'done');

--- pair index: every option
--- from
CREATE TABLE t (id integer PRIMARY KEY, a integer, b text);
CREATE INDEX i1 ON t (a);
CREATE INDEX i2 ON t (b);
CREATE INDEX i3 ON t (a, b);
CREATE INDEX gone ON t (b, a) WHERE a > 0;
--- to
CREATE TABLE t (id integer PRIMARY KEY, a integer, b text);
CREATE INDEX i1 ON t (a DESC);
CREATE INDEX i2 ON t (b COLLATE NOCASE);
CREATE UNIQUE INDEX i3 ON t (a, b);
CREATE INDEX expr ON t (lower(b), a * 2) WHERE a IS NOT NULL AND b <> 'x';
--- forward lacks DROP TABLE
--- rows
INSERT INTO t VALUES (1, 2, 'b');

--- pair index: of another table under the same name
--- from
CREATE TABLE t (a integer);
CREATE TABLE u (a integer);
CREATE INDEX i ON t (a);
--- to
CREATE TABLE t (a integer);
CREATE TABLE u (a integer);
CREATE INDEX i ON u (a);

--- pair view + dependency recreate: changed, with views and triggers on it
--- from
CREATE TABLE t (id integer PRIMARY KEY, a text, b text);
CREATE VIEW v AS SELECT id, a FROM t;
CREATE VIEW w (x) AS SELECT id FROM v;
CREATE TRIGGER g INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE id = OLD.id; END;
--- to
CREATE TABLE t (id integer PRIMARY KEY, a text, b text);
CREATE VIEW v AS SELECT id, b FROM t WHERE id > 0;
CREATE VIEW w (x) AS SELECT id FROM v;
CREATE TRIGGER g INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE id = OLD.id; END;

--- pair view + dependency recreate: becomes a table
--- from
CREATE TABLE t (a integer);
CREATE VIEW v AS SELECT a FROM t;
--- to
CREATE TABLE t (a integer);
CREATE TABLE v (a integer);

--- pair view + dependency recreate: of views that need each other, in another order
--- from
CREATE TABLE t (a integer);
CREATE VIEW a AS SELECT a FROM t;
CREATE VIEW b AS SELECT a FROM a;
--- to
CREATE TABLE t (a text);
CREATE VIEW b AS SELECT a FROM t;
CREATE VIEW a AS SELECT a FROM b;
--- rows
INSERT INTO t VALUES (1);

--- pair trigger: made, changed and dropped
--- from
CREATE TABLE t (id integer PRIMARY KEY, a integer);
CREATE TABLE log (what text);
CREATE TRIGGER one AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('old;'); END;
CREATE TRIGGER two BEFORE UPDATE OF a ON t WHEN NEW.a > 1 BEGIN SELECT RAISE(ABORT, 'no'); END;
--- to
CREATE TABLE t (id integer PRIMARY KEY, a integer);
CREATE TABLE log (what text);
CREATE TRIGGER one AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('new;'); INSERT INTO log VALUES (CASE WHEN NEW.a > 1 THEN 'x' END); END;
CREATE TRIGGER three AFTER DELETE ON t FOR EACH ROW BEGIN DELETE FROM log; END;
--- forward lacks DROP TABLE
