/*
 * Fuzzes what is read of an Alembic project: scripts of both engines and directions, the history, alembic.ini. The first byte
 * says which. Whatever the bytes: nothing is read past the end, and what comes of it is whole: bodies end in
 * a line end, counts fit, every revision has its sections.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen/import/ini.h"
#include "gen/import/join.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool take(struct findings *out, struct str bytes, struct text_file *f)
{
    char *copy = arena_alloc(out->arena, bytes.n + 1);
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    return text_take(out, "x", "x", copy, bytes.n, f);
}

static struct import_script *read_script(struct findings *out, struct str bytes, enum direction direction,
                                         enum dialect dialect)
{
    struct import_script *s = ARENA_NEW(out->arena, struct import_script);
    s->direction = direction;
    s->dialect = dialect;
    s->version_table = "alembic_version";
    if (take(out, bytes, &s->file))
        import_read_script(out, out->arena, s);
    return s;
}

static void check_step(const struct import_step *step)
{
    size_t n = strlen(step->body);
    must(step->id && *step->id && step->line);
    must(!n || step->body[n - 1] == '\n');
    must(step->n_outside <= step->n_statements);
    must(step->no_transaction == (step->n_outside > 0));
}

static void fuzz_script(struct findings *out, struct str bytes, enum direction direction, enum dialect dialect)
{
    struct import_script *s = read_script(out, bytes, direction, dialect);
    struct import_scripts scripts = {0};
    struct import_revisions revisions = {0};
    struct import_sections sections;
    struct history none = {0};
    struct strings allowed = {0};
    uint32_t dialects = DIALECT_BIT(dialect);
    for (size_t i = 0; i < s->steps.n; i++)
        check_step(&s->steps.v[i]);
    vec_push(out->arena, &scripts, s);
    struct import_request request = {&scripts, &none, dialects, true, &allowed};
    import_join(out, out->arena, &request, &revisions);
    must(revisions.n <= s->steps.n);
    for (size_t i = 0; i < revisions.n; i++) {
        import_sections(out->arena, &revisions.v[i], dialects, &sections);
        must(sections.n && sections.n <= 2);
    }
    import_guess_dialect(s->file.bytes);
}

static void fuzz_history(struct findings *out, struct str bytes)
{
    struct history h = {0};
    struct strings labels = {0};
    if (!take(out, bytes, &h.file))
        return;
    import_read_history(out, out->arena, &h);
    for (size_t i = 0; i < h.entries.n; i++) {
        must(!strchr(h.entries.v[i].message, '\n'));
        history_labels(out->arena, &h, &h.entries.v[i], &labels);
    }
}

static void fuzz_ini(struct findings *out, struct str bytes)
{
    struct ini_request request = {.here = "/h", .stream = "main"};
    struct ini_answer answer;
    BUF_AUTO text = {0};
    struct env_keys keys = {0};
    if (!take(out, bytes, &request.file))
        return;
    import_read_ini(out, out->arena, &request, &answer);
    must(!answer.section == !answer.url);
    vec_push(out->arena, &keys, (struct env_key){"url", "x"});
    env_ini_with(&text, request.file.bytes, &keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO a = {0};
    struct findings out = {.arena = &a};
    if (!size)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    switch (data[0]) {
    case 'h':
        fuzz_history(&out, bytes);
        break;
    case 'i':
        fuzz_ini(&out, bytes);
        break;
    default:
        fuzz_script(&out, bytes, data[0] & 1 ? DIRECTION_DOWN : DIRECTION_UP,
                    data[0] & 2 ? DIALECT_SQLITE : DIALECT_POSTGRESQL);
    }
    findings_free(&out);
    return 0;
}
