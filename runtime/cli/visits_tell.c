/* What is said of databases: failures, and answers in the order of the list. */
#include "cli/visits.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------------- reporting */

/* "acme: tenant/versions/5f1c….sql:3:14: revision 5f1c0a2b9e77: relation … does not exist" */
static void failure_line(struct buf *out, const struct visits *v, const struct tenant_failure *f)
{
    const struct err *e = &f->err;
    buf_addf(out, "  %s: ", visits_name(v, v->tenants.v[f->tenant].id));
    if (f->revision && !(e->message && strstr(e->message, f->revision)))
        buf_addf(out, "%s: ", f->revision);
    if (e->path && e->line > 0 && e->column > 0)
        buf_addf(out, "%s:%d:%d: ", e->path, e->line, e->column);
    else if (e->path && e->line > 0)
        buf_addf(out, "%s:%d: ", e->path, e->line);
    buf_addz(out, e->message ? e->message : err_fault_name(f->fault));
}

/* Who is refused by a server wonders where the name and the password came from. */
void visits_hint_login(const struct config *c, const struct tenant *t, struct err *e)
{
    bool fleet = c->stream->kind == STREAM_FLEET;
    bool of_row = fleet && t && t->url && config_number(c, SET_TENANT_URL_MODE) == TENANT_URL_FALLBACK;
    const struct config_value *value = &c->values[fleet ? SET_TENANT_URL : SET_URL];
    const char *where = of_row ? "the column database_url of tenants_query" : value->where;
    /* A text of env.ini is mostly a reference, and the variable in it is what has to be looked at. */
    const char *reference = !of_row && value->origin == ORIGIN_EMBEDDED && value->text && strstr(value->text, "${")
                                ? value->text
                                : NULL;
    if (e->fault == FAULT_LOGIN && !e->hint && where)
        err_hint(e, "the address comes from %s%s%s; a password in it is percent-encoded: @ is %%40, / is %%2F", where,
                 reference ? ": " : "", reference ? reference : "");
}

/* A hint that was given for the tenant before says nothing new to whoever reads both. */
static void drop_known_hint(struct visits *v, struct err *e)
{
    if (!e->hint)
        return;
    bool known = v->hinted && strcmp(v->hinted, e->hint) == 0;
    free(v->hinted);
    v->hinted = mem_strdup(e->hint);
    if (known) {
        free(e->hint);
        e->hint = NULL;
    }
}

void visits_tell_failure(struct visits *v, const struct tenant *t, const struct outcome *outcome)
{
    AUTO_ERR e = {0};
    err_copy(&e, &outcome->err);
    visits_hint_login(&v->config, t, &e);
    drop_known_hint(v, &e);
    err_context(&e, "tenant %s", t->id);
    output_error(&v->app->out, &e, NULL);
}

/* Why tenants were not started. */
static void describe_halt(struct buf *out, const struct visits *v)
{
    const struct fleet_result *r = &v->result;
    if (atomic_load(&v->app->stop.signal))
        buf_addz(out, "a signal asked to stop");
    else if (r->halt == HALT_CANARY)
        buf_addz(out, "a canary failed");
    else if (r->halt == HALT_WAVE)
        buf_addf(out, "%zu revision%s failed up to wave %zu", r->bodies, r->bodies == 1 ? "" : "s",
                 r->halt_stage + 1 - (v->stages.canaries > 0));
    else if (r->halt == HALT_MAX_FAILURES)
        buf_addf(out, "%zu revision%s failed, and max_failures is %s", r->bodies, r->bodies == 1 ? "" : "s",
                 config_text(&v->config, SET_MAX_FAILURES));
    else
        buf_addz(out, "the deadline passed");
}

void visits_report(struct visits *v)
{
    struct output *out = &v->app->out;
    BUF_AUTO why = {0};
    describe_halt(&why, v);
    if (v->stream->kind == STREAM_SINGLE) {
        for (size_t i = 0; i < v->result.n_failures; i++) {
            AUTO_ERR e = {0};
            err_copy(&e, &v->result.failures[i].err);
            visits_hint_login(&v->config, NULL, &e);
            if (app_is_all(v->app))
                err_context(&e, "%s", v->stream->name);
            output_error(out, &e, NULL);
        }
        if (v->result.not_started)
            output_talk(out, TALK_ERROR, "%s before the database was visited", why.p);
        return;
    }
    if (v->result.not_started)
        output_talk(out, TALK_WARNING, "%zu of %zu tenants were not started: %s", v->result.not_started, v->tenants.n,
                    why.p);
    bool tolerated = visits_status(v) == EXIT_DONE;
    if (v->result.n_failures)
        output_talk(out, tolerated ? TALK_WARNING : TALK_ERROR, "%zu of %zu tenant%s failed%s%s:", v->result.n_failures,
                    v->tenants.n, v->tenants.n == 1 ? "" : "s", tolerated ? ", and tolerate is " : "",
                    tolerated ? config_text(&v->config, SET_TOLERATE) : "");
    for (size_t i = 0; i < v->result.n_failures; i++) {
        BUF_AUTO line = {0};
        failure_line(&line, v, &v->result.failures[i]);
        output_more(out, line.p);
    }
}

void visits_json_failure(struct json *j, const struct visits *v, const struct tenant_failure *f)
{
    json_object(j);
    json_put_text(j, "tenant", v->tenants.v[f->tenant].id);
    json_put_text(j, "revision", f->revision);
    output_error_members(j, &f->err);
    json_end_object(j);
}

void visits_json_failures(struct json *j, const struct visits *v)
{
    json_key(j, "failures");
    json_array(j);
    for (size_t i = 0; i < v->result.n_failures; i++)
        visits_json_failure(j, v, &v->result.failures[i]);
    json_end_array(j);
}

/* ------------------------------------------------------------------------------------------------------ ordered */

void ordered_init(struct ordered *o, struct visits *v)
{
    *o = (struct ordered){.app = v->app, .n = v->tenants.n};
    o->pending = mem_alloc(v->tenants.n * sizeof *o->pending + 1);
}

static void ordered_flush(struct ordered *o, size_t index)
{
    char *text = o->pending[index];
    o->pending[index] = NULL;
    if (text && o->app->out.json && *text)
        app_add_item(o->app, str_from(text));
    else if (text && !o->app->out.json)
        output_raw(&o->app->out, str_from(text));
    free(text);
}

void ordered_put(struct ordered *o, size_t index, const struct buf *text)
{
    BUF_AUTO clean = {0};
    output_clean(&clean, buf_str(text), true);
    o->pending[index] = buf_steal(&clean);
    for (; o->next < o->n && o->pending[o->next]; o->next++)
        ordered_flush(o, o->next);
}

/* What is left waited for a database that was never visited. */
void ordered_free(struct ordered *o)
{
    for (; o->next < o->n; o->next++)
        ordered_flush(o, o->next);
    free(o->pending);
    *o = (struct ordered){0};
}
