-- Revision: 19be6a3f8d42
-- Revises: c70f5d82a61e
-- Message: keep updated_at current
-- Created: 2026-04-06 13:10:00+07:00

-- migrate:up postgresql
-- The columns are listed so that a later data migration of another column leaves updated_at alone.
CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;

CREATE TRIGGER profiles_set_updated_at
    BEFORE UPDATE OF handle, display_name, bio ON profiles
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TRIGGER documents_set_updated_at
    BEFORE UPDATE OF profile_id, title, status ON documents
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- migrate:up sqlite
-- The columns are listed so that a later data migration of another column leaves updated_at alone,
-- and so that a trigger's own UPDATE does not fire it again.
CREATE TRIGGER profiles_set_updated_at
AFTER UPDATE OF handle, display_name, bio ON profiles
BEGIN
    UPDATE profiles SET updated_at = CURRENT_TIMESTAMP WHERE profile_id = NEW.profile_id;
END;

CREATE TRIGGER documents_set_updated_at
AFTER UPDATE OF profile_id, title, status ON documents
BEGIN
    UPDATE documents SET updated_at = CURRENT_TIMESTAMP WHERE document_id = NEW.document_id;
END;

-- migrate:down postgresql
DROP TRIGGER documents_set_updated_at ON documents;
DROP TRIGGER profiles_set_updated_at ON profiles;
DROP FUNCTION set_updated_at();

-- migrate:down sqlite
DROP TRIGGER documents_set_updated_at;
DROP TRIGGER profiles_set_updated_at;
