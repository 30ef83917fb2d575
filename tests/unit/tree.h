/* A migrations folder that a test writes file by file and removes in the end. */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/source.h"

struct tree {
    struct arena arena;
    const char *folder; /* migrations */
    const char *top;    /* holds it, and room for output */
};

static inline struct tree tree_new(void)
{
    struct tree t = {0};
    const char *tmp = getenv("TMPDIR");
    char *top = arena_printf(&t.arena, "%s/migrate-unit.XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(top))
        abort();
    t.top = top;
    t.folder = arena_printf(&t.arena, "%s/migrations", top);
    mkdir(t.folder, 0777);
    return t;
}

static inline void tree_write(struct tree *t, const char *name, const char *text)
{
    char *path = arena_printf(&t->arena, "%s/%s", t->folder, name);
    for (char *slash = path + strlen(t->folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

/* A revision with empty sections; `more` is header lines behind the first three. */
static inline void tree_revision(struct tree *t, const char *name, const char *id, const char *down, const char *more)
{
    tree_write(
        t, name,
        arena_printf(&t->arena,
                     "-- Revision: %s\n-- Revises: %s\n-- Message: %s\n%s\n-- migrate:up\n-- no\n-- migrate:down\n", id,
                     down, id, more));
}

static inline int tree_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static inline void tree_free(struct tree *t)
{
    nftw(t->top, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(&t->arena);
}

/* The folder read and linked. */
static inline struct source tree_link(struct tree *t)
{
    struct source s = {.arena = &t->arena};
    AUTO_ERR e = {0};
    if (!source_read(&s, t->folder, &e))
        abort();
    link_streams(&s);
    return s;
}

#endif
