/* Alembic's offline scripts, token by token: comments that begin steps, the migrator's own statements, and bodies. */
#include "gen/import/script.h"

#include <sqlite3.h>
#include <string.h>

#include "gen/parse_postgresql.h"
#include "gen/statements.h"

struct reader {
    struct findings *out;
    struct arena *a;
    struct import_script *s;
    struct str text;
    struct import_step *step; /* in which statements are; NULL: none has begun, or it is over */
    struct buf body;
    bool outside; /* a COMMIT has no BEGIN yet */
    bool spread;  /* the statement before takes several lines */
    bool led;     /* a comment stands right before */
    bool begun;   /* the first marker was read */
};

static struct finding *say(struct reader *r, const char *rule, size_t offset, const char *message)
{
    return finding_add(r->out, rule, &r->s->file, offset, "%s", message);
}

/* ---- tokens of one statement ---- */

/* Walks the tokens of a statement by what is expected of it. */
struct cursor {
    struct str text;
    struct lexer lexer;
    struct token t; /* the one to be looked at */
    bool end;
};

static void advance(struct cursor *c)
{
    c->end = !token_next(&c->lexer, &c->t);
}

static struct cursor cursor_on(struct str statement, enum dialect dialect)
{
    struct cursor c = {.text = statement, .lexer = {.text = statement, .dialect = dialect}};
    advance(&c);
    return c;
}

static bool word(struct cursor *c, const char *expected)
{
    bool is = !c->end && token_is_word(c->text, &c->t, expected);
    if (is)
        advance(c);
    return is;
}

static bool symbol(struct cursor *c, const char *expected)
{
    bool is = !c->end && token_is_symbol(c->text, &c->t, expected);
    if (is)
        advance(c);
    return is;
}

/* An identifier as the engine means it: PostgreSQL folds what has no quotes. */
static const char *identifier(struct cursor *c, struct arena *a)
{
    if (c->end || (c->t.kind != TOKEN_WORD && c->t.kind != TOKEN_NAME))
        return NULL;
    struct str text = token_text(c->text, &c->t);
    char *name = arena_str(a, text);
    size_t n = 0;
    if (c->t.kind == TOKEN_NAME)
        for (size_t i = 1; i + 1 < text.n; i++) {
            name[n++] = text.p[i];
            i += text.p[i] == text.p[0] && i + 2 < text.n;
        }
    else
        for (; n < text.n; n++)
            name[n] = (char)(text.p[n] >= 'A' && text.p[n] <= 'Z' ? text.p[n] + 32 : text.p[n]);
    name[n] = '\0';
    advance(c);
    return name;
}

/* [schema.]name; *schema NULL: it has none. */
static const char *qualified(struct cursor *c, struct arena *a, const char **schema)
{
    const char *name = identifier(c, a);
    *schema = NULL;
    while (name && symbol(c, ".")) {
        *schema = name;
        name = identifier(c, a);
    }
    return name;
}

/* A plain string. */
static bool literal(struct cursor *c, struct arena *a, const char **value)
{
    bool raw;
    if (c->end || c->t.kind != TOKEN_STRING || c->t.open)
        return false;
    *value = arena_str(a, token_content(c->text, &c->t, &raw));
    advance(c);
    return true;
}

/* ---- the migrator's own statements ---- */

enum own { OWN_NONE, OWN_BEGIN, OWN_COMMIT, OWN_CREATE, OWN_DROP, OWN_ROW, OWN_KEYS_OFF, OWN_KEYS_ON };

struct own_statement {
    enum own what;
    const char *added, *removed; /* OWN_ROW: ids; NULL: none */
};

static bool is_version_table(struct reader *r, struct cursor *c)
{
    const char *schema, *name = qualified(c, r->a, &schema);
    return name && strcmp(name, r->s->version_table) == 0;
}

/* version_table.version_num, with or without the table. */
static bool is_version_column(struct reader *r, struct cursor *c)
{
    const char *table, *name = qualified(c, r->a, &table);
    return name && strcmp(name, "version_num") == 0;
}

/* The table is known by its one column; a script that makes it says what it is called. */
static bool read_create(struct reader *r, struct cursor *c)
{
    const char *schema, *name;
    if (!word(c, "TABLE") || !(name = qualified(c, r->a, &schema)) || !symbol(c, "(") || !is_version_column(r, c) ||
        !word(c, "VARCHAR") || r->begun)
        return false;
    r->s->version_table = name;
    r->s->version_schema = schema;
    r->s->creates_version_table = true;
    return true;
}

static bool read_insert(struct reader *r, struct cursor *c, struct own_statement *own)
{
    return word(c, "INTO") && is_version_table(r, c) && symbol(c, "(") && is_version_column(r, c) && symbol(c, ")") &&
           word(c, "VALUES") && symbol(c, "(") && literal(c, r->a, &own->added) && symbol(c, ")") &&
           (c->end || (word(c, "RETURNING") && is_version_column(r, c) && c->end));
}

static bool read_where(struct reader *r, struct cursor *c, struct own_statement *own)
{
    return word(c, "WHERE") && is_version_column(r, c) && symbol(c, "=") && literal(c, r->a, &own->removed) && c->end;
}

static bool read_update(struct reader *r, struct cursor *c, struct own_statement *own)
{
    return is_version_table(r, c) && word(c, "SET") && is_version_column(r, c) && symbol(c, "=") &&
           literal(c, r->a, &own->added) && read_where(r, c, own);
}

static bool read_delete(struct reader *r, struct cursor *c, struct own_statement *own)
{
    return word(c, "FROM") && is_version_table(r, c) && read_where(r, c, own);
}

/* PRAGMA foreign_keys = OFF: inside a transaction it does nothing, so that it becomes a word of the section line. */
static enum own read_pragma(struct cursor *c)
{
    if (!word(c, "FOREIGN_KEYS") || !symbol(c, "="))
        return OWN_NONE;
    bool off = !c->end && (token_is_word(c->text, &c->t, "OFF") || str_is(token_text(c->text, &c->t), "0"));
    advance(c);
    return !c->end ? OWN_NONE : off ? OWN_KEYS_OFF : OWN_KEYS_ON;
}

/* Alone, or with TRANSACTION or WORK behind it. */
static bool is_alone(struct cursor *c)
{
    return c->end || ((word(c, "TRANSACTION") || word(c, "WORK")) && c->end);
}

static struct own_statement read_own(struct reader *r, struct str statement)
{
    struct own_statement own = {0};
    struct cursor c = cursor_on(statement, r->s->dialect);
    if (word(&c, "BEGIN"))
        own.what = is_alone(&c) ? OWN_BEGIN : OWN_NONE;
    else if (word(&c, "COMMIT"))
        own.what = is_alone(&c) ? OWN_COMMIT : OWN_NONE;
    else if (word(&c, "CREATE"))
        own.what = read_create(r, &c) ? OWN_CREATE : OWN_NONE;
    else if (word(&c, "DROP"))
        /* Alembic's own comes behind the last step; one inside of a step is somebody's. */
        own.what = !r->step && word(&c, "TABLE") && is_version_table(r, &c) && c.end ? OWN_DROP : OWN_NONE;
    else if (word(&c, "INSERT"))
        own.what = read_insert(r, &c, &own) ? OWN_ROW : OWN_NONE;
    else if (word(&c, "UPDATE"))
        own.what = read_update(r, &c, &own) ? OWN_ROW : OWN_NONE;
    else if (word(&c, "DELETE"))
        own.what = read_delete(r, &c, &own) ? OWN_ROW : OWN_NONE;
    else if (r->s->dialect == DIALECT_SQLITE && word(&c, "PRAGMA"))
        own.what = read_pragma(&c);
    return own;
}

/* ---- steps ---- */

static void close_body(struct reader *r)
{
    r->step->body = arena_str(r->a, buf_str(&r->body));
    buf_reset(&r->body);
}

/* "a, b -> c" behind "-- Running upgrade ", or "c -> a, b" behind "-- Running downgrade ". */
static bool split_marker(struct reader *r, struct str rest, struct import_step *step)
{
    const char *arrow = memmem(rest.p, rest.n, " -> ", 4);
    struct str piece;
    if (!arrow)
        return false;
    struct str left = str_trim(str_slice(rest, 0, (size_t)(arrow - rest.p)));
    struct str right = str_trim(str_slice(rest, (size_t)(arrow - rest.p) + 4, rest.n));
    bool up = r->s->direction == DIRECTION_UP;
    struct str id = up ? right : left, parents = up ? left : right;
    if (!id.n || str_find(id, ' ') < id.n || str_find(id, ',') < id.n)
        return false;
    step->id = arena_str(r->a, id);
    while (parents.n && str_next(&parents, ',', &piece))
        vec_push(r->a, &step->parents, arena_str(r->a, str_trim(piece)));
    return true;
}

static const char *running(enum direction direction)
{
    return direction == DIRECTION_UP ? "-- Running upgrade " : "-- Running downgrade ";
}

static void begin_step(struct reader *r, struct import_step step, size_t offset)
{
    if (r->step) {
        struct finding *found = finding_add(r->out, IMPORT_CONFLICT, &r->s->file, offset,
                                            "%s begins before %s has written its version row", step.id, r->step->id);
        err_hint(&found->err, "the script is not as Alembic prints it, or version_table is not \"%s\"",
                 r->s->version_table);
        close_body(r);
    }
    step.script = r->s;
    step.line = text_position(&r->s->file, offset).line;
    step.body = "";
    vec_push(r->a, &r->s->steps, step);
    r->step = &r->s->steps.v[r->s->steps.n - 1];
    r->outside = false;
    r->begun = true;
    r->spread = r->led = false;
    buf_reset(&r->body);
}

/* True: the comment begins a step. One that Alembic gave a semicolon was a statement of somebody's. */
static bool take_marker(struct reader *r, struct str comment, size_t offset)
{
    struct str head = str_from(running(r->s->direction)), other = str_from(running(!r->s->direction));
    struct import_step step = {0};
    bool whole = !offset || r->text.p[offset - 1] == '\n';
    if (!whole || str_ends(comment, STR(";")))
        return false;
    if (str_starts(comment, other) && !r->step) {
        struct finding *found = say(r, IMPORT_CONFLICT, offset, "the script runs the other way");
        err_hint(&found->err, "--upgrade-sql takes what `alembic upgrade base:head --sql` prints, --downgrade-sql that "
                              "of `alembic downgrade head:base --sql`");
        return true;
    }
    /* The blank behind the arrow of "a1 -> " may be lost in an editor. */
    if (str_ends(comment, STR(" ->")))
        comment = str_from(arena_printf(r->a, "%.*s ", STR_ARG(comment)));
    if (!str_starts(comment, head) || !split_marker(r, str_slice(comment, head.n, comment.n), &step))
        return false;
    begin_step(r, step, offset);
    return true;
}

/* ---- comments ---- */

static size_t end_of_block(struct str text, size_t at, bool nests)
{
    size_t depth = 1, i = at + 2;
    for (; i < text.n && depth; i++) {
        if (str_starts(str_slice(text, i, text.n), STR("*/"))) {
            depth--;
            i++;
        } else if (nests && str_starts(str_slice(text, i, text.n), STR("/*"))) {
            depth++;
            i++;
        }
    }
    return i;
}

/* A comment that a revision file would take for a line of its own gets another dash. */
static void add_comment(struct reader *r, struct str comment)
{
    struct str inner = str_trim(str_slice(comment, 2, comment.n));
    bool ours = str_starts(comment, STR("--")) && inner.n >= 7 && strncasecmp(inner.p, "migrate", 7) == 0;
    if (r->spread && !r->led)
        buf_addc(&r->body, '\n');
    buf_addf(&r->body, "%s%.*s\n", ours ? "-" : "", STR_ARG(comment));
    r->led = true;
}

/* Alembic's own semicolon behind a comment that was executed as a statement. */
static struct str without_semicolon(struct str text, struct str comment)
{
    size_t end = (size_t)(comment.p - text.p) + comment.n;
    if (str_ends(comment, STR(";")) && (end == text.n || str_starts(str_slice(text, end, text.n), STR("\n\n"))))
        comment.n--;
    return comment;
}

static void take_comment(struct reader *r, struct str comment)
{
    size_t offset = (size_t)(comment.p - r->text.p);
    if (str_starts(comment, STR("--")) && take_marker(r, comment, offset))
        return;
    if (r->step)
        add_comment(r, without_semicolon(r->text, comment));
}

/* White space, comments and stray semicolons between two statements. */
static void take_gap(struct reader *r, size_t from, size_t to)
{
    for (size_t i = from, end; i < to; i = end) {
        struct str rest = str_slice(r->text, i, to);
        end = i + 1;
        if (str_starts(rest, STR("--")))
            end = i + str_find(rest, '\n');
        else if (str_starts(rest, STR("/*")))
            end = end_of_block(r->text, i, r->s->dialect == DIALECT_POSTGRESQL);
        if (end > to)
            end = to;
        if (end > i + 1)
            take_comment(r, str_slice(r->text, i, end));
    }
}

/* ---- statements ---- */

static bool sqlite_is_whole(struct str sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    bool whole = true;
    if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql.p, str_int_length(sql), &statement, NULL) != SQLITE_OK) {
        const char *why = sqlite3_errmsg(db);
        whole = !strstr(why, "syntax error") && !strstr(why, "incomplete input");
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return whole;
}

/* PostgreSQL's scanner takes too long for what nobody wrote. */
static bool is_readable(struct str sql)
{
    struct lexer lexer = {.text = sql, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    while (token_next(&lexer, &t))
        ;
    return lexer.longest_run <= LONGEST_RUN;
}

/* Whether the grammar has nothing against it, and nothing is missing at its end. */
static bool is_whole(struct reader *r, struct str sql)
{
    struct parsed_list list = {0};
    struct parse_error e;
    if (!is_readable(sql))
        return true; /* left as it is */
    return r->s->dialect == DIALECT_SQLITE ? sqlite_is_whole(sql) : parse_split(r->a, sql, &list, &e);
}

/* In what stands between two tokens, behind a comment that ends in ";" and an empty line; 0: there is none. */
static size_t lost_semicolon(struct str gap)
{
    const char *at = memmem(gap.p, gap.n, ";\n\n", 3);
    const char *dashes = memmem(gap.p, gap.n, "--", 2);
    return at && dashes && dashes < at ? (size_t)(at - gap.p) + 1 : 0;
}

/*
 * A statement that ends in a comment has taken the next one with it: "SELECT 1 -- one;". It is cut there when what stands
 * before is whole and both together are not.
 */
static void cut_at_comment(struct reader *r, struct span *s, size_t *end, struct str *comment)
{
    struct str statement = str_slice(r->text, s->offset, s->offset + s->length);
    struct lexer lexer = {.text = statement, .dialect = r->s->dialect};
    struct token t;
    *end = s->offset + s->length;
    *comment = (struct str){0};
    for (size_t last = 0; token_next(&lexer, &t); last = t.offset + t.length) {
        struct str gap = str_slice(statement, last, t.offset);
        size_t cut = last ? lost_semicolon(gap) : 0;
        if (!cut || is_whole(r, statement) || !is_whole(r, str_slice(statement, 0, last)))
            continue;
        *end = s->offset + last;
        *comment = str_trim(str_slice(gap, 0, cut - 1));
        s->next = s->offset + last + cut;
        return;
    }
    /* The last of the script has nothing behind it. */
    size_t cut = s->next >= r->text.n ? lost_semicolon(str_slice(r->text, *end, r->text.n)) : 0;
    if (cut) {
        *comment = str_trim(str_slice(r->text, *end, *end + cut - 1));
        s->next = *end + cut;
    }
}

static void refuse_stray(struct reader *r, size_t offset, struct str statement)
{
    struct finding *found = finding_add(r->out, IMPORT_GAP, &r->s->file, offset, "%s stands outside of every revision",
                                        statement_kind(r->a, statement, r->s->dialect));
    err_hint(&found->err,
             "env.py runs it for every command; what it is for belongs into a revision, or into an option of "
             "the role or the database");
}

/* SQLAlchemy doubles them where env.py does not ask for named parameters. */
static void look_for_percents(struct reader *r, size_t offset, struct str statement)
{
    if (!memmem(statement.p, statement.n, "%%", 2))
        return;
    struct finding *found = say(r, IMPORT_REVIEW, offset, "\"%%\" is taken as it stands");
    finding_is_warning(r->out, found);
    err_hint(&found->err, "SQLAlchemy doubles each %% unless env.py passes dialect_opts={\"paramstyle\": \"named\"} to "
                          "context.configure(); print the scripts anew with it, or look at this one");
}

static void take_statement(struct reader *r, size_t offset, struct str statement, struct str comment)
{
    if (!r->step) {
        refuse_stray(r, offset, statement);
        return;
    }
    look_for_percents(r, offset, statement);
    bool spreads = str_find(statement, '\n') < statement.n;
    if (r->body.n && !r->led && (spreads || r->spread))
        buf_addc(&r->body, '\n');
    r->spread = spreads;
    r->led = false;
    buf_adds(&r->body, statement);
    buf_addf(&r->body, ";%s%.*s\n", comment.n ? "  " : "", STR_ARG(comment));
    r->step->n_statements++;
    r->step->n_outside += r->outside;
    r->step->no_transaction = r->step->no_transaction || r->outside;
}

/*
 * The rows that a step finds and leaves. The one of its own id comes last: what was merged or what it depends on goes
 * before, and comes back before.
 */
static void take_row(struct reader *r, size_t offset, const struct own_statement *own)
{
    bool up = r->s->direction == DIRECTION_UP;
    const char *mine = up ? own->added : own->removed, *other = up ? own->removed : own->added;
    struct import_step *step = r->step;
    if (!step || (mine && strcmp(mine, step->id) != 0)) {
        struct finding *found = finding_add(r->out, IMPORT_CONFLICT, &r->s->file, offset,
                                            "a version row of %s is written by %s", mine ? mine : other,
                                            step ? step->id : "no revision");
        err_hint(&found->err,
                 "what writes Alembic's table itself cannot be carried over; `alembic stamp` is no revision");
        return;
    }
    if (other && !strings_has(&step->parents, other) && !strings_has(&step->replaced, other))
        vec_push(r->a, &step->replaced, other);
    if (!mine)
        return;
    step->finished = true;
    close_body(r);
    r->step = NULL;
}

static void take_own(struct reader *r, size_t offset, const struct own_statement *own)
{
    switch (own->what) {
    case OWN_ROW:
        take_row(r, offset, own);
        break;
    case OWN_COMMIT:
        r->outside = r->step != NULL;
        break;
    case OWN_BEGIN:
        r->outside = false;
        break;
    case OWN_KEYS_OFF:
        r->step->foreign_keys_off = true;
        break;
    case OWN_CREATE:
    case OWN_DROP:
    case OWN_KEYS_ON:
    case OWN_NONE:
        break;
    }
}

/* Not SQL at all: a log in the same file, or the words with which Alembic gave up. */
static bool take_noise(struct reader *r, size_t *at)
{
    static const char *const logs[] = {"INFO  [", "DEBUG [", "WARNI [", "ERROR [", "CRITI ["};
    size_t i = *at;
    while (i < r->text.n && strchr(" \t\r\n;", r->text.p[i]))
        i++;
    struct str rest = str_slice(r->text, i, r->text.n), line = str_slice(rest, 0, str_find(rest, '\n'));
    bool failed = str_starts(line, STR("FAILED: ")),
         trace = str_starts(line, STR("Traceback (most recent call last):"));
    bool log = false;
    for (size_t k = 0; k < sizeof logs / sizeof *logs; k++)
        log = log || str_starts(line, str_from(logs[k]));
    if (failed || trace) {
        r->s->failed = failed ? arena_str(r->a, str_slice(line, 8, line.n)) : "a traceback";
        *at = r->text.n;
    } else if (log) {
        *at = i + line.n;
    }
    return failed || trace || log;
}

static void finish(struct reader *r)
{
    if (r->step)
        close_body(r);
    if (!r->s->steps.n) {
        struct finding *found = finding_add(r->out, IMPORT_CONFLICT, &r->s->file, r->s->failed ? 0 : SIZE_MAX,
                                            "the script has no revision%s%s", r->s->failed ? ": Alembic says " : "",
                                            r->s->failed ? r->s->failed : "");
        err_hint(&found->err, "it is what `alembic %s --sql` prints to stdout",
                 r->s->direction == DIRECTION_UP ? "upgrade base:head" : "downgrade head:base");
    }
    buf_free(&r->body);
}

void import_read_script(struct findings *out, struct arena *a, struct import_script *s)
{
    struct reader r = {.out = out, .a = a, .s = s, .text = s->file.bytes};
    struct span span;
    for (size_t at = 0, end; at < r.text.n;) {
        struct str comment;
        if (take_noise(&r, &at))
            continue;
        bool more = statement_next(r.text, s->dialect, at, &span);
        take_gap(&r, at, more ? span.offset : r.text.n);
        if (!more)
            break;
        if (take_noise(&r, &span.offset)) {
            at = span.offset;
            continue;
        }
        if (span.open.open) {
            say(&r, IMPORT_CONFLICT, span.open.offset, "what begins here has no end");
            break;
        }
        cut_at_comment(&r, &span, &end, &comment);
        struct str statement = str_slice(r.text, span.offset, end);
        struct own_statement own = read_own(&r, statement);
        bool strays = !r.step && (own.what == OWN_KEYS_OFF || own.what == OWN_KEYS_ON);
        if (own.what == OWN_NONE || strays)
            take_statement(&r, span.offset, statement, comment);
        else
            take_own(&r, span.offset, &own);
        at = span.next;
    }
    finish(&r);
}

enum dialect import_guess_dialect(struct str text)
{
    struct lexer lexer = {.text = text, .dialect = DIALECT_POSTGRESQL};
    struct token t;
    if (token_next(&lexer, &t) && token_is_word(text, &t, "BEGIN"))
        return DIALECT_POSTGRESQL;
    return memmem(text.p ? text.p : "", text.n, ") RETURNING ", 12) && memmem(text.p, text.n, "version_num", 11)
               ? DIALECT_POSTGRESQL
               : DIALECT_SQLITE;
}
