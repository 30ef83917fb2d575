/* Pure text. The order of the parentheses is Alembic's; what it prints in hash order stands here in a fixed one. */
#include "cli/format.h"

static void add_indices(struct buf *out, const struct stream *stream, const uint32_t *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        buf_addf(out, "%s%s", i ? ", " : "", stream->revisions[v[i]]->id);
}

static void add_parents(struct buf *out, const struct stream *stream, const struct revision *r)
{
    if (r->n_down)
        add_indices(out, stream, r->down, r->n_down);
    else
        buf_addz(out, "<base>");
}

void format_ids(struct buf *out, const struct graph *g, const struct revlist *list)
{
    add_indices(out, graph_stream(g), list->v, (uint32_t)list->n);
}

void format_rows(struct buf *out, const struct strings *rows)
{
    if (rows->n)
        strings_join(out, rows, ", ");
    else
        buf_addz(out, "<base>");
}

void format_revision(struct buf *out, const struct graph *g, uint32_t index, unsigned parts)
{
    ARENA_AUTO arena = {0};
    const struct stream *stream = graph_stream(g);
    const struct revision *r = graph_revision(g, index);
    if (parts & FORMAT_PARENTS) {
        add_parents(out, stream, r);
        if (r->n_depends) {
            buf_addz(out, " (");
            add_indices(out, stream, r->depends, r->n_depends);
            buf_addz(out, ")");
        }
        buf_addz(out, " -> ");
    }
    buf_addz(out, r->id);
    struct strings labels = graph_labels(&arena, g, index);
    if (parts & FORMAT_BRANCHES && labels.n) {
        buf_addz(out, " (");
        strings_join(out, &labels, ", ");
        buf_addz(out, ")");
    }
    if (graph_is_head(g, index))
        buf_addz(out, graph_is_real_head(g, index) ? " (head)" : " (effective head)");
    if (parts & FORMAT_CURRENT)
        buf_addz(out, " (current)");
    if (parts & FORMAT_TREE && graph_is_branch_point(g, index))
        buf_addz(out, " (branchpoint)");
    if (parts & FORMAT_TREE && graph_is_merge_point(g, index))
        buf_addz(out, " (mergepoint)");
    if (parts & FORMAT_MESSAGE)
        buf_addf(out, ", %s", r->message);
}

void format_entry(struct buf *out, const struct graph *g, uint32_t index, unsigned parts)
{
    ARENA_AUTO arena = {0};
    const struct stream *stream = graph_stream(g);
    const struct revision *r = graph_revision(g, index);
    struct strings labels = graph_labels(&arena, g, index);
    buf_addf(out, "Rev: %s%s%s%s%s\n", r->id, graph_is_head(g, index) ? " (head)" : "",
             graph_is_branch_point(g, index) ? " (branchpoint)" : "",
             graph_is_merge_point(g, index) ? " (mergepoint)" : "", parts & FORMAT_CURRENT ? " (current)" : "");
    buf_addz(out, graph_is_merge_point(g, index) ? "Merges: " : "Parent: ");
    add_parents(out, stream, r);
    if (r->n_depends) {
        buf_addz(out, "\nAlso depends on: ");
        add_indices(out, stream, r->depends, r->n_depends);
    }
    for (uint32_t i = 0; i < r->n_requires; i++)
        buf_addf(out, "%s%s@%s", i ? ", " : "\nRequires: ", r->requires[i].stream, r->requires[i].revision);
    if (graph_is_branch_point(g, index)) {
        struct revlist children = graph_children(&arena, g, index);
        buf_addz(out, "\nBranches into: ");
        format_ids(out, g, &children);
    }
    if (labels.n) {
        buf_addz(out, "\nBranch names: ");
        strings_join(out, &labels, ", ");
    }
    buf_addf(out, "\nPath: %s\n\n    %s\n\n", r->path, r->message);
}

static void json_indices(struct json *j, const char *key, const struct stream *stream, const uint32_t *v, uint32_t n)
{
    json_key(j, key);
    json_array(j);
    for (uint32_t i = 0; i < n; i++)
        json_text(j, stream->revisions[v[i]]->id);
    json_end_array(j);
}

static void json_requires(struct json *j, const struct revision *r)
{
    json_key(j, "requires");
    json_array(j);
    for (uint32_t i = 0; i < r->n_requires; i++) {
        BUF_AUTO text = {0};
        buf_addf(&text, "%s@%s", r->requires[i].stream, r->requires[i].revision);
        json_str(j, buf_str(&text));
    }
    json_end_array(j);
}

void format_members(struct json *j, const struct graph *g, uint32_t index, const bool *is_current)
{
    ARENA_AUTO arena = {0};
    const struct stream *stream = graph_stream(g);
    const struct revision *r = graph_revision(g, index);
    struct strings labels = graph_labels(&arena, g, index);
    json_put_text(j, "revision", r->id);
    json_indices(j, "down_revision", stream, r->down, r->n_down);
    json_indices(j, "depends_on", stream, r->depends, r->n_depends);
    json_requires(j, r);
    json_put_strings(j, "branch_labels", &labels);
    json_put_text(j, "message", r->message);
    json_put_text(j, "created", r->created);
    json_put_text(j, "path", r->path);
    json_put_bool(j, "head", graph_is_real_head(g, index));
    json_put_bool(j, "effective_head", graph_is_head(g, index) && !graph_is_real_head(g, index));
    json_put_bool(j, "branch_point", graph_is_branch_point(g, index));
    json_put_bool(j, "merge_point", graph_is_merge_point(g, index));
    if (is_current)
        json_put_bool(j, "current", *is_current);
}

void format_json(struct json *j, const struct graph *g, uint32_t index, const bool *is_current)
{
    json_object(j);
    format_members(j, g, index, is_current);
    json_end_object(j);
}

const char *format_direction(enum step_kind kind)
{
    switch (kind) {
    case STEP_UPGRADE:
        return "upgrade";
    case STEP_DOWNGRADE:
        return "downgrade";
    case STEP_STAMP:
        return "stamp";
    }
    return "";
}

/* Only the rows that change, as Alembic names them. */
static void add_changes(struct buf *out, const struct step *step, bool from)
{
    const char *separator = "";
    for (size_t i = 0; i < step->n_changes; i++) {
        const struct row_change *change = &step->changes[i];
        if (change->kind == (from ? ROW_INSERT : ROW_DELETE))
            continue;
        buf_addf(out, "%s%s", separator, from ? change->from : change->to);
        separator = ", ";
    }
}

void format_step(struct buf *out, const struct step *step, const struct stream *stream)
{
    const struct revision *r = step->revision;
    switch (step->kind) {
    case STEP_UPGRADE:
        buf_addz(out, "Running upgrade ");
        add_indices(out, stream, r->down, r->n_down);
        buf_addf(out, " -> %s, %s", r->id, r->message);
        break;
    case STEP_DOWNGRADE:
        buf_addf(out, "Running downgrade %s -> ", r->id);
        add_indices(out, stream, r->down, r->n_down);
        buf_addf(out, ", %s", r->message);
        break;
    case STEP_STAMP:
        buf_addz(out, "Running stamp_revision ");
        add_changes(out, step, true);
        buf_addz(out, " -> ");
        add_changes(out, step, false);
        break;
    }
}

struct revlist format_all_current(struct arena *a, const struct graph *g, const struct strings *rows)
{
    struct revset known = revset_new(a, g);
    for (size_t i = 0; i < rows->n; i++) {
        uint32_t index = graph_find(g, str_from(rows->v[i]));
        if (index != REVISION_NONE)
            revset_add(&known, index);
    }
    struct revlist current = graph_current(a, g, &known);
    struct revset tips = revset_from(a, g, &current);
    return graph_sort(a, g, &tips, &tips);
}
