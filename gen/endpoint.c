/* From a word to a schema: what an endpoint is, and how each kind is read or built. */
#include "gen/endpoint.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "gen/statements.h"
#include "schema/sqlite_text.h"

/* ---- kinds of words ---- */

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_sqlite_database(const char *path)
{
    char head[16] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
    if (fd >= 0)
        close(fd);
    return n == sizeof head && memcmp(head, "SQLite format 3", 16) == 0;
}

/* Not the SQL of a schema that mentions "://" in its name, but a URL or libpq's KEY=VALUE …. */
static bool is_address(const char *word)
{
    struct str s = str_from(word);
    const char *scheme = strstr(word, "://");
    size_t equals = str_find(s, '=');
    if (scheme && scheme > word && strcspn(word, "/") > (size_t)(scheme - word))
        return true;
    for (size_t i = 0; i < equals; i++)
        if (!((word[i] >= 'a' && word[i] <= 'z') || word[i] == '_' || word[i] == ' '))
            return false;
    return equals > 0 && equals < s.n;
}

static bool is_schema_path(const char *word)
{
    return strchr(word, '/') || str_ends(str_from(word), STR(".sql"));
}

/* ---- making them ---- */

void endpoint_of_address(struct arena *a, const struct address *address, struct endpoint *endpoint)
{
    BUF_AUTO shown = {0};
    address_show(&shown, address);
    *endpoint = (struct endpoint){.kind = ENDPOINT_DATABASE,
                                  .name = arena_str(a, buf_str(&shown)),
                                  .dialect = address->dialect,
                                  .dialect_is_known = true,
                                  .address = *address};
}

static bool parse_address(struct arena *a, const char *word, struct endpoint *endpoint, struct err *e)
{
    struct address address = {0};
    if (!address_parse(a, str_from(word), NULL, &address, e)) {
        e->fault = FAULT_USAGE;
        return false;
    }
    endpoint_of_address(a, &address, endpoint);
    return true;
}

bool endpoint_of_file(struct arena *a, const char *path, const char *shown, struct findings *out,
                      struct endpoint *endpoint, struct err *e)
{
    size_t errors = out->n_errors;
    *endpoint = (struct endpoint){.kind = ENDPOINT_FILE, .name = arena_strdup(a, shown)};
    if (text_read(out, endpoint->name, path, &endpoint->file))
        return true;
    return err_set(e, FAULT_USAGE,
                   out->n_errors > errors ? "\"%s\" cannot be used as a schema" : "there is no file \"%s\"", shown);
}

bool endpoint_of_revisions(struct arena *a, const struct stream *stream, const char *symbol, struct endpoint *endpoint,
                           struct err *e)
{
    struct revlist named = {0};
    struct graph *graph = graph_new(a, stream);
    *endpoint = (struct endpoint){.kind = ENDPOINT_REVISIONS,
                                  .name = arena_printf(a, "%s@%s", stream->name, symbol),
                                  .stream = stream,
                                  .graph = graph};
    if (!graph_resolve(a, graph, str_from(symbol), NULL, &named, e))
        return false;
    struct revset set = revset_from(a, graph, &named);
    endpoint->revisions = graph_ancestors(a, graph, &set);
    endpoint->dialect = stream->dialects & DIALECT_BIT(DIALECT_POSTGRESQL) ? DIALECT_POSTGRESQL : DIALECT_SQLITE;
    endpoint->dialect_is_known = stream->dialects != DIALECTS_ALL;
    return true;
}

static bool parse_revisions(struct arena *a, struct str name, const char *symbol, const char *folder, const char *tool,
                            struct findings *out, struct endpoint *endpoint, struct err *e)
{
    struct source *s = ARENA_NEW(a, struct source);
    *s = (struct source){.arena = a, .tool = tool};
    if (!source_read(s, folder, e))
        return false;
    for (size_t i = 0; i < s->streams.n; i++)
        s->streams.v[i]->multiple_heads = true;
    link_streams(s);
    const struct source_stream *stream = source_find(s, arena_str(a, name));
    if (!stream)
        return err_set(e, FAULT_USAGE, "there is no stream \"%.*s\" in %s", STR_ARG(name), folder);
    if (!stream->linked) {
        for (size_t i = 0; i < s->findings.list.n; i++)
            vec_push(out->arena, &out->list, s->findings.list.v[i]);
        out->n_errors += s->findings.n_errors;
        return err_set(e, FAULT_FAILED, "the stream \"%s\" has errors", stream->name);
    }
    return endpoint_of_revisions(a, stream->linked, symbol, endpoint, e);
}

bool endpoint_parse(struct arena *a, const char *word, const char *folder, const char *tool, struct findings *out,
                    struct endpoint *endpoint, struct err *e)
{
    struct str s = str_from(word);
    size_t at = str_find(s, '@');
    if (is_file(word) && is_sqlite_database(word))
        return parse_address(a, arena_printf(a, "sqlite:///%s", word), endpoint, e);
    if (is_file(word) && !is_address(word))
        return endpoint_of_file(a, word, word, out, endpoint, e);
    if (is_address(word))
        return parse_address(a, word, endpoint, e);
    if (at > 0 && at < s.n && is_file(arena_printf(a, "%s/%.*s/env.ini", folder, (int)at, word)))
        return parse_revisions(a, str_slice(s, 0, at), word + at + 1, folder, tool, out, endpoint, e);
    if (strcmp(word, "empty") == 0) {
        *endpoint = (struct endpoint){.kind = ENDPOINT_EMPTY, .name = "empty"};
        return true;
    }
    if (is_schema_path(word))
        return err_set(e, FAULT_USAGE, is_folder(word) ? "\"%s\" is a folder" : "there is no file \"%s\"", word);
    err_set(e, FAULT_USAGE, "\"%s\" is neither an address nor a schema file nor STREAM@REVISION", word);
    err_hint(e, "postgresql://…, sqlite:///…, schema.sql, tenant@head, or empty");
    return false;
}

/* ---- dialects ---- */

static bool has_dialect(const struct endpoint *end, enum dialect d)
{
    if (end->kind == ENDPOINT_REVISIONS)
        return end->stream->dialects & DIALECT_BIT(d);
    return !end->dialect_is_known || end->dialect == d;
}

static bool is_named_sqlite(const struct endpoint *end)
{
    return end->kind == ENDPOINT_FILE && str_ends(str_from(end->name), STR(".sqlite.sql"));
}

bool endpoints_agree(struct endpoint *from, struct endpoint *to, enum dialect asked, struct err *e)
{
    enum dialect d = asked;
    if (d == DIALECT_COUNT)
        d = from->dialect_is_known                         ? from->dialect
            : to->dialect_is_known                         ? to->dialect
            : is_named_sqlite(from) || is_named_sqlite(to) ? DIALECT_SQLITE
                                                           : DIALECT_POSTGRESQL;
    if (has_dialect(from, d) && has_dialect(to, d)) {
        from->dialect = to->dialect = d;
        from->dialect_is_known = to->dialect_is_known = true;
        return true;
    }
    const struct endpoint *wrong = has_dialect(from, d) ? to : from;
    return err_set(e, FAULT_USAGE, "%s is no schema of %s", wrong->name, d == DIALECT_SQLITE ? "SQLite" : "PostgreSQL");
}

bool endpoint_read_hints(struct arena *a, struct endpoint *endpoint, struct findings *out)
{
    size_t errors = out->n_errors;
    endpoint->hints.file = &endpoint->file;
    if (endpoint->kind == ENDPOINT_FILE)
        hints_read(out, a, &endpoint->file, endpoint->dialect, &endpoint->hints);
    return out->n_errors == errors;
}

/* ---- reading ---- */

static bool same_part(const struct address *a, const struct address *b, const char *key, const char *otherwise)
{
    const char *left = address_get(a, key), *right = address_get(b, key);
    left = left ? left : otherwise;
    right = right ? right : otherwise;
    return left == right || (left && right && strcmp(left, right) == 0);
}

bool endpoint_is_apart(struct arena *a, const struct endpoint *endpoint, const char *scratch, struct err *e)
{
    struct address where;
    AUTO_ERR ignored = {0};
    if (!scratch || endpoint->kind != ENDPOINT_DATABASE || endpoint->dialect != DIALECT_POSTGRESQL ||
        !address_parse(a, str_from(scratch), NULL, &where, &ignored))
        return true;
    if (!same_part(&where, &endpoint->address, "host", NULL) ||
        !same_part(&where, &endpoint->address, "hostaddr", NULL) ||
        !same_part(&where, &endpoint->address, "port", "5432") ||
        !same_part(&where, &endpoint->address, "dbname", NULL))
        return true;
    err_set(e, FAULT_CONFIG, "the scratch database is the live one: %s", endpoint->name);
    err_hint(e, "that is only read: name another database with --scratch, one that is empty and nobody uses");
    return false;
}

enum { CONNECT_MS = 10 * 1000 };

bool endpoint_read_database(struct arena *a, const struct endpoint *endpoint, bool relative, struct snapshot *out,
                            struct err *e)
{
    struct db *db = NULL;
    struct db_options options = {
        .stream = "",
        .version_table = endpoint->scope.version_table ? endpoint->scope.version_table : "alembic_version",
        .schema = endpoint->dialect == DIALECT_POSTGRESQL ? endpoint->scope.schema : NULL,
        .application_name = "migrate-gen",
        .actor = "",
        .client_host = "",
        .build_id = "",
        .connect_timeout_ms = CONNECT_MS,
        .deadline = DEADLINE_NEVER,
        .read_only = true,
    };
    if (!db_open(&db, &endpoint->address, &options, e))
        return false;
    struct catalog_source source = catalog_of_db(db);
    bool ok = snapshot_read(a, &source, &endpoint->scope, relative, out, e);
    db_close(db);
    if (!ok)
        err_context(e, "%s", endpoint->name);
    return ok;
}

/* ---- building ---- */

/* Names that the file's CREATE EXTENSION say. */
static bool makes_extension(const struct text_file *file, const char *name)
{
    ARENA_AUTO arena = {0};
    struct span s = {0};
    for (size_t at = 0; statement_next(file->bytes, DIALECT_POSTGRESQL, at, &s); at = s.next) {
        struct str text = str_slice(file->bytes, s.offset, s.offset + s.length);
        struct lexer l = {.text = text, .dialect = DIALECT_POSTGRESQL};
        struct token t;
        if (strcmp(statement_kind(&arena, text, DIALECT_POSTGRESQL), "CREATE EXTENSION") != 0)
            continue;
        while (token_next(&l, &t) && !token_is_word(text, &t, "WITH"))
            if (token_is_name(text, &t, name))
                return true;
    }
    return false;
}

/* Out of the quotes that a catalog has it in. */
static const char *bare(struct arena *a, const char *value)
{
    return value ? sqlite_text_unquoted(a, str_from(value)) : NULL;
}

static bool add_extensions(struct arena *a, const struct endpoint *endpoint, struct bench *bench,
                           const struct snapshot *from, struct err *e)
{
    const struct catalog *c = from ? from->exact : NULL;
    for (size_t i = 0; c && i < c->objects.n; i++) {
        const struct object *o = &c->objects.v[i];
        if (o->kind != &kind_extension)
            continue;
        const char *name = bare(a, o->identity);
        if (!makes_extension(&endpoint->file, name) &&
            !bench_add_extension(bench, name, bare(a, object_value(o, "schema")), bare(a, object_value(o, "version")),
                                 e))
            return false;
    }
    return true;
}

static bool run_revisions(const struct endpoint *endpoint, struct bench *bench, struct err *e)
{
    for (uint32_t i = revset_next(&endpoint->revisions, 0); i != REVISION_NONE;
         i = revset_next(&endpoint->revisions, i + 1)) {
        const struct revision *r = graph_revision(endpoint->graph, i);
        int8_t pick = r->pick[DIRECTION_UP][endpoint->dialect];
        if (pick != SECTION_NONE && !bench_run_section(bench, r, &r->sections[pick], e))
            return false;
    }
    return true;
}

static bool build(struct arena *a, const struct endpoint *endpoint, struct bench *bench,
                  const struct snapshot *extensions, struct findings *out, struct err *e)
{
    if (endpoint->kind == ENDPOINT_REVISIONS)
        return run_revisions(endpoint, bench, e);
    if (endpoint->kind != ENDPOINT_FILE)
        return true;
    if (!add_extensions(a, endpoint, bench, extensions, e))
        return false;
    return bench_load(bench, out, &endpoint->file) || err_set(e, FAULT_FAILED, "%s has errors", endpoint->name);
}

bool endpoint_build(struct arena *a, const struct endpoint *endpoint, struct bench *bench,
                    const struct snapshot *extensions, bool relative, struct findings *out, struct snapshot *snapshot,
                    struct err *e)
{
    return bench_clear(bench, e) && build(a, endpoint, bench, extensions, out, e) &&
           bench_read(bench, a, relative, snapshot, e);
}
