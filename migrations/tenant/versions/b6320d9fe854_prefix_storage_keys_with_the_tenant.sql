-- Revision: b6320d9fe854
-- Revises: 04c7fb1e6a90
-- Message: prefix storage keys with the tenant
-- Created: 2026-06-22 14:15:00+07:00

-- migrate:up postgresql
-- Documents move into one bucket for all tenants. A document that the new release stored has the prefix already.
UPDATE documents
SET storage_key = current_setting('migrate.tenant_id') || '/' || storage_key
WHERE left(storage_key, length(current_setting('migrate.tenant_id')) + 1)
      <> current_setting('migrate.tenant_id') || '/';

-- migrate:up sqlite
-- Documents move into one bucket for all tenants. A document that the new release stored has the prefix already.
UPDATE documents
SET storage_key = migrate_setting('tenant_id') || '/' || storage_key
WHERE substr(storage_key, 1, length(migrate_setting('tenant_id')) + 1)
      <> migrate_setting('tenant_id') || '/';

-- migrate:down postgresql
UPDATE documents
SET storage_key = substr(storage_key, length(current_setting('migrate.tenant_id')) + 2)
WHERE left(storage_key, length(current_setting('migrate.tenant_id')) + 1)
      = current_setting('migrate.tenant_id') || '/';

-- migrate:down sqlite
UPDATE documents
SET storage_key = substr(storage_key, length(migrate_setting('tenant_id')) + 2)
WHERE substr(storage_key, 1, length(migrate_setting('tenant_id')) + 1)
      = migrate_setting('tenant_id') || '/';
