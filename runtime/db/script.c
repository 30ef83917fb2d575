/*
 * Offline scripts (`--sql`): the texts around the bodies, in Alembic's shape. Pure: nothing is connected to.
 *
 * A script changes version rows and runs bodies; it writes no log, since it cannot know what it will meet.
 */
#include <string.h>

#include "db/db.h"

void db_script_begin(struct buf *out, enum dialect dialect)
{
    (void)dialect;
    buf_addz(out, "BEGIN;\n\n");
}

void db_script_commit(struct buf *out, enum dialect dialect)
{
    (void)dialect;
    buf_addz(out, "COMMIT;\n\n");
}

static bool is_plain_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_", more[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
    return *name && strchr(letters, *name) && strspn(name, more) == strlen(name);
}

/* As a person would write it: Alembic's own table without quotes. */
static void add_name(struct buf *out, const char *name)
{
    if (is_plain_name(name))
        buf_addz(out, name);
    else
        db_quote_name(out, name);
}

static void add_version_table(struct buf *out, const struct db_options *options)
{
    const char *schema = options->version_schema ? options->version_schema : options->schema;
    if (schema) {
        add_name(out, schema);
        buf_addc(out, '.');
    }
    add_name(out, options->version_table);
}

void db_script_create(struct buf *out, enum dialect dialect, const struct db_options *options)
{
    BUF_AUTO key = {0};
    (void)dialect;
    buf_addf(&key, "%s_pkc", options->version_table);
    buf_addz(out, "CREATE TABLE ");
    add_version_table(out, options);
    buf_addz(out, " (\n    version_num VARCHAR(32) NOT NULL,\n    CONSTRAINT ");
    add_name(out, key.p);
    buf_addz(out, " PRIMARY KEY (version_num)\n);\n\n");
}

static void add_version_equals(struct buf *out, enum dialect dialect, const struct db_options *options,
                               const char *revision)
{
    add_version_table(out, options);
    buf_addz(out, ".version_num = ");
    db_quote_text(out, dialect, revision);
    buf_addz(out, ";\n\n");
}

void db_script_change(struct buf *out, enum dialect dialect, const struct db_options *options,
                      const struct row_change *change)
{
    switch (change->kind) {
    case ROW_INSERT:
        buf_addz(out, "INSERT INTO ");
        add_version_table(out, options);
        buf_addz(out, " (version_num) VALUES (");
        db_quote_text(out, dialect, change->to);
        buf_addz(out, ");\n\n");
        break;
    case ROW_UPDATE:
        buf_addz(out, "UPDATE ");
        add_version_table(out, options);
        buf_addz(out, " SET version_num=");
        db_quote_text(out, dialect, change->to);
        buf_addz(out, " WHERE ");
        add_version_equals(out, dialect, options, change->from);
        break;
    case ROW_DELETE:
        buf_addz(out, "DELETE FROM ");
        add_version_table(out, options);
        buf_addz(out, " WHERE ");
        add_version_equals(out, dialect, options, change->from);
        break;
    }
}

void db_script_tenant(struct buf *out, enum dialect dialect, const char *tenant)
{
    /* SQLite has no settings of a session: migrate_setting() is a function that the program registers. */
    if (dialect != DIALECT_POSTGRESQL || !tenant)
        return;
    buf_addz(out, "SELECT set_config('migrate.tenant_id', ");
    db_quote_text(out, dialect, tenant);
    buf_addz(out, ", false);\n\n");
}
