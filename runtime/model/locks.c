/* Words, lookup, text and policy of the lock report. Reading the text is the generator's alone (gen/locks.c). */
#include "model/locks.h"

#include <string.h>

#include "base/hash.h"

const char *const lock_mode_words[LOCK_MODE_COUNT] = {
    [LOCK_NOTHING] = "-",
    [LOCK_ACCESS_SHARE] = "AccessShare",
    [LOCK_ROW_SHARE] = "RowShare",
    [LOCK_ROW_EXCLUSIVE] = "RowExclusive",
    [LOCK_SHARE_UPDATE_EXCLUSIVE] = "ShareUpdateExclusive",
    [LOCK_SHARE] = "Share",
    [LOCK_SHARE_ROW_EXCLUSIVE] = "ShareRowExclusive",
    [LOCK_EXCLUSIVE] = "Exclusive",
    [LOCK_ACCESS_EXCLUSIVE] = "AccessExclusive",
};

static const struct flag_word {
    const char *word;
    unsigned flag;
} flag_words[] = {
    {"rewrite", LOCKS_REWRITE},     {"scan", LOCKS_SCAN},       {"blocked", LOCKS_BLOCKED},
    {"time-zone", LOCKS_TIME_ZONE}, {"by-kind", LOCKS_BY_KIND},
};
enum { N_FLAG_WORDS = sizeof flag_words / sizeof *flag_words };

/* ------------------------------------------------------------------------------------------------------------- words */

enum lock_mode lock_mode_find(struct str word)
{
    int mode = 0;
    while (mode < LOCK_MODE_COUNT && !str_is(word, lock_mode_words[mode]))
        mode++;
    return (enum lock_mode)mode;
}

static unsigned find_flag(struct str word)
{
    for (size_t i = 0; i < N_FLAG_WORDS; i++)
        if (str_is(word, flag_words[i].word))
            return flag_words[i].flag;
    return 0;
}

void lock_flags_format(struct buf *out, unsigned flags)
{
    const char *separator = "";
    for (size_t i = 0; i < N_FLAG_WORDS; i++)
        if (flags & flag_words[i].flag) {
            buf_addf(out, "%s%s", separator, flag_words[i].word);
            separator = ",";
        }
    if (!*separator)
        buf_addc(out, '-');
}

bool lock_flags_parse(struct str text, unsigned *flags)
{
    struct str rest = text, word;
    *flags = 0;
    if (str_is(text, "-"))
        return true;
    while (str_next(&rest, ',', &word)) {
        unsigned flag = find_flag(word);
        if (!flag || *flags & flag)
            return false;
        *flags |= flag;
    }
    return *flags != 0;
}

/* --------------------------------------------------------------------------------------------------------- relations */

/* The length of the name that the text begins with: parts in double quotes may hold anything. 0: it is none. */
static size_t name_length(struct str text)
{
    bool quoted = false;
    size_t n = 0;
    for (; n < text.n && (quoted || (text.p[n] != ' ' && text.p[n] != ',')); n++)
        quoted ^= text.p[n] == '"';
    return quoted ? 0 : n;
}

/* Takes " word" off the front. */
static bool take_word(struct str *rest, struct str *word)
{
    size_t n = 1;
    if (!rest->n || rest->p[0] != ' ')
        return false;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != ',')
        n++;
    *word = str_slice(*rest, 1, n);
    *rest = str_slice(*rest, n, rest->n);
    return word->n > 0;
}

bool relation_locks_next(struct str *rest, struct relation_locks *out)
{
    struct str left = *rest, word;
    size_t n = name_length(left);
    *out = (struct relation_locks){.name = str_slice(left, 0, n)};
    left = str_slice(left, n, left.n);
    if (!n || !take_word(&left, &word) || (out->mode = lock_mode_find(word)) == LOCK_MODE_COUNT)
        return false;
    while (left.n && left.p[0] == ' ') {
        unsigned flag = take_word(&left, &word) ? find_flag(word) : 0;
        if (!flag || out->flags & flag)
            return false;
        out->flags |= flag;
    }
    if (left.n && (!str_starts(left, STR(", ")) || left.n == 2))
        return false;
    *rest = left.n ? str_slice(left, 2, left.n) : (struct str){0};
    return true;
}

/* ------------------------------------------------------------------------------------------------------------ lookup */

const struct revision_section *stream_section(const struct stream *s, uint32_t revision, enum direction direction,
                                              enum dialect dialect)
{
    const struct revision *r = s->revisions[revision];
    int8_t at = r->pick[direction][dialect];
    return at == SECTION_NONE ? NULL : &r->sections[at];
}

bool stream_has_locks(const struct stream *s, enum dialect dialect)
{
    return dialect == DIALECT_POSTGRESQL && s->locks.server_major;
}

/* The first section of the revision, or where it would stand. */
static uint32_t first_of(const struct stream_locks *locks, uint32_t revision)
{
    uint32_t from = 0, to = locks->n_sections;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (locks->sections[middle].revision < revision)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const struct section_locks *stream_locks_of(const struct stream *s, uint32_t revision, enum direction direction,
                                            enum dialect dialect)
{
    const struct stream_locks *locks = &s->locks;
    int8_t section = s->revisions[revision]->pick[direction][dialect];
    if (!stream_has_locks(s, dialect) || section == SECTION_NONE)
        return NULL;
    for (uint32_t i = first_of(locks, revision); i < locks->n_sections && locks->sections[i].revision == revision; i++)
        if (locks->sections[i].section == (uint32_t)section)
            return &locks->sections[i];
    return NULL;
}

bool stream_locks_missing(const struct stream *s, uint32_t revision, enum direction direction, enum dialect dialect)
{
    const struct revision_section *section = stream_section(s, revision, direction, dialect);
    return dialect == DIALECT_POSTGRESQL && section && section->n_statements &&
           !stream_locks_of(s, revision, direction, dialect);
}

/* -------------------------------------------------------------------------------------------------------------- text */

void stream_locks_checksum(const struct revision *r, const struct revision_statement *statement,
                           char out[LOCKS_CHECKSUM + 1])
{
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    hash_once(r->text + statement->offset, statement->length, sum);
    hash_hex(sum, hex);
    memcpy(out, hex, LOCKS_CHECKSUM);
    out[LOCKS_CHECKSUM] = '\0';
}

/* A column of at least `width` characters, and two spaces. */
static void add_column(struct buf *out, struct str text, size_t width)
{
    buf_adds(out, text);
    buf_pad(out, ' ', (text.n < width ? width - text.n : 0) + 2);
}

static void add_relations(struct buf *out, const char *relations)
{
    if (!relations || !*relations)
        buf_addc(out, '-');
    for (const char *p = relations; p && *p; p++)
        buf_addc(out, (unsigned char)*p < 0x20 || *p == 0x7F ? '?' : *p);
}

static void add_statement(struct buf *out, const struct revision *r, const struct revision_section *section, uint32_t i,
                          const struct statement_locks *locks)
{
    char sum[LOCKS_CHECKSUM + 1];
    BUF_AUTO flags = {0};
    lock_flags_format(&flags, locks->flags);
    stream_locks_checksum(r, &section->statements[i], sum);
    buf_addf(out, "%3u  %s  ", i + 1, sum);
    add_column(out, str_from(lock_mode_words[locks->strongest]), strlen("ShareUpdateExclusive"));
    add_column(out, buf_str(&flags), strlen("rewrite,scan"));
    add_relations(out, locks->relations);
    buf_addc(out, '\n');
}

/* As a rule they come in the order that is asked for, so the search begins near the last one. */
static const struct section_locks *find_section(const struct stream_locks *locks, uint32_t revision, uint32_t section,
                                                uint32_t *last)
{
    uint32_t n = locks->n_sections, from = *last > 2 ? *last - 2 : 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = from + i < n ? from + i : from + i - n;
        if (locks->sections[at].revision == revision && locks->sections[at].section == section) {
            *last = at;
            return &locks->sections[at];
        }
    }
    return NULL;
}

static void add_section(struct buf *out, const struct revision *r, enum direction direction,
                        const struct section_locks *locks)
{
    const struct revision_section *section = &r->sections[locks->section];
    if (!section->n_statements)
        return;
    buf_addf(out, "\n%s %s\n", r->id, direction == DIRECTION_UP ? "up" : "down");
    for (uint32_t i = 0; i < section->n_statements; i++)
        add_statement(out, r, section, i, &locks->statements[i]);
}

void stream_locks_write(struct buf *out, const struct stream *s, const struct stream_locks *locks)
{
    uint32_t last = 0;
    buf_addf(
        out,
        "# What each statement locks on PostgreSQL, what happens to rows, and the relations that were there before\n"
        "# its revision. Measured by `migrate-gen %s verify`: review it with the revisions, do not edit it.\n"
        "version: %d\n"
        "server: %u\n",
        s->name, LOCKS_VERSION, locks->server_major);
    for (uint32_t i = 0; i < s->n_revisions; i++)
        for (int d = 0; d < DIRECTION_COUNT; d++) {
            int8_t at = s->revisions[i]->pick[d][DIALECT_POSTGRESQL];
            const struct section_locks *found = at == SECTION_NONE ? NULL : find_section(locks, i, (uint32_t)at, &last);
            if (found)
                add_section(out, s->revisions[i], (enum direction)d, found);
        }
}

/* ------------------------------------------------------------------------------------------------------------ policy */

enum lock_policy lock_policy_forbids(unsigned policy, const struct statement_locks *locks)
{
    const unsigned waiting = LOCKS_SCAN | LOCKS_BLOCKED;
    if (policy & LOCK_POLICY_REWRITE && locks->flags & (LOCKS_REWRITE | LOCKS_TIME_ZONE))
        return LOCK_POLICY_REWRITE;
    if (policy & LOCK_POLICY_SCAN && (locks->flags & waiting) == waiting)
        return LOCK_POLICY_SCAN;
    if (policy & LOCK_POLICY_ACCESS_EXCLUSIVE && locks->strongest == LOCK_ACCESS_EXCLUSIVE)
        return LOCK_POLICY_ACCESS_EXCLUSIVE;
    return 0;
}
