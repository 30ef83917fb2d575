-- Revision: 9d17c4e5a0f2
-- Revises: b6320d9fe854
-- Message: check document sizes
-- Created: 2026-09-07 11:30:00+07:00

-- migrate:up postgresql
-- NOT VALID holds for new rows at once and scans nothing; the next revision looks at the old ones.
ALTER TABLE documents
    ADD CONSTRAINT documents_size_bytes_check CHECK (size_bytes >= 0) NOT VALID;

-- migrate:up sqlite
-- SQLite cannot add a constraint to a table, so the table is built anew: create, copy, drop, rename, in this
-- order. Indexes and triggers go with the old table and are made again.
CREATE TABLE documents_new (
    document_id integer NOT NULL PRIMARY KEY,
    profile_id  integer NOT NULL REFERENCES profiles ON DELETE CASCADE,
    title       text    NOT NULL,
    status      text    NOT NULL DEFAULT 'draft'
                CONSTRAINT documents_status_check CHECK (status IN ('draft', 'published', 'archived')),
    storage_key text    NOT NULL,
    size_bytes  integer NOT NULL DEFAULT 0
                CONSTRAINT documents_size_bytes_check CHECK (size_bytes >= 0),
    created_at  text    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  text    NOT NULL DEFAULT CURRENT_TIMESTAMP
);

INSERT INTO documents_new
    (document_id, profile_id, title, status, storage_key, size_bytes, created_at, updated_at)
SELECT document_id, profile_id, title, status, storage_key, max(size_bytes, 0), created_at, updated_at
FROM documents;

DROP TABLE documents;

ALTER TABLE documents_new RENAME TO documents;

CREATE INDEX documents_profile_id_idx ON documents (profile_id);

CREATE INDEX documents_status_idx ON documents (status, updated_at DESC);

CREATE TRIGGER documents_set_updated_at
AFTER UPDATE OF profile_id, title, status ON documents
BEGIN
    UPDATE documents SET updated_at = CURRENT_TIMESTAMP WHERE document_id = NEW.document_id;
END;

-- migrate:down postgresql
ALTER TABLE documents DROP CONSTRAINT documents_size_bytes_check;

-- migrate:down sqlite
CREATE TABLE documents_new (
    document_id integer NOT NULL PRIMARY KEY,
    profile_id  integer NOT NULL REFERENCES profiles ON DELETE CASCADE,
    title       text    NOT NULL,
    status      text    NOT NULL DEFAULT 'draft'
                CONSTRAINT documents_status_check CHECK (status IN ('draft', 'published', 'archived')),
    storage_key text    NOT NULL,
    size_bytes  integer NOT NULL DEFAULT 0,
    created_at  text    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  text    NOT NULL DEFAULT CURRENT_TIMESTAMP
);

INSERT INTO documents_new
    (document_id, profile_id, title, status, storage_key, size_bytes, created_at, updated_at)
SELECT document_id, profile_id, title, status, storage_key, size_bytes, created_at, updated_at
FROM documents;

DROP TABLE documents;

ALTER TABLE documents_new RENAME TO documents;

CREATE INDEX documents_profile_id_idx ON documents (profile_id);

CREATE INDEX documents_status_idx ON documents (status, updated_at DESC);

CREATE TRIGGER documents_set_updated_at
AFTER UPDATE OF profile_id, title, status ON documents
BEGIN
    UPDATE documents SET updated_at = CURRENT_TIMESTAMP WHERE document_id = NEW.document_id;
END;
