/*
 * Fuzzes the list of tenants, from the rows of the query to an address. Whatever the rows hold: reading ends, what was
 * accepted has an id each, no id twice; a filter keeps what it names; and no id climbs out of its folder.
 *
 * The input is lines of values separated by tabs; the first names the columns; "\\N" is NULL.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "run/fleet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FOLDER "/data/"

struct context {
    const struct tenant_list *list;
    const struct tenant *tenant;
};

static bool look_up(void *p, bool column, struct str name, const char **value, struct err *e)
{
    const struct context *c = p;
    for (size_t i = 0; column && i < c->list->columns.n; i++)
        if (str_is(name, c->list->columns.v[i]) && c->tenant->values[i]) {
            *value = c->tenant->values[i];
            return true;
        }
    return err_set(e, FAULT_CONFIG, "no value");
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void place_in_folder(const struct tenant_list *list, const struct tenant *t)
{
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    struct context c = {list, t};
    struct address_source source = {look_up, &c};
    struct address address;
    if (!address_parse(&a, STR("sqlite:///" FOLDER "{tenant_id}"), &source, &address, &e))
        return;
    must(strncmp(address.path, FOLDER, strlen(FOLDER)) == 0);
    const char *file = address.path + strlen(FOLDER);
    must(*file && !strchr(file, '/') && strcmp(file, "..") != 0 && strcmp(file, ".") != 0);
}

static void check_list(struct tenant_list *list)
{
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    struct strings only = {0};
    for (size_t i = 0; i < list->n; i++) {
        must(list->v[i].id && list->v[i].id[0]);
        place_in_folder(list, &list->v[i]);
        if (i % 2 == 0)
            vec_push(&a, &only, list->v[i].id);
    }
    size_t expected = only.n;
    must(tenants_choose(list, &(struct choice){.has_only = true, .only = only}, &e));
    must(!expected || list->n == expected);
    vec_push(&a, &only, "");
    must(!tenants_choose(list, &(struct choice){.has_only = true, .only = only}, &e) && e.fault == FAULT_USAGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MOST = 16 };
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    struct tenant_list list = {0};
    struct str rest = {(const char *)data, size}, line, piece;
    const char *names[MOST], *values[MOST];
    size_t columns = 0;
    bool ok = true;
    while (ok && str_next(&rest, '\n', &line)) {
        size_t n = 0;
        for (struct str cells = line; n < MOST && str_next(&cells, '\t', &piece); n++)
            values[n] = str_is(piece, "\\N") ? NULL : arena_str(&a, piece);
        if (!columns) {
            columns = n;
            for (size_t i = 0; i < n; i++)
                names[i] = values[i] ? values[i] : "";
            continue;
        }
        for (; n < columns; n++)
            values[n] = NULL;
        struct db_row row = {.n = columns, .names = names, .values = values};
        ok = tenants_add(&list, &row, &e);
    }
    if (ok && tenants_check(&list, &e))
        check_list(&list);
    tenants_free(&list);
    return 0;
}
