/* Expanding templates: one pass, groups by recursion. Knows nothing of kinds. */
#include "gen/template.h"

#include <string.h>

#include "db/db.h"

static const char *attribute_of(const struct object *o, struct str name)
{
    for (size_t i = 0; o && i < o->kind->n_attributes; i++)
        if (str_is(name, o->kind->attributes[i].name))
            return o->values[i];
    return NULL;
}

/* A word of one object: what every object has, then its attributes. */
static const char *word_of(const struct catalog *c, const struct object *o, struct str word)
{
    const char *value;
    if (!o)
        return NULL;
    if (str_is(word, "address"))
        return o->address;
    if (str_is(word, "identity"))
        return o->identity;
    if (str_is(word, "parent"))
        return o->parent == OBJECT_NONE ? NULL : c->objects.v[o->parent].address;
    if (str_starts(word, STR("parent.")))
        return o->parent == OBJECT_NONE ? NULL : word_of(c, &c->objects.v[o->parent], str_slice(word, 7, word.n));
    value = attribute_of(o, word);
    return value || !str_is(word, "words") ? value : o->kind->words;
}

static const char *extra_word(const struct template_values *values, struct str word, bool *found)
{
    for (size_t i = 0; values->extra && values->extra[i]; i += 2)
        if (str_is(word, values->extra[i])) {
            *found = true;
            return values->extra[i + 1];
        }
    return NULL;
}

const char *template_word(const struct template_values *values, struct str word)
{
    bool found = false;
    const char *value = extra_word(values, word, &found);
    if (found)
        return value;
    if (str_starts(word, STR("literal:"))) {
        BUF_AUTO quoted = {0};
        value = template_word(values, str_slice(word, 8, word.n));
        if (!value)
            return NULL;
        db_quote_text(&quoted, DIALECT_POSTGRESQL, value);
        return arena_str(values->catalog->arena, buf_str(&quoted));
    }
    if (str_starts(word, STR("old.")))
        return word_of(values->old_catalog, values->old_object, str_slice(word, 4, word.n));
    if (str_starts(word, STR("new.")))
        word = str_slice(word, 4, word.n);
    return word_of(values->catalog, values->object, word);
}

/* Expands up to the end or to the "]" that closes the group. False: a word of this level has no value. */
static bool expand(struct buf *out, const char **at, bool in_group, const struct template_values *values)
{
    bool complete = true;
    while (**at && !(in_group && **at == ']')) {
        if ((*at)[0] == '[' && (*at)[1] == '[') {
            buf_addc(out, '[');
            *at += 2;
        } else if (**at == '[') {
            BUF_AUTO group = {0};
            ++*at;
            if (expand(&group, at, true, values))
                buf_adds(out, buf_str(&group));
        } else if (**at == '{') {
            const char *end = strchr(*at, '}');
            const char *value = template_word(values, (struct str){*at + 1, (size_t)(end - *at - 1)});
            buf_addz(out, value ? value : "");
            complete = complete && value;
            *at = end + 1;
        } else {
            buf_addc(out, *(*at)++);
        }
    }
    if (in_group && **at)
        ++*at;
    return complete;
}

bool template_expand(struct buf *out, const char *text, const struct template_values *values)
{
    BUF_AUTO all = {0};
    if (!expand(&all, &text, false, values))
        return false;
    buf_adds(out, buf_str(&all));
    return true;
}
