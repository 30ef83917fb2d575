--- pair enum: values added in order
--- from
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE TABLE t (a mood DEFAULT 'sad');
--- to
CREATE TYPE mood AS ENUM ('awful', 'sad', 'so-so', 'fine', 'great', 'it''s "best"');
CREATE TABLE t (a mood DEFAULT 'sad');
--- forward has ADD VALUE
--- forward lacks DROP
--- rows
INSERT INTO t VALUES ('fine');

--- pair enum: a value that a new default uses
--- from
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE TABLE t (a mood DEFAULT 'sad', b integer);
--- to
CREATE TYPE mood AS ENUM ('sad', 'fine', 'new');
CREATE TABLE t (a mood DEFAULT 'new', b integer, CONSTRAINT c CHECK (a <> 'new' OR b > 0));

--- pair enum: values removed and in another order, with dependants
--- roles reader
--- from
CREATE TYPE mood AS ENUM ('a', 'b', 'c', 'd');
CREATE TABLE t (id integer, m mood NOT NULL DEFAULT 'a', l mood[] DEFAULT '{a,b}', CHECK (m <> 'd'));
CREATE INDEX t_m_idx ON t (m) WHERE m = 'a';
CREATE VIEW v AS SELECT id FROM t WHERE m = 'b';
CREATE FUNCTION f(mood) RETURNS mood LANGUAGE sql AS 'SELECT $1';
GRANT SELECT ON v TO reader;
COMMENT ON VIEW v IS 'kept';
COMMENT ON TYPE mood IS 'kept too';
--- to
CREATE TYPE mood AS ENUM ('d', 'b', 'a');
CREATE TABLE t (id integer, m mood NOT NULL DEFAULT 'a', l mood[] DEFAULT '{a,b}', CHECK (m <> 'd'));
CREATE INDEX t_m_idx ON t (m) WHERE m = 'a';
CREATE VIEW v AS SELECT id FROM t WHERE m = 'b';
CREATE FUNCTION f(mood) RETURNS mood LANGUAGE sql AS 'SELECT $1';
GRANT SELECT ON v TO reader;
COMMENT ON VIEW v IS 'kept';
COMMENT ON TYPE mood IS 'kept too';
--- rows
INSERT INTO t VALUES (1, 'a'), (2, 'b');

--- pair enum: a label is renamed by a hint
--- from
CREATE TYPE mood AS ENUM ('sad',
    'fine' -- renamed from: well
);
CREATE TABLE t (a mood);
--- to
CREATE TYPE mood AS ENUM ('sad',
    'well' -- renamed from: fine
);
CREATE TABLE t (a mood);
--- forward has RENAME VALUE
--- forward lacks DROP
--- back lacks DROP
--- rows
INSERT INTO t VALUES ('sad');

--- pair enum: made, with owner and grants, and dropped
--- roles keeper reader
--- from
CREATE TABLE t (a text);
--- to
CREATE TYPE mood AS ENUM ('sad', 'fine');
ALTER TYPE mood OWNER TO keeper;
REVOKE USAGE ON TYPE mood FROM PUBLIC;
GRANT USAGE ON TYPE mood TO reader;
CREATE TABLE t (a text, b mood);

--- pair enum: a column's text becomes an enum
--- from
CREATE TABLE t (
    a text DEFAULT 'x' -- using: a::text
);
--- to
CREATE TYPE e AS ENUM ('x', 'y');
CREATE TABLE t (
    a e DEFAULT 'x' -- using: a::e
);
--- rows
INSERT INTO t VALUES ('y');

--- pair domain: default, not null, constraints
--- from
CREATE DOMAIN d AS integer DEFAULT 1 CONSTRAINT low CHECK (VALUE > 0);
CREATE DOMAIN e AS text NOT NULL;
CREATE TABLE t (a d, b e);
--- to
CREATE DOMAIN d AS integer NOT NULL DEFAULT 2 CONSTRAINT low CHECK (VALUE > 1) CONSTRAINT high CHECK (VALUE < 100);
CREATE DOMAIN e AS text;
CREATE TABLE t (a d, b e);
--- rows
INSERT INTO t VALUES (5, 'x');

--- pair domain: a constraint alone
--- from
CREATE DOMAIN d AS integer CONSTRAINT low CHECK (VALUE > 0);
CREATE TABLE t (a d);
--- to
CREATE DOMAIN d AS integer;
CREATE TABLE t (a d);

--- pair domain: another base type, in use
--- from
CREATE DOMAIN d AS varchar(10);
CREATE TABLE t (a d, b d[]);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f(d) RETURNS d LANGUAGE sql AS 'SELECT $1';
--- to
CREATE DOMAIN d AS text COLLATE "C";
CREATE TABLE t (a d, b d[]);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f(d) RETURNS d LANGUAGE sql AS 'SELECT $1';

--- pair domain: made and dropped, of a domain, with a function
--- roles reader
--- from
CREATE TABLE t (a integer);
--- to
CREATE FUNCTION fine(integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE DOMAIN d AS integer CHECK (fine(VALUE));
CREATE DOMAIN e AS d CHECK (VALUE < 10);
CREATE TABLE t (a e);
COMMENT ON DOMAIN e IS 'small';
GRANT USAGE ON DOMAIN e TO reader;

--- pair domain: NOT VALID constraint is validated
--- from
CREATE DOMAIN d AS integer;
ALTER DOMAIN d ADD CONSTRAINT low CHECK (VALUE > 0) NOT VALID;
--- to
CREATE DOMAIN d AS integer;
ALTER DOMAIN d ADD CONSTRAINT low CHECK (VALUE > 0);

--- pair composite type: attributes of one that no table uses
--- from
CREATE TYPE c AS (a integer, b text, d date);
CREATE FUNCTION f(c) RETURNS integer LANGUAGE sql AS 'SELECT $1.a';
--- to
CREATE TYPE c AS (a integer, b varchar(10), e numeric(5, 1));
CREATE FUNCTION f(c) RETURNS integer LANGUAGE sql AS 'SELECT $1.a';

--- pair composite type: an attribute is added to one in use
--- from
CREATE TYPE c AS (a integer);
CREATE TABLE t (v c);
--- to
CREATE TYPE c AS (a integer, b text);
CREATE TABLE t (v c);
--- rows
INSERT INTO t VALUES (ROW(1));

--- pair composite type: an attribute of one in use cannot have another type
--- from
CREATE TYPE c AS (a integer, b text);
CREATE TABLE t (id integer, v c);
--- to
CREATE TYPE c AS (a bigint, b text);
CREATE TABLE t (id integer, v c);
--- forward refused type
--- back refused type

--- pair composite type: made and dropped, nested
--- from
CREATE TABLE t (id integer);
--- to
CREATE TYPE inside AS (x integer, y integer);
CREATE TYPE outside AS (i inside, l inside[]);
CREATE TABLE t (id integer, o outside);

--- pair range type: made and dropped
--- from
CREATE TABLE t (a integer);
--- to
CREATE FUNCTION distance(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = distance, multirange_type_name = many_floats);
CREATE TABLE t (a integer, r floats, m many_floats);

--- pair sequence: every option, and OWNED BY
--- roles reader
--- from
CREATE TABLE t (id integer);
CREATE SEQUENCE s START 5 INCREMENT 2 MAXVALUE 1000 CACHE 10;
CREATE SEQUENCE owned OWNED BY t.id;
CREATE SEQUENCE gone;
--- to
CREATE TABLE t (id integer);
CREATE SEQUENCE s AS integer START 7 INCREMENT -1 MINVALUE -5 MAXVALUE 50 CYCLE;
CREATE SEQUENCE owned;
CREATE SEQUENCE made OWNED BY t.id;
GRANT USAGE ON SEQUENCE s TO reader;
COMMENT ON SEQUENCE s IS 'counts';

--- pair sequence: its place is never touched
--- from
CREATE SEQUENCE s;
--- to
CREATE SEQUENCE s INCREMENT 10;
--- rows
SELECT setval('s', 41);
--- after SELECT last_value = 41 FROM s

--- pair sequence: goes to another column
--- from
CREATE TABLE t (a serial, b integer);
--- to
CREATE TABLE t (a integer NOT NULL, b integer);
CREATE SEQUENCE t_a_seq AS integer OWNED BY t.b;
ALTER TABLE t ALTER b SET DEFAULT nextval('t_a_seq');

--- pair collation objects: made and dropped, changed
--- from
CREATE COLLATION k (provider = icu, locale = 'de');
CREATE TABLE t (a text COLLATE k);
--- to
CREATE COLLATION k (provider = icu, locale = 'de', deterministic = false);
CREATE COLLATION l (locale = 'C');
CREATE TABLE t (a text COLLATE k, b text COLLATE l);

--- pair what is not modelled: a cast, an operator, a text search configuration
--- from
CREATE TABLE t (a integer);
--- to
CREATE TABLE t (a integer);
CREATE TYPE money2 AS (v integer);
CREATE FUNCTION to_integer(money2) RETURNS integer LANGUAGE sql AS 'SELECT $1.v';
CREATE CAST (money2 AS integer) WITH FUNCTION to_integer(money2);
--- forward refused cast
--- back refused cast

--- pair what is not modelled: an operator
--- from
CREATE TABLE t (a integer);
--- to
CREATE TABLE t (a integer);
CREATE FUNCTION same(integer, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR === (leftarg = integer, rightarg = text, function = same);
--- forward refused operator
--- back refused operator

--- pair what is not modelled: a text search configuration
--- from
CREATE TABLE t (a integer);
--- to
CREATE TABLE t (a integer);
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
--- forward refused text search configuration
--- back refused text search configuration

--- pair what is not modelled: it may be there, and be the same
--- base
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
CREATE FUNCTION same(integer, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR === (leftarg = integer, rightarg = text, function = same);
--- from
CREATE TABLE t (a integer);
--- to
CREATE TABLE t (a integer, b text);
