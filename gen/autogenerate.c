/*
 * Reading both ends, working out the steps and trying them. The bench holds one schema at a time, so the order is: what
 * lives in databases is read first, then the goal is built and read, then the start, which stays on the bench as the copy
 * that everything is tried on.
 */
#include "gen/autogenerate.h"

#include <string.h>

/* Not two: what is unique by an expression, or is so from now on, may have room for one row of our making alone. */
enum { SEEDED_ROWS = 1 };

/* ---- helpers ---- */

static struct err *refuse(struct autogenerate *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

static struct err *refuse(struct autogenerate *g, const char *format, ...)
{
    BUF_AUTO text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&text, format, ap);
    va_end(ap);
    vec_push(g->arena, &g->refusals, (struct err){0});
    struct err *e = &g->refusals.v[g->refusals.n - 1];
    err_set(e, FAULT_POLICY, "%s", text.p);
    return e;
}

static void take_refusals(struct autogenerate *g, struct change_list *l)
{
    for (size_t i = 0; i < l->refusals.n; i++) {
        vec_push(g->arena, &g->refusals, (struct err){0});
        err_move(&g->refusals.v[g->refusals.n - 1], &l->refusals.v[i]);
    }
    l->refusals.n = 0;
}

/* Whatever is asked for, with nothing held back: copies and ways back. */
static struct change_options everything(const struct autogenerate *g)
{
    return (struct change_options){
        .policy = g->options.changes.policy, .allow_destructive = true, .keep_rows = g->options.changes.keep_rows};
}

static struct strings enabled_sql(struct arena *a, const struct change_list *l)
{
    struct strings sql = {0};
    for (size_t i = 0; i < l->steps.n; i++)
        if (!(l->steps.v[i].flags & STEP_DISABLED))
            vec_push(a, &sql, l->steps.v[i].sql);
    return sql;
}

/* What no step makes or drops: an extension too many, and what no kind models, whose differences are refused before. */
static bool is_kept(const struct difference *d)
{
    const struct object *o = d->found ? d->found : d->wanted;
    return o->kind->flags & KIND_REPORTED || (d->verdict == VERDICT_UNEXPECTED && o->kind->flags & KIND_KEPT);
}

enum { MOST_LISTED = 8 };

/* One more of a list that ends after a few. */
static void list_item(struct buf *out, size_t *n, const struct buf *item)
{
    if (*n < MOST_LISTED)
        buf_addf(out, "%s%s", *n ? "; " : "", item->p);
    ++*n;
}

static void end_list(struct buf *out, size_t n)
{
    if (n > MOST_LISTED)
        buf_addf(out, "; and %zu more", n - MOST_LISTED);
}

/* What differs; nothing: they are equal. */
static void list_differences(struct autogenerate *g, const struct catalog *wanted, const struct catalog *found,
                             struct buf *out)
{
    struct differences all = {0};
    size_t n = 0;
    catalog_compare(g->arena, wanted, found, &g->options.changes.policy, &all);
    for (size_t i = 0; i < all.n; i++) {
        BUF_AUTO item = {0};
        difference_describe(&item, &all.v[i]);
        if (!is_kept(&all.v[i]))
            list_item(out, &n, &item);
    }
    end_list(out, n);
}

/* What is left to be done: steps that are not disabled, and refusals. */
static void list_left(const struct change_list *l, struct buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < l->steps.n + l->refusals.n; i++) {
        BUF_AUTO item = {0};
        if (i >= l->steps.n)
            buf_addz(&item, l->refusals.v[i - l->steps.n].message);
        else if (!(l->steps.v[i].flags & STEP_DISABLED))
            buf_addf(&item, "%s", l->steps.v[i].sql);
        if (item.n)
            list_item(out, &n, &item);
    }
    end_list(out, n);
}

/* ---- reading ---- */

static const struct catalog *live_catalog(const struct autogenerate *g)
{
    return g->from.kind == ENDPOINT_DATABASE ? g->start.exact : g->to.kind == ENDPOINT_DATABASE ? g->goal.exact : NULL;
}

static const char *unquote(struct arena *a, const char *name)
{
    BUF_AUTO out = {0};
    bool quoted = *name == '"';
    for (const char *c = name + quoted; *c && !(quoted && c[0] == '"' && c[1] == '\0'); c++) {
        buf_addc(&out, *c);
        c += quoted && *c == '"';
    }
    return out.p ? arena_str(a, buf_str(&out)) : "";
}

/*
 * Who does everything on the bench: whoever reads the start, who is the one to run the script. Where owners do not count it
 * is who owns most of the database, since what a file says without a name is about its owner.
 */
static const char *acting_role(struct autogenerate *g, const struct catalog *live)
{
    struct strings names = {0};
    size_t *times = ARENA_ARRAY(g->arena, size_t, live->objects.n + 1), best = 0;
    for (size_t i = 0; !g->options.changes.policy.owners && i < live->objects.n; i++) {
        const struct object *o = &live->objects.v[i];
        const char *owner = kind_attribute(o->kind, "owner") < o->kind->n_attributes ? object_value(o, "owner") : NULL;
        size_t k = 0;
        if (!owner || o->kind == &kind_schema)
            continue;
        while (k < names.n && strcmp(names.v[k], owner) != 0)
            k++;
        if (k == names.n)
            vec_push(g->arena, &names, owner);
        times[k]++;
    }
    for (size_t k = 1; k < names.n; k++)
        best = times[k] > times[best] ? k : best;
    return names.n ? unquote(g->arena, names.v[best]) : live->role;
}

static bool needs_bench(const struct autogenerate *g)
{
    return g->from.kind != ENDPOINT_DATABASE || g->to.kind != ENDPOINT_DATABASE;
}

static bool open_bench(struct autogenerate *g, struct err *e)
{
    const struct catalog *live = live_catalog(g);
    const struct bench_options options = {
        .dialect = g->from.dialect,
        .scratch = g->options.scratch,
        .major = live && g->from.dialect == DIALECT_POSTGRESQL ? (int)(live->version / 10000) : 0,
        .role = live && g->from.dialect == DIALECT_POSTGRESQL ? acting_role(g, live) : NULL,
        .schema = g->options.scope.schema,
        .scope = g->options.scope,
        .stream = g->from.kind == ENDPOINT_REVISIONS ? g->from.stream->name : "",
        .tenant = g->options.tenant ? g->options.tenant : "tenant",
    };
    if (bench_open(&g->bench, &options, e))
        return true;
    if (needs_bench(g) || g->options.scratch)
        return false;
    err_move(&g->unverified, e);
    return true;
}

static bool read_databases(struct autogenerate *g, struct err *e)
{
    g->from.scope = g->to.scope = g->options.scope;
    if (g->from.kind == ENDPOINT_DATABASE &&
        !endpoint_read_database(g->arena, &g->from, g->options.relative, &g->start, e))
        return false;
    if (g->to.kind == ENDPOINT_DATABASE && !endpoint_read_database(g->arena, &g->to, g->options.relative, &g->goal, e))
        return false;
    /* What is made is made by whoever reads the start. */
    if (g->from.kind == ENDPOINT_DATABASE && g->to.kind == ENDPOINT_DATABASE)
        g->goal.exact->role = g->goal.shown->role = g->start.exact->role;
    if (g->from.kind != ENDPOINT_DATABASE || g->to.kind != ENDPOINT_DATABASE || g->from.dialect != DIALECT_POSTGRESQL ||
        g->start.exact->version / 10000 == g->goal.exact->version / 10000)
        return true;
    err_set(e, FAULT_POLICY, "%s is PostgreSQL %u, and %s is PostgreSQL %u", g->from.name,
            g->start.exact->version / 10000, g->to.name, g->goal.exact->version / 10000);
    err_detail(e, "versions print expressions and views each in its own way, so they cannot be compared");
    return false;
}

/*
 * The goal stands on the bench after it was read, and most of it is the start already: what leads back is far less than the
 * whole. False: it does not lead there, for whatever reason, and the bench is to be cleared.
 */
static bool copy_from_goal(struct autogenerate *g)
{
    struct snapshot copy = {0};
    struct change_list steps = {.arena = g->arena};
    struct change_options options = everything(g);
    const struct snapshot start = {g->start.exact, g->start.exact}, goal = {g->goal.exact, g->goal.exact};
    BUF_AUTO differing = {0};
    AUTO_ERR e = {0};
    options.keep_rows = false;
    /* Each ALTER TABLE of SQLite reads the whole schema, and making a table reads nothing: there it is the longer way. */
    if (g->to.kind == ENDPOINT_DATABASE || g->to.dialect == DIALECT_SQLITE ||
        !bench_add_roles(g->bench, g->start.exact, &e) || !changes_make(&steps, &goal, &start, &options, &e))
        return false;
    struct strings sql = enabled_sql(g->arena, &steps);
    bool there = !steps.refusals.n && bench_run(g->bench, &sql, &e) && bench_read(g->bench, g->arena, false, &copy, &e);
    change_list_free(&steps);
    if (there)
        list_differences(g, g->start.exact, copy.exact, &differing);
    return there && !differing.n;
}

/* A database on the bench is what its statements make of it; what they cannot make cannot be tried. */
static bool copy_start(struct autogenerate *g, struct err *e)
{
    struct snapshot empty = {0}, copy = {0};
    struct change_list steps = {0};
    struct change_options options = everything(g);
    options.keep_rows = false;
    options.skip_unmodelled = true;
    if (copy_from_goal(g))
        return true;
    if (!bench_clear(g->bench, e) || !bench_add_roles(g->bench, g->start.exact, e) ||
        !bench_read(g->bench, g->arena, false, &empty, e))
        return false;
    const struct snapshot exact = {g->start.exact, g->start.exact};
    steps.arena = g->arena;
    if (!changes_make(&steps, &empty, &exact, &options, e))
        return false;
    struct strings sql = enabled_sql(g->arena, &steps);
    for (size_t i = 0; i < steps.refusals.n; i++)
        err_context(&steps.refusals.v[i], "%s cannot be copied", g->from.name);
    take_refusals(g, &steps);
    AUTO_ERR why = {0};
    if (!bench_run(g->bench, &sql, &why)) {
        struct err *refusal = refuse(g, "%s cannot be copied: %s", g->from.name, why.message);
        err_detail(refusal, "%s", why.detail ? why.detail : "");
        return true;
    }
    BUF_AUTO differing = {0};
    if (!bench_read(g->bench, g->arena, false, &copy, e))
        return false;
    list_differences(g, g->start.exact, copy.exact, &differing);
    if (differing.n)
        refuse(g, "%s cannot be copied: %s", g->from.name, differing.p);
    return true;
}

bool autogenerate_read(struct autogenerate *g, struct err *e)
{
    bool relative = g->options.relative;
    if (!endpoint_read_hints(g->arena, &g->to, g->findings))
        return err_set(e, FAULT_FAILED, "%s has errors", g->to.name);
    g->options.changes.hints = g->to.kind == ENDPOINT_FILE ? &g->to.hints : NULL;
    if (!endpoint_is_apart(g->arena, &g->from, g->options.scratch, e) ||
        !endpoint_is_apart(g->arena, &g->to, g->options.scratch, e) || !read_databases(g, e) || !open_bench(g, e))
        return false;
    const struct snapshot *extensions = g->from.kind == ENDPOINT_DATABASE ? &g->start : NULL;
    if (g->to.kind != ENDPOINT_DATABASE &&
        !endpoint_build(g->arena, &g->to, g->bench, extensions, relative, g->findings, &g->goal, e))
        return false;
    if (g->from.kind == ENDPOINT_DATABASE)
        return true;
    extensions = g->to.kind == ENDPOINT_DATABASE ? &g->goal : NULL;
    return endpoint_build(g->arena, &g->from, g->bench, extensions, relative, g->findings, &g->start, e);
}

bool autogenerate_ask(struct autogenerate *g, struct err *e)
{
    struct hints *hints = g->to.kind == ENDPOINT_FILE ? &g->to.hints : NULL;
    return renames_find(g->arena, &g->start, &g->goal, hints, &g->options.renames, &g->options.changes.policy,
                        g->findings, &g->renames, e);
}

/* ---- portions ---- */

/* An enum's new label is a text in quotes wherever it is used; its type's name may have quotes, too. */
static bool uses_label(const struct change_list *l, size_t enum_step, size_t from)
{
    const char *added = strstr(l->steps.v[enum_step].sql, " ADD VALUE ");
    const char *quote = added ? strchr(added, '\'') : NULL, *end = quote ? strchr(quote + 1, '\'') : NULL;
    for (size_t i = from; quote && end && i < l->steps.n; i++)
        if (l->steps.v[i].segment != SEGMENT_ENUM &&
            memmem(l->steps.v[i].sql, strlen(l->steps.v[i].sql), quote, (size_t)(end + 1 - quote)))
            return true;
    return false;
}

static bool any_label_used(const struct change_list *l, size_t from)
{
    for (size_t i = from; i < l->steps.n; i++)
        if (l->steps.v[i].segment == SEGMENT_ENUM && uses_label(l, i, from))
            return true;
    return false;
}

/* Whether a step may go into the transaction that the steps before it are in. */
static bool joins(enum segment before, enum segment now, bool labels_used)
{
    if (before == now)
        return true;
    bool is_enum = before == SEGMENT_ENUM || now == SEGMENT_ENUM;
    bool plain = (before == SEGMENT_ENUM || before == SEGMENT_PLAIN) && (now == SEGMENT_ENUM || now == SEGMENT_PLAIN);
    return is_enum && plain && !labels_used;
}

static void cut_into_portions(struct autogenerate *g)
{
    bool labels_used = any_label_used(&g->up, 0);
    for (size_t i = 0; i < g->up.steps.n; i++) {
        const struct change_step *s = &g->up.steps.v[i];
        struct portion *last = g->portions.n ? &g->portions.v[g->portions.n - 1] : NULL;
        if (!last || !joins(last->segment, s->segment, labels_used)) {
            vec_push(g->arena, &g->portions, (struct portion){.segment = s->segment});
            last = &g->portions.v[g->portions.n - 1];
        } else if (last->segment == SEGMENT_ENUM) {
            last->segment = s->segment;
        }
        vec_push(g->arena, &last->up, s);
    }
    if (!g->portions.n && g->renames.pairs.n)
        vec_push(g->arena, &g->portions, (struct portion){.segment = SEGMENT_PLAIN});
    for (size_t i = g->renames.pairs.n; i-- > 0;)
        vec_push(g->arena, &g->portions.v[0].renames_down, g->renames.pairs.v[i].down);
}

/* ---- rows ---- */

struct row_count {
    const char *identity;
    int64_t rows;
};
struct row_counts {
    VEC(struct row_count) tables;
};

static void count_rows(struct autogenerate *g, const struct catalog *c, struct row_counts *out)
{
    for (size_t i = 0; i < c->objects.n; i++)
        if (strcmp(c->objects.v[i].kind->name, "table") == 0)
            vec_push(g->arena, &out->tables,
                     (struct row_count){c->objects.v[i].identity, bench_count(g->bench, c->objects.v[i].address)});
}

/* Tables that are in both must have what they had; what goes on the way is not asked after again. */
static void compare_rows(struct autogenerate *g, struct row_counts *before, const struct catalog *now, const char *way)
{
    const struct kind *table = kind_find(now->kinds, "table");
    for (size_t i = 0; i < before->tables.n; i++) {
        struct row_count *t = &before->tables.v[i];
        uint32_t found = catalog_find(now, table, t->identity);
        if (found == OBJECT_NONE)
            t->rows = -1;
        if (t->rows < 0)
            continue;
        int64_t rows = bench_count(g->bench, now->objects.v[found].address);
        if (rows != t->rows)
            refuse(g, "table %s loses rows on the way %s: it had %lld and has %lld", t->identity, way,
                   (long long)t->rows, (long long)rows);
    }
}

/* ---- trying ---- */

static bool run_sql(struct autogenerate *g, const struct strings *sql, const char *way)
{
    AUTO_ERR why = {0};
    if (bench_run(g->bench, sql, &why))
        return true;
    if (strcmp(why.sqlstate, NEW_LABEL_IN_USE) == 0) {
        err_free(&why);
        if (bench_settle(g->bench, &why) && bench_run(g->bench, sql, &why))
            return true;
    }
    struct err *refusal = refuse(g, "cannot be verified: the way %s fails: %s", way, why.message);
    if (why.detail)
        err_detail(refusal, "%s", why.detail);
    return false;
}

static struct strings portion_sql(struct autogenerate *g, const struct portion *p)
{
    struct strings sql = {0};
    for (size_t i = 0; i < p->up.n; i++)
        if (!(p->up.v[i]->flags & STEP_DISABLED))
            vec_push(g->arena, &sql, p->up.v[i]->sql);
    return sql;
}

static bool has_disabled(const struct change_list *l)
{
    for (size_t i = 0; i < l->steps.n; i++)
        if (l->steps.v[i].flags & STEP_DISABLED)
            return true;
    return false;
}

/* Behind the way up nothing may be left to do but what was held back. */
static bool check_reached(struct autogenerate *g, const struct snapshot *reached, struct err *e)
{
    BUF_AUTO left = {0};
    struct change_list again = {.arena = g->arena};
    if (!has_disabled(&g->up)) {
        list_differences(g, g->goal.exact, reached->exact, &left);
    } else {
        struct change_options options = g->options.changes;
        if (!changes_make(&again, reached, &g->goal, &options, e))
            return false;
        list_left(&again, &left);
        change_list_free(&again);
    }
    if (left.n)
        refuse(g, "cannot be verified: the way up does not reach the goal: %s", left.p);
    return true;
}

/* A portion's way down is one transaction, and there nobody may use a label that was only just added to its enum. */
static bool make_down(struct autogenerate *g, struct portion *p, const struct snapshot *from, const struct snapshot *to,
                      struct err *e)
{
    struct change_options options = everything(g);
    options.online = p->segment == SEGMENT_NO_BLOCK;
    p->down.arena = g->arena;
    if (!changes_make(&p->down, from, to, &options, e))
        return false;
    if (!any_label_used(&p->down, 0))
        return true;
    change_list_free(&p->down);
    p->down = (struct change_list){.arena = g->arena};
    options.at_once = true;
    return changes_make(&p->down, from, to, &options, e);
}

/* Step by step down again; states[i] is what there was before portion i. */
static bool try_down(struct autogenerate *g, struct snapshot *states, struct err *e)
{
    for (size_t i = g->portions.n; i-- > 0 && !g->refusals.n;) {
        struct portion *p = &g->portions.v[i];
        struct snapshot now = {0};
        BUF_AUTO differing = {0};
        if (!make_down(g, p, &states[i + 1], &states[i], e))
            return false;
        for (size_t k = 0; k < p->down.refusals.n; k++)
            err_context(&p->down.refusals.v[k], "there is no way back");
        take_refusals(g, &p->down);
        struct strings sql = enabled_sql(g->arena, &p->down);
        if (g->refusals.n || !run_sql(g, &sql, "down"))
            return true;
        if (!bench_read(g->bench, g->arena, false, &now, e))
            return false;
        list_differences(g, states[i].exact, now.exact, &differing);
        if (differing.n)
            refuse(g, "cannot be verified: the way down does not lead back: %s", differing.p);
    }
    return true;
}

static bool try_renames_down(struct autogenerate *g, struct err *e)
{
    struct snapshot now = {0};
    BUF_AUTO differing = {0};
    if (!g->renames.pairs.n || !run_sql(g, &g->portions.v[0].renames_down, "down"))
        return true;
    if (!bench_read(g->bench, g->arena, false, &now, e))
        return false;
    list_differences(g, g->start.exact, now.exact, &differing);
    if (differing.n)
        refuse(g, "cannot be verified: the renames do not lead back: %s", differing.p);
    return true;
}

static bool has_sql(const struct change_list *l, const char *sql)
{
    for (size_t i = 0; i < l->steps.n; i++)
        if (strcmp(l->steps.v[i].sql, sql) == 0)
            return true;
    return false;
}

/* What the whole way back has and the way back from where up really leads has not, takes back what was held back. */
static bool add_disabled_down(struct autogenerate *g, const struct snapshot *start, struct err *e)
{
    struct change_options options = everything(g);
    struct change_list *whole = ARENA_NEW(g->arena, struct change_list);
    struct portion *last = g->portions.n ? &g->portions.v[g->portions.n - 1] : NULL;
    if (!last || !has_disabled(&g->up))
        return true;
    whole->arena = g->arena;
    if (!changes_make(whole, &g->goal, start, &options, e))
        return false;
    for (size_t i = 0; i < whole->steps.n; i++) {
        bool is_done = false;
        for (size_t k = 0; k < g->portions.n; k++)
            is_done = is_done || has_sql(&g->portions.v[k].down, whole->steps.v[i].sql);
        if (!is_done)
            vec_push(g->arena, &last->down_disabled, &whole->steps.v[i]);
    }
    change_list_free(whole);
    return true;
}

/* What can go behind the steps that are there, as it is. */
static bool can_follow(const struct autogenerate *g, const struct change_list *l)
{
    const struct portion *last = &g->portions.v[g->portions.n - 1];
    bool can = !l->refusals.n && last->segment != SEGMENT_NO_BLOCK && last->segment != SEGMENT_VALIDATE;
    for (size_t i = 0; can && i < l->steps.n; i++)
        can = l->steps.v[i].segment == SEGMENT_PLAIN && !(l->steps.v[i].flags & (STEP_DESTRUCTIVE | STEP_DISABLED));
    return can;
}

static void follow(struct autogenerate *g, const struct change_list *l)
{
    struct portion *last = &g->portions.v[g->portions.n - 1];
    uint32_t base = (uint32_t)g->up.steps.n;
    for (size_t i = 0; i < l->steps.n; i++) {
        struct change_step *step = &l->steps.v[i];
        for (size_t k = 0; k < step->after.n; k++)
            step->after.v[k] += base;
        vec_push(g->arena, &g->up.steps, *step);
        vec_push(g->arena, &last->up, step);
    }
}

/*
 * A server does more than it is told: it names the indexes of partitions, and leaves behind what was inherited. What is
 * then still to be done can only be said of what there is.
 */
static bool try_second_round(struct autogenerate *g, struct snapshot *reached, struct err *e)
{
    struct change_list *again = ARENA_NEW(g->arena, struct change_list);
    struct differences left = {0};
    if (!g->portions.n || has_disabled(&g->up))
        return true;
    catalog_compare(g->arena, g->goal.exact, reached->exact, &g->options.changes.policy, &left);
    again->arena = g->arena;
    if (!left.n)
        return true;
    if (!changes_make(again, reached, &g->goal, &g->options.changes, e))
        return false;
    bool can = can_follow(g, again);
    struct strings sql = enabled_sql(g->arena, again);
    if (can && run_sql(g, &sql, "up")) {
        follow(g, again);
        if (!bench_read(g->bench, g->arena, g->options.relative && g->options.down, reached, e))
            return false;
    }
    change_list_free(again);
    return true;
}

static bool try_up(struct autogenerate *g, struct snapshot *states, struct err *e)
{
    for (size_t i = 0; i < g->portions.n; i++) {
        struct strings sql = portion_sql(g, &g->portions.v[i]);
        bool relative = g->options.relative && g->options.down;
        if (!run_sql(g, &sql, "up"))
            return true;
        if (!bench_read(g->bench, g->arena, relative, &states[i + 1], e))
            return false;
    }
    return try_second_round(g, &states[g->portions.n], e) && check_reached(g, &states[g->portions.n], e);
}

/* The bench holds the start with its renames done. */
static bool try_all(struct autogenerate *g, const struct snapshot *start, struct err *e)
{
    struct snapshot *states = ARENA_ARRAY(g->arena, struct snapshot, g->portions.n + 1);
    struct row_counts rows = {0};
    states[0] = *start;
    if (!bench_seed(g->bench, SEEDED_ROWS, e))
        return false;
    count_rows(g, start->exact, &rows);
    if (!try_up(g, states, e))
        return false;
    if (g->refusals.n)
        return true;
    compare_rows(g, &rows, states[g->portions.n].exact, "up");
    if (g->options.down && (!try_down(g, states, e) || !try_renames_down(g, e) || !add_disabled_down(g, start, e)))
        return false;
    if (g->options.down && !g->refusals.n && !g->renames.pairs.n)
        compare_rows(g, &rows, g->start.exact, "down");
    g->is_verified = !g->refusals.n;
    return true;
}

/* ---- the plan ---- */

static uint32_t after_renames(const struct autogenerate *g, const struct catalog *renamed, uint32_t object)
{
    const struct object *o = &g->start.exact->objects.v[object];
    for (size_t i = 0; i < g->renames.pairs.n; i++)
        if (!g->renames.pairs.v[i].label && g->renames.pairs.v[i].from == object)
            return catalog_find(renamed, o->kind, g->goal.exact->objects.v[g->renames.pairs.v[i].to].identity);
    return catalog_find(renamed, o->kind, o->identity);
}

/* What no kind models is not on the bench: it is where it was, and stands on what it stood on. */
static void keep_unmodelled(const struct autogenerate *g, struct catalog *renamed)
{
    const struct catalog *start = g->start.exact, before = *renamed;
    for (uint32_t i = 0; i < start->objects.n; i++) {
        const struct object *o = &start->objects.v[i];
        if (!(o->kind->flags & KIND_REPORTED) || catalog_find(&before, o->kind, o->identity) != OBJECT_NONE)
            continue;
        uint32_t kept = catalog_add(renamed, o->kind, o->identity, o->address, OBJECT_NONE, o->ordinal, o->values);
        size_t at, end = catalog_edges_from(start, i, &at);
        for (; at < end; at++) {
            uint32_t to = after_renames(g, &before, start->edges.v[at].to);
            if (to != OBJECT_NONE)
                catalog_add_edge(renamed, kept, to, start->edges.v[at].kind);
        }
    }
    catalog_finish(renamed);
}

/* The start as it is when the renames are done, on the bench and as a snapshot. */
static bool rename_start(struct autogenerate *g, struct snapshot *start, struct err *e)
{
    struct strings sql = {0};
    *start = g->start;
    if (!g->renames.pairs.n)
        return true;
    for (size_t i = 0; i < g->renames.pairs.n; i++)
        vec_push(g->arena, &sql, g->renames.pairs.v[i].up);
    if (!g->bench) {
        err_move(e, &g->unverified);
        err_context(e, "renames need a scratch database");
        return false;
    }
    if (!run_sql(g, &sql, "up"))
        return true;
    if (!bench_read(g->bench, g->arena, g->options.relative, start, e))
        return false;
    keep_unmodelled(g, start->exact);
    if (start->shown != start->exact)
        keep_unmodelled(g, start->shown);
    return true;
}

static void take_notes(struct autogenerate *g)
{
    for (size_t i = 0; i < g->renames.notes.n; i++)
        vec_push(g->arena, &g->notes, g->renames.notes.v[i]);
    for (size_t i = 0; i < g->up.notes.n; i++)
        vec_push(g->arena, &g->notes, g->up.notes.v[i]);
}

static bool work_out(struct autogenerate *g, const struct snapshot *start, struct err *e)
{
    g->up.arena = g->arena;
    return changes_make(&g->up, start, &g->goal, &g->options.changes, e);
}

/* Where both ends are equal there is nothing to try, and the start need not be copied: that is most of the work. */
static bool is_there(struct autogenerate *g)
{
    BUF_AUTO differing = {0};
    if (g->up.steps.n || g->up.refusals.n)
        return false;
    list_differences(g, g->goal.exact, g->start.exact, &differing);
    return !differing.n;
}

/* The start on the bench with its renames done, and who is named in the goal. */
static bool set_out(struct autogenerate *g, struct snapshot *start, struct err *e)
{
    if (g->bench && g->from.kind == ENDPOINT_DATABASE && !copy_start(g, e))
        return false;
    return g->refusals.n || (rename_start(g, start, e) && (!g->bench || bench_add_roles(g->bench, g->goal.exact, e)));
}

bool autogenerate_plan(struct autogenerate *g, struct err *e)
{
    struct snapshot start = g->start;
    bool renames = g->renames.pairs.n;
    if (!renames && !work_out(g, &start, e))
        return false;
    if (!renames && is_there(g)) {
        g->is_verified = g->bench;
        take_notes(g);
        return true;
    }
    if (!set_out(g, &start, e))
        return false;
    if (g->refusals.n)
        return true;
    if (renames && !work_out(g, &start, e))
        return false;
    take_refusals(g, &g->up);
    take_notes(g);
    cut_into_portions(g);
    return g->refusals.n || !g->bench || try_all(g, &start, e);
}

bool autogenerate_is_empty(const struct autogenerate *g)
{
    return !g->portions.n;
}

void autogenerate_free(struct autogenerate *g)
{
    for (size_t i = 0; i < g->refusals.n; i++)
        err_free(&g->refusals.v[i]);
    for (size_t i = 0; i < g->portions.n; i++)
        change_list_free(&g->portions.v[i].down);
    change_list_free(&g->up);
    err_free(&g->unverified);
    bench_close(g->bench);
    g->bench = NULL;
}
