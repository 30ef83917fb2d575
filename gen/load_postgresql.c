/* A desired-state file into the scratch transaction, statement by statement. */
#include <string.h>

#include "gen/parse_postgresql.h"
#include "gen/session.h"

static bool load_statement(struct server *s, struct findings *out, const struct text_file *file,
                           const struct parsed *at)
{
    OUTCOME_AUTO o = {0};
    AUTO_ERR e = {0};
    size_t prefix;
    if (session_try(s, str_slice(file->bytes, at->offset, at->offset + at->length), &prefix, &o))
        return true;
    outcome_explain(s, &o, &e);
    finding_add(out, "schema", file, at->offset, "%s", e.message);
    return false;
}

bool server_load(struct server *s, struct findings *out, const struct text_file *file)
{
    struct parsed_list list = {0};
    struct parse_error e;
    bool ok = parse_split(out->arena, file->bytes, &list, &e);
    if (!ok)
        finding_add(out, "syntax", file, e.offset, "%s", e.message);
    for (size_t i = 0; ok && i < list.n; i++)
        ok = load_statement(s, out, file, &list.v[i]);
    return ok;
}
