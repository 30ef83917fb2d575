/*
 * Fuzzes what people say of tenants: lists, globs, shares, canaries. Whatever they say, the choice is the one that a slow
 * and plain look at every id gives; shares part the fleet; and stages hold everybody once, canaries first, waves in order.
 *
 * The input is lines: the fleet (ids separated by tabs, with ":WAVE" behind or not), ids to take, globs, ids to leave out,
 * --canary, --shard, the size of a wave; the rest is a file for --tenants-from. Lines 2 to 4 have tabs, too; "-" is none.
 */
#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "run/tenants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 40 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static struct strings cells(struct arena *a, struct str line)
{
    struct strings out = {0};
    struct str piece;
    while (!str_is(line, "-") && out.n < MOST && str_next(&line, '\t', &piece))
        vec_push(a, &out, arena_str(a, piece));
    return out;
}

/* The fleet: no id twice, none empty, as tenants_check() has it. */
static void read_fleet(struct tenant_list *list, struct str line)
{
    struct str piece;
    struct strings seen = {0};
    while (list->n < MOST && str_next(&line, '\t', &piece)) {
        size_t colon = str_find_last(piece, ':');
        uint64_t wave = INT32_MAX;
        if (colon < piece.n && str_number(str_slice(piece, colon + 1, piece.n), INT32_MAX - 1, &wave))
            piece = str_slice(piece, 0, colon);
        const char *id = arena_str(&list->arena, piece);
        if (!*id || strings_has(&seen, id))
            continue;
        vec_push(&list->arena, &seen, id);
        vec_push(&list->arena, list, (struct tenant){.id = id, .wave = (int32_t)wave});
    }
}

static void copy_list(struct tenant_list *to, const struct tenant_list *from)
{
    for (size_t i = 0; i < from->n; i++)
        vec_push(&to->arena, to, from->v[i]);
}

static bool fits(const struct strings *globs, const char *id)
{
    for (size_t i = 0; i < globs->n; i++)
        if (fnmatch(globs->v[i], id, 0) == 0)
            return true;
    return !globs->n;
}

static bool is_chosen(const struct choice *c, const char *id)
{
    return (!c->has_only || strings_has(&c->only, id)) && fits(&c->match, id) && !strings_has(&c->except, id);
}

/* Is every id, and every glob, about somebody? */
static bool is_sensible(const struct tenant_list *list, const struct choice *c)
{
    struct strings ids = {0};
    ARENA_AUTO a = {0};
    for (size_t i = 0; i < list->n; i++)
        vec_push(&a, &ids, list->v[i].id);
    for (size_t i = 0; c->has_only && i < c->only.n; i++)
        if (!strings_has(&ids, c->only.v[i]))
            return false;
    for (size_t i = 0; i < c->except.n; i++)
        if (!strings_has(&ids, c->except.v[i]))
            return false;
    for (size_t g = 0; g < c->match.n; g++) {
        bool any = false;
        for (size_t i = 0; i < list->n; i++)
            any |= fnmatch(c->match.v[g], list->v[i].id, 0) == 0;
        if (!any)
            return false;
    }
    return true;
}

static void check_choice(const struct tenant_list *fleet, const struct choice *c)
{
    struct tenant_list chosen = {0}, kept = {0};
    AUTO_ERR e = {0};
    size_t at = 0, left = 0;
    for (size_t i = 0; i < fleet->n; i++)
        left += is_chosen(c, fleet->v[i].id);
    copy_list(&chosen, fleet);
    copy_list(&kept, fleet);
    bool ok = tenants_choose(&chosen, c, &e);
    bool nobody_is_fine = !fleet->n || (c->has_only && !c->only.n);
    must(ok == (is_sensible(fleet, c) && (left || nobody_is_fine)));
    must(ok || (e.fault == FAULT_USAGE && chosen.n == fleet->n));
    tenants_keep(&kept, c);
    for (size_t i = 0; i < fleet->n; i++) {
        const char *id = fleet->v[i].id;
        if (!is_chosen(c, id) || (c->shard.count && tenant_shard(id, c->shard.count) != c->shard.index))
            continue;
        must(kept.v[at].id == id && (!ok || chosen.v[at].id == id));
        at++;
    }
    must(kept.n == at && (!ok || chosen.n == at));
    tenants_free(&chosen);
    tenants_free(&kept);
}

static void check_shares(const struct tenant_list *fleet, const struct choice *c)
{
    enum { SHARES = 3 };
    size_t total = 0;
    for (uint32_t i = 0; i < SHARES; i++) {
        struct tenant_list part = {0};
        copy_list(&part, fleet);
        tenants_keep(&part, &(struct choice){.shard = {i, SHARES}});
        total += part.n;
        tenants_free(&part);
    }
    must(total == fleet->n && (!c->shard.count || c->shard.index < c->shard.count));
}

static size_t place_of(const struct tenant_list *list, const char *id)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->v[i].id == id)
            return i;
    abort();
}

static void check_wave(const struct tenant_list *fleet, const struct tenant *wave, size_t n, size_t wave_size)
{
    must(n > 0 && (!wave_size || n <= wave_size));
    for (size_t i = 1; i < n; i++)
        must(wave[i].wave == wave[0].wave && place_of(fleet, wave[i - 1].id) < place_of(fleet, wave[i].id));
}

static void check_stages(const struct tenant_list *fleet, const struct rollout *r)
{
    struct tenant_list list = {0};
    struct stages stages;
    AUTO_ERR e = {0};
    size_t begin = 0;
    copy_list(&list, fleet);
    bool ok = tenants_arrange(&list, r, &stages, &e);
    must(ok || (r->canaries.n && e.fault == FAULT_USAGE));
    for (size_t i = 0; ok && i < fleet->n; i++)
        place_of(&list, fleet->v[i].id);
    for (size_t s = 0; ok && s < stages.n; s++) {
        size_t end = stages.ends[s];
        if (s || !stages.canaries)
            check_wave(fleet, list.v + begin, end - begin, r->wave_size);
        else
            must(end == stages.canaries);
        must(s < 1 + (stages.canaries > 0) || list.v[begin - 1].wave <= list.v[begin].wave);
        begin = end;
    }
    must(!ok || !stages.n || begin == list.n);
    for (size_t i = 0; ok && r->canaries.n && i < list.n; i++)
        must(strings_has(&r->canaries, list.v[i].id) == (i < stages.canaries));
    must(!ok || r->canaries.n || stages.canaries == (r->canary_number < list.n ? r->canary_number : list.n));
    tenants_free(&list);
}

static void check_canaries(struct str text, struct rollout *out)
{
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    BUF_AUTO again = {0};
    if (!canary_parse(&a, text, out, &e)) {
        must(e.fault == FAULT_USAGE);
        *out = (struct rollout){0};
        return;
    }
    must(!out->canary_number == (out->canaries.n > 0));
    strings_join(&again, &out->canaries, ",");
    buf_addc(&again, ',');
    must(!out->canaries.n || memchr(text.p, 0, text.n) || str_starts(buf_str(&again), text));
    out->canaries = (struct strings){0}; /* the arena's */
}

static void check_list(struct str text)
{
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0}, none = {0};
    BUF_AUTO again = {0};
    struct strings ids = {0}, same = {0};
    if (!tenants_parse(&a, text, "list", &ids, &e)) {
        must(e.fault == FAULT_USAGE && e.path && e.line > 0 && e.column > 0);
        return;
    }
    must(ids.n > 0);
    for (size_t i = 0; i < ids.n; i++) {
        struct str id = str_from(ids.v[i]);
        must(id.n && id.p[0] != '#' && str_eq(str_trim(id), id) && str_utf8_error(id) == id.n);
    }
    strings_join(&again, &ids, "\r\n");
    if (str_starts(buf_str(&again), STR("\xEF\xBB\xBF")))
        return; /* a second mark is an id's own text, and would be the first now */
    must(tenants_parse(&a, buf_str(&again), "list", &same, &none) && strings_equal(&ids, &same));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { FLEET, ONLY, MATCH, EXCEPT, CANARY, SHARD, SIZE, LINES };
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    struct tenant_list fleet = {0};
    struct str rest = {(const char *)data, size}, lines[LINES] = {0};
    struct rollout rollout = {0};
    uint64_t wave_size = 0;
    for (size_t i = 0; i < LINES; i++)
        str_next(&rest, '\n', &lines[i]);
    struct choice c = {.has_only = !str_is(lines[ONLY], "-"),
                       .only = cells(&a, lines[ONLY]),
                       .match = cells(&a, lines[MATCH]),
                       .except = cells(&a, lines[EXCEPT])};
    read_fleet(&fleet, lines[FLEET]);
    must(shard_parse(lines[SHARD], &c.shard, &e) || (e.fault == FAULT_USAGE && !c.shard.count));
    check_choice(&fleet, &c);
    check_shares(&fleet, &c);
    check_canaries(lines[CANARY], &rollout);
    str_number(lines[SIZE], MOST, &wave_size);
    rollout.wave_size = (size_t)wave_size;
    check_stages(&fleet, &rollout);
    rollout.canaries = c.only;
    check_stages(&fleet, &rollout);
    check_list(rest);
    tenants_free(&fleet);
    return 0;
}
