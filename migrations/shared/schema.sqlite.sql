-- The shared database as it should be, on SQLite: who may sign in, and which tenants exist.
-- Change it here, then: migrate-gen shared revision --autogenerate -m "what changed"

CREATE TABLE users (
    user_id      text NOT NULL DEFAULT (lower(hex(randomblob(16)))) PRIMARY KEY,
    email        text NOT NULL,
    display_name text NOT NULL,
    created_at   text NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- database_url is null for a tenant that lives where the deployment's template says.
CREATE TABLE tenants (
    tenant_id    text NOT NULL PRIMARY KEY,
    name         text NOT NULL,
    database_url text,
    created_at   text NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT tenants_tenant_id_check CHECK (tenant_id <> '')
);

CREATE TABLE memberships (
    tenant_id  text NOT NULL REFERENCES tenants ON DELETE CASCADE,
    user_id    text NOT NULL REFERENCES users ON DELETE CASCADE,
    role       text NOT NULL DEFAULT 'viewer'
               CONSTRAINT memberships_role_check CHECK (role IN ('owner', 'editor', 'viewer')),
    created_at text NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX memberships_user_id_idx ON memberships (user_id);

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

-- No foreign keys: an entry outlives the user and the tenant that it names.
CREATE TABLE audit_log (
    audit_id   integer NOT NULL PRIMARY KEY,
    tenant_id  text,
    user_id    text,
    action     text    NOT NULL,
    detail     text    NOT NULL DEFAULT '{}'
               CONSTRAINT audit_log_detail_check CHECK (json_valid(detail)),
    created_at text    NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX audit_log_tenant_id_idx ON audit_log (tenant_id, created_at);

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
