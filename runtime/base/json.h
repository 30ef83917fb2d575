/*
 * A writer of JSON (RFC 8259) into a struct buf: commas, quoting and nesting are its business; the caller pairs begin and
 * end. Strings are written as UTF-8; bytes that are not valid UTF-8 become U+FFFD, so that the output is always JSON.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct json {
    struct buf *out;
    bool comma;
};

/* Other names for the linker: jansson, which reads JSON for us, has these, and a static executable is one name space. */
void json_object(struct json *j) __asm__("json_begin_object");
void json_array(struct json *j) __asm__("json_begin_array");
void json_null(struct json *j) __asm__("json_write_null");
void json_end_object(struct json *j);
void json_end_array(struct json *j);
void json_key(struct json *j, const char *key);
void json_text(struct json *j, const char *z); /* NULL writes null */
void json_str(struct json *j, struct str s);
void json_int(struct json *j, int64_t value);
void json_bool(struct json *j, bool value);

/* Key and value in one call. */
void json_put_text(struct json *j, const char *key, const char *z);
void json_put_int(struct json *j, const char *key, int64_t value);
void json_put_bool(struct json *j, const char *key, bool value);
void json_put_strings(struct json *j, const char *key, const struct strings *list);

#endif
