/*
 * Runs sections of revisions on databases of a PostgreSQL, as `verify` does, and prints what each statement locks.
 *
 *     peer_gen_trace [--scratch URL] [--stay] [--server] FILE…
 *
 * --server: prints the server's major version and ends. --stay: when all is done, waits until somebody kills it, its
 * databases still there. A file is printed as it is, but for the measured lines, which are made anew:
 *
 *     --- setup                      SQL that all cases of the file begin with; without it they begin with nothing
 *     --- case NAME [| ATTRIBUTES]   the body of a revision, ATTRIBUTES as on its section line (transaction:false)
 *     --- locks                      a line for each statement: number, strongest lock, flags, relations
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/verify/place.h"
#include "model/locks.h"

struct peer {
    struct arena arena;
    struct source_stream stream;
    struct ground *ground;
    struct place *setup; /* of the file */
    const char *path;
    int failed; /* what is no case's fault */
};

static void fail(struct peer *p, struct err *e)
{
    BUF_AUTO text = {0};
    err_format(&text, e, NULL);
    printf("%s", text.p);
    p->failed = 1;
}

/* A revision of one section, read and checked as one of a folder would be. */
static struct source_revision *make_revision(struct peer *p, struct source *s, const char *attributes, struct str body)
{
    struct source_revision *r = ARENA_NEW(&p->arena, struct source_revision);
    struct source_stream *stream = ARENA_NEW(&p->arena, struct source_stream);
    BUF_AUTO text = {0};
    buf_addf(
        &text,
        "-- Revision: 5f1c0a2b9e77\n-- Revises:\n-- Message: case\n-- Created: 2026-11-23 00:00:00+00:00\n\n-- migrate:up %s\n%.*s",
        attributes, STR_ARG(body));
    char *bytes = arena_alloc(&p->arena, text.n + 2);
    memcpy(bytes, text.p, text.n);
    *s = (struct source){.arena = &p->arena, .findings = {.arena = &p->arena}};
    *stream = p->stream;
    vec_push(&p->arena, &stream->revisions, r);
    vec_push(&p->arena, &s->streams, stream);
    if (!text_take(&s->findings, "case", "case", bytes, text.n, &r->file))
        return NULL;
    source_parse_revision(&s->findings, s->arena, r);
    for (size_t i = 0; i < r->sections.n; i++)
        r->sections.v[i].dialects = stream->dialects;
    check_postgresql(s);
    return r;
}

static void print_locks(const struct statement_locks *locks, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        BUF_AUTO flags = {0};
        lock_flags_format(&flags, locks[i].flags);
        printf("%u  %s  %s  %s\n", i + 1, lock_mode_words[locks[i].strongest], flags.p,
               *locks[i].relations ? locks[i].relations : "-");
    }
}

static void print_failure(uint32_t failed, uint32_t n, const struct err *e)
{
    printf("failed at %s%.0u: %s %d:%d %s\n", failed == n ? "the commit" : "", failed == n ? 0 : failed + 1,
           e->sqlstate, e->line, e->column, e->message);
}

static bool run(struct peer *p, struct place *place, const char *attributes, struct str body, bool traced)
{
    struct source s;
    struct source_revision *r = make_revision(p, &s, attributes, body);
    AUTO_ERR e = {0};
    uint32_t failed = 0;
    if (s.findings.n_errors || !r || !r->sections.n) {
        BUF_AUTO text = {0};
        findings_format(&text, &s.findings);
        printf("%s", text.p ? text.p : "no section\n");
        return false;
    }
    const struct revision_section *section = &r->sections.v[0];
    struct statement_locks *locks = ARENA_ARRAY(&p->arena, struct statement_locks, section->n_statements);
    if (!place_run(place, &p->arena, r, section, traced ? locks : NULL, &failed, &e)) {
        print_failure(failed, section->n_statements, &e);
        return false;
    }
    if (traced)
        print_locks(locks, section->n_statements);
    return true;
}

/* ------------------------------------------------------------------------------------------------------------- files */

static void set_up(struct peer *p, struct str body)
{
    AUTO_ERR e = {0};
    place_close(p->setup);
    p->setup = NULL;
    if (!place_open(p->ground, &p->setup, &e))
        fail(p, &e);
    else if (!run(p, p->setup, "", body, false))
        p->failed = 1;
}

static void run_case(struct peer *p, struct str name, struct str body)
{
    AUTO_ERR e = {0};
    struct place *place = NULL;
    struct str rest = name, title, attributes = {0};
    if (str_next(&rest, '|', &title) && rest.p)
        attributes = str_trim(rest);
    if (!p->setup)
        set_up(p, (struct str){0});
    if (p->setup && place_copy(p->setup, &place, &e))
        run(p, place, arena_str(&p->arena, attributes), body, true);
    else
        fail(p, &e);
    place_close(place);
}

static void print(struct str text)
{
    fwrite(text.p, 1, text.n, stdout);
}

/* From one "--- " line to the next. */
static size_t part_end(struct str text, size_t from)
{
    for (size_t i = from; i < text.n; i++)
        if (text.p[i] == '\n' && str_starts(str_slice(text, i + 1, text.n), STR("--- ")))
            return i + 1;
    return text.n;
}

static void run_file(struct peer *p, struct str text)
{
    struct str name = {0}, body = {0};
    for (size_t at = 0, end; at < text.n; at = end) {
        end = part_end(text, at);
        struct str part = str_slice(text, at, end), rest = part, line;
        str_next(&rest, '\n', &line);
        if (str_starts(line, STR("--- locks"))) {
            puts("--- locks");
            run_case(p, name, body);
            puts("");
            continue;
        }
        print(part);
        if (str_starts(line, STR("--- setup")))
            set_up(p, rest);
        name = str_slice(line, strlen("--- case "), line.n);
        body = rest;
    }
}

static bool open_ground(struct peer *p, const char *scratch)
{
    AUTO_ERR e = {0};
    struct ground_options options = {.dialect = DIALECT_POSTGRESQL,
                                     .scratch = scratch,
                                     .major = scratch ? 0 : 15,
                                     .stream = &p->stream,
                                     .scope = {.version_table = "alembic_version"},
                                     .tenant = "acme"};
    if (ground_open(&p->ground, &options, &e))
        return true;
    fail(p, &e);
    return false;
}

int main(int argc, char **argv)
{
    struct peer p = {.stream = {.name = "documents", .dialects = DIALECT_BIT(DIALECT_POSTGRESQL)}};
    const char *scratch = NULL;
    bool stay = false, server = false;
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        stay = stay || strcmp(argv[i], "--stay") == 0;
        server = server || strcmp(argv[i], "--server") == 0;
        if (strcmp(argv[i], "--scratch") == 0 && i + 1 < argc)
            scratch = argv[++i];
    }
    if (!open_ground(&p, scratch))
        return 1;
    if (server)
        printf("%d\n", ground_major(p.ground));
    for (; i < argc; i++) {
        struct findings findings = {.arena = &p.arena};
        struct text_file file = {0};
        if (!text_read(&findings, argv[i], argv[i], &file))
            return 2;
        run_file(&p, file.bytes);
    }
    fflush(stdout);
    if (stay)
        pause();
    place_close(p.setup);
    ground_close(p.ground);
    arena_free(&p.arena);
    return p.failed;
}
