/*
 * Visits to real SQLite files, for tests: a temporary folder, a stream made from text, a job with the defaults of the
 * command line, and looks into the file by SQLite itself.
 */
#ifndef TESTS_UNIT_VISITS_H
#define TESTS_UNIT_VISITS_H

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "built.h"
#include "run/visit.h"

struct scene {
    struct arena a;
    char folder[64];
    const char *file; /* of the one database */
    struct job job;
    struct place place;
    struct buf talk; /* every line that was said */
};

static void scene_talk(void *context, enum log_level level, const char *line)
{
    (void)level;
    buf_addf(context, "%s\n", line);
}

/* The executable now carries this stream. */
static inline void scene_carry(struct scene *s, const struct built *v, size_t n)
{
    const struct stream *stream = built_stream(&s->a, "tenant", v, n);
    s->job.catalogue = built_catalogue(&s->a, stream, NULL);
    struct graph *g = graph_new(&s->a, stream);
    s->job.graph = g;
    for (int d = 0; d < DIALECT_COUNT; d++)
        s->job.history[d] = history_new(&s->a, g, (enum dialect)d);
}

static inline void scene_begin(struct scene *s, const struct built *v, size_t n)
{
    static struct log log;
    *s = (struct scene){.folder = "/tmp/migrate-visit.XXXXXX"};
    if (!mkdtemp(s->folder))
        abort();
    s->file = arena_printf(&s->a, "%s/one.db", s->folder);
    s->place = (struct place){
        .address = {.dialect = DIALECT_SQLITE, .path = s->file, .busy_timeout_ms = TIMEOUT_UNSET}};
    log = (struct log){.emit = scene_talk, .context = &s->talk};
    s->job = (struct job){
        .kind = JOB_UPGRADE,
        .planned = JOB_READ,
        .target = STR("head"),
        .connect_timeout_ms = 10000,
        .lock_wait_ms = 60000,
        .lock_timeout_ms = 5000,
        .lock_retries = 10,
        .deadline = DEADLINE_NEVER,
        .version_table = "alembic_version",
        .application_name = "test",
        .actor = "",
        .client_host = "here",
        .build_id = "feedbeef",
        .log = &log,
    };
    scene_carry(s, v, n);
}

static inline void scene_end(struct scene *s)
{
    DIR *folder = opendir(s->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", s->folder, entry->d_name);
        unlink(path);
    }
    if (folder)
        closedir(folder);
    rmdir(s->folder);
    buf_free(&s->talk);
    arena_free(&s->a);
}

static inline bool scene_visit(struct scene *s, enum job_kind kind, const char *target, struct outcome *out)
{
    s->job.kind = kind;
    s->job.target = str_from(target);
    err_free(&out->err);
    return visit(&s->a, &s->job, &s->place, NULL, out);
}

/* Runs SQL on a file behind everybody's back; the first column of all rows, joined with ",". */
static inline const char *file_says(struct arena *a, const char *file, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    BUF_AUTO out = {0};
    if (sqlite3_open(file, &db) != SQLITE_OK)
        abort();
    sqlite3_busy_timeout(db, 20000);
    for (const char *rest = sql; *rest;) {
        if (sqlite3_prepare_v2(db, rest, -1, &statement, &rest) != SQLITE_OK) {
            buf_addf(&out, "error: %s", sqlite3_errmsg(db));
            break;
        }
        while (sqlite3_step(statement) == SQLITE_ROW)
            buf_addf(&out, "%s%s", out.n ? "," : "", (const char *)sqlite3_column_text(statement, 0));
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
    return arena_str(a, buf_str(&out));
}

static inline const char *scene_says(struct scene *s, const char *sql)
{
    return file_says(&s->a, s->file, sql);
}

static inline const char *scene_rows(struct scene *s)
{
    return scene_says(s, "SELECT version_num FROM alembic_version ORDER BY 1");
}

/* "upgrade:a1,upgrade:b1": the finished rows of the log. */
static inline const char *scene_log(struct scene *s)
{
    return scene_says(s, "SELECT direction || ':' || revision FROM migrate_log WHERE state = 'done' ORDER BY id");
}

static inline const char *strings_text(struct scene *s, const struct strings *list)
{
    BUF_AUTO out = {0};
    strings_join(&out, list, ",");
    return arena_str(&s->a, buf_str(&out));
}

#endif
