/*
 * export DIR: gives back the files that this executable was built from, byte for byte. A build from the export is the
 * same executable. Files that are there and differ are left alone unless --force.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/app.h"
#include "model/locks.h"

struct export
{
    struct app *app;
    const char *folder;
    bool force;
    size_t written, same;
    struct strings paths; /* of all exported files */
};

static bool cannot(struct err *e, const char *what, const char *path)
{
    return err_set(e, FAULT_FAILED, "cannot %s \"%s\": %s", what, path, strerror(errno));
}

/* Makes every folder above the file. */
static bool make_folders(struct arena *a, const char *path, struct err *e)
{
    char *folder = arena_strdup(a, path);
    for (char *p = folder + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            return cannot(e, "make the folder", folder);
        *p = '/';
    }
    return true;
}

/* 1: the file holds exactly this text; 0: it is not there; -1: it holds something else. */
static bool compare_file(const char *path, struct str text, int *same, struct err *e)
{
    char piece[65536];
    size_t at = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *same = 0;
    if (fd < 0)
        return errno == ENOENT || cannot(e, "open", path);
    *same = 1;
    while ((got = read(fd, piece, sizeof piece)) > 0 && *same > 0) {
        if ((size_t)got > text.n - at || memcmp(piece, text.p + at, (size_t)got) != 0)
            *same = -1;
        at += (size_t)got;
    }
    if (got < 0)
        cannot(e, "read", path);
    close(fd);
    if (*same > 0 && at != text.n)
        *same = -1;
    return got >= 0;
}

static bool write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t done = write(fd, text.p, text.n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        text = str_slice(text, (size_t)done, text.n);
    }
    return true;
}

static bool write_file(const char *path, struct str text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return cannot(e, "write", path);
    bool ok = write_all(fd, text) || cannot(e, "write", path);
    if (close(fd) != 0 && ok)
        ok = cannot(e, "write", path);
    return ok;
}

static bool export_file(struct export *x, const char *relative, const unsigned char *bytes, size_t n, struct err *e)
{
    struct arena *a = &x->app->arena;
    const char *path = arena_printf(a, "%s/%s", x->folder, relative);
    struct str text = {(const char *)bytes, n};
    int same;
    vec_push(a, &x->paths, relative);
    if (!compare_file(path, text, &same, e))
        return false;
    x->same += same > 0;
    if (same > 0)
        return true;
    if (same < 0 && !x->force) {
        err_set(e, FAULT_FAILED, "\"%s\" is there and differs", path);
        err_hint(e, "--force replaces it");
        return false;
    }
    if (!make_folders(a, path, e) || !write_file(path, text, e))
        return false;
    x->written++;
    return true;
}

/* A revision that was there before would become part of the next build. */
static void warn_of_others(struct export *x, const struct stream *stream)
{
    const char *folder = arena_printf(&x->app->arena, "%s/%s/versions", x->folder, stream->name);
    DIR *d = opendir(folder);
    struct dirent *entry;
    while (d && (entry = readdir(d))) {
        const char *relative = arena_printf(&x->app->arena, "%s/versions/%s", stream->name, entry->d_name);
        if (str_ends(str_from(entry->d_name), STR(".sql")) && !strings_has(&x->paths, relative))
            output_talk(&x->app->out, TALK_WARNING, "\"%s/%s\" is no part of this executable", x->folder, relative);
    }
    if (d)
        closedir(d);
}

/* A build from the export is the same executable, so it must find them. */
static bool export_fingerprints(struct export *x, const struct stream *stream, struct err *e)
{
    static const char *const endings[] = {[DIALECT_POSTGRESQL] = "postgresql", [DIALECT_SQLITE] = "sqlite"};
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
        const struct stream_fingerprint *f = &stream->fingerprints[dialect];
        const char *path = arena_printf(&x->app->arena, "%s/fingerprint.%s", stream->name, endings[dialect]);
        if (f->text && !export_file(x, path, f->text, f->length, e))
            return false;
    }
    return true;
}

/* As verify writes it: other comments and another order are not embedded. */
static bool export_locks(struct export *x, const struct stream *stream, struct err *e)
{
    BUF_AUTO text = {0};
    if (!stream->locks.server_major)
        return true;
    stream_locks_write(&text, stream, &stream->locks);
    return export_file(x, arena_printf(&x->app->arena, "%s/locks.txt", stream->name), (const unsigned char *)text.p,
                       text.n, e);
}

static bool export_stream(struct export *x, const struct stream *stream, struct err *e)
{
    if (!export_file(x, stream->ini_path, stream->ini_text, stream->ini_length, e) ||
        !export_fingerprints(x, stream, e) || !export_locks(x, stream, e))
        return false;
    for (uint32_t i = 0; i < stream->n_revisions; i++) {
        const struct revision *r = stream->revisions[i];
        if (!export_file(x, r->path, r->text, r->length, e))
            return false;
    }
    warn_of_others(x, stream);
    return true;
}

static int run_export(struct app *app)
{
    struct export x = {.app = app, .folder = app->call.operands.v[0], .force = call_has(&app->call, "force")};
    AUTO_ERR e = {0};
    BUF_AUTO object = {0};
    struct json j = {.out = &object};
    if (!*x.folder) {
        err_set(&e, FAULT_USAGE, "the folder's name is empty");
        return app_fail(app, &e);
    }
    for (uint32_t i = 0; i < app->catalogue->n_streams; i++)
        if (!export_stream(&x, app->catalogue->streams[i], &e))
            return app_fail(app, &e);
    output_line(&app->out, "%zu file%s written to %s, %zu already there", x.written, x.written == 1 ? "" : "s",
                x.folder, x.same);
    json_object(&j);
    json_put_text(&j, "folder", x.folder);
    json_put_int(&j, "written", (int64_t)x.written);
    json_put_int(&j, "same", (int64_t)x.same);
    json_put_strings(&j, "files", &x.paths);
    json_end_object(&j);
    output_object(&app->out, &object);
    return EXIT_DONE;
}

static const char *const export_examples[] = {"export /tmp/migrations", "the files that this executable was built from",
                                              NULL};

const struct command command_export = {
    .name = "export",
    .operands = "DIR",
    .least = 1,
    .most = 1,
    .flags = COMMAND_ALONE,
    .help = "write the embedded files into a folder",
    .more = "Byte for byte; a build from them is the same executable. A file that is there and differs is left alone, "
            "unless --force is given.",
    .examples = export_examples,
    .run = run_export,
};
