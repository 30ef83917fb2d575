-- The shared database as it should be, on PostgreSQL: who may sign in, and which tenants exist.
-- Change it here, then: migrate-gen shared revision --autogenerate -m "what changed"

CREATE TABLE users (
    user_id      uuid        NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    email        text        NOT NULL,
    display_name text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- database_url is null for a tenant that lives where the deployment's template says.
CREATE TABLE tenants (
    tenant_id    text        NOT NULL PRIMARY KEY,
    name         text        NOT NULL,
    database_url text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_tenant_id_check CHECK (tenant_id <> '')
);

CREATE TYPE membership_role AS ENUM ('owner', 'editor', 'viewer');

CREATE TABLE memberships (
    tenant_id  text            NOT NULL REFERENCES tenants ON DELETE CASCADE,
    user_id    uuid            NOT NULL REFERENCES users ON DELETE CASCADE,
    role       membership_role NOT NULL DEFAULT 'viewer',
    created_at timestamptz     NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX memberships_user_id_idx ON memberships (user_id);

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

-- No foreign keys: an entry outlives the user and the tenant that it names.
CREATE TABLE audit_log (
    audit_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  text,
    user_id    uuid,
    action     text        NOT NULL,
    detail     jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_log_tenant_id_idx ON audit_log (tenant_id, created_at);

CREATE FUNCTION audit_log_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only';
END;
$$;

CREATE TRIGGER audit_log_append_only
    BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_refuse_change();
