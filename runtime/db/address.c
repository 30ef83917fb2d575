/*
 * Addresses: the parser. It cuts the text into components first, then expands references and percent-encoding inside
 * each of them. What came out of an expansion is never looked at again, so no value can change the shape of an address.
 *
 * Errors and notes quote nothing of the text but names that the tables below hold, and names that cannot be a piece of a
 * password where they stand.
 */
#include "db/address.h"

#include <string.h>
#include <strings.h>

/* How the literal text of a component is read, and what a value that is put into it must keep to. */
enum {
    DECODE = 1,    /* %40 is '@' */
    PLUS = 2,      /* '+' is a space */
    BACKSLASH = 4, /* keyword strings: \x is x */
    SECRET = 8,    /* a password: nothing of it may be named */
    SEGMENT = 16,  /* part of a SQLite path: a column's value stays inside its folder */
    WORDS = 32,    /* libpq's `options`: split at spaces, so those of a value are escaped */
};

struct parser {
    struct arena *arena;
    const struct address_source *source;
    bool borrowed; /* the text is the value of a variable, not a template that somebody wrote for us */
    bool suspect;  /* "user:something" without a host: the something may be a password */
    struct address *out;
    struct strings hosts, host_ports, ports; /* host= and port= of the query, which may be repeated */
    struct err *e;
};

/* ------------------------------------------------------------------------------------------------ small pieces */

const char *address_get(const struct address *d, const char *key)
{
    for (size_t i = 0; i < d->n_keywords; i++)
        if (strcmp(d->keywords[i].key, key) == 0)
            return d->keywords[i].value;
    return NULL;
}

void address_set(struct arena *a, struct address *d, const char *key, const char *value)
{
    for (size_t i = 0; i < d->n_keywords; i++)
        if (strcmp(d->keywords[i].key, key) == 0) {
            d->keywords[i].value = arena_strdup(a, value);
            return;
        }
    if (d->n_keywords == d->keywords_cap)
        d->keywords = vec_grow(a, d->keywords, &d->keywords_cap, sizeof *d->keywords);
    d->keywords[d->n_keywords++] = (struct address_keyword){arena_strdup(a, key), arena_strdup(a, value)};
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Position of the first of `set` in `s` at or after `from`, or s.n. */
static size_t find_any(struct str s, size_t from, const char *set)
{
    while (from < s.n && (s.p[from] == '\0' || !strchr(set, s.p[from])))
        from++;
    return from;
}

static void note(struct parser *p, const char *text)
{
    vec_push(p->arena, &p->out->notes, text);
}

/* ------------------------------------------------------------------------------------------------ references */

struct reference {
    bool column;
    struct str name;
    size_t length;
};

/* `${NAME}` or `{column}` at `at`; names are words, so a reference holds nothing that ends a component. */
static bool reference_at(struct str s, size_t at, struct reference *out)
{
    size_t i = at;
    bool column = s.p[i] != '$';
    if (!column)
        i++;
    if (i >= s.n || s.p[i] != '{')
        return false;
    size_t from = ++i;
    if (i >= s.n || !is_letter(s.p[i]))
        return false;
    while (i < s.n && is_word(s.p[i]))
        i++;
    if (i >= s.n || s.p[i] != '}')
        return false;
    *out = (struct reference){column, str_slice(s, from, i), i + 1 - at};
    return true;
}

static void add_value(struct buf *b, const char *value, unsigned how)
{
    for (; *value; value++) {
        if ((how & WORDS) && (is_space(*value) || *value == '\\'))
            buf_addc(b, '\\');
        buf_addc(b, *value);
    }
}

/* A tenant's id never climbs out of its folder. The value is not shown: it may be any text. */
static bool check_segment(struct parser *p, struct str name, const char *value)
{
    const char *why = !*value                                           ? "it is empty"
                      : strchr(value, '/')                              ? "it holds \"/\""
                      : strcmp(value, ".") == 0 || !strcmp(value, "..") ? "it names a folder"
                                                                        : NULL;
    if (!why)
        return true;
    return err_set(p->e, FAULT_CONFIG, "the value of {%.*s} cannot be part of a file name: %s", STR_ARG(name), why);
}

enum outcome { EXPANDED, LITERAL, REFUSED };

/*
 * A brace in a password that nobody meant as a reference stays a brace, where the text was not written for us: the
 * value of a variable, or an address without a source. A template's author is told of every name that is unknown.
 */
static enum outcome expand_reference(struct parser *p, const struct reference *r, unsigned how, struct buf *b)
{
    if (!p->source) {
        if (r->column && (how & SECRET))
            return LITERAL;
        err_set(p->e, FAULT_CONFIG, "this address may not hold references such as ${NAME} or {column}");
        return REFUSED;
    }
    AUTO_ERR why = {0};
    const char *value = NULL;
    if (p->source->lookup(p->source->context, r->column, r->name, &value, &why)) {
        if (r->column && (how & SEGMENT) && !check_segment(p, r->name, value))
            return REFUSED;
        add_value(b, value, how);
        return EXPANDED;
    }
    if (p->borrowed && r->column && (how & SECRET))
        return LITERAL;
    if (p->borrowed && (p->suspect || (how & SECRET))) {
        err_set(p->e, FAULT_CONFIG, "the address holds a reference that has no value");
        err_hint(p->e, "a literal brace in a user name or password is written %%7B");
    } else {
        err_move(p->e, &why);
    }
    return REFUSED;
}

/* Adds what one literal character stands for and returns how many bytes of the text it takes. */
static size_t add_literal(struct buf *b, struct str s, size_t at, unsigned how)
{
    char c = s.p[at];
    if ((how & BACKSLASH) && c == '\\' && at + 1 < s.n) {
        buf_addc(b, s.p[at + 1]);
        return 2;
    }
    if ((how & DECODE) && c == '%' && at + 2 < s.n && hex_digit(s.p[at + 1]) >= 0 && hex_digit(s.p[at + 2]) >= 0) {
        buf_addc(b, (char)(hex_digit(s.p[at + 1]) * 16 + hex_digit(s.p[at + 2])));
        return 3;
    }
    buf_addc(b, (how & PLUS) && c == '+' ? ' ' : c);
    return 1;
}

static bool expand(struct parser *p, struct str raw, unsigned how, const char **out)
{
    BUF_AUTO b = {0};
    for (size_t i = 0; i < raw.n;) {
        struct reference r;
        if ((raw.p[i] == '$' || raw.p[i] == '{') && reference_at(raw, i, &r)) {
            enum outcome outcome = expand_reference(p, &r, how, &b);
            if (outcome == REFUSED)
                return false;
            if (outcome == LITERAL)
                buf_adds(&b, str_slice(raw, i, i + r.length));
            i += r.length;
        } else {
            i += add_literal(&b, raw, i, how);
        }
    }
    if (b.n && memchr(b.p, '\0', b.n))
        return err_set(p->e, FAULT_CONFIG, "the address holds a NUL byte");
    *out = arena_str(p->arena, buf_str(&b));
    return true;
}

/* ------------------------------------------------------------------------------------------------ PostgreSQL keys */

enum key_action { KEEP, RENAME, DROP, REFUSE, HOST, PORT, SSL, SETTING };

/* What libpq 15 calls its keywords, and what other drivers call theirs. Anything else is unknown. */
static const struct key_row {
    const char *key;
    enum key_action action;
    const char *target; /* RENAME */
} keys[] = {
    {"host", HOST, NULL},
    {"port", PORT, NULL},
    {"user", KEEP, NULL},
    {"password", KEEP, NULL},
    {"dbname", KEEP, NULL},
    {"hostaddr", KEEP, NULL},
    {"service", KEEP, NULL},
    {"passfile", KEEP, NULL},
    {"options", KEEP, NULL},
    {"connect_timeout", KEEP, NULL},
    {"client_encoding", KEEP, NULL},
    {"application_name", KEEP, NULL},
    {"fallback_application_name", KEEP, NULL},
    {"keepalives", KEEP, NULL},
    {"keepalives_idle", KEEP, NULL},
    {"keepalives_interval", KEEP, NULL},
    {"keepalives_count", KEEP, NULL},
    {"tcp_user_timeout", KEEP, NULL},
    {"sslmode", KEEP, NULL},
    {"sslcompression", KEEP, NULL},
    {"sslcert", KEEP, NULL},
    {"sslkey", KEEP, NULL},
    {"sslpassword", KEEP, NULL},
    {"sslrootcert", KEEP, NULL},
    {"sslcrl", KEEP, NULL},
    {"sslcrldir", KEEP, NULL},
    {"sslsni", KEEP, NULL},
    {"ssl_min_protocol_version", KEEP, NULL},
    {"ssl_max_protocol_version", KEEP, NULL},
    {"requirepeer", KEEP, NULL},
    {"channel_binding", KEEP, NULL},
    {"gssencmode", KEEP, NULL},
    {"krbsrvname", KEEP, NULL},
    {"gsslib", KEEP, NULL},
    {"target_session_attrs", KEEP, NULL},
    /* Of newer versions of libpq. To leave one of them out would connect with less safety than was asked for. */
    {"require_auth", REFUSE, NULL},
    {"sslcertmode", REFUSE, NULL},
    {"sslnegotiation", REFUSE, NULL},
    /* asyncpg */
    {"database", RENAME, "dbname"},
    {"timeout", RENAME, "connect_timeout"},
    {"ssl", SSL, NULL},
    {"command_timeout", DROP, NULL},
    {"statement_cache_size", DROP, NULL},
    {"max_cached_statement_lifetime", DROP, NULL},
    {"max_cacheable_statement_size", DROP, NULL},
    {"server_settings", DROP, NULL},
    {"direct_tls", DROP, NULL},
    {"record_class", DROP, NULL},
    /* SQLAlchemy's own */
    {"prepared_statement_cache_size", DROP, NULL},
    {"prepared_statement_name_func", DROP, NULL},
    {"async_fallback", DROP, NULL},
    {"async_creator_fn", DROP, NULL},
    /* psycopg and pg8000 */
    {"prepare_threshold", DROP, NULL},
    {"autocommit", DROP, NULL},
    {"row_factory", DROP, NULL},
    {"cursor_factory", DROP, NULL},
    {"connection_factory", DROP, NULL},
    {"context", DROP, NULL},
    {"tcp_keepalive", DROP, NULL},
    {"replication", DROP, NULL},
    {"load_balance_hosts", DROP, NULL},
    {"unix_sock", RENAME, "host"},
};

#define SETTING_PREFIX "server_settings."

static const struct key_row *find_key(struct str key)
{
    static const struct key_row setting = {SETTING_PREFIX, SETTING, NULL};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (str_is(key, keys[i].key))
            return &keys[i];
    return str_starts(key, STR(SETTING_PREFIX)) && key.n > strlen(SETTING_PREFIX) ? &setting : NULL;
}

static bool is_port(struct str s)
{
    unsigned number = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]) || i > 4)
            return false;
        number = number * 10 + (unsigned)(s.p[i] - '0');
    }
    return s.n && number >= 1 && number <= 65535;
}

static bool refuse_port(struct parser *p)
{
    err_set(p->e, FAULT_CONFIG, "the port is not a number from 1 to 65535");
    if (p->suspect)
        err_hint(p->e, "a password is followed by \"@\" and the host: postgresql://USER:PASSWORD@HOST/DATABASE");
    return false;
}

/* A port, or libpq's list of them, in which an empty item is the default. */
static bool check_ports(struct parser *p, const char *list)
{
    struct str rest = str_from(list), piece;
    while (str_next(&rest, ',', &piece))
        if (piece.n && !is_port(piece))
            return refuse_port(p);
    return true;
}

/* asyncpg's `ssl`, and the one value of it that libpq's own URLs know. */
static bool set_ssl(struct parser *p, const char *value)
{
    static const struct {
        const char *value;
        const char *sslmode;
    } modes[] = {{"true", "require"},    {"True", "require"},        {"1", "require"},
                 {"false", "disable"},   {"False", "disable"},       {"0", "disable"},
                 {"disable", "disable"}, {"allow", "allow"},         {"prefer", "prefer"},
                 {"require", "require"}, {"verify-ca", "verify-ca"}, {"verify-full", "verify-full"}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(value, modes[i].value) == 0) {
            address_set(p->arena, p->out, "sslmode", modes[i].sslmode);
            note(p, "ssl was read as libpq's sslmode");
            return true;
        }
    err_set(p->e, FAULT_CONFIG, "the value of ssl is not known");
    err_hint(p->e, "use sslmode=disable, allow, prefer, require, verify-ca or verify-full");
    return false;
}

/* server_settings.NAME=VALUE becomes `-c NAME=VALUE` in libpq's options. */
static bool set_setting(struct parser *p, struct str name, const char *value)
{
    for (size_t i = 0; i < name.n; i++)
        if (!is_word(name.p[i]) && name.p[i] != '.')
            return err_set(p->e, FAULT_CONFIG, "the name of a server setting is a word");
    BUF_AUTO b = {0};
    const char *before = address_get(p->out, "options");
    if (before)
        buf_addf(&b, "%s ", before);
    buf_addf(&b, "-c %.*s=", STR_ARG(name));
    add_value(&b, value, WORDS);
    address_set(p->arena, p->out, "options", b.p);
    note(p, "server_settings were read as libpq's options");
    return true;
}

/* libpq counts connect_timeout in whole seconds, asyncpg in fractions. */
static bool set_timeout(struct parser *p, const char *value)
{
    struct str s = str_from(value);
    size_t dot = str_find(s, '.');
    for (size_t i = 0; i < s.n; i++)
        if (i != dot && !is_digit(s.p[i]))
            return err_set(p->e, FAULT_CONFIG, "timeout is not a number of seconds");
    unsigned seconds = 0;
    for (size_t i = 0; i < dot && seconds < 100000; i++)
        seconds = seconds * 10 + (unsigned)(s.p[i] - '0');
    if (dot < s.n || seconds == 0)
        seconds++;
    address_set(p->arena, p->out, "connect_timeout", arena_printf(p->arena, "%u", seconds));
    note(p, "timeout was read as libpq's connect_timeout");
    return true;
}

/* host=NAME, host=NAME:PORT or host=/FOLDER. */
static void add_query_host(struct parser *p, const char *value)
{
    struct str s = str_from(value), host = s, port = {0};
    size_t colon = str_find(s, ':');
    size_t bracket = str_find(s, ']');
    if (s.n && s.p[0] == '[' && bracket < s.n) {
        host = str_slice(s, 1, bracket);
        if (bracket + 1 < s.n && s.p[bracket + 1] == ':')
            port = str_slice(s, bracket + 2, s.n);
    } else if (s.n && s.p[0] != '/' && colon < s.n && is_port(str_slice(s, colon + 1, s.n))) {
        host = str_slice(s, 0, colon);
        port = str_slice(s, colon + 1, s.n);
    }
    vec_push(p->arena, &p->hosts, arena_str(p->arena, host));
    vec_push(p->arena, &p->host_ports, arena_str(p->arena, port));
}

static unsigned key_flags(const struct key_row *row)
{
    const char *key = row->target ? row->target : row->key;
    if (strcmp(key, "password") == 0 || strcmp(key, "sslpassword") == 0)
        return SECRET;
    return strcmp(key, "options") == 0 ? WORDS : 0;
}

static bool set_key(struct parser *p, const struct key_row *row, struct str key, struct str raw, unsigned how)
{
    if (row->action == REFUSE)
        return err_set(p->e, FAULT_CONFIG, "this executable's libpq does not know %s", row->key);
    if (row->action == DROP) {
        note(p, arena_printf(p->arena, "%s was left out: libpq has nothing like it", row->key));
        return true;
    }
    const char *value;
    if (!expand(p, raw, how | key_flags(row), &value))
        return false;
    if (!*value)
        return true;
    switch (row->action) {
    case HOST:
        add_query_host(p, value);
        return true;
    case PORT:
        vec_push(p->arena, &p->ports, value);
        return check_ports(p, value);
    case SSL:
        return set_ssl(p, value);
    case SETTING:
        return set_setting(p, str_slice(key, strlen(SETTING_PREFIX), key.n), value);
    case RENAME:
        if (strcmp(row->target, "connect_timeout") == 0)
            return set_timeout(p, value);
        address_set(p->arena, p->out, row->target, value);
        return true;
    case KEEP:
    case DROP:
    case REFUSE:
        break;
    }
    address_set(p->arena, p->out, row->key, value);
    return true;
}

static void set_joined(struct parser *p, const char *key, const struct strings *list)
{
    BUF_AUTO b = {0};
    strings_join(&b, list, ",");
    address_set(p->arena, p->out, key, b.p);
}

static bool any_text(const struct strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (*list->v[i])
            return true;
    return false;
}

/* Hosts and ports of the query replace those of the authority. */
static void finish_hosts(struct parser *p)
{
    if (p->hosts.n)
        set_joined(p, "host", &p->hosts);
    if (any_text(&p->host_ports))
        set_joined(p, "port", &p->host_ports);
    else if (p->ports.n)
        set_joined(p, "port", &p->ports);
}

/* ------------------------------------------------------------------------------------------------ PostgreSQL URLs */

struct pieces {
    struct str user, password, authority, database, query;
    bool has_user, has_password;
};

/* Does a query with a key that we know begin behind the '?' at `at`? */
static bool is_query(struct str s, size_t at)
{
    size_t equals = find_any(s, at + 1, "=&?@/");
    return equals < s.n && s.p[equals] == '=' && find_key(str_slice(s, at + 1, equals));
}

static size_t find_query(struct str s, size_t from)
{
    for (size_t i = find_any(s, from, "?"); i < s.n; i = find_any(s, i + 1, "?"))
        if (is_query(s, i))
            return i;
    return s.n;
}

/* "5432/name?user=": a port, not a password that has '@' behind it. */
static bool is_port_and_query(struct str s, size_t from)
{
    size_t end = find_any(s, from, "/?@");
    if (!is_port(str_slice(s, from, end)))
        return false;
    end = find_any(s, end, "?@");
    return end < s.n && s.p[end] == '?' && is_query(s, end);
}

/*
 * User and password off the front. The password may hold anything; it ends at the last '@' before a query. So a database
 * name with a raw '@' reads as a piece of the password, which is the mistake that shows nothing of a password to anybody.
 */
static struct str cut_login(struct str s, struct pieces *out)
{
    size_t stop = find_any(s, 0, ":/?");
    if (stop < s.n && s.p[stop] == ':' && !is_port_and_query(s, stop + 1)) {
        size_t at = find_any(s, stop, "@");
        if (at < s.n) {
            at = str_find_last(str_slice(s, 0, find_query(s, at)), '@');
            out->has_user = out->has_password = true;
            out->user = str_slice(s, 0, stop);
            out->password = str_slice(s, stop + 1, at);
            return str_slice(s, at + 1, s.n);
        }
    }
    struct str front = str_slice(s, 0, stop);
    size_t at = str_find_last(front, '@');
    if (at == front.n)
        return s;
    out->has_user = true;
    out->user = str_slice(s, 0, at);
    return str_slice(s, at + 1, s.n);
}

static struct pieces cut_url(struct str s)
{
    struct pieces out = {0};
    s = cut_login(s, &out);
    size_t path = find_any(s, 0, "/?");
    size_t query = find_any(s, path, "?");
    out.authority = str_slice(s, 0, path);
    if (path < query)
        out.database = str_slice(s, path + 1, query);
    if (query < s.n)
        out.query = str_slice(s, query + 1, s.n);
    return out;
}

/* HOST, HOST:PORT, [V6]:PORT: host and port still unexpanded. */
static bool cut_host(struct parser *p, struct str s, struct str *host, struct str *port)
{
    *port = (struct str){0};
    size_t end = find_any(s, 0, ":");
    if (s.n && s.p[0] == '[') {
        size_t bracket = str_find(s, ']');
        if (bracket == s.n || (bracket + 1 < s.n && s.p[bracket + 1] != ':'))
            return err_set(p->e, FAULT_CONFIG, "a \"[\" in the host of the address is not closed");
        *host = str_slice(s, 1, bracket);
        end = bracket + 1;
    } else {
        *host = str_slice(s, 0, end);
    }
    if (end < s.n)
        *port = str_slice(s, end + 1, s.n);
    /* "user:/something" may be a password that begins with a slash: it must not become the name of a database. */
    if (end < s.n && !port->n && p->suspect)
        return refuse_port(p);
    if (str_find(*port, ':') < port->n && !p->suspect) {
        err_set(p->e, FAULT_CONFIG, "the port is not a number from 1 to 65535");
        err_hint(p->e, "an IPv6 address stands in brackets: postgresql://[::1]:5432/DATABASE");
        return false;
    }
    return true;
}

static bool set_authority(struct parser *p, struct str authority)
{
    struct strings hosts = {0}, ports = {0};
    struct str rest = authority, piece;
    while (str_next(&rest, ',', &piece)) {
        struct str raw_host, raw_port;
        const char *host, *port;
        if (!cut_host(p, piece, &raw_host, &raw_port) || !expand(p, raw_port, 0, &port) || !check_ports(p, port) ||
            !expand(p, raw_host, DECODE, &host))
            return false;
        vec_push(p->arena, &hosts, host);
        vec_push(p->arena, &ports, port);
    }
    if (any_text(&hosts))
        set_joined(p, "host", &hosts);
    if (any_text(&ports))
        set_joined(p, "port", &ports);
    return true;
}

/* A name that can be shown: a word of moderate length, where no password can stand. */
static bool may_name(const struct parser *p, struct str key)
{
    if (p->suspect || key.n == 0 || key.n > 40 || !is_letter(key.p[0]))
        return false;
    for (size_t i = 0; i < key.n; i++)
        if (!is_word(key.p[i]) && key.p[i] != '.')
            return false;
    return true;
}

static void note_unknown(struct parser *p, struct str key)
{
    if (may_name(p, key))
        note(p, arena_printf(p->arena, "%.*s was left out: it is no keyword of libpq", STR_ARG(key)));
    else
        note(p, "a key of the query was left out: it is no keyword of libpq");
}

static bool set_query(struct parser *p, struct str query)
{
    struct str rest = query, piece;
    while (str_next(&rest, '&', &piece)) {
        size_t equals = str_find(piece, '=');
        struct str key = str_slice(piece, 0, equals);
        if (!piece.n)
            continue;
        const struct key_row *row = find_key(key);
        if (!row)
            note_unknown(p, key);
        else if (!set_key(p, row, key, str_slice(piece, equals + 1, piece.n), DECODE | PLUS))
            return false;
    }
    finish_hosts(p);
    return true;
}

static bool set_component(struct parser *p, const char *key, struct str raw, unsigned how)
{
    const char *value;
    if (!expand(p, raw, how, &value))
        return false;
    if (*value)
        address_set(p->arena, p->out, key, value);
    return true;
}

static bool parse_postgresql(struct parser *p, struct str rest)
{
    p->out->dialect = DIALECT_POSTGRESQL;
    struct pieces u = cut_url(rest);
    p->suspect = !u.has_password && str_find(u.authority, ':') < u.authority.n;
    return set_authority(p, u.authority) && (!u.has_user || set_component(p, "user", u.user, DECODE)) &&
           (!u.has_password || set_component(p, "password", u.password, DECODE | SECRET)) &&
           set_component(p, "dbname", u.database, 0) && set_query(p, u.query);
}

/* ------------------------------------------------------------------------------------------------ keyword strings */

/* Length of a value in libpq's form, quoted or not; *raw is what stands inside. False: the quote is not closed. */
static bool cut_value(struct str s, size_t *length, struct str *raw)
{
    bool quoted = s.n && s.p[0] == '\'';
    size_t i = quoted;
    while (i < s.n && !(quoted ? s.p[i] == '\'' : is_space(s.p[i])))
        i += s.p[i] == '\\' && i + 1 < s.n ? 2 : 1;
    *raw = str_slice(s, quoted, i);
    *length = i + quoted;
    return !quoted || i < s.n;
}

static size_t skip_spaces(struct str s, size_t at)
{
    while (at < s.n && is_space(s.p[at]))
        at++;
    return at;
}

/* An unknown word is not named: it may be the rest of a password with a space in it. */
static bool refuse_keyword(struct parser *p, unsigned number, const char *what)
{
    err_set(p->e, FAULT_CONFIG, "keyword %u of the connection string %s", number, what);
    err_hint(p->e, "a value with spaces is quoted, and its quotes and backslashes are written \\' and \\\\: "
                   "host=db password='…' dbname=app");
    return false;
}

static bool parse_keywords(struct parser *p, struct str s)
{
    p->out->dialect = DIALECT_POSTGRESQL;
    unsigned number = 1;
    for (size_t i = skip_spaces(s, 0); i < s.n; i = skip_spaces(s, i), number++) {
        size_t end = i;
        while (end < s.n && s.p[end] != '=' && !is_space(s.p[end]))
            end++;
        struct str key = str_slice(s, i, end), raw;
        i = skip_spaces(s, end);
        if (i == s.n || s.p[i] != '=')
            return refuse_keyword(p, number, "has no \"=\"");
        i = skip_spaces(s, i + 1);
        const struct key_row *row = find_key(key);
        if (!row)
            return refuse_keyword(p, number, "is none that libpq knows");
        size_t length;
        if (!cut_value(str_slice(s, i, s.n), &length, &raw))
            return refuse_keyword(p, number, "has a quote that is not closed");
        if (!set_key(p, row, key, raw, BACKSLASH))
            return false;
        i += length;
    }
    finish_hosts(p);
    return true;
}

/* ------------------------------------------------------------------------------------------------ SQLite */

static bool parse_seconds(struct str s, int64_t *ms)
{
    int64_t value = 0, scale = 1000;
    size_t dot = str_find(s, '.');
    if (s.n == 0 || s.n > 12 || (s.n == 1 && dot == 0))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (i == dot)
            continue;
        if (!is_digit(s.p[i]))
            return false;
        if (i < dot) {
            value = value * 10 + (s.p[i] - '0') * 1000;
        } else {
            scale /= 10;
            value += (s.p[i] - '0') * scale;
        }
    }
    *ms = value;
    return true;
}

struct sqlite_query {
    bool uri;
    bool memory;
};

static bool set_sqlite_mode(struct parser *p, struct sqlite_query *q, const char *value)
{
    if (strcmp(value, "ro") == 0)
        p->out->read_only = true;
    else if (strcmp(value, "memory") == 0)
        q->memory = true;
    else if (strcmp(value, "rw") != 0 && strcmp(value, "rwc") != 0)
        return err_set(p->e, FAULT_CONFIG, "the mode of a SQLite address is ro, rw, rwc or memory");
    return true;
}

static bool set_sqlite_query(struct parser *p, struct str query, struct sqlite_query *q)
{
    struct str rest = query, piece;
    while (str_next(&rest, '&', &piece)) {
        size_t equals = str_find(piece, '=');
        struct str key = str_slice(piece, 0, equals);
        const char *value;
        if (!piece.n)
            continue;
        if (!expand(p, str_slice(piece, equals + 1, piece.n), DECODE | PLUS, &value))
            return false;
        if (str_is(key, "timeout")) {
            if (!parse_seconds(str_from(value), &p->out->busy_timeout_ms))
                return err_set(p->e, FAULT_CONFIG, "the timeout of a SQLite address is a number of seconds");
        } else if (str_is(key, "mode")) {
            if (!set_sqlite_mode(p, q, value))
                return false;
        } else if (str_is(key, "uri")) {
            q->uri = strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0;
        } else if (may_name(p, key)) {
            note(p, arena_printf(p->arena, "%.*s was left out: it has no meaning here", STR_ARG(key)));
        } else {
            note(p, "a key of the query was left out: it has no meaning here");
        }
    }
    return true;
}

/* "file:" as SQLite's own URIs have it, once `uri=true` was said: file:rel, file:/abs, file:///abs, file://localhost/abs. */
static bool strip_file(struct parser *p, struct str *path)
{
    if (!str_starts(*path, STR("file:")))
        return true;
    *path = str_slice(*path, 5, path->n);
    if (!str_starts(*path, STR("//")))
        return true;
    size_t slash = find_any(*path, 2, "/");
    struct str host = str_slice(*path, 2, slash);
    if (host.n && !str_is(host, "localhost"))
        return err_set(p->e, FAULT_CONFIG, "a SQLite address names no host");
    *path = str_slice(*path, slash, path->n);
    return true;
}

static bool has_column(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        struct reference r;
        if (s.p[i] == '{' && (i == 0 || s.p[i - 1] != '$') && reference_at(s, i, &r))
            return true;
    }
    return false;
}

/*
 * What a segment with a column in it became. Two values can meet ({a}{b} with "." and "."), and a tenant called
 * "a-journal" must not get the name that SQLite gives to a file of tenant "a".
 */
static bool check_file_name(struct parser *p, struct str name, bool last)
{
    size_t slash = str_find_last(name, '/'); /* of a ${VAR} in front */
    if (slash < name.n)
        name = str_slice(name, slash + 1, name.n);
    if (name.n == 0 || str_is(name, ".") || str_is(name, ".."))
        return err_set(p->e, FAULT_CONFIG, "the values of the columns name no file");
    if (last && (str_ends(name, STR("-journal")) || str_ends(name, STR("-wal")) || str_ends(name, STR("-shm"))))
        return err_set(p->e, FAULT_CONFIG, "the file name ends like one of SQLite's own (-journal, -wal, -shm)");
    return true;
}

/* Segment by segment, so that each value can be seen where it stands. */
static bool expand_path(struct parser *p, struct str template, unsigned how, const char **out)
{
    BUF_AUTO b = {0};
    struct str rest = template, segment;
    while (str_next(&rest, '/', &segment)) {
        const char *text;
        if (!expand(p, segment, how, &text) || (has_column(segment) && !check_file_name(p, str_from(text), !rest.p)))
            return false;
        buf_addz(&b, text);
        buf_addz(&b, rest.p ? "/" : "");
    }
    *out = arena_str(p->arena, buf_str(&b));
    return true;
}

static bool parse_sqlite(struct parser *p, struct str rest)
{
    p->out->dialect = DIALECT_SQLITE;
    size_t at = find_any(rest, 0, "?");
    struct str path = str_slice(rest, 0, at);
    struct sqlite_query q = {0};
    if (!set_sqlite_query(p, str_slice(rest, at + 1, rest.n), &q))
        return false;
    if (path.n && path.p[0] != '/') {
        err_set(p->e, FAULT_CONFIG, "a SQLite address names no host");
        err_hint(p->e, "sqlite:///FILE is relative to the current folder, sqlite:////FOLDER/FILE is absolute");
        return false;
    }
    path = str_slice(path, 1, path.n);
    if (q.uri && !strip_file(p, &path))
        return false;
    if (path.n == 0 || q.memory) {
        p->out->path = ":memory:";
        return true;
    }
    if (!expand_path(p, path, SEGMENT | (q.uri ? DECODE : 0), &p->out->path))
        return false;
    return *p->out->path || err_set(p->e, FAULT_CONFIG, "the file name of the SQLite address is empty");
}

/* ------------------------------------------------------------------------------------------------ the whole */

/* Length of `scheme` in "scheme://…", 0 when the text is not of that form. */
static size_t scheme_length(struct str s)
{
    size_t i = 0;
    while (i < s.n && (is_word(s.p[i]) || s.p[i] == '+'))
        i++;
    return str_starts(str_slice(s, i, s.n), STR("://")) ? i : 0;
}

static bool is_scheme(struct str scheme, const char *name)
{
    struct str base = str_slice(scheme, 0, str_find(scheme, '+'));
    return base.n == strlen(name) && strncasecmp(base.p, name, base.n) == 0;
}

static bool parse_text(struct parser *p, struct str text)
{
    size_t n = scheme_length(text);
    struct str scheme = str_slice(text, 0, n), rest = str_slice(text, n + 3, text.n);
    if (n && (is_scheme(scheme, "postgresql") || is_scheme(scheme, "postgres")))
        return parse_postgresql(p, rest);
    if (n && is_scheme(scheme, "sqlite"))
        return parse_sqlite(p, rest);
    if (n && n <= 20)
        err_set(p->e, FAULT_CONFIG, "no database is reached by an address that begins with %.*s://", STR_ARG(scheme));
    else if (!n && find_any(text, 0, "=") < text.n && find_any(text, 0, "=/@:") == find_any(text, 0, "="))
        return parse_keywords(p, text);
    else
        err_set(p->e, FAULT_CONFIG, text.n ? "the address is no URL of a database" : "the address is empty");
    err_hint(p->e, "postgresql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite:///FILE");
    return false;
}

/* A text that is one `${VAR}` alone: the variable holds the whole address. */
static bool is_variable(struct str text, struct reference *r)
{
    return text.n && text.p[0] == '$' && reference_at(text, 0, r) && r->length == text.n;
}

bool address_parse(struct arena *a, struct str text, const struct address_source *source, struct address *out,
                   struct err *e)
{
    struct parser p = {.arena = a, .source = source, .out = out, .e = e};
    struct reference r;
    *out = (struct address){.busy_timeout_ms = TIMEOUT_UNSET};
    text = str_trim(text);
    if (source && is_variable(text, &r)) {
        const char *value = NULL;
        if (!source->lookup(source->context, false, r.name, &value, e))
            return false;
        text = str_trim(str_from(value));
        p.borrowed = true;
        if (is_variable(text, &r))
            return err_set(e, FAULT_CONFIG, "the variable that holds the address names another variable");
    }
    if (text.n && memchr(text.p, '\0', text.n))
        return err_set(e, FAULT_CONFIG, "the address holds a NUL byte");
    return parse_text(&p, text);
}
