#!/usr/bin/env bash
# What catalog_read() makes of a PostgreSQL database: every kind of object, under names that are hard to get right, with
# the locks it takes and the rights it wants. limit: 200
source "$(dirname "$0")/lib.sh"

names() { PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$TOP/tests/integration/catalog_names.py" "$@"; }
# sql_file DATABASE FILE
sql_file() {
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d "$1" -f "$2" >psql.out 2>&1 ||
        { cat psql.out && return 1; }
}
# catalog DATABASE qualified|relative [SCHEMA]: its facts, in $T/out.
catalog() {
    run "$BUILD_DIR/tests/peer_catalog" "$(pg_url "$1")" "${@:2}"
    expect_exit 0
}
# expect_facts: every line of stdin is one of $T/out.
expect_facts() {
    LC_ALL=C sort -u >wanted
    LC_ALL=C sort -u "$T/out" >found
    expect_equal "$(LC_ALL=C comm -23 wanted found)" ""
}
# expect_no_fact REGULAR-EXPRESSION
expect_no_fact() { expect_equal "$(grep -P "$1" "$T/out" || true)" ""; }

start_postgres

# ------------------------------------------------------------------------------------------------------------- names

new_database names
names sql >names.sql
sql_file names names.sql

it "gives every kind of object the identity and the address that its name wants"
catalog names qualified
names facts | expect_facts

it "gives addresses that PostgreSQL takes"
names comments <"$T/out" >comments.sql
expect sql_file names comments.sql
catalog names qualified
expect_equal "$(grep -c $'\tcomment\t'"'seen'\$" "$T/out")" "$(grep -c '^COMMENT ON' comments.sql)"

it "takes no lock but those of a SELECT"
expect_equal "$(grep '^lock' "$T/out" | cut -f2 | sort -u)" AccessShareLock

it "leaves the schema out of addresses, and reads nothing beside it, where a schema is read alone"
catalog names relative $'knew\nline'
expect_facts <<'FACTS'
table	"knew\nline"."new\nline"	address	"new\nline"
column	"knew\nline"."new\nline"."new\nline"	type	integer
default	"knew\nline"."new\nline"."new\nline"	expression	1
policy	"knew\nline"."new\nline"."new\nline"	parent	"knew\nline"."new\nline"
function	"knew\nline"."new\nline"()	address	"new\nline"()
function	"knew\nline"."new\nline"()	name	"new\nline"
FACTS
expect_no_fact '^(?!lock)(?!.*knew)'

# ------------------------------------------------------------------------------------------------------------ values

new_database values
cat >values.sql <<'SQL'
CREATE ROLE app;
CREATE ROLE "r ""x";
CREATE SCHEMA audit;
CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('sad', 'o''k', E'new\nline', E'back\\slash', E'both\\\n''');
REVOKE USAGE ON TYPE mood FROM PUBLIC;
GRANT USAGE ON TYPE mood TO "r ""x" WITH GRANT OPTION;
CREATE TYPE nothing AS ENUM ();
CREATE DOMAIN dom AS varchar(20) COLLATE "C" DEFAULT 'x' NOT NULL CONSTRAINT filled CHECK (VALUE <> '');
ALTER DOMAIN dom ADD CONSTRAINT late CHECK (VALUE <> 'q') NOT VALID;
CREATE TYPE comp AS (a int, b text COLLATE "C", m mood[], d dom);
CREATE FUNCTION apart(a time, b time) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT 1.0::float8';
CREATE FUNCTION apart(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE times AS RANGE (SUBTYPE = time, SUBTYPE_DIFF = apart, MULTIRANGE_TYPE_NAME = timesmultirange);
CREATE TYPE texts AS RANGE (SUBTYPE = text, COLLATION = "C", SUBTYPE_OPCLASS = text_pattern_ops);
CREATE COLLATION blind (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false);
CREATE TABLE t (id int, m mood[], c comp, r timesmultirange, h hstore, co text COLLATE blind);
CREATE FUNCTION f(a int, VARIADIC b mood[] DEFAULT '{}', OUT x int) LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS 'SELECT 1';
CREATE FUNCTION whole() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(id) FROM t; END;
CREATE PROCEDURE p(IN a int, OUT b int) LANGUAGE plpgsql AS 'BEGIN b := 1; END';
CREATE FUNCTION add(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION take(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 - $2';
CREATE FUNCTION add(int, text) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE AGGREGATE total(v int) (SFUNC = add, STYPE = int, INITCOND = '0', SSPACE = 100, COMBINEFUNC = int4pl,
    MSFUNC = add, MINVFUNC = take, MSTYPE = int, MINITCOND = '0', SORTOP = <, PARALLEL = SAFE);
CREATE AGGREGATE median(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,
    FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER told ON ddl_command_start WHEN TAG IN ('DROP TABLE', 'CREATE TABLE') EXECUTE FUNCTION told();
ALTER EVENT TRIGGER told ENABLE ALWAYS;
CREATE FOREIGN DATA WRAPPER w OPTIONS ("Odd name" 'it''s', debug E'two\nlines');
CREATE SERVER s TYPE 'a' VERSION '1' FOREIGN DATA WRAPPER w OPTIONS (host 'h', "Api_Key" 'hunter2');
CREATE USER MAPPING FOR "r ""x" SERVER s OPTIONS (user 'u', password 'hunter2');
CREATE FOREIGN TABLE ft (a mood) SERVER s OPTIONS (table_name 'tt');
CREATE TABLE child () INHERITS (t);
CREATE PUBLICATION several FOR TABLE ONLY t (id, m) WHERE (id > 0) WITH (publish = 'insert', publish_via_partition_root);
CREATE PUBLICATION audited FOR TABLES IN SCHEMA audit;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE SUBSCRIPTION sub CONNECTION 'password=hunter2' PUBLICATION several WITH (connect = false, slot_name = NONE, enabled = false);
ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA audit GRANT SELECT ON TABLES TO "r ""x" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE app REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE FUNCTION to_int(mood) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (mood AS int) WITH FUNCTION to_int(mood) AS ASSIGNMENT;
CREATE FUNCTION less(comp, comp) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR audit.<<< (FUNCTION = less, LEFTARG = comp, RIGHTARG = comp);
CREATE FUNCTION compared(comp, comp) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR CLASS comps FOR TYPE comp USING btree AS OPERATOR 1 audit.<<<, FUNCTION 1 compared(comp, comp);
CREATE INDEX ON t (c comps);
CREATE CONVERSION conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH CONFIGURATION words (PARSER = "default");
CREATE LANGUAGE mine HANDLER plpgsql_call_handler;
CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler;
CREATE TYPE shell;
SQL
sql_file values values.sql

it "reads types"
catalog values qualified
expect_facts <<'FACTS'
type	public.mood	labels	'sad'\n'o''k'\nE'new\\nline'\nE'back\\\\slash'\nE'both\\\\\\n'''
type	public.mood	grants	"r ""x"\tUSAGE\tgrant option\nCURRENT_OWNER\tUSAGE\t
type	public.nothing	list	
domain	public.dom	type	character varying(20)
domain	public.dom	collation	"C"
domain	public.dom	not_null	NOT NULL
domain	public.dom	default	'x'::character varying
domain constraint	public.dom.filled	definition	CHECK (((VALUE)::text <> ''::text))
domain constraint	public.dom.filled	part of	domain public.dom
domain constraint	public.dom.late	not_valid	NOT VALID
attribute	public.comp.b	collation	"C"
attribute	public.comp.m	type	public.mood[]
attribute	public.comp.m	needs	type public.mood
attribute	public.comp.d	needs	domain public.dom
range type	public.times	options	SUBTYPE = time without time zone, SUBTYPE_DIFF = public.apart, MULTIRANGE_TYPE_NAME = public.timesmultirange
range type	public.times	needs	function public.apart(time without time zone, time without time zone)
range type	public.texts	options	SUBTYPE = text, SUBTYPE_OPCLASS = text_pattern_ops, COLLATION = "C"
collation	public.blind	definition	PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false
column	public.t.m	needs	type public.mood
column	public.t.c	needs	composite type public.comp
column	public.t.r	needs	range type public.times
column	public.t.h	needs	extension hstore
column	public.t.co	needs	collation public.blind
extension	hstore	schema	public
FACTS

it "takes what a type or an extension brings with it for a piece of that"
expect_no_fact '^(function|aggregate)\tpublic\.(times|texts|hstore|akeys)|^unmodelled\t.*(times|texts|hstore|\[\])'

it "reads routines"
expect_facts <<'FACTS'
function	public.f(integer, public.mood[])	address	public.f(integer,public.mood[])
function	public.f(integer, public.mood[])	arguments	a integer, VARIADIC b public.mood[] DEFAULT '{}'::public.mood[], OUT x integer
function	public.f(integer, public.mood[])	result	integer
function	public.f(integer, public.mood[])	security_definer	SECURITY DEFINER
function	public.f(integer, public.mood[])	config	search_path=public, pg_temp
function	public.f(integer, public.mood[])	definition	(a integer, VARIADIC b public.mood[] DEFAULT '{}'::public.mood[], OUT x integer)\n RETURNS integer\n LANGUAGE sql\n SECURITY DEFINER\n SET search_path TO 'public', 'pg_temp'\nAS $function$SELECT 1$function$
function	public.whole()	needs	column public.t.id
function	public.p(integer)	words	PROCEDURE
function	public.p(integer)	definition	(IN a integer, OUT b integer)\n LANGUAGE plpgsql\nAS $procedure$BEGIN b := 1; END$procedure$
aggregate	public.total(integer)	definition	SFUNC = public.add, STYPE = integer, SSPACE = 100, COMBINEFUNC = int4pl, INITCOND = '0', MSFUNC = public.add, MINVFUNC = public.take, MSTYPE = integer, MINITCOND = '0', SORTOP = OPERATOR(<), PARALLEL = SAFE
aggregate	public.total(integer)	needs	function public.add(integer, integer)
aggregate	public.median(double precision, anyelement)	arguments	double precision ORDER BY anyelement
aggregate	public.median(double precision, anyelement)	kind	ordered-set aggregate
event trigger	told	tags	'CREATE TABLE', 'DROP TABLE'
event trigger	told	enabled	ENABLE ALWAYS
event trigger	told	needs	function public.told()
FACTS

it "reads foreign data, and no secret of it"
expect_facts <<'FACTS'
foreign-data wrapper	w	options	"Odd name" 'it''s'\ndebug E'two\\nlines'
server	s	options	"Api_Key" ?\nhost 'h'
server	s	needs	foreign-data wrapper w
user mapping	"r ""x" on s	option_list	password ?, "user" 'u'
user mapping	"r ""x" on s	needs	server s
foreign table	public.ft	options	table_name 'tt'
foreign table	public.ft	needs	server s
column	public.ft.a	needs	type public.mood
FACTS
expect_no_fact hunter2

it "reads publications, subscriptions and default privileges"
expect_facts <<'FACTS'
publication	everything	all_tables	ALL TABLES
publication	several	publish	'insert'
publication	several	via_root	true
publication member	several.public.t	target	TABLE ONLY public.t
publication member	several.public.t	columns	(id, m)
publication member	several.public.t	filter	(id > 0)
publication member	several.public.t	part of	table public.t
publication member	several.public.t	needs	column public.t.m
publication member	audited.audit	address	TABLES IN SCHEMA audit
publication member	audited.audit	part of	schema audit
subscription	sub	publications	several
default privileges	FOR ROLE app IN SCHEMA audit ON TABLES	grants	"r ""x"\tSELECT\tgrant option
default privileges	FOR ROLE app ON FUNCTIONS	beginning	CURRENT_OWNER\tEXECUTE\t\nPUBLIC\tEXECUTE\t
default privileges	FOR ROLE app ON FUNCTIONS	grants	CURRENT_OWNER\tEXECUTE\t
FACTS

it "names what it does not model, with what it needs"
expect_facts <<'FACTS'
unmodelled	cast (public.mood AS integer)	definition	WITH FUNCTION public.to_int(public.mood) AS ASSIGNMENT
unmodelled	cast (public.mood AS integer)	needs	type public.mood
unmodelled	operator audit.<<<(public.comp, public.comp)	needs	function public.less(public.comp, public.comp)
unmodelled	operator class public.comps USING btree	definition	FOR TYPE public.comp FAMILY public.comps
unmodelled	operator family public.comps USING btree	definition	FUNCTION 1 (public.comp, public.comp) public.compared(public.comp,public.comp)\nOPERATOR 1 audit.<<<(public.comp,public.comp)
index	public.t_c_idx	needs	unmodelled operator class public.comps USING btree
unmodelled	conversion public.conv	definition	LATIN1 TO UTF8 FROM iso8859_1_to_utf8(integer,integer,cstring,internal,integer,boolean)
unmodelled	text search configuration public.words	definition	PARSER "default"
unmodelled	language mine	definition	 HANDLER plpgsql_call_handler()
unmodelled	access method pile	definition	TABLE HANDLER heap_tableam_handler(internal)
unmodelled	shell type public.shell	address	shell type public.shell
FACTS

it "prints a function's name without its schema, too, where it has namesakes"
catalog values relative
expect_facts <<'FACTS'
aggregate	public.total(integer)	definition	SFUNC = add, STYPE = integer, SSPACE = 100, COMBINEFUNC = int4pl, INITCOND = '0', MSFUNC = add, MINVFUNC = take, MSTYPE = integer, MINITCOND = '0', SORTOP = OPERATOR(<), PARALLEL = SAFE
range type	public.times	options	SUBTYPE = time without time zone, SUBTYPE_DIFF = apart, MULTIRANGE_TYPE_NAME = timesmultirange
FACTS

# ------------------------------------------------------------------------------------------------------------ rights

it "wants no right but to connect, and says what it could not see"
pg_sql values "CREATE ROLE nobody LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON DATABASE values FROM PUBLIC;
    GRANT CONNECT ON DATABASE values TO nobody"
catalog values qualified
grep -v '^lock' "$T/out" >all
run "$BUILD_DIR/tests/peer_catalog" "postgresql://nobody@127.0.0.1:$PG_PORT/values" qualified
expect_exit 0
sed 's/^\(user mapping\t[^\t]*\toption[a-z_]*\t\).*/\1?/' all >expected
expect_equal "$(grep -v '^lock' "$T/out" | diff expected -)" ""
expect_facts <<'FACTS'
user mapping	"r ""x" on s	options	?
FACTS
