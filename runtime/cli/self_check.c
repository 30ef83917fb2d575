/*
 * self-check: does what is embedded hang together? Every checksum is made again from the bytes, and everything that the
 * runtime trusts blindly (indices, offsets, order) is looked at once. No database.
 */
#include <string.h>

#include "base/hash.h"
#include "cli/app.h"
#include "model/locks.h"
#include "schema/fingerprint.h"

struct checker {
    struct app *app;
    const struct stream *stream;
    size_t problems, files;
};

static void problem(struct checker *c, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void problem(struct checker *c, const char *where, const char *format, ...)
{
    AUTO_ERR e = {0};
    BUF_AUTO text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&text, format, ap);
    va_end(ap);
    err_set(&e, FAULT_FAILED, "%s: %s", where, text.p);
    output_error(&c->app->out, &e, NULL);
    c->problems++;
}

static bool has_sum(const void *bytes, size_t n, const uint8_t expected[SHA256_BYTES])
{
    uint8_t sum[SHA256_BYTES];
    hash_once(bytes, n, sum);
    return memcmp(sum, expected, sizeof sum) == 0;
}

static void check_statements(struct checker *c, const struct revision *r, const struct revision_section *s)
{
    uint64_t end = s->offset;
    for (uint32_t i = 0; i < s->n_statements; i++) {
        const struct revision_statement *t = &s->statements[i];
        if (t->offset < end || (uint64_t)t->offset + t->length > (uint64_t)s->offset + s->length) {
            problem(c, r->path, "statement %u of the section at line %u lies outside of it", i + 1, s->line);
            return;
        }
        end = (uint64_t)t->offset + t->length;
    }
}

static void check_sections(struct checker *c, const struct revision *r)
{
    for (uint32_t i = 0; i < r->n_sections; i++) {
        const struct revision_section *s = &r->sections[i];
        if ((uint64_t)s->offset + s->length > r->length) {
            problem(c, r->path, "the section at line %u lies outside the file", s->line);
            continue;
        }
        if (!has_sum(r->text + s->offset, s->length, s->sha256))
            problem(c, r->path, "the section at line %u does not have its checksum", s->line);
        check_statements(c, r, s);
    }
}

static void check_picks(struct checker *c, const struct revision *r)
{
    for (int direction = 0; direction < DIRECTION_COUNT; direction++)
        for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
            int8_t pick = r->pick[direction][dialect];
            bool wanted = direction == DIRECTION_UP && c->stream->dialects & DIALECT_BIT(dialect);
            bool is_there = pick >= 0 && (uint32_t)pick < r->n_sections;
            if (pick == SECTION_NONE ? wanted : !is_there || (int)r->sections[pick].direction != direction)
                problem(c, r->path, "the section to run for dialect %d is not there", dialect);
        }
}

/* Parents stand before their children, so that no cycle is possible. */
static void check_links(struct checker *c, const struct revision *r, uint32_t index)
{
    for (uint32_t i = 0; i < r->n_down; i++)
        if (r->down[i] >= index)
            problem(c, r->path, "a parent does not stand before it");
    for (uint32_t i = 0; i < r->n_depends; i++)
        if (r->depends[i] >= index)
            problem(c, r->path, "a dependency does not stand before it");
    if (graph_find(app_graph(c->app, c->stream), str_from(r->id)) != index)
        problem(c, r->path, "another revision has the same id");
}

static void check_revision(struct checker *c, uint32_t index)
{
    const struct revision *r = c->stream->revisions[index];
    c->files++;
    if (!has_sum(r->text, r->length, r->sha256))
        problem(c, r->path, "the file does not have its checksum");
    if (r->text[r->length] != '\0')
        problem(c, r->path, "no NUL follows the file");
    check_sections(c, r);
    check_picks(c, r);
    check_links(c, r, index);
}

static void check_settings(struct checker *c)
{
    AUTO_ERR e = {0};
    for (uint32_t i = 0; i < c->stream->n_settings; i++) {
        int64_t number;
        const struct setting *s = setting_find(str_from(c->stream->settings[i].key));
        if (!s)
            problem(c, c->stream->ini_path, "unknown key \"%s\"", c->stream->settings[i].key);
        else if (!setting_check_embedded(s, str_from(c->stream->settings[i].value), &number, &e))
            problem(c, c->stream->ini_path, "%s", e.message);
    }
}

static void check_fingerprints(struct checker *c)
{
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
        const struct stream_fingerprint *f = &c->stream->fingerprints[dialect];
        char revisions[SHA256_HEX];
        struct fingerprint made;
        struct fingerprint_flaw flaw;
        struct strings heads = {0};
        ARENA_AUTO a = {0};
        if (!f->text)
            continue;
        fingerprint_revisions(&a, c->stream, (enum dialect)dialect, revisions, &heads);
        if (!fingerprint_parse(&a, (struct str){(const char *)f->text, f->length}, &made, &flaw))
            problem(c, c->stream->name, "line %u of its fingerprint: %s", flaw.line, flaw.text);
        else if ((int)made.dialect != dialect || strcmp(revisions, made.revisions) != 0)
            problem(c, c->stream->name, "its fingerprint is of other revisions");
    }
}

static bool are_relations(const char *text)
{
    struct str rest = str_from(text);
    struct relation_locks one;
    while (rest.n)
        if (!relation_locks_next(&rest, &one))
            return false;
    return true;
}

static void check_section_locks(struct checker *c, const struct section_locks *locks)
{
    const struct revision *r = c->stream->revisions[locks->revision];
    const struct revision_section *s = &r->sections[locks->section];
    for (uint32_t i = 0; i < s->n_statements; i++)
        if (locks->statements[i].strongest >= LOCK_MODE_COUNT || !are_relations(locks->statements[i].relations))
            problem(c, r->path, "the locks of statement %u of the section at line %u cannot be read", i + 1, s->line);
}

/* They are looked up by halves, so their order counts. */
static void check_locks(struct checker *c)
{
    const struct stream_locks *all = &c->stream->locks;
    for (uint32_t i = 0; i < all->n_sections; i++) {
        const struct section_locks *s = &all->sections[i], *before = i ? s - 1 : NULL;
        if (s->revision >= c->stream->n_revisions || s->section >= c->stream->revisions[s->revision]->n_sections ||
            (before &&
             (s->revision < before->revision || (s->revision == before->revision && s->section <= before->section)))) {
            problem(c, c->stream->name, "its lock report is of other revisions");
            return;
        }
        check_section_locks(c, s);
    }
}

static void check_registry(struct checker *c)
{
    const struct catalogue *all = c->app->catalogue;
    const char *registry = NULL;
    for (uint32_t i = 0; i < c->stream->n_settings; i++)
        if (strcmp(c->stream->settings[i].key, settings[SET_REGISTRY].key) == 0)
            registry = c->stream->settings[i].value;
    if (c->stream->kind == STREAM_SINGLE)
        return;
    for (uint32_t i = 0; i < all->n_streams && all->streams[i] != c->stream; i++)
        if (registry && strcmp(all->streams[i]->name, registry) == 0)
            return;
    problem(c, c->stream->ini_path, "the registry does not stand before it");
}

static int run_self_check(struct app *app)
{
    const struct catalogue *all = app->catalogue;
    struct checker c = {.app = app};
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    if (all->format != REVISION_FORMAT)
        problem(&c, all->program, "made for format %u, and this is %u", all->format, REVISION_FORMAT);
    for (uint32_t i = 0; i < all->n_streams; i++) {
        c.stream = all->streams[i];
        check_settings(&c);
        check_registry(&c);
        check_fingerprints(&c);
        check_locks(&c);
        for (uint32_t k = 0; k < c.stream->n_revisions; k++)
            check_revision(&c, k);
    }
    output_line(&app->out, "%zu revision%s of %u stream%s: %zu problem%s", c.files, c.files == 1 ? "" : "s",
                all->n_streams, all->n_streams == 1 ? "" : "s", c.problems, c.problems == 1 ? "" : "s");
    json_object(&j);
    json_put_int(&j, "streams", all->n_streams);
    json_put_int(&j, "revisions", (int64_t)c.files);
    json_put_int(&j, "problems", (int64_t)c.problems);
    json_put_text(&j, "build_id", all->build_id);
    json_end_object(&j);
    output_object(&app->out, &object);
    return c.problems ? EXIT_FAILED : EXIT_DONE;
}

static const char *const self_check_examples[] = {"self-check", "after copying the executable somewhere", NULL};

const struct command command_self_check = {
    .name = "self-check",
    .operands = "",
    .flags = COMMAND_ALONE,
    .help = "verify what is embedded in this executable",
    .more = "Every file's and section's SHA-256 is made again, and the graph is checked.",
    .examples = self_check_examples,
    .run = run_self_check,
};
