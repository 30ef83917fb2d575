--- pair partitions: a partitioned table with partitions of every kind
--- roles reader
--- from
CREATE TABLE other (a integer);
--- to
CREATE TABLE other (a integer);
CREATE TABLE r (id integer, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE r_2026 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE r_rest PARTITION OF r DEFAULT;
CREATE INDEX r_at_idx ON r (at);
CREATE TABLE l (id integer, kind text) PARTITION BY LIST (kind);
CREATE TABLE l_ab PARTITION OF l FOR VALUES IN ('a', 'b', NULL) PARTITION BY HASH (id);
CREATE TABLE l_ab_0 PARTITION OF l_ab FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE l_ab_1 PARTITION OF l_ab FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE e (a integer, b text) PARTITION BY RANGE (lower(b), a);
GRANT SELECT ON r TO reader;
COMMENT ON TABLE r_2026 IS 'this year';

--- pair partitions: added, dropped, detached, other bounds
--- from
CREATE TABLE r (id integer, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE r_1 PARTITION OF r FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE r_2 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE r_3 PARTITION OF r FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
--- to
CREATE TABLE r (id integer, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE r_1 (id integer, at date NOT NULL);
CREATE TABLE r_2 PARTITION OF r FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE r_4 PARTITION OF r FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
--- rows
INSERT INTO r VALUES (1, '2025-05-05'), (2, '2026-02-02');

--- pair partitions: columns and constraints of the parent reach them
--- from
CREATE TABLE p (a integer NOT NULL, b text) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
--- to
CREATE TABLE p (a integer NOT NULL, b varchar(50) NOT NULL DEFAULT 'x', c date, PRIMARY KEY (a), CONSTRAINT b_set CHECK (b <> '')) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE INDEX p_c_idx ON p (c);
CREATE UNIQUE INDEX p1_c_key ON p1 (c);
--- rows
INSERT INTO p VALUES (1, 'b');

--- pair partitions: what one has of its own
--- from
CREATE TABLE p (a integer NOT NULL, b text) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
--- to
CREATE TABLE p (a integer NOT NULL, b text) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p (b DEFAULT 'one', CONSTRAINT own CHECK (b <> 'z')) FOR VALUES FROM (0) TO (10) WITH (fillfactor = 50);
CREATE TABLE p2 PARTITION OF p (PRIMARY KEY (a)) FOR VALUES FROM (10) TO (20);
ALTER TABLE p1 ALTER b SET NOT NULL;

--- pair partitions: triggers, foreign keys and indexes of the parent
--- from
CREATE TABLE k (id integer PRIMARY KEY);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE p (a integer, k_id integer) PARTITION BY LIST (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
--- to
CREATE TABLE k (id integer PRIMARY KEY);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE p (a integer PRIMARY KEY, k_id integer REFERENCES k ON DELETE CASCADE) PARTITION BY LIST (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TRIGGER t AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
CREATE TABLE r (p_a integer REFERENCES p);

--- pair partitions: a plain table and a partitioned one are not the same
--- from
CREATE TABLE p (a integer, b text);
--- to
CREATE TABLE p (a integer, b text) PARTITION BY RANGE (a);

--- pair inheritance: begun, ended, changed
--- from
CREATE TABLE p (a integer, b text);
CREATE TABLE q (c date);
CREATE TABLE c (a integer, b text, d integer) INHERITS (p);
CREATE TABLE e (a integer, b text);
--- to
CREATE TABLE p (a integer, b text, CONSTRAINT positive CHECK (a > 0));
CREATE TABLE q (c date);
CREATE TABLE c (a integer, b text, d integer);
CREATE TABLE e (a integer, b text, CONSTRAINT positive CHECK (a > 0)) INHERITS (p);

--- pair inheritance: columns of the parent reach the children
--- from
CREATE TABLE p (a integer, b text);
CREATE TABLE c (d integer) INHERITS (p);
--- to
CREATE TABLE p (a bigint, e date DEFAULT now());
CREATE TABLE c (d integer, own integer) INHERITS (p);

--- pair inheritance: several parents
--- from
CREATE TABLE p (a integer);
CREATE TABLE q (b integer);
CREATE TABLE old (x integer);
--- to
CREATE TABLE p (a integer);
CREATE TABLE q (b integer);
CREATE TABLE old (x integer);
CREATE TABLE c (b integer, z text) INHERITS (p, q);
CREATE VIEW v AS SELECT a, b FROM c;

--- pair extended statistics: of every kind
--- base
CREATE TABLE t (a integer, b integer, c text);
--- from
CREATE STATISTICS one ON a, b FROM t;
CREATE STATISTICS two (ndistinct) ON a, b FROM t;
ALTER STATISTICS two SET STATISTICS 100;
--- to
CREATE STATISTICS one (dependencies, mcv) ON a, b, c FROM t;
CREATE STATISTICS two (ndistinct) ON a, b FROM t;
ALTER STATISTICS two SET STATISTICS 200;
CREATE STATISTICS three ON (a + b), lower(c) FROM t;
COMMENT ON STATISTICS three IS 'of expressions';

--- pair publication: made, changed, dropped
--- base
CREATE SCHEMA s;
CREATE TABLE s.t (a integer PRIMARY KEY, b text);
CREATE TABLE u (a integer PRIMARY KEY);
--- from
CREATE PUBLICATION one FOR TABLE s.t, u;
CREATE PUBLICATION two FOR ALL TABLES;
CREATE PUBLICATION three FOR TABLES IN SCHEMA s;
--- to
CREATE PUBLICATION one FOR TABLE s.t (a) WHERE (a > 0) WITH (publish = 'insert, update');
CREATE PUBLICATION three FOR TABLE u;
CREATE PUBLICATION four FOR TABLES IN SCHEMA s WITH (publish_via_partition_root = true);

--- pair publication: all tables, or some
--- from
CREATE TABLE t (a integer PRIMARY KEY);
CREATE PUBLICATION p FOR ALL TABLES;
--- to
CREATE TABLE t (a integer PRIMARY KEY);
CREATE PUBLICATION p FOR TABLE t;

--- pair publication: keeps its table when a column of it has another type
--- from
CREATE TABLE t (a integer PRIMARY KEY, b integer);
CREATE PUBLICATION p FOR TABLE t WHERE (a > 5);
--- to
CREATE TABLE t (a bigint PRIMARY KEY, b integer);
CREATE PUBLICATION p FOR TABLE t WHERE (a > 5);

--- pair subscription: reported
--- from
CREATE TABLE t (a integer);
--- to
CREATE TABLE t (a integer);
CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false);
--- forward refused subscription
--- back refused subscription

--- pair foreign data: wrapper, server, mapping and table
--- roles app
--- from
CREATE FOREIGN DATA WRAPPER w OPTIONS (debug 'true');
CREATE SERVER s TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER w OPTIONS (host 'a', port '1');
CREATE FOREIGN TABLE ft (a integer OPTIONS (name 'A'), b text) SERVER s OPTIONS (relation 'r');
--- to
CREATE FOREIGN DATA WRAPPER w OPTIONS (debug 'false', more 'x');
CREATE SERVER s TYPE 'x' VERSION '2' FOREIGN DATA WRAPPER w OPTIONS (host 'b');
CREATE FOREIGN TABLE ft (a bigint OPTIONS (name 'B'), c date NOT NULL) SERVER s OPTIONS (relation 'q', schema 'z');
CREATE FOREIGN TABLE more (a integer) SERVER s;
COMMENT ON FOREIGN TABLE ft IS 'far away';

--- pair foreign data: made and dropped whole
--- from
CREATE TABLE t (a integer);
--- to
CREATE TABLE t (a integer);
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE FOREIGN TABLE ft (a integer) SERVER s;
CREATE VIEW v AS SELECT a FROM ft;

--- pair renames: by hints
--- roles reader
--- from
CREATE SCHEMA s;
-- renamed from: new_table
CREATE TABLE old_table (
    id integer PRIMARY KEY,
    old_column text NOT NULL, -- renamed from: new_column
    other integer
);
-- renamed from: new_index
CREATE INDEX old_index ON old_table (other);
-- renamed from: new_view
CREATE VIEW old_view AS SELECT old_column AS x FROM old_table;
-- renamed from: new_type
CREATE TYPE old_type AS ENUM ('a');
-- renamed from: new_sequence
CREATE SEQUENCE old_sequence;
-- renamed from: new_function
CREATE FUNCTION old_function(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
GRANT SELECT ON old_table TO reader;
--- to
CREATE SCHEMA s;
-- renamed from: old_table
CREATE TABLE new_table (
    id integer CONSTRAINT old_table_pkey PRIMARY KEY,
    new_column text NOT NULL, -- renamed from: old_column
    other integer
);
-- renamed from: old_index
CREATE INDEX new_index ON new_table (other);
-- renamed from: old_view
CREATE VIEW new_view AS SELECT new_column AS x FROM new_table;
-- renamed from: old_type
CREATE TYPE new_type AS ENUM ('a');
-- renamed from: old_sequence
CREATE SEQUENCE new_sequence;
-- renamed from: old_function
CREATE FUNCTION new_function(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
GRANT SELECT ON new_table TO reader;
--- forward has RENAME
--- forward lacks DROP
--- back lacks DROP
--- rows
INSERT INTO old_table VALUES (1, 'x', 2);
--- after SELECT new_column = 'x' FROM new_table

--- pair renames: a column that everything uses
--- from
CREATE TABLE t (
    id integer PRIMARY KEY,
    a integer NOT NULL DEFAULT 1 CONSTRAINT c CHECK (a > 0), -- renamed from: b
    g integer GENERATED ALWAYS AS (a + 1) STORED
);
CREATE INDEX i ON t (a) WHERE a > 5;
CREATE VIEW v AS SELECT a AS x FROM t;
CREATE POLICY p ON t USING (a > 0);
--- to
CREATE TABLE t (
    id integer PRIMARY KEY,
    b integer NOT NULL DEFAULT 1 CONSTRAINT c CHECK (b > 0), -- renamed from: a
    g integer GENERATED ALWAYS AS (b + 1) STORED
);
CREATE INDEX i ON t (b) WHERE b > 5;
CREATE VIEW v AS SELECT b AS x FROM t;
CREATE POLICY p ON t USING (b > 0);
--- forward has RENAME COLUMN
--- forward lacks DROP COLUMN
--- rows
INSERT INTO t (id, a) VALUES (1, 7);
--- after SELECT b = 7 FROM t

--- pair renames: and another type with a new index at once
--- from
CREATE TABLE t (
    a integer -- renamed from: b
);
--- to
CREATE TABLE t (
    b bigint -- renamed from: a
);
CREATE INDEX t_b_idx ON t (b);
--- rows
INSERT INTO t VALUES (3);

--- pair nothing: the same in other words
--- from
CREATE TABLE t (a int4 DEFAULT (1), b character varying (5), c numeric (5, 2), CHECK (a in (1, 2)));
CREATE INDEX i ON t USING btree (a ASC);
CREATE VIEW v AS SELECT * FROM t;
CREATE VIEW w AS SELECT a FROM t WHERE a BETWEEN 1 AND 2;
--- to
CREATE TABLE public.t (a integer, b varchar(5), c decimal(5, 2));
ALTER TABLE t ALTER a SET DEFAULT 1, ADD CONSTRAINT t_a_check CHECK (a = ANY (ARRAY[1, 2]));
CREATE INDEX i ON t (a NULLS LAST);
CREATE VIEW v AS SELECT t.a, t.b, t.c FROM public.t;
CREATE VIEW w AS SELECT a FROM t WHERE a >= 1 AND a <= 2;
--- forward nothing
--- back nothing
