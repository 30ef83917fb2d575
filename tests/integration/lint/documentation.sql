-- The statements of PostgreSQL's reference for ALTER TABLE and CREATE INDEX (version 15, section "Examples"), each behind
-- the rules that lint must find in it on tables that are in use: "-" is none. t_lint_documentation.sh runs them, in this
-- order and each on the tables below.

-- tables
CREATE TABLE addresses (address varchar(30) PRIMARY KEY);
CREATE TABLE distributors (dist_id bigint NOT NULL, name varchar(40), address varchar(30), street text, zipcode text,
    CONSTRAINT zipchk CHECK (char_length(zipcode) = 5));
CREATE TABLE measurements (id bigint PRIMARY KEY, mtime timestamptz);
CREATE TABLE transactions (id bigint PRIMARY KEY);
CREATE TABLE foo (foo_timestamp integer);
CREATE TABLE measurement (logdate date) PARTITION BY RANGE (logdate);
CREATE TABLE measurement_y2016m07 (logdate date);
CREATE TABLE measurement_y2015m12 PARTITION OF measurement FOR VALUES FROM ('2015-12-01') TO ('2016-01-01');
CREATE TABLE cities (name text) PARTITION BY LIST (name);
CREATE TABLE cities_ab (name text);
CREATE TABLE cities_partdef (name text);
CREATE TABLE orders (id bigint) PARTITION BY HASH (id);
CREATE TABLE orders_p4 (id bigint);
CREATE TABLE films (code text, title text, director text, rating text);
CREATE TABLE documents_table (locations tsvector);
CREATE TABLE points (location point);
CREATE TABLE sales_table (quantity integer);

-- expect: prefer-text
ALTER TABLE distributors ADD COLUMN city varchar(30);
-- expect: -
ALTER TABLE measurements ADD COLUMN seen timestamp with time zone DEFAULT now();
-- expect: prefer-text,trigger-lock
ALTER TABLE transactions ADD COLUMN status varchar(30) DEFAULT 'old', ALTER COLUMN status SET default 'current';
-- expect: drop-column
ALTER TABLE distributors DROP COLUMN address RESTRICT;
-- expect: -
ALTER TABLE distributors ALTER COLUMN address TYPE varchar(80), ALTER COLUMN name TYPE varchar(100);
-- expect: type-rewrite
ALTER TABLE foo ALTER COLUMN foo_timestamp SET DATA TYPE timestamp with time zone
    USING timestamp with time zone 'epoch' + foo_timestamp * interval '1 second';
-- expect: trigger-lock,type-rewrite
ALTER TABLE foo ALTER COLUMN foo_timestamp DROP DEFAULT, ALTER COLUMN foo_timestamp TYPE timestamp with time zone
    USING timestamp with time zone 'epoch' + foo_timestamp * interval '1 second', ALTER COLUMN foo_timestamp SET DEFAULT now();
-- expect: rename-column
ALTER TABLE distributors RENAME COLUMN address TO city;
-- expect: rename-table
ALTER TABLE distributors RENAME TO suppliers;
-- expect: -
ALTER TABLE distributors RENAME CONSTRAINT zipchk TO zip_check;
-- expect: not-null-scan
ALTER TABLE distributors ALTER COLUMN street SET NOT NULL;
-- expect: drop-not-null
ALTER TABLE distributors ALTER COLUMN dist_id DROP NOT NULL;
-- expect: check-not-valid
ALTER TABLE distributors ADD CONSTRAINT zip2 CHECK (char_length(zipcode) = 5);
-- expect: check-not-valid
ALTER TABLE distributors ADD CONSTRAINT zip2 CHECK (char_length(zipcode) = 5) NO INHERIT;
-- expect: trigger-lock
ALTER TABLE distributors DROP CONSTRAINT zipchk;
-- expect: trigger-lock
ALTER TABLE ONLY distributors DROP CONSTRAINT zipchk;
-- expect: fk-no-index,fk-not-valid
ALTER TABLE distributors ADD CONSTRAINT distfk FOREIGN KEY (address) REFERENCES addresses (address);
-- expect: fk-no-index
ALTER TABLE distributors ADD CONSTRAINT distfk FOREIGN KEY (address) REFERENCES addresses (address) NOT VALID;
-- expect: unique-direct
ALTER TABLE distributors ADD CONSTRAINT dist_id_zipcode_key UNIQUE (dist_id, zipcode);
-- expect: unique-direct
ALTER TABLE distributors ADD PRIMARY KEY (dist_id);
-- expect: full-rewrite-cmd
ALTER TABLE distributors SET TABLESPACE fasttablespace;
-- expect: rename-table
ALTER TABLE public.distributors SET SCHEMA yourschema;
-- expect: partition-attach-scan
ALTER TABLE measurement ATTACH PARTITION measurement_y2016m07 FOR VALUES FROM ('2016-07-01') TO ('2016-08-01');
-- expect: partition-attach-scan
ALTER TABLE cities ATTACH PARTITION cities_ab FOR VALUES IN ('a', 'b');
-- expect: partition-attach-scan
ALTER TABLE orders ATTACH PARTITION orders_p4 FOR VALUES WITH (MODULUS 4, REMAINDER 3);
-- expect: partition-attach-scan
ALTER TABLE cities ATTACH PARTITION cities_partdef DEFAULT;
-- expect: partition-detach
ALTER TABLE measurement DETACH PARTITION measurement_y2015m12;
-- expect: idx-not-concurrent
CREATE UNIQUE INDEX title_idx ON films (title);
-- expect: idx-not-concurrent
CREATE UNIQUE INDEX title_idx ON films (title) INCLUDE (director, rating);
-- expect: idx-not-concurrent
CREATE INDEX title_idx ON films (title) WITH (deduplicate_items = off);
-- expect: idx-not-concurrent
CREATE INDEX ON films ((lower(title)));
-- expect: idx-not-concurrent
CREATE INDEX title_idx_german ON films (title COLLATE "de_DE");
-- expect: idx-not-concurrent
CREATE INDEX title_idx_nulls_low ON films (title NULLS FIRST);
-- expect: idx-not-concurrent
CREATE UNIQUE INDEX title_idx ON films (title) WITH (fillfactor = 70);
-- expect: idx-not-concurrent
CREATE INDEX gin_idx ON documents_table USING GIN (locations) WITH (fastupdate = off);
-- expect: idx-not-concurrent
CREATE INDEX code_idx ON films (code) TABLESPACE indexspace;
-- expect: idx-not-concurrent
CREATE INDEX pointloc ON points USING gist (box(location,location));
-- expect: - outside of a transaction
CREATE INDEX CONCURRENTLY sales_quantity_index ON sales_table (quantity);
