--- pair RLS enable/force, policies: switched
--- from
CREATE TABLE t (a integer);
CREATE TABLE u (a integer);
ALTER TABLE u ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
--- to
CREATE TABLE t (a integer);
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE TABLE u (a integer);

--- pair RLS enable/force, policies: every form
--- roles app reader
--- base
CREATE TABLE t (a integer, owner name);
CREATE TABLE members (who name);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
--- from
CREATE POLICY one ON t USING (a > 0);
CREATE POLICY two ON t FOR SELECT TO reader USING (true);
CREATE POLICY three ON t FOR INSERT WITH CHECK (a < 10);
CREATE POLICY four ON t FOR UPDATE USING (a > 0) WITH CHECK (a > 1);
CREATE POLICY gone ON t FOR DELETE USING (a = 0);
--- to
CREATE POLICY one ON t USING (a > 1);
CREATE POLICY two ON t FOR SELECT TO app, reader USING (owner = current_user);
CREATE POLICY three ON t AS RESTRICTIVE FOR INSERT WITH CHECK (a < 10);
CREATE POLICY four ON t FOR DELETE USING (a > 0);
CREATE POLICY made ON t FOR ALL TO PUBLIC USING (EXISTS (SELECT FROM members WHERE who = owner)) WITH CHECK (false);
COMMENT ON POLICY made ON t IS 'members';

--- pair RLS enable/force, policies: of partitioned parents
--- from
CREATE TABLE p (a integer, b integer) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
--- to
CREATE TABLE p (a integer, b integer) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
ALTER TABLE p ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON p USING (b = 1);

--- pair table / column grants: of every kind
--- roles app reader
--- base
CREATE SCHEMA s;
CREATE TABLE s.t (a integer, b text);
CREATE VIEW s.v AS SELECT a FROM s.t;
CREATE SEQUENCE s.q;
CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1';
CREATE TYPE s.e AS ENUM ('a');
CREATE DOMAIN s.d AS integer;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER srv FOREIGN DATA WRAPPER w;
--- from
GRANT ALL ON s.t TO app;
GRANT SELECT (a) ON s.t TO reader;
GRANT SELECT ON s.v TO PUBLIC;
GRANT USAGE ON SCHEMA s TO reader;
--- to
GRANT SELECT, INSERT ON s.t TO app WITH GRANT OPTION;
GRANT SELECT (b), UPDATE (a, b) ON s.t TO reader;
GRANT INSERT (a) ON s.t TO PUBLIC;
GRANT SELECT ON s.v TO reader;
GRANT USAGE, UPDATE ON SEQUENCE s.q TO app;
REVOKE EXECUTE ON FUNCTION s.f() FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE s.p() TO app WITH GRANT OPTION;
REVOKE ALL ON TYPE s.e FROM PUBLIC;
GRANT USAGE ON DOMAIN s.d TO app;
GRANT CREATE ON SCHEMA s TO app;
GRANT USAGE ON FOREIGN DATA WRAPPER w TO app;
GRANT USAGE ON FOREIGN SERVER srv TO reader;

--- pair table / column grants: the owner's own rights
--- roles app
--- from
CREATE TABLE t (a integer);
CREATE TABLE u (a integer);
REVOKE ALL ON u FROM postgres;
--- to
CREATE TABLE t (a integer);
REVOKE DELETE, TRUNCATE ON t FROM postgres;
CREATE TABLE u (a integer);

--- pair default privileges: made, changed, dropped
--- roles app reader
--- base
CREATE SCHEMA s;
--- from
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT USAGE ON SEQUENCES TO reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
--- to
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT, INSERT ON TABLES TO reader WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO reader;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO app;

--- pair default privileges: they do not reach what is made beside them
--- roles reader
--- from
CREATE TABLE old (a integer);
--- to
CREATE TABLE old (a integer);
CREATE TABLE t (a integer);
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader;

--- pair owner: of every kind
--- roles keeper
--- base
CREATE SCHEMA s;
CREATE TABLE s.t (a integer GENERATED ALWAYS AS IDENTITY, b serial);
CREATE VIEW s.v AS SELECT a FROM s.t;
CREATE MATERIALIZED VIEW s.m AS SELECT a FROM s.t;
CREATE SEQUENCE s.q;
CREATE TYPE s.e AS ENUM ('a');
CREATE TYPE s.c AS (a integer);
CREATE TYPE s.r AS RANGE (subtype = integer);
CREATE DOMAIN s.d AS integer;
CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE s.g(integer) (sfunc = int4pl, stype = integer);
CREATE STATISTICS s.x ON a, b FROM s.t;
CREATE COLLATION s.k (locale = 'C');
CREATE PUBLICATION pub FOR TABLE s.t;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER srv FOREIGN DATA WRAPPER w;
CREATE FOREIGN TABLE s.ft (a integer) SERVER srv;
--- from
ALTER FUNCTION s.f() OWNER TO keeper;
--- to
ALTER SCHEMA s OWNER TO keeper;
ALTER TABLE s.t OWNER TO keeper;
ALTER VIEW s.v OWNER TO keeper;
ALTER MATERIALIZED VIEW s.m OWNER TO keeper;
ALTER SEQUENCE s.q OWNER TO keeper;
ALTER TYPE s.e OWNER TO keeper;
ALTER TYPE s.c OWNER TO keeper;
ALTER TYPE s.r OWNER TO keeper;
ALTER DOMAIN s.d OWNER TO keeper;
ALTER PROCEDURE s.p() OWNER TO keeper;
ALTER AGGREGATE s.g(integer) OWNER TO keeper;
ALTER STATISTICS s.x OWNER TO keeper;
ALTER COLLATION s.k OWNER TO keeper;
ALTER FOREIGN TABLE s.ft OWNER TO keeper;
ALTER SERVER srv OWNER TO postgres;

--- pair owner: kept with grants when a view is made anew
--- roles keeper app reader
--- from
CREATE TABLE t (a integer);
CREATE VIEW v AS SELECT a FROM t;
ALTER VIEW v OWNER TO keeper;
REVOKE INSERT ON v FROM keeper;
GRANT SELECT ON v TO app WITH GRANT OPTION;
GRANT SELECT (a) ON v TO reader;
--- to
CREATE TABLE t (a text);
CREATE VIEW v AS SELECT a FROM t;
ALTER VIEW v OWNER TO keeper;
REVOKE INSERT ON v FROM keeper;
GRANT SELECT ON v TO app WITH GRANT OPTION;
GRANT SELECT (a) ON v TO reader;
