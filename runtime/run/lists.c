/* Tenants as people write them down: a file with an id on each line, the value of --canary. Pure: text in, ids out. */
#include "run/tenants.h"

static bool refuse_text(struct str text, struct str line, int number, size_t at, const char *name, struct err *e)
{
    int column = 1;
    for (size_t i = 0; i < at; i++)
        column += ((unsigned char)line.p[i] & 0xC0) != 0x80;
    bool is_nul = at < line.n && !line.p[at];
    err_set(e, FAULT_USAGE, is_nul ? "a NUL byte in a list of tenants" : "the list of tenants is not UTF-8");
    err_at(e, name, number, column, (struct str){0});
    if (text.n > 1 && number == 1 && !at && ((unsigned char)text.p[0] == 0xFF || (unsigned char)text.p[0] == 0xFE))
        err_hint(e, "it looks like UTF-16; save it as UTF-8");
    return false;
}

bool tenants_parse(struct arena *a, struct str text, const char *name, struct strings *out, struct err *e)
{
    static const struct str bom = {"\xEF\xBB\xBF", 3};
    size_t before = out->n;
    struct str rest = str_starts(text, bom) ? str_slice(text, bom.n, text.n) : text, line;
    for (int number = 1; str_next(&rest, '\n', &line); number++) {
        size_t wrong = str_utf8_error(line), nul = str_find(line, '\0');
        if (wrong < line.n || nul < line.n)
            return refuse_text(text, line, number, wrong < nul ? wrong : nul, name, e);
        struct str id = str_trim(line);
        if (id.n && id.p[0] != '#')
            vec_push(a, out, arena_str(a, id));
    }
    if (out->n > before)
        return true;
    err_set(e, FAULT_USAGE, "the list of tenants is empty");
    err_at(e, name, 1, 1, (struct str){0});
    err_hint(e, "nobody is meant by it, and certainly not everybody");
    return false;
}

/* "7," is the id 7: one comma may end the list. */
static bool parse_canary_ids(struct arena *a, struct str text, struct strings *out)
{
    struct str rest = text.n && text.p[text.n - 1] == ',' ? str_slice(text, 0, text.n - 1) : text, id;
    while (str_next(&rest, ',', &id)) {
        if (!id.n)
            return false;
        vec_push(a, out, arena_str(a, id));
    }
    return out->n > 0;
}

bool canary_parse(struct arena *a, struct str text, struct rollout *out, struct err *e)
{
    uint64_t number;
    if (!str_number(text, SIZE_MAX, &number)) {
        if (parse_canary_ids(a, text, &out->canaries))
            return true;
        err_set(e, FAULT_USAGE, "--canary \"%.*s\": the id of a tenant is empty", STR_ARG(text));
        err_hint(e, "--canary N, or --canary ID,ID; \"7,\" is the tenant with the id 7");
        return false;
    }
    out->canary_number = (size_t)number;
    if (number)
        return true;
    err_set(e, FAULT_USAGE, "--canary 0: at least one tenant must come first");
    err_hint(e, "leave --canary out to begin with everybody");
    return false;
}
