-- Revision: c70f5d82a61e
-- Revises: 3a9d4e10c2b8
-- Message: create tags
-- Created: 2026-03-16 10:25:00+07:00

-- migrate:up
CREATE TABLE tags (
    name text NOT NULL PRIMARY KEY
);

CREATE TABLE document_tags (
    document_id bigint NOT NULL REFERENCES documents ON DELETE CASCADE,
    tag         text   NOT NULL REFERENCES tags ON UPDATE CASCADE ON DELETE CASCADE,
    PRIMARY KEY (document_id, tag)
);
CREATE INDEX document_tags_tag_idx ON document_tags (tag);

-- migrate:down
DROP TABLE document_tags;
DROP TABLE tags;
