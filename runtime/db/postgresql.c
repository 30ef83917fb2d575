/* PostgreSQL as a backend: the functions of db.h, one to one. What each does stands in the file that holds it. */
#include "db/postgresql.h"

const struct db_backend db_postgresql = {
    .dialect = DIALECT_POSTGRESQL,
    .open = postgresql_open,
    .close = postgresql_close,
    .server_major = postgresql_server_major,
    .read_state = postgresql_read_state,
    .read_log = postgresql_read_log,
    .apply = postgresql_apply,
    .lock_free = postgresql_lock_free,
    .session_lock = postgresql_session_lock,
    .session_unlock = postgresql_session_unlock,
    .run_statement = postgresql_run_statement,
    .append_log = postgresql_append_log,
    .run_batch = postgresql_run_batch,
    .index_state = postgresql_index_state,
    .drop_index = postgresql_drop_index,
    .invalid_indexes = postgresql_invalid_indexes,
    .ensure_version = postgresql_ensure_version,
    .query = postgresql_query,
    .read_many = postgresql_read_many,
    .write = postgresql_write,
    .locate = postgresql_locate,
};
