/* What the check stages of both engines share. */
#include "gen/check.h"

#include "gen/statements.h"

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
