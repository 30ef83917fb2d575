/* Resolves settings and makes addresses of them. Reads the environment and the files that it names, nothing else. */
#include "tool/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_FILE_BYTES = 64 * 1024 };

/* -------------------------------------------------------------------------------------------------- environment */

static bool read_all(int fd, struct buf *out, struct err *e)
{
    char piece[4096];
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(e, FAULT_CONFIG, "cannot be read: %s", strerror(errno));
        if (got == 0)
            return true;
        buf_add(out, piece, (size_t)got);
        if (out->n > MOST_FILE_BYTES + 2)
            return err_set(e, FAULT_CONFIG, "holds more than 64 KiB");
    }
}

/* The contents without one final line end. Errors say what the file does, without its name. */
static bool read_file(struct arena *a, const char *path, const char **out, struct err *e)
{
    BUF_AUTO text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, FAULT_CONFIG, "cannot be opened: %s", strerror(errno));
    bool ok = read_all(fd, &text, e);
    close(fd);
    if (!ok)
        return false;
    if (text.n && text.p[text.n - 1] == '\n')
        text.n--;
    if (text.n && text.p[text.n - 1] == '\r')
        text.n--;
    if (text.n > MOST_FILE_BYTES)
        return err_set(e, FAULT_CONFIG, "holds more than 64 KiB");
    if (text.n && memchr(text.p, '\0', text.n))
        return err_set(e, FAULT_CONFIG, "holds a NUL byte");
    *out = arena_str(a, buf_str(&text));
    return true;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

bool config_variable(struct arena *a, const char *name, const char **value, const char **where, struct err *e)
{
    const char *file_name = arena_printf(a, "%s_FILE", name);
    const char *path = variable(file_name);
    *value = variable(name);
    *where = name;
    if (*value && path) {
        err_set(e, FAULT_CONFIG, "%s and %s are both set", name, file_name);
        err_hint(e, "unset one of them");
        return false;
    }
    if (!path)
        return true;
    *where = file_name;
    if (read_file(a, path, value, e))
        return true;
    err_context(e, "%s: \"%s\"", file_name, path);
    return false;
}

/* --------------------------------------------------------------------------------------------------- resolution */

static const struct stream_setting *embedded_setting(const struct stream *stream, const char *key)
{
    for (uint32_t i = 0; i < stream->n_settings; i++)
        if (strcmp(stream->settings[i].key, key) == 0)
            return &stream->settings[i];
    return NULL;
}

static const char *flag_value(const struct call *call, const struct setting *s)
{
    const char *value = NULL;
    for (size_t i = 0; call && i < call->given.n; i++)
        if (call->given.v[i].option->setting == s)
            value = call->given.v[i].value ? call->given.v[i].value : "true";
    return value;
}

/* Fills text, origin and where; an unset one keeps ORIGIN_UNSET. */
static bool find_value(struct arena *a, const struct catalogue *catalogue, const struct stream *stream,
                       const struct call *call, const struct setting *s, struct config_value *out, struct err *e)
{
    const char *flag = flag_value(call, s);
    if (flag) {
        *out = (struct config_value){.text = flag, .origin = ORIGIN_FLAG, .where = arena_printf(a, "--%s", s->flag)};
        return true;
    }
    if (!(s->flags & SETTING_BUILD)) {
        BUF_AUTO name = {0};
        const char *value, *where;
        setting_variable(&name, catalogue->program, stream->name, s->key);
        if (!config_variable(a, arena_str(a, buf_str(&name)), &value, &where, e))
            return false;
        if (value) {
            *out = (struct config_value){.text = value, .origin = ORIGIN_ENVIRONMENT, .where = where};
            return true;
        }
    }
    const struct stream_setting *embedded = embedded_setting(stream, s->key);
    if (embedded)
        *out = (struct config_value){.text = embedded->value,
                                     .origin = ORIGIN_EMBEDDED,
                                     .where = arena_printf(a, "%s:%u", stream->ini_path, embedded->line)};
    else if (s->fallback)
        *out = (struct config_value){.text = s->fallback, .origin = ORIGIN_DEFAULT, .where = "default"};
    return true;
}

bool config_read(struct arena *a, const struct catalogue *catalogue, const struct stream *stream,
                 const struct call *call, struct config *out, struct err *e)
{
    *out = (struct config){.catalogue = catalogue, .stream = stream};
    for (size_t i = 0; i < SET_COUNT; i++) {
        const struct setting *s = &settings[i];
        struct config_value *v = &out->values[i];
        if (!(s->kinds & SETTING_FOR(stream->kind)))
            continue;
        if (!find_value(a, catalogue, stream, call, s, v, e))
            return false;
        if (!v->text || setting_parse(s, str_from(v->text), &v->number, e))
            continue;
        if (v->origin == ORIGIN_FLAG)
            e->fault = FAULT_USAGE;
        else
            err_context(e, "%s", v->where);
        return false;
    }
    return true;
}

const char *config_text(const struct config *c, enum setting_index index)
{
    return c->values[index].text;
}

int64_t config_number(const struct config *c, enum setting_index index)
{
    return c->values[index].number;
}

/* Does a variable's name, without the program's prefix, belong to a setting of one of the streams? */
static bool is_known_variable(const struct catalogue *catalogue, struct str name)
{
    for (uint32_t i = 0; i < catalogue->n_streams; i++)
        for (size_t k = 0; k < n_settings; k++) {
            BUF_AUTO known = {0};
            if (settings[k].flags & SETTING_BUILD || !(settings[k].kinds & SETTING_FOR(catalogue->streams[i]->kind)))
                continue;
            setting_variable(&known, catalogue->program, catalogue->streams[i]->name, settings[k].key);
            if (str_eq(name, buf_str(&known)))
                return true;
            buf_addz(&known, "_FILE");
            if (str_eq(name, buf_str(&known)))
                return true;
        }
    return false;
}

void config_shards_variable(struct buf *out, const char *program)
{
    setting_prefix(out, program);
    buf_addz(out, "SHARDS");
}

struct strings config_unknown_variables(struct arena *a, const struct catalogue *catalogue)
{
    struct strings out = {0};
    BUF_AUTO prefix = {0}, shards = {0};
    setting_prefix(&prefix, catalogue->program);
    config_shards_variable(&shards, catalogue->program);
    for (char **p = environ; p && *p; p++) {
        struct str name = str_slice(str_from(*p), 0, str_find(str_from(*p), '='));
        if (str_starts(name, buf_str(&prefix)) && !str_eq(name, buf_str(&shards)) &&
            !is_known_variable(catalogue, name))
            vec_push(a, &out, arena_printf(a, "%.*s is no setting of this executable and is ignored", STR_ARG(name)));
    }
    strings_sort(&out);
    return out;
}

/* ---------------------------------------------------------------------------------------------------- addresses */

/* What a reference may ask for while one setting is expanded. */
struct lookup {
    struct arena *arena;
    const struct config *config;
    const struct setting *setting;
    const struct config_row *row; /* NULL: a single stream */
};

static bool lookup_column(const struct lookup *l, struct str name, const char **value, struct err *e)
{
    BUF_AUTO list = {0};
    for (size_t i = 0; l->row && i < l->row->columns->n; i++) {
        if (!str_is(name, l->row->columns->v[i]))
            continue;
        *value = l->row->values[i];
        return *value || err_set(e, FAULT_NO_ADDRESS, "no address: its column \"%.*s\" is null", STR_ARG(name));
    }
    err_set(e, FAULT_CONFIG, "%s (%s) names a column \"%.*s\" that tenants_query does not return", l->setting->key,
            l->config->values[l->setting - settings].where, STR_ARG(name));
    if (l->row)
        strings_join(&list, l->row->columns, ", ");
    if (list.n)
        err_hint(e, "columns: %s", list.p);
    return false;
}

static bool lookup_reference(void *context, bool column, struct str name, const char **value, struct err *e)
{
    const struct lookup *l = context;
    const char *where;
    if (column)
        return lookup_column(l, name, value, e);
    if (!config_variable(l->arena, arena_str(l->arena, name), value, &where, e))
        return false;
    if (*value)
        return true;
    err_set(e, FAULT_CONFIG, "%.*s is not set, and %s (%s) needs it", STR_ARG(name), l->setting->key,
            l->config->values[l->setting - settings].where);
    err_hint(e, "set %.*s or %.*s_FILE", STR_ARG(name), STR_ARG(name));
    return false;
}

static bool is_reference_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool digit = c >= '0' && c <= '9';
        if (!(digit && i) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_')
            return false;
    }
    return s.n > 0;
}

/* Text with references, for settings that are no addresses. `segment`: a column's value must stay one name of a path. */
static bool expand_text(struct lookup *l, const char *text, bool segment, const char **out, struct err *e)
{
    BUF_AUTO b = {0};
    struct str s = str_from(text);
    for (size_t i = 0; i < s.n;) {
        bool column = s.p[i] == '{' && l->setting->flags & SETTING_COLUMNS;
        bool variable_here = s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{';
        size_t from = i + (variable_here ? 2 : 1), close = from + str_find(str_slice(s, from, s.n), '}');
        struct str name = str_slice(s, from, close);
        const char *value;
        if ((!column && !variable_here) || close >= s.n || !is_reference_name(name)) {
            buf_addc(&b, s.p[i++]);
            continue;
        }
        if (!lookup_reference(l, column, name, &value, e))
            return false;
        if (column && segment && (!*value || strchr(value, '/') || strcmp(value, ".") == 0 || strcmp(value, "..") == 0))
            return err_set(e, FAULT_NO_ADDRESS, "%s: the tenant's %.*s is no file name", l->setting->key,
                           STR_ARG(name));
        buf_addz(&b, value);
        i = close + 1;
    }
    *out = arena_str(l->arena, buf_str(&b));
    return true;
}

/* Sets a keyword of the address from a setting, when that is set. */
static bool override_keyword(struct lookup *l, enum setting_index index, const char *keyword, struct address *out,
                             struct err *e)
{
    const char *text = config_text(l->config, index), *value;
    l->setting = &settings[index];
    if (!text || out->dialect != DIALECT_POSTGRESQL)
        return true;
    if (!expand_text(l, text, false, &value, e))
        return false;
    address_set(l->arena, out, keyword, value);
    return true;
}

/* HOST, HOST:PORT, [V6]:PORT, or a folder of sockets. */
static void split_host_port(struct arena *a, struct address *out)
{
    struct str host = str_from(address_get(out, "host"));
    size_t colon = str_find_last(host, ':'), bracket = str_find_last(host, ']');
    struct str port = colon < host.n ? str_slice(host, colon + 1, host.n) : (struct str){0};
    bool is_v6 = str_find(host, ':') != colon && bracket == host.n;
    if (host.n == 0 || host.p[0] == '/' || str_find(host, ',') < host.n)
        return;
    if (port.n && !is_v6 && (bracket == host.n || bracket < colon)) {
        address_set(a, out, "port", arena_str(a, port));
        host = str_slice(host, 0, colon);
    }
    if (host.n > 1 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = str_slice(host, 1, host.n - 1);
    address_set(a, out, "host", arena_str(a, host));
}

static bool read_tenant_password(struct lookup *l, struct address *out, struct err *e)
{
    const char *text = config_text(l->config, SET_TENANT_PASSWORD_FILE), *path, *password;
    l->setting = &settings[SET_TENANT_PASSWORD_FILE];
    if (!text || out->dialect != DIALECT_POSTGRESQL)
        return true;
    if (!expand_text(l, text, true, &path, e))
        return false;
    if (!read_file(l->arena, path, &password, e)) {
        err_context(e, "tenant_password_file: \"%s\"", path);
        e->fault = FAULT_NO_ADDRESS; /* this tenant's own trouble, not the run's */
        return false;
    }
    address_set(l->arena, out, "password", password);
    return true;
}

static bool apply_overrides(struct lookup *l, struct address *out, struct err *e)
{
    if (config_text(l->config, SET_HOST)) {
        if (!override_keyword(l, SET_HOST, "host", out, e))
            return false;
        if (out->dialect == DIALECT_POSTGRESQL)
            split_host_port(l->arena, out);
    }
    return override_keyword(l, SET_USER, "user", out, e) && override_keyword(l, SET_PASSWORD, "password", out, e) &&
           (!l->row || read_tenant_password(l, out, e));
}

bool config_address(const struct config *c, struct arena *a, struct address *out, struct err *e)
{
    struct lookup l = {.arena = a, .config = c, .setting = &settings[SET_URL]};
    struct address_source source = {.lookup = lookup_reference, .context = &l};
    const char *url = config_text(c, SET_URL);
    if (!url) {
        BUF_AUTO name = {0};
        setting_variable(&name, c->catalogue->program, c->stream->name, "url");
        err_set(e, FAULT_CONFIG, "stream \"%s\" has no address", c->stream->name);
        err_hint(e, "set url in %s, %s or --url", c->stream->ini_path, name.p);
        return false;
    }
    if (address_parse(a, str_from(url), &source, out, e) && apply_overrides(&l, out, e))
        return true;
    err_context(e, "stream \"%s\"", c->stream->name);
    return false;
}

static bool no_address(const struct lookup *l, struct err *e)
{
    BUF_AUTO name = {0};
    setting_variable(&name, l->config->catalogue->program, l->config->stream->name, "tenant_url");
    err_set(e, FAULT_NO_ADDRESS, "no address");
    err_detail(e, "its database_url is null, and stream \"%s\" has no tenant_url", l->config->stream->name);
    err_hint(e, "fill in database_url, or set %s", name.p);
    return false;
}

bool config_tenant_address(const struct config *c, struct arena *a, const struct config_row *row, struct address *out,
                           struct err *e)
{
    struct lookup l = {.arena = a, .config = c, .setting = &settings[SET_TENANT_URL], .row = row};
    struct address_source source = {.lookup = lookup_reference, .context = &l};
    const char *template = config_text(c, SET_TENANT_URL);
    bool from_row = row->url && *row->url && config_number(c, SET_TENANT_URL_MODE) != TENANT_URL_TEMPLATE;
    if (!from_row && !template)
        return no_address(&l, e);
    if (!address_parse(a, str_from(from_row ? row->url : template), from_row ? NULL : &source, out, e)) {
        if (from_row)
            err_context(e, "database_url");
        else if (e->fault == FAULT_CONFIG)
            err_context(e, "no address");
        e->fault = FAULT_NO_ADDRESS; /* whatever it is, the other tenants may be fine */
        return false;
    }
    return apply_overrides(&l, out, e);
}

/* --------------------------------------------------------------------------------------------------------- show */

/* An address as it stands, references unexpanded, its password masked; what cannot be parsed is not shown at all. */
static bool keep_reference(void *context, bool column, struct str name, const char **value, struct err *e)
{
    (void)e;
    *value = arena_printf(context, column ? "{%.*s}" : "${%.*s}", STR_ARG(name));
    return true;
}

static bool is_one_reference(const char *text)
{
    size_t n = strlen(text);
    return n > 3 && strncmp(text, "${", 2) == 0 && strchr(text, '}') == text + n - 1;
}

void config_show(struct buf *out, const struct config *c, enum setting_index index)
{
    const char *text = config_text(c, index);
    ARENA_AUTO arena = {0};
    AUTO_ERR ignored = {0};
    struct address address = {0};
    struct address_source keep = {.lookup = keep_reference, .context = &arena};
    if (!text)
        return;
    if (is_one_reference(text) ||
        (settings[index].type != SETTING_ADDRESS && !(settings[index].flags & SETTING_SECRET)))
        buf_addz(out, text);
    else if (settings[index].flags & SETTING_SECRET)
        buf_addz(out, "***");
    else if (address_parse(&arena, str_from(text), &keep, &address, &ignored))
        address_show(out, &address);
    else
        buf_addz(out, "*** (not an address)");
}
