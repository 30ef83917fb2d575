/*
 * The way of lint: streams, revisions in topological order, sections, statements. Rules make hits; here they become
 * findings, after suppressions, severities and what was asked for had their say.
 *
 * All revisions of a stream share one chain: independent branches hardly ever change the same table, and where they do
 * `verify` is the judge.
 */
#include "gen/lint/lint.h"

#include <string.h>

#include "gen/lint/allow.h"
#include "gen/lint/sqlite.h"
#include "gen/lint/statement.h"
#include "gen/parse_postgresql.h"
#include "model/graph.h"
#include "schema/tokens.h"

/* Larger statements are judged by their tokens alone: rows of a seed, mostly. */
#define TREE_TOKENS 5000

/* A hit, and whose rule it was. */
struct kept_hit {
    struct lint_hit hit;
    enum dialect dialect;
};

/* A section's hits of both engines, until both have seen it. */
struct kept {
    const struct source_revision *revision;
    const struct revision_section *section;
    VEC(struct kept_hit) hits;
};

struct linter {
    struct source *s;
    const struct lint_options *options;
    const struct source_stream *stream;
    struct arena *chain_arena;   /* of the stream */
    struct arena *section_arena; /* of a section */
    struct chain *chain;
    const struct graph *graph;
    size_t n_before;           /* findings that the stages before made */
    bool was_refused;          /* errors among them */
    struct revset old;         /* revisions of which nothing is said */
    VEC(struct kept) sections; /* of the stream, in topological order, then as the files have them */
};

/* ---------------------------------------------------------------------------------------------------------- a section */

/* Sections are met in the order in which they were listed; the two engines each walk that order once. */
static struct kept *find_kept(struct linter *l, const struct revision_section *section)
{
    for (size_t i = l->sections.n; i-- > 0;)
        if (l->sections.v[i].section == section)
            return &l->sections.v[i];
    return NULL;
}

static void keep_hits(struct linter *l, const struct lint_section *section, enum dialect dialect)
{
    struct kept *kept = section->hits.n ? find_kept(l, section->section) : NULL;
    for (size_t i = 0; kept && i < section->hits.n; i++) {
        struct kept_hit hit = {section->hits.v[i], dialect};
        bool down = section->section->direction == DIRECTION_DOWN;
        if (!down || hit.hit.rule->flags & RULE_DOWN)
            vec_push(l->s->arena, &kept->hits, hit);
    }
}

static void take_sqlite(void *to, struct lint_section *section)
{
    keep_hits(to, section, DIALECT_SQLITE);
}

/* ------------------------------------------------------------------------------------------------- PostgreSQL's pass */

static size_t count_tokens(struct str text, size_t most)
{
    struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    size_t n = 0;
    while (n <= most && token_next(&l, &t))
        n++;
    return n;
}

static void lint_one(struct lint_section *section, uint32_t index)
{
    struct lint_statement s = lint_earlier(section, index);
    json_auto_t *tree = count_tokens(s.text, TREE_TOKENS) <= TREE_TOKENS ? parse_tree(s.text) : NULL;
    s.tree = tree;
    lint_statement_run(&s);
}

static void lint_section(struct linter *l, const struct source_revision *revision,
                         const struct revision_section *section)
{
    struct lint_section work = {
        .arena = l->section_arena,
        .run = l->s->arena,
        .stream = l->stream,
        .revision = revision,
        .section = section,
        .chain = l->chain,
    };
    if (section->flags & SECTION_OPAQUE)
        return;
    for (uint32_t i = 0; i < section->n_statements; i++)
        lint_one(&work, i);
    lint_section_end(&work);
    keep_hits(l, &work, DIALECT_POSTGRESQL);
    arena_reset(l->section_arena);
}

/* The up section first: a down section begins where that one ends. */
static void lint_postgresql(struct linter *l, const struct source_revision *r)
{
    for (int direction = 0; direction < DIRECTION_COUNT; direction++) {
        int8_t pick = r->revision.pick[direction][DIALECT_POSTGRESQL];
        if (pick != SECTION_NONE)
            lint_section(l, r, &r->sections.v[pick]);
    }
}

/* ----------------------------------------------------------------------------------------------- from hits to findings */

static bool is_wanted(const struct linter *l, const struct source_revision *r)
{
    const struct strings *paths = &l->options->paths;
    if (paths->n && !strings_has(paths, r->file.shown))
        return false;
    uint32_t index = graph_find(l->graph, str_from(r->revision.id));
    return index == REVISION_NONE || !l->old.bits || !revset_has(&l->old, index);
}

/* Safe forms are written as up sections; in a down section its lines are that section's. */
static const char *for_section(struct arena *a, const char *safe, const struct revision_section *section)
{
    BUF_AUTO out = {0};
    const char *up = "-- migrate:up", *at;
    if (section->direction == DIRECTION_UP)
        return safe;
    for (; (at = strstr(safe, up)); safe = at + strlen(up)) {
        buf_add(&out, safe, (size_t)(at - safe));
        buf_addz(&out, "-- migrate:down");
    }
    buf_addz(&out, safe);
    return arena_str(a, buf_str(&out));
}

static void add_finding(struct linter *l, const struct kept *kept, const struct kept_hit *k)
{
    const struct lint_hit *hit = &k->hit;
    const struct source_revision *r = kept->revision;
    struct finding *found = finding_add(&l->s->findings, hit->rule->id, &r->file, hit->offset, "%s", hit->message);
    finding_severity(&l->s->findings, found, lint_severity(l->stream, hit->rule));
    if (hit->why || hit->rule->why)
        err_detail(&found->err, "%s", hit->why ? hit->why : hit->rule->why);
    /* The rule's own form speaks of tables that are not these. */
    if (hit->safe || hit->rule->safe)
        err_hint(&found->err, "%s%s", hit->safe ? "" : "for example\n",
                 for_section(l->section_arena, hit->safe ? hit->safe : hit->rule->safe, kept->section));
    found->place.revision = r;
    found->place.section = (uint32_t)(kept->section - r->sections.v);
    found->place.statement = hit->statement;
    found->place.dialect = k->dialect;
}

/* A rule that both engines know may say the same twice. */
static bool is_repeated(const struct kept *kept, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (kept->hits.v[k].hit.rule == kept->hits.v[i].hit.rule &&
            kept->hits.v[k].hit.offset == kept->hits.v[i].hit.offset)
            return true;
    return false;
}

/* The check stage refused the statement: whoever mends that looks at it again anyway. */
static bool is_refused(const struct linter *l, const struct kept *kept, uint32_t statement)
{
    const struct text_file *f = &kept->revision->file;
    const struct revision_statement *s = &kept->section->statements[statement];
    int first = (int)s->line, last = (int)text_position(f, (size_t)s->offset + s->length).line;
    for (size_t i = 0; i < l->n_before; i++) {
        const struct finding *found = &l->s->findings.list.v[i];
        const struct err *e = &found->err;
        if (found->severity == SEVERITY_ERROR && e->line >= first && e->line <= last && e->path &&
            strcmp(e->path, f->shown) == 0)
            return true;
    }
    return false;
}

static void finish_section(struct linter *l, const struct kept *kept)
{
    struct allows allows = {0};
    struct findings ignored = {.arena = l->s->arena};
    bool wanted = is_wanted(l, kept->revision);
    allows_read(l->s->arena, wanted ? &l->s->findings : &ignored, kept->revision, kept->section, &allows);
    for (size_t i = 0; i < kept->hits.n; i++) {
        const struct lint_rule *rule = kept->hits.v[i].hit.rule;
        if (allows_have(&allows, rule->id, kept->hits.v[i].hit.statement) || !wanted || is_repeated(kept, i) ||
            lint_severity(l->stream, rule) == SEVERITY_OFF ||
            (l->was_refused && is_refused(l, kept, kept->hits.v[i].hit.statement)))
            continue;
        add_finding(l, kept, &kept->hits.v[i]);
    }
    if (wanted)
        allows_end(&l->s->findings, l->stream, kept->revision, &allows);
    findings_free(&ignored);
}

/* ----------------------------------------------------------------------------------------------------------- a stream */

static bool set_since(struct linter *l, struct arena *a, const char *since, struct err *e)
{
    struct revlist list = {0};
    if (!graph_resolve(a, l->graph, str_from(since), NULL, &list, e))
        return false;
    struct revset set = revset_from(a, l->graph, &list);
    l->old = graph_ancestors(a, l->graph, &set);
    return true;
}

/* A revision that env.ini names and that there is not is a finding as any other of that file. */
static void read_since(struct linter *l, struct arena *a, const struct word *since)
{
    AUTO_ERR e = {0};
    if (set_since(l, a, since->text, &e))
        return;
    struct finding *found = finding_add(&l->s->findings, "bad-value", &l->stream->ini, since->offset, "since: %s",
                                        e.message);
    if (e.hint)
        err_hint(&found->err, "%s", e.hint);
}

static bool find_old(struct linter *l, struct arena *a, struct err *e)
{
    if (l->options->since && !set_since(l, a, l->options->since, e)) {
        err_context(e, "--since");
        return false;
    }
    for (size_t i = 0; i < l->stream->lint.n && !l->options->since; i++)
        if (strcmp(l->stream->lint.v[i].key.text, "since") == 0)
            read_since(l, a, &l->stream->lint.v[i].value);
    return true;
}

static void list_sections(struct linter *l, const struct source_revision *r)
{
    for (size_t k = 0; k < r->sections.n; k++) {
        struct kept kept = {.revision = r, .section = &r->sections.v[k]};
        vec_push(l->chain_arena, &l->sections, kept);
    }
}

static bool lint_stream(struct source *s, const struct lint_options *options, const struct source_stream *stream,
                        struct err *e)
{
    ARENA_AUTO chain = {0};
    ARENA_AUTO section = {0};
    struct linter l = {.s = s,
                       .options = options,
                       .stream = stream,
                       .chain_arena = &chain,
                       .section_arena = &section,
                       .chain = chain_new(&chain),
                       .graph = graph_new(&chain, stream->linked),
                       .n_before = s->findings.list.n,
                       .was_refused = s->findings.n_errors > 0};
    if (!find_old(&l, &chain, e))
        return false;
    for (size_t i = 0; i < stream->revisions.n; i++)
        list_sections(&l, stream->revisions.v[i]);
    for (size_t i = 0; stream->dialects & DIALECT_BIT(DIALECT_POSTGRESQL) && i < stream->revisions.n; i++)
        lint_postgresql(&l, stream->revisions.v[i]);
    if (stream->dialects & DIALECT_BIT(DIALECT_SQLITE))
        lint_sqlite_stream(s, stream, take_sqlite, &l);
    for (size_t i = 0; i < stream->revisions.n; i++)
        if (is_wanted(&l, stream->revisions.v[i]))
            allows_read_header(&s->findings, stream->revisions.v[i]);
    for (size_t i = 0; i < l.sections.n; i++)
        finish_section(&l, &l.sections.v[i]);
    return true;
}

bool lint_sources(struct source *s, const struct lint_options *options, struct err *e)
{
    for (size_t i = 0; i < s->streams.n; i++) {
        const struct source_stream *stream = s->streams.v[i];
        if (stream->linked && (!options->stream || strcmp(options->stream, stream->name) == 0) &&
            !lint_stream(s, options, stream, e))
            return false;
    }
    return true;
}
