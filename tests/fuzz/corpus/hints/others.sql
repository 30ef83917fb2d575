CREATE TYPE e AS ENUM ('a', -- renamed from: b
 'c'); /* renamed from: d */
ALTER TABLE t ADD CONSTRAINT c CHECK (true), -- rename from: x
  ADD COLUMN [y] int; CREATE INDEX ON t (a); -- renamed from: i
CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;
