-- Revision: 04c7fb1e6a90
-- Revises: e2d8943b7c15, 5f1c0a2b9e77
-- Message: merge billing
-- Created: 2026-05-12 10:00:00+07:00

-- migrate:up

-- migrate:down
