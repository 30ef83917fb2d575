/*
 * The walk over a stream's revisions in topological order, with the database that goes along (scratch.h). Sets of
 * revisions are bit strings: `live` is what the database holds now.
 */
#include "gen/try_sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gen/check.h"
#include "schema/tokens.h"

/* Saved databases together; beyond it the oldest goes, and what needed it is built again from nothing. */
#define SAVED_BYTES ((int64_t)256 << 20)

enum outcome { OUTCOME_OPEN, OUTCOME_RIGHT, OUTCOME_WRONG };

struct saved {
    uint64_t *set;
    struct image image;
    int64_t n; /* its bytes */
};

struct trial {
    struct source *source;
    const struct source_stream *stream;
    const struct sqlite_revision *revisions;
    const struct sqlite_watch *watch; /* NULL: nobody looks on, and revisions are tried */
    struct arena *a;
    uint32_t n;
    size_t words;      /* of a set */
    uint64_t *below;   /* n sets: the proper ancestors of each revision */
    uint32_t *n_above; /* how many revisions have it among their ancestors */
    bool *todo;        /* not known to be right */
    enum outcome *outcome;
    struct scratch *db;
    uint64_t *live;
    VEC(struct saved) saved;
    int64_t saved_bytes;
};

/* -------------------------------------------------------------------------------------------------------------- sets */

static uint64_t *below(const struct trial *t, uint32_t i)
{
    return t->below + i * t->words;
}

static bool has(const uint64_t *set, uint32_t i)
{
    return set[i / 64] >> (i % 64) & 1;
}

static void add(uint64_t *set, uint32_t i)
{
    set[i / 64] |= (uint64_t)1 << (i % 64);
}

static bool is_within(const struct trial *t, const uint64_t *set, const uint64_t *in)
{
    for (size_t w = 0; w < t->words; w++)
        if (set[w] & ~in[w])
            return false;
    return true;
}

static size_t count(const struct trial *t, const uint64_t *set)
{
    size_t n = 0;
    for (size_t w = 0; w < t->words; w++)
        n += (size_t)__builtin_popcountll(set[w]);
    return n;
}

static const struct revision *revision_at(const struct trial *t, uint32_t i)
{
    return &t->stream->revisions.v[i]->revision;
}

static void add_ancestors(struct trial *t, uint32_t i, const uint32_t *parents, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        for (size_t w = 0; w < t->words; w++)
            below(t, i)[w] |= below(t, parents[k])[w];
        add(below(t, i), parents[k]);
    }
}

static void find_ancestors(struct trial *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const struct revision *r = revision_at(t, i);
        add_ancestors(t, i, r->down, r->n_down);
        add_ancestors(t, i, r->depends, r->n_depends);
        for (uint32_t k = 0; k < i; k++)
            t->n_above[k] += has(below(t, i), k);
    }
}

/* --------------------------------------------------------------------------------------------------------- findings */

static struct str statement_text(const struct trial *t, uint32_t i, const struct revision_statement *st)
{
    return str_slice(t->stream->revisions.v[i]->file.bytes, st->offset, st->offset + st->length);
}

static bool token_names(struct str text, const struct token *t, struct str name)
{
    struct str s = token_text(text, t);
    if (t->kind == TOKEN_NAME && s.n >= 2)
        s = str_slice(s, 1, s.n - 1);
    return s.n == name.n && strncasecmp(s.p, name.p, s.n) == 0;
}

/* CREATE TABLE with the name in its head, or ALTER TABLE … RENAME TO it. */
static bool makes_table(struct str text, const char *kind, struct str name)
{
    struct lexer l = {.text = text, .dialect = DIALECT_SQLITE};
    struct token token, before = {0}, first = {0};
    bool renames = strcmp(kind, "ALTER TABLE") == 0;
    if (!renames && strcmp(kind, "CREATE TABLE") != 0)
        return false;
    for (; token_next(&l, &token) && !token_is_symbol(text, &token, "("); first = before, before = token)
        if (token_names(text, &token, name) && (!renames || (before.length && token_is_word(text, &before, "TO") &&
                                                             token_is_word(text, &first, "RENAME"))))
            return true;
    return false;
}

/* Whether one of a body's first `n` statements makes the table. */
static bool creates(const struct trial *t, uint32_t i, const struct sqlite_body *body, size_t n, struct str name)
{
    for (size_t k = 0; k < n; k++)
        if (makes_table(statement_text(t, i, &body->statements[k]), body->statements[k].kind, name))
            return true;
    return false;
}

/* `no such table: x`: a revision that this one does not build on may create it. */
static void suggest_dependency(const struct trial *t, uint32_t i, struct finding *found)
{
    struct str message = str_from(found->err.message), prefix = STR("no such table: ");
    if (!str_starts(message, prefix))
        return;
    struct str name = str_slice(message, prefix.n, message.n);
    size_t dot = str_find(name, '.');
    name = dot < name.n ? str_slice(name, dot + 1, name.n) : name;
    for (uint32_t k = 0; k < t->n; k++) {
        const struct sqlite_body *up = &t->revisions[k].direction[DIRECTION_UP];
        if (k != i && !has(below(t, i), k) && !has(below(t, k), i) && creates(t, k, up, up->n, name)) {
            err_hint(&found->err, "revision %s creates it: add \"-- Depends-On: %s\"", revision_at(t, k)->id,
                     revision_at(t, k)->id);
            return;
        }
    }
}

static void suggest_less(struct finding *found)
{
    if (str_ends(str_from(found->err.message), STR(" of memory")))
        err_hint(&found->err, "split it into several statements");
}

static bool is_quoted_text(const struct source_revision *r, size_t offset, struct str message)
{
    return str_starts(message, STR("no such column: ")) && offset < r->file.bytes.n && r->file.bytes.p[offset] == '"';
}

static void suggest_quotes(const struct source_revision *r, size_t offset, struct finding *found)
{
    if (is_quoted_text(r, offset, str_from(found->err.message)))
        err_hint(&found->err, "a text is quoted with ', and \" quotes a name");
}

static const char *explain(const struct trial *t, uint32_t i, uint32_t for_whom, enum direction direction)
{
    if (i != for_whom)
        return arena_printf(t->source->arena,
                            "run in memory for revision %s, on exactly the revisions that it builds on",
                            revision_at(t, for_whom)->id);
    return direction == DIRECTION_UP ? "run in memory, on exactly the revisions that this one builds on"
                                     : "run in memory, right after its up";
}

/* What ALTER TABLE … ADD COLUMN cannot add, by SQLite's words. */
static const char *rule_of_add(const char *message)
{
    return strcasestr(message, " NOT NULL column") ? "sl-add-not-null" : "sl-add-limits";
}

static const char *rule_of(const struct source_revision *r, size_t offset, const struct revision_statement *st,
                           const struct scratch_error *e)
{
    struct str message = str_from(e->message);
    if (e->syntax)
        return strcmp(st->kind, "ALTER TABLE") == 0 ? "sl-no-alter" : "syntax";
    if (strncasecmp(e->message, "cannot add a ", 13) == 0)
        return rule_of_add(e->message);
    if (str_ends(message, STR(ROLLED_BACK)))
        return "sl-or-rollback";
    return is_quoted_text(r, offset, message) ? "sl-dqs" : "execution";
}

/* A statement of revision `i` that failed while `for_whom` was tried. */
static void refuse(const struct trial *t, uint32_t i, uint32_t for_whom, enum direction direction,
                   const struct revision_statement *st, const struct scratch_error *e)
{
    const struct source_revision *r = t->stream->revisions.v[i];
    size_t offset = st->offset + (e->offset <= st->length ? e->offset : 0);
    struct finding *found = finding_add(&t->source->findings, rule_of(r, offset, st, e), &r->file, offset, "%s",
                                        e->message);
    err_detail(&found->err, "%s", e->syntax ? "read as SQLite" : explain(t, i, for_whom, direction));
    if (i == for_whom)
        suggest_dependency(t, i, found);
    suggest_quotes(r, offset, found);
    suggest_less(found);
}

/* Nothing is known of a revision that SQLite gave no database for: it must not pass. */
static bool refuse_untried(const struct trial *t, uint32_t i)
{
    finding_add(&t->source->findings, "execution", &t->stream->revisions.v[i]->file, SIZE_MAX,
                "the revision could not be tried: SQLite has no memory left");
    return false;
}

/* ---------------------------------------------------------------------------------------------------------- running */

/* The statements from `from` on, which cannot run any more: what is wrong with them on any database. */
static void check_syntax(const struct trial *t, uint32_t i, const struct sqlite_body *body, size_t from)
{
    struct scratch_error e;
    for (size_t k = from; k < body->n; k++) {
        const struct revision_statement *st = &body->statements[k];
        if (!body->skip[k] && !scratch_statement(t->db, statement_text(t, i, st), false, t->a, &e) && e.syntax)
            refuse(t, i, i, body->section->direction, st, &e);
    }
}

/* ALTER TABLE name ADD: the name without its quotes, empty for any other statement or a name with a schema. */
static struct str table_that_grows(struct str text)
{
    struct lexer l = {.text = text, .dialect = DIALECT_SQLITE};
    struct token t[4];
    for (size_t k = 0; k < 4; k++)
        if (!token_next(&l, &t[k]))
            return STR("");
    if (!token_is_word(text, &t[0], "ALTER") || !token_is_word(text, &t[1], "TABLE") ||
        !token_is_word(text, &t[3], "ADD"))
        return STR("");
    struct str name = token_text(text, &t[2]);
    return t[2].kind == TOKEN_NAME && name.n >= 2 ? str_slice(name, 1, name.n - 1) : name;
}

/* A column that only an empty table takes, in a table that an earlier revision made. */
static void check_add_column(const struct trial *t, uint32_t i, const struct sqlite_body *body, size_t at)
{
    const struct revision_statement *st = &body->statements[at];
    struct str text = statement_text(t, i, st), table = table_that_grows(text);
    if (!table.n || creates(t, i, body, at, table))
        return;
    const char *wrong = scratch_add_column(t->db, table, text, t->a);
    if (!wrong)
        return;
    struct finding *found = finding_add(&t->source->findings, rule_of_add(wrong), &t->stream->revisions.v[i]->file,
                                        st->offset, "%s", wrong);
    err_detail(&found->err, "SQLite refuses it as soon as \"%.*s\" holds a row", STR_ARG(table));
    err_hint(&found->err, "give it a constant DEFAULT, or build the table anew: create, copy, drop, rename");
}

static void look_at_statement(const struct trial *t, uint32_t i, const struct sqlite_body *body, size_t at)
{
    if (t->watch)
        t->watch->statement(t->watch->to, at, t->db);
    else
        check_add_column(t, i, body, at);
}

static bool run_statements(const struct trial *t, uint32_t i, uint32_t for_whom, const struct sqlite_body *body)
{
    struct scratch_error e;
    for (size_t k = 0; k < body->n; k++) {
        const struct revision_statement *st = &body->statements[k];
        bool run = !(st->flags & STATEMENT_NO_BLOCK);
        if (i == for_whom && !body->skip[k])
            look_at_statement(t, i, body, k);
        if (body->skip[k] || scratch_statement(t->db, statement_text(t, i, st), run, t->a, &e))
            continue;
        refuse(t, i, for_whom, body->section->direction, st, &e);
        check_syntax(t, i, body, k + 1);
        return false;
    }
    return true;
}

static void refuse_section(const struct trial *t, uint32_t i, const struct sqlite_body *body, const char *message)
{
    struct finding *found = finding_at_line(&t->source->findings, "foreign-key", &t->stream->revisions.v[i]->file,
                                            body->section->line, "%s", message);
    err_detail(&found->err, "%s", explain(t, i, i, body->section->direction));
}

static bool keys_are_right(const struct trial *t, uint32_t i, const struct sqlite_body *body)
{
    const char *wrong = body->section->flags & SECTION_FOREIGN_KEYS_OFF ? scratch_check_keys(t->db, t->a) : NULL;
    if (wrong)
        refuse_section(t, i, body, wrong);
    return !wrong;
}

static bool begin(const struct trial *t, uint32_t i, const struct sqlite_body *body)
{
    return scratch_begin(t->db, !(body->section->flags & SECTION_FOREIGN_KEYS_OFF), revision_at(t, i)->id) ||
           refuse_untried(t, i);
}

/* Applies revision `i` to the live database; it stays as it was when that fails. */
static bool apply(struct trial *t, uint32_t i, uint32_t for_whom)
{
    const struct sqlite_body *up = &t->revisions[i].direction[DIRECTION_UP];
    struct scratch_error e;
    if (up->section) {
        const struct sqlite_watch *watch = i == for_whom ? t->watch : NULL;
        if (watch)
            watch->begins(watch->to, i, up, t->db);
        bool right = begin(t, i, up) && run_statements(t, i, for_whom, up) &&
                     (i != for_whom || keys_are_right(t, i, up));
        if (watch)
            watch->ends(watch->to, right, t->db);
        if (!right) {
            scratch_rollback(t->db);
            return false;
        }
        if (!scratch_commit(t->db, t->a, &e)) {
            refuse_section(t, i, up, e.message);
            return false;
        }
    }
    add(t->live, i);
    return true;
}

/* Rolled back, since what comes next builds on the up. */
static void try_down(const struct trial *t, uint32_t i)
{
    const struct sqlite_body *down = &t->revisions[i].direction[DIRECTION_DOWN];
    if (!down->section || !begin(t, i, down))
        return;
    if (run_statements(t, i, i, down))
        keys_are_right(t, i, down);
    scratch_rollback(t->db);
}

/* ----------------------------------------------------------------------------------------------------- the live state */

/* Whether a revision from `from` on, still to be tried, builds on all of `set` without building on `but` (may be t->n). */
static bool is_needed(const struct trial *t, const uint64_t *set, uint32_t from, uint32_t but)
{
    for (uint32_t i = from; i < t->n; i++)
        if (t->todo[i] && (but == t->n || !has(below(t, i), but)) && is_within(t, set, below(t, i)))
            return true;
    return false;
}

/* As is_needed(), for a saved set: what builds on the live state as well is better off with that. */
static bool is_worth_keeping(const struct trial *t, const uint64_t *set, uint32_t from)
{
    for (uint32_t i = from; i < t->n; i++)
        if (t->todo[i] && is_within(t, set, below(t, i)) && !is_within(t, t->live, below(t, i)))
            return true;
    return false;
}

static void forget_saved(struct trial *t, size_t at)
{
    t->saved_bytes -= t->saved.v[at].n;
    scratch_image_free(&t->saved.v[at].image);
    memmove(&t->saved.v[at], &t->saved.v[at + 1], (t->saved.n - at - 1) * sizeof t->saved.v[0]);
    t->saved.n--;
}

static void save_live(struct trial *t)
{
    for (size_t i = 0; i < t->saved.n; i++)
        if (memcmp(t->saved.v[i].set, t->live, t->words * sizeof *t->live) == 0)
            return;
    struct saved s = {.set = ARENA_ARRAY(t->a, uint64_t, t->words)};
    memcpy(s.set, t->live, t->words * sizeof *t->live);
    if (!scratch_save(t->db, &s.image))
        return;
    s.n = s.image.n;
    vec_push(t->a, &t->saved, s);
    t->saved_bytes += s.n;
    while (t->saved_bytes > SAVED_BYTES)
        forget_saved(t, 0);
}

static const char *version_table(const struct trial *t)
{
    for (size_t i = 0; i < t->stream->settings.n; i++)
        if (strcmp(t->stream->settings.v[i].key.text, "version_table") == 0)
            return t->stream->settings.v[i].value.text;
    return "alembic_version";
}

static void close_live(struct trial *t)
{
    scratch_close(t->db);
    t->db = NULL;
}

static bool start_anew(struct trial *t)
{
    close_live(t);
    t->db = scratch_open(t->stream->name, t->stream->kind, version_table(t));
    memset(t->live, 0, t->words * sizeof *t->live);
    return t->db != NULL;
}

/* Moves to the largest saved state that revision `i` builds on; it is saved no longer then. */
static bool move_to_saved(struct trial *t, uint32_t i)
{
    size_t best = SIZE_MAX, most = 0;
    for (size_t k = 0; k < t->saved.n; k++) {
        size_t n = count(t, t->saved.v[k].set);
        if (n >= most && is_within(t, t->saved.v[k].set, below(t, i))) {
            best = k;
            most = n;
        }
    }
    if (best == SIZE_MAX)
        return start_anew(t);
    memcpy(t->live, t->saved.v[best].set, t->words * sizeof *t->live);
    bool ok = scratch_restore(t->db, &t->saved.v[best].image);
    if (!ok)
        close_live(t);
    forget_saved(t, best);
    for (size_t k = t->saved.n; k-- > 0;)
        if (!is_worth_keeping(t, t->saved.v[k].set, i))
            forget_saved(t, k);
    return ok;
}

/* Makes the database hold exactly the ancestors of revision `i`. */
static bool reach(struct trial *t, uint32_t i)
{
    if (!is_within(t, t->live, below(t, i))) {
        if (is_needed(t, t->live, i, t->n))
            save_live(t);
        if (!move_to_saved(t, i))
            return refuse_untried(t, i);
    }
    for (uint32_t k = 0; k < i; k++)
        if (has(below(t, i), k) && !has(t->live, k) && !apply(t, k, i))
            return false;
    return true;
}

static enum outcome try_one(struct trial *t, uint32_t i)
{
    const struct sqlite_revision *r = &t->revisions[i];
    size_t before = t->source->findings.n_errors;
    for (uint32_t k = 0; k < i; k++)
        if (has(below(t, i), k) && t->outcome[k] == OUTCOME_WRONG) {
            check_syntax(t, i, &r->direction[DIRECTION_UP], 0);
            check_syntax(t, i, &r->direction[DIRECTION_DOWN], 0);
            return OUTCOME_WRONG;
        }
    if (!reach(t, i))
        return OUTCOME_WRONG;
    /* Every later revision that builds on the live state may build on this one too; if not, the state is kept. */
    if (t->n_above[i] < t->n - 1 - i && is_needed(t, t->live, i + 1, i))
        save_live(t);
    if (!apply(t, i, i)) {
        check_syntax(t, i, &r->direction[DIRECTION_DOWN], 0);
        return OUTCOME_WRONG;
    }
    try_down(t, i);
    return t->source->findings.n_errors == before ? OUTCOME_RIGHT : OUTCOME_OPEN;
}

/* --------------------------------------------------------------------------------------------------------- the memory */

static void add_number(struct hash *h, uint32_t n)
{
    uint8_t bytes[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    hash_add(h, bytes, sizeof bytes);
}

static void add_section(struct hash *h, const struct sqlite_body *body)
{
    add_number(h, body->section != NULL);
    if (!body->section)
        return;
    add_number(h, body->section->flags);
    hash_add(h, body->section->sha256, sizeof body->section->sha256);
}

/*
 * The state that revision `i` makes: its own up, and the states of what it builds on. Where lines meet, the order that
 * they are applied in counts as well.
 */
static void state_key(const struct trial *t, const struct memory_key *states, uint32_t i, struct memory_key *out)
{
    const struct revision *r = revision_at(t, i);
    struct hash *h = hash_new();
    add_number(h, CHECK_VERSION);
    hash_add_piece(h, sqlite3_sourceid(), strlen(sqlite3_sourceid()));
    hash_add_piece(h, t->stream->name, strlen(t->stream->name));
    add_number(h, t->stream->kind);
    hash_add_piece(h, version_table(t), strlen(version_table(t)));
    hash_add_piece(h, r->id, strlen(r->id));
    add_section(h, &t->revisions[i].direction[DIRECTION_UP]);
    for (uint32_t k = 0; k < r->n_down; k++)
        hash_add(h, states[r->down[k]].sum, sizeof out->sum);
    for (uint32_t k = 0; k < r->n_depends; k++)
        hash_add(h, states[r->depends[k]].sum, sizeof out->sum);
    for (uint32_t k = 0; r->n_down + r->n_depends > 1 && k < i; k++)
        if (has(below(t, i), k))
            hash_add(h, states[k].sum, sizeof out->sum);
    hash_finish(h, out->sum);
}

static void trial_key(const struct trial *t, const struct memory_key *state, uint32_t i, struct memory_key *out)
{
    struct hash *h = hash_new();
    hash_add(h, state->sum, sizeof state->sum);
    add_section(h, &t->revisions[i].direction[DIRECTION_DOWN]);
    hash_finish(h, out->sum);
}

static bool is_refused(const struct sqlite_revision *r)
{
    return r->direction[DIRECTION_UP].refused || r->direction[DIRECTION_DOWN].refused;
}

/* ---------------------------------------------------------------------------------------------------------- a stream */

static void open_trial(struct trial *t, struct source *s, const struct source_stream *stream,
                       const struct sqlite_revision *revisions, struct arena *a)
{
    *t = (struct trial){.source = s, .stream = stream, .revisions = revisions, .a = a};
    t->n = (uint32_t)stream->revisions.n;
    t->words = (t->n + 63) / 64;
    t->live = ARENA_ARRAY(a, uint64_t, t->words);
    t->below = arena_array(a, t->n, t->words * sizeof *t->below);
    t->n_above = ARENA_ARRAY(a, uint32_t, t->n);
    t->todo = ARENA_ARRAY(a, bool, t->n);
    t->outcome = ARENA_ARRAY(a, enum outcome, t->n);
    if (stream->linked)
        find_ancestors(t);
}

static void close_trial(struct trial *t)
{
    while (t->saved.n)
        forget_saved(t, t->saved.n - 1);
    scratch_close(t->db);
}

static void remember(struct trial *t, struct memory *m, struct memory_key *keys)
{
    struct memory_key *states = ARENA_ARRAY(t->a, struct memory_key, t->n);
    for (uint32_t i = 0; i < t->n; i++) {
        state_key(t, states, i, &states[i]);
        trial_key(t, &states[i], i, &keys[i]);
        t->todo[i] = is_refused(&t->revisions[i]) || !memory_has(m, t->source->arena, &keys[i]);
        t->outcome[i] = t->todo[i] ? OUTCOME_OPEN : OUTCOME_RIGHT;
    }
}

void try_sqlite_stream(struct source *s, const struct source_stream *stream, const struct sqlite_revision *revisions,
                       struct memory *m)
{
    ARENA_AUTO a = {0};
    struct trial t;
    open_trial(&t, s, stream, revisions, &a);
    struct memory_key *keys = ARENA_ARRAY(&a, struct memory_key, t.n);
    remember(&t, m, keys);
    for (uint32_t i = 0; i < t.n; i++) {
        if (!t.todo[i])
            continue;
        if (!t.db && !start_anew(&t)) {
            refuse_untried(&t, i);
            break;
        }
        t.outcome[i] = try_one(&t, i);
        if (t.outcome[i] == OUTCOME_RIGHT && !is_refused(&revisions[i]))
            memory_add(m, s->arena, &keys[i]);
    }
    close_trial(&t);
}

void try_sqlite_watch(const struct source *s, const struct source_stream *stream,
                      const struct sqlite_revision *revisions, const bool *wanted, const struct sqlite_watch *watch)
{
    ARENA_AUTO a = {0};
    struct trial t;
    struct source quiet = *s;
    quiet.findings = (struct findings){.arena = &a};
    open_trial(&t, &quiet, stream, revisions, &a);
    t.watch = watch;
    memcpy(t.todo, wanted, t.n * sizeof *wanted);
    for (uint32_t i = 0; i < t.n; i++)
        if (wanted[i] && (t.db || start_anew(&t)))
            t.outcome[i] = try_one(&t, i);
    close_trial(&t);
    findings_free(&quiet.findings);
}

void try_sqlite_syntax(struct source *s, const struct source_stream *stream, const struct sqlite_revision *revisions)
{
    ARENA_AUTO a = {0};
    struct trial t;
    open_trial(&t, s, stream, revisions, &a);
    if (start_anew(&t))
        for (uint32_t i = 0; i < t.n; i++)
            for (int d = 0; d < DIRECTION_COUNT; d++)
                check_syntax(&t, i, &revisions[i].direction[d], 0);
    close_trial(&t);
}
