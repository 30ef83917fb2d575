/*
 * What alembic.ini says of a database, as keys of env.ini. Values are read as Python's configparser reads them: [DEFAULT]
 * is behind each section, %(name)s is another value, %% a percent sign, an indented line goes on. Pure.
 */
#ifndef GEN_IMPORT_INI_H
#define GEN_IMPORT_INI_H

#include "gen/source.h"

struct env_key {
    const char *key, *value;
};
struct env_keys {
    struct env_key *v;
    size_t n, cap;
};

struct ini_request {
    struct text_file file; /* alembic.ini */
    const char *here;      /* its folder, absolute: %(here)s */
    const char *stream;    /* its section, else [alembic] */
    const char *registry;  /* NULL: a single database */
};

struct ini_answer {
    const char *section;  /* which was read; NULL: there is none */
    const char *url_key;  /* "url" or "tenant_url" */
    const char *url;      /* without its password; NULL: there is none */
    const char *variable; /* what must be set for it; NULL: nothing */
    bool only_password;   /* it holds the password alone, as it stands in the URL; else the whole URL */
    const char *version_table, *version_table_schema; /* NULL: not said */
};

/* What it cannot read is a finding. */
void import_read_ini(struct findings *out, struct arena *a, const struct ini_request *request,
                     struct ini_answer *answer);

/* One value; NULL: there is none. Used by the above. */
const char *ini_value(struct arena *a, const struct ini_request *request, const char *section, const char *key);

/* A new env.ini: the lines of `head` as comments, [stream] with the keys, [lint] with since (NULL: without). */
void env_ini_new(struct buf *out, const char *head, const struct env_keys *keys, const char *since);
/* An env.ini that is there, with the keys in it: others stay as they are. */
void env_ini_with(struct buf *out, struct str text, const struct env_keys *keys);

#endif
