/*
 * The one table of settings: what env.ini, the environment and flags may say about a stream. One row feeds the
 * generator's check of env.ini, the resolution at run time, `config`, and docs/configuration.md.
 *
 * A value is text. Where a command needs it as a number, setting_parse() gives it; the generator calls the same function,
 * so that a value which the build accepted is never refused at run time.
 *
 * VARIABLES. The variable of a setting is PROGRAM_STREAM_KEY in upper case, with every byte that is no letter or digit
 * as '_': PROFILE_MIGRATE_TENANT_JOBS. With _FILE behind it, it names a file whose contents are the value.
 */
#ifndef TOOL_SETTINGS_H
#define TOOL_SETTINGS_H

#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/revision.h"

enum setting_type {
    SETTING_TEXT,
    SETTING_BOOL,     /* true false yes no on off 1 0 */
    SETTING_NUMBER,   /* decimal, between least and most */
    SETTING_DURATION, /* duration_parse(), between least and most milliseconds */
    SETTING_CHOICE,   /* one of `choices` */
    SETTING_CHOICES,  /* some of `choices`, separated by commas, none twice */
    SETTING_ADDRESS,  /* a URL, a libpq keyword string or a template of one (db/address.h) */
    SETTING_NAME,     /* of a table, schema or stream: not empty, at most 63 bytes, no control characters */
    SETTING_SHARE,    /* N or P%: setting_parse_share() */
};

enum setting_flags {
    SETTING_BUILD = 1,      /* a fact of the build: neither variable nor flag changes it */
    SETTING_REFERENCES = 2, /* may hold ${VAR}, expanded when a command needs the value */
    SETTING_COLUMNS = 4,    /* may hold {column}, taken from the tenant's row */
    SETTING_SECRET = 8,     /* shown as *** ; in env.ini it must be one ${VAR} */
    SETTING_REQUIRED = 16,  /* env.ini must say it, for the kinds that may have it */
};

#define SETTING_FOR(kind) (1u << (kind)) /* enum stream_kind */
#define SETTING_SINGLE SETTING_FOR(STREAM_SINGLE)
#define SETTING_FLEET SETTING_FOR(STREAM_FLEET)
#define SETTING_BOTH (SETTING_SINGLE | SETTING_FLEET)

struct setting {
    const char *key;
    enum setting_type type;
    unsigned kinds;       /* SETTING_FOR()s that may have it */
    unsigned flags;       /* enum setting_flags */
    const char *fallback; /* the default, NULL: none */
    const char *flag;     /* long option that sets it, without dashes; NULL: none */
    const char *choices;  /* "fail|skip|create" */
    int64_t least, most;  /* numbers and durations (ms) */
    const char *help;     /* one line, no final period */
    const char *more;     /* sentences, for the manual; NULL: none */
};

extern const struct setting settings[];
extern const size_t n_settings;

/* Keys, so that code and table cannot drift apart: settings[SET_JOBS].key is "jobs". */
enum setting_index {
    SET_KIND,
    SET_DIALECTS,
    SET_MULTIPLE_HEADS,
    SET_VERSION_TABLE,
    SET_VERSION_TABLE_SCHEMA,
    SET_URL,
    SET_REGISTRY,
    SET_TENANTS_QUERY,
    SET_TENANT_URL,
    SET_TENANT_URL_MODE,
    SET_TENANT_PASSWORD_FILE,
    SET_USER,
    SET_PASSWORD,
    SET_HOST,
    SET_JOBS,
    SET_JOBS_PER_HOST,
    SET_WAVE_SIZE,
    SET_MAX_FAILURES,
    SET_TOLERATE,
    SET_LEDGER,
    SET_LEDGER_MAX_AGE,
    SET_LEDGER_SAMPLE,
    SET_NO_TENANTS,
    SET_ON_MISSING,
    SET_TEMPLATE,
    SET_ON_AHEAD,
    SET_ALLOW_FOREIGN_ENGINE,
    SET_TRANSACTION,
    SET_REFUSE_LOCKS,
    SET_WAIT,
    SET_CONNECT_TIMEOUT,
    SET_LOCK_WAIT,
    SET_LOCK_TIMEOUT,
    SET_LOCK_RETRIES,
    SET_STATEMENT_TIMEOUT,
    SET_BATCH_PAUSE,
    SET_DEADLINE,
    SET_GRACE,
    SET_APPLICATION_NAME,
    SET_ACTOR,
    SET_SCHEMA_COMMAND,
    SET_AUTOGENERATE_OWNERS,
    SET_AUTOGENERATE_GRANTS,
    SET_AUTOGENERATE_DEFAULT_PRIVILEGES,
    SET_AUTOGENERATE_IGNORE,
    SET_AUTOGENERATE_ONLINE,
    SET_COUNT,
};

/* Values of the choices, in the order of the table. */
enum tenant_url_mode { TENANT_URL_FALLBACK, TENANT_URL_TEMPLATE };
enum no_tenants { NO_TENANTS_FAIL, NO_TENANTS_OK };
enum ledger_mode { LEDGER_OFF, LEDGER_TRUST };
enum transaction_mode { TRANSACTION_REVISION, TRANSACTION_ALL };

const struct setting *setting_find(struct str key); /* NULL when there is none */
/* The key that was probably meant, among those that `kinds` (SETTING_FOR()s) may have; NULL when nothing is near. */
const struct setting *setting_nearest(struct str key, unsigned kinds);
/* Which kinds of stream may have it: "single streams", "fleets"; for messages. */
const char *setting_kinds(const struct setting *s);
const char *setting_type_name(enum setting_type type); /* "duration" */

/*
 * Checks a value and gives it as a number: BOOL 0 or 1, NUMBER itself, DURATION ms, CHOICE the position in `choices`,
 * CHOICES a bit for each, others 0. A value with references is not looked into. FAULT_CONFIG: "jobs: "many" is no number"
 * with what is accepted as hint. The message of a secret never shows the value.
 */
bool setting_parse(const struct setting *s, struct str value, int64_t *number, struct err *e);
/* As above, for what stands in env.ini: a secret must be one ${VAR}. An address is not parsed here: setting_address.h */
bool setting_check_embedded(const struct setting *s, struct str value, int64_t *number, struct err *e);

/* "5" or "2%": a number, or a share of all. */
struct share {
    uint64_t number; /* percent when is_percent */
    bool is_percent;
};
bool share_parse(struct str text, struct share *out);

/* Appends the variable of a setting. */
void setting_variable(struct buf *out, const char *program, const char *stream, const char *key);
/* Appends the beginning that all variables of the program have: "PROFILE_MIGRATE_". */
void setting_prefix(struct buf *out, const char *program);
/*
 * Refuses (FAULT_CONFIG) streams whose names give the same variable for two settings, e.g. "a-b" and "a_b", or a
 * variable that is another one's _FILE form.
 */
bool settings_check_streams(const char *program, const struct strings *streams, struct err *e);

#endif
