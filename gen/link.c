/*
 * Stage link: from names to a graph. Finds parents and dependencies, refuses what Alembic would trip over at run time or
 * never notice (unknown parents, cycles, ids used twice, several heads…), puts every stream in topological order and
 * computes its checksums. Adds findings; a stream that has any stays without its linked form.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "gen/source.h"
#include "schema/tokens.h"
#include "tool/settings.h"

#define LONGEST_ID 32 /* alembic_version.version_num is VARCHAR(32) */

/* What a name is looked up as: ids and labels of one stream share one name space. */
struct name {
    const char *text;
    uint32_t index; /* of the revision */
    bool is_label;
};

/* Revisions that one revision names, by index. */
struct edges {
    uint32_t *v;
    uint32_t n;
};

struct linker {
    struct findings *out;
    struct arena *a;
    const struct source *source;
    struct source_stream *s;
    VEC(struct name) names;       /* sorted by text */
    struct edges *down, *depends; /* by index of the revision */
    bool broken; /* an id, parent or dependency is not known, so that what looks like a head may be none */
};

/* For messages, even when the id is missing. */
static const char *revision_name(const struct source_revision *r)
{
    return r->id.text ? r->id.text : r->file.path;
}

/* ------------------------------------------------------------------------------------------------------------- names */

/* Words that the command line gives a meaning to: no id, label or stream may be one. */
static const char *const command_words[] = {
    "head",           "heads",      "base",           "current",        "all",        "upgrade",    "downgrade",
    "history",        "branches",   "show",           "stamp",          "status",     "check",      "log",
    "tenants",        "wait",       "repair",         "export",         "version",    "config",     "help",
    "init",           "completion", "revision",       "merge",          "edit",       "compile",    "lint",
    "verify",         "diff",       "ensure-version", "ensure_version", "self-check", "self_check", "import-alembic",
    "list_templates",
};

static bool is_command_word(const char *text)
{
    for (size_t i = 0; i < sizeof command_words / sizeof *command_words; i++)
        if (strcasecmp(text, command_words[i]) == 0)
            return true;
    return false;
}

/* The first byte that an id or label may not hold, NULL when there is none. */
static const char *find_bad_character(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7F || strchr("@:+-,/\\*'\"`$", *p))
            return p;
    return NULL;
}

static size_t count_characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static void check_name(const struct linker *l, const struct source_revision *r, const struct word *word,
                       const char *what)
{
    const char *bad = find_bad_character(word->text);
    const struct text_file *f = &r->file;
    if (bad && (*bad == ' ' || *bad == '\t')) {
        struct finding *found = finding_add(l->out, "bad-id", f, word->offset, "the %s \"%s\" holds white space", what,
                                            word->text);
        err_hint(&found->err, word == &r->id ? "an id is one word" : "several are separated by commas");
    } else if (bad) {
        struct finding *found = finding_add(l->out, "bad-id", f, word->offset + (size_t)(bad - word->text),
                                            "the %s \"%s\" holds '%c'", what, word->text, *bad);
        err_hint(&found->err, "@ : + - have a meaning in targets, as in billing@head or head-1; quotes, / \\ * $ and "
                              "commas are kept out of SQL and file names");
    }
    if (count_characters(word->text) > LONGEST_ID) {
        struct finding *found = finding_add(l->out, "long-id", f, word->offset, "the %s is longer than %d characters",
                                            what, LONGEST_ID);
        err_hint(&found->err, "alembic_version.version_num is VARCHAR(32)");
    }
    if (is_command_word(word->text)) {
        struct finding *found = finding_add(l->out, "reserved-name", f, word->offset,
                                            "the %s \"%s\" is a word of the command line", what, word->text);
        err_hint(&found->err, "choose another: \"%s %s\" would mean something else", l->s->name, word->text);
    }
}

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    if (!order)
        order = x->is_label - y->is_label;
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static const struct name *find_name(const struct linker *l, const char *text)
{
    size_t low = 0, high = l->names.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(l->names.v[middle].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < l->names.n && strcmp(l->names.v[low].text, text) == 0 ? &l->names.v[low] : NULL;
}

static const struct word *word_of(const struct linker *l, const struct name *name)
{
    const struct source_revision *r = l->s->revisions.v[name->index];
    for (size_t i = 0; name->is_label && i < r->labels.n; i++)
        if (strcmp(r->labels.v[i].text, name->text) == 0)
            return &r->labels.v[i];
    return &r->id;
}

static void refuse_duplicate(const struct linker *l, const struct name *first, const struct name *second)
{
    const struct source_revision *r = l->s->revisions.v[second->index];
    const struct text_file *other = &l->s->revisions.v[first->index]->file;
    const struct word *word = word_of(l, second);
    uint32_t line = text_position(other, word_of(l, first)->offset).line;
    struct finding *found;
    if (!second->is_label)
        found = finding_add(l->out, "duplicate-id", &r->file, word->offset, "the revision \"%s\" is there twice",
                            word->text);
    else if (!first->is_label)
        found = finding_add(l->out, "duplicate-label", &r->file, word->offset,
                            "the label \"%s\" is a revision's id too", word->text);
    else
        found = finding_add(l->out, "duplicate-label", &r->file, word->offset, "the label \"%s\" is there twice",
                            word->text);
    err_hint(&found->err, "the other is in %s, line %u", other->shown, line);
}

static void collect_names(struct linker *l)
{
    for (uint32_t i = 0; i < l->s->revisions.n; i++) {
        const struct source_revision *r = l->s->revisions.v[i];
        if (r->id.text) {
            check_name(l, r, &r->id, "revision id");
            vec_push(l->a, &l->names, (struct name){r->id.text, i, false});
        } else {
            l->broken = true;
        }
        for (size_t k = 0; k < r->labels.n; k++) {
            check_name(l, r, &r->labels.v[k], "label");
            vec_push(l->a, &l->names, (struct name){r->labels.v[k].text, i, true});
        }
    }
    if (l->names.n)
        qsort(l->names.v, l->names.n, sizeof *l->names.v, compare_names);
    for (size_t i = 1, first = 0; i < l->names.n; i++) {
        if (strcmp(l->names.v[i].text, l->names.v[first].text) == 0) {
            refuse_duplicate(l, &l->names.v[first], &l->names.v[i]);
            l->broken = true;
        } else {
            first = i;
        }
    }
}

/* ------------------------------------------------------------------------------------------------------------- edges */

static void suggest_name(const struct linker *l, struct finding *found, const char *text, bool labels)
{
    struct strings list = {0};
    for (size_t i = 0; i < l->names.n; i++)
        if (labels || !l->names.v[i].is_label)
            vec_push(l->a, &list, l->names.v[i].text);
    finding_suggest(found, str_from(text), &list,
                    labels ? "it names a revision's full id or a label of this stream"
                           : "it names the full id of a revision of this stream");
}

static void resolve(struct linker *l, uint32_t index, const struct words *words, struct edges *to, bool labels)
{
    const struct source_revision *r = l->s->revisions.v[index];
    to->v = ARENA_ARRAY(l->a, uint32_t, words->n);
    for (size_t i = 0; i < words->n; i++) {
        const struct word *word = &words->v[i];
        const struct name *name = find_name(l, word->text);
        struct finding *found;
        if (name && name->is_label && !labels) {
            found = finding_add(l->out, "unknown-parent", &r->file, word->offset, "\"%s\" is a label, no revision",
                                word->text);
            err_hint(&found->err, "the label belongs to %s", revision_name(l->s->revisions.v[name->index]));
        } else if (name) {
            to->v[to->n++] = name->index;
            continue;
        } else {
            found = finding_add(l->out, labels ? "unknown-dependency" : "unknown-parent", &r->file, word->offset,
                                "there is no revision \"%s\"", word->text);
            if (strpbrk(word->text, " \t"))
                err_hint(&found->err, "several are separated by commas");
            else
                suggest_name(l, found, word->text, labels);
        }
        l->broken = true;
    }
}

static void check_requirement(const struct linker *l, const struct source_revision *r, const struct word *word,
                              struct revision_requirement *out)
{
    struct str text = str_from(word->text);
    size_t at = str_find(text, '@');
    const char *stream = arena_str(l->a, str_slice(text, 0, at));
    const char *id = at < text.n ? arena_str(l->a, str_slice(text, at + 1, text.n)) : "";
    const struct source_stream *other = source_find(l->source, stream);
    *out = (struct revision_requirement){.stream = stream, .revision = id};
    struct finding *found;
    if (at == text.n || !*stream || !*id) {
        found = finding_add(l->out, "unknown-requirement", &r->file, word->offset,
                            "\"%s\" is not of the form STREAM@REVISION", word->text);
        if (l->s->registry)
            err_hint(&found->err, "a revision of %s: %s@…", l->s->registry, l->s->registry);
        return;
    }
    if (!l->s->registry || strcmp(l->s->registry, stream) != 0) {
        found = finding_add(l->out, "unknown-requirement", &r->file, word->offset,
                            "Requires looks at the registry's database, and \"%s\" is not this stream's registry",
                            stream);
        err_hint(&found->err,
                 l->s->registry ? "the registry is \"%s\""
                                : "only a fleet has a registry; Depends-On names a revision of the same stream",
                 l->s->registry ? l->s->registry : "");
        return;
    }
    struct strings ids = {0};
    for (size_t i = 0; other && i < other->revisions.n; i++)
        if (other->revisions.v[i]->id.text)
            vec_push(l->a, &ids, other->revisions.v[i]->id.text);
    if (!other || strings_has(&ids, id))
        return; /* a registry that does not exist is a finding of its own */
    found = finding_add(l->out, "unknown-requirement", &r->file, word->offset + at + 1,
                        "the stream \"%s\" has no revision \"%s\"", stream, id);
    finding_suggest(found, str_from(id), &ids, "it names a full id");
}

static void resolve_all(struct linker *l)
{
    size_t n = l->s->revisions.n;
    l->down = ARENA_ARRAY(l->a, struct edges, n);
    l->depends = ARENA_ARRAY(l->a, struct edges, n);
    for (uint32_t i = 0; i < n; i++) {
        struct source_revision *r = l->s->revisions.v[i];
        resolve(l, i, &r->revises, &l->down[i], false);
        resolve(l, i, &r->depends, &l->depends[i], true);
        struct revision_requirement *requires = ARENA_ARRAY(l->a, struct revision_requirement, r->requires.n);
        for (size_t k = 0; k < r->requires.n; k++)
            check_requirement(l, r, &r->requires.v[k], &requires[k]);
        r->revision.requires = requires;
        r->revision.n_requires = (uint32_t)r->requires.n;
    }
}

/* ------------------------------------------------------------------------------------------------------------- order */

/* Parents, then dependencies, as one list. */
static uint32_t n_edges(const struct linker *l, uint32_t index)
{
    return l->down[index].n + l->depends[index].n;
}

static uint32_t edge(const struct linker *l, uint32_t index, uint32_t k)
{
    return k < l->down[index].n ? l->down[index].v[k] : l->depends[index].v[k - l->down[index].n];
}

/* A heap of indices, the smallest (which is the load order) on top. */
struct heap {
    uint32_t *v;
    size_t n;
};

static void heap_push(struct heap *h, uint32_t value)
{
    size_t i = h->n++;
    for (; i && h->v[(i - 1) / 2] > value; i = (i - 1) / 2)
        h->v[i] = h->v[(i - 1) / 2];
    h->v[i] = value;
}

static uint32_t heap_pop(struct heap *h)
{
    uint32_t top = h->v[0], last = h->v[--h->n];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < h->n) {
        if (child + 1 < h->n && h->v[child + 1] < h->v[child])
            child++;
        if (h->v[child] >= last)
            break;
        h->v[i] = h->v[child];
        i = child;
    }
    h->v[i] = last;
    return top;
}

/* children[start[i] .. start[i + 1]): who names i as parent or dependency. */
static void collect_children(const struct linker *l, uint32_t **start, uint32_t **children)
{
    uint32_t n = (uint32_t)l->s->revisions.n, total = 0;
    *start = ARENA_ARRAY(l->a, uint32_t, n + 2);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n_edges(l, i); k++, total++)
            (*start)[edge(l, i, k) + 2]++;
    for (uint32_t i = 2; i < n + 2; i++)
        (*start)[i] += (*start)[i - 1];
    *children = ARENA_ARRAY(l->a, uint32_t, total);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n_edges(l, i); k++)
            (*children)[(*start)[edge(l, i, k) + 1]++] = i;
}

/* Parents and dependencies first, ties by load order. What is left out of `order` hangs on a cycle. */
static uint32_t sort_revisions(const struct linker *l, uint32_t *order)
{
    uint32_t n = (uint32_t)l->s->revisions.n, done = 0, *start, *children;
    uint32_t *waiting = ARENA_ARRAY(l->a, uint32_t, n);
    struct heap ready = {.v = ARENA_ARRAY(l->a, uint32_t, n)};
    collect_children(l, &start, &children);
    for (uint32_t i = 0; i < n; i++) {
        waiting[i] = n_edges(l, i);
        if (!waiting[i])
            heap_push(&ready, i);
    }
    while (ready.n) {
        uint32_t i = heap_pop(&ready);
        order[done++] = i;
        for (uint32_t k = start[i]; k < start[i + 1]; k++)
            if (--waiting[children[k]] == 0)
                heap_push(&ready, children[k]);
    }
    return done;
}

static void refuse_cycle(const struct linker *l, const uint32_t *path, size_t n)
{
    /* Told from its first revision in load order, so that the text does not depend on where the walk came in. */
    size_t first = 0;
    for (size_t i = 1; i < n; i++)
        if (path[i] < path[first])
            first = i;
    BUF_AUTO text = {0};
    for (size_t i = 0; i <= n; i++)
        buf_addf(&text, "%s%s", i ? " -> " : "", revision_name(l->s->revisions.v[path[(first + i) % n]]));
    const struct source_revision *r = l->s->revisions.v[path[first]];
    struct finding *found;
    if (n == 1)
        found = finding_add(l->out, "cycle", &r->file, r->id.offset, "%s names itself as its parent", revision_name(r));
    else
        found = finding_add(l->out, "cycle", &r->file, r->id.offset, "revisions that wait for each other: %s", text.p);
    err_hint(&found->err, "follow Revises and Depends-On, and take one of them out");
}

/* A revision that `at` waits for and that is not cleared yet; `at` has none when all of them belong to a told cycle. */
static bool next_on_cycle(const struct linker *l, const bool *clear, uint32_t at, uint32_t *next)
{
    for (uint32_t k = 0; k < n_edges(l, at); k++) {
        *next = edge(l, at, k);
        if (!clear[*next])
            return true;
    }
    return false;
}

/* Walks from each revision that `order` lacks to one that it waits for, until one comes again: from there it is a cycle. */
static void refuse_cycles(const struct linker *l, const uint32_t *order, uint32_t n_sorted)
{
    uint32_t n = (uint32_t)l->s->revisions.n;
    bool *clear = ARENA_ARRAY(l->a, bool, n);
    uint32_t *seen_at = ARENA_ARRAY(l->a, uint32_t, n); /* position in the walk's path, from 1 */
    uint32_t *path = ARENA_ARRAY(l->a, uint32_t, n);
    for (uint32_t i = 0; i < n_sorted; i++)
        clear[order[i]] = true;
    for (uint32_t from = 0; from < n; from++) {
        uint32_t length = 0, at = from;
        bool more = !clear[from];
        while (more && !seen_at[at]) {
            path[length++] = at;
            seen_at[at] = length;
            more = next_on_cycle(l, clear, at, &at);
        }
        if (more)
            refuse_cycle(l, path + seen_at[at] - 1, length - (seen_at[at] - 1));
        for (uint32_t i = 0; i < length; i++)
            clear[path[i]] = true;
    }
}

/* The revisions without a child by Revises, in load order. */
static void find_heads(const struct linker *l, struct strings *heads, const struct source_revision **last)
{
    uint32_t n = (uint32_t)l->s->revisions.n;
    bool *is_parent = ARENA_ARRAY(l->a, bool, n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < l->down[i].n; k++)
            is_parent[l->down[i].v[k]] = true;
    for (uint32_t i = 0; i < n; i++)
        if (!is_parent[i]) {
            *last = l->s->revisions.v[i];
            vec_push(l->a, heads, revision_name(*last));
        }
}

static void refuse_several_heads(const struct linker *l)
{
    const struct source_revision *last = NULL;
    struct strings heads = {0};
    find_heads(l, &heads, &last);
    if (heads.n < 2 || l->s->multiple_heads)
        return;
    BUF_AUTO list = {0};
    BUF_AUTO message = {0};
    BUF_AUTO folder = {0};
    strings_join(&list, &heads, ", ");
    if (heads.n <= 3)
        strings_join(&message, &heads, " and ");
    else
        buf_addf(&message, "%zu heads", heads.n);
    if (strcmp(l->source->folder, "migrations") != 0)
        buf_addf(&folder, "--migrations %s ", l->source->folder);
    struct finding *found = finding_add(l->out, "multiple-heads", &last->file, last->id.offset,
                                        "the stream \"%s\" has %zu heads: %s", l->s->name, heads.n, list.p);
    err_hint(&found->err, "join them with `%s %s%s merge -m \"merge %s\"`, or say multiple_heads = true in %s",
             source_tool(l->source), folder.p ? folder.p : "", l->s->name, message.p, l->s->ini.shown);
}

/* --------------------------------------------------------------------------------------------------------- checksums */

static void sum_revision(struct source_revision *r)
{
    hash_once(r->file.bytes.p, r->file.bytes.n, r->revision.sha256);
    for (size_t i = 0; i < r->sections.n; i++) {
        struct revision_section *s = &r->sections.v[i];
        struct str body = str_slice(r->file.bytes, s->offset, s->offset + s->length);
        hash_once(body.p, body.n, s->sha256);
        tokens_sha256(body, s->dialects, s->tokens_sha256);
    }
}

static void add_number(struct hash *h, uint32_t n)
{
    uint8_t bytes[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    hash_add(h, bytes, sizeof bytes);
}

static void add_indices(struct hash *h, const uint32_t *v, uint32_t n)
{
    add_number(h, n);
    for (uint32_t i = 0; i < n; i++)
        add_number(h, v[i]);
}

/* Ids, parents and checksums, in topological order. What else a header says is in the checksum of its file. */
static void sum_stream(struct source_stream *s)
{
    struct hash *h = hash_new();
    add_number(h, CHECKSUM_VERSION);
    hash_add_piece(h, s->name, strlen(s->name));
    for (size_t i = 0; i < s->revisions.n; i++) {
        const struct revision *r = &s->revisions.v[i]->revision;
        hash_add_piece(h, r->id, strlen(r->id));
        add_indices(h, r->down, r->n_down);
        add_indices(h, r->depends, r->n_depends);
        hash_add(h, r->sha256, sizeof r->sha256);
    }
    hash_finish(h, s->sha256);
}

/* ------------------------------------------------------------------------------------------------------ linked stream */

static const uint32_t *moved(const struct linker *l, const struct edges *list, const uint32_t *place)
{
    uint32_t *v = ARENA_ARRAY(l->a, uint32_t, list->n);
    for (uint32_t i = 0; i < list->n; i++)
        v[i] = place[list->v[i]];
    return v;
}

/* Puts the revisions in their order and turns indices by load order into indices by that order. */
static void arrange(struct linker *l, const uint32_t *order)
{
    uint32_t n = (uint32_t)l->s->revisions.n;
    uint32_t *place = ARENA_ARRAY(l->a, uint32_t, n);
    struct source_revision **sorted = ARENA_ARRAY(l->a, struct source_revision *, n);
    for (uint32_t i = 0; i < n; i++) {
        place[order[i]] = i;
        sorted[i] = l->s->revisions.v[order[i]];
    }
    for (uint32_t i = 0; i < n; i++) {
        struct revision *r = &l->s->revisions.v[i]->revision;
        const struct words *labels = &l->s->revisions.v[i]->labels;
        const char **texts = ARENA_ARRAY(l->a, const char *, labels->n);
        for (size_t k = 0; k < labels->n; k++)
            texts[k] = labels->v[k].text;
        r->labels = texts;
        r->n_labels = (uint32_t)labels->n;
        r->down = moved(l, &l->down[i], place);
        r->n_down = l->down[i].n;
        r->depends = moved(l, &l->depends[i], place);
        r->n_depends = l->depends[i].n;
    }
    if (n)
        memcpy(l->s->revisions.v, sorted, n * sizeof *sorted);
}

static void make_linked(struct linker *l)
{
    struct source_stream *s = l->s;
    struct stream *linked = ARENA_NEW(l->a, struct stream);
    struct stream_setting *rows = ARENA_ARRAY(l->a, struct stream_setting, s->settings.n);
    const struct revision **revisions = ARENA_ARRAY(l->a, const struct revision *, s->revisions.n);
    for (size_t i = 0; i < s->settings.n; i++) {
        const struct source_setting *from = &s->settings.v[i];
        rows[i] = (struct stream_setting){
            .key = from->key.text, .value = from->value.text, .line = text_position(&s->ini, from->key.offset).line};
    }
    for (size_t i = 0; i < s->revisions.n; i++)
        revisions[i] = &s->revisions.v[i]->revision;
    *linked = (struct stream){
        .name = s->name,
        .kind = s->kind,
        .dialects = s->dialects,
        .n_settings = (uint32_t)s->settings.n,
        .settings = rows,
        .ini_path = s->ini.path,
        .ini_text = (const unsigned char *)s->ini.bytes.p,
        .ini_length = (uint32_t)s->ini.bytes.n,
        .n_revisions = (uint32_t)s->revisions.n,
        .revisions = revisions,
    };
    memcpy(linked->sha256, s->sha256, sizeof linked->sha256);
    s->linked = linked;
}

/* ------------------------------------------------------------------------------------------------------------ streams */

static void check_stream_name(struct findings *out, const struct source_stream *s)
{
    const char *bad = NULL;
    for (const char *p = s->name; *p && !bad; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7F || strchr("@:+,\\*'\"`$={}", *p) || (*p == '-' && p == s->name))
            bad = p;
    if (bad) {
        struct finding *found = finding_add(out, "bad-stream-name", &s->ini, SIZE_MAX,
                                            "the stream's name \"%s\" holds '%c'", s->name, *bad);
        err_hint(&found->err,
                 "rename the folder: letters, digits, _ . and - stay clear of the command line and of SQL");
    }
    if (strlen(s->name) > 63)
        finding_add(out, "bad-stream-name", &s->ini, SIZE_MAX, "the stream's name is longer than 63 bytes");
    if (is_command_word(s->name)) {
        struct finding *found = finding_add(out, "reserved-name", &s->ini, SIZE_MAX,
                                            "the stream's name \"%s\" is a word of the command line", s->name);
        err_hint(&found->err, "rename the folder: `%s` is a command or a target", s->name);
    }
}

static void check_registry(const struct source *source, struct findings *out, const struct source_stream *s)
{
    if (!s->registry)
        return;
    size_t offset = SIZE_MAX;
    for (size_t i = 0; i < s->settings.n; i++)
        if (strcmp(s->settings.v[i].key.text, "registry") == 0)
            offset = s->settings.v[i].value.offset;
    const struct source_stream *registry = source_find(source, s->registry);
    if (registry && registry->kind == STREAM_SINGLE)
        return;
    struct finding *found = finding_add(
        out, "unknown-registry", &s->ini, offset,
        registry ? "the registry \"%s\" is a fleet itself" : "there is no stream \"%s\"", s->registry);
    struct strings singles = {0};
    for (size_t i = 0; i < source->streams.n; i++)
        if (source->streams.v[i]->kind == STREAM_SINGLE)
            vec_push(source->arena, &singles, source->streams.v[i]->name);
    finding_suggest(found, str_from(s->registry), &singles,
                    "it names a stream of kind single, whose database lists the tenants");
}

static void check_variables(struct source *s)
{
    AUTO_ERR e = {0};
    struct strings names = {0};
    for (size_t i = 0; i < s->streams.n; i++)
        vec_push(s->arena, &names, s->streams.v[i]->name);
    if (settings_check_streams(s->program ? s->program : "profile-migrate", &names, &e))
        return;
    struct finding *found = finding_add(&s->findings, "variable-collision", NULL, SIZE_MAX, "%s", e.message);
    if (e.hint)
        err_hint(&found->err, "%s", e.hint);
}

static bool has_errors(const struct findings *all, const struct source_stream *s)
{
    struct str folder = str_slice(str_from(s->ini.shown), 0, strlen(s->ini.shown) - strlen("env.ini"));
    for (size_t i = 0; i < all->list.n; i++)
        if (all->list.v[i].severity == SEVERITY_ERROR && all->list.v[i].err.path &&
            str_starts(str_from(all->list.v[i].err.path), folder))
            return true;
    return false;
}

static void link_one(struct source *source, struct source_stream *s)
{
    struct linker l = {.out = &source->findings, .a = source->arena, .source = source, .s = s};
    uint32_t *order = ARENA_ARRAY(l.a, uint32_t, s->revisions.n);
    collect_names(&l);
    resolve_all(&l);
    uint32_t n_sorted = sort_revisions(&l, order);
    if (n_sorted < s->revisions.n)
        refuse_cycles(&l, order, n_sorted);
    else if (!l.broken)
        refuse_several_heads(&l);
    for (size_t i = 0; i < s->revisions.n; i++)
        sum_revision(s->revisions.v[i]);
    if (has_errors(l.out, s))
        return;
    arrange(&l, order);
    sum_stream(s);
    make_linked(&l);
}

void link_streams(struct source *s)
{
    check_variables(s);
    for (size_t i = 0; i < s->streams.n; i++) {
        check_stream_name(&s->findings, s->streams.v[i]);
        check_registry(s, &s->findings, s->streams.v[i]);
    }
    for (size_t i = 0; i < s->streams.n; i++)
        link_one(s, s->streams.v[i]);
}

const struct stream *link_stream(const struct source_stream *s)
{
    return s->linked;
}
