/* Edits of one file's bytes, from its end to its beginning, and the sections of what follows. */
#include "gen/fix/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* Bytes that go, and what comes in their place. */
struct edit {
    size_t from, to;
    const char *text;
};

struct planner {
    struct arena *a;
    const struct source_stream *stream;
    const struct source_revision *r;
    const struct revision_section *up, *down; /* PostgreSQL's; down NULL: there is none */
    struct str bytes;
    VEC(struct edit) edits;
    bool stays; /* SQLite's part of a shared section stays where it is */
    struct fix_plan *out;
};

/* ---- places ---- */

static size_t line_begin(struct str s, size_t at)
{
    while (at && s.p[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(struct str s, size_t at)
{
    while (at < s.n && s.p[at] != '\n')
        at++;
    return at < s.n ? at + 1 : at;
}

static bool is_comment_line(struct str s, size_t at)
{
    struct str line = str_trim(str_slice(s, at, line_end(s, at)));
    return str_starts(line, STR("--")) && !str_starts(line, STR("-- migrate:"));
}

/* The statement with the comments right above it and the rest of its last line, when it stands on lines of its own. */
static struct edit whole_lines(const struct planner *p, const struct revision_statement *st)
{
    struct edit e = {.from = st->offset, .to = (size_t)st->offset + st->length};
    while (e.to < p->bytes.n && p->bytes.p[e.to] != ';' && p->bytes.p[e.to] != '\n')
        e.to++;
    e.to += e.to < p->bytes.n && p->bytes.p[e.to] == ';';
    size_t begin = line_begin(p->bytes, e.from), end = line_end(p->bytes, e.to);
    if (str_trim(str_slice(p->bytes, begin, e.from)).n || str_trim(str_slice(p->bytes, e.to, end)).n)
        return e;
    e.from = begin;
    e.to = end;
    while (e.from && is_comment_line(p->bytes, line_begin(p->bytes, e.from - 1)))
        e.from = line_begin(p->bytes, e.from - 1);
    return e;
}

/* The same without the blank line that would stand there twice. */
static struct edit taken_out(const struct planner *p, const struct revision_statement *st)
{
    struct edit e = whole_lines(p, st);
    bool lines = e.from == line_begin(p->bytes, e.from) && e.from;
    bool blank_before = lines && !str_trim(str_slice(p->bytes, line_begin(p->bytes, e.from - 1), e.from)).n;
    if (blank_before && e.to < p->bytes.n && p->bytes.p[e.to] == '\n')
        e.to++;
    return e;
}

static const char *comments_of(const struct planner *p, const struct revision_statement *st)
{
    struct edit e = whole_lines(p, st);
    return e.from < st->offset ? arena_str(p->a, str_slice(p->bytes, e.from, line_begin(p->bytes, st->offset))) : "";
}

static const char *source_of(const struct planner *p, const struct revision_statement *st)
{
    struct str text = str_slice(p->bytes, st->offset, (size_t)st->offset + st->length);
    return arena_printf(p->a, "%s%.*s;\n", comments_of(p, st), STR_ARG(text));
}

/* ---- edits ---- */

static void change(struct planner *p, const struct revision_statement *st, const char *instead)
{
    struct edit e = taken_out(p, st);
    if (instead)
        e = (struct edit){.from = st->offset, .to = (size_t)st->offset + st->length};
    e.text = instead ? instead : "";
    vec_push(p->a, &p->edits, e);
}

static int compare_edits(const void *left, const void *right)
{
    const struct edit *a = left, *b = right;
    return (a->from > b->from) - (a->from < b->from);
}

static const char *edited(struct planner *p)
{
    BUF_AUTO out = {0};
    size_t at = 0;
    if (p->edits.n)
        qsort(p->edits.v, p->edits.n, sizeof *p->edits.v, compare_edits);
    for (size_t i = 0; i < p->edits.n; i++) {
        if (p->edits.v[i].from < at)
            continue; /* two findings took the same statement */
        buf_adds(&out, str_slice(p->bytes, at, p->edits.v[i].from));
        buf_addz(&out, p->edits.v[i].text);
        at = p->edits.v[i].to;
    }
    buf_adds(&out, str_slice(p->bytes, at, p->bytes.n));
    return arena_str(p->a, buf_str(&out));
}

/* ---- what follows ---- */

static void add_section(struct fix_revision *to, enum direction direction, uint32_t dialects, const char *flags,
                        const char *body)
{
    to->sections[to->n_sections++] = (struct scaffold_section){
        .direction = direction, .dialects = dialects, .flags = flags, .body = body};
}

static bool is_shared(const struct revision_section *section)
{
    return section && section->dialects & DIALECT_BIT(DIALECT_SQLITE);
}

/* What SQLite does in the revision that follows: what PostgreSQL did here, where one section served both. */
static const char *sqlite_body(const struct planner *p, const struct revision_section *section, uint32_t statement,
                               bool first)
{
    if (first && !p->stays && is_shared(section) && statement != NO_STATEMENT)
        return source_of(p, &section->statements[statement]);
    return arena_printf(p->a, "-- nothing to do: see %s\n", p->r->id.text);
}

static const char *id_of(const struct planner *p, const struct fix_part *part)
{
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    const char *all = arena_printf(p->a, "%s\n%s\n%s", p->r->id.text, part->message, part->up);
    hash_once(all, strlen(all), sum);
    hash_hex(sum, hex);
    return arena_printf(p->a, "%.12s", hex);
}

static void follow(struct planner *p, const struct rewrite *w, size_t index)
{
    const struct fix_part *part = &w->parts.v[index];
    const char *flags = part->no_transaction ? "transaction:false" : NULL;
    const uint32_t postgresql = DIALECT_BIT(DIALECT_POSTGRESQL), sqlite = DIALECT_BIT(DIALECT_SQLITE);
    struct fix_revision to = {.id = id_of(p, part), .message = part->message};
    bool first = index == 0 && !w->instead;
    const char *comments = first ? comments_of(p, &p->up->statements[w->statement]) : "";
    add_section(&to, DIRECTION_UP, postgresql, flags, arena_printf(p->a, "%s%s", comments, part->up));
    if (p->stream->dialects & sqlite)
        add_section(&to, DIRECTION_UP, sqlite, NULL, sqlite_body(p, p->up, w->statement, first));
    add_section(&to, DIRECTION_DOWN, postgresql, flags, part->down);
    if (p->stream->dialects & sqlite)
        add_section(&to, DIRECTION_DOWN, sqlite, NULL, sqlite_body(p, p->down, w->down, first));
    vec_push(p->a, &p->out->after, to);
}

/* ---- nothing left ---- */

static bool takes_all(const struct rewrite *list, size_t n, const struct planner *p)
{
    uint32_t up = 0, down = 0;
    for (size_t i = 0; i < n; i++) {
        up += !list[i].instead;
        down += list[i].down != NO_STATEMENT && !list[i].down_instead;
    }
    return p->down && up == p->up->n_statements && down == p->down->n_statements;
}

static size_t line_of_section(const struct planner *p, const struct revision_section *section)
{
    return line_begin(p->bytes, section->offset - 1);
}

/* The section becomes the first part's: its line and its statements. What SQLite shared stays SQLite's. */
static void replace_section(struct planner *p, const struct revision_section *section, const char *body)
{
    struct edit e = {.from = line_of_section(p, section), .to = (size_t)section->offset + section->length};
    const char *word = section->direction == DIRECTION_UP ? "up" : "down", *sqlite = "";
    struct str old = str_trim(str_slice(p->bytes, section->offset, e.to));
    if (is_shared(section))
        sqlite = arena_printf(p->a, "\n-- migrate:%s sqlite\n%.*s\n", word, STR_ARG(old));
    e.text = arena_printf(p->a, "-- migrate:%s%s transaction:false\n%s%s%s", word,
                          p->stream->dialects == DIALECT_BIT(DIALECT_POSTGRESQL) ? "" : " postgresql", body, sqlite,
                          e.to < p->bytes.n ? "\n" : "");
    vec_push(p->a, &p->edits, e);
}

/* ---- a plan ---- */

static void take_places(struct planner *p, const struct rewrite *first)
{
    const struct fix_part *part = &first->parts.v[0];
    replace_section(p, p->up,
                    arena_printf(p->a, "%s%s", comments_of(p, &p->up->statements[first->statement]), part->up));
    replace_section(p, p->down, part->down);
    for (size_t i = 1; i < first->parts.n; i++)
        follow(p, first, i);
}

void fix_plan_make(struct arena *a, const struct source_stream *stream, const struct rewrite *list, size_t n,
                   struct fix_plan *out)
{
    const struct source_revision *r = list->revision;
    int8_t down = r->revision.pick[DIRECTION_DOWN][DIALECT_POSTGRESQL];
    struct planner p = {.a = a,
                        .stream = stream,
                        .r = r,
                        .up = &r->sections.v[list->section],
                        .down = down == SECTION_NONE ? NULL : &r->sections.v[down],
                        .bytes = r->file.bytes,
                        .out = out};
    *out = (struct fix_plan){.revision = r};
    bool empty = takes_all(list, n, &p) && list->parts.v[0].no_transaction;
    size_t gone = 0;
    for (size_t i = 0; i < n && !empty; i++) {
        gone += !list[i].instead;
        change(&p, &p.up->statements[list[i].statement], list[i].instead);
        if (gone == p.up->n_statements)
            p.edits.v[p.edits.n - 1].text = "-- nothing is left here: see the revisions that follow\n";
        if (list[i].down != NO_STATEMENT)
            change(&p, &p.down->statements[list[i].down], list[i].down_instead);
    }
    p.stays = empty;
    if (empty)
        take_places(&p, list);
    for (size_t i = empty ? 1 : 0; i < n; i++)
        for (size_t k = 0; k < list[i].parts.n; k++)
            follow(&p, &list[i], k);
    out->text = edited(&p);
}
