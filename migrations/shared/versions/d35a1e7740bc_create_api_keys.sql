-- Revision: d35a1e7740bc
-- Revises: 0f9b62d8c7a3
-- Message: create api keys
-- Created: 2026-05-18 11:47:00+07:00

-- migrate:up postgresql
-- Only a digest is kept; key_prefix is what the owner sees in a list.
CREATE TABLE api_keys (
    api_key_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  text        NOT NULL REFERENCES tenants ON DELETE CASCADE,
    created_by uuid        REFERENCES users ON DELETE SET NULL,
    key_prefix text        NOT NULL,
    key_digest bytea       NOT NULL CONSTRAINT api_keys_key_digest_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX api_keys_active_idx ON api_keys (tenant_id) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_created_by_idx ON api_keys (created_by);

-- migrate:up sqlite
-- Only a digest is kept; key_prefix is what the owner sees in a list.
CREATE TABLE api_keys (
    api_key_id integer NOT NULL PRIMARY KEY,
    tenant_id  text    NOT NULL REFERENCES tenants ON DELETE CASCADE,
    created_by text    REFERENCES users ON DELETE SET NULL,
    key_prefix text    NOT NULL,
    key_digest blob    NOT NULL CONSTRAINT api_keys_key_digest_key UNIQUE,
    created_at text    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    revoked_at text
);
CREATE INDEX api_keys_active_idx ON api_keys (tenant_id) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_created_by_idx ON api_keys (created_by);

-- migrate:down
DROP TABLE api_keys;
