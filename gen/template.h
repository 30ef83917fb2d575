/*
 * SQL from the templates of the kinds' tables (schema/kinds.h describes their words). Values are SQL already; nothing is
 * quoted here but what {literal:…} asks for.
 */
#ifndef GEN_TEMPLATE_H
#define GEN_TEMPLATE_H

#include "schema/catalog.h"

/* Where a template's words come from. */
struct template_values {
    const struct catalog *catalog; /* of `object`: its shown catalog */
    const struct object *object;
    const struct catalog *old_catalog; /* for {old.x}; may be NULL */
    const struct object *old_object;
    /* Words beyond those, looked up first: pairs of name and value, ended by NULL; a value may be NULL. May be NULL. */
    const char *const *extra;
};

/*
 * Appends the text. False when a word outside of [ … ] has no value, or is none: then nothing is appended.
 */
bool template_expand(struct buf *out, const char *text, const struct template_values *values);
/* The value of one word, NULL: none. Texts made on the way live in the arena of the catalog. */
const char *template_word(const struct template_values *values, struct str word);

#endif
