/* One section on one database, and what is to be said of it. */
#include "gen/verify/walker.h"

#include <string.h>

/* Of one comparison; the first one is usually the reason for the others. */
#define SHOWN_DIFFERENCES 20

/* ------------------------------------------------------------------------------------------------------------- spots */

static void spot_make_room(struct walker *w, struct spot *s)
{
    *s = (struct spot){
        .applied = ARENA_ARRAY(w->a, bool, w->n),
        .seeded = ARENA_ARRAY(w->a, bool, w->seeds.list.n),
    };
}

bool spot_open(struct walker *w, struct spot *s)
{
    spot_make_room(w, s);
    return place_open(w->ground, &s->place, w->e);
}

bool spot_copy(struct walker *w, const struct spot *from, struct spot *s)
{
    spot_make_room(w, s);
    memcpy(s->applied, from->applied, w->n * sizeof *s->applied);
    memcpy(s->seeded, from->seeded, w->seeds.list.n * sizeof *s->seeded);
    return place_copy(from->place, &s->place, w->e);
}

void spot_close(struct spot *s)
{
    place_close(s->place);
    *s = (struct spot){0};
}

void spot_take(struct spot *s, struct spot *other)
{
    if (!other->place)
        return;
    other->words = s->words;
    spot_close(s);
    *s = *other;
    *other = (struct spot){0};
}

void reading_free(struct reading *r)
{
    arena_free(&r->arena);
    r->schema = NULL;
}

bool spot_read(struct walker *w, struct spot *s, struct reading *out)
{
    reading_free(out);
    return place_read(s->place, &out->arena, &out->schema, w->e);
}

/* ---------------------------------------------------------------------------------------------------------- running */

const struct revision *walker_revision(const struct walker *w, uint32_t i)
{
    return &w->stream->revisions.v[i]->revision;
}

const struct revision_section *walker_section(const struct walker *w, uint32_t i, enum direction direction)
{
    int8_t pick = walker_revision(w, i)->pick[direction][w->options->dialect];
    return pick == SECTION_NONE ? NULL : &w->stream->revisions.v[i]->sections.v[pick];
}

bool section_is_whole(const struct revision_section *s)
{
    return !s || !(s->flags & (SECTION_NO_TRANSACTION | SECTION_BATCH));
}

enum ran walker_run(struct walker *w, struct spot *s, uint32_t i, enum direction direction,
                    struct statement_locks *locks, struct err *why)
{
    const struct revision_section *section = walker_section(w, i, direction);
    uint32_t failed = 0;
    err_free(why);
    if (section && !place_run(s->place, w->a, w->stream->revisions.v[i], section, locks, &failed, why)) {
        if (place_refused(why))
            return RAN_REFUSED;
        err_move(w->e, why);
        return RAN_LOST;
    }
    s->applied[i] = direction == DIRECTION_UP;
    return RAN;
}

bool walker_seed(struct walker *w, struct spot *s)
{
    return seeds_try(&w->seeds, w->a, s->place, s->applied, s->seeded, s->words, w->e);
}

static size_t count_seeded(const struct walker *w, const struct spot *s)
{
    size_t n = 0;
    for (size_t i = 0; i < w->seeds.list.n; i++)
        n += s->seeded[i];
    return n;
}

bool walker_seed_aside(struct walker *w, struct spot *s, struct spot *aside)
{
    size_t before = count_seeded(w, s);
    return walker_seed(w, s) && (count_seeded(w, s) == before || spot_copy(w, s, aside));
}

/* --------------------------------------------------------------------------------------------------------- findings */

bool walker_tell(struct walker *w, uint32_t i, enum told what)
{
    bool told = w->told[i] & (unsigned)what;
    w->told[i] |= (unsigned)what;
    return !told;
}

static uint32_t line_of_section(const struct walker *w, uint32_t i, enum direction direction)
{
    const struct revision_section *s = walker_section(w, i, direction);
    return s ? s->line : 1;
}

struct finding *walker_blame(struct walker *w, const char *rule, uint32_t i, enum direction direction,
                             const struct err *why, const char *when)
{
    uint32_t line = why->line > 0 ? (uint32_t)why->line : line_of_section(w, i, direction);
    struct finding *found = finding_at_line(w->out, rule, &w->stream->revisions.v[i]->file, line, "%s", why->message);
    if (why->line > 0 && why->column > 0)
        found->err.column = why->column;
    memcpy(found->err.sqlstate, why->sqlstate, sizeof why->sqlstate);
    if (why->hint)
        err_hint(&found->err, "%s", why->hint);
    struct str detail = str_from(why->detail);
    if (str_ends(detail, str_from(".")))
        detail.n--;
    err_detail(&found->err, "%.*s%ssaid by %s%s", STR_ARG(detail), detail.n ? "; " : "", w->report->engine, when);
    return found;
}

/* -------------------------------------------------------------------------------------------------------- comparing */

const struct wording wording_down = {
    .rule = "down-differs",
    .message = "down does not lead back",
    .unexpected = "is left behind",
    .missing = "is gone",
};

const struct wording wording_again = {
    .rule = "up-again-differs",
    .message = "up leads elsewhere the second time",
    .unexpected = "was not there after the first",
    .missing = "was there after the first",
};

static const struct policy everything = {
    .owners = true, .grants = true, .default_privileges = true, .event_triggers = true};

static void describe(struct buf *out, const struct wording *wording, const struct difference *d)
{
    if (d->verdict == VERDICT_DIFFERENT) {
        difference_describe(out, d);
        return;
    }
    object_describe(out, d->verdict == VERDICT_MISSING ? d->wanted : d->found);
    buf_addf(out, " %s", d->verdict == VERDICT_MISSING ? wording->missing : wording->unexpected);
}

void contrast_free(struct contrast *v)
{
    buf_free(&v->first);
    buf_free(&v->others);
    v->n = 0;
}

void walker_compare(const struct wording *wording, const struct reading *wanted, const struct reading *found,
                    struct contrast *v)
{
    ARENA_AUTO arena = {0};
    struct differences list = {0};
    catalog_compare(&arena, wanted->schema, found->schema, &everything, &list);
    v->n = list.n;
    for (size_t i = 0; i < list.n && i < SHOWN_DIFFERENCES; i++) {
        if (i > 1)
            buf_addz(&v->others, "; ");
        describe(i ? &v->others : &v->first, wording, &list.v[i]);
    }
    if (list.n > SHOWN_DIFFERENCES)
        buf_addf(&v->others, "; and %zu more", list.n - SHOWN_DIFFERENCES);
}

struct finding *walker_judge(struct walker *w, const struct wording *wording, uint32_t i, enum direction direction,
                             const struct contrast *v, const char *where)
{
    struct finding *found = finding_at_line(w->out, wording->rule, &w->stream->revisions.v[i]->file,
                                            line_of_section(w, i, direction), "%s: %s", wording->message, v->first.p);
    err_detail(&found->err, "%s%son %s%s", v->others.n ? v->others.p : "", v->others.n ? "; " : "", w->report->engine,
               where);
    return found;
}

void walker_note_order(struct walker *w, uint32_t i, const struct reading *wanted, const struct reading *found)
{
    ARENA_AUTO arena = {0};
    BUF_AUTO column = {0};
    struct differences list = {0};
    struct policy policy = everything;
    policy.column_order = true;
    catalog_compare(&arena, wanted->schema, found->schema, &policy, &list);
    if (!list.n || !walker_tell(w, i, TOLD_COLUMN_ORDER))
        return;
    object_describe(&column, list.v[0].found);
    struct finding *note = finding_at_line(w->out, "column-order", &w->stream->revisions.v[i]->file,
                                           line_of_section(w, i, DIRECTION_DOWN),
                                           "%s stands elsewhere after down than before up", column.p);
    err_detail(&note->err,
               "on %s; a column that is dropped and added comes last, which matters to SELECT * and to "
               "INSERT without a list of columns",
               w->report->engine);
    finding_severity(w->out, note, SEVERITY_NOTE);
}
