/*
 * Lists of options, item by item. Two spellings: "fillfactor=70, autovacuum_enabled=false" of relations, which are SET and
 * RESET; and "host 'db'" a line of what is foreign, which is ADDed, SET and DROPped.
 */
#include <string.h>

#include "gen/changes_postgresql.h"

struct item {
    struct str name, text;
};

/* The next item; separators inside quotes are no separators. */
static bool next_item(struct str *rest, struct item *item)
{
    char quote = 0;
    size_t i = 0, name = 0;
    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == ',' || rest->p[0] == '\n'))
        *rest = str_slice(*rest, 1, rest->n);
    if (!rest->n)
        return false;
    for (; i < rest->n; i++) {
        char c = rest->p[i];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '\'' || c == '"')
            quote = c;
        else if (c == ',' || c == '\n')
            break;
        else if ((c == '=' || c == ' ') && !name)
            name = i;
    }
    item->text = str_slice(*rest, 0, i);
    item->name = str_slice(*rest, 0, name ? name : i);
    *rest = str_slice(*rest, i, rest->n);
    return true;
}

/* 0: not there; 1: with another value; 2: the same. */
static int find_item(const char *list, const struct item *wanted)
{
    struct item item;
    for (struct str rest = str_from(list ? list : ""); next_item(&rest, &item);)
        if (str_eq(item.name, wanted->name))
            return str_eq(item.text, wanted->text) ? 2 : 1;
    return 0;
}

static void add_word(struct buf *out, const char *verb, struct str text)
{
    buf_addf(out, "%s%s%.*s", out->n ? ", " : "", verb, STR_ARG(text));
}

static void foreign_list(struct buf *out, const char *old, const char *new)
{
    struct item item;
    for (struct str rest = str_from(old ? old : ""); next_item(&rest, &item);)
        if (!find_item(new, &item))
            add_word(out, "DROP ", item.name);
    for (struct str rest = str_from(new ? new : ""); next_item(&rest, &item);) {
        int there = find_item(old, &item);
        if (there < 2)
            add_word(out, there ? "SET " : "ADD ", item.text);
    }
}

static const char *foreign_head(unsigned rank, const struct attribute *a)
{
    switch (rank) {
    case PG_COLUMN:
        return strcmp(a->name, "fdw_options") == 0 ? "ALTER FOREIGN TABLE {parent} ALTER COLUMN {address}" : NULL;
    case PG_FDW:
    case PG_FOREIGN_SERVER:
    case PG_FOREIGN_TABLE:
        return "ALTER {words} {address}";
    case PG_USER_MAPPING:
        return "ALTER USER MAPPING FOR {user} SERVER {server}";
    default:
        return NULL;
    }
}

static void write_foreign(struct comparison *c, const struct pair *p, const char *head, const char *old,
                          const char *new)
{
    struct template_values values = values_of(c, p, false);
    BUF_AUTO list = {0}, sql = {0};
    foreign_list(&list, old, new);
    template_expand(&sql, head, &values);
    buf_addf(&sql, " OPTIONS (%s)", list.p);
    if (strstr(list.p, " ?"))
        refuse_pair(c, p, "one of its options holds a secret, which is never read");
    else
        add_step(c, p, VERB_ALTER, 0, &sql, NULL);
}

/* What a relation's options are set on: the words before SET and RESET. */
static const char *relation_head(unsigned rank)
{
    switch (rank) {
    case PG_COLUMN:
        return "ALTER TABLE {parent} ALTER COLUMN {address}";
    case PG_INDEX:
        return "ALTER INDEX {address}";
    case PG_CONSTRAINT:
        return "ALTER INDEX {index}";
    case PG_VIEW:
        return "ALTER VIEW {address}";
    case PG_MATERIALIZED_VIEW:
        return "ALTER MATERIALIZED VIEW {address}";
    default:
        return "ALTER TABLE {address}";
    }
}

static bool loses_security(const char *old, const char *new)
{
    struct item item;
    for (struct str rest = str_from(old ? old : ""); next_item(&rest, &item);)
        if ((str_is(item.name, "security_invoker") || str_is(item.name, "security_barrier")) &&
            find_item(new, &item) != 2)
            return true;
    return false;
}

static void write_relation(struct comparison *c, const struct pair *p, const char *verb, const struct buf *list,
                           bool weakens)
{
    struct template_values values = values_of(c, p, false);
    BUF_AUTO sql = {0};
    if (!list->n)
        return;
    template_expand(&sql, relation_head(pair_kind(c, p)->rank), &values);
    buf_addf(&sql, " %s (%s)", verb, list->p);
    add_step(c, p, VERB_ALTER, weakens ? STEP_WEAKENS : 0, &sql,
             weakens ? "the view sees more than who asks it" : NULL);
}

void write_list_change(struct comparison *c, const struct pair *p, const struct attribute *a)
{
    const struct object *before = pair_old_shown(c, p);
    const char *old = before && !pair_comes(p) ? object_value(before, a->name) : NULL;
    const char *new = object_value(pair_new_shown(c, p), a->name), *head = foreign_head(pair_kind(c, p)->rank, a);
    BUF_AUTO gone = {0}, set = {0};
    struct item item;
    if (head) {
        write_foreign(c, p, head, old, new);
        return;
    }
    for (struct str rest = str_from(old ? old : ""); next_item(&rest, &item);)
        if (!find_item(new, &item))
            add_word(&gone, "", item.name);
    for (struct str rest = str_from(new ? new : ""); next_item(&rest, &item);)
        if (find_item(old, &item) < 2)
            add_word(&set, "", item.text);
    bool weakens = loses_security(old, new);
    write_relation(c, p, "RESET", &gone, weakens);
    write_relation(c, p, "SET", &set, weakens);
}
