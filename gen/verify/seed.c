/* Reading seed files, and when their statements run. */
#include "gen/verify/seed.h"

#include <string.h>

#include "gen/statements.h"
#include "model/graph.h"

/* ----------------------------------------------------------------------------------------------------------- reading */

struct reader {
    struct arena *a;
    struct findings *out;
    const struct source_stream *stream;
    const struct graph *graph;
    enum dialect dialect;
    const struct text_file *file;
    uint32_t after; /* of the statements that come next */
    struct seeds *seeds;
};

/* The name says another engine. */
static bool is_for_other(const char *path, enum dialect dialect)
{
    ARENA_AUTO arena = {0};
    for (int d = 0; d < DIALECT_COUNT; d++)
        if (d != (int)dialect && str_ends(str_from(path), str_from(arena_printf(&arena, ".%s.sql", dialect_words[d]))))
            return true;
    return false;
}

static void refuse_revision(struct reader *r, struct str word)
{
    struct strings ids = {0};
    struct finding *found = finding_add(r->out, "unknown-revision", r->file, (size_t)(word.p - r->file->bytes.p),
                                        "the stream \"%s\" has no revision \"%.*s\"", r->stream->name, STR_ARG(word));
    for (size_t i = 0; i < r->stream->revisions.n; i++)
        vec_push(r->a, &ids, r->stream->revisions.v[i]->revision.id);
    finding_suggest(found, word, &ids, NULL);
}

/* "-- seed: after REV"; other comments are comments. */
static void read_line(struct reader *r, struct str line)
{
    struct str prefix = STR("-- seed:"), word = STR("after ");
    line = str_trim(line);
    if (!str_starts(line, prefix))
        return;
    line = str_trim(str_slice(line, prefix.n, line.n));
    if (!str_starts(line, word)) {
        struct finding *found = finding_add(r->out, "bad-seed", r->file, (size_t)(line.p - r->file->bytes.p),
                                            "a seed line says when the statements behind it may run");
        err_hint(&found->err, "-- seed: after REVISION");
        return;
    }
    line = str_trim(str_slice(line, word.n, line.n));
    r->after = graph_lookup(r->graph, line);
    if (r->after == REVISION_NONE)
        refuse_revision(r, line);
}

static void read_statements(struct reader *r)
{
    struct str text = r->file->bytes, line;
    struct span s = {0};
    for (size_t at = 0; statement_next(text, r->dialect, at, &s); at = s.next) {
        for (struct str between = str_slice(text, at, s.offset); str_next(&between, '\n', &line);)
            read_line(r, line);
        struct str statement = str_slice(text, s.offset, s.offset + s.length);
        vec_push(r->a, &r->seeds->list, (struct seed){r->file, s.offset, statement, r->after});
    }
}

bool seeds_read(struct arena *a, struct findings *out, const struct strings *paths, const struct source_stream *stream,
                enum dialect dialect, struct seeds *seeds)
{
    struct reader r = {.a = a, .out = out, .stream = stream, .dialect = dialect, .seeds = seeds};
    size_t before = out->n_errors;
    r.graph = graph_new(a, stream->linked);
    for (size_t i = 0; i < paths->n; i++) {
        struct text_file *file = ARENA_NEW(a, struct text_file);
        if (is_for_other(paths->v[i], dialect) || !text_read(out, paths->v[i], paths->v[i], file))
            continue;
        r.file = file;
        r.after = REVISION_NONE;
        read_statements(&r);
    }
    return out->n_errors == before;
}

/* ---------------------------------------------------------------------------------------------------------- running */

bool seeds_try(const struct seeds *seeds, struct arena *a, struct place *p, const bool *applied, bool *done,
               const char **words, struct err *e)
{
    for (size_t i = 0; i < seeds->list.n; i++) {
        const struct seed *s = &seeds->list.v[i];
        AUTO_ERR why = {0};
        if (done[i] || (s->after != REVISION_NONE && !applied[s->after]))
            continue;
        done[i] = place_seed(p, s->text, &why);
        if (!done[i] && !place_refused(&why)) {
            err_move(e, &why);
            return false;
        }
        if (!done[i] && words)
            words[i] = arena_strdup(a, why.message);
    }
    return true;
}

void seeds_finish(const struct seeds *seeds, struct findings *out, const struct source_stream *stream,
                  const char *engine, const bool *done, const char *const *words)
{
    for (size_t i = 0; i < seeds->list.n; i++) {
        const struct seed *s = &seeds->list.v[i];
        if (done[i])
            continue;
        struct finding *found = finding_add(out, "seed-never-ran", s->file, s->offset, "the statement never ran%s%s",
                                            words[i] ? ": " : "", words[i] ? words[i] : "");
        if (words[i])
            err_detail(&found->err, "said last by %s, with all revisions of \"%s\" applied that can be", engine,
                       stream->name);
        else
            err_detail(&found->err, "it waits for revision %s, which was not applied",
                       stream->revisions.v[s->after]->revision.id);
    }
}
