/*
 * The rules about data loss, running applications and good order, for PostgreSQL: what their files share. The table and the
 * handlers are in rules_changes.c.
 */
#ifndef GEN_LINT_CHANGES_H
#define GEN_LINT_CHANGES_H

#include "gen/lint/statement.h"

/* A finding that holds unless the rest of the section puts something under the old name. */
struct changes_held {
    const char *rule, *name; /* chain_name() */
    uint32_t statement;
    const char *message, *safe;
};

/* A value that ALTER TYPE … ADD VALUE made in this section. */
struct changes_value {
    const char *type, *value;
};

/* What the group remembers of a section. */
struct changes {
    VEC(struct changes_held) held;
    VEC(struct changes_value) values;
    struct strings provided; /* chain_name()s that came into being, views too */
};

/* Made when it is first asked for. */
struct changes *changes_of(struct lint_section *section);
/* Whether a relation exists outside of the section, and is none of the system's and no temporary one. */
bool changes_in_use(const struct lint_statement *s, const json_t *range_var);
/* A name for SQL, in quotes where it wants them. */
const char *changes_quote(const struct lint_statement *s, const char *name);
/* Where the name stands as a word, from *from on; *from moves behind it. Without one: 0, and *from stays. */
size_t changes_place(const struct lint_statement *s, const char *name, size_t *from);
/* The text with each {word} replaced; `words` are pairs of name and value, ended by NULL. In the arena of the run. */
const char *changes_fill(const struct lint_statement *s, const char *text, const char *const *words);
/* The RangeVar, wrapped or not; else the node itself. */
const json_t *changes_range_var(const json_t *node);

#define CHANGES_FILL(s, text, ...) changes_fill((s), (text), (const char *const[]){__VA_ARGS__, NULL})

/* changes_drop.c: drop-column, drop-table, drop-cascade, truncate, drop-not-null */
void changes_drop_command(struct lint_statement *s, const json_t *command, size_t *from);
void changes_drop(struct lint_statement *s);
void changes_drop_database(struct lint_statement *s);
void changes_drop_owned(struct lint_statement *s);
void changes_revoke(struct lint_statement *s);
void changes_alter_domain(struct lint_statement *s);
void changes_truncate(struct lint_statement *s);

/* changes_rename.c: rename-column, rename-table, rename-schema, rename-enum-value, enum-use-same-tx, view-replace */
void changes_rename(struct lint_statement *s);
void changes_set_schema(struct lint_statement *s);
void changes_enum(struct lint_statement *s);
void changes_enum_use(struct lint_statement *s);
void changes_view(struct lint_statement *s);
/* CREATE TABLE AS and CREATE MATERIALIZED VIEW, which may take the place of what was dropped. */
void changes_table_as(struct lint_statement *s);
void changes_type_command(struct lint_statement *s, const json_t *command, size_t *from);

/* changes_rows.c: unbounded-dml, dup-assign, batch-without-limit */
void changes_insert(struct lint_statement *s);
void changes_update(struct lint_statement *s);
void changes_delete(struct lint_statement *s);
void changes_select(struct lint_statement *s);
void changes_batch(struct lint_statement *s);

/* changes_types.c: int-pk, prefer-text, prefer-timestamptz, prefer-jsonb */
void changes_columns(struct lint_statement *s);
void changes_column_command(struct lint_statement *s, const json_t *command);

/* changes_order.c: ine-hides-drift, no-tx-not-rerunnable, unqualified-name */
void changes_if_not_exists(struct lint_statement *s);
void changes_add_if_not_exists(struct lint_statement *s, const json_t *command);
void changes_rerun(struct lint_statement *s);
void changes_unqualified(struct lint_statement *s);

#endif
