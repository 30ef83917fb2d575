/* Which two schemas a stream's autogenerate is about. Reads databases, runs schema_command; writes nothing. */
#include "gen/models.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/graph.h"
#include "tool/config.h"

enum { CONNECT_MS = 10 * 1000, ANSWER_MS = 60 * 1000 };

/* ---- settings ---- */

static struct strings split_list(struct arena *a, const char *text)
{
    struct strings list = {0};
    struct str rest = str_from(text), word;
    while (rest.p && str_next(&rest, ',', &word))
        if (str_trim(word).n)
            vec_push(a, &list, arena_str(a, str_trim(word)));
    return list;
}

static const struct catalogue *catalogue_of(struct app *app, struct source *s)
{
    struct arena *a = app->arena;
    const struct stream **streams = ARENA_ARRAY(a, const struct stream *, s->streams.n);
    const char *program = call_value(app->call, "program");
    struct catalogue *c = ARENA_NEW(a, struct catalogue);
    uint32_t n = 0;
    for (size_t i = 0; i < s->streams.n; i++)
        if (s->streams.v[i]->linked)
            streams[n++] = s->streams.v[i]->linked;
    *c = (struct catalogue){.format = REVISION_FORMAT,
                            .program = program ? program : "profile-migrate",
                            .build_id = "",
                            .n_streams = n,
                            .streams = streams};
    return c;
}

static void read_policy(struct models *m)
{
    const struct config *c = &m->config;
    m->policy.owners = config_number(c, SET_AUTOGENERATE_OWNERS);
    m->policy.default_privileges = config_number(c, SET_AUTOGENERATE_DEFAULT_PRIVILEGES);
    m->policy.grant_roles = split_list(m->app->arena, config_text(c, SET_AUTOGENERATE_GRANTS));
    m->policy.grants = m->policy.grant_roles.n > 0;
    if (strings_has(&m->policy.grant_roles, "*"))
        m->policy.grant_roles = (struct strings){0};
    m->ignored = split_list(m->app->arena, config_text(c, SET_AUTOGENERATE_IGNORE));
    m->online = config_number(c, SET_AUTOGENERATE_ONLINE);
}

bool models_open(struct app *app, struct source *source, const struct source_stream *stream, struct models *out,
                 struct err *e)
{
    *out = (struct models){.app = app, .source = source, .stream = stream};
    if (!config_read(app->arena, catalogue_of(app, source), stream->linked, NULL, &out->config, e))
        return false;
    read_policy(out);
    return true;
}

/* ---- the database ---- */

static void set_database(struct models *m, const struct address *address, const char *tenant, const char *schema)
{
    struct arena *a = m->app->arena;
    BUF_AUTO shown = {0};
    address_show(&shown, address);
    m->is_live = true;
    m->address = *address;
    m->tenant = arena_strdup(a, tenant);
    m->schema = arena_strdup(a, schema);
    m->live_name = tenant ? arena_printf(a, "tenant \"%s\" (%s%s%s)", tenant, shown.p, schema ? ", schema " : "",
                                         schema ? schema : "")
                          : arena_str(a, buf_str(&shown));
}

/* What is not configured is no error: the revisions are there. */
static bool has_none(struct models *m, struct err *e)
{
    m->why_not = arena_strdup(m->app->arena, e->message);
    err_free(e);
    return true;
}

/* Whether a reference of the text names a variable that nobody set. One that is set and no good is no reason to look away. */
static bool refers_to_nothing(struct arena *a, const char *text)
{
    for (const char *at = text ? strstr(text, "${") : NULL; at; at = strstr(at + 2, "${")) {
        struct str rest = str_from(at + 2);
        size_t end = str_find(rest, '}');
        const char *value, *where;
        AUTO_ERR unusable = {0};
        if (end < rest.n && config_variable(a, arena_str(a, str_slice(rest, 0, end)), &value, &where, &unusable) &&
            !value)
            return true;
    }
    return false;
}

static bool is_address_unset(struct arena *a, const struct config *c)
{
    return !config_text(c, SET_URL) || refers_to_nothing(a, config_text(c, SET_URL)) ||
           refers_to_nothing(a, config_text(c, SET_HOST)) || refers_to_nothing(a, config_text(c, SET_USER)) ||
           refers_to_nothing(a, config_text(c, SET_PASSWORD));
}

static struct job job_of(struct models *m, const struct config *c)
{
    return (struct job){
        .kind = JOB_READ,
        .catalogue = c->catalogue,
        .graph = graph_new(m->app->arena, c->stream),
        .connect_timeout_ms = CONNECT_MS,
        .deadline = DEADLINE_NEVER,
        .version_table = config_text(c, SET_VERSION_TABLE),
        .version_schema = config_text(c, SET_VERSION_TABLE_SCHEMA),
        .application_name = "migrate-gen",
        .actor = "",
        .client_host = "",
        .build_id = "",
    };
}

static bool choose_tenant(struct models *m, const struct tenant_list *list, const char *id, struct err *e)
{
    const struct tenant *chosen = NULL;
    struct address address = {0};
    for (size_t i = 0; !chosen && i < list->n; i++)
        if (!id || strcmp(list->v[i].id, id) == 0)
            chosen = &list->v[i];
    if (!chosen && id)
        return err_set(e, FAULT_USAGE, "there is no tenant \"%s\"", id);
    if (!chosen) {
        m->why_not = "no tenant is listed";
        return true;
    }
    const struct config_row row = {
        .tenant = chosen->id, .url = chosen->url, .columns = &list->columns, .values = chosen->values};
    if (!config_tenant_address(&m->config, m->app->arena, &row, &address, e)) {
        err_context(e, "tenant \"%s\"", chosen->id);
        return false;
    }
    set_database(m, &address, chosen->id, chosen->schema);
    return true;
}

static bool find_tenant(struct models *m, const char *id, struct err *e)
{
    const struct source_stream *registry = source_find(m->source, m->stream->registry);
    struct config config;
    struct place place = {0};
    struct tenant_list list = {0};
    if (!registry || !registry->linked)
        return err_set(e, FAULT_FAILED, "the stream \"%s\" has errors", m->stream->registry);
    if (!config_read(m->app->arena, m->config.catalogue, registry->linked, NULL, &config, e))
        return false;
    if (!config_address(&config, m->app->arena, &place.address, e))
        return !id && e->fault == FAULT_CONFIG && is_address_unset(m->app->arena, &config) && has_none(m, e);
    struct job job = job_of(m, &config);
    if (!tenants_read(&job, &place, config_text(&m->config, SET_TENANTS_QUERY), &list, e)) {
        bool is_new = e->fault == FAULT_CONFIG || e->fault == FAULT_MISSING;
        err_context(e, "registry \"%s\"", registry->name);
        return id || !is_new ? false : has_none(m, e);
    }
    bool ok = choose_tenant(m, &list, id, e);
    tenants_free(&list);
    return ok;
}

bool models_find_database(struct models *m, const char *against, const char *tenant, struct err *e)
{
    struct address address = {0};
    if (against) {
        if (!address_parse(m->app->arena, str_from(against), NULL, &address, e)) {
            err_context(e, "--against");
            e->fault = FAULT_USAGE;
            return false;
        }
        set_database(m, &address, NULL, NULL);
        m->tenant = tenant;
        return true;
    }
    if (m->stream->kind == STREAM_FLEET)
        return find_tenant(m, tenant, e);
    if (tenant)
        return err_set(e, FAULT_USAGE, "\"%s\" is a single database and has no tenants", m->stream->name);
    if (!config_address(&m->config, m->app->arena, &address, e))
        return e->fault == FAULT_CONFIG && is_address_unset(m->app->arena, &m->config) && has_none(m, e);
    set_database(m, &address, NULL, NULL);
    return true;
}

static bool read_rows(struct models *m, struct db_state *state, struct err *e)
{
    struct db *db = NULL;
    const struct db_options options = {
        .stream = m->stream->name,
        .tenant = m->tenant,
        .version_table = config_text(&m->config, SET_VERSION_TABLE),
        .schema = m->schema,
        .version_schema = m->address.dialect == DIALECT_POSTGRESQL ? config_text(&m->config, SET_VERSION_TABLE_SCHEMA)
                                                                   : NULL,
        .application_name = "migrate-gen",
        .actor = "",
        .client_host = "",
        .build_id = "",
        .connect_timeout_ms = CONNECT_MS,
        .answer_ms = ANSWER_MS,
        .deadline = DEADLINE_NEVER,
        .read_only = true,
    };
    bool ok = db_open(&db, &m->address, &options, e) && db_read_state(db, m->app->arena, state, e);
    db_close(db);
    if (!ok)
        err_context(e, "%s", m->live_name);
    return ok;
}

bool models_check_heads(struct models *m, struct err *e)
{
    struct arena *a = m->app->arena;
    struct graph *g = graph_new(a, m->stream->linked);
    struct revlist heads = graph_real_heads(a, g);
    struct db_state state = {0};
    struct revset rows;
    if (!m->is_live)
        return true;
    if (!read_rows(m, &state, e)) {
        /* A role that may only read catalogs can still say what the schema is. */
        if (strcmp(e->sqlstate, "42501") != 0)
            return false;
        m->unread = arena_strdup(a, e->message);
        err_free(e);
        return true;
    }
    if (!graph_rows(a, g, &state.rows, &rows, NULL, e))
        return false;
    struct revset applied = graph_ancestors(a, g, &rows);
    for (size_t i = 0; i < heads.n; i++) {
        if (revset_has(&applied, heads.v[i]))
            continue;
        err_set(e, FAULT_FAILED, "Target database is not up to date.");
        err_detail(e, "%s lacks revision %s", m->live_name, graph_revision(g, heads.v[i])->id);
        err_hint(e, "`%s %s head` brings it there; --from-migrations compares with what the revisions build",
                 m->config.catalogue->program, m->stream->name);
        return false;
    }
    return true;
}

/* ---- schema_command ---- */

/* The folder that holds the folder of streams. */
static const char *project_folder(const struct models *m)
{
    struct arena *a = m->app->arena;
    char *folder = realpath(m->source->folder, NULL);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        *slash = '\0';
    const char *parent = !folder ? "." : *folder ? arena_strdup(a, folder) : "/";
    free(folder);
    return parent;
}

static bool command_failed(const char *command, int status, struct err *e)
{
    if (WIFSIGNALED(status))
        err_set(e, FAULT_FAILED, "schema_command was ended by signal %d", WTERMSIG(status));
    else
        err_set(e, FAULT_FAILED, "schema_command ended with exit status %d", WEXITSTATUS(status));
    err_detail(e, "%s", command);
    return false;
}

/* Its stdout goes to the file; a child of ours, so that no shell quoting is involved. */
static bool run_command(const struct models *m, const char *command, enum dialect dialect, FILE *out, struct err *e)
{
    int status = 0;
    const char *folder = project_folder(m);
    pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) < 0 || dup2(fileno(out), STDOUT_FILENO) < 0 ||
            setenv("MIGRATE_DIALECT", dialect_words[dialect], 1) < 0)
            _exit(126);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return err_set(e, FAULT_FAILED, "schema_command: %s", strerror(errno));
    if (child < 0)
        return err_set(e, FAULT_FAILED, "cannot start schema_command: %s", strerror(errno));
    return status == 0 || command_failed(command, status, e);
}

static bool goal_of_command(struct models *m, const char *command, enum dialect dialect, struct findings *out,
                            struct endpoint *goal, struct err *e)
{
    struct arena *a = m->app->arena;
    const char *folder = getenv("TMPDIR");
    char *path = arena_printf(a, "%s/schema.%s.%s.XXXXXX", folder && *folder ? folder : "/tmp", m->stream->name,
                              dialect_words[dialect]);
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file)
        return err_set(e, FAULT_FAILED, "cannot write \"%s\": %s", path, strerror(errno));
    bool ok = run_command(m, command, dialect, file, e);
    fclose(file);
    vec_push(a, &m->outputs, path);
    ok = ok && endpoint_of_file(a, path, path, out, goal, e);
    if (ok && !str_trim(goal->file.bytes).n) {
        ok = err_set(e, FAULT_FAILED, "schema_command printed nothing");
        err_detail(e, "%s", command);
    }
    if (ok)
        goal->name = "schema_command";
    return ok;
}

void models_close(struct models *m)
{
    for (size_t i = 0; i < m->outputs.n && !m->app->source.findings.n_errors; i++)
        unlink(m->outputs.v[i]);
}

/* ---- both ends ---- */

static const char *path_in_stream(const struct models *m, const char *name)
{
    const char *shown = m->stream->ini.shown;
    return arena_printf(m->app->arena, "%.*s%s", (int)(strrchr(shown, '/') ? strrchr(shown, '/') + 1 - shown : 0),
                        shown, name);
}

static void set_dialect(struct endpoint *end, enum dialect dialect)
{
    end->dialect = dialect;
    end->dialect_is_known = true;
}

bool models_goal(struct models *m, enum dialect dialect, struct findings *out, struct endpoint *goal, struct err *e)
{
    const char *command = config_text(&m->config, SET_SCHEMA_COMMAND);
    const char *path = path_in_stream(m, "schema.sql"), *sqlite = path_in_stream(m, "schema.sqlite.sql");
    bool ok;
    if (dialect == DIALECT_SQLITE && access(sqlite, F_OK) == 0)
        path = sqlite;
    if (command && *command) {
        ok = goal_of_command(m, command, dialect, out, goal, e);
    } else if (access(path, F_OK) == 0) {
        ok = endpoint_of_file(m->app->arena, path, path, out, goal, e);
    } else {
        ok = err_set(e, FAULT_CONFIG, "there is no \"%s\"", path);
        err_hint(e, "it says what the schema should be; schema_command in env.ini may print it instead");
    }
    set_dialect(goal, dialect);
    return ok;
}

bool models_start(struct models *m, enum dialect dialect, struct endpoint *start, struct err *e)
{
    if (m->is_live && m->address.dialect == dialect) {
        endpoint_of_address(m->app->arena, &m->address, start);
        start->name = m->live_name;
        return true;
    }
    if (!endpoint_of_revisions(m->app->arena, m->stream->linked, "heads", start, e))
        return false;
    set_dialect(start, dialect);
    return true;
}

void models_options(const struct models *m, enum dialect dialect, struct autogenerate_options *out)
{
    bool is_live = m->is_live && m->address.dialect == dialect;
    out->changes.policy = m->policy;
    out->scope.version_table = config_text(&m->config, SET_VERSION_TABLE);
    out->scope.schema = is_live ? m->schema : NULL;
    out->scope.ignored = m->ignored;
    out->tenant = m->stream->kind == STREAM_FLEET ? (m->tenant ? m->tenant : "tenant") : NULL;
    out->relative = true;
}
