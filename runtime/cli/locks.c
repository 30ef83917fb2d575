/* Pure text: what was measured of a section, statement by statement. */
#include "cli/locks.h"

/* What the report could say something of. */
static const struct revision_section *section_of(const struct stream *s, uint32_t revision, enum direction direction,
                                                 enum dialect dialect)
{
    const struct revision_section *section = stream_section(s, revision, direction, dialect);
    return stream_has_locks(s, dialect) && section && section->n_statements ? section : NULL;
}

static void add_statement(struct buf *out, const struct statement_locks *locks)
{
    BUF_AUTO flags = {0};
    if (!locks->strongest && !locks->flags) {
        buf_addz(out, "nothing that was there before\n");
        return;
    }
    buf_addz(out, locks->strongest ? lock_mode_words[locks->strongest] : "no lock");
    lock_flags_format(&flags, locks->flags);
    struct str rest = buf_str(&flags), word;
    while (locks->flags && str_next(&rest, ',', &word))
        buf_addf(out, ", %.*s", STR_ARG(word));
    buf_addf(out, "%s%s\n", *locks->relations ? ": " : "", locks->relations);
}

void locks_text(struct buf *out, const struct stream *s, uint32_t revision, enum direction direction,
                enum dialect dialect, const char *indent)
{
    const struct revision_section *section = section_of(s, revision, direction, dialect);
    const struct section_locks *found = section ? stream_locks_of(s, revision, direction, dialect) : NULL;
    if (section && !found)
        buf_addf(out, "%slocks were never measured\n", indent);
    for (uint32_t i = 0; found && i < section->n_statements; i++) {
        buf_addf(out, "%sline %u: ", indent, section->statements[i].line);
        add_statement(out, &found->statements[i]);
    }
}

static void add_item(struct json *j, uint32_t number, const struct revision_statement *statement,
                     const struct statement_locks *locks)
{
    json_object(j);
    json_put_int(j, "statement", number);
    json_put_int(j, "line", statement->line);
    json_put_text(j, "lock", locks->strongest ? lock_mode_words[locks->strongest] : NULL);
    json_put_bool(j, "rewrite", locks->flags & LOCKS_REWRITE);
    json_put_bool(j, "scan", locks->flags & LOCKS_SCAN);
    json_put_bool(j, "blocked", locks->flags & LOCKS_BLOCKED);
    json_put_bool(j, "time_zone", locks->flags & LOCKS_TIME_ZONE);
    json_put_bool(j, "by_kind", locks->flags & LOCKS_BY_KIND);
    json_put_text(j, "relations", locks->relations);
    json_end_object(j);
}

void locks_json(struct json *j, const char *key, const struct stream *s, uint32_t revision, enum direction direction,
                enum dialect dialect)
{
    const struct revision_section *section = section_of(s, revision, direction, dialect);
    const struct section_locks *found = section ? stream_locks_of(s, revision, direction, dialect) : NULL;
    if (!section)
        return;
    json_key(j, key);
    if (!found) {
        json_null(j);
        return;
    }
    json_array(j);
    for (uint32_t i = 0; i < section->n_statements; i++)
        add_item(j, i + 1, &section->statements[i], &found->statements[i]);
    json_end_array(j);
}
