--- pair primary key: added, dropped, of other columns
--- from
CREATE TABLE t (a integer PRIMARY KEY, b integer NOT NULL);
CREATE TABLE u (a integer NOT NULL);
CREATE TABLE v (a integer, b integer, PRIMARY KEY (a, b));
--- to
CREATE TABLE t (a integer NOT NULL, b integer PRIMARY KEY);
CREATE TABLE u (a integer, CONSTRAINT u_is_keyed PRIMARY KEY (a) INCLUDE (a));
CREATE TABLE v (a integer NOT NULL, b integer NOT NULL);

--- pair primary key: foreign keys that need it survive its replacement
--- from
CREATE TABLE p (a integer NOT NULL, b integer NOT NULL, PRIMARY KEY (a), UNIQUE (b));
CREATE TABLE c (a integer REFERENCES p (a), b integer REFERENCES p (b));
COMMENT ON CONSTRAINT c_a_fkey ON c IS 'kept';
--- to
CREATE TABLE p (a integer NOT NULL, b integer NOT NULL, CONSTRAINT p_other PRIMARY KEY (a) WITH (fillfactor = 50), UNIQUE (b));
CREATE TABLE c (a integer REFERENCES p (a), b integer REFERENCES p (b));
COMMENT ON CONSTRAINT c_a_fkey ON c IS 'kept';

--- pair unique: several columns, NULLS NOT DISTINCT, deferrable
--- from
CREATE TABLE t (a integer, b integer, UNIQUE (a), CONSTRAINT t_b UNIQUE (b));
--- to
CREATE TABLE t (a integer, b integer, UNIQUE (a, b), CONSTRAINT t_b UNIQUE NULLS NOT DISTINCT (b), UNIQUE (b, a) DEFERRABLE INITIALLY DEFERRED);

--- pair unique: a constraint becomes an index and back
--- from
CREATE TABLE t (a integer, CONSTRAINT t_a_key UNIQUE (a));
--- to
CREATE TABLE t (a integer);
CREATE UNIQUE INDEX t_a_key ON t (a);

--- pair foreign key: every option
--- base
CREATE TABLE p (id integer PRIMARY KEY, a integer, b integer, UNIQUE (a, b));
--- from
CREATE TABLE c (
    id integer,
    w  integer REFERENCES p,
    x  integer REFERENCES p ON DELETE CASCADE,
    y  integer REFERENCES p DEFERRABLE INITIALLY DEFERRED,
    z  integer,
    FOREIGN KEY (x, y) REFERENCES p (a, b) MATCH FULL
);
--- to
CREATE TABLE c (
    id integer,
    w  integer REFERENCES p ON UPDATE CASCADE ON DELETE SET NULL,
    x  integer REFERENCES p ON DELETE RESTRICT,
    y  integer REFERENCES p DEFERRABLE,
    z  integer REFERENCES p,
    FOREIGN KEY (x, y) REFERENCES p (a, b) ON DELETE SET NULL (x)
);

--- pair foreign key: another table
--- from
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE c (p_id integer REFERENCES p);
--- to
CREATE TABLE q (id integer PRIMARY KEY);
CREATE TABLE c (p_id integer REFERENCES q);

--- pair foreign key: not enforced by its triggers
--- from
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE c (p_id integer, q_id integer, CONSTRAINT late FOREIGN KEY (p_id) REFERENCES p);
--- to
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE c (p_id integer, q_id integer, CONSTRAINT late FOREIGN KEY (p_id) REFERENCES p INITIALLY DEFERRED);

--- pair NOT VALID: validated, and not any more
--- from
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE c (p_id integer, a integer);
ALTER TABLE c ADD CONSTRAINT c_fk FOREIGN KEY (p_id) REFERENCES p NOT VALID;
ALTER TABLE c ADD CONSTRAINT c_check CHECK (a > 0) NOT VALID;
--- to
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE c (p_id integer, a integer);
ALTER TABLE c ADD CONSTRAINT c_fk FOREIGN KEY (p_id) REFERENCES p;
ALTER TABLE c ADD CONSTRAINT c_check CHECK (a > 0);
--- forward has VALIDATE CONSTRAINT

--- pair NOT VALID: a new table with such constraints
--- from
CREATE TABLE p (id integer PRIMARY KEY);
--- to
CREATE TABLE p (id integer PRIMARY KEY);
CREATE TABLE c (p_id integer, a integer);
ALTER TABLE c ADD CONSTRAINT c_fk FOREIGN KEY (p_id) REFERENCES p NOT VALID;
ALTER TABLE c ADD CONSTRAINT c_check CHECK (a > 0) NOT VALID;

--- pair check: text, NO INHERIT, comment
--- from
CREATE TABLE t (a integer, b integer, CONSTRAINT one CHECK (a > 0), CONSTRAINT two CHECK (b > 0) NO INHERIT, CHECK (a <> b));
COMMENT ON CONSTRAINT one ON t IS 'kept';
--- to
CREATE TABLE t (a integer, b integer, CONSTRAINT one CHECK (a > 0 AND a < 100), CONSTRAINT two CHECK (b > 0), CHECK (a IN (1, 2, 3)));
COMMENT ON CONSTRAINT one ON t IS 'kept';

--- pair check: of a function
--- from
CREATE TABLE t (a integer);
--- to
CREATE FUNCTION fine(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE TABLE t (a integer CONSTRAINT is_fine CHECK (fine(a)));

--- pair exclusion: added, changed, dropped
--- from
CREATE TABLE t (during tsrange, EXCLUDE USING gist (during WITH &&));
CREATE TABLE u (during tsrange);
--- to
CREATE TABLE t (during tsrange, EXCLUDE USING gist (during WITH &&) WHERE (NOT isempty(during)));
CREATE TABLE u (during tsrange, CONSTRAINT alone EXCLUDE USING gist (during WITH &&) DEFERRABLE);

--- pair renamed constraints: by hints
--- from
CREATE TABLE p (id integer CONSTRAINT old_key PRIMARY KEY);
CREATE TABLE t (
    a integer,
    -- renamed from: new_check
    CONSTRAINT old_check CHECK (a > 0),
    -- renamed from: new_fk
    CONSTRAINT old_fk FOREIGN KEY (a) REFERENCES p
);
--- to
CREATE TABLE p (id integer
    CONSTRAINT old_key PRIMARY KEY);
CREATE TABLE t (
    a integer,
    -- renamed from: old_check
    CONSTRAINT new_check CHECK (a > 0),
    -- renamed from: old_fk
    CONSTRAINT new_fk FOREIGN KEY (a) REFERENCES p
);
--- forward has RENAME CONSTRAINT
--- forward lacks DROP
--- back lacks DROP

--- pair index: every option
--- from
CREATE TABLE t (a integer, b text, c jsonb, d circle);
CREATE INDEX i1 ON t (a);
CREATE INDEX i2 ON t (b);
CREATE INDEX i3 ON t (a, b);
CREATE INDEX i4 ON t USING hash (b);
CREATE INDEX i5 ON t ((a * 2));
CREATE INDEX gone ON t (a, b) WHERE a > 0;
--- to
CREATE TABLE t (a integer, b text, c jsonb, d circle);
CREATE INDEX i1 ON t (a DESC NULLS LAST);
CREATE INDEX i2 ON t (b COLLATE "C" text_pattern_ops);
CREATE INDEX i3 ON t (a) INCLUDE (b);
CREATE INDEX i4 ON t USING btree (lower(b)) WHERE a IS NOT NULL;
CREATE INDEX i5 ON t ((a * 3));
ALTER INDEX i5 ALTER COLUMN 1 SET STATISTICS 200;
CREATE INDEX made ON t USING gin (c jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX spatial ON t USING gist (d);
CREATE INDEX brin ON t USING brin (a) WITH (pages_per_range = 16);
CREATE UNIQUE INDEX nulls ON t (a, b) NULLS NOT DISTINCT;
