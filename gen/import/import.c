/*
 * import-alembic: the revisions of an Alembic project as revision files. Everything is read and held against each other
 * first; the files are written into a folder of their own, built there, and taken over when nothing speaks against it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/check.h"
#include "gen/command.h"
#include "gen/fix/overlay.h"
#include "gen/fix/text_diff.h"
#include "gen/import/ini.h"
#include "gen/import/join.h"
#include "gen/lint/lint.h"
#include "gen/scaffold.h"

struct importer {
    struct app *app;
    struct arena *a;
    struct findings *out;              /* the command's own */
    const struct source_stream *there; /* the stream as it is; NULL: there is none yet */
    const char *version_table, *version_schema;
    uint32_t dialects;
    struct import_scripts scripts;
    struct history history;
    struct ini_answer ini;
    bool has_ini;
    struct import_revisions revisions;
    struct overlay overlay;
    struct overlay_files files;
    const char *ini_diff; /* of an env.ini that is there and says something else; NULL */
    size_t lint_errors;   /* of what was imported */
    struct err *e;
};

static const char *shown_stream(const struct importer *m)
{
    return m->app->call->stream;
}

/* ---- what was given ---- */

/* "postgresql:FILE", or FILE and a guess. */
static bool find_dialect(const struct importer *m, const char *value, enum dialect *dialect, const char **path)
{
    const char *word = call_value(m->app->call, "dialect");
    *path = value;
    for (size_t d = 0; d < DIALECT_COUNT; d++) {
        size_t n = strlen(dialect_words[d]);
        bool prefixed = strncmp(value, dialect_words[d], n) == 0 && value[n] == ':';
        if (!prefixed && !(word && strcmp(word, dialect_words[d]) == 0))
            continue;
        *dialect = (enum dialect)d;
        *path = prefixed ? value + n + 1 : value;
        if (prefixed)
            return true;
        word = dialect_words[d];
    }
    return word != NULL;
}

static bool read_script(struct importer *m, const char *value, enum direction direction)
{
    struct import_script *s = ARENA_NEW(m->a, struct import_script);
    const char *path;
    bool known = find_dialect(m, value, &s->dialect, &path);
    s->direction = direction;
    s->version_table = m->version_table;
    if (!text_read(m->out, path, path, &s->file))
        return false;
    if (!known)
        s->dialect = import_guess_dialect(s->file.bytes);
    import_read_script(m->out, m->a, s);
    vec_push(m->a, &m->scripts, s);
    return true;
}

static void read_scripts(struct importer *m)
{
    static const char *const options[] = {[DIRECTION_UP] = "upgrade-sql", [DIRECTION_DOWN] = "downgrade-sql"};
    for (size_t d = 0; d < DIRECTION_COUNT; d++) {
        struct strings paths = call_values(m->a, m->app->call, options[d]);
        for (size_t i = 0; i < paths.n; i++)
            read_script(m, paths.v[i], (enum direction)d);
    }
}

static void read_history(struct importer *m)
{
    const char *path = call_value(m->app->call, "history");
    if (path && text_read(m->out, path, path, &m->history.file))
        import_read_history(m->out, m->a, &m->history);
}

/* An absolute folder, as configparser's %(here)s. */
static const char *folder_of(struct importer *m, const char *path)
{
    char *whole = realpath(path, NULL);
    const char *slash = whole ? strrchr(whole, '/') : NULL;
    const char *folder = slash ? arena_printf(m->a, "%.*s", (int)(slash - whole), whole) : ".";
    free(whole);
    return folder;
}

static void read_ini(struct importer *m)
{
    const char *path = call_value(m->app->call, "ini");
    if (!path)
        return;
    struct ini_request request = {
        .here = folder_of(m, path), .stream = shown_stream(m), .registry = call_value(m->app->call, "registry")};
    if (m->there && m->there->kind == STREAM_FLEET)
        request.registry = m->there->registry;
    m->has_ini = text_read(m->out, path, path, &request.file);
    if (m->has_ini)
        import_read_ini(m->out, m->a, &request, &m->ini);
}

static const char *setting_of(const struct source_stream *s, const char *key)
{
    for (size_t i = 0; s && i < s->settings.n; i++)
        if (strcmp(s->settings.v[i].key.text, key) == 0)
            return s->settings.v[i].value.text;
    return NULL;
}

/* The script knows best what the table is called; what env.ini says of it must be the same. */
static void check_version_table(struct importer *m, const struct import_script *s)
{
    const char *schema = s->version_schema ? s->version_schema : "", *ours = m->version_schema ? m->version_schema : "";
    if (!s->creates_version_table)
        return;
    bool same = strcmp(s->version_table, m->version_table) == 0 && strcmp(schema, ours) == 0;
    if (same || !m->there) {
        m->version_table = s->version_table;
        m->version_schema = s->version_schema;
        return;
    }
    struct finding *found = finding_add(
        m->out, IMPORT_CONFLICT, &s->file, SIZE_MAX, "Alembic's table is %s%s%s here, and %s%s%s in %s", schema,
        *schema ? "." : "", s->version_table, ours, *ours ? "." : "", m->version_table, m->there->ini.shown);
    err_hint(&found->err, "version_table = %s%s%s", s->version_table, *schema ? ", version_table_schema = " : "",
             schema);
}

static void check_dialects(struct importer *m)
{
    uint32_t given = 0;
    for (size_t i = 0; i < m->scripts.n; i++)
        given |= DIALECT_BIT(m->scripts.v[i]->dialect);
    m->dialects = m->there ? m->there->dialects : given;
    for (size_t i = 0; i < m->scripts.n; i++) {
        const struct import_script *s = m->scripts.v[i];
        if (m->dialects & DIALECT_BIT(s->dialect))
            continue;
        struct finding *found = finding_add(m->out, IMPORT_CONFLICT, &s->file, SIZE_MAX,
                                            "the script is for %s, which is none of the stream's dialects",
                                            dialect_words[s->dialect]);
        err_hint(&found->err,
                 "dialects in %s says which there are; --dialect, or a prefix as in sqlite:%s, says what a "
                 "script is for",
                 m->there->ini.shown, s->file.shown);
    }
}

static void refuse_known(struct importer *m)
{
    for (size_t i = 0; m->there && i < m->revisions.n; i++)
        for (size_t k = 0; k < m->there->revisions.n; k++) {
            const struct source_revision *r = m->there->revisions.v[k];
            if (!r->id.text || strcmp(r->id.text, m->revisions.v[i].id) != 0)
                continue;
            struct finding *found = finding_add(m->out, IMPORT_CONFLICT, &r->file, SIZE_MAX, "%s is there already",
                                                r->id.text);
            err_hint(&found->err, "nothing is overwritten: remove the file to import the revision anew");
        }
}

/* The stream as it is. Without one there must be an --ini to make it from. */
static bool find_stream(struct importer *m)
{
    struct source *s = &m->app->source;
    struct stat st;
    bool ini = call_has(m->app->call, "ini"), folder = stat(m->app->folder, &st) == 0 && S_ISDIR(st.st_mode);
    if (!source_read(s, m->app->folder, m->e)) {
        if (!ini || !folder)
            return false;
        err_free(m->e);
    }
    m->there = source_find(s, shown_stream(m));
    if (!m->there && !ini) {
        err_set(m->e, FAULT_USAGE, "there is no stream \"%s\" in %s", shown_stream(m), m->app->folder);
        err_hint(m->e, "--ini alembic.ini makes its env.ini; or write one: \"[stream]\" and \"dialects = postgresql\"");
        return false;
    }
    const char *table = m->there ? version_table_of(m->there) : NULL;
    m->version_schema = setting_of(m->there, "version_table_schema");
    m->version_table = table ? table : "alembic_version";
    return true;
}

static bool read_all(struct importer *m)
{
    const struct call *call = m->app->call;
    struct strings allowed = call_values(m->a, call, "allow-gaps");
    bool all = call_count(call, "allow-gaps") > allowed.n;
    if (!call_has(call, "upgrade-sql")) {
        err_set(m->e, FAULT_USAGE, "there is no script to import");
        err_hint(m->e, "--upgrade-sql FILE --downgrade-sql FILE: what `alembic upgrade base:head --sql` and `alembic "
                       "downgrade head:base --sql` print");
        return false;
    }
    if (!find_stream(m))
        return false;
    read_ini(m);
    if (!m->there && m->ini.version_table) {
        m->version_table = m->ini.version_table;
        m->version_schema = m->ini.version_table_schema;
    }
    read_scripts(m);
    read_history(m);
    for (size_t i = 0; i < m->scripts.n; i++)
        check_version_table(m, m->scripts.v[i]);
    check_dialects(m);
    struct import_request request = {&m->scripts, &m->history, m->dialects, all, &allowed};
    if (!m->out->n_errors || m->scripts.n)
        import_join(m->out, m->a, &request, &m->revisions);
    refuse_known(m);
    return true;
}

/* ---- env.ini ---- */

static bool has_child(const struct importer *m, const char *id)
{
    for (size_t i = 0; i < m->revisions.n; i++)
        if (strings_has(&m->revisions.v[i].parents, id))
            return true;
    return false;
}

/* The one head; NULL: there are several. */
static const char *only_head(const struct importer *m, size_t *n)
{
    const char *head = NULL;
    *n = 0;
    for (size_t i = 0; i < m->revisions.n; i++)
        if (!has_child(m, m->revisions.v[i].id)) {
            head = m->revisions.v[i].id;
            (*n)++;
        }
    return *n == 1 ? head : NULL;
}

static void add_key(struct importer *m, struct env_keys *keys, const char *key, const char *value)
{
    if (value)
        vec_push(m->a, keys, (struct env_key){key, value});
}

static const char *dialect_list(struct importer *m)
{
    BUF_AUTO out = {0};
    for (size_t d = 0; d < DIALECT_COUNT; d++)
        if (m->dialects & DIALECT_BIT(d))
            buf_addf(&out, "%s%s", out.n ? ", " : "", dialect_words[d]);
    return arena_str(m->a, buf_str(&out));
}

static void make_keys(struct importer *m, struct env_keys *keys)
{
    const char *registry = call_value(m->app->call, "registry");
    size_t heads;
    bool several = !only_head(m, &heads) && heads > 1;
    if (!m->there) {
        add_key(m, keys, "kind", registry ? "fleet" : "single");
        add_key(m, keys, "dialects", dialect_list(m));
        add_key(m, keys, "registry", registry);
    }
    if (several)
        add_key(m, keys, "multiple_heads", "true");
    add_key(m, keys, "version_table", m->there && m->ini.version_table ? m->ini.version_table : m->version_table);
    add_key(m, keys, "version_table_schema",
            m->there && m->ini.version_table_schema ? m->ini.version_table_schema : m->version_schema);
    add_key(m, keys, m->ini.url_key, m->ini.url);
}

/* What is there stays; what it would be is shown. */
static void compare_ini(struct importer *m, const struct env_keys *keys)
{
    BUF_AUTO now = {0};
    BUF_AUTO diff = {0};
    env_ini_with(&now, m->there->ini.bytes, keys);
    text_diff(&diff, m->there->ini.shown, m->there->ini.bytes.p, now.p ? now.p : "");
    if (diff.n)
        m->ini_diff = arena_str(m->a, buf_str(&diff));
}

static bool write_ini(struct importer *m)
{
    struct env_keys keys = {0};
    BUF_AUTO text = {0};
    size_t heads;
    if (!m->has_ini)
        return true;
    make_keys(m, &keys);
    if (m->there) {
        compare_ini(m, &keys);
        return true;
    }
    env_ini_new(&text, arena_printf(m->a, "From %s, section [%s].", call_value(m->app->call, "ini"), m->ini.section),
                &keys, only_head(m, &heads));
    const char *folder = arena_printf(m->a, "%s/%s", m->overlay.folder, shown_stream(m));
    if (mkdir(folder, 0777) < 0 && access(folder, F_OK) < 0)
        return err_set(m->e, FAULT_FAILED, "cannot make the folder \"%s\"", folder);
    return overlay_change(&m->overlay, arena_printf(m->a, "%s/env.ini", shown_stream(m)), text.p, m->e);
}

/* ---- revisions ---- */

static void add_words(struct buf *out, const char *prefix, const char *text)
{
    struct str rest = str_from(text), line;
    while (rest.n && str_next(&rest, '\n', &line))
        buf_addf(out, "%s%s%.*s", out->n ? "\n" : "", prefix, STR_ARG(line));
}

/* The rest of the docstring, and why there is no way back. "> " keeps a line from being taken for one of the header. */
static const char *comment_of(struct importer *m, const struct import_revision *r)
{
    BUF_AUTO out = {0};
    add_words(&out, "> ", r->comment);
    for (size_t d = 0; d < DIALECT_COUNT; d++) {
        enum import_gap gap = r->gaps[DIRECTION_DOWN][d];
        if (gap == GAP_NO_SCRIPT || gap == GAP_MISSING || gap == GAP_CUT)
            add_words(&out, "> ",
                      arena_printf(m->a,
                                   "Not imported for %s: the downgrade, which Alembic's scripts do not have whole.",
                                   dialect_words[d]));
    }
    return out.n ? arena_str(m->a, buf_str(&out)) : NULL;
}

static bool write_revision(struct importer *m, const struct source *s, const struct source_stream *stream,
                           const struct import_revision *r)
{
    struct import_sections sections;
    const char *path;
    import_sections(m->a, r, stream->dialects, &sections);
    struct scaffold what = {.message = r->message,
                            .parents = r->parents,
                            .labels = r->labels,
                            .depends = r->depends,
                            .id = r->id,
                            .sections = sections.v,
                            .n_sections = sections.n,
                            .comment = comment_of(m, r),
                            .as_given = true,
                            .created = r->created};
    if (scaffold_write(s, stream, &what, &path, NULL, m->e))
        return true;
    err_context(m->e, "revision %s", r->id);
    return false;
}

static bool write_revisions(struct importer *m)
{
    struct source s = {.arena = m->a, .tool = m->app->source.tool};
    const struct source_stream *stream;
    bool ok = scaffold_open(&s, m->overlay.folder, shown_stream(m), &stream, m->e);
    if (!ok && s.findings.n_errors) {
        findings_sort(&s.findings);
        err_detail(m->e, "%s", s.findings.list.v[0].err.message);
        err_hint(m->e, "`%s check` shows them", source_tool(&m->app->source));
    }
    for (size_t i = 0; ok && i < m->revisions.n; i++)
        ok = write_revision(m, &s, stream, &m->revisions.v[i]);
    findings_free(&s.findings);
    return ok;
}

/* Findings of the twin are shown with the path that the file would have. */
static void move_findings(struct importer *m, struct findings *from)
{
    struct str twin = str_from(m->overlay.folder);
    findings_sort(from);
    for (size_t i = 0; i < from->list.n; i++) {
        struct finding *found = &from->list.v[i];
        if (found->severity != SEVERITY_ERROR)
            continue;
        struct str path = str_from(found->err.path);
        struct finding *copy = finding_add(m->out, found->rule, NULL, 0, "%s", "");
        err_move(&copy->err, &found->err);
        if (str_starts(path, twin)) {
            const char *real = arena_printf(m->a, "%s%.*s", m->app->folder, STR_ARG(str_slice(path, twin.n, path.n)));
            const char *line = arena_strdup(m->a, copy->err.source);
            err_at(&copy->err, real, copy->err.line, copy->err.column, str_from(line));
        }
    }
}

/* The whole folder must build. What lint has to say is another matter: the revisions are applied somewhere. */
static bool check_result(struct importer *m)
{
    struct source s = {.arena = m->a, .tool = m->app->source.tool};
    struct lint_options options = {.stream = shown_stream(m)};
    bool ok = source_read(&s, m->overlay.folder, m->e);
    if (ok) {
        link_streams(&s);
        check_postgresql(&s);
        check_sqlite(&s);
        check_own_tables(&s);
        move_findings(m, &s.findings);
        if (!m->out->n_errors && lint_sources(&s, &options, m->e))
            m->lint_errors = s.findings.n_errors;
    }
    findings_free(&s.findings);
    return ok;
}

static bool make_result(struct importer *m)
{
    return overlay_open(&m->overlay, m->a, m->app->folder, m->e) && write_ini(m) && write_revisions(m) &&
           check_result(m) && overlay_files(&m->overlay, &m->files, m->e);
}

/* ---- the answer ---- */

static size_t count_rule(const struct importer *m, const char *rule)
{
    size_t n = 0;
    for (size_t i = 0; i < m->out->list.n; i++)
        n += strcmp(m->out->list.v[i].rule, rule) == 0;
    return n;
}

static void show_answer(struct importer *m, bool written)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    struct strings paths = {0};
    for (size_t i = 0; i < m->files.n; i++)
        vec_push(m->a, &paths, arena_printf(m->a, "%s/%s", m->app->folder, m->files.v[i].path));
    json_object(&j);
    json_put_bool(&j, "written", written);
    json_put_text(&j, "stream", shown_stream(m));
    json_put_int(&j, "revisions", (int64_t)m->revisions.n);
    json_put_int(&j, "gaps", (int64_t)count_rule(m, IMPORT_GAP));
    json_put_int(&j, "review", (int64_t)count_rule(m, IMPORT_REVIEW));
    json_put_strings(&j, "files", &paths);
    json_put_text(&j, "variable", m->ini.variable);
    json_put_text(&j, "diff", m->ini_diff);
    json_end_object(&j);
    output_object(&m->app->out, &object);
    for (size_t i = 0; written && !m->app->out.json && i < paths.n; i++)
        output_line(&m->app->out, "%s", paths.v[i]);
    if (m->ini_diff && !m->app->out.json)
        output_raw(&m->app->out, str_from(m->ini_diff));
}

static void show_scripts(struct importer *m)
{
    for (size_t i = 0; i < m->scripts.n; i++) {
        const struct import_script *s = m->scripts.v[i];
        output_talk(&m->app->out, TALK_NOTE, "%s: %s for %s, %zu revision%s", s->file.shown,
                    s->direction == DIRECTION_UP ? "upgrade" : "downgrade", dialect_words[s->dialect], s->steps.n,
                    s->steps.n == 1 ? "" : "s");
    }
}

/* What is to be done next, as far as it can be told. */
static void show_next(struct importer *m)
{
    struct output *out = &m->app->out;
    size_t heads;
    const char *head = only_head(m, &heads);
    if (m->ini.variable)
        output_talk(out, TALK_NOTE, "the environment must hold %s: %s", m->ini.variable,
                    m->ini.only_password ? "the password, encoded as it is in the URL" : "the URL of the database");
    if (m->ini_diff)
        output_talk(out, TALK_NOTE, "%s stays as it is; the diff is what --ini would make of it", m->there->ini.shown);
    if (m->lint_errors && head)
        output_talk(out, TALK_WARNING,
                    "lint would stop the build at %zu place%s of what is applied already: \"since = %s\" "
                    "in [lint] of env.ini leaves it alone",
                    m->lint_errors, m->lint_errors == 1 ? "" : "s", head);
    output_talk(out, TALK_NOTE,
                "`%s %s verify` tries every revision up and down; `%s diff URL %s@REV` compares a database that "
                "Alembic made",
                source_tool(&m->app->source), shown_stream(m), source_tool(&m->app->source), shown_stream(m));
}

static bool answer(struct importer *m)
{
    bool ok = !m->out->n_errors;
    show_scripts(m);
    app_show_findings(m->app, m->out);
    if (ok && !overlay_take(&m->overlay, &m->files, m->e))
        return false;
    show_answer(m, ok);
    if (!ok)
        output_talk(&m->app->out, TALK_NOTE, "nothing was written");
    else
        show_next(m);
    return true;
}

static int run_import(struct app *app)
{
    AUTO_ERR e = {0};
    struct findings out = {.arena = app->arena};
    struct importer m = {.app = app, .a = app->arena, .out = &out, .e = &e};
    bool ok = read_all(&m) && (out.n_errors || make_result(&m)) && answer(&m);
    int status = !ok ? app_fail(app, &e) : out.n_errors ? 1 : 0;
    overlay_close(&m.overlay);
    findings_free(&out);
    return status;
}

static const char *const import_examples[] = {
    "tenant import-alembic --upgrade-sql up.sql --downgrade-sql down.sql --history history.txt",
    "one engine; which one the scripts say",
    "shared import-alembic --ini alembic.ini --upgrade-sql up.sql --downgrade-sql down.sql",
    "a new stream: its env.ini is made from the project's alembic.ini",
    NULL,
};

const struct command command_import = {
    .name = "import-alembic",
    .operands = "",
    .flags = COMMAND_STREAM,
    .help = "write the revisions of an Alembic project from the SQL that it prints",
    .more =
        "`alembic upgrade base:head --sql`, `alembic downgrade head:base --sql` and `alembic history -v` are what it reads; "
        "a project with several heads prints a way down for each. Ids, parents, messages, labels and dependencies are "
        "kept, so that a database which Alembic migrated is carried on. Without a prefix or --dialect a script that begins "
        "with BEGIN or says RETURNING is PostgreSQL's, any other SQLite's.\n\n"
        "What Alembic cannot write down as SQL is listed with the reason, and then nothing is written, unless --allow-gaps "
        "says so: its up section stays empty with a comment, its way back becomes irreversible. The result must build.",
    .examples = import_examples,
    .run = run_import,
};
