/* ADD COLUMN: free when the value of old rows is one constant, and a rewrite, a scan or a failure otherwise. */
#include <string.h>

#include "gen/lint/locks.h"
#include "schema/tokens.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct column {
    struct locks_alter *alter;
    const json_t *definition, *constraints;
    const char *name, *quoted;
    struct chain_type type;
    const struct chain_user_type *domain;
    size_t at; /* of the column's name */
};

static const json_t *find_part(const struct column *c, const char *type)
{
    const json_t *item;
    size_t i;
    json_array_foreach(c->constraints, i, item)
    {
        const json_t *constraint = json_object_get(item, "Constraint");
        if (tree_says(constraint, "contype", type))
            return constraint;
    }
    return NULL;
}

/* ---- the definition as text, without parts of it ---- */

/* DEFERRABLE and its kind are parts of what stands before them. */
static bool is_attribute(const json_t *constraint)
{
    const char *type = json_string_value(json_object_get(constraint, "contype"));
    return type && strncmp(type, "CONSTR_ATTR_", strlen("CONSTR_ATTR_")) == 0;
}

static size_t part_end(const struct column *c, size_t at)
{
    size_t end = c->alter->end, collation = tree_location(json_object_get(c->definition, "collClause")), i;
    const json_t *item;
    if (collation > at && collation < end)
        end = collation;
    json_array_foreach(c->constraints, i, item)
    {
        const json_t *constraint = json_object_get(item, "Constraint");
        size_t next = tree_location(constraint);
        if (next > at && next < end && !is_attribute(constraint))
            end = next;
    }
    return end;
}

static const char *part_text(const struct column *c, const json_t *constraint)
{
    size_t at = tree_location(constraint), end = part_end(c, at);
    return at && end > at ? arena_str(c->alter->a, str_trim(str_slice(c->alter->s->text, at, end))) : "…";
}

static bool is_left_out(const json_t *constraint, const char *const *types, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tree_says(constraint, "contype", types[i]))
            return true;
    return false;
}

/* ADD COLUMN … with all but the parts of these types. */
static const char *text_without(const struct column *c, const char *const *types, size_t n)
{
    struct locks_alter *alter = c->alter;
    BUF_AUTO out = {0};
    size_t from = alter->at, i;
    const json_t *item;
    json_array_foreach(c->constraints, i, item)
    {
        const json_t *constraint = json_object_get(item, "Constraint");
        size_t at = tree_location(constraint);
        if (!is_left_out(constraint, types, n) || at < from)
            continue;
        buf_adds(&out, str_slice(alter->s->text, from, at));
        from = part_end(c, at);
    }
    if (from < alter->end)
        buf_adds(&out, str_slice(alter->s->text, from, alter->end));
    return arena_str(alter->a, str_trim(buf_str(&out)));
}

#define WITHOUT(column, ...)                                                                                           \
    text_without(column, (const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))

static const char *plain_type(const struct column *c)
{
    return chain_type_text(c->alter->a, &c->type);
}

/* ---- filling old rows ---- */

static const char *batch(const struct column *c, const char *value)
{
    return arena_printf(
        c->alter->a,
        "-- migrate:up batch\nUPDATE %s SET %s = %s\nWHERE ctid = ANY (ARRAY(SELECT ctid FROM %s WHERE %s IS "
        "NULL LIMIT 1000));",
        c->alter->table, c->quoted, value, c->alter->table, c->quoted);
}

/* The steps that make the filled column NOT NULL, from revision `from` on; "" when nobody asked for it. */
static const char *not_null_after(const struct column *c, int from)
{
    struct locks_alter *alter = c->alter;
    const char *name = locks_new_name(alter->a, alter->known, alter->name, c->name, "not_null");
    if (!find_part(c, "CONSTR_NOTNULL"))
        return "";
    return arena_printf(
        alter->a,
        "\n-- revision %d\nALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID;\n"
        "-- revision %d\nALTER TABLE %s VALIDATE CONSTRAINT %s;\n"
        "-- revision %d\nALTER TABLE %s ALTER COLUMN %s SET NOT NULL;\nALTER TABLE %s DROP CONSTRAINT %s;",
        from, alter->table, name, c->quoted, from + 1, alter->table, name, from + 2, alter->table, c->quoted,
        alter->table, name);
}

/* ---- rewrites ---- */

static const char *default_text(const struct column *c)
{
    const json_t *part = find_part(c, "CONSTR_DEFAULT");
    const char *text = part ? part_text(c, part) : NULL;
    size_t n = strlen("DEFAULT");
    return text && strlen(text) > n ? arena_str(c->alter->a, str_trim(str_from(text + n))) : NULL;
}

static bool judge_default(const struct column *c)
{
    struct locks_alter *alter = c->alter;
    const json_t *value = json_object_get(find_part(c, "CONSTR_DEFAULT"), "raw_expr");
    const char *call = chain_volatile_call(alter->s->section->chain, alter->a, value);
    if (!value && c->domain)
        call = c->domain->volatile_default;
    if (!call)
        return false;
    const char *text = default_text(c) ? default_text(c) : arena_printf(alter->a, "%s()", call);
    lint_found(alter->s, "addcol-volatile-default", c->at,
               "ADD COLUMN %s.%s with the volatile default %s() writes the whole table anew", alter->table, c->quoted,
               call);
    lint_safe(alter->s,
              "-- revision 1\nALTER TABLE %s %s;\nALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s;\n-- revision 2\n%s%s",
              alter->table, WITHOUT(c, "CONSTR_DEFAULT", "CONSTR_NOTNULL"), alter->table, c->quoted, text,
              batch(c, text), not_null_after(c, 3));
    return true;
}

static const struct {
    const char *serial, *type;
} serials[] = {
    {"serial", "integer"}, {"serial4", "integer"},      {"bigserial", "bigint"},
    {"serial8", "bigint"}, {"smallserial", "smallint"}, {"serial2", "smallint"},
};

static const char *serial_type(const struct column *c)
{
    for (size_t i = 0; i < COUNT(serials); i++)
        if (strcmp(serials[i].serial, c->type.name) == 0)
            return serials[i].type;
    return NULL;
}

static bool judge_increment(const struct column *c)
{
    struct locks_alter *alter = c->alter;
    const char *type = serial_type(c);
    if (!type && !find_part(c, "CONSTR_IDENTITY"))
        return false;
    const char *sequence = locks_new_name(alter->a, alter->known, alter->name, c->name, "seq");
    const char *next = arena_printf(alter->a, "nextval('%s')", sequence);
    type = type ? type : plain_type(c);
    lint_found(alter->s, "addcol-auto-increment", c->at,
               "ADD COLUMN %s.%s numbers every row: the whole table is written anew", alter->table, c->quoted);
    lint_safe(alter->s,
              "-- revision 1\nALTER TABLE %s ADD COLUMN %s %s;\nCREATE SEQUENCE %s AS %s OWNED BY %s.%s;\n"
              "ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s;\n-- revision 2\n%s",
              alter->table, c->quoted, type, sequence, type, alter->table, c->quoted, alter->table, c->quoted, next,
              batch(c, next));
    return true;
}

static bool judge_generated(const struct column *c)
{
    struct locks_alter *alter = c->alter;
    if (!find_part(c, "CONSTR_GENERATED"))
        return false;
    const char *function = locks_new_name(alter->a, NULL, alter->name, c->name, "fill");
    lint_found(alter->s, "addcol-stored-generated", c->at,
               "ADD COLUMN %s.%s GENERATED … STORED writes the whole table anew", alter->table, c->quoted);
    lint_safe(alter->s,
              "-- revision 1\nALTER TABLE %s %s;\nCREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS $$\n"
              "BEGIN\n    NEW.%s := …; -- the expression, of NEW's columns\n    RETURN NEW;\nEND $$;\n"
              "CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s\n    FOR EACH ROW EXECUTE FUNCTION %s();\n"
              "-- revision 2\n%s",
              alter->table, WITHOUT(c, "CONSTR_GENERATED"), function, c->quoted, function, alter->table, function,
              batch(c, "…"));
    return true;
}

static bool judge_domain(const struct column *c)
{
    struct locks_alter *alter = c->alter;
    if (!c->domain || !c->domain->constrained)
        return false;
    lint_found(alter->s, "addcol-constrained-domain", c->at,
               "ADD COLUMN %s.%s of the domain %s, which has constraints, writes the whole table anew", alter->table,
               c->quoted, plain_type(c));
    lint_safe(alter->s,
              "-- revision 1\nALTER TABLE %s ADD COLUMN %s %s;\n-- the domain's checks, of the column\n"
              "ALTER TABLE %s ADD CONSTRAINT %s CHECK (…) NOT VALID;\n-- revision 2\nALTER TABLE %s VALIDATE "
              "CONSTRAINT %s;",
              alter->table, c->quoted, chain_type_text(alter->a, &c->domain->base), alter->table,
              locks_new_name(alter->a, alter->known, alter->name, c->name, "check"), alter->table,
              locks_new_name(alter->a, alter->known, alter->name, c->name, "check"));
    return true;
}

/* ---- rows that are there already ---- */

static bool has_default(const struct column *c)
{
    const json_t *value = json_object_get(find_part(c, "CONSTR_DEFAULT"), "raw_expr");
    return (value && !tree_true(json_object_get(value, "A_Const"), "isnull")) ||
           (c->domain && c->domain->has_default) || serial_type(c) || find_part(c, "CONSTR_IDENTITY") ||
           find_part(c, "CONSTR_GENERATED");
}

/* A primary key is NOT NULL too. */
static void judge_required(const struct column *c)
{
    struct locks_alter *alter = c->alter;
    bool required = find_part(c, "CONSTR_NOTNULL") || find_part(c, "CONSTR_PRIMARY") ||
                    (c->domain && c->domain->not_null);
    if (!required || has_default(c))
        return;
    lint_found(alter->s, "addcol-required", c->at,
               "ADD COLUMN %s.%s NOT NULL without a default fails as soon as there are rows", alter->table, c->quoted);
    lint_safe(alter->s, "-- revision 1\nALTER TABLE %s %s;\n-- revision 2, when all writers fill it\n%s%s",
              alter->table, WITHOUT(c, "CONSTR_NOTNULL", "CONSTR_PRIMARY"), batch(c, "…"), not_null_after(c, 3));
}

/* ---- constraints beside it ---- */

static void judge_key(const struct column *c)
{
    struct locks_alter *alter = c->alter;
    bool primary = find_part(c, "CONSTR_PRIMARY");
    const json_t *key = find_part(c, primary ? "CONSTR_PRIMARY" : "CONSTR_UNIQUE");
    if (!key)
        return;
    const char *name = locks_quote(alter->a, chain_constraint_name(alter->a, alter->known, alter->name, key, c->name));
    lint_found(alter->s, "addcol-inline-unique-pk", tree_location(key),
               "ADD COLUMN %s.%s %s builds an index under a lock", alter->table, c->quoted,
               primary ? "PRIMARY KEY" : "UNIQUE");
    lint_safe(alter->s,
              "-- revision 1\nALTER TABLE %s %s;\n-- revision 2\n-- migrate:up transaction:false\n"
              "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s);\n-- revision 3%s\n"
              "ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s;",
              alter->table, WITHOUT(c, "CONSTR_UNIQUE", "CONSTR_PRIMARY"), name, alter->table, c->quoted,
              primary ? ", when the column is filled and NOT NULL" : "", alter->table, name,
              primary ? "PRIMARY KEY" : "UNIQUE", name);
}

/* "CONSTRAINT name" off the front of a part that has it. */
static const char *without_name(const struct column *c, const char *text)
{
    struct lexer l = {.text = str_from(text), .dialect = DIALECT_POSTGRESQL};
    struct token t;
    for (int i = 0; i < 3; i++)
        if (!token_next(&l, &t))
            return text;
    return arena_str(c->alter->a, str_slice(l.text, t.offset, l.text.n));
}

/* The part as a constraint of the table: named, so that it can be validated. */
static const char *as_constraint(const struct column *c, const json_t *part, const char *prefix)
{
    struct locks_alter *alter = c->alter;
    const char *text = part_text(c, part);
    const char *name = chain_constraint_name(alter->a, alter->known, alter->name, part, c->name);
    return arena_printf(alter->a, "CONSTRAINT %s %s%s", locks_quote(alter->a, name), prefix,
                        json_object_get(part, "conname") ? without_name(c, text) : text);
}

static void safe_apart(const struct column *c, const json_t *part, const char *type, const char *prefix)
{
    struct locks_alter *alter = c->alter;
    const char *name = chain_constraint_name(alter->a, alter->known, alter->name, part, c->name);
    lint_safe(alter->s,
              "-- revision 1\nALTER TABLE %s %s;\n-- revision 2\nALTER TABLE %s ADD %s NOT VALID;\n"
              "-- revision 3\nALTER TABLE %s VALIDATE CONSTRAINT %s;",
              alter->table, WITHOUT(c, type), alter->table, as_constraint(c, part, prefix), alter->table,
              locks_quote(alter->a, name));
}

static void judge_check(const struct column *c)
{
    const json_t *check = find_part(c, "CONSTR_CHECK");
    if (!check)
        return;
    lint_found(c->alter->s, "addcol-inline-check", tree_location(check), "ADD COLUMN %s.%s CHECK reads the whole table",
               c->alter->table, c->quoted);
    safe_apart(c, check, "CONSTR_CHECK", "");
}

static void judge_references(const struct column *c)
{
    struct locks_alter *alter = c->alter;
    const json_t *foreign = find_part(c, "CONSTR_FOREIGN"), *parent = json_object_get(foreign, "pktable");
    if (!foreign)
        return;
    locks_add_foreign(alter->s, alter->relation, foreign, c->name);
    if (!lint_in_use(alter->s, parent))
        return;
    const char *shown = tree_name(alter->a, parent);
    lint_found(alter->s, "addcol-references", tree_location(foreign), "ADD COLUMN %s.%s REFERENCES locks %s too",
               alter->table, c->quoted, shown);
    if (has_default(c))
        lint_why(alter->s,
                 "ACCESS EXCLUSIVE on %s and SHARE ROW EXCLUSIVE on %s, and because of the default every row is looked "
                 "up in %s under both: nobody reads the one or writes the other until that is done.",
                 alter->table, shown, shown);
    safe_apart(c, foreign, "CONSTR_FOREIGN", arena_printf(alter->a, "FOREIGN KEY (%s) ", c->quoted));
}

/* One reason to write the table anew is enough. */
void locks_add_column(struct locks_alter *alter)
{
    const json_t *definition = json_object_get(alter->definition, "ColumnDef");
    const char *name = json_string_value(json_object_get(definition, "colname"));
    struct column c = {.alter = alter,
                       .definition = definition,
                       .constraints = json_object_get(definition, "constraints"),
                       .name = name ? name : "",
                       .at = tree_location(definition)};
    c.quoted = locks_quote(alter->a, c.name);
    c.type = chain_type_of(alter->a, json_object_get(definition, "typeName"));
    c.domain = chain_type_object(alter->s->section->chain, &c.type);
    if (c.domain && c.domain->kind != CHAIN_DOMAIN)
        c.domain = NULL;
    if (tree_true(alter->command, "missing_ok") && chain_column(alter->known, c.name))
        return;
    if (!judge_default(&c) && !judge_increment(&c) && !judge_generated(&c))
        judge_domain(&c);
    judge_required(&c);
    judge_key(&c);
    judge_check(&c);
    judge_references(&c);
}
