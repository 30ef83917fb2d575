/* The table of settings, and what can be said of a value without an environment or a database. Pure. */
#include "tool/settings.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"

#define NUMBER(min, max) .type = SETTING_NUMBER, .least = (min), .most = (max)
#define DURATION .type = SETTING_DURATION, .least = 0, .most = INT32_MAX
#define CHOICE(list) .type = SETTING_CHOICE, .choices = (list)

const struct setting settings[] = {
    [SET_KIND] = {.key = "kind",
                  CHOICE("single|fleet"),
                  .kinds = SETTING_BOTH,
                  .flags = SETTING_BUILD,
                  .fallback = "single",
                  .help = "one database, or many that another stream's database lists"},
    [SET_DIALECTS] = {.key = "dialects",
                      .type = SETTING_CHOICES,
                      .choices = "postgresql|sqlite",
                      .kinds = SETTING_BOTH,
                      .flags = SETTING_BUILD,
                      .fallback = "postgresql, sqlite",
                      .help = "the engines that every revision has a body for"},
    [SET_MULTIPLE_HEADS] = {.key = "multiple_heads",
                            .type = SETTING_BOOL,
                            .kinds = SETTING_BOTH,
                            .flags = SETTING_BUILD,
                            .fallback = "false",
                            .help = "let the stream have more than one head",
                            .more = "Without it the build refuses two heads and prints the merge command."},
    [SET_VERSION_TABLE] = {.key = "version_table",
                           .type = SETTING_NAME,
                           .kinds = SETTING_BOTH,
                           .fallback = "alembic_version",
                           .help = "the table that holds the version rows",
                           .more = "It is Alembic's own, so that a database which Alembic migrated is taken over as it "
                                   "is. The table migrate_log stands beside it."},
    [SET_VERSION_TABLE_SCHEMA] = {.key = "version_table_schema",
                                  .type = SETTING_NAME,
                                  .kinds = SETTING_BOTH,
                                  .help = "the schema of that table (PostgreSQL)",
                                  .more = "Without it the connection's search_path decides; a tenant with a schema of "
                                          "its own has the table there."},
    [SET_URL] = {.key = "url",
                 .type = SETTING_ADDRESS,
                 .kinds = SETTING_SINGLE,
                 .flags = SETTING_REFERENCES,
                 .flag = "url",
                 .help = "the address of the database",
                 .more = "SQLAlchemy's and libpq's forms: postgresql://user@host:5432/name, postgresql+asyncpg://…, "
                         "sqlite:///relative.db, sqlite:////absolute.db, or host=… dbname=…."},
    [SET_REGISTRY] = {.key = "registry",
                      .type = SETTING_NAME,
                      .kinds = SETTING_FLEET,
                      .flags = SETTING_BUILD | SETTING_REQUIRED,
                      .help = "the stream whose database lists the tenants"},
    [SET_TENANTS_QUERY] =
        {.key = "tenants_query",
         .type = SETTING_TEXT,
         .kinds = SETTING_FLEET,
         .fallback = "SELECT tenant_id, database_url FROM tenants ORDER BY tenant_id",
         .help = "the query on the registry's database that lists the tenants",
         .more =
             "Columns: tenant_id; optionally database_url, schema (one schema for each tenant "
             "in a shared database) and wave (see wave_size). Any other column can be used in tenant_url as {column}."},
    [SET_TENANT_URL] = {.key = "tenant_url",
                        .type = SETTING_ADDRESS,
                        .kinds = SETTING_FLEET,
                        .flags = SETTING_REFERENCES | SETTING_COLUMNS,
                        .flag = "tenant-url",
                        .help = "the address of a tenant whose database_url is null",
                        .more =
                            "A template: {tenant_id} and every other column of tenants_query stand for the tenant's "
                            "values."},
    [SET_TENANT_URL_MODE] = {.key = "tenant_url_mode",
                             CHOICE("fallback|template"),
                             .kinds = SETTING_FLEET,
                             .fallback = "fallback",
                             .help = "template: tenant_url is used even where a row has a database_url"},
    [SET_TENANT_PASSWORD_FILE] = {.key = "tenant_password_file",
                                  .type = SETTING_TEXT,
                                  .kinds = SETTING_FLEET,
                                  .flags = SETTING_REFERENCES | SETTING_COLUMNS,
                                  .help = "a file for each tenant that holds its password, such as "
                                          "/secrets/{tenant_id}",
                                  .more = "It replaces the password of the tenant's address."},
    [SET_USER] = {.key = "user",
                  .type = SETTING_TEXT,
                  .kinds = SETTING_BOTH,
                  .flags = SETTING_REFERENCES,
                  .help = "replaces the user of the address (PostgreSQL)",
                  .more = "The application's role is not always the one that may change the schema."},
    [SET_PASSWORD] = {.key = "password",
                      .type = SETTING_TEXT,
                      .kinds = SETTING_BOTH,
                      .flags = SETTING_REFERENCES | SETTING_SECRET,
                      .help = "replaces the password of the address (PostgreSQL)"},
    [SET_HOST] = {.key = "host",
                  .type = SETTING_TEXT,
                  .kinds = SETTING_BOTH,
                  .flags = SETTING_REFERENCES,
                  .help = "replaces the host of the address (PostgreSQL)",
                  .more = "HOST or HOST:PORT. For reaching a server directly where the application goes through a "
                          "pooler."},
    [SET_JOBS] = {.key = "jobs",
                  NUMBER(1, 1024),
                  .kinds = SETTING_FLEET,
                  .fallback = "16",
                  .flag = "jobs",
                  .help = "tenants migrated at the same time"},
    [SET_JOBS_PER_HOST] = {.key = "jobs_per_host",
                           NUMBER(0, 1024),
                           .kinds = SETTING_FLEET,
                           .fallback = "0",
                           .flag = "jobs-per-host",
                           .help = "tenants of one server at the same time (0: as many as jobs)",
                           .more = "A server that has no connection left halves its share, and gets it back as it "
                                   "answers again."},
    [SET_WAVE_SIZE] = {.key = "wave_size",
                       NUMBER(0, 1000000),
                       .kinds = SETTING_FLEET,
                       .fallback = "0",
                       .flag = "wave-size",
                       .help = "tenants in a wave; the next begins when the one before it is through (0: no waves)",
                       .more = "A column \"wave\" of tenants_query makes waves too: a whole number, the lowest first, "
                               "tenants without one last. No wave begins after more revision bodies failed than "
                               "max_failures allows; without max_failures, after one."},
    [SET_MAX_FAILURES] = {.key = "max_failures",
                          .type = SETTING_SHARE,
                          .kinds = SETTING_FLEET,
                          .flag = "max-failures",
                          .help =
                              "begin no further tenant after more than N, or P% of all, failed in a revision's body",
                          .more = "Databases that are unreachable, busy or missing do not count: they are tried one by "
                                  "one. What is not begun is reported as not started. Unset: no limit."},
    [SET_TOLERATE] = {.key = "tolerate",
                      .type = SETTING_SHARE,
                      .kinds = SETTING_FLEET,
                      .fallback = "0",
                      .flag = "tolerate",
                      .help = "failures of tenants that leave the exit code 0: N, or P% of all",
                      .more = "They are named all the same."},
    [SET_LEDGER] = {.key = "ledger",
                    CHOICE("off|trust"),
                    .kinds = SETTING_FLEET,
                    .fallback = "off",
                    .flag = "ledger",
                    .help = "trust: do not visit tenants that the registry's table migrate_ledger says are at head",
                    .more = "The table is a hint, kept by `upgrade`. It is believed of a tenant only as long as its "
                            "address, its server, the set of revisions and the registry itself are those that were "
                            "written down, and not longer than ledger_max_age. --no-ledger and `check --deep` visit "
                            "everybody."},
    [SET_LEDGER_MAX_AGE] = {.key = "ledger_max_age",
                            DURATION,
                            .kinds = SETTING_FLEET,
                            .fallback = "24h",
                            .flag = "ledger-max-age",
                            .help = "how long migrate_ledger is believed of a tenant after its last visit"},
    [SET_LEDGER_SAMPLE] = {.key = "ledger_sample",
                           .type = SETTING_SHARE,
                           .kinds = SETTING_FLEET,
                           .fallback = "10",
                           .flag = "ledger-sample",
                           .help = "tenants visited in each run although migrate_ledger knows them: N, or P% of all",
                           .more = "Chosen at random. One that is not where the table says makes the run visit "
                                   "everybody."},
    [SET_NO_TENANTS] = {.key = "no_tenants",
                        CHOICE("fail|ok"),
                        .kinds = SETTING_FLEET,
                        .fallback = "fail",
                        .flag = "no-tenants",
                        .help = "what an empty list of tenants is: exit code 2, or fine",
                        .more = "ok is for first deployments, before the first tenant has signed up."},
    [SET_ON_MISSING] = {.key = "on_missing",
                        CHOICE("fail|skip|create"),
                        .kinds = SETTING_BOTH,
                        .flag = "on-missing",
                        .help = "what to do about a database that does not exist",
                        .more = "By default PostgreSQL fails and SQLite creates the file when its folder exists. "
                                "Commands that only read never create."},
    [SET_TEMPLATE] =
        {.key = "template",
         .type = SETTING_TEXT,
         .kinds = SETTING_FLEET,
         .flag = "template",
         .help = "the database that a missing one is copied from when `head` creates it",
         .more = "With on_missing = create. PostgreSQL: the name of a database on the tenant's server; SQLite: "
                 "a file whose name ends in .template. It is made when it is missing and brought to head "
                 "before it is copied. docs/fleet.md has what a copy holds and what not."},
    [SET_ON_AHEAD] = {.key = "on_ahead",
                      CHOICE("refuse|allow"),
                      .kinds = SETTING_BOTH,
                      .fallback = "refuse",
                      .flag = "on-ahead",
                      .help = "what to do about a database that a later executable migrated: exit code 5, or nothing",
                      .more = "allow lets an image be rolled back without touching the database."},
    [SET_ALLOW_FOREIGN_ENGINE] = {.key = "allow_foreign_engine",
                                  .type = SETTING_BOOL,
                                  .kinds = SETTING_BOTH,
                                  .fallback = "false",
                                  .flag = "allow-foreign-engine",
                                  .help = "go on with a server that only looks like PostgreSQL",
                                  .more = "CockroachDB, for one, commits before DDL, so that a failed revision leaves "
                                          "half of its work behind."},
    [SET_TRANSACTION] = {.key = "transaction",
                         CHOICE("revision|all"),
                         .kinds = SETTING_BOTH,
                         .fallback = "revision",
                         .flag = "transaction",
                         .help = "one transaction for each revision, or one for the whole run",
                         .more = "all refuses revisions that say transaction:false."},
    [SET_REFUSE_LOCKS] =
        {.key = "refuse_locks",
         .type = SETTING_CHOICES,
         .choices = "none|rewrite|scan|access-exclusive",
         .kinds = SETTING_BOTH,
         .fallback = "none",
         .flag = "refuse-locks",
         .help = "run no revision that was measured to do this (PostgreSQL)",
         .more = "rewrite: a table or index is written anew. scan: one is read from end to end while "
                 "writers wait. access-exclusive: readers wait, however short. Every step of an upgrade or "
                 "downgrade is asked before the first one runs. What was never measured "
                 "(`migrate-gen STREAM verify`) is refused as well."},
    [SET_WAIT] = {.key = "wait",
                  DURATION,
                  .kinds = SETTING_BOTH,
                  .fallback = "0",
                  .flag = "wait",
                  .help = "how long a database may be unreachable before that is the answer"},
    [SET_CONNECT_TIMEOUT] = {.key = "connect_timeout",
                             DURATION,
                             .kinds = SETTING_BOTH,
                             .fallback = "10s",
                             .flag = "connect-timeout",
                             .help = "how long each host of an address may take to let us in"},
    [SET_LOCK_WAIT] = {.key = "lock_wait",
                       DURATION,
                       .kinds = SETTING_BOTH,
                       .fallback = "300s",
                       .flag = "lock-wait",
                       .help = "how long to wait for another process that migrates the same database"},
    [SET_LOCK_TIMEOUT] = {.key = "lock_timeout",
                          DURATION,
                          .kinds = SETTING_BOTH,
                          .fallback = "5s",
                          .flag = "lock-timeout",
                          .help = "how long a statement may wait for a table (0: without end)",
                          .more =
                              "A statement that waits for a table makes every later query on it wait too, so the "
                              "revision is rolled back and tried again instead. A section's own lock_timeout wins."},
    [SET_LOCK_RETRIES] = {.key = "lock_retries",
                          NUMBER(0, 10000),
                          .kinds = SETTING_BOTH,
                          .fallback = "10",
                          .flag = "lock-retries",
                          .help = "how often a revision is tried again after a lock timeout, a deadlock or a "
                                  "serialization failure"},
    [SET_STATEMENT_TIMEOUT] = {.key = "statement_timeout",
                               DURATION,
                               .kinds = SETTING_BOTH,
                               .fallback = "0",
                               .flag = "statement-timeout",
                               .help = "how long a statement may run (0: without end)",
                               .more = "A section's own statement_timeout wins."},
    [SET_BATCH_PAUSE] = {.key = "batch_pause",
                         DURATION,
                         .kinds = SETTING_BOTH,
                         .fallback = "50ms",
                         .flag = "batch-pause",
                         .help = "how long to rest between two batches of a section that says batch",
                         .more = "Others get at the table, replicas and autovacuum keep up. A section's own pause "
                                 "wins."},
    [SET_DEADLINE] = {.key = "deadline",
                      DURATION,
                      .kinds = SETTING_BOTH,
                      .fallback = "0",
                      .flag = "deadline",
                      .help = "how long the whole run may take (0: without end)"},
    [SET_GRACE] = {.key = "grace",
                   DURATION,
                   .kinds = SETTING_BOTH,
                   .fallback = "20s",
                   .flag = "grace",
                   .help = "how long a running revision may go on after SIGTERM or SIGINT",
                   .more = "Then it is cancelled and rolled back. Keep it below the time that the container runtime "
                           "waits before SIGKILL."},
    [SET_APPLICATION_NAME] = {.key = "application_name",
                              .type = SETTING_NAME,
                              .kinds = SETTING_BOTH,
                              .fallback = "profile-migrate",
                              .help = "the name that pg_stat_activity shows"},
    [SET_ACTOR] = {.key = "actor",
                   .type = SETTING_TEXT,
                   .kinds = SETTING_BOTH,
                   .fallback = "",
                   .flag = "actor",
                   .help = "who is behind this run, for migrate_log"},
    [SET_SCHEMA_COMMAND] =
        {.key = "schema_command",
         .type = SETTING_TEXT,
         .kinds = SETTING_BOTH,
         .flags = SETTING_BUILD,
         .help = "a command that prints the models' schema as SQL, in place of the file schema.sql",
         .more = "The shell runs it in the folder that holds the folder of streams. MIGRATE_DIALECT says "
                 "which engine's SQL is wanted: postgresql or sqlite."},
    [SET_AUTOGENERATE_OWNERS] = {.key = "autogenerate_owners",
                                 .type = SETTING_BOOL,
                                 .kinds = SETTING_BOTH,
                                 .flags = SETTING_BUILD,
                                 .fallback = "false",
                                 .help = "whether models say who owns what (PostgreSQL)"},
    [SET_AUTOGENERATE_GRANTS] = {.key = "autogenerate_grants",
                                 .type = SETTING_TEXT,
                                 .kinds = SETTING_BOTH,
                                 .flags = SETTING_BUILD,
                                 .help =
                                     "roles whose grants the models say, separated by commas; * means all (PostgreSQL)",
                                 .more = "PUBLIC is one. Without it grants are left as they are."},
    [SET_AUTOGENERATE_DEFAULT_PRIVILEGES] = {.key = "autogenerate_default_privileges",
                                             .type = SETTING_BOOL,
                                             .kinds = SETTING_BOTH,
                                             .flags = SETTING_BUILD,
                                             .fallback = "false",
                                             .help = "whether models say ALTER DEFAULT PRIVILEGES (PostgreSQL)"},
    [SET_AUTOGENERATE_IGNORE] =
        {.key = "autogenerate_ignore",
         .type = SETTING_TEXT,
         .kinds = SETTING_BOTH,
         .flags = SETTING_BUILD,
         .help = "relations that no model knows, such as partitions made at run time: globs, "
                 "separated by commas",
         .more = "They are matched with the whole name: public.events_*. What is in such a relation "
                 "is ignored with it."},
    [SET_AUTOGENERATE_ONLINE] =
        {.key = "autogenerate_online",
         .type = SETTING_BOOL,
         .kinds = SETTING_BOTH,
         .flags = SETTING_BUILD,
         .fallback = "false",
         .help = "whether revision --autogenerate builds indexes CONCURRENTLY and validates later, as "
                 "--online does (PostgreSQL)"},
};
const size_t n_settings = sizeof settings / sizeof settings[0];
_Static_assert(sizeof settings / sizeof settings[0] == SET_COUNT, "every index has its row");

const struct setting *setting_find(struct str key)
{
    for (size_t i = 0; i < n_settings; i++)
        if (str_is(key, settings[i].key))
            return &settings[i];
    return NULL;
}

const struct setting *setting_nearest(struct str key, unsigned kinds)
{
    const struct setting *best = NULL;
    size_t best_distance = key.n < 6 ? key.n / 2 + 1 : 4; /* as far or farther is another word */
    for (size_t i = 0; i < n_settings; i++) {
        unsigned distance = str_distance(key, str_from(settings[i].key));
        if (distance < best_distance && (settings[i].kinds & kinds)) {
            best = &settings[i];
            best_distance = distance;
        }
    }
    return best;
}

const char *setting_kinds(const struct setting *s)
{
    return s->kinds == SETTING_BOTH ? "all streams" : s->kinds == SETTING_FLEET ? "fleets" : "single streams";
}

const char *setting_type_name(enum setting_type type)
{
    switch (type) {
    case SETTING_TEXT:
        return "text";
    case SETTING_BOOL:
        return "true or false";
    case SETTING_NUMBER:
        return "number";
    case SETTING_DURATION:
        return "duration";
    case SETTING_CHOICE:
        return "choice";
    case SETTING_CHOICES:
        return "list";
    case SETTING_ADDRESS:
        return "address";
    case SETTING_NAME:
        return "name";
    case SETTING_SHARE:
        return "number or percentage";
    }
    return "text";
}

/* ------------------------------------------------------------------------------------------------------- values */

static bool parse_bool(struct str value, int64_t *number)
{
    static const char *const words[2][4] = {{"false", "no", "off", "0"}, {"true", "yes", "on", "1"}};
    for (int truth = 0; truth < 2; truth++)
        for (size_t i = 0; i < 4; i++)
            if (str_is(value, words[truth][i])) {
                *number = truth;
                return true;
            }
    return false;
}

static bool parse_decimal(struct str value, int64_t *number)
{
    int64_t n = 0;
    if (value.n == 0 || value.n > 18)
        return false;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return false;
        n = n * 10 + (value.p[i] - '0');
    }
    *number = n;
    return true;
}

static bool parse_choice(const char *choices, struct str value, int64_t *number)
{
    struct str rest = str_from(choices), choice;
    for (int64_t i = 0; str_next(&rest, '|', &choice); i++)
        if (str_eq(choice, value)) {
            *number = i;
            return true;
        }
    return false;
}

static bool parse_choices(const char *choices, struct str value, int64_t *number)
{
    struct str rest = value, piece;
    int64_t bits = 0, bit;
    while (str_next(&rest, ',', &piece)) {
        if (!parse_choice(choices, str_trim(piece), &bit) || bits & ((int64_t)1 << bit))
            return false;
        bits |= (int64_t)1 << bit;
    }
    *number = bits;
    return bits != 0;
}

bool share_parse(struct str text, struct share *out)
{
    int64_t number;
    out->is_percent = text.n > 1 && text.p[text.n - 1] == '%';
    if (!parse_decimal(out->is_percent ? str_slice(text, 0, text.n - 1) : text, &number))
        return false;
    out->number = (uint64_t)number;
    return !out->is_percent || number <= 100;
}

/* SQLite takes upper and lower case for one name. */
static bool is_log_table(struct str value)
{
    return value.n == strlen("migrate_log") && strncasecmp(value.p, "migrate_log", value.n) == 0;
}

static bool is_name(struct str value)
{
    if (value.n == 0 || value.n > 63)
        return false;
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
            return false;
    return true;
}

static bool has_reference(struct str value)
{
    for (size_t i = 0; i + 1 < value.n; i++)
        if (value.p[i] == '$' && value.p[i + 1] == '{')
            return true;
    return false;
}

/* "one of fail, skip, create" */
static void hint_choices(struct err *e, const struct setting *s, const char *before)
{
    BUF_AUTO list = {0};
    struct str rest = str_from(s->choices), choice;
    while (str_next(&rest, '|', &choice)) {
        buf_addz(&list, list.n ? ", " : "");
        buf_adds(&list, choice);
    }
    err_hint(e, "%s %s", before, list.p);
}

static bool refuse(const struct setting *s, struct str value, const char *what, struct err *e)
{
    if (s->flags & SETTING_SECRET)
        return err_set(e, FAULT_CONFIG, "%s: the value is no %s", s->key, what);
    return err_set(e, FAULT_CONFIG, "%s: \"%.*s\" is no %s", s->key, STR_ARG(value), what);
}

static bool parse_ranged(const struct setting *s, struct str value, int64_t *number, struct err *e)
{
    bool is_duration = s->type == SETTING_DURATION;
    bool ok = is_duration ? duration_parse(value, number) : parse_decimal(value, number);
    if (ok && *number >= s->least && *number <= s->most)
        return true;
    refuse(s, value, is_duration ? "duration" : "number that is accepted here", e);
    if (is_duration)
        err_hint(e, "a number with its unit: 250ms, 5s, 10min, 2h, 1d; or 0");
    else
        err_hint(e, "from %lld to %lld", (long long)s->least, (long long)s->most);
    return false;
}

bool setting_parse(const struct setting *s, struct str value, int64_t *number, struct err *e)
{
    struct share share;
    *number = 0;
    if (str_utf8_error(value) < value.n || memchr(value.p ? value.p : "", '\0', value.n))
        return err_set(e, FAULT_CONFIG, "%s: the value is not valid UTF-8 text", s->key);
    if (s->flags & SETTING_REFERENCES && has_reference(value))
        return true;
    if (!(s->flags & SETTING_REFERENCES) && has_reference(value)) {
        refuse(s, value, "value that is accepted here", e);
        err_hint(e, "${…} cannot be used in %s", s->key);
        return false;
    }
    switch (s->type) {
    case SETTING_TEXT:
        return true;
    case SETTING_BOOL:
        if (parse_bool(value, number))
            return true;
        refuse(s, value, "truth value", e);
        err_hint(e, "true or false");
        return false;
    case SETTING_NUMBER:
    case SETTING_DURATION:
        return parse_ranged(s, value, number, e);
    case SETTING_CHOICE:
        if (parse_choice(s->choices, value, number))
            return true;
        refuse(s, value, "choice", e);
        hint_choices(e, s, "one of");
        return false;
    case SETTING_CHOICES:
        if (parse_choices(s->choices, value, number))
            return true;
        refuse(s, value, "list that is accepted here", e);
        hint_choices(e, s, "some of, each once, separated by commas:");
        return false;
    case SETTING_ADDRESS:
        return value.n > 0 || err_set(e, FAULT_CONFIG, "%s: the address is empty", s->key);
    case SETTING_NAME:
        if (s == &settings[SET_VERSION_TABLE] && is_log_table(value))
            return err_set(e, FAULT_CONFIG, "%s: migrate_log is the name of the log beside it", s->key);
        return is_name(value) || refuse(s, value, "name (1 to 63 bytes, no control characters)", e);
    case SETTING_SHARE:
        if (share_parse(value, &share))
            return true;
        refuse(s, value, "number or percentage", e);
        err_hint(e, "5, or 2%%");
        return false;
    }
    return false;
}

/* Exactly ${NAME}. */
static bool is_one_reference(struct str value)
{
    return value.n > 3 && str_starts(value, STR("${")) && str_find(value, '}') == value.n - 1;
}

bool setting_check_embedded(const struct setting *s, struct str value, int64_t *number, struct err *e)
{
    if (s->flags & SETTING_SECRET && !is_one_reference(value)) {
        err_set(e, FAULT_CONFIG, "%s: a literal password has no place in a file that is committed", s->key);
        err_hint(e, "use ${VAR}: %s = ${DATABASE_PASSWORD}", s->key);
        *number = 0;
        return false;
    }
    return setting_parse(s, value, number, e);
}

/* ---------------------------------------------------------------------------------------------------- variables */

void setting_prefix(struct buf *out, const char *program)
{
    buf_add_upper(out, program);
    buf_addc(out, '_');
}

void setting_variable(struct buf *out, const char *program, const char *stream, const char *key)
{
    setting_prefix(out, program);
    buf_add_upper(out, stream);
    buf_addc(out, '_');
    buf_add_upper(out, key);
}

struct variable {
    const char *name;
    const char *stream;
    const char *key;
    bool is_file;
};

static bool refuse_collision(const struct variable *a, const struct variable *b, struct err *e)
{
    err_set(e, FAULT_CONFIG, "%s would stand for \"%s\" of stream \"%s\" and for \"%s\" of stream \"%s\"", a->name,
            a->key, a->stream, b->key, b->stream);
    err_hint(e, "rename one of the two streams");
    return false;
}

bool settings_check_streams(const char *program, const struct strings *streams, struct err *e)
{
    ARENA_AUTO arena = {0};
    VEC(struct variable) all = {0};
    for (size_t i = 0; i < streams->n; i++)
        for (size_t k = 0; k < n_settings; k++)
            for (int is_file = 0; is_file < 2; is_file++) {
                BUF_AUTO name = {0};
                setting_variable(&name, program, streams->v[i], settings[k].key);
                buf_addz(&name, is_file ? "_FILE" : "");
                vec_push(&arena, &all,
                         (struct variable){arena_str(&arena, buf_str(&name)), streams->v[i], settings[k].key, is_file});
            }
    for (size_t i = 0; i < all.n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(all.v[i].name, all.v[k].name) == 0)
                return refuse_collision(&all.v[k], &all.v[i], e);
    return true;
}
