/* Addresses for people: shown without their password, and the password taken out of texts that others made. */
#include <string.h>

#include "db/address.h"

/* ------------------------------------------------------------------------------------------------ showing */

/* A component as a URL has it, so that what is shown has one meaning; no control character gets out. */
static void add_component(struct buf *out, const char *text, const char *reserved)
{
    bool utf8 = str_utf8_error(str_from(text)) == strlen(text);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool plain = *p >= 0x80 ? utf8 : *p > 0x20 && *p != 0x7F && !strchr(reserved, *p);
        if (plain)
            buf_addc(out, (char)*p);
        else
            buf_addf(out, "%%%02X", *p);
    }
}

static struct str nth(const char *list, size_t n)
{
    struct str rest = str_from(list), piece = {0};
    for (size_t i = 0; str_next(&rest, ',', &piece); i++)
        if (i == n)
            return piece;
    return (struct str){0};
}

static void add_host(struct buf *out, struct arena *a, struct str host, struct str port)
{
    bool brackets = str_find(host, ':') < host.n;
    buf_addz(out, brackets ? "[" : "");
    add_component(out, arena_str(a, host), "%@/?#[]");
    buf_addz(out, brackets ? "]" : "");
    if (port.n) {
        buf_addc(out, ':');
        add_component(out, arena_str(a, port), "%@/?#[]:");
    }
}

static void add_hosts(struct buf *out, const char *hosts, const char *ports)
{
    ARENA_AUTO a = {0};
    struct str rest = str_from(hosts ? hosts : ""), host;
    bool one_port = !ports || !strchr(ports, ',');
    for (size_t i = 0; str_next(&rest, ',', &host); i++) {
        if (i)
            buf_addc(out, ',');
        add_host(out, &a, host, nth(ports ? ports : "", one_port ? 0 : i));
    }
}

static void add_query(struct buf *out, bool *first, const char *key, const char *value)
{
    if (!value)
        return;
    buf_addf(out, "%c%s=", *first ? '?' : '&', key);
    add_component(out, value, "%&#+");
    *first = false;
}

static void show_postgresql(struct buf *out, const struct address *d)
{
    const char *user = address_get(d, "user"), *host = address_get(d, "host"), *port = address_get(d, "port");
    const char *dbname = address_get(d, "dbname");
    bool password = address_get(d, "password") != NULL;
    bool folder = host && host[0] == '/';
    buf_addz(out, "postgresql://");
    if (user)
        add_component(out, user, "%@/:?#");
    if (password)
        buf_addz(out, ":***");
    if (user || password)
        buf_addc(out, '@');
    if (!folder)
        add_hosts(out, host, port);
    if (dbname) {
        buf_addc(out, '/');
        add_component(out, dbname, "?#");
    }
    bool first = true;
    if (folder) {
        add_query(out, &first, "host", host);
        add_query(out, &first, "port", port);
    }
    add_query(out, &first, "service", address_get(d, "service"));
}

void address_show(struct buf *out, const struct address *d)
{
    if (d->dialect == DIALECT_POSTGRESQL) {
        show_postgresql(out, d);
        return;
    }
    buf_addz(out, "sqlite://");
    if (d->path && strcmp(d->path, ":memory:") != 0) {
        buf_addc(out, '/');
        add_component(out, d->path, "?");
    }
}

/* ------------------------------------------------------------------------------------------------ masking */

#define MASK "***"

/* One way of writing text: the character at `at` and, as result, how many bytes it takes. */
typedef size_t view(struct str s, size_t at, char *c);

static size_t view_raw(struct str s, size_t at, char *c)
{
    *c = s.p[at];
    return 1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t view_percent(struct str s, size_t at, char *c)
{
    if (s.p[at] == '%' && at + 2 < s.n && hex_value(s.p[at + 1]) >= 0 && hex_value(s.p[at + 2]) >= 0) {
        *c = (char)(hex_value(s.p[at + 1]) * 16 + hex_value(s.p[at + 2]));
        return 3;
    }
    return view_raw(s, at, c);
}

static size_t view_form(struct str s, size_t at, char *c)
{
    size_t n = view_percent(s, at, c);
    if (n == 1 && *c == '+')
        *c = ' ';
    return n;
}

/* \' and \\ of keyword strings, '' of SQL. */
static size_t view_quoted(struct str s, size_t at, char *c)
{
    bool pair = at + 1 < s.n && (s.p[at] == '\\' || (s.p[at] == '\'' && s.p[at + 1] == '\''));
    *c = s.p[at + pair];
    return (size_t)1 + pair;
}

static size_t match_view(struct str text, size_t at, struct str secret, view *next)
{
    size_t i = at;
    for (size_t k = 0; k < secret.n; k++) {
        char c;
        if (i >= text.n)
            return 0;
        i += next(text, i, &c);
        if (c != secret.p[k])
            return 0;
    }
    return i - at;
}

/* The longest way in which the secret stands at `at`; 0: it does not. */
static size_t match(struct str text, size_t at, struct str secret)
{
    static view *const views[] = {view_raw, view_percent, view_form, view_quoted};
    size_t best = 0;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        size_t n = match_view(text, at, secret, views[i]);
        if (n > best)
            best = n;
    }
    return best;
}

/* Short secrets are taken for one only where a value stands: after '=' or ':', or between quotes. */
static bool is_value(struct str text, size_t at, size_t n)
{
    char before = at ? text.p[at - 1] : '\0';
    char after = at + n < text.n ? text.p[at + n] : '\0';
    bool word = (after >= '0' && after <= '9') || ((after | 0x20) >= 'a' && (after | 0x20) <= 'z') || after == '_';
    if (before == '=' || before == ':')
        return !word;
    return (before == '"' || before == '\'' || before == '`') && after == before;
}

static bool mask_once(struct buf *text, struct str secret)
{
    BUF_AUTO out = {0};
    struct str s = buf_str(text);
    bool hit = false;
    for (size_t i = 0; i < s.n;) {
        size_t n = match(s, i, secret);
        if (n && (secret.n >= 3 || is_value(s, i, n))) {
            buf_addz(&out, MASK);
            i += n;
            hit = true;
        } else {
            buf_addc(&out, s.p[i++]);
        }
    }
    if (hit) {
        buf_free(text);
        *text = out;
        out = (struct buf){0};
    }
    return hit;
}

/* Replacing can bring two halves together, so it is repeated; each round of a secret longer than the mask shortens. */
static void mask_secret(struct buf *text, const char *secret)
{
    struct str s = str_from(secret);
    if (s.n == 0 || text->n == 0)
        return;
    while (mask_once(text, s) && s.n > strlen(MASK))
        continue;
}

void address_mask(struct buf *text, const struct address *d)
{
    mask_secret(text, address_get(d, "password"));
    mask_secret(text, address_get(d, "sslpassword"));
}
