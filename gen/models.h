/*
 * The models of a stream and what they are compared with: which file or command says what its schema should be, which
 * database says what it is, and what of both counts. Settings come from env.ini and the environment, as at run time.
 */
#ifndef GEN_MODELS_H
#define GEN_MODELS_H

#include "gen/autogenerate.h"
#include "gen/command.h"
#include "run/tenants.h"
#include "tool/config.h"

struct models {
    struct app *app;
    struct source *source;
    const struct source_stream *stream;
    struct config config;
    struct policy policy;
    struct strings ignored;
    bool online;
    /* The database that says how things are; else why there is none. */
    bool is_live;
    struct address address;
    const char *tenant, *schema; /* of a fleet: who it is; a tenant that is a schema has its name */
    const char *live_name;       /* for people: tenant "acme" (postgresql://app@db/acme) */
    const char *why_not;
    struct strings outputs; /* files that hold what schema_command printed */
    const char *unread;     /* why nobody knows whether it is at head; NULL: it is */
};

/* `stream` is linked. False: env.ini or the environment make no sense. */
bool models_open(struct app *app, struct source *source, const struct source_stream *stream, struct models *out,
                 struct err *e);
/*
 * Finds the database: --against URL, else that of the settings (of a fleet the tenant of `tenant`, NULL: the first that is
 * listed). Without any, ->why_not says why; a tenant that was named must be there.
 */
bool models_find_database(struct models *m, const char *against, const char *tenant, struct err *e);
/*
 * FAULT_FAILED "Target database is not up to date." unless its version rows are the stream's heads. Where the role may not
 * read them, ->unread says so.
 */
bool models_check_heads(struct models *m, struct err *e);

/* The desired schema for a dialect: schema_command's output, schema.sqlite.sql, schema.sql. */
bool models_goal(struct models *m, enum dialect dialect, struct findings *out, struct endpoint *goal, struct err *e);
/* The database when it is of that dialect, else what the revisions build. */
bool models_start(struct models *m, enum dialect dialect, struct endpoint *start, struct err *e);
/* What schema_command printed stays there to be looked at when there are findings. */
void models_close(struct models *m);
/* Fills what of a comparison comes from the settings. */
void models_options(const struct models *m, enum dialect dialect, struct autogenerate_options *out);

#endif
