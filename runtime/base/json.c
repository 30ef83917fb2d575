/* The JSON writer. Only builds text; where it goes is the caller's business. */
#include "base/json.h"

#include <inttypes.h>

static void begin_value(struct json *j)
{
    if (j->comma)
        buf_addz(j->out, ", ");
    j->comma = true;
}

static void open_with(struct json *j, char c)
{
    begin_value(j);
    buf_addc(j->out, c);
    j->comma = false;
}

static void close_with(struct json *j, char c)
{
    buf_addc(j->out, c);
    j->comma = true;
}

void json_object(struct json *j)
{
    open_with(j, '{');
}

void json_end_object(struct json *j)
{
    close_with(j, '}');
}

void json_array(struct json *j)
{
    open_with(j, '[');
}

void json_end_array(struct json *j)
{
    close_with(j, ']');
}

static void add_plain(struct buf *out, unsigned char c)
{
    if (c == '"' || c == '\\') {
        buf_addc(out, '\\');
        buf_addc(out, (char)c);
    } else if (c == '\n') {
        buf_addz(out, "\\n");
    } else if (c == '\t') {
        buf_addz(out, "\\t");
    } else if (c < 0x20 || c == 0x7F) {
        buf_addf(out, "\\u%04x", c);
    } else {
        buf_addc(out, (char)c);
    }
}

static void add_quoted(struct buf *out, struct str s)
{
    buf_addc(out, '"');
    while (s.n) {
        size_t good = str_utf8_error(s);
        for (size_t i = 0; i < good; i++)
            add_plain(out, (unsigned char)s.p[i]);
        s = str_slice(s, good, s.n);
        if (s.n) {
            buf_addz(out, "\xEF\xBF\xBD");
            s = str_slice(s, 1, s.n);
        }
    }
    buf_addc(out, '"');
}

void json_key(struct json *j, const char *key)
{
    begin_value(j);
    add_quoted(j->out, str_from(key));
    buf_addz(j->out, ": ");
    j->comma = false;
}

void json_str(struct json *j, struct str s)
{
    begin_value(j);
    add_quoted(j->out, s);
}

void json_text(struct json *j, const char *z)
{
    if (z)
        json_str(j, str_from(z));
    else
        json_null(j);
}

void json_int(struct json *j, int64_t value)
{
    begin_value(j);
    buf_addf(j->out, "%" PRId64, value);
}

void json_bool(struct json *j, bool value)
{
    begin_value(j);
    buf_addz(j->out, value ? "true" : "false");
}

void json_null(struct json *j)
{
    begin_value(j);
    buf_addz(j->out, "null");
}

void json_put_text(struct json *j, const char *key, const char *z)
{
    json_key(j, key);
    json_text(j, z);
}

void json_put_int(struct json *j, const char *key, int64_t value)
{
    json_key(j, key);
    json_int(j, value);
}

void json_put_bool(struct json *j, const char *key, bool value)
{
    json_key(j, key);
    json_bool(j, value);
}

void json_put_strings(struct json *j, const char *key, const struct strings *list)
{
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < list->n; i++)
        json_text(j, list->v[i]);
    json_end_array(j);
}
