--- pair view: a column is added at the end, in place
--- roles reader
--- base
CREATE TABLE t (a integer, b text, c date);
--- from
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a FROM v;
GRANT SELECT ON v TO reader;
--- to
CREATE VIEW v AS SELECT a, b FROM t;
CREATE VIEW w AS SELECT a FROM v;
GRANT SELECT ON v TO reader;
--- forward has OR REPLACE
--- forward lacks DROP

--- pair view: its columns change, and others on it stay as they were
--- roles keeper reader
--- base
CREATE TABLE t (a integer, b text, c date);
--- from
CREATE VIEW v AS SELECT a, b FROM t;
CREATE VIEW w AS SELECT b FROM v;
CREATE MATERIALIZED VIEW m AS SELECT b FROM w;
CREATE INDEX m_b_idx ON m (b);
CREATE FUNCTION f() RETURNS SETOF w LANGUAGE sql AS 'SELECT * FROM w';
ALTER VIEW w OWNER TO keeper;
ALTER VIEW w SET (security_invoker = true);
GRANT SELECT ON w, m TO reader;
COMMENT ON VIEW w IS 'kept';
COMMENT ON COLUMN w.b IS 'kept';
--- to
CREATE VIEW v AS SELECT b, c FROM t;
CREATE VIEW w AS SELECT b FROM v;
CREATE MATERIALIZED VIEW m AS SELECT b FROM w;
CREATE INDEX m_b_idx ON m (b);
CREATE FUNCTION f() RETURNS SETOF w LANGUAGE sql AS 'SELECT * FROM w';
ALTER VIEW w OWNER TO keeper;
ALTER VIEW w SET (security_invoker = true);
GRANT SELECT ON w, m TO reader;
COMMENT ON VIEW w IS 'kept';
COMMENT ON COLUMN w.b IS 'kept';

--- pair view: the order of views that need each other turns around
--- base
CREATE TABLE t (a integer);
--- from
CREATE VIEW a AS SELECT a FROM t;
CREATE VIEW b AS SELECT a FROM a;
CREATE VIEW c AS SELECT a FROM b;
--- to
CREATE VIEW c AS SELECT a FROM t;
CREATE VIEW b AS SELECT a FROM c;
CREATE VIEW a AS SELECT a FROM b;

--- pair view: SELECT * after its table grew
--- from
CREATE TABLE t (a integer, b text);
CREATE VIEW v AS SELECT * FROM t;
--- to
CREATE TABLE t (a integer, b text, c date);
CREATE VIEW v AS SELECT * FROM t;

--- pair view: becomes a table, and a materialized view
--- base
CREATE TABLE t (a integer);
--- from
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a FROM t;
--- to
CREATE TABLE v (a integer);
CREATE MATERIALIZED VIEW w AS SELECT a FROM t;

--- pair view: recursive, with a default and a rule
--- base
CREATE TABLE t (id integer PRIMARY KEY, parent_id integer);
--- from
CREATE TABLE other (a integer);
--- to
CREATE TABLE other (a integer);
CREATE RECURSIVE VIEW tree (id, depth) AS
    SELECT id, 0 FROM t WHERE parent_id IS NULL UNION ALL SELECT t.id, depth + 1 FROM t JOIN tree ON t.parent_id = tree.id;
CREATE VIEW v AS SELECT id, parent_id FROM t;
ALTER VIEW v ALTER parent_id SET DEFAULT 0;
CREATE RULE v_delete AS ON DELETE TO v DO INSTEAD DELETE FROM t WHERE id = OLD.id;

--- pair view: keyed by the primary key of its table
--- from
CREATE TABLE t (id integer PRIMARY KEY, a text, b integer);
CREATE VIEW v AS SELECT id, a, count(*) FROM t GROUP BY id;
--- to
CREATE TABLE t (id bigint PRIMARY KEY, a text, b integer);
CREATE VIEW v AS SELECT id, a, count(*) FROM t GROUP BY id;

--- pair matview (+ its indexes): another query
--- roles keeper reader
--- base
CREATE TABLE t (a integer, b integer);
--- from
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE UNIQUE INDEX m_a_key ON m (a);
CREATE INDEX m_half_idx ON m ((a / 2)) WHERE a > 0;
CREATE VIEW v AS SELECT a FROM m;
ALTER MATERIALIZED VIEW m OWNER TO keeper;
GRANT SELECT ON m TO reader;
COMMENT ON COLUMN m.a IS 'kept';
ALTER MATERIALIZED VIEW m CLUSTER ON m_a_key;
--- to
CREATE MATERIALIZED VIEW m WITH (fillfactor = 80) AS SELECT a, sum(b) FROM t GROUP BY a;
CREATE UNIQUE INDEX m_a_key ON m (a);
CREATE INDEX m_half_idx ON m ((a / 2)) WHERE a > 0;
CREATE VIEW v AS SELECT a FROM m;
ALTER MATERIALIZED VIEW m OWNER TO keeper;
GRANT SELECT ON m TO reader;
COMMENT ON COLUMN m.a IS 'kept';
ALTER MATERIALIZED VIEW m CLUSTER ON m_a_key;

--- pair matview (+ its indexes): statistics and storage of its columns
--- base
CREATE TABLE t (a integer, b text);
--- from
CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t;
--- to
CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t;
ALTER MATERIALIZED VIEW m ALTER a SET STATISTICS 300, ALTER b SET STORAGE EXTERNAL;
ALTER MATERIALIZED VIEW m SET (autovacuum_enabled = false);

--- pair view options: security_invoker, security_barrier, check option
--- base
CREATE TABLE t (a integer);
--- from
CREATE VIEW v WITH (security_invoker = true) AS SELECT a FROM t;
CREATE VIEW w AS SELECT a FROM t WHERE a > 0;
CREATE VIEW x AS SELECT a FROM t WHERE a > 0 WITH CASCADED CHECK OPTION;
--- to
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w WITH (security_invoker = true, security_barrier = true) AS SELECT a FROM t WHERE a > 0;
CREATE VIEW x AS SELECT a FROM t WHERE a > 0 WITH LOCAL CHECK OPTION;

--- pair view options: kept when the view is made anew
--- from
CREATE TABLE t (a integer);
CREATE VIEW v WITH (security_invoker = true) AS SELECT a FROM t WHERE a > 0 WITH LOCAL CHECK OPTION;
--- to
CREATE TABLE t (a bigint);
CREATE VIEW v WITH (security_invoker = true) AS SELECT a FROM t WHERE a > 0 WITH LOCAL CHECK OPTION;

--- pair rules: added, changed, dropped, disabled
--- base
CREATE TABLE t (a integer);
CREATE TABLE log (a integer, what text);
--- from
CREATE RULE one AS ON INSERT TO t DO ALSO INSERT INTO log VALUES (NEW.a, 'old');
CREATE RULE two AS ON UPDATE TO t DO INSTEAD NOTHING;
CREATE RULE three AS ON DELETE TO t WHERE OLD.a > 0 DO INSTEAD NOTHING;
ALTER TABLE t DISABLE RULE three;
--- to
CREATE RULE one AS ON INSERT TO t DO ALSO INSERT INTO log VALUES (NEW.a, 'new');
CREATE RULE three AS ON DELETE TO t WHERE OLD.a > 0 DO INSTEAD NOTHING;
CREATE RULE four AS ON UPDATE TO t DO ALSO (INSERT INTO log VALUES (OLD.a, 'a'); INSERT INTO log VALUES (NEW.a, 'b'));
ALTER TABLE t ENABLE ALWAYS RULE one;
