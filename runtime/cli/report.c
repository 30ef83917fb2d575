/* The report of a run, made stream by stream and written at the end, and read back. */
#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/filter.h"
#include "cli/input.h"
#include "tool/report_file.h"

/* ------------------------------------------------------------------------------------------------------ the file */

static bool cannot_write(const struct report *r, int code, struct err *e)
{
    return err_set(e, FAULT_USAGE, "cannot write the report %s: %s", r->path, strerror(code));
}

/* A new file beside the one to be; -1 with errno. `name` is its name. */
static int open_temporary(const struct report *r, struct buf *name)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        unsigned random = 0;
        (void)!getrandom(&random, sizeof random, 0);
        buf_reset(name);
        buf_addf(name, ".%s.%08x", r->file, random);
        int fd = openat(r->folder, name->p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/*
 * The file itself is made at the end, and not kept open for as long as the run takes: whoever is killed would leave it
 * behind.
 */
static bool check_folder(struct report *r, struct err *e)
{
    struct stat found;
    BUF_AUTO name = {0};
    if (fstatat(r->folder, r->file, &found, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(found.st_mode))
        return err_set(e, FAULT_USAGE, "cannot write the report %s: it is no regular file", r->path);
    int fd = open_temporary(r, &name);
    if (fd < 0)
        return cannot_write(r, errno, e);
    close(fd);
    unlinkat(r->folder, name.p, 0);
    return true;
}

static bool check_command(const struct app *app, const char *path, struct err *e)
{
    if (call_has(&app->call, "dry-run") || call_has(&app->call, "sql")) {
        err_set(e, FAULT_USAGE, "--report is for what a run did, and this one does nothing");
        err_hint(e, "--json prints the plan as an object");
        return false;
    }
    if (*path && strcmp(path, "-") != 0)
        return true;
    err_set(e, FAULT_USAGE, "--report wants a file: stdout carries the answer");
    err_hint(e, "--json prints what came of each database to stdout");
    return false;
}

bool report_begin(struct report *r, struct app *app, struct err *e)
{
    const char *path = call_value(&app->call, "report");
    *r = (struct report){0};
    if (!path)
        return true;
    if (!check_command(app, path, e))
        return false;
    size_t slash = str_find_last(str_from(path), '/');
    bool has_folder = path[slash] == '/';
    *r = (struct report){.path = path, .file = has_folder ? path + slash + 1 : path};
    const char *folder = has_folder ? arena_str(&app->arena, (struct str){path, slash + 1}) : ".";
    r->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r->folder < 0)
        return cannot_write(r, errno, e);
    if (!*r->file)
        err_set(e, FAULT_USAGE, "--report %s names a folder, not a file", path);
    if (!*r->file || !check_folder(r, e)) {
        close(r->folder);
        return false;
    }
    r->app = app;
    return true;
}

/* ------------------------------------------------------------------------------------------------------- content */

static const char *state_name(uint8_t state)
{
    static const char *const names[] = {
        [TENANT_NOT_STARTED] = "not_started", [TENANT_DONE] = "done",   [TENANT_SKIPPED] = "skipped",
        [TENANT_FAILED] = "failed",           [TENANT_KNOWN] = "known",
    };
    return names[state];
}

/* Why some were not started; NULL: all were. */
static const char *halt_name(const struct visits *v)
{
    static const char *const names[] = {
        [HALT_CANARY] = "canary", [HALT_WAVE] = "wave", [HALT_MAX_FAILURES] = "max_failures"};
    if (v->result.halt != HALT_NONE)
        return names[v->result.halt];
    if (v->why.fault)
        return "refused";
    if (!v->result.states)
        return "stream";
    if (!v->result.not_started)
        return NULL;
    return atomic_load(&v->app->stop.signal) ? "signal" : "deadline";
}

/* Each item on a line of its own. */
static struct json next_item(struct buf *out, bool first)
{
    buf_addz(out, first ? "\n" : ",\n");
    return (struct json){.out = out};
}

static void end_items(struct buf *out, size_t n)
{
    buf_addz(out, n ? "\n]" : "]");
}

static void add_counts(struct json *j, const struct visits *v)
{
    const struct fleet_result *r = &v->result;
    json_put_int(j, "databases", (int64_t)v->tenants.n);
    json_put_int(j, "changed", (int64_t)visits_changed(v));
    json_put_int(j, "unchanged", (int64_t)v->unchanged);
    json_put_int(j, "known", (int64_t)r->known);
    json_put_int(j, "skipped", (int64_t)r->skipped);
    json_put_int(j, "failed", (int64_t)r->failed);
    json_put_int(j, "not_started", (int64_t)(r->states ? r->not_started : v->tenants.n));
    json_put_int(j, "steps", (int64_t)r->steps);
}

static void add_failures(struct buf *out, const struct visits *v)
{
    buf_addz(out, ", \"failures\": [");
    for (size_t i = 0; i < v->result.n_failures; i++) {
        struct json j = next_item(out, i == 0);
        visits_json_failure(&j, v, &v->result.failures[i]);
    }
    end_items(out, v->result.n_failures);
}

static void add_tenant(struct buf *out, bool first, const char *id, const char *state)
{
    struct json j = next_item(out, first);
    json_object(&j);
    json_put_text(&j, "tenant", id);
    json_put_text(&j, "state", state);
    json_end_object(&j);
}

/*
 * Whom a run meant that never began. Who was named on the command line, or by an earlier report, stays named: the next
 * --retry-failed would have lost them. What --match and its like leave of a list is only known when all went well.
 */
static bool was_meant(const struct report *r, const struct visits *v, struct strings *out)
{
    struct arena *a = &r->app->arena;
    struct choice choice = {0};
    AUTO_ERR ignored = {0};
    if (v->stream->kind == STREAM_FLEET && !filter_read(r->app, v->stream, &choice, &ignored))
        return false;
    for (size_t i = 0; choice.has_only && i < choice.only.n; i++)
        if (!strings_has(&choice.except, choice.only.v[i]))
            vec_push(a, out, choice.only.v[i]);
    if (choice.has_only)
        return true;
    for (size_t i = 0; i < v->tenants.n; i++)
        vec_push(a, out, v->tenants.v[i].id);
    return v->tenants.n && !choice.match.n && !choice.except.n && !choice.shard.count;
}

static void add_tenants(struct report *r, const struct visits *v)
{
    struct buf *out = &r->streams;
    struct strings meant = {0};
    buf_addz(out, ", \"tenants\": ");
    if (v->result.states) {
        buf_addz(out, "[");
        for (size_t i = 0; i < v->tenants.n; i++)
            add_tenant(out, i == 0, v->tenants.v[i].id, state_name(v->result.states[i]));
        end_items(out, v->tenants.n);
    } else if (was_meant(r, v, &meant)) {
        buf_addz(out, "[");
        for (size_t i = 0; i < meant.n; i++)
            add_tenant(out, i == 0, meant.v[i], state_name(TENANT_NOT_STARTED));
        end_items(out, meant.n);
    } else {
        buf_addz(out, "null");
    }
}

void report_add(struct report *r, const struct visits *v, int status)
{
    if (!r->app)
        return;
    struct json j = next_item(&r->streams, r->streams.n == 0);
    vec_push(&r->app->arena, &r->names, v->stream->name);
    json_object(&j);
    json_put_text(&j, "stream", v->stream->name);
    add_counts(&j, v);
    json_put_text(&j, "halt", halt_name(v));
    json_put_int(&j, "exit_code", status);
    if (v->why.fault) {
        json_key(&j, "error");
        json_object(&j);
        output_error_members(&j, &v->why);
        json_end_object(&j);
    }
    add_failures(&r->streams, v);
    add_tenants(r, v);
    json_end_object(&j);
}

/* `all` ends at the first stream that fails; the report tells of the others, too. */
static void add_others(struct report *r, int status)
{
    const struct catalogue *c = r->app->catalogue;
    for (uint32_t i = 0; app_is_all(r->app) && i < c->n_streams; i++) {
        struct visits v = {.app = r->app, .stream = c->streams[i]};
        if (!strings_has(&r->names, v.stream->name))
            report_add(r, &v, status);
    }
}

static void compose(struct buf *out, const struct report *r, int status)
{
    const struct app *app = r->app;
    BUF_AUTO target = {0};
    struct json j = {.out = out};
    char started[32];
    int64_t duration = clock_ms() - app->started;
    clock_format_utc(started, clock_unix_ms() - duration);
    strings_join(&target, &app->call.operands, " ");
    json_object(&j);
    json_put_text(&j, "program", app->catalogue->program);
    json_put_text(&j, "version", MIGRATE_VERSION);
    json_put_text(&j, "build_id", app->catalogue->build_id);
    json_put_text(&j, "command", app->call.command->name);
    json_put_text(&j, "target", target.n ? target.p : NULL);
    json_put_text(&j, "started", started);
    json_put_int(&j, "duration_ms", duration);
    json_put_int(&j, "exit_code", status);
    buf_addz(out, ", \"streams\": [");
    buf_adds(out, buf_str(&r->streams));
    end_items(out, r->streams.n);
    buf_addz(out, "}\n");
}

/* ------------------------------------------------------------------------------------------------------- writing */

static bool write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR)
            return false;
        text = str_slice(text, n < 0 ? 0 : (size_t)n, text.n);
    }
    return true;
}

/* The name is only as durable as its folder; one that cannot be opened or synced is no reason to fail. */
static void sync_folder(const struct report *r)
{
    int fd = openat(r->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* 0, or an errno. */
static int replace_file(const struct report *r, struct str text)
{
    BUF_AUTO name = {0};
    int code = 0;
    int fd = open_temporary(r, &name);
    if (fd < 0)
        return errno;
    if (!write_all(fd, text) || fsync(fd) != 0)
        code = errno;
    if (close(fd) != 0 && !code)
        code = errno;
    if (!code && renameat(r->folder, name.p, r->folder, r->file) != 0)
        code = errno;
    if (code)
        unlinkat(r->folder, name.p, 0);
    else
        sync_folder(r);
    return code;
}

int report_finish(struct report *r, int status)
{
    BUF_AUTO text = {0};
    AUTO_ERR e = {0};
    if (!r->app)
        return status;
    /* A command that did not come to any stream leaves the report of the run before, which may be the one to be repeated. */
    bool began = r->names.n > 0;
    if (began)
        add_others(r, status);
    compose(&text, r, status);
    int code = began ? replace_file(r, buf_str(&text)) : 0;
    if (code) {
        err_set(&e, FAULT_FAILED, "cannot write the report %s: %s", r->path, strerror(code));
        status = exit_worse(status, app_fail(r->app, &e));
    }
    close(r->folder);
    buf_free(&r->streams);
    *r = (struct report){0};
    return status;
}

/* ------------------------------------------------------------------------------------------------------- reading */

bool report_read_failed(struct arena *a, const char *path, const char *stream, struct strings *out, struct err *e)
{
    BUF_AUTO text = {0};
    return input_read(path, "the report", REPORT_MOST_BYTES, &text, e) &&
           report_parse_failed(a, buf_str(&text), path, migrate_catalogue.program, stream, out, e);
}
