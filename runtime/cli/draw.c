/*
 * Drawing a graph with characters: each lane is a column that waits for one revision, the next parent on its line. A
 * revision takes the leftmost lane that waits for it; other lanes that wait for it too end there (a branch point), its
 * further parents open lanes to the right of it (a merge). Lanes are two characters wide.
 */
#include "cli/draw.h"

#include "cli/format.h"

struct lanes {
    struct arena *arena;
    const struct graph *g;
    struct revset shown;
    VEC(uint32_t) waits; /* the revision that each lane waits for */
    struct buf *out;
};

static void end_line(struct lanes *l, struct buf *line)
{
    while (line->n && line->p[line->n - 1] == ' ')
        line->p[--line->n] = '\0';
    buf_adds(l->out, buf_str(line));
    buf_addc(l->out, '\n');
}

static void remove_lane(struct lanes *l, size_t at)
{
    for (size_t i = at; i + 1 < l->waits.n; i++)
        l->waits.v[i] = l->waits.v[i + 1];
    l->waits.n--;
}

static void insert_lane(struct lanes *l, size_t at, uint32_t revision)
{
    vec_push(l->arena, &l->waits, revision);
    for (size_t i = l->waits.n - 1; i > at; i--)
        l->waits.v[i] = l->waits.v[i - 1];
    l->waits.v[at] = revision;
}

/* The lane `from` ends in the lane `to` on its left: |_|/ ; those on its right move over. */
static void draw_join(struct lanes *l, size_t to, size_t from)
{
    BUF_AUTO line = {0};
    for (size_t i = 0; i < l->waits.n; i++) {
        bool between = i > to && i < from;
        if (i > 0)
            buf_addc(&line, between ? '_' : i >= from ? '/' : ' ');
        buf_addc(&line, i < from ? '|' : ' ');
    }
    end_line(l, &line);
    remove_lane(l, from);
}

/* The lane `at` has nothing more to wait for: those on its right move over. */
static void draw_end(struct lanes *l, size_t at)
{
    BUF_AUTO line = {0};
    for (size_t i = 0; i < l->waits.n; i++) {
        if (i > 0)
            buf_addc(&line, i > at ? '/' : ' ');
        buf_addc(&line, i < at ? '|' : ' ');
    }
    if (at + 1 < l->waits.n)
        end_line(l, &line);
    remove_lane(l, at);
}

/* A further parent opens a lane to the right of `at`: |\ ; those on its right move over. */
static void draw_fork(struct lanes *l, size_t at, uint32_t parent)
{
    BUF_AUTO line = {0};
    for (size_t i = 0; i < l->waits.n; i++) {
        buf_addc(&line, i <= at ? '|' : ' ');
        buf_addc(&line, i >= at ? '\\' : ' ');
    }
    end_line(l, &line);
    insert_lane(l, at + 1, parent);
}

static void draw_revision(struct lanes *l, size_t at, uint32_t index, bool is_current)
{
    BUF_AUTO line = {0};
    for (size_t i = 0; i < l->waits.n; i++)
        buf_addz(&line, i == at ? "* " : "| ");
    format_revision(&line, l->g, index,
                    FORMAT_BRANCHES | FORMAT_TREE | FORMAT_MESSAGE | (is_current ? FORMAT_CURRENT : 0));
    end_line(l, &line);
}

static void draw_parents(struct lanes *l, size_t at, uint32_t index)
{
    const struct revision *r = graph_revision(l->g, index);
    size_t drawn = 0;
    for (uint32_t i = 0; i < r->n_down; i++) {
        if (!revset_has(&l->shown, r->down[i]))
            continue;
        if (drawn == 0)
            l->waits.v[at] = r->down[i];
        else
            draw_fork(l, at + drawn - 1, r->down[i]);
        drawn++;
    }
    if (!drawn)
        draw_end(l, at);
}

/* The leftmost lane that waits for the revision; a new one when there is none. The others that do are joined to it. */
static size_t take_lane(struct lanes *l, uint32_t index)
{
    size_t at = 0;
    while (at < l->waits.n && l->waits.v[at] != index)
        at++;
    if (at == l->waits.n)
        insert_lane(l, at, index);
    for (size_t i = l->waits.n - 1; i > at; i--)
        if (l->waits.v[i] == index)
            draw_join(l, at, i);
    return at;
}

static struct revset set_of(struct arena *a, const struct graph *g, const struct revlist *list)
{
    struct revset set = revset_new(a, g);
    for (size_t i = 0; i < list->n; i++)
        revset_add(&set, list->v[i]);
    return set;
}

void draw_graph(struct buf *out, const struct graph *g, const struct revlist *list, const struct strings *current)
{
    ARENA_AUTO arena = {0};
    struct lanes l = {.arena = &arena, .g = g, .shown = set_of(&arena, g, list), .out = out};
    for (size_t i = 0; i < list->n; i++) {
        size_t at = take_lane(&l, list->v[i]);
        draw_revision(&l, at, list->v[i], strings_has(current, graph_revision(g, list->v[i])->id));
        draw_parents(&l, at, list->v[i]);
    }
}

/* ------------------------------------------------------------------------------------------- dot and mermaid */

static void add_dot_text(struct buf *out, const char *z)
{
    for (; *z; z++) {
        if (*z == '"' || *z == '\\')
            buf_addc(out, '\\');
        buf_addc(out, *z);
    }
}

void draw_dot(struct buf *out, const struct graph *g, const struct revlist *list, const struct strings *current)
{
    ARENA_AUTO arena = {0};
    const struct stream *stream = graph_stream(g);
    struct revset shown = set_of(&arena, g, list);
    buf_addf(out, "digraph \"%s\" {\n    rankdir = BT;\n    node [shape = box, fontname = \"monospace\"];\n",
             stream->name);
    for (size_t i = list->n; i-- > 0;) {
        const struct revision *r = graph_revision(g, list->v[i]);
        buf_addf(out, "    \"%s\" [label = \"%s\\n", r->id, r->id);
        add_dot_text(out, r->message);
        buf_addf(out, "\"%s];\n", strings_has(current, r->id) ? ", style = bold" : "");
        for (uint32_t k = 0; k < r->n_down; k++)
            if (revset_has(&shown, r->down[k]))
                buf_addf(out, "    \"%s\" -> \"%s\";\n", r->id, stream->revisions[r->down[k]]->id);
        for (uint32_t k = 0; k < r->n_depends; k++)
            if (revset_has(&shown, r->depends[k]))
                buf_addf(out, "    \"%s\" -> \"%s\" [style = dashed];\n", r->id, stream->revisions[r->depends[k]]->id);
    }
    buf_addz(out, "}\n");
}

/* Mermaid reads its texts as HTML. */
static void add_mermaid_text(struct buf *out, const char *z)
{
    for (; *z; z++) {
        if (*z == '"' || *z == '<' || *z == '>' || *z == '&' || *z == '#' || *z == '`')
            buf_addf(out, "#%d;", *z);
        else
            buf_addc(out, *z);
    }
}

void draw_mermaid(struct buf *out, const struct graph *g, const struct revlist *list, const struct strings *current)
{
    ARENA_AUTO arena = {0};
    struct revset shown = set_of(&arena, g, list);
    buf_addz(out, "flowchart BT\n");
    for (size_t i = list->n; i-- > 0;) {
        uint32_t index = list->v[i];
        const struct revision *r = graph_revision(g, index);
        buf_addf(out, "    r%u[\"%s<br/>", index, r->id);
        add_mermaid_text(out, r->message);
        buf_addz(out, "\"]\n");
        for (uint32_t k = 0; k < r->n_down; k++)
            if (revset_has(&shown, r->down[k]))
                buf_addf(out, "    r%u --> r%u\n", index, r->down[k]);
        for (uint32_t k = 0; k < r->n_depends; k++)
            if (revset_has(&shown, r->depends[k]))
                buf_addf(out, "    r%u -.-> r%u\n", index, r->depends[k]);
        if (strings_has(current, r->id))
            buf_addf(out, "    style r%u stroke-width:3px\n", index);
    }
}
