/*
 * A desired-state file into the scratch transaction, statement by statement, each behind a savepoint: as written first;
 * what misses something waits and is tried again after the others, until nothing moves any more.
 *
 * Every change that is made to the text keeps its length, so that the server's positions are the file's.
 */
#include <stdlib.h>
#include <string.h>

#include "gen/parse_postgresql.h"
#include "gen/rules_postgresql.h"
#include "gen/session.h"
#include "gen/statements.h"

enum state { STATE_WAITING, STATE_DONE, STATE_FAILED };

struct piece {
    size_t offset; /* of the first token */
    size_t length;
    const char *node; /* "CreateStmt"; "": no tree */
    const char *path; /* the search path that stands there */
    size_t routine;   /* CreateFunctionStmt: its number */
    enum state state;
    size_t wrong; /* WAITING, FAILED: where the server says so, in the file */
    struct err err;
};

struct load {
    struct server *server;
    struct findings *out;
    struct arena arena;
    const struct text_file *file;
    char *text; /* of the file, with blanks where the server must not look */
    size_t n;
    VEC(struct piece) pieces;
    struct load_routines routines;
    const char *path;   /* the search path of the file so far */
    const char *stands; /* the one that the server has */
    bool lost;
};

static struct str piece_text(const struct load *l, const struct piece *p)
{
    return (struct str){l->text + p->offset, p->length};
}

static json_t *piece_tree(const struct load *l, const struct piece *p)
{
    return *p->node ? parse_tree(piece_text(l, p)) : NULL;
}

/* --------------------------------------------------------------------------------------------- lines that are psql's */

static size_t line_end(const struct load *l, size_t at)
{
    const char *end = memchr(l->text + at, '\n', l->n - at);
    return end ? (size_t)(end - l->text) : l->n;
}

static void blank(struct load *l, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (l->text[i] != '\n')
            l->text[i] = ' ';
}

/* pg_dump's own two, which keep psql from running what a dump smuggles in, mean nothing here. */
static void take_psql_line(struct load *l, size_t at)
{
    size_t end = line_end(l, at);
    struct str line = str_slice((struct str){l->text, l->n}, at, end);
    size_t n = 1;
    while (n < line.n && (unsigned char)line.p[n] > ' ' && line.p[n] != ';')
        n++;
    struct str word = str_slice(line, 0, n);
    if (!str_is(word, "\\restrict") && !str_is(word, "\\unrestrict")) {
        struct finding *found = finding_add(l->out, "psql-command", l->file, at, "\"%.*s\" is a command of psql",
                                            STR_ARG(word));
        err_hint(&found->err, "write plain SQL");
    }
    blank(l, at, end);
}

/* Behind the rows of a COPY … FROM STDIN, which end in a line "\.". */
static size_t take_copy_rows(struct load *l, size_t at)
{
    for (size_t line = line_end(l, at); line < l->n; line = line_end(l, line + 1))
        if (str_starts((struct str){l->text + line + 1, l->n - line - 1}, STR("\\."))) {
            size_t end = line_end(l, line + 1);
            blank(l, at, end);
            return end;
        }
    return at;
}

/* What the parser must not see. False: an operator that would take it too long. */
static bool take_out_psql(struct load *l)
{
    struct lexer x = {.text = {l->text, l->n}, .dialect = DIALECT_POSTGRESQL};
    bool first = true, copy = false, input = false;
    for (struct token t; token_next(&x, &t);) {
        if (token_is_symbol(x.text, &t, "\\")) {
            take_psql_line(l, t.offset);
            x.at = line_end(l, t.offset);
            continue;
        }
        if (first)
            copy = token_is_word(x.text, &t, "COPY");
        input = copy && (input || token_is_word(x.text, &t, "STDIN"));
        first = token_is_symbol(x.text, &t, ";");
        if (first && input) {
            x.at = take_copy_rows(l, t.offset + t.length);
            input = false;
        }
    }
    if (x.longest_run <= LONGEST_RUN)
        return true;
    finding_add(l->out, "too-large", l->file, x.run_at, "%zu operator characters in a row, comment marks included",
                x.longest_run);
    return false;
}

/* ----------------------------------------------------------------------------------------------------------- cutting */

static void note_routine(struct load *l, const struct piece *p, const json_t *node)
{
    const json_t *names = json_object_get(node, "funcname");
    size_t n = json_array_size(names);
    if (!n)
        return;
    struct load_routine r = {.offset = p->offset, .text = piece_text(l, p)};
    r.name = arena_strdup(&l->arena, tree_text(json_object_get(json_array_get(names, n - 1), "String"), "sval"));
    if (n > 1)
        r.schema = arena_strdup(&l->arena, tree_text(json_object_get(json_array_get(names, n - 2), "String"), "sval"));
    if (r.name)
        vec_push(&l->arena, &l->routines, r);
}

static void add_piece(struct load *l, size_t offset, size_t length, bool parses)
{
    struct str whole = {l->text + offset, length};
    struct span cut;
    if (!statement_next(whole, DIALECT_POSTGRESQL, 0, &cut))
        return;
    struct load_statement s = {
        .offset = offset + cut.offset,
        .text = str_trim(str_slice(whole, cut.offset, length)),
    };
    struct piece p = {.offset = s.offset, .length = s.text.n, .node = ""};
    const json_t *node = NULL;
    s.tree = parses && cut.n_tokens <= PARSE_TOKENS ? parse_tree(s.text) : NULL;
    if (s.tree)
        p.node = arena_strdup(&l->arena, load_node(s.tree, &node));
    if (load_check(l->out, &l->arena, l->file, &s) == LOAD_RUN) {
        load_blank_concurrently(l->text + p.offset, p.length, s.tree);
        p.routine = l->routines.n;
        if (strcmp(p.node, "CreateFunctionStmt") == 0)
            note_routine(l, &p, node);
        vec_push(&l->arena, &l->pieces, p);
    }
    json_decref(s.tree);
}

static void refuse_syntax(struct load *l, size_t at, const struct parse_error *e)
{
    struct finding *found = finding_add(l->out, "syntax", l->file, at + (e->offset <= l->n ? e->offset : 0), "%s",
                                        e->message);
    err_detail(&found->err, "read as PostgreSQL 15");
}

/* Statement by statement, by tokens: what the parser does not know, a newer server may. */
static void cut_by_tokens(struct load *l)
{
    struct str text = {l->text, l->n};
    struct span s;
    bool newer = server_version(l->server) >= 160000;
    for (size_t at = 0; statement_next(text, DIALECT_POSTGRESQL, at, &s); at = s.next) {
        struct parsed_list list = {0};
        struct parse_error e;
        struct str one = str_slice(text, s.offset, s.offset + s.length);
        bool parses = parse_split(&l->arena, one, &list, &e);
        for (size_t i = 0; parses && i < list.n; i++)
            add_piece(l, s.offset + list.v[i].offset, list.v[i].length, true);
        if (!parses && newer && !s.open.open)
            add_piece(l, s.offset, s.length, false);
        else if (!parses)
            refuse_syntax(l, s.offset, &e);
    }
}

static void cut(struct load *l)
{
    struct parsed_list list = {0};
    struct parse_error e;
    if (!parse_split(&l->arena, (struct str){l->text, l->n}, &list, &e)) {
        cut_by_tokens(l);
        return;
    }
    for (size_t i = 0; i < list.n; i++)
        add_piece(l, list.v[i].offset, list.v[i].length, true);
}

/* ----------------------------------------------------------------------------------------------- what may be forgiven */

static const char *first_quoted(struct arena *a, const char *message)
{
    const char *from = message ? strchr(message, '"') : NULL, *to = from ? strrchr(message, '"') : NULL;
    return from && to > from ? arena_str(a, (struct str){from + 1, (size_t)(to - from - 1)}) : NULL;
}

bool server_add_roles(struct server *s, struct str statement, const char *message, struct err *e)
{
    ARENA_AUTO arena = {0};
    json_t *tree = parse_tree(statement);
    struct strings names = {0};
    bool made = false, ok = true;
    load_roles(&arena, tree, &names);
    json_decref(tree);
    if (message && strncmp(message, "role \"", 6) == 0)
        vec_push(&arena, &names, first_quoted(&arena, message));
    for (size_t i = 0; ok && i < names.n; i++) {
        bool has = true;
        ok = session_has_role(s, names.v[i], &has, e) && (has || server_add_role(s, names.v[i], e));
        made |= ok && !has;
    }
    return made;
}

static bool add_roles(struct load *l, const struct piece *p, const struct outcome *o, struct err *e)
{
    return server_add_roles(l->server, piece_text(l, p), outcome_field(o, PG_DIAG_MESSAGE_PRIMARY), e);
}

static bool has_node(const struct piece *p, const char *node)
{
    return strcmp(p->node, node) == 0;
}

/* CREATE SCHEMA of one that is there from the beginning, and holds nothing in the same statement. */
static bool is_known_schema(const struct load *l, const json_t *node)
{
    const char *name = tree_text(node, "schemaname");
    return name && !json_object_get(node, "schemaElts") &&
           (strcmp(name, "public") == 0 || strcmp(name, l->server->schema) == 0);
}

static bool is_known_extension(const struct load *l, const json_t *node)
{
    const char *name = tree_text(node, "extname");
    return name && (strcmp(name, "plpgsql") == 0 || strings_has(&l->server->kept, name));
}

static bool is_forgiven(struct load *l, const struct piece *p, const struct outcome *o)
{
    const char *state = outcome_state(o);
    json_t *tree = piece_tree(l, p);
    const json_t *node = NULL;
    load_node(tree, &node);
    bool forgiven = (has_node(p, "CreateRoleStmt") && strcmp(state, "42710") == 0) ||
                    (has_node(p, "CreateSchemaStmt") && strcmp(state, "42P06") == 0 && is_known_schema(l, node)) ||
                    (has_node(p, "CreateExtensionStmt") && strcmp(state, "42710") == 0 && is_known_extension(l, node));
    if (has_node(p, "VariableSetStmt") && strcmp(state, "42704") == 0) {
        const char *name = tree_text(node, "name");
        finding_is_warning(l->out,
                           finding_add(l->out, "setting", l->file, p->offset, "%s: PostgreSQL %d does not know it",
                                       name ? name : "SET", server_version(l->server) / 10000));
        forgiven = true;
    }
    json_decref(tree);
    return forgiven;
}

/* Something that a later statement may make. */
static bool may_come(const char *state)
{
    static const char *const states[] = {
        "42P01",          /* table */
        "42883",          /* function, operator */
        "42704",          /* type, role, index, … */
        "42703",          /* column */
        "3F000",          /* schema */
        "42830",          /* the unique constraint that a foreign key wants */
        "42803",          /* the primary key that GROUP BY relies on */
        "42P10",          /* the one that ON CONFLICT infers */
        "42809",          /* another kind of object of that name */
        "42846",          /* a cast */
        "42804",          /* a cast, again */
        "42P17", "2BP01", /* what hangs on it may go first */
    };
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(state, states[i]) == 0)
            return true;
    return false;
}

/* ---------------------------------------------------------------------------------------------------------- running */

static size_t line_in_body(struct str text, const struct outcome *o)
{
    const char *context = outcome_field(o, PG_DIAG_CONTEXT);
    const char *at = context ? strstr(context, "inline_code_block line ") : NULL;
    struct lexer x = {.text = text, .dialect = DIALECT_POSTGRESQL};
    bool raw;
    for (struct token t; at && token_next(&x, &t);) {
        if (t.kind != TOKEN_STRING)
            continue;
        struct str body = token_content(text, &t, &raw);
        size_t offset = (size_t)(body.p - text.p);
        for (size_t line = strtoul(strstr(at, "line ") + 5, NULL, 10); line > 1 && offset < text.n; line--)
            offset += str_find(str_slice(text, offset, text.n), '\n') + 1;
        while (offset < text.n && (text.p[offset] == ' ' || text.p[offset] == '\t'))
            offset++;
        return offset < text.n ? offset : 0;
    }
    return 0;
}

static size_t place_of(struct str text, const struct outcome *o, size_t prefix)
{
    const char *position = outcome_field(o, PG_DIAG_STATEMENT_POSITION);
    size_t character = position ? strtoul(position, NULL, 10) : 0;
    if (character <= prefix)
        return line_in_body(text, o);
    size_t at = load_byte_of(text, character - prefix);
    return at < text.n ? at : 0;
}

static void explain(struct load *l, struct piece *p, const struct outcome *o, size_t prefix)
{
    static const char *const unusable[] = {"0A000", "58P01", "22023"};
    const char *state = outcome_state(o);
    outcome_explain(l->server, o, &p->err);
    p->wrong = p->offset + place_of(piece_text(l, p), o, prefix);
    l->lost = p->err.fault == FAULT_UNREACHABLE;
    if (strcmp(state, "55P04") == 0)
        err_hint(&p->err, "list the value in CREATE TYPE: a schema says what is there in the end");
    for (size_t i = 0; i < 3 && has_node(p, "CreateExtensionStmt"); i++)
        if (strcmp(state, unusable[i]) == 0) {
            json_t *tree = piece_tree(l, p);
            const json_t *node = NULL;
            load_node(tree, &node);
            const char *name = tree_text(node, "extname");
            session_hint_package(l->server, name ? name : "it", &p->err);
            json_decref(tree);
        }
}

static bool run_once(struct load *l, struct piece *p)
{
    OUTCOME_AUTO o = {0};
    AUTO_ERR no_role = {0};
    size_t prefix;
    err_free(&p->err);
    bool ok = session_try(l->server, piece_text(l, p), &prefix, &o);
    if (!ok && strcmp(outcome_state(&o), "42704") == 0 && add_roles(l, p, &o, &no_role))
        ok = session_try(l->server, piece_text(l, p), &prefix, &o);
    p->state = ok || is_forgiven(l, p, &o) ? STATE_DONE : may_come(outcome_state(&o)) ? STATE_WAITING : STATE_FAILED;
    if (p->state == STATE_DONE)
        return true;
    explain(l, p, &o, prefix);
    if (no_role.message) {
        err_move(&p->err, &no_role);
        p->state = STATE_FAILED;
    }
    return false;
}

/* A statement that is tried late finds the search path that it was written under. */
static void restore_path(struct load *l, const char *path)
{
    OUTCOME_AUTO o = {0};
    BUF_AUTO sql = {0};
    if (strcmp(path, l->stands) == 0)
        return;
    buf_addz(&sql, "SELECT pg_catalog.set_config('search_path', ");
    db_quote_text(&sql, DIALECT_POSTGRESQL, path);
    buf_addz(&sql, ", true)");
    session_run(l->server, sql.p, &o);
    l->stands = path;
}

static bool learn_path(struct load *l, struct err *e)
{
    const char *path;
    if (!session_value(l->server, "SELECT pg_catalog.current_setting('search_path')", &path, "read settings", e))
        return false;
    if (!l->path || strcmp(l->path, path) != 0)
        l->path = arena_strdup(&l->arena, path ? path : "");
    l->stands = l->path;
    return true;
}

/* Kept for the bodies: they are looked at with the path that they were written under. */
static void note_path(struct load *l, const struct piece *p)
{
    if (has_node(p, "CreateFunctionStmt") && p->routine < l->routines.n)
        l->routines.v[p->routine].path = p->path;
}

/* Whether what comes behind it may go with it in one message: nothing must be asked in between. */
static bool may_share(const struct piece *p)
{
    return !has_node(p, "VariableSetStmt") && !has_node(p, "SelectStmt") && *p->node;
}

/* How many of the pieces from `from` on go through together; the transaction is as before when it is not all of them. */
static size_t run_together(struct load *l, size_t from, size_t to)
{
    OUTCOME_AUTO o = {0};
    BUF_AUTO sql = {0};
    size_t prefix;
    for (size_t i = from; i < to; i++) {
        buf_adds(&sql, piece_text(l, &l->pieces.v[i]));
        buf_addz(&sql, "\n;\n");
    }
    return session_try(l->server, buf_str(&sql), &prefix, &o) ? to - from : o.completed;
}

/*
 * A savepoint for each statement costs more than the statement: with thousands of new files every release of one looks
 * at all of them. So they go by the dozen; what failed is looked at by itself, behind those before it.
 */
static size_t run_some(struct load *l, size_t from, size_t most)
{
    size_t to = from;
    while (to < l->pieces.n && to - from < most && may_share(&l->pieces.v[to]))
        to++;
    size_t n = to - from > 1 ? run_together(l, from, to) : 0;
    if (n && n < to - from && run_together(l, from, from + n) < n)
        n = 0;
    for (size_t i = from; i < from + n; i++)
        l->pieces.v[i].state = STATE_DONE;
    if (n == to - from && n)
        return n;
    run_once(l, &l->pieces.v[from + n]);
    return n + 1;
}

static bool run_as_written(struct load *l, struct err *e)
{
    enum { FEWEST = 2, MOST = 64 };
    size_t most = MOST;
    if (!learn_path(l, e))
        return false;
    for (size_t i = 0, n; i < l->pieces.n && !l->lost; i += n) {
        n = run_some(l, i, most);
        most = l->pieces.v[i + n - 1].state == STATE_DONE ? most * 2 : most / 2;
        most = most < FEWEST ? FEWEST : most > MOST ? MOST : most;
        for (size_t j = i; j < i + n; j++) {
            l->pieces.v[j].path = l->path;
            note_path(l, &l->pieces.v[j]);
        }
        if (!may_share(&l->pieces.v[i + n - 1]) && !l->lost && !learn_path(l, e))
            return false;
    }
    return true;
}

static bool try_waiting(struct load *l, size_t i)
{
    struct piece *p = &l->pieces.v[i];
    if (p->state != STATE_WAITING || l->lost)
        return false;
    restore_path(l, p->path);
    return run_once(l, p);
}

/* Back and forth, so that a file that is upside down takes one round as well. */
static void run_waiting(struct load *l)
{
    for (bool moved = true; moved && !l->lost;) {
        moved = false;
        for (size_t i = l->pieces.n; i-- > 0;)
            moved |= try_waiting(l, i);
        for (size_t i = 0; i < l->pieces.n; i++)
            moved |= try_waiting(l, i);
    }
}

/* -------------------------------------------------------------------------------------------------------- afterwards */

static void report(struct load *l)
{
    for (size_t i = 0; i < l->pieces.n; i++) {
        struct piece *p = &l->pieces.v[i];
        if (p->state == STATE_DONE || !p->err.message)
            continue;
        struct finding *found = finding_add(l->out, "schema", l->file, p->wrong, "%s", p->err.message);
        if (p->err.detail)
            err_detail(&found->err, "%s", p->err.detail);
        if (p->err.hint)
            err_hint(&found->err, "%s", p->err.hint);
        memcpy(found->err.sqlstate, p->err.sqlstate, sizeof p->err.sqlstate);
    }
}

static const char filled_tables_sql[] =
    "SELECT c.oid::regclass::text FROM pg_catalog.pg_class c\n"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    " WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'\n"
    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass\n"
    "                    AND d.objid = c.oid AND d.deptype = 'e')\n"
    "   AND pg_catalog.pg_relation_size(c.oid) > 0\n"
    " ORDER BY 1";

static void warn_of_rows(struct load *l)
{
    OUTCOME_AUTO o = {0};
    if (!session_run(l->server, filled_tables_sql, &o))
        return;
    for (int i = 0; i < PQntuples(o.result); i++) {
        struct finding *found = finding_add(l->out, "rows", l->file, SIZE_MAX, "%s has rows when the file is loaded",
                                            PQgetvalue(o.result, i, 0));
        err_hint(&found->err, "they are no part of the schema: rows belong in a revision");
        finding_is_warning(l->out, found);
    }
}

/* What stands on this server for other reasons, would be part of the schema, and is not meant to be. */
static void warn_of_extensions(struct load *l)
{
    for (size_t i = 0; i < l->server->kept.n; i++) {
        const char *name = l->server->kept.v[i];
        bool said = false;
        for (size_t j = 0; j < l->pieces.n && !said; j++) {
            json_t *tree = has_node(&l->pieces.v[j], "CreateExtensionStmt") ? piece_tree(l, &l->pieces.v[j]) : NULL;
            const json_t *node = NULL;
            load_node(tree, &node);
            const char *made = tree_text(node, "extname");
            said = made && strcmp(made, name) == 0;
            json_decref(tree);
        }
        if (said)
            continue;
        struct finding *found = finding_add(
            l->out, "extension", l->file, SIZE_MAX,
            "the scratch database has the extension \"%s\", which the file does not make", name);
        err_hint(&found->err, "write CREATE EXTENSION IF NOT EXISTS %s, or name a scratch database without it", name);
        finding_is_warning(l->out, found);
    }
}

static bool load(struct load *l, struct err *e)
{
    if (!session_do(l->server, "SET LOCAL check_function_bodies = off", "set up the loading", e) ||
        !run_as_written(l, e))
        return false;
    run_waiting(l);
    report(l);
    if (l->lost)
        return true;
    warn_of_rows(l);
    warn_of_extensions(l);
    return load_check_bodies(l->server, l->out, l->file, &l->routines, e) &&
           session_do(l->server, "RESET ALL", "settle", e) && session_settle(l->server, e);
}

static void load_free(struct load *l)
{
    for (size_t i = 0; i < l->pieces.n; i++)
        err_free(&l->pieces.v[i].err);
    free(l->text);
    arena_free(&l->arena);
}

bool server_load(struct server *s, struct findings *out, const struct text_file *file)
{
    AUTO_ERR e = {0};
    struct load l = {.server = s, .out = out, .file = file, .n = file->bytes.n};
    size_t before = out->n_errors;
    l.text = mem_strndup(file->bytes.p, file->bytes.n);
    if (take_out_psql(&l)) {
        cut(&l);
        if (!load(&l, &e))
            finding_add(out, "scratch", file, SIZE_MAX, "%s", e.message);
    }
    load_free(&l);
    return out->n_errors == before;
}
