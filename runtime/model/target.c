/*
 * The grammar of targets. Alembic reads them with `(?:(.+?)@)?(\w+)?((?:\+|-)\d+)`, anchored at the start only, and takes
 * what does not match as [label@]symbol. Here the label is cut off first, at the first "@", so that a label that looks
 * like a relative step ("v-2@head") stays one.
 */
#include "model/plan.h"

#include <stdint.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Where a sign followed by a digit begins the relative part, or s.n. Ids hold neither "+" nor "-". */
static size_t find_offset(struct str s)
{
    for (size_t i = 0; i + 1 < s.n; i++)
        if (s.p[i] == '+' || s.p[i] == '-')
            return is_digit(s.p[i + 1]) ? i : s.n;
    return s.n;
}

static int64_t read_offset(struct str s)
{
    int64_t value = 0;
    int sign = s.p[0] == '-' ? -1 : 1;
    for (size_t i = 1; i < s.n && is_digit(s.p[i]); i++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, sign * (s.p[i] - '0'), &value))
            return sign < 0 ? -INT64_MAX : INT64_MAX;
    return value;
}

static bool is_reserved(struct str label)
{
    static const char *const words[] = {"head", "heads", "base", "current"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_is(label, words[i]))
            return true;
    return false;
}

static bool cut_label(struct str text, struct str *label, struct str *rest, struct err *e)
{
    size_t at = str_find(text, '@');
    *label = (struct str){0};
    *rest = text;
    if (at == text.n)
        return true;
    *label = str_slice(text, 0, at);
    *rest = str_slice(text, at + 1, text.n);
    if (!label->n)
        return err_set(e, FAULT_USAGE, "\"%.*s\" has no branch label before the \"@\"", STR_ARG(text));
    if (!rest->n)
        return err_set(e, FAULT_USAGE, "\"%.*s\" has no revision after the \"@\"", STR_ARG(text));
    if (str_find(*rest, '@') != rest->n)
        return err_set(e, FAULT_USAGE, "\"%.*s\" has more than one \"@\"", STR_ARG(text));
    if (is_reserved(*label))
        return err_set(e, FAULT_USAGE, "\"%.*s\" is no branch label", STR_ARG(*label));
    return true;
}

bool target_parse(struct str text, struct target *out, struct err *e)
{
    struct str rest;
    *out = (struct target){0};
    if (!text.n) {
        err_set(e, FAULT_USAGE, "the target is empty");
        err_hint(e, "give head, +1, a revision, LABEL@head…");
        return false;
    }
    if (str_find(text, ':') != text.n) {
        err_set(e, FAULT_USAGE, "range \"%.*s\" is not allowed here", STR_ARG(text));
        err_hint(e, "FROM:TO goes with --sql, START:END with history");
        return false;
    }
    if (!cut_label(text, &out->label, &rest, e))
        return false;
    size_t at = find_offset(rest);
    out->symbol = str_slice(rest, 0, at);
    if (at == rest.n)
        return true;
    out->shape = at ? TARGET_SYMBOL_RELATIVE : TARGET_RELATIVE;
    out->offset = read_offset(str_slice(rest, at, rest.n));
    return true;
}
