/*
 * Stage read: the migrations folder, its streams and their revision files.
 *
 * A revision file is a header of comment lines, then sections. A line that begins with "-- migrate:" is a section line
 * wherever it stands, inside a quoted text too: what psql, an editor and this program see is then the same. Lines that
 * look like one but are spelt differently are refused, because as plain comments they would glue two sections together.
 *
 * Works on bytes and adds findings; nothing here knows of parents, engines or C.
 */
#include "gen/source.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "gen/locks.h"
#include "gen/lint/rules.h"

const char *const dialect_words[DIALECT_COUNT] = {[DIALECT_POSTGRESQL] = "postgresql", [DIALECT_SQLITE] = "sqlite"};

/* ------------------------------------------------------------------------------------------------------------ header */

enum header_key {
    HEADER_REVISION,
    HEADER_REVISES,
    HEADER_MESSAGE,
    HEADER_CREATED,
    HEADER_LABELS,
    HEADER_DEPENDS,
    HEADER_REQUIRES,
    HEADER_COUNT
};

static const char *const header_keys[HEADER_COUNT] = {
    [HEADER_REVISION] = "Revision", [HEADER_REVISES] = "Revises",      [HEADER_MESSAGE] = "Message",
    [HEADER_CREATED] = "Created",   [HEADER_LABELS] = "Branch-Labels", [HEADER_DEPENDS] = "Depends-On",
    [HEADER_REQUIRES] = "Requires",
};

struct parser {
    struct findings *out;
    struct arena *a;
    struct source_revision *r;
    uint32_t seen[HEADER_COUNT]; /* the line of each key, 0: not there */
};

/* A comment line of the form "-- Word: value". */
struct header_line {
    uint32_t line;
    struct str key;
    struct str value;
};

static size_t offset_in(const struct parser *p, struct str part)
{
    return (size_t)(part.p - p->r->file.bytes.p);
}

static struct str skip_blanks(struct str s)
{
    size_t i = 0;
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
        i++;
    return str_slice(s, i, s.n);
}

static bool is_blank(struct str line)
{
    return str_trim(line).n == 0;
}

static bool split_header_line(struct str line, struct header_line *h)
{
    if (!str_starts(line, STR("--")))
        return false;
    struct str rest = skip_blanks(str_slice(line, 2, line.n));
    size_t n = 0;
    while (n < rest.n && (isalnum((unsigned char)rest.p[n]) || rest.p[n] == '-' || rest.p[n] == '_'))
        n++;
    struct str after = skip_blanks(str_slice(rest, n, rest.n));
    if (n == 0 || !isalpha((unsigned char)rest.p[0]) || after.n == 0 || after.p[0] != ':')
        return false;
    h->key = str_slice(rest, 0, n);
    h->value = str_trim(str_slice(after, 1, after.n));
    return true;
}

static enum header_key find_header_key(struct str word)
{
    int key = 0;
    while (key < HEADER_COUNT && !str_is(word, header_keys[key]))
        key++;
    return (enum header_key)key;
}

/* The known key that `word` was meant to be ("revises", "Depend-On"), or HEADER_COUNT. */
static enum header_key guess_header_key(struct str word)
{
    char lower[24], known[24];
    if (word.n >= sizeof lower)
        return HEADER_COUNT;
    for (size_t i = 0; i < word.n; i++)
        lower[i] = word.p[i] == '_' ? '-' : (char)tolower((unsigned char)word.p[i]);
    for (int key = 0; key < HEADER_COUNT; key++) {
        size_t n = strlen(header_keys[key]);
        for (size_t i = 0; i < n; i++)
            known[i] = (char)tolower((unsigned char)header_keys[key][i]);
        if (str_distance((struct str){lower, word.n}, (struct str){known, n}) <= (n > 7 ? 2 : 1))
            return (enum header_key)key;
    }
    return HEADER_COUNT;
}

static struct word make_word(const struct parser *p, struct str text)
{
    return (struct word){.text = arena_str(p->a, text), .offset = (uint32_t)offset_in(p, text)};
}

static bool words_have(const struct words *list, struct str text)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_is(text, list->v[i].text))
            return true;
    return false;
}

/* "a, b": pieces between commas, trimmed; a piece that is empty or there twice is a finding. */
static void parse_list(const struct parser *p, const struct header_line *h, struct words *list)
{
    struct str rest = h->value, piece;
    if (rest.n == 0)
        return;
    while (str_next(&rest, ',', &piece)) {
        struct str word = str_trim(piece);
        if (word.n == 0)
            finding_add(p->out, "bad-header", &p->r->file, offset_in(p, piece),
                        "%.*s has a comma with nothing beside it", STR_ARG(h->key));
        else if (words_have(list, word))
            finding_add(p->out, "bad-header", &p->r->file, offset_in(p, word), "%.*s names \"%.*s\" twice",
                        STR_ARG(h->key), STR_ARG(word));
        else
            vec_push(p->a, list, make_word(p, word));
    }
}

static void refuse_control_characters(const struct parser *p, const struct header_line *h)
{
    for (size_t i = 0; i < h->value.n; i++)
        if ((unsigned char)h->value.p[i] < 0x20 || h->value.p[i] == 0x7F) {
            finding_add(p->out, "bad-header", &p->r->file, offset_in(p, h->value) + i, "%.*s holds a control character",
                        STR_ARG(h->key));
            return;
        }
}

static void take_header_value(const struct parser *p, enum header_key key, const struct header_line *h)
{
    struct source_revision *r = p->r;
    switch (key) {
    case HEADER_REVISION:
        if (h->value.n)
            r->id = make_word(p, h->value);
        else
            finding_add(p->out, "bad-header", &r->file, offset_in(p, h->key), "Revision is empty");
        break;
    case HEADER_REVISES:
        parse_list(p, h, &r->revises);
        break;
    case HEADER_MESSAGE:
        refuse_control_characters(p, h);
        r->revision.message = arena_str(p->a, h->value);
        if (!h->value.n)
            finding_add(p->out, "bad-header", &r->file, offset_in(p, h->key), "Message is empty");
        break;
    case HEADER_CREATED:
        refuse_control_characters(p, h);
        r->revision.created = arena_str(p->a, h->value);
        break;
    case HEADER_LABELS:
        parse_list(p, h, &r->labels);
        break;
    case HEADER_DEPENDS:
        parse_list(p, h, &r->depends);
        break;
    case HEADER_REQUIRES:
        parse_list(p, h, &r->requires);
        break;
    case HEADER_COUNT:
        break;
    }
}

/* In a paragraph that holds header lines, every "-- Word:" is one; elsewhere only what is nearly one is refused. */
static void parse_header_line(struct parser *p, const struct header_line *h, bool in_header)
{
    enum header_key key = find_header_key(h->key);
    if (key == HEADER_COUNT) {
        key = guess_header_key(h->key);
        if (key == HEADER_COUNT && !in_header)
            return;
        struct finding *found = finding_add(p->out, "unknown-header", &p->r->file, offset_in(p, h->key),
                                            "unknown header line \"%.*s\"", STR_ARG(h->key));
        if (key == HEADER_COUNT) {
            err_hint(&found->err, "a comment that is no header line stands after a blank line");
            return;
        }
        err_hint(&found->err, "did you mean \"%s\"?", header_keys[key]);
        if (p->seen[key])
            return;
    } else if (p->seen[key]) {
        finding_add(p->out, "duplicate-header", &p->r->file, offset_in(p, h->key),
                    "%s is there a second time; the first is line %u", header_keys[key], p->seen[key]);
        return;
    }
    p->seen[key] = h->line;
    take_header_value(p, key, h);
}

static bool line_is_section(struct str line)
{
    return str_starts(line, STR("-- migrate:"));
}

/* Lines [from, to): one paragraph of comments. */
static void parse_paragraph(struct parser *p, uint32_t from, uint32_t to)
{
    struct header_line h;
    bool in_header = false;
    for (uint32_t line = from; line < to && !in_header; line++)
        in_header = split_header_line(text_line(&p->r->file, line), &h) && find_header_key(h.key) != HEADER_COUNT;
    for (uint32_t line = from; line < to; line++)
        if (split_header_line(text_line(&p->r->file, line), &h)) {
            h.line = line;
            parse_header_line(p, &h, in_header);
        }
}

static bool has_header(const struct parser *p)
{
    return p->seen[HEADER_REVISION] || p->seen[HEADER_REVISES] || p->seen[HEADER_MESSAGE];
}

static void require_header(const struct parser *p)
{
    if (!has_header(p)) {
        struct finding *found = finding_at_line(p->out, "missing-header", &p->r->file, 1, "the file has no header");
        err_hint(&found->err, "it begins with the lines \"-- Revision: …\", \"-- Revises: …\" and \"-- Message: …\"; "
                              "`migrate-gen STREAM revision -m MESSAGE` writes such a file");
        return;
    }
    static const enum header_key required[] = {HEADER_REVISION, HEADER_REVISES, HEADER_MESSAGE};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!p->seen[required[i]]) {
            struct finding *found = finding_at_line(p->out, "missing-header", &p->r->file, 1, "%s is missing",
                                                    header_keys[required[i]]);
            if (required[i] == HEADER_REVISES)
                err_hint(&found->err,
                         "write \"-- Revises:\" with nothing behind it for the first revision of a branch");
            else
                err_hint(&found->err, "add a line \"-- %s: …\"", header_keys[required[i]]);
        }
}

/* The last line of the block comment that begins on `line`; *stray when something follows its end there. */
static uint32_t end_of_block_comment(const struct text_file *f, uint32_t line, bool *stray)
{
    for (; line < f->n_lines; line++) {
        struct str text = text_line(f, line);
        const char *end = memmem(text.p, text.n, "*/", 2);
        if (end) {
            struct str rest = str_trim(str_slice(text, (size_t)(end + 2 - text.p), text.n));
            *stray = rest.n && !str_starts(rest, STR("--"));
            break;
        }
    }
    return line;
}

/*
 * Everything above the first section line. Returns that line, or one past the last; *stray is the first line with
 * something else than comments, 0: none.
 */
static uint32_t parse_header(struct parser *p, uint32_t *stray)
{
    const struct text_file *f = &p->r->file;
    uint32_t line = 1, paragraph = 0;
    for (*stray = 0; line <= f->n_lines && !line_is_section(text_line(f, line)); line++) {
        struct str start = skip_blanks(text_line(f, line));
        bool comment = str_starts(start, STR("--")), other = false;
        if (comment && !paragraph)
            paragraph = line;
        if (!comment && paragraph) {
            parse_paragraph(p, paragraph, line);
            paragraph = 0;
        }
        if (str_starts(start, STR("/*")))
            line = end_of_block_comment(f, line, &other);
        else
            other = !comment && !is_blank(start);
        if (other && !*stray)
            *stray = line;
    }
    if (paragraph)
        parse_paragraph(p, paragraph, line);
    return line;
}

static void refuse_text_outside(const struct parser *p, uint32_t first, uint32_t stray)
{
    const struct text_file *f = &p->r->file;
    struct finding *found;
    if (first <= f->n_lines && !stray)
        return;
    if (first <= f->n_lines)
        found = finding_add(p->out, "text-before-section", f, offset_in(p, skip_blanks(text_line(f, stray))),
                            "this stands in no section");
    else
        found = finding_at_line(p->out, "missing-section", f, stray ? stray : f->n_lines, "the file has no section");
    err_hint(&found->err, "SQL follows a line \"-- migrate:up\" or \"-- migrate:down\"");
}

/* ---------------------------------------------------------------------------------------------------------- sections */

enum section_word {
    WORD_TRANSACTION,
    WORD_IRREVERSIBLE,
    WORD_LOCK_TIMEOUT,
    WORD_STATEMENT_TIMEOUT,
    WORD_OPAQUE,
    WORD_BATCH,
    WORD_PAUSE,
    WORD_FOREIGN_KEYS,
    WORD_COUNT
};

/* value: NULL for none, "" for a duration, else the one that is accepted. */
static const struct section_word_row {
    const char *name;
    const char *value;
    uint32_t flag;
} section_words[WORD_COUNT] = {
    [WORD_TRANSACTION] = {"transaction", "false", SECTION_NO_TRANSACTION},
    [WORD_IRREVERSIBLE] = {"irreversible", NULL, SECTION_IRREVERSIBLE},
    [WORD_LOCK_TIMEOUT] = {"lock_timeout", "", 0},
    [WORD_STATEMENT_TIMEOUT] = {"statement_timeout", "", 0},
    [WORD_OPAQUE] = {"opaque", NULL, SECTION_OPAQUE},
    [WORD_BATCH] = {"batch", NULL, SECTION_BATCH},
    [WORD_PAUSE] = {"pause", "", 0},
    [WORD_FOREIGN_KEYS] = {"foreign_keys", "off", SECTION_FOREIGN_KEYS_OFF},
};

struct section_parser {
    struct parser *p;
    struct revision_section section;
    uint32_t seen; /* a bit per section_word */
    bool has_dialects;
    bool after_comma; /* the list of dialects ended in a comma, which was said */
};

static void suggest_section_word(struct finding *found, struct str word)
{
    const char *names[WORD_COUNT + DIALECT_COUNT];
    struct strings list = {.v = names};
    for (size_t i = 0; i < DIALECT_COUNT; i++)
        names[list.n++] = dialect_words[i];
    for (size_t i = 0; i < WORD_COUNT; i++)
        names[list.n++] = section_words[i].name;
    finding_suggest(
        found, word, &list,
        "known are the dialects postgresql and sqlite, and transaction:false, irreversible, lock_timeout:5s, "
        "statement_timeout:10min, foreign_keys:off, batch, pause:100ms, opaque");
}

static enum dialect find_dialect(struct str word)
{
    int dialect = 0;
    while (dialect < DIALECT_COUNT && !str_is(word, dialect_words[dialect]))
        dialect++;
    return (enum dialect)dialect;
}

/* "postgresql,sqlite". */
static void parse_section_dialects(struct section_parser *sp, struct str word)
{
    const struct text_file *f = &sp->p->r->file;
    struct str rest = word, piece;
    if (sp->has_dialects && !sp->after_comma) {
        struct finding *found = finding_add(sp->p->out, "bad-section", f, offset_in(sp->p, word),
                                            "a second list of dialects");
        err_hint(&found->err, "separate dialects by a comma alone: postgresql,sqlite");
    }
    sp->has_dialects = true;
    sp->after_comma = str_ends(word, STR(","));
    while (str_next(&rest, ',', &piece)) {
        enum dialect dialect = find_dialect(piece);
        size_t at = offset_in(sp->p, piece);
        if (piece.n == 0) {
            struct finding *found = finding_add(sp->p->out, "bad-section", f, at, "a comma with no dialect beside it");
            err_hint(&found->err, "separate dialects by a comma alone: postgresql,sqlite");
        } else if (dialect == DIALECT_COUNT) {
            struct finding *found = finding_add(sp->p->out, "unknown-word", f, at, "unknown dialect \"%.*s\"",
                                                STR_ARG(piece));
            suggest_section_word(found, piece);
        } else if (sp->section.dialects & DIALECT_BIT(dialect)) {
            finding_add(sp->p->out, "bad-section", f, at, "\"%.*s\" is there twice", STR_ARG(piece));
        } else {
            sp->section.dialects |= DIALECT_BIT(dialect);
        }
    }
}

static void parse_section_duration(struct section_parser *sp, struct str name, struct str value, int64_t *out)
{
    if (duration_parse(value, out))
        return;
    struct finding *found = finding_add(sp->p->out, "bad-section", &sp->p->r->file, offset_in(sp->p, name),
                                        "\"%.*s\" is no duration", STR_ARG(value));
    err_hint(&found->err, "a number and its unit: %.*s:250ms, 5s, 10min, 2h; 0 for no limit", STR_ARG(name));
    *out = TIMEOUT_UNSET;
}

static void parse_section_key(struct section_parser *sp, enum section_word key, struct str name, struct str value,
                              bool has_value)
{
    const struct section_word_row *row = &section_words[key];
    const struct text_file *f = &sp->p->r->file;
    size_t at = offset_in(sp->p, name);
    if (sp->seen & (1u << key)) {
        finding_add(sp->p->out, "bad-section", f, at, "\"%s\" is there twice", row->name);
        return;
    }
    sp->seen |= 1u << key;
    if (key == WORD_LOCK_TIMEOUT)
        parse_section_duration(sp, name, value, &sp->section.lock_timeout_ms);
    else if (key == WORD_STATEMENT_TIMEOUT)
        parse_section_duration(sp, name, value, &sp->section.statement_timeout_ms);
    else if (key == WORD_PAUSE)
        parse_section_duration(sp, name, value, &sp->section.batch_pause_ms);
    else if (!row->value && has_value)
        finding_add(sp->p->out, "bad-section", f, at, "\"%s\" takes no value", row->name);
    else if (row->value && !str_is(value, row->value)) {
        struct finding *found = finding_add(sp->p->out, "bad-section", f, at, "\"%s\" has one value only: %s:%s",
                                            row->name, row->name, row->value);
        err_hint(&found->err, "without the word the section is as usual");
    }
    sp->section.flags |= row->flag;
}

static void parse_section_word(struct section_parser *sp, struct str word)
{
    size_t colon = str_find(word, ':');
    struct str name = str_slice(word, 0, colon);
    struct str value = colon < word.n ? str_slice(word, colon + 1, word.n) : (struct str){0};
    for (size_t key = 0; key < WORD_COUNT; key++)
        if (str_is(name, section_words[key].name)) {
            parse_section_key(sp, (enum section_word)key, name, value, colon < word.n);
            return;
        }
    if (colon == word.n && (str_find(word, ',') < word.n || find_dialect(word) != DIALECT_COUNT)) {
        parse_section_dialects(sp, word);
        return;
    }
    struct finding *found = finding_add(sp->p->out, "unknown-word", &sp->p->r->file, offset_in(sp->p, word),
                                        "unknown word \"%.*s\"", STR_ARG(name));
    suggest_section_word(found, name);
    sp->has_dialects = true; /* perhaps a misspelt dialect: do not take the section for one of every dialect */
}

static bool next_word(struct str *rest, struct str *word)
{
    *rest = skip_blanks(*rest);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    *word = str_slice(*rest, 0, n);
    *rest = str_slice(*rest, n, rest->n);
    return n > 0;
}

static bool parse_direction(const struct section_parser *sp, struct str word, enum direction *out)
{
    *out = str_is(word, "down") ? DIRECTION_DOWN : DIRECTION_UP;
    if (str_is(word, "up") || str_is(word, "down"))
        return true;
    struct finding *found = finding_add(sp->p->out, "unknown-word", &sp->p->r->file, offset_in(sp->p, word),
                                        "a section is \"up\" or \"down\", not \"%.*s\"", STR_ARG(word));
    err_hint(&found->err, "-- migrate:(up|down) [DIALECT[,DIALECT]] [KEY[:VALUE]]…");
    return false;
}

/* Makes the section of one line; its length is set when the next begins. */
static void parse_section_line(struct parser *p, uint32_t line)
{
    const struct text_file *f = &p->r->file;
    struct section_parser sp = {.p = p};
    sp.section = (struct revision_section){
        .line = line,
        .offset = line < f->n_lines ? f->line_starts[line] : (uint32_t)f->bytes.n,
        .lock_timeout_ms = TIMEOUT_UNSET,
        .statement_timeout_ms = TIMEOUT_UNSET,
        .batch_pause_ms = TIMEOUT_UNSET,
    };
    struct str rest = text_line(f, line), word;
    rest = str_trim(str_slice(rest, STR("-- migrate:").n, rest.n));
    if (!rest.n)
        rest = str_slice(text_line(f, line), STR("-- migrate:").n, STR("-- migrate:").n);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != '\t')
        n++;
    bool known = parse_direction(&sp, str_slice(rest, 0, n), &sp.section.direction);
    rest = str_slice(rest, n, rest.n);
    while (next_word(&rest, &word))
        parse_section_word(&sp, word);
    if (sp.section.direction == DIRECTION_DOWN && (sp.section.flags & SECTION_IRREVERSIBLE)) {
        struct finding *found = finding_at_line(p->out, "bad-section", f, line,
                                                "\"irreversible\" stands on an up section");
        err_hint(&found->err, "a revision with a down section can be reversed; drop one of the two");
    }
    if (sp.section.batch_pause_ms != TIMEOUT_UNSET && !(sp.section.flags & SECTION_BATCH)) {
        struct finding *found = finding_at_line(p->out, "bad-section", f, line, "\"pause\" is between batches");
        err_hint(&found->err, "leave it out, or add the word batch");
    }
    /* A section of unknown dialects is kept out of the way: DIALECTS_ALL would claim them, 0 is the plain section. */
    if (known && (sp.section.dialects || !sp.has_dialects))
        vec_push(p->a, &p->r->sections, sp.section);
    else
        p->r->unreadable = true;
}

/* "--migrate:up", " -- Migrate: down": a comment to every reader, and surely not meant as one. */
static bool line_is_nearly_section(struct str line)
{
    struct str rest = skip_blanks(line);
    if (!str_starts(rest, STR("--")))
        return false;
    rest = skip_blanks(str_slice(rest, 2, rest.n));
    if (rest.n < 8 || strncasecmp(rest.p, "migrate", 7) != 0)
        return false;
    rest = skip_blanks(str_slice(rest, 7, rest.n));
    if (rest.n == 0 || rest.p[0] != ':')
        return false;
    rest = skip_blanks(str_slice(rest, 1, rest.n));
    return (rest.n >= 2 && strncasecmp(rest.p, "up", 2) == 0) || (rest.n >= 4 && strncasecmp(rest.p, "down", 4) == 0);
}

static void parse_sections(struct parser *p, uint32_t first)
{
    const struct text_file *f = &p->r->file;
    for (uint32_t line = first; line <= f->n_lines; line++) {
        struct str text = text_line(f, line);
        if (line_is_section(text)) {
            parse_section_line(p, line);
        } else if (line_is_nearly_section(text)) {
            struct finding *found = finding_add(p->out, "section-spelling", f, offset_in(p, skip_blanks(text)),
                                                "this looks like a section line, but is none");
            err_hint(&found->err, "a section line begins with \"-- migrate:up\" or \"-- migrate:down\", "
                                  "at the first column and in lower case");
        }
    }
}

/* Each section ends where the next section line begins, known or not. */
static void close_sections(struct source_revision *r)
{
    uint32_t next = (uint32_t)r->file.bytes.n;
    for (size_t i = r->sections.n; i-- > 0;) {
        struct revision_section *s = &r->sections.v[i];
        s->length = next > s->offset ? next - s->offset : 0;
        next = r->file.line_starts[s->line - 1];
    }
}

void source_parse_revision(struct findings *out, struct arena *a, struct source_revision *r)
{
    struct parser p = {.out = out, .a = a, .r = r};
    r->revision.path = r->file.path;
    r->revision.message = "";
    r->revision.created = "";
    r->revision.text = (const unsigned char *)r->file.bytes.p;
    r->revision.length = (uint32_t)r->file.bytes.n;
    memset(r->revision.pick, SECTION_NONE, sizeof r->revision.pick);

    /* In a text that is refused as a whole the header counts, for the sake of its children, and says nothing more. */
    struct findings unsaid = {.arena = a};
    if (r->unreadable)
        p.out = &unsaid;
    uint32_t stray, first = parse_header(&p, &stray);
    require_header(&p);
    r->revision.id = r->id.text;
    findings_free(&unsaid);
    if (r->unreadable)
        return;
    r->header_end = first <= r->file.n_lines ? r->file.line_starts[first - 1] : (uint32_t)r->file.bytes.n;
    r->unreadable = first > r->file.n_lines;
    if (!r->unreadable || has_header(&p))
        refuse_text_outside(&p, first, stray);
    parse_sections(&p, first);
    close_sections(r);
    r->revision.sections = r->sections.v;
    r->revision.n_sections = (uint32_t)r->sections.n;
}

/* -------------------------------------------------------------------------------------------- sections of a dialect */

static const char *direction_word(enum direction direction)
{
    return direction == DIRECTION_UP ? "up" : "down";
}

static void pick_one(struct findings *out, struct source_revision *r, int8_t index, enum dialect dialect)
{
    struct revision_section *s = &r->sections.v[index];
    int8_t *pick = &r->revision.pick[s->direction][dialect];
    if (*pick == SECTION_NONE) {
        *pick = index;
        return;
    }
    struct finding *found = finding_at_line(out, "duplicate-section", &r->file, s->line, "a second %s section for %s",
                                            direction_word(s->direction), dialect_words[dialect]);
    err_hint(&found->err, "the first is line %u", r->sections.v[*pick].line);
}

/* Sections that name their dialects, first. */
static void pick_own(struct findings *out, const struct source_stream *stream, struct source_revision *r)
{
    for (int8_t i = 0; (size_t)i < r->sections.n; i++) {
        const struct revision_section *s = &r->sections.v[i];
        for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
            if (!(s->dialects & DIALECT_BIT(dialect)))
                continue;
            if (stream->dialects & DIALECT_BIT(dialect)) {
                pick_one(out, r, i, (enum dialect)dialect);
                continue;
            }
            struct finding *found = finding_at_line(out, "foreign-dialect", &r->file, s->line,
                                                    "the stream \"%s\" has no dialect %s", stream->name,
                                                    dialect_words[dialect]);
            err_hint(&found->err, "dialects are listed in %s", stream->ini.shown);
        }
    }
}

/* Then the plain one, for the dialects that are left. */
static void pick_plain(struct findings *out, const struct source_stream *stream, struct source_revision *r)
{
    uint32_t line_of[DIRECTION_COUNT] = {0};
    for (int8_t i = 0; (size_t)i < r->sections.n; i++) {
        struct revision_section *s = &r->sections.v[i];
        if (s->dialects)
            continue;
        if (line_of[s->direction]) {
            struct finding *found = finding_at_line(out, "duplicate-section", &r->file, s->line,
                                                    "a second %s section for every dialect",
                                                    direction_word(s->direction));
            err_hint(&found->err, "the first is line %u", line_of[s->direction]);
            continue;
        }
        line_of[s->direction] = s->line;
        for (int dialect = 0; dialect < DIALECT_COUNT; dialect++)
            if ((stream->dialects & DIALECT_BIT(dialect)) && r->revision.pick[s->direction][dialect] == SECTION_NONE) {
                s->dialects |= DIALECT_BIT(dialect);
                r->revision.pick[s->direction][dialect] = i;
            }
        enum severity severity = lint_severity_of(stream, "unused-section");
        if (!s->dialects && severity != SEVERITY_OFF) {
            struct finding *found = finding_at_line(out, "unused-section", &r->file, s->line,
                                                    "this section never runs: every dialect has its own");
            finding_severity(out, found, severity);
        }
    }
}

static void require_sections(struct findings *out, struct source_revision *r, enum dialect dialect)
{
    int8_t up = r->revision.pick[DIRECTION_UP][dialect], down = r->revision.pick[DIRECTION_DOWN][dialect];
    const char *word = dialect_words[dialect];
    uint32_t line = r->sections.n ? r->sections.v[0].line : 1;
    if (up == SECTION_NONE) {
        struct finding *found = finding_at_line(out, "missing-up", &r->file, line, "no up section for %s", word);
        err_hint(&found->err, "add \"-- migrate:up %s\", or \"-- migrate:up\" for every dialect; it may be empty",
                 word);
        return;
    }
    bool irreversible = r->sections.v[up].flags & SECTION_IRREVERSIBLE;
    if (down == SECTION_NONE && !irreversible) {
        struct finding *found = finding_at_line(out, "missing-down", &r->file, r->sections.v[up].line,
                                                "no down section for %s", word);
        err_hint(&found->err,
                 "add \"-- migrate:down\", or say that there is no way back: \"-- migrate:up irreversible\"");
    } else if (down != SECTION_NONE && irreversible) {
        struct finding *found = finding_at_line(out, "irreversible-with-down", &r->file, r->sections.v[down].line,
                                                "a down section for %s, whose up section says irreversible", word);
        err_hint(&found->err, "drop one of the two");
    }
}

static void refuse_misplaced_keys(struct findings *out, const struct source_revision *r)
{
    for (size_t i = 0; i < r->sections.n; i++) {
        const struct revision_section *s = &r->sections.v[i];
        if ((s->flags & SECTION_FOREIGN_KEYS_OFF) && s->dialects && !(s->dialects & DIALECT_BIT(DIALECT_SQLITE)))
            finding_at_line(out, "bad-section", &r->file, s->line,
                            "foreign_keys:off is for SQLite, and this section is not");
    }
}

/* A file that was made and never edited. A merge has nothing to do, and a comment says so of another revision. */
static void warn_of_empty_sections(struct findings *out, const struct source_stream *stream,
                                   const struct source_revision *r)
{
    enum severity severity = lint_severity_of(stream, "empty-section");
    for (size_t i = 0; severity != SEVERITY_OFF && i < r->sections.n && r->revises.n < 2; i++) {
        const struct revision_section *s = &r->sections.v[i];
        size_t n = 0;
        while (n < s->length &&
               (isspace((unsigned char)r->file.bytes.p[s->offset + n]) || r->file.bytes.p[s->offset + n] == ';'))
            n++;
        if (s->direction != DIRECTION_UP || n < s->length)
            continue;
        struct finding *found = finding_at_line(out, "empty-section", &r->file, s->line, "the section is empty");
        err_hint(&found->err, "write the SQL, or a comment that says why there is nothing to do");
        finding_severity(out, found, severity);
    }
}

void source_pick_sections(struct findings *out, const struct source_stream *s, struct source_revision *r)
{
    if (r->sections.n > INT8_MAX) {
        finding_at_line(out, "bad-section", &r->file, r->sections.v[INT8_MAX].line, "more than %d sections", INT8_MAX);
        return;
    }
    pick_own(out, s, r);
    pick_plain(out, s, r);
    refuse_misplaced_keys(out, r);
    warn_of_empty_sections(out, s, r);
    if (r->unreadable)
        return;
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++)
        if (s->dialects & DIALECT_BIT(dialect))
            require_sections(out, r, (enum dialect)dialect);
}

/* ----------------------------------------------------------------------------------------------------------- folders */

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Names in a folder in byte order, hidden ones left out; false with errno. */
static bool list_folder(struct arena *a, const char *folder, struct strings *names)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_visible, compare_names);
    if (n < 0)
        return false;
    for (int i = 0; i < n; i++) {
        vec_push(a, names, arena_strdup(a, entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return true;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A file that is about another, for findings on a path that is not read. */
static struct text_file named_file(struct arena *a, const struct source *s, const char *path)
{
    const char *folder = s->folder;
    while (folder[0] == '.' && folder[1] == '/')
        folder += 1 + strspn(folder + 1, "/");
    bool here = *folder == '\0' || strcmp(folder, ".") == 0;
    bool slash = str_ends(str_from(folder), STR("/"));
    const char *shown = here ? path : arena_printf(a, "%s%s%s", folder, slash ? "" : "/", path);
    return (struct text_file){.path = path, .shown = shown, .bytes = STR("")};
}

static bool name_is_clean(const char *name)
{
    struct str s = str_from(name);
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
            return false;
    return str_utf8_error(s) == s.n;
}

static void read_revision(struct source *s, struct source_stream *stream, const char *path)
{
    struct source_revision *r = ARENA_NEW(s->arena, struct source_revision);
    struct text_file named = named_file(s->arena, s, path);
    r->unreadable = !text_read(&s->findings, named.path, named.shown, &r->file);
    if (!r->file.n_lines)
        return;
    source_parse_revision(&s->findings, s->arena, r);
    if (stream->dialects)
        source_pick_sections(&s->findings, stream, r);
    r->revision.load_order = (uint32_t)stream->revisions.n;
    vec_push(s->arena, &stream->revisions, r);
}

/* What editors leave beside a file: `x.sql~`, `#x.sql#`, `x.swp`. */
static bool is_editor_file(struct str name)
{
    return str_ends(name, STR("~")) || str_starts(name, STR("#")) || str_ends(name, STR(".swp")) ||
           str_ends(name, STR(".swo"));
}

static void ignore_file(struct source *s, const struct source_stream *stream, const struct text_file *file,
                        const char *why)
{
    enum severity severity = lint_severity_of(stream, "ignored-file");
    if (severity != SEVERITY_OFF)
        finding_severity(&s->findings, finding_add(&s->findings, "ignored-file", file, SIZE_MAX, "%s", why), severity);
}

static void read_versions(struct source *s, struct source_stream *stream)
{
    struct text_file folder = named_file(s->arena, s, arena_printf(s->arena, "%s/versions", stream->name));
    struct strings names = {0};
    if (!list_folder(s->arena, folder.shown, &names)) {
        if (errno != ENOENT)
            finding_add(&s->findings, "unreadable-file", &folder, SIZE_MAX, "cannot be read: %s", strerror(errno));
        return;
    }
    for (size_t i = 0; i < names.n; i++) {
        struct str name = str_from(names.v[i]);
        const char *path = arena_printf(s->arena, "%s/%s", folder.path, names.v[i]);
        struct text_file file = named_file(s->arena, s, path);
        if (is_editor_file(name))
            continue;
        if (!name_is_clean(names.v[i])) {
            finding_add(&s->findings, "bad-name", &file, SIZE_MAX, "the name is no UTF-8 or holds a control character");
        } else if (is_folder(file.shown)) {
            ignore_file(s, stream, &file, "a folder here is not read");
        } else if (str_ends(name, STR(".sql"))) {
            read_revision(s, stream, path);
        } else {
            ignore_file(s, stream, &file, "not read: its name does not end in .sql");
        }
    }
}

static void read_fingerprints(struct source *s, struct source_stream *stream)
{
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++) {
        struct text_file named = named_file(s->arena, s,
                                            fingerprint_path(s->arena, stream->name, (enum dialect)dialect)),
                         *file = &stream->fingerprints[dialect];
        struct stat st;
        if (stat(named.shown, &st) == 0 && !text_read(&s->findings, named.path, named.shown, file))
            *file = (struct text_file){0};
    }
}

static void read_locks(struct source *s, struct source_stream *stream)
{
    struct text_file named = named_file(s->arena, s, locks_path(s->arena, stream->name));
    struct stat st;
    if (stat(named.shown, &st) == 0 && !text_read(&s->findings, named.path, named.shown, &stream->locks_file))
        stream->locks_file = (struct text_file){0};
}

static void read_stream(struct source *s, const char *name, const char *ini_path)
{
    struct source_stream *stream = ARENA_NEW(s->arena, struct source_stream);
    stream->name = name;
    struct text_file named = named_file(s->arena, s, ini_path);
    if (text_read(&s->findings, named.path, named.shown, &stream->ini))
        source_parse_ini(&s->findings, s->arena, stream);
    read_versions(s, stream);
    read_fingerprints(s, stream);
    read_locks(s, stream);
    vec_push(s->arena, &s->streams, stream);
}

static void read_entry(struct source *s, const char *name)
{
    const char *ini_path = arena_printf(s->arena, "%s/env.ini", name);
    struct text_file folder = named_file(s->arena, s, name), ini = named_file(s->arena, s, ini_path);
    const char *versions = arena_printf(s->arena, "%s/versions", folder.shown);
    struct stat st;
    if (!is_folder(folder.shown))
        return;
    if (stat(ini.shown, &st) == 0) {
        if (name_is_clean(name))
            read_stream(s, name, ini_path);
        else
            finding_add(&s->findings, "bad-name", &folder, SIZE_MAX,
                        "the name is no UTF-8 or holds a control character");
    } else if (is_folder(versions)) {
        struct finding *found = finding_add(&s->findings, "missing-ini", &folder, SIZE_MAX,
                                            "holds versions/ but no env.ini");
        err_hint(&found->err,
                 "a stream is a folder with an env.ini: \"[stream]\" and \"dialects = postgresql, sqlite\"");
    }
}

const struct source_stream *source_find(const struct source *s, const char *stream)
{
    for (size_t i = 0; i < s->streams.n; i++)
        if (strcmp(s->streams.v[i]->name, stream) == 0)
            return s->streams.v[i];
    return NULL;
}

/* Moves each registry in front of the first fleet that names it; the rest stays in byte order of names. */
static void order_streams(struct source *s)
{
    for (size_t i = 0; i < s->streams.n; i++) {
        const char *registry = s->streams.v[i]->registry;
        for (size_t j = i + 1; registry && j < s->streams.n; j++) {
            struct source_stream *moved = s->streams.v[j];
            if (strcmp(moved->name, registry) != 0 || moved->registry)
                continue;
            memmove(&s->streams.v[i + 1], &s->streams.v[i], (j - i) * sizeof(struct source_stream *));
            s->streams.v[i] = moved;
        }
    }
}

const char *source_tool(const struct source *s)
{
    return s->tool && *s->tool ? s->tool : "migrate-gen";
}

bool source_read(struct source *s, const char *folder, struct err *e)
{
    s->folder = folder;
    s->findings.arena = s->arena;
    struct strings names = {0};
    if (!list_folder(s->arena, folder, &names)) {
        err_set(e, FAULT_CONFIG, "the migrations folder \"%s\" cannot be read: %s", folder, strerror(errno));
        err_hint(e, "--migrations names it; the default is \"migrations\" in the current folder");
        return false;
    }
    for (size_t i = 0; i < names.n; i++)
        read_entry(s, names.v[i]);
    if (!s->streams.n && !s->findings.list.n) {
        err_set(e, FAULT_CONFIG, "the migrations folder \"%s\" holds no stream", folder);
        err_hint(e, "a stream is a folder with an env.ini: \"[stream]\" and \"dialects = postgresql, sqlite\"");
        return false;
    }
    order_streams(s);
    return true;
}
