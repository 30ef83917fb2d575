-- Revision: 41f8e0b37d6c
-- Revises: 9d17c4e5a0f2
-- Message: validate document sizes
-- Created: 2026-09-14 09:20:00+07:00

-- migrate:up postgresql statement_timeout:10min
UPDATE documents SET size_bytes = 0 WHERE size_bytes < 0;

ALTER TABLE documents VALIDATE CONSTRAINT documents_size_bytes_check;

-- migrate:up sqlite
-- Nothing to do: the table that 9d17c4e5a0f2 built checked every row as it was copied.

-- migrate:down postgresql
ALTER TABLE documents
    DROP CONSTRAINT documents_size_bytes_check,
    ADD CONSTRAINT documents_size_bytes_check CHECK (size_bytes >= 0) NOT VALID;

-- migrate:down sqlite
-- Nothing to undo.
