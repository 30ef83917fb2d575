-- renamed from: a
CREATE TABLE "s"."T" ( -- renamed from: "b c"
  a int, -- using: a::int
  b text NOT NULL -- backfill: 'x'
    CONSTRAINT c CHECK (b <> ''), -- renamed from: d
  PRIMARY KEY (a)
);
