-- Revision: 0f9b62d8c7a3
-- Revises: a81e37c5d204
-- Message: create memberships
-- Created: 2026-03-09 15:30:00+07:00

-- migrate:up postgresql
CREATE TYPE membership_role AS ENUM ('owner', 'editor', 'viewer');

CREATE TABLE memberships (
    tenant_id  text            NOT NULL REFERENCES tenants ON DELETE CASCADE,
    user_id    uuid            NOT NULL REFERENCES users ON DELETE CASCADE,
    role       membership_role NOT NULL DEFAULT 'viewer',
    created_at timestamptz     NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX memberships_user_id_idx ON memberships (user_id);

-- migrate:up sqlite
CREATE TABLE memberships (
    tenant_id  text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    user_id    text NOT NULL REFERENCES users ON DELETE CASCADE,
    role       text NOT NULL DEFAULT 'viewer'
               CONSTRAINT memberships_role_check CHECK (role IN ('owner', 'editor', 'viewer')),
    created_at text NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX memberships_user_id_idx ON memberships (user_id);

-- migrate:down postgresql
DROP TABLE memberships;
DROP TYPE membership_role;

-- migrate:down sqlite
DROP TABLE memberships;
