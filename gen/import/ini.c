/* alembic.ini → env.ini. A password stays where it is: what is committed names a variable in its place. */
#include "gen/import/ini.h"

#include <string.h>
#include <strings.h>

#include "gen/import/script.h"

/* ---- configparser ---- */

/* "key = value" or "key: value"; configparser takes whatever of the two comes first. */
static bool split_key(struct str line, struct str *key, struct str *value)
{
    size_t equals = str_find(line, '='), colon = str_find(line, ':'), at = equals < colon ? equals : colon;
    *key = str_trim(str_slice(line, 0, at));
    *value = str_trim(str_slice(line, at < line.n ? at + 1 : at, line.n));
    return at < line.n && key->n;
}

static bool is_comment(struct str line)
{
    struct str text = str_trim(line);
    return text.n && (text.p[0] == '#' || text.p[0] == ';');
}

static bool is_section(struct str line, const char *section)
{
    return line.n && line.p[0] == '[' && str_is(str_slice(line, 1, str_find(line, ']')), section);
}

static bool is_key(struct str key, const char *name)
{
    return key.n == strlen(name) && strncasecmp(key.p, name, key.n) == 0;
}

static bool has_section(const struct text_file *f, const char *section)
{
    for (uint32_t n = 1; n <= f->n_lines; n++)
        if (is_section(text_line(f, n), section))
            return true;
    return false;
}

/* As written; the last one counts, though configparser refuses a second. */
static bool raw_value(const struct text_file *f, const char *section, const char *name, struct buf *out)
{
    bool inside = false, found = false, goes_on = false;
    for (uint32_t n = 1; n <= f->n_lines; n++) {
        struct str line = text_line(f, n), key, value;
        bool indented = line.n && strchr(" \t", line.p[0]) && str_trim(line).n;
        if (is_comment(line))
            continue;
        if (line.n && line.p[0] == '[') {
            inside = is_section(line, section);
            goes_on = false;
        } else if (indented && goes_on) {
            buf_addf(out, "\n%.*s", STR_ARG(str_trim(line)));
        } else if (inside && !indented && str_trim(line).n) {
            goes_on = split_key(line, &key, &value) && is_key(key, name);
            if (goes_on) {
                found = true;
                buf_reset(out);
                buf_adds(out, value);
            }
        }
    }
    return found;
}

enum { DEEPEST = 10 }; /* as configparser */

static const char *lookup(struct arena *a, const struct ini_request *q, const char *section, const char *key,
                          int depth);

/* %(name)s and %%; a value that configparser would refuse is taken as it stands. */
static const char *interpolate(struct arena *a, const struct ini_request *q, const char *section, struct str raw,
                               int depth)
{
    BUF_AUTO out = {0};
    for (size_t i = 0; i < raw.n; i++) {
        struct str rest = str_slice(raw, i, raw.n);
        size_t close = str_find(rest, ')');
        if (str_starts(rest, STR("%%"))) {
            buf_addc(&out, '%');
            i++;
        } else if (str_starts(rest, STR("%(")) && close + 1 < rest.n && rest.p[close + 1] == 's' && depth < DEEPEST) {
            const char *value = lookup(a, q, section, arena_str(a, str_slice(rest, 2, close)), depth + 1);
            buf_addz(&out, value ? value : "");
            i += close + 1;
        } else {
            buf_addc(&out, raw.p[i]);
        }
    }
    return arena_str(a, buf_str(&out));
}

static const char *lookup(struct arena *a, const struct ini_request *q, const char *section, const char *key, int depth)
{
    BUF_AUTO raw = {0};
    if (raw_value(&q->file, section, key, &raw) || raw_value(&q->file, "DEFAULT", key, &raw))
        return interpolate(a, q, section, buf_str(&raw), depth);
    return strcasecmp(key, "here") == 0 ? q->here : NULL;
}

const char *ini_value(struct arena *a, const struct ini_request *request, const char *section, const char *key)
{
    return lookup(a, request, section, key, 0);
}

/* ---- the address ---- */

static const char *variable_name(struct arena *a, const char *stream, const char *what)
{
    BUF_AUTO name = {0};
    buf_add_upper(&name, stream);
    buf_addf(&name, "_DATABASE_%s", what);
    return arena_str(a, buf_str(&name));
}

/* From the first ":" behind the user to the last "@" before the query. Empty: there is none. */
static struct str password_of(struct str url)
{
    const char *scheme = memmem(url.p, url.n, "://", 3);
    if (!scheme)
        return (struct str){0};
    size_t from = (size_t)(scheme + 3 - url.p);
    struct str rest = str_slice(url, from, from + str_find(str_slice(url, from, url.n), '?'));
    size_t at = str_find_last(rest, '@'), colon = str_find(rest, ':'), slash = str_find(rest, '/');
    if (at == rest.n || colon > at || slash < colon)
        return (struct str){0};
    return str_slice(rest, colon + 1, at);
}

static bool holds(const char *text, const char *what)
{
    for (; *text; text++)
        if (strncasecmp(text, what, strlen(what)) == 0)
            return true;
    return false;
}

static void take_url(struct arena *a, const struct ini_request *q, const char *url, struct ini_answer *answer)
{
    struct str text = str_from(url), password = password_of(text);
    bool placeholder = str_starts(text, STR("driver://")) || !text.n;
    const char *query = strchr(url, '?');
    /* What is left of a password behind the first "@" of several, or in a query, is not looked for: the whole goes. */
    if (placeholder || str_find(text, '\n') < text.n || (query && holds(query, "password")) ||
        (query && strchr(query, '@'))) {
        answer->variable = variable_name(a, q->stream, "URL");
        answer->url = arena_printf(a, "${%s}", answer->variable);
        return;
    }
    answer->url = url;
    if (!password.n)
        return;
    answer->variable = variable_name(a, q->stream, "PASSWORD");
    answer->only_password = true;
    size_t from = (size_t)(password.p - text.p), to = from + password.n;
    answer->url = arena_printf(a, "%.*s${%s}%s", (int)from, url, answer->variable, url + to);
}

/* NULL: there is none. A second line of it would be a line of env.ini, with a key of its own. */
static const char *take_name(struct findings *out, struct arena *a, const struct ini_request *q, const char *section,
                             const char *key)
{
    const char *name = ini_value(a, q, section, key);
    if (name && strchr(name, '\n')) {
        struct finding *found = finding_add(out, IMPORT_CONFLICT, &q->file, SIZE_MAX, "%s in [%s] has several lines",
                                            key, section);
        err_hint(&found->err, "an indented line goes on with the value above it");
        return NULL;
    }
    return name && *name ? name : NULL;
}

void import_read_ini(struct findings *out, struct arena *a, const struct ini_request *request,
                     struct ini_answer *answer)
{
    *answer = (struct ini_answer){.url_key = request->registry ? "tenant_url" : "url"};
    answer->section = has_section(&request->file, request->stream) ? request->stream
                      : has_section(&request->file, "alembic")     ? "alembic"
                                                                   : NULL;
    if (!answer->section) {
        struct finding *found = finding_add(out, IMPORT_CONFLICT, &request->file, SIZE_MAX,
                                            "there is no section [%s], and no [alembic]", request->stream);
        err_hint(&found->err, "--ini takes the alembic.ini of the project");
        return;
    }
    const char *url = ini_value(a, request, answer->section, "sqlalchemy.url");
    answer->version_table = take_name(out, a, request, answer->section, "version_table");
    answer->version_table_schema = take_name(out, a, request, answer->section, "version_table_schema");
    /* A fleet's tenants have addresses in the registry; only a single database must have one here. */
    if (url || !request->registry)
        take_url(a, request, url ? url : "", answer);
}

/* ---- env.ini ---- */

void env_ini_new(struct buf *out, const char *head, const struct env_keys *keys, const char *since)
{
    buf_addf(out, "# %s\n[stream]\n", head);
    for (size_t i = 0; i < keys->n; i++)
        buf_addf(out, "%s = %s\n", keys->v[i].key, keys->v[i].value);
    if (since)
        buf_addf(out,
                 "\n[lint]\n# what was imported is applied where it matters: lint speaks of what comes behind it\n"
                 "since = %s\n",
                 since);
}

/* The value that is there; false: none. */
static bool env_value(struct str text, const char *key, struct str *value)
{
    struct str line, k;
    bool inside = false;
    while (text.n && str_next(&text, '\n', &line)) {
        if (line.n && line.p[0] == '[')
            inside = is_section(line, "stream");
        else if (inside && !is_comment(line) && split_key(line, &k, value) && str_is(k, key))
            return true;
    }
    return false;
}

static void add_missing(struct buf *out, struct str text, const struct env_keys *keys)
{
    struct str value;
    for (size_t i = 0; i < keys->n; i++)
        if (!env_value(text, keys->v[i].key, &value))
            buf_addf(out, "%s = %s\n", keys->v[i].key, keys->v[i].value);
}

static void add_line_with(struct buf *out, struct str line, const struct env_keys *keys)
{
    struct str key, value;
    for (size_t i = 0; i < keys->n && !is_comment(line) && split_key(line, &key, &value); i++)
        if (str_is(key, keys->v[i].key)) {
            buf_addf(out, "%s = %s\n", keys->v[i].key, keys->v[i].value);
            return;
        }
    buf_addf(out, "%.*s\n", STR_ARG(line));
}

void env_ini_with(struct buf *out, struct str text, const struct env_keys *keys)
{
    struct str rest = text, line;
    bool inside = false;
    while (rest.n && str_next(&rest, '\n', &line)) {
        bool group = line.n && line.p[0] == '[';
        if (group)
            inside = is_section(line, "stream");
        if (group || !inside)
            buf_addf(out, "%.*s\n", STR_ARG(line));
        else
            add_line_with(out, line, keys);
        if (group && inside)
            add_missing(out, text, keys);
    }
}
