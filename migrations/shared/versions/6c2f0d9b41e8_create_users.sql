-- Revision: 6c2f0d9b41e8
-- Revises:
-- Message: create users
-- Created: 2026-03-02 09:14:00+07:00

-- migrate:up postgresql
CREATE TABLE users (
    user_id      uuid        NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    email        text        NOT NULL,
    display_name text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- migrate:up sqlite
CREATE TABLE users (
    user_id      text NOT NULL DEFAULT (lower(hex(randomblob(16)))) PRIMARY KEY,
    email        text NOT NULL,
    display_name text NOT NULL,
    created_at   text NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- migrate:down
DROP TABLE users;
