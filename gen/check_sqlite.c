/*
 * Stage check for SQLite: cuts each section into statements, has the rules look at each, and tries the revisions of every
 * linked stream in memory.
 *
 * A section that serves PostgreSQL too has one table of statements, which PostgreSQL's parser made; SQLite must cut the
 * text at the same places.
 */
#include <sqlite3.h>
#include <string.h>

#include "gen/check.h"
#include "gen/rules_sqlite.h"
#include "gen/scratch.h"
#include "gen/statements.h"
#include "gen/try_sqlite.h"

struct reader {
    struct source *source;
    struct source_revision *revision;
    struct revision_section *section;
    struct sqlite_body *body;
    struct sqlite_section rules;
    struct arena *scratch;
    VEC(struct revision_statement) statements;
    VEC(bool) skip;
};

static void refuse_open(struct reader *r, const struct token *t)
{
    static const char *const words[] = {
        [TOKEN_NAME] = "quoted name", [TOKEN_STRING] = "string", [TOKEN_COMMENT] = "comment"};
    struct finding *found = finding_add(&r->source->findings, "unterminated", &r->revision->file,
                                        r->section->offset + t->offset, "unterminated %s", words[t->kind]);
    err_detail(&found->err, "it runs to the end of the section");
}

/* The kind of the statement before, when it is the same: a seed has a million INSERTs. */
static const char *share_kind(struct reader *r, struct str text)
{
    const char *kind = statement_kind(r->scratch, text, DIALECT_SQLITE);
    const char *last = r->statements.n ? r->statements.v[r->statements.n - 1].kind : "";
    return strcmp(last, kind) == 0 ? last : arena_strdup(r->source->arena, kind);
}

static void read_statements(struct reader *r)
{
    struct str body = str_slice(r->revision->file.bytes, r->section->offset, r->section->offset + r->section->length);
    struct line_counter lines = {.text = r->revision->file.bytes};
    struct span cut;
    for (size_t at = 0; statement_next(body, DIALECT_SQLITE, at, &cut); at = cut.next) {
        if (cut.open.open) {
            refuse_open(r, &cut.open);
            return;
        }
        struct str text = str_slice(body, cut.offset, cut.offset + cut.length);
        size_t offset = r->section->offset + cut.offset;
        struct revision_statement statement = {
            .offset = (uint32_t)offset,
            .length = (uint32_t)cut.length,
            .line = line_of(&lines, offset),
            .kind = share_kind(r, text),
        };
        bool skip = !rules_sqlite(&r->rules, text, &statement);
        vec_push(r->scratch, &r->statements, statement);
        vec_push(r->scratch, &r->skip, skip);
    }
}

/* ------------------------------------------------------------------------------------------------ two engines, one text */

static bool same_cut(const struct revision_statement *a, const struct revision_statement *b)
{
    return a->offset == b->offset && a->length == b->length;
}

/* PostgreSQL's statements are in the section already, unless it refused the text. */
static void compare_cuts(struct reader *r)
{
    const struct revision_section *s = r->section;
    size_t n = s->n_statements < r->statements.n ? s->n_statements : r->statements.n, i = 0;
    while (i < n && same_cut(&s->statements[i], &r->statements.v[i]))
        i++;
    if (i == s->n_statements && i == r->statements.n)
        return;
    size_t offset = i < r->statements.n ? r->statements.v[i].offset : s->statements[i].offset;
    struct finding *found = finding_add(&r->source->findings, "dialects-differ", &r->revision->file, offset,
                                        "PostgreSQL and SQLite cut this text into different statements");
    err_hint(&found->err, "write a section for each: \"-- migrate:%s postgresql\" and \"-- migrate:%s sqlite\"",
             s->direction == DIRECTION_UP ? "up" : "down", s->direction == DIRECTION_UP ? "up" : "down");
}

static bool postgresql_refused(const struct reader *r)
{
    return !r->section->statements;
}

static struct revision_statement *keep_statements(struct reader *r)
{
    struct revision_statement *v = ARENA_ARRAY(r->source->arena, struct revision_statement, r->statements.n);
    if (r->statements.n)
        memcpy(v, r->statements.v, r->statements.n * sizeof *v);
    return v;
}

/* One table serves both: PostgreSQL's, with what SQLite cannot run in a transaction either. */
static void merge_flags(struct reader *r)
{
    bool differs = false;
    for (size_t i = 0; i < r->statements.n; i++)
        differs |= (r->statements.v[i].flags & ~r->section->statements[i].flags) != 0;
    if (!differs)
        return;
    struct revision_statement *v = ARENA_ARRAY(r->source->arena, struct revision_statement, r->statements.n);
    memcpy(v, r->section->statements, r->statements.n * sizeof *v);
    for (size_t i = 0; i < r->statements.n; i++)
        v[i].flags |= r->statements.v[i].flags;
    r->section->statements = v;
}

static void record(struct reader *r)
{
    size_t before = r->source->findings.n_errors;
    if (!(r->section->dialects & DIALECT_BIT(DIALECT_POSTGRESQL))) {
        r->section->statements = r->body->statements;
        r->section->n_statements = (uint32_t)r->statements.n;
        check_batch(&r->source->findings, &r->revision->file, r->section);
    } else if (!postgresql_refused(r)) {
        compare_cuts(r);
        if (r->source->findings.n_errors == before)
            merge_flags(r);
    }
    if ((r->section->flags & SECTION_OPAQUE) && r->statements.n > 1)
        finding_add(&r->source->findings, "opaque", &r->revision->file, r->statements.v[1].offset,
                    "an opaque section is one statement, and this is the second");
}

/* ---------------------------------------------------------------------------------------------------------- sections */

static void check_section(struct source *s, struct source_revision *revision, struct revision_section *section,
                          struct sqlite_body *body)
{
    ARENA_AUTO scratch = {0};
    size_t before = s->findings.n_errors;
    struct reader r = {
        .source = s,
        .revision = revision,
        .section = section,
        .body = body,
        .rules = {.out = &s->findings, .arena = s->arena, .file = &revision->file, .section = section},
        .scratch = &scratch,
    };
    read_statements(&r);
    rules_sqlite_end(&r.rules);
    if (r.rules.foreign_keys_off)
        section->flags |= SECTION_FOREIGN_KEYS_OFF;
    *body = (struct sqlite_body){
        .section = section,
        .statements = keep_statements(&r),
        .skip = ARENA_ARRAY(s->arena, bool, r.skip.n),
        .n = r.statements.n,
    };
    if (r.skip.n)
        memcpy(body->skip, r.skip.v, r.skip.n * sizeof *body->skip);
    record(&r);
    body->refused = s->findings.n_errors != before;
}

static void check_revision(struct source *s, struct source_revision *r, struct sqlite_revision *out)
{
    for (int d = 0; d < DIRECTION_COUNT; d++) {
        int8_t pick = r->unreadable ? SECTION_NONE : r->revision.pick[d][DIALECT_SQLITE];
        if (pick != SECTION_NONE)
            check_section(s, r, &r->sections.v[pick], &out->direction[d]);
    }
}

static void check_stream(struct source *s, struct source_stream *stream, struct memory *m)
{
    struct sqlite_revision *revisions = ARENA_ARRAY(s->arena, struct sqlite_revision, stream->revisions.n);
    for (size_t i = 0; i < stream->revisions.n; i++)
        check_revision(s, stream->revisions.v[i], &revisions[i]);
    if (stream->linked)
        try_sqlite_stream(s, stream, revisions, m);
    else
        try_sqlite_syntax(s, stream, revisions);
}

void check_sqlite(struct source *s)
{
    struct memory m;
    sqlite3_int64 limit = sqlite3_hard_heap_limit64(SCRATCH_MEGABYTES << 20);
    memory_read(&m, s->arena, s->checked);
    for (size_t i = 0; i < s->streams.n; i++)
        if (s->streams.v[i]->dialects & DIALECT_BIT(DIALECT_SQLITE))
            check_stream(s, s->streams.v[i], &m);
    if (!s->only_reads)
        memory_write(&m, s->arena);
    sqlite3_hard_heap_limit64(limit);
}
