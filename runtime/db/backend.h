/*
 * What an engine implements: db.h's functions, one to one. db.c dispatches; nothing else includes this header but the
 * backends. A backend's own struct begins with struct db.
 */
#ifndef DB_BACKEND_H
#define DB_BACKEND_H

#include "db/db.h"

struct db_backend {
    enum dialect dialect;
    bool (*open)(struct db **out, const struct address *where, const struct db_options *options, struct err *e);
    void (*close)(struct db *db);
    unsigned (*server_major)(const struct db *db); /* NULL: there is no server */
    bool (*read_state)(struct db *db, struct arena *a, struct db_state *out, struct err *e);
    bool (*read_log)(struct db *db, struct arena *a, const char *stream, int64_t newest, struct log_list *out,
                     struct err *e);
    bool (*apply)(struct db *db, const struct db_step *steps, size_t n, bool together, size_t *done, struct err *e);
    bool (*lock_free)(struct db *db, bool *is_free, struct buf *holder, struct err *e);
    bool (*session_lock)(struct db *db, struct err *e);
    void (*session_unlock)(struct db *db);
    bool (*run_statement)(struct db *db, const struct db_step *step, size_t statement, const struct log_entry *progress,
                          struct err *e);
    bool (*append_log)(struct db *db, const struct log_entry *entries, size_t n, struct err *e);
    bool (*run_batch)(struct db *db, const struct db_step *step, const struct log_entry *progress, int64_t *touched,
                      struct err *e);
    bool (*index_state)(struct db *db, const char *schema, const char *index, const char *table, enum index_state *out,
                        struct err *e);
    bool (*drop_index)(struct db *db, const char *schema, const char *index, struct err *e);
    bool (*invalid_indexes)(struct db *db, struct arena *a, struct strings *out, struct err *e);
    bool (*ensure_version)(struct db *db, struct err *e);
    bool (*query)(struct db *db, const char *sql, bool (*row)(void *, const struct db_row *, struct err *),
                  void *context, struct err *e);
    bool (*read_many)(struct db *db, const char *const *sql, size_t n,
                      bool (*row)(void *, size_t, const struct db_row *, struct err *), void *to, struct err *e);
    bool (*write)(struct db *db, const char *sql, struct err *e);
    void (*locate)(const struct address *where, struct buf *server, struct buf *database);
};

struct db {
    const struct db_backend *backend;
    struct db_options options;
    bool see_end; /* db_close_seen() */
};

extern const struct db_backend db_postgresql;
extern const struct db_backend db_sqlite;

/*
 * Shared by the backends (errors.c). Sets path:line:column of `e` for a place in a section: `statement` is the index of
 * the failing statement or SIZE_MAX, `characters` the server's 1-based position in characters counted from the body's
 * start, 0 when unknown (then the statement's first token is shown).
 */
void db_error_at(struct err *e, const struct revision *revision, const struct revision_section *section,
                 size_t statement, size_t characters);
/* The body of a section, and the text of one of its statements. */
struct str db_section_text(const struct revision *revision, const struct revision_section *section);
struct str db_statement_text(const struct revision *revision, const struct revision_section *section, size_t statement);

#endif
