-- Revision: e2d8943b7c15
-- Revises: 19be6a3f8d42
-- Message: index documents by status
-- Created: 2026-05-11 08:55:00+07:00

-- migrate:up postgresql transaction:false
CREATE INDEX CONCURRENTLY documents_status_idx ON documents (status, updated_at DESC);

-- migrate:up sqlite
CREATE INDEX documents_status_idx ON documents (status, updated_at DESC);

-- migrate:down postgresql transaction:false
DROP INDEX CONCURRENTLY documents_status_idx;

-- migrate:down sqlite
DROP INDEX documents_status_idx;
