/*
 * What a report says of its tenants. jansson parses and bounds the depth; it keeps no positions of what it understood, so
 * a wrong value is shown at the first place where its key stands.
 */
#include "tool/report_file.h"

#include <jansson.h>
#include <string.h>

struct report_text {
    struct str text;
    const char *name;
    struct err *e;
};

static struct str line_at(struct str text, size_t offset, int *line, int *column)
{
    size_t from = 0;
    *line = *column = 1;
    for (size_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            from = i + 1;
            ++*line;
            *column = 1;
        } else if (((unsigned char)text.p[i] & 0xC0) != 0x80) {
            ++*column;
        }
    }
    struct str rest = str_slice(text, from, text.n);
    return str_slice(rest, 0, str_find(rest, '\n'));
}

/* Sets the position of an error: where `key` stands first, else the beginning. False, to return it. */
static bool at_key(const struct report_text *r, const char *key)
{
    BUF_AUTO quoted = {0};
    int line, column;
    buf_addf(&quoted, "\"%s\"", key);
    const char *hit = r->text.n ? memmem(r->text.p, r->text.n, quoted.p, quoted.n) : NULL;
    struct str source = line_at(r->text, hit ? (size_t)(hit - r->text.p) : 0, &line, &column);
    err_at(r->e, r->name, line, column, source);
    return false;
}

static bool refuse(const struct report_text *r, const char *key, const char *what)
{
    err_set(r->e, FAULT_USAGE, "this is no report: %s", what);
    err_hint(r->e, "--retry-failed reads what --report wrote");
    return at_key(r, key);
}

/* jansson's column is that of the last character it read. */
static bool refuse_syntax(const struct report_text *r, const json_error_t *error)
{
    err_set(r->e, FAULT_USAGE, "this is no report: %s", error->text);
    err_hint(r->e, "--retry-failed reads what --report wrote");
    struct str rest = r->text, line = {0};
    int number = error->line > 0 ? error->line : 1;
    for (int i = 0; i < number && str_next(&rest, '\n', &line); i++)
        continue;
    err_at(r->e, r->name, number, error->column > 0 ? error->column : 1, line.p ? line : STR(""));
    return false;
}

static bool check_program(const struct report_text *r, const json_t *root, const char *program)
{
    const char *name = json_string_value(json_object_get(root, "program"));
    if (!name)
        return refuse(r, "program", "it has no \"program\"");
    if (strcmp(name, program) == 0)
        return true;
    err_set(r->e, FAULT_USAGE, "this is a report of another program, \"%s\"", name);
    return at_key(r, "program");
}

static bool is_to_retry(const char *state, bool *retry)
{
    static const char *const states[] = {"failed", "not_started", "done", "known", "skipped"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(state, states[i]) == 0) {
            *retry = i < 2;
            return true;
        }
    return false;
}

static bool add_tenant(const struct report_text *r, struct arena *a, const json_t *item, struct strings *out)
{
    const char *id = json_string_value(json_object_get(item, "tenant"));
    const char *state = json_string_value(json_object_get(item, "state"));
    bool retry = false;
    if (!id || !*id)
        return refuse(r, "tenants", "an item of \"tenants\" has no \"tenant\"");
    if (!state || !is_to_retry(state, &retry))
        return refuse(r, "tenants", "an item of \"tenants\" has no \"state\" that is known");
    if (retry)
        vec_push(a, out, arena_strdup(a, id));
    return true;
}

static bool add_stream(const struct report_text *r, struct arena *a, const json_t *stream, struct strings *out)
{
    const json_t *tenants = json_object_get(stream, "tenants");
    if (json_is_null(tenants)) {
        err_set(r->e, FAULT_USAGE, "in that run the tenants of \"%s\" could not be listed",
                json_string_value(json_object_get(stream, "stream")));
        err_hint(r->e, "run it again for all of them");
        return at_key(r, "tenants");
    }
    if (!json_is_array(tenants))
        return refuse(r, "streams", "a stream has no \"tenants\"");
    for (size_t i = 0; i < json_array_size(tenants); i++)
        if (!add_tenant(r, a, json_array_get(tenants, i), out))
            return false;
    return true;
}

static bool read_streams(const struct report_text *r, struct arena *a, const json_t *root, const char *stream,
                         struct strings *out)
{
    const json_t *streams = json_object_get(root, "streams");
    if (!json_is_array(streams))
        return refuse(r, "streams", "it has no \"streams\"");
    for (size_t i = 0; i < json_array_size(streams); i++) {
        const json_t *item = json_array_get(streams, i);
        const char *name = json_string_value(json_object_get(item, "stream"));
        if (!name)
            return refuse(r, "streams", "an item of \"streams\" has no \"stream\"");
        if (strcmp(name, stream) == 0)
            return add_stream(r, a, item, out);
    }
    err_set(r->e, FAULT_USAGE, "the report has nothing about \"%s\": that run did not come to it", stream);
    err_hint(r->e, "run it again for all of its tenants");
    return at_key(r, "streams");
}

bool report_parse_failed(struct arena *a, struct str text, const char *name, const char *program, const char *stream,
                         struct strings *out, struct err *e)
{
    struct report_text r = {text, name, e};
    json_error_t error;
    json_t *root = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &error);
    bool ok;
    if (!root)
        return refuse_syntax(&r, &error);
    if (!json_is_object(root))
        ok = refuse(&r, "program", "it is no object");
    else
        ok = check_program(&r, root, program) && read_streams(&r, a, root, stream, out);
    json_decref(root);
    return ok;
}
