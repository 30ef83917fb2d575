--- pair schemas: made and dropped with what is in them
--- roles keeper
--- from
CREATE SCHEMA one;
CREATE TABLE one.things (id integer PRIMARY KEY);
--- to
CREATE SCHEMA two AUTHORIZATION keeper;
GRANT USAGE ON SCHEMA two TO PUBLIC;
COMMENT ON SCHEMA two IS 'the second';
CREATE TABLE two.things (id integer PRIMARY KEY);
CREATE VIEW two.seen AS SELECT id FROM two.things;

--- pair schemas: owner, grants and comment of one that stays
--- roles keeper reader
--- from
CREATE SCHEMA one;
GRANT CREATE ON SCHEMA one TO reader;
COMMENT ON SCHEMA one IS 'old';
--- to
CREATE SCHEMA one AUTHORIZATION keeper;
GRANT USAGE ON SCHEMA one TO reader WITH GRANT OPTION;

--- pair extensions: made, and dropped where it is allowed
--- from
CREATE TABLE t (name text);
--- to
CREATE EXTENSION citext;
CREATE TABLE t (name citext);

--- pair extensions: in a schema of its own
--- from
CREATE TABLE t (name text);
--- to
CREATE SCHEMA tools;
CREATE EXTENSION pg_trgm SCHEMA tools;
CREATE TABLE t (name text);
CREATE INDEX t_name_idx ON t USING gin (name tools.gin_trgm_ops);

--- pair table add/drop: with everything that hangs on it
--- roles keeper reader
--- from
CREATE TABLE stays (id integer PRIMARY KEY);
--- to
CREATE TABLE stays (id integer PRIMARY KEY);
CREATE TABLE orders (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stay_id integer NOT NULL REFERENCES stays ON DELETE CASCADE,
    code    varchar(12) COLLATE "C" DEFAULT 'x' UNIQUE,
    total   numeric(10, 2) CHECK (total > 0),
    twice   numeric GENERATED ALWAYS AS (total * 2) STORED
);
CREATE INDEX orders_stay_id_idx ON orders (stay_id);
ALTER TABLE orders OWNER TO keeper;
GRANT SELECT, INSERT ON orders TO reader;
GRANT UPDATE (code) ON orders TO reader;
COMMENT ON TABLE orders IS 'what was ordered';
COMMENT ON COLUMN orders.code IS 'printed';
COMMENT ON CONSTRAINT orders_total_check ON orders IS 'nothing is free';
COMMENT ON INDEX orders_stay_id_idx IS 'for the cascade';

--- pair table add/drop: without columns, and a name that is a keyword
--- from
CREATE TABLE "select" ();
--- to
CREATE TABLE "table" ("order" integer, "user" text DEFAULT USER, "end" date DEFAULT CURRENT_DATE);

--- pair table add/drop: two that need each other
--- from
CREATE TABLE lonely (id integer);
--- to
CREATE TABLE lonely (id integer);
CREATE TABLE chicken (id integer PRIMARY KEY, egg_id integer);
CREATE TABLE egg (id integer PRIMARY KEY, chicken_id integer REFERENCES chicken);
ALTER TABLE chicken ADD FOREIGN KEY (egg_id) REFERENCES egg;

--- pair table add/drop: one that needs itself
--- from
CREATE TABLE other (id integer);
--- to
CREATE TABLE other (id integer);
CREATE TABLE tree (id integer PRIMARY KEY, parent_id integer REFERENCES tree ON DELETE SET NULL);

--- pair hostile names: quotes, newlines, keywords, Unicode and 63 bytes
--- roles "ro""le;--"
--- from
CREATE TABLE "a""b" ("c
d" integer);
--- to
CREATE SCHEMA "sche.ma";
CREATE TYPE "sche.ma"."en um" AS ENUM ('it''s', 'back\slash', '');
CREATE TABLE "a""b" ("c
d" text DEFAULT 'quote '' and \ and
newline', "é😀" "sche.ma"."en um" DEFAULT 'it''s', "select" integer CHECK ("select" > 0));
CREATE TABLE "sche.ma"."ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt" (
    "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc" integer PRIMARY KEY,
    "Upper" text UNIQUE, "$1" integer, "a.b" integer, "%s" integer, "{x}" integer, "[y]" integer
);
CREATE INDEX "i""x" ON "sche.ma"."ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt" (lower("Upper")) WHERE "$1" > 0;
CREATE VIEW "vi""ew" AS SELECT "c
d" AS "x;y", "é😀" FROM "a""b";
CREATE FUNCTION "fu nc"("p q" text) RETURNS text LANGUAGE sql AS $_$ SELECT '$$' || "p q" $_$;
COMMENT ON TABLE "a""b" IS 'a ''quoted'' \ {name} [x] $$ comment
on two lines -- and no comment';
COMMENT ON FUNCTION "fu nc"(text) IS '; DROP TABLE "a""b"; --';
GRANT SELECT ON "a""b" TO "ro""le;--";
CREATE POLICY "p;p" ON "a""b" TO "ro""le;--" USING ("select" > 1);
ALTER TABLE "a""b" ENABLE ROW LEVEL SECURITY;

--- pair column add/drop: first, middle and last
--- from
CREATE TABLE t (a integer, b text NOT NULL DEFAULT 'b', c date);
--- to
CREATE TABLE t (z uuid, b text NOT NULL DEFAULT 'b', y timestamptz NOT NULL DEFAULT now(), x text[] DEFAULT '{}');
--- rows
INSERT INTO t DEFAULT VALUES;

--- pair column add/drop: with what needs it
--- roles reader
--- base
CREATE TABLE p (id integer PRIMARY KEY);
--- from
CREATE TABLE t (id integer PRIMARY KEY);
--- to
CREATE TABLE t (id integer PRIMARY KEY, p_id integer NOT NULL DEFAULT 1 REFERENCES p, note text);
CREATE INDEX t_p_id_idx ON t (p_id) INCLUDE (note);
ALTER TABLE t ADD CONSTRAINT t_note_check CHECK (note <> '' OR p_id > 0);
CREATE VIEW v AS SELECT id, p_id FROM t;
CREATE MATERIALIZED VIEW m AS SELECT p_id, count(*) FROM t GROUP BY p_id;
CREATE POLICY own ON t USING (p_id = 1);
CREATE STATISTICS t_stats ON p_id, note FROM t;
GRANT SELECT (p_id) ON t TO reader;
COMMENT ON COLUMN t.note IS 'said';

--- pair column add/drop: the last one goes
--- from
CREATE TABLE t (a integer);
--- to
CREATE TABLE t ();

--- pair column order: another order alone is nothing
--- from
CREATE TABLE t (a integer, b text, c date);
--- to
CREATE TABLE t (c date, a integer, b text);
--- forward nothing
--- back nothing

--- pair type change: widened and narrowed
--- from
CREATE TABLE t (a integer, b varchar(20), c numeric(8, 2), d timestamp, e text, f char(3));
--- to
CREATE TABLE t (a bigint, b varchar(40), c numeric(12, 4), d timestamptz, e varchar(10), f text);
--- rows
INSERT INTO t VALUES (1, 'b', 2.5, '2026-01-01', 'e', 'f');

--- pair type change: with a default, a check and an index
--- from
CREATE TABLE t (id integer PRIMARY KEY, a integer NOT NULL DEFAULT 7 CHECK (a > 0), b varchar(5) DEFAULT 'x');
CREATE INDEX t_a_idx ON t (a) WHERE a > 3;
CREATE INDEX t_sum_idx ON t ((a + 1));
CREATE UNIQUE INDEX t_b_key ON t (lower(b));
--- to
CREATE TABLE t (id bigint PRIMARY KEY, a bigint NOT NULL DEFAULT 8 CHECK (a > 0), b text DEFAULT 'xy');
CREATE INDEX t_a_idx ON t (a) WHERE a > 3;
CREATE INDEX t_sum_idx ON t ((a + 1));
CREATE UNIQUE INDEX t_b_key ON t (lower(b));
--- rows
INSERT INTO t VALUES (1, 2, 'x');

--- pair type change: every kind of dependant, and nothing of them is lost
--- roles keeper reader
--- base
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE log (a bigint);
--- from
CREATE TABLE t (id integer PRIMARY KEY, a integer, b integer GENERATED ALWAYS AS (a * 2) STORED);
CREATE VIEW v WITH (security_barrier = true) AS SELECT id, a FROM t WHERE a > 0;
CREATE VIEW w AS SELECT max(a) AS most FROM v;
CREATE MATERIALIZED VIEW m AS SELECT a, count(*) AS n FROM t GROUP BY a;
CREATE UNIQUE INDEX m_a_idx ON m (a);
CREATE INDEX t_a_idx ON t (a);
CREATE STATISTICS s ON a, id FROM t;
CREATE POLICY own ON t USING (a > 0);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER changed BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a <> OLD.a) EXECUTE FUNCTION note();
ALTER TABLE t DISABLE TRIGGER changed;
CREATE RULE kept AS ON DELETE TO t DO ALSO INSERT INTO log VALUES (OLD.a);
ALTER VIEW v OWNER TO keeper;
GRANT SELECT ON v, m TO reader;
GRANT UPDATE (a) ON v TO reader;
GRANT SELECT (a) ON t TO reader;
COMMENT ON VIEW v IS 'seen';
COMMENT ON COLUMN v.a IS 'the a of it';
COMMENT ON MATERIALIZED VIEW m IS 'counted';
COMMENT ON INDEX m_a_idx IS 'once';
COMMENT ON POLICY own ON t IS 'mine';
COMMENT ON TRIGGER changed ON t IS 'said';
COMMENT ON RULE kept ON t IS 'logged';
COMMENT ON STATISTICS s IS 'together';
COMMENT ON COLUMN t.a IS 'the first';
ALTER VIEW v ALTER COLUMN a SET DEFAULT 5;
--- to
CREATE TABLE t (id integer PRIMARY KEY, a bigint, b bigint GENERATED ALWAYS AS (a * 2) STORED);
CREATE VIEW v WITH (security_barrier = true) AS SELECT id, a FROM t WHERE a > 0;
CREATE VIEW w AS SELECT max(a) AS most FROM v;
CREATE MATERIALIZED VIEW m AS SELECT a, count(*) AS n FROM t GROUP BY a;
CREATE UNIQUE INDEX m_a_idx ON m (a);
CREATE INDEX t_a_idx ON t (a);
CREATE STATISTICS s ON a, id FROM t;
CREATE POLICY own ON t USING (a > 0);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER changed BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a <> OLD.a) EXECUTE FUNCTION note();
ALTER TABLE t DISABLE TRIGGER changed;
CREATE RULE kept AS ON DELETE TO t DO ALSO INSERT INTO log VALUES (OLD.a);
ALTER VIEW v OWNER TO keeper;
GRANT SELECT ON v, m TO reader;
GRANT UPDATE (a) ON v TO reader;
GRANT SELECT (a) ON t TO reader;
COMMENT ON VIEW v IS 'seen';
COMMENT ON COLUMN v.a IS 'the a of it';
COMMENT ON MATERIALIZED VIEW m IS 'counted';
COMMENT ON INDEX m_a_idx IS 'once';
COMMENT ON POLICY own ON t IS 'mine';
COMMENT ON TRIGGER changed ON t IS 'said';
COMMENT ON RULE kept ON t IS 'logged';
COMMENT ON STATISTICS s IS 'together';
COMMENT ON COLUMN t.a IS 'the first';
ALTER VIEW v ALTER COLUMN a SET DEFAULT 5;
--- rows
INSERT INTO t (id, a) VALUES (1, 2), (2, 3);

--- pair type change: on both ends of a foreign key
--- from
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE c (id integer PRIMARY KEY, p_id integer REFERENCES p ON DELETE CASCADE);
--- to
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE c (id integer PRIMARY KEY, p_id bigint REFERENCES p ON DELETE CASCADE);
--- rows
INSERT INTO p VALUES (1);
INSERT INTO c VALUES (1, 1);

--- pair type change: of a column that a view reads by SELECT *
--- from
CREATE TABLE t (a integer);
CREATE VIEW v AS SELECT * FROM t;
--- to
CREATE TABLE t (a text, b integer);
CREATE VIEW v AS SELECT * FROM t;
--- rows
INSERT INTO t VALUES (1);

--- pair type change: a function takes and returns the row type
--- from
CREATE TABLE t (a integer);
CREATE FUNCTION total(t) RETURNS bigint LANGUAGE sql AS 'SELECT $1.a::bigint';
--- to
CREATE TABLE t (a bigint);
CREATE FUNCTION total(t) RETURNS bigint LANGUAGE sql AS 'SELECT $1.a::bigint';

--- pair type change: by a cast that must be asked for, which counts as a loss
--- from
CREATE TABLE t (a text);
--- to
CREATE TABLE t (a integer);
--- forward has USING a::integer
--- rows
INSERT INTO t VALUES ('7');
--- after SELECT a = 7 FROM t

--- pair type change: refused where there is no cast
--- from
CREATE TABLE t (a boolean);
--- to
CREATE TABLE t (a timestamp);
--- forward refused cast
--- back refused cast

--- pair type change USING: by a hint, both ways
--- from
CREATE TABLE t (id integer,
    a text -- using: a::text
);
--- to
CREATE TABLE t (id integer,
    a integer -- using: a::integer
);
--- forward has USING a::integer
--- rows
INSERT INTO t VALUES (1, '2');

--- pair type change USING: with a default that does not cast
--- from
CREATE TABLE t (
    -- using: CASE WHEN flag THEN 'yes' ELSE 'no' END
    flag text NOT NULL DEFAULT 'no'
);
--- to
CREATE TABLE t (
    -- using: flag = 'yes'
    flag boolean NOT NULL DEFAULT false
);
--- rows
INSERT INTO t VALUES (DEFAULT);

--- pair default: added, changed and dropped
--- from
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE SEQUENCE s;
CREATE TABLE t (a integer DEFAULT 1, b integer, c text DEFAULT 'x', d integer DEFAULT f(), e timestamptz DEFAULT now());
--- to
CREATE SEQUENCE s;
CREATE FUNCTION g(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE TABLE t (a integer DEFAULT 2, b integer DEFAULT nextval('s'), c text, d integer DEFAULT g(3), e timestamptz DEFAULT clock_timestamp());
--- rows
INSERT INTO t DEFAULT VALUES;

--- pair default: an unchanged one of a function that is replaced
--- from
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TABLE t (a integer DEFAULT f(), b integer CHECK (b > f()));
--- to
CREATE FUNCTION f() RETURNS smallint LANGUAGE sql AS 'SELECT 1::smallint';
CREATE TABLE t (a integer DEFAULT f(), b integer CHECK (b > f()));

--- pair not null: set and dropped
--- from
CREATE TABLE t (a integer, b text NOT NULL, c date NOT NULL DEFAULT now());
--- to
CREATE TABLE t (a integer NOT NULL, b text, c date NOT NULL DEFAULT now());
--- rows
INSERT INTO t VALUES (1, 'b');

--- pair not null: a new column with a backfill
--- from
CREATE TABLE t (a integer);
--- to
CREATE TABLE t (a integer,
    -- backfill: 'number ' || a
    b text NOT NULL
);
--- rows
INSERT INTO t VALUES (1), (2);
--- after SELECT bool_and(b = 'number ' || a) FROM t

--- pair generated column: added, changed, made plain
--- from
CREATE TABLE t (a integer, b integer, c integer GENERATED ALWAYS AS (a + 1) STORED, d integer);
CREATE INDEX t_c_idx ON t (c);
--- to
CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (a * 3) STORED, c integer GENERATED ALWAYS AS (a + 2) STORED, d integer);
CREATE INDEX t_c_idx ON t (c);
--- rows
INSERT INTO t (a) VALUES (1);
--- after SELECT b = 3 AND c = 3 FROM t

--- pair generated column: the expression goes, the values stay
--- from
CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (a * 3) STORED);
--- to
CREATE TABLE t (a integer, b integer);
--- forward has DROP EXPRESSION
--- rows
INSERT INTO t (a) VALUES (1);
--- after SELECT b = 3 FROM t

--- pair generated column: of a function, with a view on it
--- from
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (f(a)) STORED);
CREATE VIEW v AS SELECT b FROM t;
COMMENT ON VIEW v IS 'kept';
--- to
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (f(a + 1)) STORED);
CREATE VIEW v AS SELECT b FROM t;
COMMENT ON VIEW v IS 'kept';

--- pair identity: added, dropped, switched, with options
--- from
CREATE TABLE t (a integer GENERATED ALWAYS AS IDENTITY);
CREATE TABLE u (a bigint NOT NULL);
CREATE TABLE v (a integer GENERATED BY DEFAULT AS IDENTITY (START 5));
--- to
CREATE TABLE t (a integer GENERATED BY DEFAULT AS IDENTITY);
CREATE TABLE u (a bigint GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5 MINVALUE 10 CACHE 3 CYCLE));
CREATE TABLE v (a integer NOT NULL);

--- pair identity: serial becomes identity and back
--- from
CREATE TABLE t (id serial PRIMARY KEY, a text);
CREATE TABLE u (id bigserial PRIMARY KEY);
--- to
CREATE TABLE t (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a text);
CREATE TABLE u (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
--- rows
INSERT INTO t (a) VALUES ('x'), ('y');

--- pair identity: the type of its column changes
--- from
CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TABLE u (id serial PRIMARY KEY);
--- to
CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TABLE u (id bigserial PRIMARY KEY);

--- pair collation (column): changed, with an index
--- from
CREATE TABLE t (a text COLLATE "C", b text, c varchar(9));
CREATE INDEX t_a_idx ON t (a);
CREATE INDEX t_b_idx ON t (b);
--- to
CREATE TABLE t (a text, b text COLLATE "POSIX", c varchar(9) COLLATE "C");
CREATE INDEX t_a_idx ON t (a);
CREATE INDEX t_b_idx ON t (b);

--- pair storage and statistics: of columns
--- from
CREATE TABLE t (a text, b text, c integer, d integer);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET STATISTICS 100, ALTER c SET (n_distinct = 5);
--- to
CREATE TABLE t (a text, b text COMPRESSION pglz, c integer, d integer);
ALTER TABLE t ALTER b SET STORAGE MAIN, ALTER b SET STATISTICS 500, ALTER c SET (n_distinct = -0.5, n_distinct_inherited = 7),
    ALTER d SET STATISTICS 0;

--- pair reloptions: of tables, indexes and views
--- from
CREATE TABLE t (a integer) WITH (fillfactor = 70, autovacuum_enabled = false);
CREATE INDEX t_a_idx ON t (a) WITH (fillfactor = 80);
CREATE VIEW v WITH (security_barrier = true) AS SELECT a FROM t;
--- to
CREATE TABLE t (a integer) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_enabled = false);
CREATE INDEX t_a_idx ON t (a) WITH (deduplicate_items = off);
CREATE VIEW v AS SELECT a FROM t;

--- pair unlogged: set and unset
--- from
CREATE UNLOGGED TABLE t (a integer PRIMARY KEY);
CREATE TABLE u (a integer GENERATED ALWAYS AS IDENTITY);
--- to
CREATE TABLE t (a integer PRIMARY KEY);
CREATE UNLOGGED TABLE u (a integer GENERATED ALWAYS AS IDENTITY);
--- rows
INSERT INTO t VALUES (1);

--- pair access method: another one
--- from
CREATE TABLE t (a integer) USING heap;
--- to
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE t (a integer) USING heap2;
--- forward refused access method
--- back refused access method

--- pair replica identity: full, nothing, an index
--- from
CREATE TABLE t (a integer NOT NULL, b integer NOT NULL);
CREATE UNIQUE INDEX t_a_key ON t (a);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_a_key;
CREATE TABLE u (a integer);
CREATE TABLE v (a integer);
ALTER TABLE v REPLICA IDENTITY FULL;
--- to
CREATE TABLE t (a integer NOT NULL, b integer NOT NULL);
CREATE UNIQUE INDEX t_a_key ON t (a);
CREATE UNIQUE INDEX t_b_key ON t (b);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_b_key;
CREATE TABLE u (a integer);
ALTER TABLE u REPLICA IDENTITY NOTHING;
CREATE TABLE v (a integer);

--- pair replica identity: the index is made anew
--- from
CREATE TABLE t (a integer NOT NULL, b integer NOT NULL);
CREATE UNIQUE INDEX t_key ON t (a);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_key;
--- to
CREATE TABLE t (a integer NOT NULL, b integer NOT NULL);
CREATE UNIQUE INDEX t_key ON t (b);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_key;

--- pair clustered: by an index
--- from
CREATE TABLE t (a integer, b integer);
CREATE INDEX t_a_idx ON t (a);
CREATE INDEX t_b_idx ON t (b);
ALTER TABLE t CLUSTER ON t_a_idx;
--- to
CREATE TABLE t (a integer, b integer);
CREATE INDEX t_a_idx ON t (a);
CREATE INDEX t_b_idx ON t (b);
ALTER TABLE t CLUSTER ON t_b_idx;

--- pair typed table: made and dropped
--- from
CREATE TYPE row AS (a integer, b text);
--- to
CREATE TYPE row AS (a integer, b text);
CREATE TABLE t OF row (a WITH OPTIONS PRIMARY KEY);

--- pair comments: on every kind of object
--- base
CREATE SCHEMA s;
CREATE TABLE s.t (a integer PRIMARY KEY, b integer CONSTRAINT checked CHECK (b > 0));
CREATE INDEX i ON s.t (b);
CREATE VIEW s.v AS SELECT a FROM s.t;
CREATE MATERIALIZED VIEW s.m AS SELECT a FROM s.t;
CREATE SEQUENCE s.q;
CREATE TYPE s.e AS ENUM ('a');
CREATE TYPE s.c AS (a integer);
CREATE TYPE s.r AS RANGE (subtype = integer);
CREATE DOMAIN s.d AS integer CONSTRAINT positive CHECK (VALUE > 0);
CREATE FUNCTION s.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE s.g(integer) (sfunc = int4pl, stype = integer);
CREATE FUNCTION s.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.tr();
CREATE RULE u AS ON UPDATE TO s.t DO NOTHING;
CREATE POLICY p ON s.t;
CREATE STATISTICS s.x ON a, b FROM s.t;
CREATE COLLATION s.k (locale = 'C');
CREATE PUBLICATION pub FOR TABLE s.t;
CREATE FUNCTION s.ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER ev ON ddl_command_start EXECUTE FUNCTION s.ev();
ALTER EVENT TRIGGER ev DISABLE;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER srv FOREIGN DATA WRAPPER w;
CREATE FOREIGN TABLE s.ft (a integer) SERVER srv;
--- from
COMMENT ON TABLE s.t IS 'old';
COMMENT ON COLUMN s.t.a IS 'old';
COMMENT ON VIEW s.v IS 'old';
--- to
COMMENT ON SCHEMA s IS 'a schema';
COMMENT ON TABLE s.t IS 'a table';
COMMENT ON COLUMN s.t.b IS 'a column';
COMMENT ON CONSTRAINT checked ON s.t IS 'a check';
COMMENT ON CONSTRAINT t_pkey ON s.t IS 'a key';
COMMENT ON INDEX s.i IS 'an index';
COMMENT ON COLUMN s.v.a IS 'a column of a view';
COMMENT ON MATERIALIZED VIEW s.m IS 'a materialized view';
COMMENT ON SEQUENCE s.q IS 'a sequence';
COMMENT ON TYPE s.e IS 'an enum';
COMMENT ON TYPE s.c IS 'a composite type';
COMMENT ON COLUMN s.c.a IS 'an attribute';
COMMENT ON TYPE s.r IS 'a range';
COMMENT ON DOMAIN s.d IS 'a domain';
COMMENT ON CONSTRAINT positive ON DOMAIN s.d IS 'a constraint of a domain';
COMMENT ON FUNCTION s.f(integer) IS 'a function';
COMMENT ON PROCEDURE s.p() IS 'a procedure';
COMMENT ON AGGREGATE s.g(integer) IS 'an aggregate';
COMMENT ON TRIGGER t ON s.t IS 'a trigger';
COMMENT ON RULE u ON s.t IS 'a rule';
COMMENT ON POLICY p ON s.t IS 'a policy';
COMMENT ON STATISTICS s.x IS 'statistics';
COMMENT ON COLLATION s.k IS 'a collation';
COMMENT ON PUBLICATION pub IS 'a publication';
COMMENT ON EVENT TRIGGER ev IS 'an event trigger';
COMMENT ON FOREIGN DATA WRAPPER w IS 'a wrapper';
COMMENT ON SERVER srv IS 'a server';
COMMENT ON FOREIGN TABLE s.ft IS 'a foreign table';
