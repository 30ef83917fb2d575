/*
 * Fingerprints: made of a catalog, written and read as text, compared line by line.
 *
 * Both sides of a comparison are lists in the order of the text, where parts follow what they are part of. Two such lists
 * are merged in one pass: as long as names agree both go down together, and where one side alone goes on, or goes deeper,
 * what it has there is missing or unexpected, with everything below it.
 */
#include "schema/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "db/db.h"
#include "model/graph.h"
#include "schema/tokens.h"

enum { HASH_DIGITS = 16, STABLE_DIGITS = 8, DEPTH_MOST = 16 };

static const char beside_line[] = "beside the schema";

static int compare_text(struct str a, struct str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Siblings in the order of the text. */
static int compare_items(const struct fingerprint_item *a, const struct fingerprint_item *b)
{
    if (a->beside != b->beside)
        return a->beside ? 1 : -1;
    int order = compare_text(a->kind, b->kind);
    return order ? order : compare_text(a->name, b->name);
}

/* ------------------------------------------------------------------------------------------------------------- names */

/* What stands in front of the names of a schema: public. and "public". both, since SQL wants quotes around keywords. */
struct qualifier {
    struct str bare, quoted;
};

static bool is_bare(const char *name)
{
    const char *p = name;
    while ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' || *p == '$')
        p++;
    return !*p && p != name;
}

static struct qualifier qualifier_of(struct arena *a, const char *schema)
{
    BUF_AUTO quoted = {0};
    db_quote_name(&quoted, schema);
    buf_addc(&quoted, '.');
    return (struct qualifier){
        .bare = is_bare(schema) ? str_from(arena_printf(a, "%s.", schema)) : (struct str){0},
        .quoted = str_from(arena_str(a, buf_str(&quoted))),
    };
}

static size_t qualifier_length(const struct qualifier *q, struct str rest)
{
    if (q->bare.n && str_starts(rest, q->bare))
        return q->bare.n;
    return str_starts(rest, q->quoted) ? q->quoted.n : 0;
}

/* A name may begin behind this character. */
static bool is_boundary(char c)
{
    return c == ' ' || c == '(' || c == ',' || c == '[';
}

static void add_escaped(struct buf *out, char c)
{
    unsigned char byte = (unsigned char)c;
    if (byte < 0x20 || byte == 0x7F || byte == '\\')
        buf_addf(out, "\\x%02x", (unsigned)byte);
    else
        buf_addc(out, c);
}

/* The identity without the schema's qualifier, wherever it stands: public.f(public.mood) is f(mood). */
static struct str relative_name(struct arena *a, const char *identity, const struct qualifier *q)
{
    BUF_AUTO out = {0};
    struct str rest = str_from(identity);
    bool boundary = true;
    for (bool quoted = false; rest.n; rest = str_slice(rest, 1, rest.n)) {
        size_t n = boundary && !quoted ? qualifier_length(q, rest) : 0;
        rest = str_slice(rest, n, rest.n);
        if (!rest.n)
            break;
        if (*rest.p == '"')
            quoted = !quoted;
        add_escaped(&out, *rest.p);
        boundary = is_boundary(*rest.p);
    }
    return str_from(arena_str(a, buf_str(&out)));
}

/* ------------------------------------------------------------------------------------------------------------ hashes */

/*
 * Attributes that every major version of PostgreSQL prints alike. All others are, or hold, text that the server makes of an
 * expression, a query or a definition.
 */
static bool is_stable(const struct attribute *attribute)
{
    static const char *const names[] = {"type",
                                        "collation",
                                        "not_null",
                                        "as_identity",
                                        "labels",
                                        "persistence",
                                        "row_security",
                                        "permissive",
                                        "command",
                                        "roles",
                                        "result",
                                        "enabled",
                                        "event",
                                        "invalid",
                                        "not_valid",
                                        "deferrable",
                                        "force_row_security",
                                        "kind"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(attribute->name, names[i]) == 0)
            return true;
    return false;
}

static void add_value(struct hash *h, const struct attribute *attribute, const char *value)
{
    hash_add_piece(h, attribute->name, strlen(attribute->name));
    hash_add_piece(h, value, strlen(value));
}

static struct str finish_hash(struct arena *a, struct hash *h, size_t digits)
{
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    hash_finish(h, sum);
    hash_hex(sum, hex);
    return str_from(arena_str(a, (struct str){hex, digits}));
}

/* What is not set does not count, so that an attribute which is new to the tables changes those alone that have it. */
static void hash_object(struct arena *a, const struct object *o, const struct policy *policy, bool has_stable,
                        struct fingerprint_item *out)
{
    struct hash *all = hash_new(), *stable = hash_new();
    for (uint16_t i = 0; i < o->kind->n_attributes; i++) {
        const struct attribute *attribute = &o->kind->attributes[i];
        const char *value = policy_counts(policy, attribute) ? policy_value(a, policy, attribute, o->values[i]) : NULL;
        if (!value)
            continue;
        add_value(all, attribute, value);
        if (is_stable(attribute))
            add_value(stable, attribute, value);
    }
    out->hash = finish_hash(a, all, HASH_DIGITS);
    out->stable = finish_hash(a, stable, has_stable ? STABLE_DIGITS : 0);
}

/* -------------------------------------------------------------------------------------------------------- of a schema */

struct maker {
    struct arena *a;
    const struct catalog *c;
    struct fingerprint_item *items; /* one for each object */
    uint32_t *parent;               /* OBJECT_NONE: part of nothing */
    bool *left_out;
    uint32_t *order; /* of those that are not left out: by parent, then as siblings stand */
    size_t n;
    struct fingerprint *out;
};

/* The schema itself has another name in each tenant, and "public" is there whether anybody wants it or not. */
static bool is_own_schema(const struct catalog *c, const struct object *o)
{
    BUF_AUTO quoted = {0};
    if (strcmp(o->kind->name, "schema") != 0)
        return false;
    db_quote_name(&quoted, c->schema);
    return strcmp(o->identity, "public") == 0 || strcmp(o->identity, c->schema) == 0 ||
           strcmp(o->identity, quoted.p) == 0;
}

static void make_item(struct maker *m, uint32_t i, const struct qualifier *q, const struct policy *policy)
{
    const struct object *o = &m->c->objects.v[i];
    struct fingerprint_item *item = &m->items[i];
    uint32_t parent = o->parent;
    if (parent != OBJECT_NONE && is_own_schema(m->c, &m->c->objects.v[parent]))
        parent = OBJECT_NONE;
    m->parent[i] = parent;
    m->left_out[i] = (parent != OBJECT_NONE && m->left_out[parent]) || !policy_counts_kind(policy, o->kind) ||
                     is_own_schema(m->c, o);
    if (m->left_out[i])
        return;
    item->kind = str_from(o->kind->name);
    item->kept = o->kind->flags & KIND_KEPT;
    item->name = relative_name(m->a, o->identity, q);
    item->depth = parent == OBJECT_NONE ? 0 : m->items[parent].depth + 1;
    if (parent != OBJECT_NONE)
        item->beside = m->items[parent].beside;
    else
        item->beside = m->out->dialect == DIALECT_POSTGRESQL && !qualifier_length(q, str_from(o->identity));
    hash_object(m->a, o, policy, m->out->dialect == DIALECT_POSTGRESQL, item);
    m->order[m->n++] = i;
}

static int compare_objects(const void *left, const void *right, void *context)
{
    const struct maker *m = context;
    uint32_t x = *(const uint32_t *)left, y = *(const uint32_t *)right;
    uint64_t px = (uint64_t)m->parent[x] + 1, py = (uint64_t)m->parent[y] + 1;
    px = m->parent[x] == OBJECT_NONE ? 0 : px;
    py = m->parent[y] == OBJECT_NONE ? 0 : py;
    if (px != py)
        return px < py ? -1 : 1;
    int order = compare_items(&m->items[x], &m->items[y]);
    return order ? order : compare_text(m->items[x].hash, m->items[y].hash);
}

/* The place in the order where the parts of an object begin, or would. */
static size_t parts_of(const struct maker *m, uint32_t parent)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t of = m->parent[m->order[middle]];
        if (of == OBJECT_NONE || of < parent)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_from(struct maker *m, size_t at, uint32_t parent)
{
    for (; at < m->n && m->parent[m->order[at]] == parent; at++) {
        m->out->items[m->out->n++] = m->items[m->order[at]];
        add_from(m, parts_of(m, m->order[at]), m->order[at]);
    }
}

void fingerprint_of(struct arena *a, const struct catalog *c, enum dialect dialect, const struct policy *policy,
                    struct fingerprint *out)
{
    size_t n = c->objects.n;
    struct maker m = {
        .a = a,
        .c = c,
        .items = ARENA_ARRAY(a, struct fingerprint_item, n),
        .parent = ARENA_ARRAY(a, uint32_t, n),
        .left_out = ARENA_ARRAY(a, bool, n),
        .order = ARENA_ARRAY(a, uint32_t, n),
        .out = out,
    };
    struct qualifier q = qualifier_of(a, c->schema);
    *out = (struct fingerprint){.dialect = dialect, .policy = *policy};
    out->major = dialect == DIALECT_POSTGRESQL ? c->version / 10000 : 0;
    out->items = ARENA_ARRAY(a, struct fingerprint_item, n);
    for (uint32_t i = 0; i < n; i++)
        make_item(&m, i, &q, policy);
    if (m.n)
        qsort_r(m.order, m.n, sizeof *m.order, compare_objects, &m);
    add_from(&m, 0, OBJECT_NONE);
}

/* ---------------------------------------------------------------------------------------------------------- writing */

static void add_list(struct buf *out, const char *key, const struct strings *list)
{
    buf_addf(out, "%s:%s", key, list->n ? " " : "");
    strings_join(out, list, ", ");
    buf_addc(out, '\n');
}

static void add_head(struct buf *out, const struct fingerprint *f)
{
    buf_addz(out, "# What the revisions build, an object a line. Made by migrate-gen, compared by drift.\n");
    buf_addf(out, "version: %d\n", FINGERPRINT_VERSION);
    if (f->dialect == DIALECT_POSTGRESQL)
        buf_addf(out, "dialect: postgresql %u\n", f->major);
    else
        buf_addz(out, "dialect: sqlite\n");
    add_list(out, "heads", &f->heads);
    buf_addf(out, "revisions: %s\n", f->revisions);
    add_list(out, "grants", &f->policy.grant_roles);
    add_list(out, "ignores", &f->ignored);
    buf_addc(out, '\n');
}

void fingerprint_write(struct buf *out, const struct fingerprint *f)
{
    add_head(out, f);
    for (size_t i = 0; i < f->n; i++) {
        const struct fingerprint_item *item = &f->items[i];
        if (item->beside && (i == 0 || !f->items[i - 1].beside))
            buf_addf(out, "%s\n", beside_line);
        buf_adds(out, item->hash);
        if (item->stable.n)
            buf_addf(out, ":%.*s", STR_ARG(item->stable));
        buf_pad(out, ' ', 1 + 2 * (size_t)item->depth);
        buf_adds(out, item->kind);
        buf_addz(out, ": ");
        buf_adds(out, item->name);
        buf_addc(out, '\n');
    }
}

/* ---------------------------------------------------------------------------------------------------------- reading */

struct parser {
    struct arena *a;
    struct str rest;
    uint32_t line;
    struct fingerprint *out;
    VEC(struct fingerprint_item) items;
    size_t last[DEPTH_MOST + 1]; /* 1 + the newest item at each depth that the next one may be a sibling of; 0: none */
    bool beside;
    struct fingerprint_flaw *flaw;
};

static bool flaw_at(struct parser *p, const char *text)
{
    p->flaw->line = p->line;
    p->flaw->text = text;
    return false;
}

static bool next_line(struct parser *p, struct str *line)
{
    if (!p->rest.n || !str_next(&p->rest, '\n', line))
        return false;
    p->line++;
    return true;
}

/* The value of a line "key: value". */
static bool take_key(struct parser *p, const char *key, struct str *value)
{
    struct str line = {0};
    do {
        if (!next_line(p, &line))
            return flaw_at(p, arena_printf(p->a, "the line \"%s: …\" is missing", key));
    } while (str_starts(line, STR("#")));
    size_t n = str_find(line, ':');
    if (n == line.n || !str_is(str_slice(line, 0, n), key))
        return flaw_at(p, arena_printf(p->a, "the line \"%s: …\" is missing", key));
    *value = str_trim(str_slice(line, n + 1, line.n));
    return true;
}

static bool parse_version(struct parser *p)
{
    struct str value;
    uint64_t version;
    if (!take_key(p, "version", &value))
        return false;
    if (str_number(value, UINT32_MAX, &version) && version == FINGERPRINT_VERSION)
        return true;
    p->flaw->other_version = true;
    return flaw_at(
        p, arena_printf(p->a, "the version is %.*s, and this is version %d", STR_ARG(value), FINGERPRINT_VERSION));
}

static bool parse_dialect(struct parser *p)
{
    struct str value;
    uint64_t major = 0;
    if (!take_key(p, "dialect", &value))
        return false;
    p->out->dialect = str_is(value, "sqlite") ? DIALECT_SQLITE : DIALECT_POSTGRESQL;
    if (p->out->dialect == DIALECT_POSTGRESQL &&
        (!str_starts(value, STR("postgresql ")) || !str_number(str_slice(value, 11, value.n), 999, &major) || !major))
        return flaw_at(p, "the dialect is \"postgresql MAJOR\" or \"sqlite\"");
    p->out->major = (uint32_t)major;
    return true;
}

static bool is_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

static bool take_list(struct parser *p, const char *key, struct strings *out)
{
    struct str value, word;
    if (!take_key(p, key, &value))
        return false;
    for (struct str rest = value; value.n && str_next(&rest, ',', &word);)
        vec_push(p->a, out, arena_str(p->a, str_trim(word)));
    return true;
}

static bool parse_made_from(struct parser *p)
{
    struct fingerprint *f = p->out;
    struct str revisions;
    if (!take_list(p, "heads", &f->heads) || !take_key(p, "revisions", &revisions))
        return false;
    if (revisions.n != SHA256_HEX - 1 || !is_hex(revisions))
        return flaw_at(p, "a checksum has 64 hex digits");
    memcpy(f->revisions, revisions.p, revisions.n);
    if (!take_list(p, "grants", &f->policy.grant_roles) || !take_list(p, "ignores", &f->ignored))
        return false;
    f->policy.grants = f->policy.grant_roles.n > 0;
    return true;
}

/* "4f2a9c01d3e4b5a6:71e0aa55" off the front of the line. */
static bool take_hashes(struct parser *p, struct str *line, struct fingerprint_item *item)
{
    size_t n = p->out->dialect == DIALECT_POSTGRESQL ? HASH_DIGITS + 1 + STABLE_DIGITS : HASH_DIGITS;
    if (line->n <= n || line->p[n] != ' ')
        return false;
    item->hash = str_slice(*line, 0, HASH_DIGITS);
    if (n > HASH_DIGITS) {
        if (line->p[HASH_DIGITS] != ':')
            return false;
        item->stable = str_slice(*line, HASH_DIGITS + 1, n);
    }
    *line = str_slice(*line, n + 1, line->n);
    return is_hex(item->hash) && is_hex(item->stable);
}

static bool take_name(struct str line, struct fingerprint_item *item)
{
    size_t blanks = 0;
    while (blanks < line.n && line.p[blanks] == ' ')
        blanks++;
    line = str_slice(line, blanks, line.n);
    size_t n = str_find(line, ':');
    if (blanks % 2 || blanks / 2 > DEPTH_MOST || n == 0 || n + 2 >= line.n || line.p[n + 1] != ' ')
        return false;
    item->depth = (uint32_t)blanks / 2;
    item->kind = str_slice(line, 0, n);
    item->name = str_slice(line, n + 2, line.n);
    return true;
}

/* A merge of two lists in order finds nothing in one that is not. */
static bool check_order(struct parser *p, const struct fingerprint_item *item)
{
    size_t before = p->last[item->depth];
    if (item->depth && !p->last[item->depth - 1])
        return flaw_at(p, "the line is deeper than what it could be part of");
    if (before && compare_items(&p->items.v[before - 1], item) > 0)
        return flaw_at(p, "the line is not in its place: the lines are sorted");
    for (size_t i = item->depth; i <= DEPTH_MOST; i++)
        p->last[i] = 0;
    p->last[item->depth] = p->items.n + 1;
    return true;
}

static bool parse_item(struct parser *p, struct str line)
{
    struct fingerprint_item item = {.beside = p->beside};
    if (!take_hashes(p, &line, &item) || !take_name(line, &item))
        return flaw_at(p, "the line is no \"HASH KIND: NAME\"");
    if (!check_order(p, &item))
        return false;
    vec_push(p->a, &p->items, item);
    return true;
}

static bool parse_items(struct parser *p)
{
    struct str line;
    while (next_line(p, &line)) {
        if (str_is(line, beside_line) && !p->beside) {
            p->beside = true;
            memset(p->last, 0, sizeof p->last);
        } else if (line.n && !parse_item(p, line)) {
            return false;
        }
    }
    p->out->items = p->items.v;
    p->out->n = p->items.n;
    return true;
}

bool fingerprint_parse(struct arena *a, struct str text, struct fingerprint *out, struct fingerprint_flaw *flaw)
{
    struct parser p = {.a = a, .rest = text, .out = out, .flaw = flaw};
    *out = (struct fingerprint){0};
    *flaw = (struct fingerprint_flaw){0};
    if (text.n && memchr(text.p, '\0', text.n))
        return flaw_at(&p, "there is a NUL byte");
    return parse_version(&p) && parse_dialect(&p) && parse_made_from(&p) && parse_items(&p);
}

/* -------------------------------------------------------------------------------------------------------- revisions */

static int compare_ids(const void *a, const void *b)
{
    const struct revision *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

static void add_ids(struct hash *h, const struct stream *stream, const uint32_t *v, uint32_t n)
{
    uint8_t count[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    hash_add(h, count, sizeof count);
    for (uint32_t i = 0; i < n; i++) {
        const char *id = stream->revisions[v[i]]->id;
        hash_add_piece(h, id, strlen(id));
    }
}

static void add_revision(struct hash *h, const struct stream *stream, const struct revision *r, enum dialect dialect)
{
    int8_t pick = r->pick[DIRECTION_UP][dialect];
    uint8_t sum[SHA256_BYTES] = {0};
    hash_add_piece(h, r->id, strlen(r->id));
    add_ids(h, stream, r->down, r->n_down);
    add_ids(h, stream, r->depends, r->n_depends);
    if (pick != SECTION_NONE) {
        const struct revision_section *s = &r->sections[pick];
        struct str body = {(const char *)r->text + s->offset, s->length};
        tokens_sha256(body, DIALECT_BIT(dialect), sum);
    }
    hash_add(h, sum, sizeof sum);
}

void fingerprint_revisions(struct arena *a, const struct stream *stream, enum dialect dialect, char out[SHA256_HEX],
                           struct strings *heads)
{
    const struct revision **sorted = ARENA_ARRAY(a, const struct revision *, stream->n_revisions);
    const struct graph *g = graph_new(a, stream);
    struct revlist real = graph_real_heads(a, g);
    struct hash *h = hash_new();
    uint8_t sum[SHA256_BYTES];
    for (uint32_t i = 0; i < stream->n_revisions; i++)
        sorted[i] = stream->revisions[i];
    if (stream->n_revisions)
        qsort(sorted, stream->n_revisions, sizeof *sorted, compare_ids);
    for (uint32_t i = 0; i < stream->n_revisions; i++)
        add_revision(h, stream, sorted[i], dialect);
    hash_finish(h, sum);
    hash_hex(sum, out);
    for (size_t i = 0; i < real.n; i++)
        vec_push(a, heads, graph_revision(g, real.v[i])->id);
    strings_sort(heads);
}

/* -------------------------------------------------------------------------------------------------------- comparing */

static size_t end_of(const struct fingerprint *f, bool schema_only)
{
    size_t n = 0;
    if (!schema_only)
        return f->n;
    while (n < f->n && !f->items[n].beside)
        n++;
    return n;
}

/* The first item behind this one and its parts. */
static size_t skip_parts(const struct fingerprint *f, size_t i, size_t end)
{
    size_t next = i + 1;
    while (next < end && f->items[next].depth > f->items[i].depth)
        next++;
    return next;
}

/* Negative: only wanted has this one; positive: only found. Whoever is deeper still has parts where the other has none. */
static int compare_places(const struct fingerprint_item *wanted, const struct fingerprint_item *found)
{
    if (wanted->depth != found->depth)
        return wanted->depth > found->depth ? -1 : 1;
    return compare_items(wanted, found);
}

static void add_difference(struct arena *a, struct fingerprint_differences *out, enum verdict verdict,
                           const struct fingerprint_item *item)
{
    vec_push(a, out, (struct fingerprint_difference){verdict, item});
}

static void compare_hashes(struct arena *a, const struct fingerprint_item *wanted, const struct fingerprint_item *found,
                           bool same_major, struct fingerprint_differences *out)
{
    if (str_eq(wanted->hash, found->hash))
        return;
    if (same_major || !str_eq(wanted->stable, found->stable))
        add_difference(a, out, VERDICT_DIFFERENT, wanted);
    else
        out->unsure++;
}

void fingerprint_compare(struct arena *a, const struct fingerprint *wanted, const struct fingerprint *found,
                         bool schema_only, struct fingerprint_differences *out)
{
    size_t w = 0, f = 0, w_end = end_of(wanted, schema_only), f_end = end_of(found, schema_only);
    while (w < w_end || f < f_end) {
        int order = w == w_end ? 1 : f == f_end ? -1 : compare_places(&wanted->items[w], &found->items[f]);
        if (order < 0) {
            add_difference(a, out, VERDICT_MISSING, &wanted->items[w]);
            w = skip_parts(wanted, w, w_end);
        } else if (order > 0) {
            if (!found->items[f].kept)
                add_difference(a, out, VERDICT_UNEXPECTED, &found->items[f]);
            f = skip_parts(found, f, f_end);
        } else {
            compare_hashes(a, &wanted->items[w++], &found->items[f++], wanted->major == found->major, out);
        }
    }
}

void fingerprint_describe(struct buf *out, const struct fingerprint_difference *d)
{
    static const char *const words[] = {
        [VERDICT_MISSING] = "missing", [VERDICT_UNEXPECTED] = "unexpected", [VERDICT_DIFFERENT] = "changed"};
    buf_addf(out, "%s %.*s %.*s", words[d->verdict], STR_ARG(d->item->kind), STR_ARG(d->item->name));
}
