/* Folders are made, files are linked to; what is changed or new is a file of its own there. */
#include "gen/fix/overlay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/files.h"
#include "gen/source.h"

static bool failed(const char *what, const char *path, struct err *e)
{
    return err_set(e, FAULT_FAILED, "cannot %s \"%s\": %s", what, path, strerror(errno));
}

/* ---- opening ---- */

static bool link_folder(struct overlay *o, const char *real, const char *twin, int depth, struct err *e);

static bool link_entry(struct overlay *o, const char *real, const char *twin, int depth, struct err *e)
{
    struct stat st;
    if (stat(real, &st) < 0)
        return errno == ENOENT || failed("read", real, e); /* a link to nowhere: the stages say so of the real one */
    if (!S_ISDIR(st.st_mode))
        return symlink(real, twin) == 0 || failed("make", twin, e);
    return (mkdir(twin, 0777) == 0 || failed("make", twin, e)) && link_folder(o, real, twin, depth + 1, e);
}

static bool link_folder(struct overlay *o, const char *real, const char *twin, int depth, struct err *e)
{
    enum { DEEPEST = 8 }; /* streams and their versions: two */
    DIR *dir = depth < DEEPEST ? opendir(real) : NULL;
    if (!dir)
        return depth >= DEEPEST || failed("read", real, e);
    bool ok = true;
    for (struct dirent *d; ok && (d = readdir(dir));)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            ok = link_entry(o, arena_printf(o->arena, "%s/%s", real, d->d_name),
                            arena_printf(o->arena, "%s/%s", twin, d->d_name), depth, e);
    closedir(dir);
    return ok;
}

bool overlay_open(struct overlay *o, struct arena *a, const char *real, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    char *folder = arena_printf(a, "%s/migrate-fix.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    char *whole = realpath(real, NULL);
    *o = (struct overlay){.arena = a, .real = real};
    if (!whole)
        return failed("read", real, e);
    const char *absolute = arena_strdup(a, whole);
    free(whole);
    if (!mkdtemp(folder))
        return failed("make", folder, e);
    o->folder = folder;
    return link_folder(o, absolute, folder, 0, e);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

void overlay_close(struct overlay *o)
{
    if (o->folder)
        nftw(o->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    *o = (struct overlay){0};
}

/* ---- changing ---- */

bool overlay_change(struct overlay *o, const char *path, const char *text, struct err *e)
{
    /* Taking the place of the link, not of what it leads to. */
    return file_replace(arena_printf(o->arena, "%s/%s", o->folder, path), str_from(text), e);
}

/* ---- what is different ---- */

static const char *read_file(struct overlay *o, const char *path, struct err *e)
{
    BUF_AUTO text = {0};
    char block[8192];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        failed("read", path, e);
        return NULL;
    }
    for (ssize_t n; (n = read(fd, block, sizeof block)) > 0;)
        buf_add(&text, block, (size_t)n);
    close(fd);
    return arena_str(o->arena, buf_str(&text));
}

static bool add_file(struct overlay *o, const char *path, struct overlay_files *out, struct err *e)
{
    struct overlay_file f = {.path = path};
    const char *real = arena_printf(o->arena, "%s/%s", o->real, path);
    f.now = read_file(o, arena_printf(o->arena, "%s/%s", o->folder, path), e);
    if (f.now && access(real, F_OK) == 0)
        f.old = read_file(o, real, e);
    if (!f.now || e->message)
        return false;
    if (!f.old || strcmp(f.old, f.now) != 0)
        vec_push(o->arena, out, f);
    return true;
}

static bool find_files(struct overlay *o, const char *below, struct overlay_files *out, struct err *e)
{
    const char *folder = arena_printf(o->arena, "%s/%s", o->folder, below);
    DIR *dir = opendir(folder);
    bool ok = dir || failed("read", folder, e);
    for (struct dirent *d; ok && (d = readdir(dir));) {
        const char *path = arena_printf(o->arena, "%s%s%s", below, *below ? "/" : "", d->d_name);
        struct stat st;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
            lstat(arena_printf(o->arena, "%s/%s", o->folder, path), &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode))
            ok = find_files(o, path, out, e);
        else if (S_ISREG(st.st_mode))
            ok = add_file(o, path, out, e);
    }
    if (dir)
        closedir(dir);
    return ok;
}

static int compare_files(const void *left, const void *right)
{
    const struct overlay_file *a = left, *b = right;
    int order = (a->old == NULL) - (b->old == NULL);
    return order ? order : strcmp(a->path, b->path);
}

bool overlay_files(struct overlay *o, struct overlay_files *out, struct err *e)
{
    if (!find_files(o, "", out, e))
        return false;
    if (out->n)
        qsort(out->v, out->n, sizeof *out->v, compare_files);
    return true;
}

/* A file may stand in a folder that is new, too. */
static bool make_folders(const struct overlay *o, const char *path, struct err *e)
{
    for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
        const char *folder = arena_printf(o->arena, "%s/%.*s", o->real, (int)(slash - path), path);
        if (mkdir(folder, 0777) < 0 && errno != EEXIST)
            return failed("make", folder, e);
    }
    return true;
}

bool overlay_take(const struct overlay *o, const struct overlay_files *files, struct err *e)
{
    for (size_t i = 0; i < files->n; i++)
        if (!make_folders(o, files->v[i].path, e))
            return false;
    for (int fresh = 1; fresh >= 0; fresh--)
        for (size_t i = 0; i < files->n; i++)
            if ((files->v[i].old == NULL) == fresh &&
                !file_replace(arena_printf(o->arena, "%s/%s", o->real, files->v[i].path), str_from(files->v[i].now), e))
                return false;
    return true;
}
