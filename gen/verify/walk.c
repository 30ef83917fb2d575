/*
 * The line, and what stands around both walks. One database is enough for all of it; when a section left it as no upgrade
 * would have, it is made anew from the beginning.
 */
#include "gen/verify/walk.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "gen/check.h"
#include "gen/verify/walker.h"

/* The line while it is walked. */
struct line {
    struct walker *w;
    struct spot spot;
    struct reading now; /* the schema that stands there */
    struct err why;
    VEC(struct section_locks) locks;
};

/* ------------------------------------------------------------------------------------------------------------- locks */

static struct statement_locks *room_for_locks(struct line *l, uint32_t i, enum direction direction)
{
    const struct walker *w = l->w;
    const struct revision_section *s = walker_section(w, i, direction);
    if (!w->options->trace || w->options->dialect != DIALECT_POSTGRESQL || !s || !s->n_statements)
        return NULL;
    struct statement_locks *locks = ARENA_ARRAY(w->a, struct statement_locks, s->n_statements);
    struct section_locks entry = {
        .revision = i,
        .section = (uint32_t)(s - w->stream->revisions.v[i]->sections.v),
        .statements = locks,
    };
    vec_push(w->a, &l->locks, entry);
    return locks;
}

static int by_place(const void *left, const void *right)
{
    const struct section_locks *a = left, *b = right;
    int order = (a->revision > b->revision) - (a->revision < b->revision);
    return order ? order : (a->section > b->section) - (a->section < b->section);
}

static void keep_locks(struct line *l)
{
    if (l->locks.n)
        qsort(l->locks.v, l->locks.n, sizeof *l->locks.v, by_place);
    l->w->report->locks = (struct stream_locks){
        .server_major = (uint32_t)ground_major(l->w->ground),
        .n_sections = (uint32_t)l->locks.n,
        .sections = l->locks.v,
    };
}

/* -------------------------------------------------------------------------------------------------------------- rows */

/* How many rows each table has; -1: nobody knows, or it is no table. NULL: without seeds there are none worth counting. */
static int64_t *count_rows(struct line *l, struct arena *a)
{
    const struct catalog *c = l->now.schema;
    if (!l->w->seeds.list.n)
        return NULL;
    int64_t *rows = ARENA_ARRAY(a, int64_t, c->objects.n);
    for (size_t i = 0; i < c->objects.n; i++)
        rows[i] = strcmp(c->objects.v[i].kind->name, "table") == 0
                      ? place_count(l->spot.place, c->objects.v[i].identity)
                      : -1;
    return rows;
}

/* Rows of tables that were there before up and are there after down. */
static void compare_rows(struct line *l, uint32_t i, const int64_t *before)
{
    struct walker *w = l->w;
    const struct revision_section *down = walker_section(w, i, DIRECTION_DOWN);
    for (size_t k = 0; before && k < l->now.schema->objects.n; k++) {
        const struct object *o = &l->now.schema->objects.v[k];
        int64_t rows = before[k] > 0 ? place_count(l->spot.place, o->identity) : -1;
        if (rows < 0 || rows >= before[k])
            continue;
        BUF_AUTO name = {0};
        object_describe(&name, o);
        struct finding *found = finding_at_line(w->out, "rows-lost", &w->stream->revisions.v[i]->file, down->line,
                                                "%s has %lld row%s after up and down, and had %lld before", name.p,
                                                (long long)rows, rows == 1 ? "" : "s", (long long)before[k]);
        err_detail(&found->err, "on %s, with the rows of --seed", w->report->engine);
        finding_is_warning(w->out, found);
    }
}

/* ------------------------------------------------------------------------------------------------------ one revision */

/* The database as the revisions up to `last` make it. */
static bool make_anew(struct line *l, uint32_t last)
{
    struct walker *w = l->w;
    const char **words = l->spot.words;
    spot_close(&l->spot);
    if (!spot_open(w, &l->spot))
        return false;
    l->spot.words = words;
    for (uint32_t i = 0; i <= last; i++) {
        if (w->broken[i])
            continue;
        enum ran ran = walker_run(w, &l->spot, i, DIRECTION_UP, NULL, &l->why);
        if (ran == RAN_REFUSED) {
            err_move(w->e, &l->why);
            err_context(w->e, "revision %s does not run a second time on a database of its own",
                        walker_revision(w, i)->id);
        }
        if (ran != RAN || !walker_seed(w, &l->spot))
            return false;
    }
    return true;
}

static bool refuse_up(struct line *l, uint32_t i)
{
    struct walker *w = l->w;
    walker_tell(w, i, TOLD_UP);
    walker_blame(w, "up-fails", i, DIRECTION_UP, &l->why, "");
    w->broken[i] = true;
    return section_is_whole(walker_section(w, i, DIRECTION_UP)) || make_anew(l, i);
}

static bool refuse_down(struct line *l, uint32_t i)
{
    struct walker *w = l->w;
    walker_tell(w, i, TOLD_DOWN);
    walker_blame(w, "down-fails", i, DIRECTION_DOWN, &l->why, "");
    return section_is_whole(walker_section(w, i, DIRECTION_DOWN)) || make_anew(l, i);
}

static bool refuse_again(struct line *l, uint32_t i)
{
    struct walker *w = l->w;
    walker_tell(w, i, TOLD_AGAIN);
    walker_blame(w, "up-again-fails", i, DIRECTION_UP, &l->why, " when it was applied again, after its down");
    return make_anew(l, i);
}

/* After down: is it as it was before up? */
static bool judge_down(struct line *l, uint32_t i)
{
    struct walker *w = l->w;
    READING_AUTO back = {0};
    CONTRAST_AUTO v = {0};
    if (!spot_read(w, &l->spot, &back))
        return false;
    walker_compare(&wording_down, &l->now, &back, &v);
    if (v.n && walker_tell(w, i, TOLD_LEFTOVERS))
        walker_judge(w, &wording_down, i, DIRECTION_DOWN, &v, "");
    else if (!v.n)
        walker_note_order(w, i, &l->now, &back);
    return true;
}

/* Up for the second time, and judged; `after` is what the first one made. */
static bool up_again(struct line *l, uint32_t i, const struct reading *after)
{
    struct walker *w = l->w;
    READING_AUTO again = {0};
    CONTRAST_AUTO v = {0};
    enum ran ran = walker_run(w, &l->spot, i, DIRECTION_UP, NULL, &l->why);
    if (ran != RAN)
        return ran == RAN_REFUSED && refuse_again(l, i);
    if (!spot_read(w, &l->spot, &again))
        return false;
    walker_compare(&wording_again, after, &again, &v);
    if (!v.n)
        return true;
    walker_tell(w, i, TOLD_AGAIN_DIFFERS);
    walker_judge(w, &wording_again, i, DIRECTION_UP, &v, "");
    return make_anew(l, i);
}

/* `rows`: how many there were before up. */
static bool down_and_up(struct line *l, uint32_t i, const struct reading *after, const int64_t *rows)
{
    struct walker *w = l->w;
    struct statement_locks *locks = room_for_locks(l, i, DIRECTION_DOWN);
    enum ran ran = walker_run(w, &l->spot, i, DIRECTION_DOWN, locks, &l->why);
    if (ran != RAN)
        return ran == RAN_REFUSED && refuse_down(l, i);
    compare_rows(l, i, rows);
    if (!judge_down(l, i) || !up_again(l, i, after))
        return false;
    w->report->n_down++;
    return true;
}

static bool is_meant_to_stay(const struct walker *w, uint32_t i)
{
    const struct revision_section *up = walker_section(w, i, DIRECTION_UP);
    return !walker_section(w, i, DIRECTION_DOWN) && up && up->flags & SECTION_IRREVERSIBLE;
}

static void say(const struct walker *w, uint32_t i)
{
    log_line(w->log, TALK_INFO, "%s: %s: %s %s", w->stream->name, dialect_words[w->options->dialect],
             walker_revision(w, i)->id,
             w->broken[i]                           ? "does not go up"
             : is_meant_to_stay(w, i)               ? "up; it is irreversible"
             : walker_section(w, i, DIRECTION_DOWN) ? "up, down, up"
                                                    : "up; nothing to do for down");
}

/* Behind the first up; `after` is what it made. */
static bool walk_back(struct line *l, uint32_t i, const struct reading *after, const int64_t *rows)
{
    struct walker *w = l->w;
    if (walker_section(w, i, DIRECTION_DOWN))
        return down_and_up(l, i, after, rows);
    if (is_meant_to_stay(w, i))
        w->report->irreversible++;
    else
        w->report->n_down++;
    return true;
}

static bool walk_revision(struct line *l, uint32_t i)
{
    struct walker *w = l->w;
    struct reading after = {0};
    struct spot aside = {0};
    ARENA_AUTO arena = {0};
    const int64_t *rows = count_rows(l, &arena);
    enum ran ran = walker_run(w, &l->spot, i, DIRECTION_UP, room_for_locks(l, i, DIRECTION_UP), &l->why);
    if (ran != RAN)
        return ran == RAN_REFUSED && refuse_up(l, i);
    w->report->n_revisions++;
    bool ok = walker_seed_aside(w, &l->spot, &aside) && spot_read(w, &l->spot, &after) && walk_back(l, i, &after, rows);
    spot_take(&l->spot, &aside);
    reading_free(&l->now);
    l->now = after;
    return ok;
}

/* ---------------------------------------------------------------------------------------------------------- the line */

static bool needs_broken(const struct walker *w, const uint32_t *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (w->broken[list[i]])
            return true;
    return false;
}

static bool walk_revisions(struct line *l)
{
    struct walker *w = l->w;
    if (!spot_open(w, &l->spot))
        return false;
    l->spot.words = ARENA_ARRAY(w->a, const char *, w->seeds.list.n);
    if (!spot_read(w, &l->spot, &l->now))
        return false;
    for (uint32_t i = 0; i < w->n; i++) {
        const struct revision *r = walker_revision(w, i);
        w->broken[i] = needs_broken(w, r->down, r->n_down) || needs_broken(w, r->depends, r->n_depends);
        if (!w->broken[i] && !walk_revision(l, i))
            return false;
        say(w, i);
    }
    seeds_finish(&w->seeds, w->out, w->stream, w->report->engine, l->spot.seeded, l->spot.words);
    keep_locks(l);
    return true;
}

static bool walk_line(struct walker *w)
{
    struct line l = {.w = w};
    bool ok = walk_revisions(&l);
    spot_close(&l.spot);
    reading_free(&l.now);
    err_free(&l.why);
    return ok;
}

/* ---------------------------------------------------------------------------------------------------------- a stream */

static bool open_ground(struct walker *w)
{
    const struct walk_options *o = w->options;
    const struct ground_options options = {
        .dialect = o->dialect,
        .scratch = o->scratch,
        .stream = o->stream,
        .scope = {.version_table = version_table_of(o->stream)},
        .tenant = o->stream->kind == STREAM_FLEET ? "verify" : NULL,
    };
    if (!ground_open(&w->ground, &options, w->e))
        return false;
    w->report->engine = o->dialect == DIALECT_SQLITE ? arena_printf(w->a, "SQLite %s", sqlite3_libversion())
                                                     : arena_printf(w->a, "PostgreSQL %d", ground_major(w->ground));
    return true;
}

bool walk_stream(struct arena *a, struct findings *out, const struct log *log, const struct walk_options *options,
                 struct walk_report *report, struct err *e)
{
    uint32_t n = (uint32_t)options->stream->revisions.n;
    struct walker w = {
        .a = a,
        .out = out,
        .log = log,
        .options = options,
        .stream = options->stream,
        .n = n,
        .broken = ARENA_ARRAY(a, bool, n),
        .told = ARENA_ARRAY(a, unsigned, n),
        .report = report,
        .e = e,
    };
    *report = (struct walk_report){0};
    if (!seeds_read(a, out, &options->seeds, options->stream, options->dialect, &w.seeds))
        return err_set(e, FAULT_FAILED, "what has errors puts in no rows");
    bool ok = open_ground(&w) && walk_line(&w) && walk_orders(&w);
    ground_close(w.ground);
    return ok;
}
