/*
 * Walking on SQLite. What cannot run in a transaction there (VACUUM, some pragmas) concerns the file and no schema, and a
 * database in memory has no file: it is left out.
 */
#include "gen/verify/place_sqlite.h"

#include <stdlib.h>

#include "gen/check.h"
#include "gen/scratch.h"

/* A batch that is not through by then never will be: nobody seeds that many rows for one of them. */
#define MOST_BATCHES 10000

struct place_sqlite {
    const struct ground_options *ground;
    struct scratch *db;
};

/* --------------------------------------------------------------------------------------------------- opening, copying */

bool place_sqlite_open(const struct ground_options *ground, struct place_sqlite **out, struct err *e)
{
    const struct source_stream *s = ground->stream;
    struct place_sqlite *p = mem_alloc(sizeof *p);
    p->ground = ground;
    p->db = scratch_open(s->name, s->kind, version_table_of(s));
    *out = p;
    if (p->db)
        return true;
    place_sqlite_close(p);
    *out = NULL;
    return err_set(e, FAULT_FAILED, "SQLite gives no database in memory");
}

void place_sqlite_close(struct place_sqlite *p)
{
    if (p)
        scratch_close(p->db);
    free(p);
}

bool place_sqlite_copy(struct place_sqlite *from, struct place_sqlite **out, struct err *e)
{
    struct image image = {0};
    *out = NULL;
    if (scratch_save(from->db, &image) && place_sqlite_open(from->ground, out, e) &&
        scratch_restore((*out)->db, &image))
        return true;
    scratch_image_free(&image);
    place_sqlite_close(*out);
    *out = NULL;
    return err_set(e, FAULT_FAILED, "SQLite has no memory left for a copy of the database");
}

/* ---------------------------------------------------------------------------------------------------------- running */

/* One section while it runs. */
struct running {
    struct place_sqlite *place;
    struct arena *arena;
    const struct source_revision *revision;
    const struct revision_section *section;
    uint32_t at; /* the statement */
    struct err *e;
};

static bool fail_at(const struct running *r, struct position at, const char *message)
{
    const struct text_file *f = &r->revision->file;
    err_set(r->e, FAULT_FAILED, "%s", message);
    err_at(r->e, f->shown, (int)at.line, (int)at.column, text_line(f, at.line));
    return false;
}

static bool fail(const struct running *r, const struct scratch_error *why)
{
    const struct revision_statement *s = &r->section->statements[r->at];
    size_t offset = s->offset + (why->offset <= s->length ? why->offset : 0);
    return fail_at(r, text_position(&r->revision->file, offset), why->message);
}

/* Nothing tells which statement did it. */
static bool fail_as_a_whole(struct running *r, const char *message)
{
    r->at = r->section->n_statements;
    return fail_at(r, (struct position){.line = r->section->line, .column = 1}, message);
}

static bool keeps_keys(const struct running *r)
{
    return !(r->section->flags & SECTION_FOREIGN_KEYS_OFF);
}

static bool begin(struct running *r)
{
    return scratch_begin(r->place->db, keeps_keys(r), r->revision->revision.id) ||
           fail_as_a_whole(r, "SQLite cannot begin a transaction");
}

static bool run_statement(struct running *r, uint32_t i)
{
    const struct revision_statement *s = &r->section->statements[i];
    struct str text = str_slice(r->revision->file.bytes, s->offset, s->offset + s->length);
    struct scratch_error why;
    r->at = i;
    return s->flags & STATEMENT_NO_BLOCK || scratch_statement(r->place->db, text, true, r->arena, &why) ||
           fail(r, &why);
}

static bool commit(struct running *r)
{
    struct scratch_error why;
    const char *wrong = keeps_keys(r) ? NULL : scratch_check_keys(r->place->db, r->arena);
    if (wrong)
        return fail_as_a_whole(r, wrong);
    return scratch_commit(r->place->db, r->arena, &why) || fail_as_a_whole(r, why.message);
}

/* Statements `from` to before `to`, in one transaction. */
static bool run_together(struct running *r, uint32_t from, uint32_t to)
{
    bool ok = begin(r);
    for (uint32_t i = from; ok && i < to; i++)
        ok = run_statement(r, i);
    ok = ok && commit(r);
    if (!ok)
        scratch_rollback(r->place->db);
    return ok;
}

static bool run_one_by_one(struct running *r)
{
    for (uint32_t i = 0; i < r->section->n_statements; i++)
        if (!run_together(r, i, i + 1))
            return false;
    return true;
}

static bool run_batches(struct running *r)
{
    for (int i = 0; i < MOST_BATCHES; i++) {
        if (!run_together(r, 0, 1))
            return false;
        if (!scratch_touched(r->place->db))
            return true;
    }
    r->at = 0;
    return fail(r, &(struct scratch_error){
                       .message = arena_printf(r->arena, "the batch still touches rows after %d rounds", MOST_BATCHES),
                       .offset = SIZE_MAX});
}

bool place_sqlite_run(struct place_sqlite *p, struct arena *a, const struct source_revision *revision,
                      const struct revision_section *section, uint32_t *failed, struct err *e)
{
    struct running r = {.place = p, .arena = a, .revision = revision, .section = section, .e = e};
    bool ok = section->flags & SECTION_BATCH            ? run_batches(&r)
              : section->flags & SECTION_NO_TRANSACTION ? run_one_by_one(&r)
                                                        : run_together(&r, 0, section->n_statements);
    if (!ok)
        *failed = r.at;
    return ok;
}

bool place_sqlite_seed(struct place_sqlite *p, struct str sql, struct err *e)
{
    ARENA_AUTO arena = {0};
    struct scratch_error why = {.message = "SQLite cannot begin a transaction"};
    if (scratch_begin(p->db, true, NULL) && scratch_statement(p->db, sql, true, &arena, &why) &&
        scratch_commit(p->db, &arena, &why))
        return true;
    err_set(e, FAULT_FAILED, "%s", why.message);
    scratch_rollback(p->db);
    return false;
}

/* ---------------------------------------------------------------------------------------------------------- reading */

bool place_sqlite_read(struct place_sqlite *p, struct arena *a, struct catalog **out, struct err *e)
{
    struct catalog_source source = scratch_source(p->db);
    *out = ARENA_NEW(a, struct catalog);
    return catalog_read(a, *out, &source, &p->ground->scope, NAMES_QUALIFIED, e);
}

int64_t place_sqlite_count(struct place_sqlite *p, const char *table)
{
    return scratch_count(p->db, table);
}
