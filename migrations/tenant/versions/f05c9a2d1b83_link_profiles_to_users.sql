-- Revision: f05c9a2d1b83
-- Revises: 41f8e0b37d6c
-- Message: link profiles to users
-- Created: 2026-11-16 15:45:00+07:00
-- Requires: shared@0f9b62d8c7a3

-- migrate:up postgresql
-- The user is a row of the shared database, so no foreign key can say so; its memberships tell who may edit.
ALTER TABLE profiles ADD COLUMN user_id uuid;

-- migrate:up sqlite
-- The user is a row of the shared database, so no foreign key can say so; its memberships tell who may edit.
ALTER TABLE profiles ADD COLUMN user_id text;

-- migrate:down
ALTER TABLE profiles DROP COLUMN user_id;
