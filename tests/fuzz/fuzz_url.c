/*
 * Fuzzes the parser of addresses. Whatever the text, parsing ends; whatever the password, nothing that is made of an
 * address shows it: no error, no note, no address_show(), no masked text.
 *
 * The input is used three ways: as the whole text; as a password in the middle of a URL, of a broken one and of a keyword
 * string; and as the value of a reference. A password is the input between two marks that stand nowhere else, so that a
 * piece of it is as visible as the whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db/address.h"

#define HEAD "Zq7"
#define TAIL "Xj9"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool look_up(void *context, bool column, struct str name, const char **value, struct err *e)
{
    (void)column;
    if (str_is(name, "missing"))
        return err_set(e, FAULT_CONFIG, "no such name");
    *value = context;
    return true;
}

static void must_hide(const struct buf *text)
{
    if (text->n && (memmem(text->p, text->n, HEAD, strlen(HEAD)) || memmem(text->p, text->n, TAIL, strlen(TAIL))))
        abort();
}

/* Everything that a person may see of `text`. */
static void look(struct str text, const struct address_source *source, bool hidden)
{
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    BUF_AUTO seen = {0};
    struct address address;
    if (address_parse(&a, text, source, &address, &e))
        address_show(&seen, &address);
    else
        err_format(&seen, &e, NULL);
    strings_join(&seen, &address.notes, "\n");
    if (hidden)
        must_hide(&seen);
}

static void look_inside(const char *before, const char *password, const char *after)
{
    BUF_AUTO text = {0};
    buf_addz(&text, before);
    buf_addz(&text, password);
    buf_addz(&text, after);
    look(buf_str(&text), NULL, true);
}

/* What libpq might say about it. */
static void look_masked(const char *password)
{
    ARENA_AUTO a = {0};
    BUF_AUTO text = {0};
    struct address address = {0};
    address_set(&a, &address, "password", password);
    buf_addf(&text, "could not connect to \"u:%s@h\": %s", password, password);
    for (const unsigned char *p = (const unsigned char *)password; *p; p++)
        buf_addf(&text, "%%%02x", *p);
    address_mask(&text, &address);
    if (strlen(password) > 3 && strstr(text.p, password))
        abort();
    must_hide(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char all_names[] = "value";
    struct address_source source = {look_up, all_names};
    look((struct str){(const char *)data, size}, NULL, false);
    look((struct str){(const char *)data, size}, &source, false);

    BUF_AUTO text = {0};
    buf_add(&text, data, size);
    char *inner = text.p;
    BUF_AUTO password = {0};
    buf_addf(&password, HEAD "%s" TAIL, inner);
    /* What cannot be told from an address with other parts is left out: '@' and then a query, a quote that closes. */
    const char *at = strchr(inner, '@');
    if (!at || !strchr(at, '?')) {
        look_inside("postgresql://u:", password.p, "@h:5432/d?sslmode=require");
        look_inside("postgresql+asyncpg://u:", password.p, "@[::1]/d");
    }
    if (!at)
        look_inside("postgresql://u:", password.p, "");
    if (strcspn(inner, " \t\r\n\f\v") == strlen(inner))
        look_inside("host=h password=", password.p, " dbname=d");
    if (!strchr(inner, '\''))
        look_inside("host=h password='", password.p, "' dbname=d");
    look_masked(password.p);

    source.context = password.p;
    look(STR("postgresql://u:${PASSWORD}@h/d"), &source, true);
    look(STR("host=h password='${PASSWORD}' dbname=d"), &source, true);
    source.context = inner;
    look(STR("sqlite:////data/{tenant_id}.db"), &source, false);
    look(STR("postgresql://{user}@{host}:{port}/{database}?options={options}"), &source, false);
    look(STR("${URL}"), &source, false);
    return 0;
}
