/* What the check stages of both engines share. */
#include "gen/check.h"

#include <string.h>

#include "gen/statements.h"
#include "schema/tokens.h"

void check_batch(struct findings *out, const struct text_file *f, const struct revision_section *section)
{
    if (!(section->flags & SECTION_BATCH))
        return;
    if (section->n_statements != 1) {
        struct finding *found = finding_at_line(out, "batch", f, section->line,
                                                "batch repeats one statement; this section holds %u",
                                                section->n_statements);
        err_hint(&found->err, "move the others to a revision of their own");
        return;
    }
    const struct revision_statement *only = section->statements;
    if (kind_writes_rows(only->kind))
        return;
    struct finding *found = finding_add(out, "batch", f, only->offset,
                                        "batch repeats a statement until it touches no row, and %s touches none",
                                        only->kind);
    err_hint(&found->err, "batch is for UPDATE, DELETE, INSERT and MERGE");
}

/* ------------------------------------------------------------------------------------------- the migrator's own tables */

const char *version_table_of(const struct source_stream *s)
{
    for (size_t i = 0; i < s->settings.n; i++)
        if (strcmp(s->settings.v[i].key.text, "version_table") == 0)
            return s->settings.v[i].value.text;
    return "alembic_version";
}

/* Which of the migrator's own tables the token names; NULL: none. */
static const char *own_table(struct str text, const struct token *t, const char *version_table)
{
    const char *const own[] = {version_table, "migrate_log", "migrate_ledger"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (token_is_name(text, t, own[i]))
            return own[i];
    return NULL;
}

static void check_own_in_statement(struct findings *out, const struct text_file *f, enum dialect dialect,
                                   const char *version_table, const struct revision_statement *statement)
{
    struct lexer l = {.text = str_slice(f->bytes, statement->offset, statement->offset + statement->length),
                      .dialect = dialect};
    struct token t;
    while (strcmp(statement->kind, "SELECT") != 0 && token_next(&l, &t)) {
        const char *own = own_table(l.text, &t, version_table);
        if (!own)
            continue;
        struct finding *found = finding_add(out, "own-table", f, statement->offset + t.offset,
                                            "%s changes %s, which the migrator keeps itself", statement->kind, own);
        err_hint(&found->err, "leave it out; version rows and log rows are written with every revision");
        return;
    }
}

static void check_own_in_revision(struct findings *out, const struct source_revision *r, const char *version_table)
{
    for (size_t i = 0; i < r->sections.n; i++) {
        const struct revision_section *section = &r->sections.v[i];
        bool postgresql = section->dialects & DIALECT_BIT(DIALECT_POSTGRESQL);
        for (uint32_t k = 0; k < section->n_statements; k++)
            check_own_in_statement(out, &r->file, postgresql ? DIALECT_POSTGRESQL : DIALECT_SQLITE, version_table,
                                   &section->statements[k]);
    }
}

void check_own_tables(struct source *s)
{
    for (size_t i = 0; i < s->streams.n; i++)
        for (size_t k = 0; k < s->streams.v[i]->revisions.n; k++)
            check_own_in_revision(&s->findings, s->streams.v[i]->revisions.v[k], version_table_of(s->streams.v[i]));
}
