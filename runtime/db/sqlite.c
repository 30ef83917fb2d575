/*
 * SQLite: the backend's table of functions.
 *
 * A revision is one transaction: BEGIN IMMEDIATE, the version rows compared with those that were planned from, the body
 * statement by statement, version rows, log rows, COMMIT. SQLite's journal makes that exact under kill -9. Beside SQLite's
 * own locks there is a migration lock on the file (sqlite_lock.c), for work that spans several transactions.
 */
#include "db/sqlite.h"

const struct db_backend db_sqlite = {
    .dialect = DIALECT_SQLITE,
    .open = sqlite_open,
    .close = sqlite_close,
    .read_state = sqlite_read_state,
    .read_log = sqlite_read_log,
    .apply = sqlite_apply,
    .lock_free = sqlite_lock_free,
    .session_lock = sqlite_session_lock,
    .session_unlock = sqlite_session_unlock,
    .run_statement = sqlite_run_statement,
    .append_log = sqlite_append_log,
    .run_batch = sqlite_run_batch,
    .index_state = sqlite_index_state,
    .drop_index = sqlite_drop_index,
    .invalid_indexes = sqlite_invalid_indexes,
    .ensure_version = sqlite_ensure_version,
    .query = sqlite_query,
    .read_many = sqlite_read_many,
    .write = sqlite_write,
    .locate = sqlite_locate,
};
