-- Revision: a81e37c5d204
-- Revises: 6c2f0d9b41e8
-- Message: create tenants
-- Created: 2026-03-02 10:02:00+07:00

-- migrate:up postgresql
-- database_url is null for a tenant that lives where the deployment's template says.
CREATE TABLE tenants (
    tenant_id    text        NOT NULL PRIMARY KEY,
    name         text        NOT NULL,
    database_url text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_tenant_id_check CHECK (tenant_id <> '')
);

-- migrate:up sqlite
-- database_url is null for a tenant that lives where the deployment's template says.
CREATE TABLE tenants (
    tenant_id    text NOT NULL PRIMARY KEY,
    name         text NOT NULL,
    database_url text,
    created_at   text NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT tenants_tenant_id_check CHECK (tenant_id <> '')
);

-- migrate:down
DROP TABLE tenants;
