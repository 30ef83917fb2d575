-- Revision: 2b84f6c0e91d
-- Revises: d35a1e7740bc
-- Message: create audit log
-- Created: 2026-08-24 16:20:00+07:00

-- migrate:up postgresql
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

-- migrate:up sqlite
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

-- migrate:down postgresql
DROP TABLE audit_log;
DROP FUNCTION audit_log_refuse_change();

-- migrate:down sqlite
DROP TABLE audit_log;
