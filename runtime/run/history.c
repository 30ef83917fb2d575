/*
 * The log against the executable: digests, findings, ahead or diverged. Pure; the visit reads and decides.
 */
#include "run/history.h"

#include <assert.h>
#include <string.h>

struct history {
    enum dialect dialect;
    size_t n;
    struct digest *sums; /* by index */
};

/* ------------------------------------------------------------------------------------------------------------ sums */

static const struct revision_section *pick(const struct revision *r, enum direction direction, enum dialect dialect)
{
    int8_t at = r->pick[direction][dialect];
    return at == SECTION_NONE ? NULL : &r->sections[at];
}

static void hash_text(struct hash *h, const char *z)
{
    hash_add_piece(h, z ? z : "", z ? strlen(z) : 0);
}

/* Parents are sorted, because their order in a header changes nothing that is applied. */
static struct digest sum_of(const char *id, struct strings *parents, const char *section_checksum, int64_t version)
{
    struct hash *h = hash_new();
    struct digest out = {0};
    strings_sort(parents);
    hash_text(h, id);
    uint8_t numbers[2] = {(uint8_t)(parents->n & 0xFF), (uint8_t)(version & 0xFF)};
    hash_add_piece(h, numbers, sizeof numbers);
    for (size_t i = 0; i < parents->n; i++)
        hash_text(h, parents->v[i]);
    hash_text(h, section_checksum);
    hash_finish(h, out.bytes);
    return out;
}

static void split_ids(struct arena *a, const char *joined, struct strings *out)
{
    struct str rest = str_from(joined), piece;
    if (!rest.n)
        return;
    while (str_next(&rest, ',', &piece))
        if (piece.n)
            vec_push(a, out, arena_str(a, piece));
}

static struct digest sum_of_entry(const struct log_entry *entry)
{
    ARENA_AUTO a = {0};
    struct strings parents = {0};
    split_ids(&a, entry->parents, &parents);
    return sum_of(entry->revision, &parents, entry->section_checksum, entry->checksum_version);
}

static struct digest sum_of_revision(const struct graph *g, const struct revision *r, enum dialect dialect)
{
    ARENA_AUTO a = {0};
    struct strings parents = {0};
    for (uint32_t i = 0; i < r->n_down; i++)
        vec_push(&a, &parents, graph_revision(g, r->down[i])->id);
    char hex[SHA256_HEX] = "";
    const struct revision_section *up = pick(r, DIRECTION_UP, dialect);
    if (up)
        hash_hex(up->sha256, hex);
    return sum_of(r->id, &parents, hex, CHECKSUM_VERSION);
}

struct history *history_new(struct arena *a, const struct graph *g, enum dialect dialect)
{
    struct history *h = ARENA_NEW(a, struct history);
    h->dialect = dialect;
    h->n = graph_size(g);
    h->sums = ARENA_ARRAY(a, struct digest, h->n);
    for (uint32_t i = 0; i < h->n; i++)
        h->sums[i] = sum_of_revision(g, graph_revision(g, i), dialect);
    return h;
}

/* ---------------------------------------------------------------------------------------------------------- digests */

/* Numbers of 256 bits, most significant byte first, modulo 2^256. */
static void digest_plus(struct digest *d, const struct digest *with)
{
    unsigned carry = 0;
    for (size_t i = SHA256_BYTES; i-- > 0;) {
        unsigned sum = (unsigned)d->bytes[i] + with->bytes[i] + carry;
        d->bytes[i] = (uint8_t)sum;
        carry = sum >> 8;
    }
}

static void digest_minus(struct digest *d, const struct digest *what)
{
    unsigned borrow = 0;
    for (size_t i = SHA256_BYTES; i-- > 0;) {
        unsigned difference = (unsigned)d->bytes[i] - what->bytes[i] - borrow;
        d->bytes[i] = (uint8_t)difference;
        borrow = difference >> 8 & 1;
    }
}

void digest_add(struct digest *d, const struct history *h, uint32_t index)
{
    assert(index < h->n);
    digest_plus(d, &h->sums[index]);
}

void digest_remove(struct digest *d, const struct history *h, uint32_t index)
{
    assert(index < h->n);
    digest_minus(d, &h->sums[index]);
}

void digest_add_entry(struct digest *d, const struct log_entry *entry)
{
    struct digest sum = sum_of_entry(entry);
    digest_plus(d, &sum);
}

void digest_remove_entry(struct digest *d, const struct log_entry *entry)
{
    struct digest sum = sum_of_entry(entry);
    digest_minus(d, &sum);
}

void digest_hex(const struct digest *d, char out[SHA256_HEX])
{
    hash_hex(d->bytes, out);
}

struct digest history_digest(const struct history *h, const struct revlist *applied)
{
    struct digest d = {0};
    for (size_t i = 0; i < applied->n; i++)
        digest_add(&d, h, applied->v[i]);
    return d;
}

/* ------------------------------------------------------------------------------------------------------- comparison */

static bool is_one_of(const char *z, const char *const words[])
{
    for (size_t i = 0; z && words[i]; i++)
        if (strcmp(z, words[i]) == 0)
            return true;
    return false;
}

const struct log_entry **history_live(struct arena *a, const struct graph *g, const struct log_list *log)
{
    static const char *const gives[] = {"upgrade", "stamp", "adopt", "repair", NULL};
    static const char *const takes[] = {"downgrade", "unstamp", NULL};
    const struct log_entry **live = ARENA_ARRAY(a, const struct log_entry *, graph_size(g));
    for (size_t i = 0; i < log->n; i++) {
        const struct log_entry *entry = &log->v[i];
        uint32_t index = graph_find(g, str_from(entry->revision));
        if (index == REVISION_NONE || !entry->state || strcmp(entry->state, "done") != 0)
            continue;
        if (is_one_of(entry->direction, gives))
            live[index] = entry;
        else if (is_one_of(entry->direction, takes))
            live[index] = NULL;
    }
    return live;
}

bool history_blocks(enum history_kind kind)
{
    return kind == HISTORY_EDITED || kind == HISTORY_PARENTS || kind == HISTORY_SPLICED;
}

const char *history_kind_name(enum history_kind kind)
{
    static const char *const names[] = {
        [HISTORY_EDITED] = "edited",
        [HISTORY_PARENTS] = "parents-changed",
        [HISTORY_SPLICED] = "spliced",
        [HISTORY_COSMETIC] = "cosmetic",
        [HISTORY_DOWN_CHANGED] = "down-changed",
        [HISTORY_NOT_LOGGED] = "not-logged",
        [HISTORY_CHECKSUM_RULES] = "checksum-rules",
    };
    return names[kind];
}

static bool same_sum(const char *recorded, const uint8_t *present)
{
    char hex[SHA256_HEX] = "";
    if (present)
        hash_hex(present, hex);
    return strcmp(recorded ? recorded : "", hex) == 0;
}

static bool same_parents(const struct graph *g, const struct revision *r, const char *recorded)
{
    ARENA_AUTO a = {0};
    struct strings then = {0}, now = {0};
    split_ids(&a, recorded, &then);
    for (uint32_t i = 0; i < r->n_down; i++)
        vec_push(&a, &now, graph_revision(g, r->down[i])->id);
    strings_sort(&then);
    strings_sort(&now);
    return strings_equal(&then, &now);
}

struct comparison {
    struct arena *a;
    const struct history *h;
    const struct graph *g;
    struct history_findings *out;
};

static void found(struct comparison *c, enum history_kind kind, const struct revision *r, const struct log_entry *entry)
{
    vec_push(c->a, c->out, (struct history_finding){.kind = kind, .revision = r, .entry = entry});
}

static void compare_revision(struct comparison *c, const struct revision *r, const struct log_entry *entry)
{
    const struct revision_section *up = pick(r, DIRECTION_UP, c->h->dialect);
    const struct revision_section *down = pick(r, DIRECTION_DOWN, c->h->dialect);
    if (!same_parents(c->g, r, entry->parents))
        found(c, HISTORY_PARENTS, r, entry);
    if (entry->checksum_version != CHECKSUM_VERSION) {
        found(c, HISTORY_CHECKSUM_RULES, r, entry);
        return;
    }
    if (!same_sum(entry->section_checksum, up ? up->sha256 : NULL)) {
        bool cosmetic = same_sum(entry->token_checksum, up ? up->tokens_sha256 : NULL);
        found(c, cosmetic ? HISTORY_COSMETIC : HISTORY_EDITED, r, entry);
    }
    if (!same_sum(entry->down_checksum, down ? down->sha256 : NULL))
        found(c, HISTORY_DOWN_CHANGED, r, entry);
}

/* What the log's last row implied: a revision below those rows that nobody logged came in afterwards. */
static struct revset known_to_log(struct arena *a, const struct graph *g, const struct log_list *log)
{
    struct revset known = revset_new(a, g);
    for (size_t i = log->n; i-- > 0;) {
        if (!log->v[i].rows_after)
            continue;
        struct strings rows = {0}, unknown = {0};
        split_ids(a, log->v[i].rows_after, &rows);
        struct revlist applied = plan_applied(a, g, &rows, &unknown);
        for (size_t k = 0; k < applied.n; k++)
            revset_add(&known, applied.v[k]);
        break;
    }
    return known;
}

void history_compare(struct arena *a, const struct history *h, const struct graph *g, const struct db_state *state,
                     const struct log_list *log, struct history_findings *out)
{
    struct comparison c = {.a = a, .h = h, .g = g, .out = out};
    struct strings unknown = {0};
    struct revlist applied = plan_applied(a, g, &state->rows, &unknown);
    const struct log_entry **live = history_live(a, g, log);
    struct revset known = known_to_log(a, g, log);
    *out = (struct history_findings){0};
    for (size_t i = 0; i < applied.n; i++) {
        uint32_t index = applied.v[i];
        const struct revision *r = graph_revision(g, index);
        if (live[index])
            compare_revision(&c, r, live[index]);
        else
            found(&c, revset_has(&known, index) ? HISTORY_SPLICED : HISTORY_NOT_LOGGED, r, NULL);
    }
}

/* -------------------------------------------------------------------------------------------------------- in words */

static void add_when(struct buf *out, const struct log_entry *entry)
{
    if (entry->started)
        buf_addf(out, ", applied %s", entry->started);
    if (entry->build_id && entry->build_id[0])
        buf_addf(out, " by build %s", entry->build_id);
}

static void add_sums(struct buf *out, const char *recorded, const struct revision_section *present)
{
    char hex[SHA256_HEX] = "none";
    if (present)
        hash_hex(present->sha256, hex);
    buf_addf(out, ", recorded checksum %.12s, present %.12s", recorded && recorded[0] ? recorded : "none", hex);
}

static void add_parents(struct buf *out, const struct history_finding *f)
{
    buf_addf(out, ", recorded parents %s", f->entry->parents && f->entry->parents[0] ? f->entry->parents : "none");
}

void history_describe(struct buf *out, const struct history *h, const struct history_finding *f)
{
    const struct revision_section *up = pick(f->revision, DIRECTION_UP, h->dialect);
    const struct revision_section *down = pick(f->revision, DIRECTION_DOWN, h->dialect);
    buf_addf(out, "revision %s: ", f->revision->id);
    switch (f->kind) {
    case HISTORY_EDITED:
        buf_addz(out, "its up section was changed after it was applied");
        add_sums(out, f->entry->section_checksum, up);
        break;
    case HISTORY_COSMETIC:
        buf_addz(out, "only comments or white space of its up section changed after it was applied");
        add_sums(out, f->entry->section_checksum, up);
        break;
    case HISTORY_DOWN_CHANGED:
        buf_addz(out, "its down section was changed after it was applied");
        add_sums(out, f->entry->down_checksum, down);
        break;
    case HISTORY_PARENTS:
        buf_addz(out, "its parents were changed after it was applied");
        add_parents(out, f);
        break;
    case HISTORY_SPLICED:
        buf_addz(out, "counts as applied, but never ran here: it was put below revisions that were applied already");
        break;
    case HISTORY_NOT_LOGGED:
        buf_addz(out, "was applied without a log row, so its text cannot be compared");
        break;
    case HISTORY_CHECKSUM_RULES:
        buf_addf(out, "was recorded under checksum rules %lld, which this executable cannot compare with its own, %d",
                 (long long)f->entry->checksum_version, CHECKSUM_VERSION);
        break;
    }
    if (f->entry)
        add_when(out, f->entry);
}

struct blocked {
    size_t n;       /* revisions */
    size_t spliced; /* of them never ran */
    const struct revision *first;
    struct buf names;
    struct buf details;
};

static void collect_blocked(const struct history *h, const struct history_findings *findings, struct blocked *out)
{
    const struct revision *last = NULL;
    for (size_t i = 0; i < findings->n; i++) {
        const struct history_finding *f = &findings->v[i];
        if (!history_blocks(f->kind))
            continue;
        if (out->details.n)
            buf_addz(&out->details, "; ");
        history_describe(&out->details, h, f);
        if (f->revision == last) /* findings of one revision stand together */
            continue;
        last = f->revision;
        buf_addf(&out->names, "%s%s", out->n ? ", " : "", last->id);
        if (!out->n++)
            out->first = last;
        out->spliced += f->kind == HISTORY_SPLICED;
    }
}

bool history_refuse(const struct history *h, const struct history_findings *findings, const char *command,
                    const char *tenant, struct err *e)
{
    struct blocked b = {0};
    collect_blocked(h, findings, &b);
    if (b.n) {
        if (b.spliced == b.n)
            err_set(e, FAULT_EDITED, "revision%s %s never ran here, but stand%s below revisions that did",
                    b.n > 1 ? "s" : "", b.names.p, b.n > 1 ? "" : "s");
        else
            err_set(e, FAULT_EDITED, "revision%s %s changed after being applied", b.n > 1 ? "s" : "", b.names.p);
        err_detail(e, "%s", b.details.p);
        const char *option = tenant ? " --tenant " : "";
        if (b.spliced)
            err_hint(e,
                     "build with the revisions as they were; or do by hand what %s would have done and record it with "
                     "`%s stamp%s%s` and the current version rows, then accept the rest with `%s repair%s%s`",
                     b.n > 1 ? "they" : "it", command, option, tenant ? tenant : "", command, option,
                     tenant ? tenant : "");
        else
            err_hint(e,
                     "restore the file%s as applied and put the change into a new revision; or, if the database is as "
                     "the file%s say%s, accept the change with `%s repair%s%s`",
                     b.n > 1 ? "s" : "", b.n > 1 ? "s" : "", b.n > 1 ? "" : "s", command, option, tenant ? tenant : "");
        const struct revision_section *up = pick(b.first, DIRECTION_UP, h->dialect);
        err_at(e, b.first->path, up ? (int)up->line : 0, 0, (struct str){0});
    }
    buf_free(&b.names);
    buf_free(&b.details);
    return b.n == 0;
}

/* ------------------------------------------------------------------------------------------------ ahead or diverged */

static const struct log_entry *logged(const struct log_list *log, const char *id)
{
    for (size_t i = log->n; i-- > 0;)
        if (log->v[i].revision && log->v[i].parents && strcmp(log->v[i].revision, id) == 0)
            return &log->v[i];
    return NULL;
}

/*
 * Follows the log's parents from the unknown rows down to revisions that the graph has. False when a row on the way is not
 * logged: then nobody knows where it came from.
 */
static bool walk_down(struct arena *a, const struct graph *g, const struct strings *unknown, const struct log_list *log,
                      struct revset *reached)
{
    struct strings seen = {0};
    for (size_t i = 0; i < unknown->n; i++)
        vec_push(a, &seen, unknown->v[i]);
    for (size_t i = 0; i < seen.n; i++) {
        const struct log_entry *entry = logged(log, seen.v[i]);
        if (!entry)
            return false;
        struct strings below = {0};
        split_ids(a, entry->parents, &below);
        split_ids(a, entry->depends, &below);
        for (size_t k = 0; k < below.n; k++) {
            uint32_t index = graph_find(g, str_from(below.v[k]));
            if (index != REVISION_NONE)
                revset_add(reached, index);
            else if (!strings_has(&seen, below.v[k]))
                vec_push(a, &seen, below.v[k]);
        }
    }
    return true;
}

/* The heads that the rows do not stand on or above. False when the log does not say where an unknown row came from. */
static bool heads_lacking(struct arena *a, const struct graph *g, const struct strings *rows,
                          const struct strings *unknown, const struct log_list *log, struct revlist *out)
{
    struct revset reached = revset_new(a, g);
    if (!walk_down(a, g, unknown, log, &reached))
        return false;
    for (size_t i = 0; i < rows->n; i++) {
        uint32_t index = graph_find(g, str_from(rows->v[i]));
        if (index != REVISION_NONE)
            revset_add(&reached, index);
    }
    struct revset below = graph_ancestors(a, g, &reached);
    struct revlist heads = graph_real_heads(a, g);
    for (size_t i = 0; i < heads.n; i++)
        if (!revset_has(&below, heads.v[i]))
            vec_push(a, out, heads.v[i]);
    return true;
}

static bool is_ahead(struct arena *a, const struct graph *g, const struct strings *rows, const struct strings *unknown,
                     const struct log_list *log)
{
    struct revlist lacking = {0};
    return heads_lacking(a, g, rows, unknown, log, &lacking) && !lacking.n;
}

static const char *stream_with(const struct catalogue *c, const struct stream *but, const char *id)
{
    for (uint32_t s = 0; c && s < c->n_streams; s++)
        for (uint32_t i = 0; c->streams[s] != but && i < c->streams[s]->n_revisions; i++)
            if (strcmp(c->streams[s]->revisions[i]->id, id) == 0)
                return c->streams[s]->name;
    return NULL;
}

static void add_origin(struct err *e, const struct log_list *log, const char *id)
{
    const struct log_entry *entry = logged(log, id);
    if (!entry)
        return;
    BUF_AUTO text = {0};
    buf_addf(&text, "the log has %s%s%s", id, entry->message && entry->message[0] ? ", " : "",
             entry->message ? entry->message : "");
    add_when(&text, entry);
    err_detail(e, "%s", text.p);
}

bool history_is_between(struct arena *a, const struct graph *g, const struct strings *rows,
                        const struct strings *unknown, const struct log_list *log)
{
    struct revlist lacking = {0};
    return heads_lacking(a, g, rows, unknown, log, &lacking) && lacking.n;
}

bool history_unknown_rows(struct arena *a, const struct graph *g, const struct catalogue *catalogue,
                          const struct strings *rows, const struct strings *unknown, const struct log_list *log,
                          struct err *e)
{
    assert(unknown->n > 0);
    const char *id = unknown->v[0];
    const char *name = graph_stream(g)->name;
    if (is_ahead(a, g, rows, unknown, log)) {
        err_set(e, FAULT_AHEAD, "the database is ahead: version row \"%s\" is of a later executable", id);
        add_origin(e, log, id);
        err_hint(e, "deploy that executable again, downgrade with it first, or leave the database as it is with "
                    "on_ahead = allow");
        return false;
    }
    const char *other = stream_with(catalogue, graph_stream(g), id);
    if (other) {
        err_set(e, FAULT_DIVERGED, "version row \"%s\" is a revision of stream %s, not of %s", id, other, name);
        err_hint(e,
                 "is this the database of stream %s? Streams that share one need version tables of their own "
                 "(version_table)",
                 other);
        return false;
    }
    struct revlist lacking = {0};
    bool between = heads_lacking(a, g, rows, unknown, log, &lacking);
    BUF_AUTO missing = {0};
    if (between)
        buf_addf(&missing, ", and its revision \"%s\" is not applied", graph_revision(g, lacking.v[0])->id);
    err_set(e, FAULT_DIVERGED, "version row \"%s\" is no revision of stream %s in this executable%s", id, name,
            between ? missing.p : "");
    add_origin(e, log, id);
    if (between) {
        err_hint(e, "run the executable that carries it to its head, or go down with it first");
        return false;
    }
    err_hint(e,
             "deploy the executable that carries it; if the version rows are wrong, `%s %s stamp --purge REVISION…` "
             "replaces all of them with the revisions that the database really has",
             catalogue ? catalogue->program : "profile-migrate", name);
    return false;
}
