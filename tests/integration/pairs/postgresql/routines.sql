--- pair function/procedure: the body alone
--- from
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a';
CREATE PROCEDURE p(a integer) LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE VIEW v AS SELECT f(1);
--- to
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a + 1';
CREATE PROCEDURE p(a integer) LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'x'; END $$;
CREATE VIEW v AS SELECT f(1);
--- forward lacks DROP

--- pair function/procedure: its properties
--- roles keeper reader
--- from
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g() RETURNS SETOF integer LANGUAGE sql STABLE ROWS 50 AS 'SELECT 1';
CREATE FUNCTION h() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'SELECT 1';
--- to
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 7 AS 'SELECT 1';
CREATE FUNCTION g() RETURNS SETOF integer LANGUAGE plpgsql AS 'BEGIN RETURN; END';
CREATE FUNCTION h() RETURNS integer LANGUAGE sql SET work_mem = '1MB' SET search_path = pg_catalog, public AS 'SELECT 1';
ALTER FUNCTION f(integer) OWNER TO keeper;
REVOKE EXECUTE ON FUNCTION g() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION g() TO reader;
COMMENT ON FUNCTION h() IS 'safe';

--- pair function/procedure: another signature, with dependants of every kind
--- roles reader
--- base
CREATE TABLE log (a integer);
--- from
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a';
CREATE TABLE t (a integer DEFAULT f(1), b integer CHECK (f(b) > 0), c integer GENERATED ALWAYS AS (f(b)) STORED);
CREATE INDEX t_f_idx ON t (f(a));
CREATE VIEW v AS SELECT f(a) AS x FROM t;
CREATE POLICY p ON t USING (f(a) > 0);
COMMENT ON FUNCTION f(integer) IS 'kept';
GRANT EXECUTE ON FUNCTION f(integer) TO reader;
COMMENT ON VIEW v IS 'kept';
--- to
CREATE FUNCTION f(b integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT b';
CREATE TABLE t (a integer DEFAULT f(1), b integer CHECK (f(b) > 0), c integer GENERATED ALWAYS AS (f(b)) STORED);
CREATE INDEX t_f_idx ON t (f(a));
CREATE VIEW v AS SELECT f(a) AS x FROM t;
CREATE POLICY p ON t USING (f(a) > 0);
COMMENT ON FUNCTION f(integer) IS 'kept';
GRANT EXECUTE ON FUNCTION f(integer) TO reader;
COMMENT ON VIEW v IS 'kept';
--- rows
INSERT INTO t (a, b) VALUES (1, 2);

--- pair function/procedure: result, OUT parameters, defaults, names
--- from
CREATE FUNCTION a() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION b(x integer, y integer DEFAULT 2) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION c(OUT x integer, OUT y text) LANGUAGE sql AS $$ SELECT 1, 'a' $$;
CREATE FUNCTION d() RETURNS TABLE (x integer) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION e(VARIADIC integer[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
--- to
CREATE FUNCTION a() RETURNS text LANGUAGE sql AS $$ SELECT 'a' $$;
CREATE FUNCTION b(x integer DEFAULT 1, y integer DEFAULT 3) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION c(OUT x integer, OUT y text, OUT z date) LANGUAGE sql AS $$ SELECT 1, 'a', now()::date $$;
CREATE FUNCTION d() RETURNS TABLE (x integer, y integer) LANGUAGE sql AS 'SELECT 1, 2';
CREATE FUNCTION e(integer[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';

--- pair function/procedure: fewer defaults, and a function becomes a procedure
--- from
CREATE FUNCTION f(x integer DEFAULT 1, y integer DEFAULT 2) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g() RETURNS void LANGUAGE sql AS 'SELECT 1';
--- to
CREATE FUNCTION f(x integer, y integer DEFAULT 2) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE g() LANGUAGE sql AS 'SELECT 1';

--- pair function/procedure: overloads
--- from
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f(text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
--- to
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f(integer, integer) RETURNS integer LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION f(date) RETURNS integer LANGUAGE sql AS 'SELECT 3';

--- pair function/procedure: bodies that name each other and tables made later
--- from
CREATE TABLE old (a integer);
--- to
CREATE FUNCTION a() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM z';
CREATE FUNCTION b() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN c(); END';
CREATE FUNCTION c() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN b(); END';
CREATE TABLE z (a bigint DEFAULT a());

--- pair function/procedure: a body that the server follows
--- from
CREATE TABLE t (a integer, b integer);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(a) FROM t; END;
--- to
CREATE TABLE t (a bigint, b integer);
CREATE FUNCTION f() RETURNS numeric LANGUAGE sql BEGIN ATOMIC SELECT sum(a) FROM t; END;

--- pair function/procedure: takes a row type whose table is dropped
--- from
CREATE TABLE t (a integer);
CREATE FUNCTION f(t) RETURNS integer LANGUAGE sql AS 'SELECT $1.a';
CREATE FUNCTION g() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';
--- to
CREATE TABLE u (a integer);
CREATE FUNCTION g() RETURNS SETOF u LANGUAGE sql AS 'SELECT * FROM u';

--- pair aggregate: made, changed, dropped
--- roles keeper reader
--- from
CREATE AGGREGATE total(integer) (sfunc = int4pl, stype = integer, initcond = '0');
CREATE AGGREGATE gone(text) (sfunc = textcat, stype = text);
CREATE VIEW v AS SELECT total(1) AS x;
--- to
CREATE AGGREGATE total(integer) (sfunc = int4pl, stype = integer, initcond = '5', parallel = safe, combinefunc = int4pl);
CREATE FUNCTION add(numeric, numeric) RETURNS numeric LANGUAGE sql AS 'SELECT $1 + $2';
CREATE AGGREGATE made(numeric) (sfunc = add, stype = numeric);
CREATE AGGREGATE middle(float8 ORDER BY float8) (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_cont_float8_final);
CREATE VIEW v AS SELECT total(1) AS x;
ALTER AGGREGATE made(numeric) OWNER TO keeper;
GRANT EXECUTE ON FUNCTION made(numeric) TO reader;
COMMENT ON AGGREGATE made(numeric) IS 'sums';

--- pair trigger (+ enabled state): every form
--- base
CREATE TABLE t (a integer, b text);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
--- from
CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER two AFTER UPDATE OF a ON t FOR EACH STATEMENT EXECUTE FUNCTION f();
CREATE TRIGGER three AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f('x', 'it''s');
CREATE CONSTRAINT TRIGGER four AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f();
ALTER TABLE t DISABLE TRIGGER one;
--- to
CREATE TRIGGER one BEFORE INSERT OR UPDATE ON t FOR EACH ROW WHEN (NEW.a > 0) EXECUTE FUNCTION g();
CREATE TRIGGER two AFTER UPDATE ON t REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION f();
CREATE TRIGGER three AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f('y');
CREATE CONSTRAINT TRIGGER four AFTER INSERT OR DELETE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER five INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER six AFTER TRUNCATE ON t EXECUTE FUNCTION g();
ALTER TABLE t ENABLE REPLICA TRIGGER three;
ALTER TABLE t ENABLE ALWAYS TRIGGER six;
--- forward has CREATE

--- pair trigger (+ enabled state): the state alone
--- base
CREATE TABLE t (a integer);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER two BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
--- from
ALTER TABLE t DISABLE TRIGGER one;
--- to
ALTER TABLE t ENABLE ALWAYS TRIGGER two;
--- forward lacks DROP

--- pair trigger (+ enabled state): kept on a view that is made anew
--- base
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
--- from
CREATE TABLE t (a integer);
CREATE VIEW v AS SELECT a FROM t;
CREATE TRIGGER one INSTEAD OF UPDATE ON v FOR EACH ROW EXECUTE FUNCTION f();
COMMENT ON TRIGGER one ON v IS 'kept';
--- to
CREATE TABLE t (a bigint);
CREATE VIEW v AS SELECT a FROM t;
CREATE TRIGGER one INSTEAD OF UPDATE ON v FOR EACH ROW EXECUTE FUNCTION f();
COMMENT ON TRIGGER one ON v IS 'kept';

--- pair event trigger: made, changed, dropped
--- base
CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
--- from
CREATE EVENT TRIGGER one ON ddl_command_end EXECUTE FUNCTION ev();
CREATE EVENT TRIGGER two ON sql_drop EXECUTE FUNCTION ev();
--- to
CREATE EVENT TRIGGER one ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION ev();
CREATE EVENT TRIGGER three ON table_rewrite EXECUTE FUNCTION ev();
ALTER EVENT TRIGGER three DISABLE;
