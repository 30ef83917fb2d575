/*
 * What the settings of one stream are in this run, and where each came from: flag, then environment, then env.ini as it
 * was embedded, then the table's default. Every value is checked when it is read; references (${VAR}) stand as they are
 * until somebody asks for the address.
 *
 * An empty variable counts as unset. A variable and its _FILE form together are refused: which one was meant? A file is
 * read through links, loses one final line end, and may hold 64 KiB of text without NUL.
 *
 * Once read, a config is not changed: any number of threads may ask it for addresses.
 */
#ifndef TOOL_CONFIG_H
#define TOOL_CONFIG_H

#include "db/address.h"
#include "tool/options.h"

enum origin { ORIGIN_UNSET, ORIGIN_DEFAULT, ORIGIN_EMBEDDED, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };

struct config_value {
    const char *text; /* NULL: unset */
    int64_t number;   /* as setting_parse() gives it; for an unset one 0 */
    enum origin origin;
    const char *where; /* "--jobs", "PROFILE_MIGRATE_TENANT_JOBS", "tenant/env.ini:12", "default" */
};

struct config {
    const struct catalogue *catalogue;
    const struct stream *stream;
    struct config_value values[SET_COUNT]; /* settings that the stream's kind has not are unset */
};

/* `call` may be NULL: no flags. FAULT_CONFIG, or FAULT_USAGE for a flag, with the origin named. */
bool config_read(struct arena *a, const struct catalogue *catalogue, const struct stream *stream,
                 const struct call *call, struct config *out, struct err *e);
const char *config_text(const struct config *c, enum setting_index index); /* NULL when unset */
int64_t config_number(const struct config *c, enum setting_index index);

/* Variables with the program's prefix that mean nothing, a sentence each. */
struct strings config_unknown_variables(struct arena *a, const struct catalogue *catalogue);

/* Appends the variable that says how many shares --shard auto is about: "PROFILE_MIGRATE_SHARDS". */
void config_shards_variable(struct buf *out, const char *program);

/* A row of the tenants' list, as far as an address needs it. */
struct config_row {
    const char *tenant; /* tenant_id */
    const char *url;    /* database_url; NULL: none */
    const struct strings *columns;
    const char *const *values; /* beside columns; NULL for SQL NULL */
};

/* The address of a single stream's database. FAULT_CONFIG names the stream, the key and what to set. */
bool config_address(const struct config *c, struct arena *a, struct address *out, struct err *e);
/* Of a tenant. FAULT_NO_ADDRESS when it has none. */
bool config_tenant_address(const struct config *c, struct arena *a, const struct config_row *row, struct address *out,
                           struct err *e);

/* A value as people may see it: secrets as ***, addresses with their password masked. */
void config_show(struct buf *out, const struct config *c, enum setting_index index);

/*
 * The value of an environment variable or of the file that NAME_FILE names. *value is NULL when neither is set (or
 * empty). FAULT_CONFIG when the file cannot be used.
 */
bool config_variable(struct arena *a, const char *name, const char **value, const char **where, struct err *e);

#endif
