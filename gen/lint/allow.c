/* Suppressions: reading them beside the statements that they allow something of. */
#include "gen/lint/allow.h"

void allows_read(struct arena *a, struct findings *out, const struct source_revision *revision,
                 const struct revision_section *section, struct allows *list)
{
    (void)a, (void)out, (void)revision, (void)section, (void)list;
}

bool allows_have(struct allows *list, const char *rule, uint32_t statement)
{
    (void)list, (void)rule, (void)statement;
    return false;
}

void allows_end(struct findings *out, const struct source_stream *stream, const struct source_revision *revision,
                const struct allows *list)
{
    (void)out, (void)stream, (void)revision, (void)list;
}
