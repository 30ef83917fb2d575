/*
 * The lock report at build time: reading locks.txt against the revisions beside it. That is asked of texts alone, so a build
 * needs no server to refuse what was measured of another text; measuring is `migrate-gen STREAM verify`'s work.
 *
 * One flaw ends the section that it stands in and no more: what follows is as likely right, and one run shows all of it.
 */
#include "gen/locks.h"

#include <string.h>

#include "gen/lint/rules.h"

const char *locks_path(struct arena *a, const char *stream)
{
    return arena_printf(a, "%s/locks.txt", stream);
}

void locks_checksum(const struct source_revision *r, const struct revision_statement *statement,
                    char out[LOCKS_CHECKSUM + 1])
{
    stream_locks_checksum(&r->revision, statement, out);
}

void locks_write(struct buf *out, const struct source_stream *stream, const struct stream_locks *locks)
{
    stream_locks_write(out, stream->linked, locks);
}

/* ----------------------------------------------------------------------------------------------------------- reading */

/* What was read of a section, by revision and direction. */
struct slot {
    uint32_t line; /* of its heading, 0: there is none */
    struct statement_locks *statements;
};

struct reader {
    struct arena *a;
    struct findings *out;
    const struct source_stream *stream;
    const struct text_file *file;
    const char *tool;
    uint32_t version, server; /* 0: not said yet */
    struct slot *slots;
    /* The section under way. NULL: none, and lines of statements are passed over when `skip`. */
    struct slot *slot;
    const struct revision *revision;
    const struct revision_section *section;
    enum direction direction;
    uint32_t n;    /* statements read */
    uint32_t last; /* revision that was found */
    bool skip;
};

static const char *const direction_words[DIRECTION_COUNT] = {[DIRECTION_UP] = "up", [DIRECTION_DOWN] = "down"};

static void hint_command(const struct reader *r, struct finding *found)
{
    err_hint(&found->err, "`%s %s verify` writes it anew; its diff shows what the revisions change", r->tool,
             r->stream->name);
}

/* A section of which something is wrong counts as a whole: what is left of it is passed over. */
static void refuse(struct reader *r, struct finding *found)
{
    hint_command(r, found);
    if (r->slot)
        r->slot->statements = NULL;
    r->slot = NULL;
    r->skip = true;
}

static size_t at(const struct reader *r, struct str part)
{
    return (size_t)(part.p - r->file->bytes.p);
}

static struct slot *slot_of(const struct reader *r, uint32_t revision, enum direction direction)
{
    return &r->slots[(size_t)revision * DIRECTION_COUNT + direction];
}

/* Cuts a column off the front, and the two or more spaces behind it. */
static struct str next_column(struct str *rest)
{
    const char *end = rest->n ? memmem(rest->p, rest->n, "  ", 2) : NULL;
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    struct str column = str_slice(*rest, 0, n);
    while (n < rest->n && rest->p[n] == ' ')
        n++;
    *rest = str_slice(*rest, n, rest->n);
    return column;
}

static bool refuse_word(struct reader *r, struct str word, const char *what)
{
    refuse(r, finding_add(r->out, "bad-locks", r->file, at(r, word), "\"%.*s\" %s", STR_ARG(word), what));
    return false;
}

static bool parse_relations(struct reader *r, struct str text, const char **out)
{
    struct str left = text;
    struct relation_locks one;
    bool none = str_is(text, "-");
    while (!none && left.n && relation_locks_next(&left, &one))
        ;
    *out = none ? "" : arena_str(r->a, text);
    return none || !left.n || refuse_word(r, left, "is no list of relations with their locks");
}

static bool parse_columns(struct reader *r, struct str line, uint64_t *number, struct str *sum,
                          struct statement_locks *out)
{
    unsigned flags = 0;
    struct str rest = line, first = next_column(&rest);
    *sum = next_column(&rest);
    struct str mode = next_column(&rest), words = next_column(&rest), relations = str_trim(rest);
    *out = (struct statement_locks){.strongest = (uint8_t)lock_mode_find(mode), .relations = ""};
    if (!str_number(first, UINT32_MAX, number) || sum->n != LOCKS_CHECKSUM || !relations.n) {
        refuse(r, finding_add(r->out, "bad-locks", r->file, at(r, line),
                              "the line is no \"NUMBER  SUM  LOCK  FLAGS  RELATIONS\""));
        return false;
    }
    if (out->strongest == LOCK_MODE_COUNT)
        return refuse_word(r, mode, "is no lock");
    if (!lock_flags_parse(words, &flags))
        return refuse_word(r, words, "are no flags");
    out->flags = (uint8_t)flags;
    return parse_relations(r, relations, &out->relations);
}

/* The number that is expected, and the statement that stands there now. */
static void take_statement(struct reader *r, struct str line)
{
    struct statement_locks locks;
    struct str sum, text = str_trim(line);
    uint64_t number;
    char expected[LOCKS_CHECKSUM + 1];
    if (!parse_columns(r, text, &number, &sum, &locks))
        return;
    if (number != r->n + 1) {
        refuse(r, finding_add(r->out, "bad-locks", r->file, at(r, text),
                              "statement %llu stands where statement %u should", (unsigned long long)number, r->n + 1));
        return;
    }
    if (number > r->section->n_statements) {
        refuse(r, finding_add(r->out, "stale-locks", r->file, at(r, text),
                              "the %s of revision %s has no statement %u any more", direction_words[r->direction],
                              r->revision->id, r->n + 1));
        return;
    }
    const struct revision_statement *statement = &r->section->statements[r->n];
    stream_locks_checksum(r->revision, statement, expected);
    if (str_is(sum, expected))
        r->slot->statements[r->n++] = locks;
    else
        refuse(r,
               finding_add(r->out, "stale-locks", r->file, at(r, sum),
                           "this was measured of another text than statement %u of %s, %s, now has: %s, line %u",
                           r->n + 1, r->revision->id, direction_words[r->direction], statement->kind, statement->line));
}

/* At the next heading, and at the end. */
static void end_section(struct reader *r)
{
    if (!r->slot)
        return;
    if (r->n < r->section->n_statements) {
        r->slot->statements = NULL;
        hint_command(r, finding_at_line(r->out, "stale-locks", r->file, r->slot->line,
                                        "the %s of revision %s has %u statement%s, and %u %s measured",
                                        direction_words[r->direction], r->revision->id, r->section->n_statements,
                                        r->section->n_statements == 1 ? "" : "s", r->n, r->n == 1 ? "was" : "were"));
    }
    r->slot = NULL;
}

/* They mostly come in order, so the search begins at the last one. n_revisions: there is none. */
static uint32_t find_revision(struct reader *r, struct str id)
{
    const struct stream *s = r->stream->linked;
    for (uint32_t i = 0; i < s->n_revisions; i++) {
        uint32_t index = (uint32_t)(((uint64_t)r->last + i) % s->n_revisions);
        if (str_is(id, s->revisions[index]->id))
            return r->last = index;
    }
    return s->n_revisions;
}

static void begin_section(struct reader *r, uint32_t revision, enum direction direction, struct str line)
{
    const struct stream *s = r->stream->linked;
    struct slot *slot = slot_of(r, revision, direction);
    r->revision = s->revisions[revision];
    r->section = stream_section(s, revision, direction, DIALECT_POSTGRESQL);
    r->direction = direction;
    if (!r->section) {
        refuse(r, finding_add(r->out, "stale-locks", r->file, at(r, line), "revision %s has no %s that PostgreSQL runs",
                              r->revision->id, direction_words[direction]));
    } else if (slot->line) {
        refuse(r, finding_add(r->out, "bad-locks", r->file, at(r, line),
                              "the %s of revision %s is there a second time; the first is line %u",
                              direction_words[direction], r->revision->id, slot->line));
    } else {
        slot->line = text_position(r->file, at(r, line)).line;
        slot->statements = ARENA_ARRAY(r->a, struct statement_locks, r->section->n_statements);
        r->slot = slot;
        r->n = 0;
        r->skip = false;
    }
}

/* "5f1c0a2b9e77 up" */
static void take_heading(struct reader *r, struct str line)
{
    size_t blank = str_find_last(line, ' ');
    struct str word = str_slice(line, blank < line.n ? blank + 1 : line.n, line.n), id = str_slice(line, 0, blank);
    int direction = 0;
    end_section(r);
    while (direction < DIRECTION_COUNT && !str_is(word, direction_words[direction]))
        direction++;
    if (direction == DIRECTION_COUNT || !id.n) {
        refuse(r, finding_add(r->out, "bad-locks", r->file, at(r, line),
                              "the line is neither \"REVISION up\" nor \"REVISION down\", nor a statement's"));
        return;
    }
    uint32_t revision = find_revision(r, id);
    if (revision == r->stream->linked->n_revisions)
        refuse(r, finding_add(r->out, "stale-locks", r->file, at(r, line), "stream \"%s\" has no revision %.*s",
                              r->stream->name, STR_ARG(id)));
    else
        begin_section(r, revision, (enum direction)direction, line);
}

/* A line before the first section. False: the rest is not worth reading. */
static bool take_preamble(struct reader *r, struct str line)
{
    bool versioned = r->version != 0;
    const char *key = versioned ? "server: " : "version: ";
    uint64_t number;
    if (str_starts(line, STR("#")))
        return true;
    if (!str_starts(line, str_from(key)) ||
        !str_number(str_slice(line, strlen(key), line.n), versioned ? 999 : UINT32_MAX, &number) ||
        (versioned && !number)) {
        refuse(r, finding_add(r->out, "bad-locks", r->file, at(r, line), "the line \"%sNUMBER\" is missing", key));
        return false;
    }
    if (!versioned && number != LOCKS_VERSION) {
        refuse(r,
               finding_add(r->out, "stale-locks", r->file, at(r, line), "the version is %llu, and this is version %d",
                           (unsigned long long)number, LOCKS_VERSION));
        return false;
    }
    *(versioned ? &r->server : &r->version) = (uint32_t)number;
    return true;
}

static bool take_line(struct reader *r, struct str line)
{
    if (!r->server)
        return take_preamble(r, line);
    if (line.p[0] != ' ')
        take_heading(r, line);
    else if (r->slot)
        take_statement(r, line);
    else if (!r->skip)
        refuse(r,
               finding_add(r->out, "bad-locks", r->file, at(r, str_trim(line)), "the line stands under no revision"));
    return true;
}

/* False: it is not what can be read at all. */
static bool read_lines(struct reader *r)
{
    struct str line;
    for (struct str rest = r->file->bytes; str_next(&rest, '\n', &line);)
        if (str_trim(line).n && !take_line(r, line))
            return false;
    end_section(r);
    if (r->server)
        return true;
    hint_command(r, finding_at_line(r->out, "bad-locks", r->file, r->file->n_lines, "the line \"%sNUMBER\" is missing",
                                    r->version ? "server: " : "version: "));
    return false;
}

/* ---------------------------------------------------------------------------------------------------------- the whole */

static bool is_missing(const struct reader *r, uint32_t revision, enum direction direction)
{
    const struct revision_section *section = stream_section(r->stream->linked, revision, direction, DIALECT_POSTGRESQL);
    return section && section->n_statements && !slot_of(r, revision, direction)->line;
}

/* One finding a revision, at the section that is missing first: somebody wrote it and did not measure it. */
static void tell_missing(const struct reader *r)
{
    const struct lint_rule *rule = lint_rule_find(STR("missing-locks"));
    enum severity severity = lint_severity(r->stream, rule);
    for (uint32_t i = 0; severity != SEVERITY_OFF && i < r->stream->linked->n_revisions; i++) {
        bool up = is_missing(r, i, DIRECTION_UP), down = is_missing(r, i, DIRECTION_DOWN);
        if (!up && !down)
            continue;
        const struct revision_section *section = stream_section(r->stream->linked, i,
                                                                up ? DIRECTION_UP : DIRECTION_DOWN, DIALECT_POSTGRESQL);
        struct finding *found = finding_at_line(r->out, rule->id, &r->stream->revisions.v[i]->file, section->line,
                                                "what %s locks was never measured",
                                                up && down ? "the revision"
                                                : up       ? "this up"
                                                           : "this down");
        finding_severity(r->out, found, severity);
        err_hint(&found->err, "`%s %s verify` adds it to %s", r->tool, r->stream->name, r->file->shown);
    }
}

/* By revision, then section. */
static void collect(const struct reader *r, struct stream_locks *out)
{
    const struct stream *s = r->stream->linked;
    struct section_locks *sections = ARENA_ARRAY(r->a, struct section_locks, (size_t)s->n_revisions * DIRECTION_COUNT);
    for (uint32_t i = 0; i < s->n_revisions; i++)
        for (uint32_t k = 0; k < s->revisions[i]->n_sections; k++)
            for (int d = 0; d < DIRECTION_COUNT; d++) {
                const struct statement_locks *found = slot_of(r, i, (enum direction)d)->statements;
                if (found && (uint32_t)s->revisions[i]->pick[d][DIALECT_POSTGRESQL] == k &&
                    s->revisions[i]->sections[k].n_statements)
                    sections[out->n_sections++] = (struct section_locks){
                        .revision = i, .section = k, .statements = found};
            }
    out->sections = sections;
    out->server_major = r->server;
}

void locks_parse(struct arena *a, struct findings *out, const struct source_stream *stream,
                 const struct text_file *file, const char *tool, struct stream_locks *locks)
{
    *locks = (struct stream_locks){0};
    struct reader r = {
        .a = a,
        .out = out,
        .stream = stream,
        .file = file,
        .tool = tool,
        .slots = ARENA_ARRAY(a, struct slot, (size_t)stream->linked->n_revisions * DIRECTION_COUNT),
    };
    if (!read_lines(&r))
        return;
    tell_missing(&r);
    collect(&r, locks);
}

/* What a hint can call it so that the command can be typed as it stands. */
static const char *tool_of(const struct source *s)
{
    if (strcmp(s->folder, "migrations") == 0)
        return source_tool(s);
    return arena_printf(s->arena, "%s --migrations %s", source_tool(s), s->folder);
}

/* Statements are only known of what could be parsed, and what cannot be built needs no second finding. */
void check_locks(struct source *s)
{
    size_t n_errors = s->findings.n_errors;
    for (size_t i = 0; i < s->streams.n && !n_errors; i++) {
        struct source_stream *stream = s->streams.v[i];
        if (!stream->linked || !stream->locks_file.path)
            continue;
        if (stream->dialects & DIALECT_BIT(DIALECT_POSTGRESQL))
            locks_parse(s->arena, &s->findings, stream, &stream->locks_file, tool_of(s), &stream->locks);
        else
            err_hint(&finding_add(&s->findings, "bad-locks", &stream->locks_file, SIZE_MAX,
                                  "the stream \"%s\" is not written for PostgreSQL, and only that is measured",
                                  stream->name)
                          ->err,
                     "remove the file");
    }
}
