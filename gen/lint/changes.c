/* What the rules about changes share: memory of a section, names and places. */
#include "gen/lint/changes.h"

#include <string.h>

#include "gen/statements.h"
#include "schema/tokens.h"

struct changes *changes_of(struct lint_section *section)
{
    if (!section->state[GROUP_CHANGES])
        section->state[GROUP_CHANGES] = ARENA_NEW(section->arena, struct changes);
    return section->state[GROUP_CHANGES];
}

const json_t *changes_range_var(const json_t *node)
{
    const json_t *inner = json_object_get(node, "RangeVar");
    return inner ? inner : node;
}

bool changes_in_use(const struct lint_statement *s, const json_t *range_var)
{
    const json_t *var = changes_range_var(range_var);
    const char *schema = json_string_value(json_object_get(var, "schemaname"));
    const char *name = json_string_value(json_object_get(var, "relname"));
    if (!name || tree_says(var, "relpersistence", "t"))
        return false;
    if (schema && (strcmp(schema, "information_schema") == 0 || strncmp(schema, "pg_", 3) == 0))
        return false;
    if (!schema && strncmp(name, "pg_", 3) == 0)
        return false;
    return lint_in_use(s, var);
}

const char *changes_quote(const struct lint_statement *s, const char *name)
{
    BUF_AUTO out = {0};
    tree_quote(&out, name ? name : "");
    return arena_str(s->section->arena, buf_str(&out));
}

size_t changes_place(const struct lint_statement *s, const char *name, size_t *from)
{
    struct lexer l = {.text = s->text, .dialect = DIALECT_POSTGRESQL, .at = *from};
    for (struct token t; name && !s->fixed && token_next(&l, &t);)
        if (token_is_name(s->text, &t, name)) {
            *from = t.offset + t.length;
            return t.offset;
        }
    return 0;
}

static const char *word_value(const char *const *words, struct str word)
{
    for (; *words; words += 2)
        if (str_is(word, words[0]))
            return words[1];
    return NULL;
}

const char *changes_fill(const struct lint_statement *s, const char *text, const char *const *words)
{
    BUF_AUTO out = {0};
    for (const char *p = text; *p; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        const char *value = end ? word_value(words, (struct str){p + 1, (size_t)(end - p - 1)}) : NULL;
        if (value) {
            buf_addz(&out, value);
            p = end;
        } else {
            buf_addc(&out, *p);
        }
    }
    return arena_str(s->section->run, buf_str(&out));
}

bool lint_wants_limit(const struct lint_statement *s)
{
    const struct revision_section *section = s->section->section;
    return section->flags & SECTION_BATCH && section->n_statements == 1 && s->nest == NEST_NONE &&
           kind_writes_rows(s->kind);
}

bool lint_has_limit(struct str text, enum dialect dialect)
{
    struct lexer l = {.text = text, .dialect = dialect};
    bool limit = false, fetch = false;
    for (struct token t; token_next(&l, &t);) {
        if (limit && !token_is_word(text, &t, "ALL") && !token_is_word(text, &t, "NULL"))
            return true;
        if (fetch && (token_is_word(text, &t, "FIRST") || token_is_word(text, &t, "NEXT")))
            return true;
        limit = token_is_word(text, &t, "LIMIT");
        fetch = token_is_word(text, &t, "FETCH");
    }
    return false;
}
