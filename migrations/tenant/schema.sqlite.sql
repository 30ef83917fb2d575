-- A tenant's database as it should be, on SQLite: its profiles, documents and invoices.
-- Change it here, then: migrate-gen tenant revision --autogenerate -m "what changed"

-- user_id is a row of the shared database, so no foreign key can say so; its memberships tell who may edit.
CREATE TABLE profiles (
    profile_id   integer NOT NULL PRIMARY KEY,
    handle       text    NOT NULL CONSTRAINT profiles_handle_key UNIQUE,
    display_name text    NOT NULL,
    bio          text    NOT NULL DEFAULT '',
    created_at   text    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at   text    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    user_id      text
);

CREATE TABLE documents (
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
CREATE INDEX documents_profile_id_idx ON documents (profile_id);
CREATE INDEX documents_status_idx ON documents (status, updated_at DESC);

CREATE TABLE tags (
    name text NOT NULL PRIMARY KEY
);

CREATE TABLE document_tags (
    document_id bigint NOT NULL REFERENCES documents ON DELETE CASCADE,
    tag         text   NOT NULL REFERENCES tags ON UPDATE CASCADE ON DELETE CASCADE,
    PRIMARY KEY (document_id, tag)
);
CREATE INDEX document_tags_tag_idx ON document_tags (tag);

CREATE TABLE billing_accounts (
    billing_account_id integer NOT NULL PRIMARY KEY,
    profile_id         integer NOT NULL CONSTRAINT billing_accounts_profile_id_key UNIQUE
                               REFERENCES profiles ON DELETE RESTRICT,
    currency           text    NOT NULL DEFAULT 'VND',
    created_at         text    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT billing_accounts_currency_check CHECK (length(currency) = 3)
);

-- document_id is the printed invoice.
CREATE TABLE invoices (
    invoice_id         integer        NOT NULL PRIMARY KEY,
    billing_account_id integer        NOT NULL REFERENCES billing_accounts ON DELETE RESTRICT,
    document_id        integer        REFERENCES documents ON DELETE SET NULL,
    amount             numeric(18, 2) NOT NULL CONSTRAINT invoices_amount_check CHECK (amount >= 0),
    issued_at          text           NOT NULL DEFAULT CURRENT_TIMESTAMP,
    paid_at            text
);
CREATE INDEX invoices_billing_account_id_idx ON invoices (billing_account_id);
CREATE INDEX invoices_document_id_idx ON invoices (document_id);

-- The columns are listed so that a data migration of another column leaves updated_at alone,
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
