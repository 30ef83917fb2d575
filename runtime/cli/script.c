/*
 * --sql: the script of a plan in Alembic's shape, for psql or sqlite3. Nothing is connected to: the start is FROM of
 * FROM:TO, else an empty database.
 */
#include <string.h>

#include "cli/filter.h"
#include "cli/format.h"
#include "cli/migrate.h"
#include "db/db.h"

struct script {
    struct visits *v;
    enum dialect dialect;
    struct db_options options;
    const char *tenant; /* NULL: none */
    struct buf out;
};

/* ------------------------------------------------------------------------------------------------------ dialect */

static bool dialect_from_flag(const struct app *app, const struct stream *stream, enum dialect *out, struct err *e)
{
    const char *asked = call_value(&app->call, "dialect");
    *out = strcmp(asked, "sqlite") == 0 ? DIALECT_SQLITE : DIALECT_POSTGRESQL;
    if (strcmp(asked, "sqlite") != 0 && strcmp(asked, "postgresql") != 0) {
        err_set(e, FAULT_USAGE, "unknown dialect \"%s\"", asked);
        err_hint(e, "postgresql or sqlite");
        return false;
    }
    if (!(stream->dialects & DIALECT_BIT(*out)))
        return err_set(e, FAULT_USAGE, "stream \"%s\" has no revisions for %s", stream->name, asked);
    return true;
}

/* Without the option: the stream's only one, that of the address if there is one, else PostgreSQL. */
static bool find_dialect(struct visits *v, enum dialect *out, struct err *e)
{
    struct address address = {0};
    AUTO_ERR ignored = {0};
    struct strings none = {0};
    struct config_row row = {.tenant = "tenant", .columns = &none};
    bool known = false;
    if (call_value(&v->app->call, "dialect"))
        return dialect_from_flag(v->app, v->stream, out, e);
    *out = v->stream->dialects & DIALECT_BIT(DIALECT_POSTGRESQL) ? DIALECT_POSTGRESQL : DIALECT_SQLITE;
    if (v->stream->kind == STREAM_SINGLE)
        known = config_address(&v->config, &v->app->arena, &address, &ignored);
    else
        known = config_tenant_address(&v->config, &v->app->arena, &row, &address, &ignored);
    if (known && v->stream->dialects & DIALECT_BIT(address.dialect))
        *out = address.dialect;
    return true;
}

/* -------------------------------------------------------------------------------------------------------- bodies */

/* Length of a quoted piece or comment at `i`, 0 when there is none: what a scan of SQLite's text must step over. */
static size_t skip_quoted(struct str s, size_t i)
{
    char c = s.p[i], close = c == '[' ? ']' : c;
    if (c == '-' && i + 1 < s.n && s.p[i + 1] == '-')
        return str_find(str_slice(s, i, s.n), '\n');
    if (c == '/' && i + 1 < s.n && s.p[i + 1] == '*') {
        const char *end = memmem(s.p + i + 2, s.n - i - 2, "*/", 2);
        return end ? (size_t)(end - s.p) + 2 - i : s.n - i;
    }
    if (c != '\'' && c != '"' && c != '`' && c != '[')
        return 0;
    size_t length = 1 + str_find(str_slice(s, i + 1, s.n), close) + 1;
    return length > s.n - i ? s.n - i : length;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

/* The length of migrate_setting ( 'tenant_id' ) at `i`, or 0. */
static size_t tenant_call(struct str s, size_t i)
{
    static const char *const pieces[] = {"migrate_setting", "(", "'tenant_id'", ")"};
    size_t at = i;
    if (i > 0 && is_word(s.p[i - 1]))
        return 0;
    for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
        size_t n = strlen(pieces[k]);
        while (k > 0 && at < s.n && strchr(" \t\n\r", s.p[at]))
            at++;
        if (at + n > s.n || strncasecmp(s.p + at, pieces[k], n) != 0)
            return 0;
        at += n;
    }
    return at - i;
}

/*
 * sqlite3 has no function migrate_setting(), so a script holds the tenant's id in its place. The executable itself never
 * touches the text of a body.
 */
static bool add_sqlite_text(struct script *s, const struct revision *r, struct str text, struct err *e)
{
    for (size_t i = 0; i < text.n;) {
        size_t quoted = skip_quoted(text, i), call = quoted ? 0 : tenant_call(text, i);
        if (call && !s->tenant) {
            err_set(e, FAULT_USAGE, "revision %s uses the tenant's id", r->id);
            err_hint(e, "say whose script it is to be: -x tenant_id=ID");
            return false;
        }
        if (call)
            db_quote_text(&s->out, s->dialect, s->tenant);
        else
            buf_add(&s->out, text.p + i, quoted ? quoted : 1);
        i += call ? call : quoted ? quoted : 1;
    }
    return true;
}

/* A statement that runs until it touches no row, a commit each: a loop where the engine has one. */
static bool add_batch(struct script *s, const struct revision *r, struct str text, struct err *e)
{
    const char *quote = "$migrate$";
    if (s->dialect == DIALECT_SQLITE)
        return err_set(e, FAULT_USAGE, "revision %s repeats a statement until it is done, which sqlite3 cannot", r->id);
    if (memmem(text.p, text.n, quote, strlen(quote)))
        return err_set(e, FAULT_USAGE, "revision %s cannot be written as a script: it holds %s", r->id, quote);
    buf_addf(&s->out, "DO %s BEGIN LOOP\n%.*s;\nEXIT WHEN NOT FOUND;\nCOMMIT;\nEND LOOP; END %s;\n\n", quote,
             STR_ARG(text), quote);
    return true;
}

/* The section's text up to its last statement; what follows is comments. */
static struct str body_of(const struct revision *r, const struct revision_section *section)
{
    struct str file = {(const char *)r->text, r->length};
    struct str text = str_slice(file, section->offset, section->offset + section->length);
    if (section->n_statements) {
        const struct revision_statement *last = &section->statements[section->n_statements - 1];
        text = str_slice(file, section->offset, last->offset + last->length);
    }
    return str_trim(text);
}

static bool add_body(struct script *s, const struct revision *r, const struct revision_section *section, struct err *e)
{
    struct str text = body_of(r, section);
    bool apart = section->flags & (SECTION_NO_TRANSACTION | SECTION_BATCH);
    if (!text.n)
        return true;
    if (apart)
        db_script_commit(&s->out, s->dialect);
    if (section->flags & SECTION_BATCH) {
        if (!add_batch(s, r, text, e))
            return false;
    } else if (s->dialect == DIALECT_SQLITE ? !add_sqlite_text(s, r, text, e) : (buf_adds(&s->out, text), false)) {
        return false;
    } else {
        buf_addz(&s->out, section->n_statements ? ";\n\n" : "\n\n");
    }
    if (apart)
        db_script_begin(&s->out, s->dialect);
    return true;
}

/* --------------------------------------------------------------------------------------------------------- steps */

/* "-- Running upgrade a -> b", as Alembic comments a step. */
static void add_comment(struct script *s, const struct step *step)
{
    BUF_AUTO text = {0};
    format_step(&text, step, s->v->stream);
    struct str line = buf_str(&text);
    if (step->kind != STEP_STAMP && step->revision) {
        size_t message = strlen(step->revision->message) + 2;
        line = str_slice(line, 0, line.n - message);
    }
    buf_addz(&s->out, "-- ");
    output_clean(&s->out, line, false);
    buf_addz(&s->out, "\n\n");
}

static const struct revision_section *section_of(const struct script *s, const struct step *step)
{
    enum direction direction = step->kind == STEP_DOWNGRADE ? DIRECTION_DOWN : DIRECTION_UP;
    int pick = step->kind == STEP_STAMP ? SECTION_NONE : step->revision->pick[direction][s->dialect];
    return pick == SECTION_NONE ? NULL : &step->revision->sections[pick];
}

/* Where a table is dropped or rebuilt, no key may cascade; the pragma does nothing inside a transaction. */
static void add_pragma(struct script *s, const struct plan *plan)
{
    bool off = false;
    for (size_t i = 0; i < plan->n; i++) {
        const struct revision_section *section = section_of(s, &plan->steps[i]);
        off |= section && section->flags & SECTION_FOREIGN_KEYS_OFF;
    }
    if (off && s->dialect == DIALECT_SQLITE)
        buf_addz(&s->out, "PRAGMA foreign_keys=OFF;\n\n");
}

static bool add_step(struct script *s, const struct step *step, struct err *e)
{
    const struct revision_section *section = section_of(s, step);
    add_comment(s, step);
    if (step->kind != STEP_STAMP && !section)
        return err_set(e, FAULT_POLICY, "revision %s is irreversible", step->revision->id);
    if (section && !add_body(s, step->revision, section, e))
        return false;
    for (size_t i = 0; i < step->n_changes; i++)
        db_script_change(&s->out, s->dialect, &s->options, &step->changes[i]);
    return true;
}

/* FROM:TO, or TO from an empty database. */
static bool split_target(struct visits *v, enum job_kind kind, const char *target, struct strings *rows, struct str *to,
                         struct err *e)
{
    struct str text = str_from(target), from;
    size_t colon = str_find(text, ':');
    *to = colon < text.n ? str_slice(text, colon + 1, text.n) : text;
    from = colon < text.n ? str_slice(text, 0, colon) : (struct str){0};
    if (colon == text.n && kind == JOB_DOWNGRADE) {
        err_set(e, FAULT_USAGE, "downgrade with --sql requires FROM:TO");
        err_hint(e, "%s %s downgrade REVISION:%s --sql", v->app->catalogue->program, v->stream->name, target);
        return false;
    }
    return !from.n || plan_rows_of(&v->app->arena, v->graph, from, rows, e);
}

static bool make_plan(struct visits *v, enum job_kind kind, struct strings *rows, struct plan *plan, struct err *e)
{
    struct app *app = v->app;
    struct str to;
    if (kind == JOB_STAMP) {
        struct strings targets = {0};
        struct str ignored;
        for (size_t i = 0; i < app->call.operands.n; i++) {
            if (!split_target(v, kind, app->call.operands.v[i], rows, &ignored, e))
                return false;
            vec_push(&app->arena, &targets, ignored.p);
        }
        if (call_has(&app->call, "purge"))
            return err_set(e, FAULT_USAGE, "--purge deletes what is there, and --sql does not look");
        return plan_stamp(&app->arena, v->graph, rows, &targets, false, plan, e);
    }
    if (!split_target(v, kind, app->call.operands.v[0], rows, &to, e))
        return false;
    return (kind == JOB_UPGRADE ? plan_upgrade : plan_downgrade)(&app->arena, v->graph, rows, to, plan, e);
}

static bool find_tenant(struct script *s, struct err *e)
{
    struct choice choice;
    if (!filter_read(s->v->app, s->v->stream, &choice, e))
        return false;
    if (choice.has_only && choice.only.n != 1)
        return err_set(e, FAULT_USAGE, "a script is for one tenant, and %zu were chosen", choice.only.n);
    s->tenant = choice.has_only ? choice.only.v[0] : NULL;
    return true;
}

static bool write_script(struct script *s, enum job_kind kind, struct err *e)
{
    struct strings rows = {0};
    struct plan plan = {0};
    if (kind != JOB_ENSURE_VERSION && !make_plan(s->v, kind, &rows, &plan, e))
        return false;
    add_pragma(s, &plan);
    db_script_begin(&s->out, s->dialect);
    if (s->tenant)
        db_script_tenant(&s->out, s->dialect, s->tenant);
    if (!rows.n)
        db_script_create(&s->out, s->dialect, &s->options);
    for (size_t i = 0; i < plan.n; i++)
        if (!add_step(s, &plan.steps[i], e))
            return false;
    db_script_commit(&s->out, s->dialect);
    return true;
}

/* With --json an object that says for whom the script is. */
static void answer(struct script *s)
{
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    if (!s->v->app->out.json) {
        output_raw(&s->v->app->out, buf_str(&s->out));
        return;
    }
    json_object(&j);
    json_put_text(&j, "stream", s->v->stream->name);
    json_put_text(&j, "tenant", s->tenant);
    json_put_text(&j, "dialect", s->dialect == DIALECT_SQLITE ? "sqlite" : "postgresql");
    json_put_text(&j, "script", s->out.p);
    json_end_object(&j);
    output_object(&s->v->app->out, &object);
}

/* A script is for one database, and looks at none. */
static bool check_call(const struct app *app, struct err *e)
{
    if (call_has(&app->call, "dry-run"))
        return err_set(e, FAULT_USAGE, "--dry-run looks at the databases, and --sql at none: choose one of them");
    if (app_is_all(app) && app->catalogue->n_streams > 1) {
        err_set(e, FAULT_USAGE, "a script is for one database, and all are %u streams", app->catalogue->n_streams);
        err_hint(e, "write one for each stream");
        return false;
    }
    return true;
}

int migrate_script(struct app *app, const struct stream *stream, enum job_kind kind)
{
    struct visits v;
    struct script s = {.v = &v};
    AUTO_ERR e = {0};
    bool ok = visits_prepare(app, stream, JOB_READ, &v, &e) && check_call(app, &e) && find_tenant(&s, &e) &&
              find_dialect(&v, &s.dialect, &e);
    s.options = (struct db_options){
        .stream = stream->name,
        .version_table = v.job.version_table,
        .version_schema = s.dialect == DIALECT_POSTGRESQL ? v.job.version_schema : NULL,
    };
    ok = ok && write_script(&s, kind, &e);
    /* Whole or not at all: half a script is worse than none. */
    if (ok)
        answer(&s);
    buf_free(&s.out);
    visits_free(&v);
    return ok ? EXIT_DONE : app_fail(app, &e);
}
