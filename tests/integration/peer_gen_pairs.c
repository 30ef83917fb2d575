/*
 * Takes pairs of schemas, lets the generator work out the way from one to the other and back, walks it on a database that
 * the generator has never seen, and compares where it led by facts of its own: catalogs and pragmas read here, not by what
 * is under test. Speaks TAP.
 *
 *     peer_gen_pairs [--both] [--tally] [--only WORD] [--verbose] --facts FILE.sql --scratch URL --oracle CONNINFO FILE…
 *     peer_gen_pairs [--both] [--tally] [--only WORD] [--verbose] FILE…
 *
 * The second form is SQLite's. --both: the way back is also asked for as a way of its own, not only as the down of the way
 * there. --held-back: once more with everything that destroys held back: what remains applies, and no table goes.
 * --tally: one case for each file, and the failures by name. A file is read line by line:
 *
 *     --- pair NAME               begins a pair
 *     --- roles A B               made before anything else (PostgreSQL)
 *     --- forward refused WORDS   the generator refuses, and says these words
 *     --- forward nothing         it finds nothing to do
 *     --- forward has WORDS       the SQL has these words; lacks: it does not
 *     --- back …                  the same of the other direction
 *     --- base                    SQL that both schemas begin with
 *     --- from, --- to            the two schemas
 *     --- rows                    SQL that is run in the first one before the way is walked; no table loses a row
 *     --- after SELECT …          must give true or 1 at the end of the way there
 */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/autogenerate.h"
#include "gen/render.h"
#include "gen/statements.h"
#include "schema/tokens.h"

enum way { FORWARD, BACK, WAYS };
enum part { BASE, FROM, TO, ROWS, PARTS };

struct expectation {
    enum way way;
    const char *verb, *words;
};

struct pair {
    const char *name;
    struct str parts[PARTS];
    struct strings roles;
    const char *after;
    VEC(struct expectation) expectations;
};

struct peer {
    struct arena arena, of_pair;
    enum dialect dialect;
    const char *scratch, *facts, *only;
    PGconn *oracle, *home; /* home: where `oracle` was before, while it is a database of its own */
    const char *oracle_words;
    const struct strings *roles;
    bool commits;
    size_t databases;
    sqlite3 *sqlite;
    bool both, held_back, tally, verbose;
    size_t cases, failed;
    size_t tried, refused, wrong; /* of the file, for --tally */
    struct buf complaint;         /* about the direction that is looked at */
};

static void complain(struct peer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct peer *p, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    buf_vaddf(&p->complaint, format, ap);
    va_end(ap);
    buf_addc(&p->complaint, '\n');
}

/* ----------------------------------------------------------------------------------------------------- reading pairs */

static bool take_word(struct str *line, const char *word)
{
    struct str w = str_from(word);
    if (!str_starts(*line, w) || (line->n > w.n && line->p[w.n] != ' '))
        return false;
    *line = str_trim(str_slice(*line, w.n, line->n));
    return true;
}

static void add_words(struct arena *a, struct strings *out, struct str rest)
{
    struct str word;
    while (str_next(&rest, ' ', &word))
        if (word.n)
            vec_push(a, out, arena_str(a, word));
}

static void add_expectation(struct peer *p, struct pair *pair, enum way way, struct str line)
{
    static const char *const verbs[] = {"refused", "nothing", "has", "lacks"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (take_word(&line, verbs[i])) {
            vec_push(&p->arena, &pair->expectations, (struct expectation){way, verbs[i], arena_str(&p->arena, line)});
            return;
        }
    fprintf(stderr, "%s: %.*s?\n", pair->name, STR_ARG(line));
    exit(2);
}

struct reading {
    VEC(struct pair) pairs;
    struct pair *pair;
    struct str *part; /* that lines belong to */
};

static void read_mark(struct peer *p, struct reading *r, struct str line)
{
    static const char *const parts[PARTS] = {"base", "from", "to", "rows"};
    if (take_word(&line, "pair")) {
        vec_push(&p->arena, &r->pairs, (struct pair){.name = arena_str(&p->arena, line)});
        r->pair = &r->pairs.v[r->pairs.n - 1];
        r->part = NULL;
        return;
    }
    for (size_t i = 0; i < PARTS; i++)
        if (take_word(&line, parts[i])) {
            r->part = &r->pair->parts[i];
            r->part->p = line.p + line.n + 1;
            return;
        }
    if (take_word(&line, "roles"))
        add_words(&p->arena, &r->pair->roles, line);
    else if (take_word(&line, "after"))
        r->pair->after = arena_str(&p->arena, line);
    else if (take_word(&line, "forward"))
        add_expectation(p, r->pair, FORWARD, line);
    else if (take_word(&line, "back"))
        add_expectation(p, r->pair, BACK, line);
    else
        add_expectation(p, r->pair, WAYS, line);
}

static void read_pairs(struct peer *p, struct str text, struct reading *r)
{
    struct str line;
    while (str_next(&text, '\n', &line)) {
        if (str_starts(line, STR("--- ")))
            read_mark(p, r, str_slice(line, 4, line.n));
        else if (r->part)
            r->part->n = (size_t)(line.p + line.n - r->part->p) + (text.p != NULL);
    }
}

static bool read_whole(struct arena *a, const char *path, struct str *out)
{
    FILE *f = fopen(path, "rbe");
    long size = -1;
    if (f && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size < 0) {
        perror(path);
        return false;
    }
    rewind(f);
    char *bytes = arena_alloc(a, (size_t)size + 1);
    *out = (struct str){bytes, fread(bytes, 1, (size_t)size, f)};
    fclose(f);
    return true;
}

static struct str side(struct peer *p, const struct pair *pair, enum part part)
{
    BUF_AUTO text = {0};
    buf_adds(&text, pair->parts[BASE]);
    buf_adds(&text, pair->parts[part]);
    buf_addz(&text, "");
    struct str copy = {arena_str(&p->of_pair, buf_str(&text)), text.n};
    return copy;
}

/* ------------------------------------------------------------------------------------------------------ the generator */

/* What it says: the SQL there and back, or why there is none. */
struct answer {
    bool refused;
    struct strings up, down; /* statements */
    struct buf said;         /* refusals and errors */
};

static void answer_free(struct answer *a)
{
    buf_free(&a->said);
}

static bool take_endpoint(struct peer *p, struct findings *findings, const char *name, struct str text,
                          struct endpoint *out)
{
    char *bytes = arena_alloc(&p->of_pair, text.n + 1);
    memcpy(bytes, text.p, text.n);
    *out = (struct endpoint){.kind = ENDPOINT_FILE, .name = name, .dialect = p->dialect, .dialect_is_known = true};
    return text_take(findings, name, name, bytes, text.n, &out->file);
}

static void add_statements(struct peer *p, const struct buf *script, struct strings *out)
{
    struct str text = buf_str(script);
    struct span s = {0};
    for (size_t at = 0; text.n && statement_next(text, p->dialect, at, &s); at = s.next)
        if (s.length)
            vec_push(&p->of_pair, out, arena_str(&p->of_pair, str_slice(text, s.offset, s.offset + s.length)));
}

static void take_answer(struct peer *p, const struct autogenerate *g, struct answer *a)
{
    for (size_t i = 0; i < g->refusals.n; i++)
        buf_addf(&a->said, "%s%s%s\n", g->refusals.v[i].message, g->refusals.v[i].detail ? ": " : "",
                 g->refusals.v[i].detail ? g->refusals.v[i].detail : "");
    a->refused = g->refusals.n;
    for (size_t i = 0; i < g->portions.n; i++) {
        BUF_AUTO script = {0};
        render_up(&script, g, i);
        add_statements(p, &script, &a->up);
    }
    for (size_t i = g->portions.n; i-- > 0;) {
        BUF_AUTO script = {0};
        render_down(&script, g, i);
        add_statements(p, &script, &a->down);
    }
}

static bool work_out(struct autogenerate *g, struct err *e)
{
    if (!autogenerate_read(g, e) || !autogenerate_ask(g, e))
        return false;
    /* Nobody is asked whether what looks alike is a rename: it is a drop. */
    renames_finish(g->arena, &g->start, &g->goal, &g->renames);
    return autogenerate_plan(g, e);
}

static void ask(struct peer *p, struct str from, struct str to, bool allowed, struct answer *a)
{
    AUTO_ERR e = {0};
    struct findings findings = {.arena = &p->of_pair};
    struct autogenerate g = {.arena = &p->of_pair, .findings = &findings};
    g.options.scratch = p->scratch;
    g.options.scope.version_table = "alembic_version";
    g.options.down = true;
    g.options.changes.allow_destructive = allowed;
    g.options.changes.policy = (struct policy){
        .owners = true, .grants = true, .default_privileges = true, .event_triggers = true};
    bool ok = take_endpoint(p, &findings, "from.sql", from, &g.from) &&
              take_endpoint(p, &findings, "to.sql", to, &g.to) && work_out(&g, &e);
    take_answer(p, &g, a);
    findings_format(&a->said, &findings);
    if (!ok) {
        a->refused = true;
        err_format(&a->said, &e, NULL);
    }
    findings_free(&findings);
    autogenerate_free(&g);
}

/* ----------------------------------------------------------------------------------------- the oracle, on PostgreSQL */

static bool pg_run(struct peer *p, const char *what, const char *sql)
{
    PGresult *r = PQexec(p->oracle, sql);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK ||
              PQresultStatus(r) == PGRES_EMPTY_QUERY;
    if (!ok)
        complain(p, "%s: %sin: %s", what, PQresultErrorMessage(r), sql);
    PQclear(r);
    return ok;
}

static void pg_lines(struct peer *p, const char *sql, struct strings *out)
{
    PGresult *r = PQexec(p->oracle, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        complain(p, "facts: %s", PQresultErrorMessage(r));
    for (int i = 0; i < PQntuples(r); i++)
        vec_push(&p->of_pair, out, arena_strdup(&p->of_pair, PQgetvalue(r, i, 0)));
    PQclear(r);
}

static struct strings pg_facts(struct peer *p)
{
    struct strings out = {0};
    pg_run(p, "facts", "SET search_path = pg_catalog");
    pg_lines(p, p->home ? p->facts : "EXECUTE facts", &out);
    pg_run(p, "facts", "SET search_path = public");
    return out;
}

/* To plan it takes longer than to run it, and it is run four times for each way. */
static bool pg_prepare_facts(struct peer *p)
{
    PGresult *r = PQexec(p->oracle, "SET search_path = pg_catalog");
    PQclear(r);
    r = PQprepare(p->oracle, "facts", p->facts, 0, NULL);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
    if (!ok)
        fprintf(stderr, "%s", PQerrorMessage(p->oracle));
    PQclear(r);
    return ok;
}

static void ignore_notice(void *context, const PGresult *r)
{
    (void)context;
    (void)r;
}

/* A database that nobody looked at before; or the same transaction anew, which is faster and commits nothing. */
static bool pg_connect_anew(struct peer *p)
{
    BUF_AUTO words = {0};
    buf_addf(&words, "CREATE DATABASE pair_%zu TEMPLATE template0", ++p->databases);
    if (!pg_run(p, "begin", words.p))
        return false;
    buf_reset(&words);
    buf_addf(&words, "%s dbname=pair_%zu", p->oracle_words, p->databases);
    p->home = p->oracle;
    p->oracle = PQconnectdb(words.p);
    PQsetNoticeReceiver(p->oracle, ignore_notice, NULL);
    return PQstatus(p->oracle) == CONNECTION_OK;
}

static bool pg_make_roles(struct peer *p, const char *verb)
{
    bool ok = true;
    for (size_t i = 0; i < p->roles->n; i++) {
        BUF_AUTO sql = {0};
        buf_addf(&sql, p->roles->v[i][0] == '"' ? "%s ROLE %s" : "%s ROLE \"%s\"", verb, p->roles->v[i]);
        ok = pg_run(p, "roles", sql.p) && ok;
    }
    return ok;
}

static void pg_end(struct peer *p)
{
    if (!p->home) {
        pg_run(p, "end", "ROLLBACK");
        return;
    }
    BUF_AUTO sql = {0};
    PQfinish(p->oracle);
    p->oracle = p->home;
    p->home = NULL;
    buf_addf(&sql, "DROP DATABASE pair_%zu", p->databases);
    pg_run(p, "end", sql.p);
    pg_make_roles(p, "DROP");
}

/* What adds a value to an enum and uses it wants commits in between. */
static bool pg_begin(struct peer *p)
{
    bool ok = p->commits ? pg_connect_anew(p) : pg_run(p, "begin", "BEGIN");
    return ok && pg_run(p, "begin", "SET search_path = public; SET check_function_bodies = off") &&
           pg_make_roles(p, "CREATE");
}

/* ---------------------------------------------------------------------------------------------- the oracle, on SQLite */

static bool lite_run(struct peer *p, const char *what, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(p->sqlite, sql, NULL, NULL, &message) == SQLITE_OK)
        return true;
    complain(p, "%s: %s\nin: %s", what, message, sql);
    sqlite3_free(message);
    return false;
}

static void lite_lines(struct peer *p, const char *sql, struct strings *out)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(p->sqlite, sql, -1, &s, NULL) != SQLITE_OK)
        complain(p, "facts: %s", sqlite3_errmsg(p->sqlite));
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(s, 0);
        vec_push(&p->of_pair, out, arena_strdup(&p->of_pair, text ? text : "NULL"));
    }
    sqlite3_finalize(s);
}

static const char lite_catalog[] =
    "WITH t AS (SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%') "
    "SELECT concat_all FROM ("
    " SELECT 'table ' || name || ' ' || type || wr || strict AS concat_all FROM t"
    " UNION ALL SELECT 'column ' || t.name || '.' || c.name || ' ' || lower(c.type) || c.\"notnull\" || c.pk || c.hidden ||"
    "   coalesce(trim(c.dflt_value, '( )'), '') FROM t, pragma_table_xinfo(t.name) c"
    " UNION ALL SELECT 'index ' || t.name || ' ' || CASE i.origin WHEN 'c' THEN i.name ELSE i.origin END || i.\"unique\" ||"
    "   i.partial || ' ' || (SELECT group_concat(coalesce(x.name, x.cid) || x.\"desc\" || x.coll) FROM"
    "   pragma_index_xinfo(i.name) x WHERE x.key) FROM t, pragma_index_list(t.name) i"
    " UNION ALL SELECT 'reference ' || t.name || '.' || f.\"from\" || ' ' || f.\"table\" || coalesce(f.\"to\", '') ||"
    "   f.on_update || f.on_delete || f.seq FROM t, pragma_foreign_key_list(t.name) f) ORDER BY 1";

static int compare_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/*
 * The words of a statement in an order that does not depend on where its parts stand, without quotes, capitals and
 * punctuation that change nothing.
 */
static const char *words_of(struct peer *p, const char *sql)
{
    struct strings words = {0};
    BUF_AUTO out = {0};
    struct str text = str_from(sql);
    struct lexer l = {.text = text, .dialect = DIALECT_SQLITE};
    struct token t;
    while (token_next(&l, &t)) {
        char *word = arena_str(&p->of_pair, str_slice(text, t.offset, t.offset + t.length));
        size_t n = strlen(word);
        if (n == 1 && strchr("(),;", *word))
            continue;
        if (*word == '"' || *word == '`' || *word == '[') {
            word[n - 1] = '\0';
            word++;
        }
        for (char *c = word; *word != '\'' && *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        vec_push(&p->of_pair, &words, word);
    }
    qsort(words.v, words.n, sizeof *words.v, compare_text);
    strings_join(&out, &words, " ");
    return arena_strdup(&p->of_pair, out.p ? out.p : "");
}

static struct strings lite_facts(struct peer *p)
{
    struct strings out = {0}, texts = {0};
    lite_lines(p, lite_catalog, &out);
    lite_lines(p, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'", &texts);
    for (size_t i = 0; i < texts.n; i++)
        vec_push(&p->of_pair, &out, words_of(p, texts.v[i]));
    strings_sort(&out);
    return out;
}

static bool lite_open(struct peer *p)
{
    sqlite3_close(p->sqlite);
    return sqlite3_open(":memory:", &p->sqlite) == SQLITE_OK && lite_run(p, "begin", "PRAGMA foreign_keys = ON");
}

/* --------------------------------------------------------------------------------------------------- walking the way */

static bool is_sqlite(const struct peer *p)
{
    return p->dialect == DIALECT_SQLITE;
}

static bool run(struct peer *p, const char *what, const char *sql)
{
    return is_sqlite(p) ? lite_run(p, what, sql) : pg_run(p, what, sql);
}

static struct strings read_facts(struct peer *p)
{
    return is_sqlite(p) ? lite_facts(p) : pg_facts(p);
}

static bool begin(struct peer *p)
{
    return is_sqlite(p) ? lite_open(p) : pg_begin(p);
}

static void end(struct peer *p)
{
    if (!is_sqlite(p))
        pg_end(p);
}

static bool load(struct peer *p, const char *what, struct str schema)
{
    return begin(p) && run(p, what, schema.p);
}

/* As a revision is run: on SQLite foreign keys are off while tables are rebuilt, and looked at in the end. */
static bool walk(struct peer *p, const char *what, const struct strings *way)
{
    bool ok = !is_sqlite(p) || lite_run(p, what, "PRAGMA foreign_keys = OFF; BEGIN");
    for (size_t i = 0; ok && i < way->n; i++)
        ok = run(p, what, way->v[i]);
    if (ok && is_sqlite(p)) {
        struct strings orphans = {0};
        lite_lines(p, "SELECT \"table\" FROM pragma_foreign_key_check", &orphans);
        if (orphans.n)
            complain(p, "%s: rows of %s lose their parents", what, orphans.v[0]);
        ok = lite_run(p, what, "COMMIT; PRAGMA foreign_keys = ON");
    }
    return ok;
}

static void compare_facts(struct peer *p, const char *what, const struct strings *wanted, const struct strings *found)
{
    size_t i = 0, j = 0;
    while (i < wanted->n || j < found->n) {
        int c = i == wanted->n ? 1 : j == found->n ? -1 : strcmp(wanted->v[i], found->v[j]);
        if (c < 0)
            complain(p, "%s: missing: %s", what, wanted->v[i]);
        if (c > 0)
            complain(p, "%s: unexpected: %s", what, found->v[j]);
        i += c <= 0;
        j += c >= 0;
    }
}

struct table_rows {
    const char *name;
    long long n;
};
struct rows {
    VEC(struct table_rows) tables;
};

static struct rows count_rows(struct peer *p)
{
    struct strings names = {0}, counts = {0};
    struct rows rows = {0};
    if (is_sqlite(p))
        lite_lines(p,
                   "SELECT format('\"%w\"', name) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                   "AND rootpage > 0",
                   &names);
    else
        pg_lines(p,
                 "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' "
                 "AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'",
                 &names);
    for (size_t i = 0; i < names.n; i++) {
        BUF_AUTO sql = {0};
        buf_addf(&sql, "SELECT count(*) FROM %s", names.v[i]);
        counts.n = 0;
        if (is_sqlite(p))
            lite_lines(p, sql.p, &counts);
        else
            pg_lines(p, sql.p, &counts);
        vec_push(&p->of_pair, &rows.tables, (struct table_rows){names.v[i], counts.n ? atoll(counts.v[0]) : -1});
    }
    return rows;
}

static void compare_rows(struct peer *p, const char *what, const struct rows *before, const struct rows *now)
{
    for (size_t i = 0; i < before->tables.n; i++)
        for (size_t j = 0; j < now->tables.n; j++)
            if (strcmp(before->tables.v[i].name, now->tables.v[j].name) == 0 &&
                before->tables.v[i].n != now->tables.v[j].n)
                complain(p, "%s: %s had %lld rows and has %lld", what, now->tables.v[j].name, before->tables.v[i].n,
                         now->tables.v[j].n);
}

/* Rows that went with their table do not come back, and others may have needed them: the way back is walked without. */
static void forget_rows(struct peer *p, const struct rows *before, const struct rows *now)
{
    size_t kept = 0;
    for (size_t i = 0; i < before->tables.n; i++)
        for (size_t j = 0; j < now->tables.n; j++)
            kept += strcmp(before->tables.v[i].name, now->tables.v[j].name) == 0;
    for (size_t i = 0; kept < before->tables.n && i < now->tables.n; i++) {
        BUF_AUTO sql = {0};
        buf_addf(&sql, is_sqlite(p) ? "PRAGMA foreign_keys = OFF; DELETE FROM %s" : "TRUNCATE %s CASCADE",
                 now->tables.v[i].name);
        run(p, "rows", sql.p);
    }
}

static void check_after(struct peer *p, const struct pair *pair)
{
    struct strings result = {0};
    if (!pair->after)
        return;
    if (is_sqlite(p))
        lite_lines(p, pair->after, &result);
    else
        pg_lines(p, pair->after, &result);
    if (!result.n || (strcmp(result.v[0], "t") != 0 && strcmp(result.v[0], "1") != 0))
        complain(p, "after: %s gives %s", pair->after, result.n ? result.v[0] : "nothing");
}

/* Deferred constraints are looked at now: ALTER TABLE refuses a table that still has some to come. */
static bool put_rows(struct peer *p, const struct pair *pair, enum way way)
{
    if (way == FORWARD && pair->parts[ROWS].n && !run(p, "rows", arena_str(&p->of_pair, pair->parts[ROWS])))
        return false;
    return is_sqlite(p) || pg_run(p, "rows", "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED");
}

static void walk_there_and_back(struct peer *p, const struct pair *pair, enum way way, const struct strings *goal,
                                const struct answer *a)
{
    bool forward = way == FORWARD;
    struct strings start = read_facts(p), found;
    if (!put_rows(p, pair, way))
        return;
    struct rows rows = count_rows(p), now;
    if (!walk(p, "up", &a->up))
        return;
    found = read_facts(p);
    now = count_rows(p);
    compare_facts(p, "up", goal, &found);
    compare_rows(p, "up", &rows, &now);
    if (forward)
        check_after(p, pair);
    if (p->complaint.n)
        return;
    forget_rows(p, &rows, &now);
    rows = count_rows(p);
    if (!walk(p, "down", &a->down))
        return;
    found = read_facts(p);
    now = count_rows(p);
    compare_facts(p, "down", &start, &found);
    compare_rows(p, "down", &rows, &now);
}

static bool contains(const struct strings *list, const char *words)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcasestr(list->v[i], words))
            return true;
    return false;
}

static void check_tables_stay(struct peer *p, const struct rows *before, const struct rows *now)
{
    for (size_t i = 0; i < before->tables.n; i++) {
        size_t j = 0;
        while (j < now->tables.n && strcmp(before->tables.v[i].name, now->tables.v[j].name) != 0)
            j++;
        if (j == now->tables.n)
            complain(p, "held back: table %s is gone", before->tables.v[i].name);
    }
    compare_rows(p, "held back", before, now);
}

/* What destroys is a comment, and what needs it, too: the rest applies to rows that are there. */
static void walk_held_back(struct peer *p, const struct pair *pair, enum way way, struct str from, struct str to)
{
    __attribute__((cleanup(answer_free))) struct answer a = {0};
    ask(p, from, to, false, &a);
    if (a.refused)
        complain(p, "held back: refused: %s", a.said.p);
    else if (load(p, "the start does not load", from) && put_rows(p, pair, way)) {
        struct rows before = count_rows(p), now;
        if (walk(p, "held back", &a.up)) {
            now = count_rows(p);
            if (!strstr(to.p, "renamed from:"))
                check_tables_stay(p, &before, &now);
        }
    }
    end(p);
}

static void walk_on_oracle(struct peer *p, const struct pair *pair, enum way way, struct str from, struct str to,
                           const struct answer *a)
{
    struct strings goal = {0};
    p->roles = &pair->roles;
    p->commits = false;
    if (load(p, "the goal does not load", to))
        goal = read_facts(p);
    end(p);
    p->commits = !is_sqlite(p) && (contains(&a->up, "ADD VALUE") || contains(&a->down, "ADD VALUE"));
    if (load(p, "the start does not load", from))
        walk_there_and_back(p, pair, way, &goal, a);
    end(p);
}

/* ------------------------------------------------------------------------------------------------------ expectations */

static const struct expectation *expected(const struct pair *pair, enum way way, const char *verb)
{
    for (size_t i = 0; i < pair->expectations.n; i++) {
        const struct expectation *x = &pair->expectations.v[i];
        if ((x->way == way || x->way == WAYS) && strcmp(x->verb, verb) == 0)
            return x;
    }
    return NULL;
}

static void check_words(struct peer *p, const struct pair *pair, enum way way, const struct answer *a)
{
    for (size_t i = 0; i < pair->expectations.n; i++) {
        const struct expectation *x = &pair->expectations.v[i];
        if (x->way != way && x->way != WAYS)
            continue;
        if (strcmp(x->verb, "has") == 0 && !contains(&a->up, x->words))
            complain(p, "the SQL lacks: %s", x->words);
        if (strcmp(x->verb, "lacks") == 0 && contains(&a->up, x->words))
            complain(p, "the SQL has: %s", x->words);
    }
}

static void show_sql(struct peer *p, const struct answer *a)
{
    for (size_t i = 0; i < a->up.n; i++)
        complain(p, "up:   %s;", a->up.v[i]);
    for (size_t i = 0; i < a->down.n; i++)
        complain(p, "down: %s;", a->down.v[i]);
}

static void check_way(struct peer *p, const struct pair *pair, enum way way)
{
    __attribute__((cleanup(answer_free))) struct answer a = {0};
    struct str from = side(p, pair, way == FORWARD ? FROM : TO), to = side(p, pair, way == FORWARD ? TO : FROM);
    const struct expectation *refusal = expected(pair, way, "refused");
    bool nothing = expected(pair, way, "nothing");
    ask(p, from, to, true, &a);
    if (a.refused && refusal && !strcasestr(a.said.p ? a.said.p : "", refusal->words))
        complain(p, "refused in other words than \"%s\": %s", refusal->words, a.said.p);
    else if (a.refused && !refusal)
        complain(p, "refused: %s", a.said.p);
    else if (!a.refused && refusal)
        complain(p, "not refused: %s", refusal->words);
    p->refused += a.refused;
    if (a.refused || p->complaint.n)
        return;
    if (p->tally ? nothing && a.up.n : nothing != !a.up.n)
        complain(p, nothing ? "there is something to do" : "there is nothing to do");
    check_words(p, pair, way, &a);
    if (!nothing)
        walk_on_oracle(p, pair, way, from, to, &a);
    if (p->held_back && !nothing && !p->complaint.n)
        walk_held_back(p, pair, way, from, to);
    if (p->complaint.n || p->verbose)
        show_sql(p, &a);
}

/* -------------------------------------------------------------------------------------------------------------- cases */

static void show_complaint(struct peer *p)
{
    struct str rest = buf_str(&p->complaint), line;
    while (rest.n && str_next(&rest, '\n', &line))
        printf("# %.*s\n", STR_ARG(line));
    buf_reset(&p->complaint);
    fflush(stdout);
}

static void report(struct peer *p, const char *name, const char *words, bool ok)
{
    printf("%sok %zu - %s%s\n", ok ? "" : "not ", ++p->cases, name, words);
    p->failed += !ok;
    fflush(stdout);
}

static void check_pair(struct peer *p, const struct pair *pair)
{
    static const char *const words[] = {", forward", ", back"};
    for (int way = FORWARD; way <= (p->both ? BACK : FORWARD); way++) {
        size_t refused = p->refused;
        check_way(p, pair, (enum way)way);
        bool ok = !p->complaint.n || (p->verbose && !strstr(p->complaint.p, ": "));
        p->tried++;
        p->wrong += !ok && p->refused == refused;
        if (p->tally && !ok)
            printf("# %s\n", pair->name);
        show_complaint(p);
        if (!p->tally)
            report(p, pair->name, p->both ? words[way] : "", ok);
        arena_reset(&p->of_pair);
    }
}

static bool check_file(struct peer *p, const char *path)
{
    struct str text;
    struct reading r = {0};
    if (!read_whole(&p->arena, path, &text))
        return false;
    read_pairs(p, text, &r);
    p->tried = p->refused = p->wrong = 0;
    for (size_t i = 0; i < r.pairs.n; i++)
        if (!p->only || strstr(r.pairs.v[i].name, p->only))
            check_pair(p, &r.pairs.v[i]);
    if (p->tally) {
        BUF_AUTO words = {0};
        buf_addf(&words, ": %zu pairs, %zu refused, %zu wrong", p->tried, p->refused, p->wrong);
        report(p, path, words.p, !p->refused && !p->wrong);
    }
    return r.pairs.n > 0;
}

static const char *option(char ***at, const char *name)
{
    if (strcmp(**at, name) != 0)
        return NULL;
    *at += 1;
    return **at;
}

static bool set_up(struct peer *p, char ***arguments)
{
    const char *value;
    struct str facts;
    for (; **arguments && strncmp(**arguments, "--", 2) == 0; ++*arguments) {
        if (strcmp(**arguments, "--both") == 0)
            p->both = true;
        else if (strcmp(**arguments, "--held-back") == 0)
            p->held_back = true;
        else if (strcmp(**arguments, "--tally") == 0)
            p->tally = true;
        else if (strcmp(**arguments, "--verbose") == 0)
            p->verbose = true;
        else if ((value = option(arguments, "--only")))
            p->only = value;
        else if ((value = option(arguments, "--scratch")))
            p->scratch = value;
        else if ((value = option(arguments, "--oracle")))
            p->oracle = PQconnectdb(p->oracle_words = value);
        else if ((value = option(arguments, "--facts")) && read_whole(&p->arena, value, &facts))
            p->facts = facts.p;
        else
            return false;
    }
    p->dialect = p->oracle ? DIALECT_POSTGRESQL : DIALECT_SQLITE;
    if (p->oracle && PQstatus(p->oracle) != CONNECTION_OK)
        fprintf(stderr, "%s", PQerrorMessage(p->oracle));
    return !p->oracle || (PQstatus(p->oracle) == CONNECTION_OK && p->facts && pg_prepare_facts(p));
}

int main(int argc, char **argv)
{
    struct peer p = {0};
    char **arguments = argv + (argc > 0);
    bool ok = set_up(&p, &arguments) && *arguments;
    if (!ok) {
        fprintf(stderr, "usage: peer_gen_pairs [OPTION]… FILE…\n");
        return 2;
    }
    if (p.oracle)
        PQsetNoticeReceiver(p.oracle, ignore_notice, NULL);
    for (; ok && *arguments; arguments++)
        ok = check_file(&p, *arguments);
    printf("1..%zu\n", p.cases);
    PQfinish(p.oracle);
    sqlite3_close(p.sqlite);
    buf_free(&p.complaint);
    arena_free(&p.of_pair);
    arena_free(&p.arena);
    return !ok || p.failed;
}
