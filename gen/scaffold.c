/* The next revision of a stream: who its parents are, what it is called, and its file from the template. */
#include "gen/scaffold.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "model/graph.h"

#define SLUG_CHARACTERS 40

/* What stands in a project without a template of its own. */
static const char template_text[] = "-- Revision: ${revision}\n"
                                    "-- Revises: ${down_revision}\n"
                                    "-- Message: ${message}\n"
                                    "-- Created: ${created}\n"
                                    "-- Branch-Labels: ${branch_labels}\n"
                                    "-- Depends-On: ${depends_on}\n"
                                    "-- Requires: ${requires}\n"
                                    "\n"
                                    "-- migrate:up\n"
                                    "\n"
                                    "-- migrate:down\n";

struct author {
    const struct source *source;
    const struct source_stream *stream;
    const struct scaffold *what;
    struct arena *a;
    struct graph *g;
    struct strings parents, depends, requires; /* resolved */
    const char *id;
};

/* ----------------------------------------------------------------------------------------------------------- parents */

static bool refuse_several_heads(const struct author *w, const struct revlist *heads, struct err *e)
{
    BUF_AUTO list = {0};
    for (size_t i = 0; i < heads->n; i++)
        buf_addf(&list, "%s%s", i ? ", " : "", graph_revision(w->g, heads->v[i])->id);
    err_set(e, FAULT_USAGE,
            "Multiple heads are present; please specify the head revision on which the new revision should "
            "be based, or perform a merge.");
    err_detail(e, "heads: %s", list.p);
    err_hint(e, "%s %s merge -m MESSAGE joins them; --head REV builds on one", source_tool(w->source), w->stream->name);
    return false;
}

static bool add_parent(const struct author *w, uint32_t index, struct strings *out, struct err *e)
{
    const char *id = graph_revision(w->g, index)->id;
    if (!w->what->splice && !graph_is_head(w->g, index)) {
        err_set(e, FAULT_USAGE,
                "Revision %s is not a head revision; please specify --splice to create a new branch from this revision",
                id);
        return false;
    }
    if (strings_has(out, id))
        return err_set(e, FAULT_USAGE, "%s is named twice", id);
    vec_push(w->a, out, id);
    return true;
}

/* One of several parents that is an ancestor of another adds nothing; a mere dependency is still a head to be joined. */
static bool refuse_overlap(const struct author *w, const struct revlist *parents, struct err *e)
{
    for (size_t i = 0; i < parents->n; i++) {
        struct revset one = revset_new(w->a, w->g);
        revset_add(&one, parents->v[i]);
        struct revset ancestors = graph_ancestors_down(w->a, w->g, &one);
        for (size_t k = 0; k < parents->n; k++)
            if (k != i && revset_has(&ancestors, parents->v[k])) {
                err_set(e, FAULT_USAGE, "%s is an ancestor of %s already", graph_revision(w->g, parents->v[k])->id,
                        graph_revision(w->g, parents->v[i])->id);
                return false;
            }
    }
    return true;
}

static bool find_parents(struct author *w, struct err *e)
{
    struct revlist all = {0};
    const struct strings *named = &w->what->parents;
    if (!named->n) {
        all = graph_heads(w->a, w->g);
        if (!w->what->merge && all.n > 1)
            return refuse_several_heads(w, &all, e);
    }
    for (size_t i = 0; i < named->n; i++) {
        struct revlist found = {0};
        if (!graph_resolve(w->a, w->g, str_from(named->v[i]), NULL, &found, e))
            return false;
        for (size_t k = 0; k < found.n; k++)
            vec_push(w->a, &all, found.v[k]);
    }
    for (size_t i = 0; i < all.n; i++)
        if (!add_parent(w, all.v[i], &w->parents, e))
            return false;
    if (!w->what->merge || all.n > 1)
        return refuse_overlap(w, &all, e);
    if (all.n == 0)
        err_set(e, FAULT_USAGE, "there is nothing to merge: the stream \"%s\" has no revisions", w->stream->name);
    else if (!named->n)
        err_set(e, FAULT_USAGE, "there is nothing to merge: %s is the only head", w->parents.v[0]);
    else
        err_set(e, FAULT_USAGE, "a merge has two parents at least");
    return false;
}

static bool find_one(struct arena *a, const struct graph *g, const char *symbol, const char **id, struct err *e)
{
    struct revlist found = {0};
    if (!graph_resolve(a, g, str_from(symbol), NULL, &found, e))
        return false;
    if (found.n != 1)
        return err_set(e, FAULT_USAGE, "\"%s\" names %s", symbol, found.n ? "several revisions" : "no revision");
    *id = graph_revision(g, found.v[0])->id;
    return true;
}

/* A label stays a label, as in Alembic: it follows the branch when somebody splices it. */
static bool is_label(const struct author *w, const char *symbol)
{
    for (size_t i = 0; i < graph_size(w->g); i++) {
        const struct revision *r = graph_revision(w->g, (uint32_t)i);
        for (uint32_t k = 0; k < r->n_labels; k++)
            if (strcmp(r->labels[k], symbol) == 0)
                return true;
    }
    return false;
}

static bool find_depends(struct author *w, struct err *e)
{
    for (size_t i = 0; i < w->what->depends.n; i++) {
        const char *symbol = w->what->depends.v[i];
        if (!is_label(w, symbol) && !find_one(w->a, w->g, symbol, &symbol, e))
            return false;
        vec_push(w->a, &w->depends, symbol);
    }
    return true;
}

static bool find_requires(struct author *w, struct err *e)
{
    for (size_t i = 0; i < w->what->requires.n; i++) {
        struct str text = str_from(w->what->requires.v[i]);
        size_t at = str_find(text, '@');
        const char *name = arena_str(w->a, str_slice(text, 0, at)), *id = NULL;
        const struct source_stream *other = source_find(w->source, name);
        if (at == text.n)
            return err_set(e, FAULT_USAGE, "--requires \"%s\" is not of the form STREAM@REVISION",
                           w->what->requires.v[i]);
        if (!other)
            return err_set(e, FAULT_USAGE, "--requires: there is no stream \"%s\"", name);
        if (!other->linked)
            return err_set(e, FAULT_FAILED, "the stream \"%s\" has errors: %s check shows them", name,
                           source_tool(w->source));
        struct graph *g = graph_new(w->a, other->linked);
        if (!find_one(w->a, g, arena_str(w->a, str_slice(text, at + 1, text.n)), &id, e))
            return false;
        vec_push(w->a, &w->requires, arena_printf(w->a, "%s@%s", name, id));
    }
    return true;
}

/* -------------------------------------------------------------------------------------------------------------- names */

static const char *new_id(const struct author *w)
{
    for (;;) {
        uint8_t bytes[6];
        if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
            continue;
        const char *id = arena_printf(w->a, "%02x%02x%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3],
                                      bytes[4], bytes[5]);
        if (graph_find(w->g, str_from(id)) == REVISION_NONE)
            return id;
    }
}

/* Words joined with _, of letters and digits in any script. */
static void add_words(GString *out, const char *message)
{
    bool between = false;
    for (const char *p = message; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (!g_unichar_isalnum(c) && !g_unichar_ismark(c) && c != '_') {
            between = out->len > 0;
            continue;
        }
        if (between)
            g_string_append_c(out, '_');
        between = false;
        g_string_append_unichar(out, g_unichar_tolower(c));
    }
}

char *scaffold_slug(struct arena *a, const char *message)
{
    GString *words = g_string_new(NULL);
    add_words(words, message);
    if (g_utf8_strlen(words->str, -1) > SLUG_CHARACTERS) {
        g_string_truncate(words, (gsize)(g_utf8_offset_to_pointer(words->str, SLUG_CHARACTERS) - words->str));
        const char *last = strrchr(words->str, '_');
        if (last)
            g_string_truncate(words, (gsize)(last + 1 - words->str));
        else
            g_string_append_c(words, '_');
    }
    char *slug = arena_strdup(a, words->str);
    g_string_free(words, TRUE);
    return slug;
}

/* "2026-11-22 10:15:00+07:00": the author's own time, and its distance from UTC. */
static const char *created_now(struct arena *a)
{
    char text[32], zone[8];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    strftime(zone, sizeof zone, "%z", &local);
    return arena_printf(a, "%s%.3s:%s", text, zone, zone + 3);
}

/* ----------------------------------------------------------------------------------------------------------- template */

struct placeholder {
    const char *name;
    const char *value;
    bool optional; /* a header line whose placeholder is empty goes */
};

static const char *joined(struct arena *a, const struct strings *list)
{
    BUF_AUTO out = {0};
    strings_join(&out, list, ", ");
    return arena_str(a, buf_str(&out));
}

/* A line with its placeholders replaced. *empty: one that is optional has no value. */
static bool fill_line(const struct placeholder *list, size_t n, struct str line, struct buf *out, bool *empty,
                      struct err *e)
{
    *empty = false;
    for (size_t i = 0; i < line.n;) {
        if (!str_starts(str_slice(line, i, line.n), STR("${"))) {
            buf_addc(out, line.p[i++]);
            continue;
        }
        struct str rest = str_slice(line, i + 2, line.n);
        struct str name = str_slice(rest, 0, str_find(rest, '}'));
        size_t k = 0;
        while (k < n && !str_is(name, list[k].name))
            k++;
        if (k == n || name.n == rest.n) {
            err_set(e, FAULT_CONFIG, "unknown placeholder \"${%.*s}\"", STR_ARG(name));
            err_hint(
                e, "known are ${revision}, ${down_revision}, ${message}, ${created}, ${branch_labels}, ${depends_on}, "
                   "${requires}, ${comment} and ${body}");
            return false;
        }
        *empty = *empty || (list[k].optional && !*list[k].value);
        buf_addz(out, list[k].value);
        i += 3 + name.n;
    }
    return true;
}

/*
 * A section line for the dialects that the stream has: "-- migrate:up postgresql,sqlite" may lose one. False when none is
 * left, and the section with it.
 */
static bool fit_section_line(const struct author *w, struct str line, struct buf *out)
{
    BUF_AUTO kept = {0};
    bool named = false;
    struct str rest = line, word, piece;
    while (str_next(&rest, ' ', &word)) {
        BUF_AUTO list = {0};
        bool dialects = false;
        struct str pieces = word;
        while (str_next(&pieces, ',', &piece))
            for (size_t d = 0; d < DIALECT_COUNT; d++)
                if (str_is(piece, dialect_words[d])) {
                    dialects = true;
                    if (w->stream->dialects & DIALECT_BIT(d))
                        buf_addf(&list, "%s%s", list.n ? "," : "", dialect_words[d]);
                }
        if (dialects && !list.n)
            named = true;
        buf_addf(&kept, "%s%.*s", kept.n ? " " : "", dialects ? str_int_length(buf_str(&list)) : str_int_length(word),
                 dialects ? (list.p ? list.p : "") : word.p);
    }
    buf_adds(out, buf_str(&kept));
    return !named;
}

/* As the value of a placeholder behind "-- ": further lines have their own. */
static const char *comment_lines(const struct author *w)
{
    BUF_AUTO out = {0};
    for (const char *c = w->what->comment; c && *c; c++) {
        buf_addc(&out, *c);
        if (*c == '\n')
            buf_addz(&out, "-- ");
    }
    return arena_str(w->a, buf_str(&out));
}

/* A template on its way to a file. */
struct filling {
    const struct author *w;
    const struct text_file *template;
    const struct placeholder *list;
    size_t n;
    struct buf *out;
};

static bool is_section_line(struct str line)
{
    return str_starts(line, STR("-- migrate:"));
}

static void add_line(struct buf *out, const struct buf *line)
{
    size_t n = line->n;
    while (n && line->p[n - 1] == ' ')
        n--;
    buf_add(out, line->p ? line->p : "", n);
    buf_addc(out, '\n');
}

/* One line that begins no section. An empty placeholder takes a header line or a line of its own with it. */
static bool add_plain_line(const struct filling *f, uint32_t n, struct err *e)
{
    struct str line = text_line(f->template, n);
    BUF_AUTO filled = {0};
    bool empty = false;
    if (!fill_line(f->list, f->n, line, &filled, &empty, e)) {
        err_at(e, f->template->shown, (int)n, 0, line);
        return false;
    }
    bool alone = str_is(str_trim(line), "${body}") || str_is(str_trim(line), "${comment}");
    if (!(empty && (str_starts(line, STR("--")) || alone)))
        add_line(f->out, &filled);
    return true;
}

static bool is_dropped(const struct filling *f, uint32_t n)
{
    struct str line = text_line(f->template, n);
    return str_starts(line, STR("##")) || (n == f->template->n_lines && !line.n);
}

static bool add_template_sections(const struct filling *f, uint32_t from, struct err *e)
{
    bool skipping = false; /* a section that the stream has no dialect for */
    for (uint32_t n = from; n <= f->template->n_lines; n++) {
        BUF_AUTO filled = {0};
        if (is_dropped(f, n))
            continue;
        if (is_section_line(text_line(f->template, n))) {
            skipping = !fit_section_line(f->w, text_line(f->template, n), &filled);
            if (!skipping)
                add_line(f->out, &filled);
        } else if (!skipping && !add_plain_line(f, n, e)) {
            return false;
        }
    }
    return true;
}

/* The template's section of a direction for a dialect: the one that names it, else the one that names none; 0: none. */
static uint32_t find_section(const struct filling *f, const struct scaffold_section *s)
{
    const char *const words[] = {"up", "down"};
    uint32_t found = 0;
    for (uint32_t n = 1; n <= f->template->n_lines; n++) {
        struct str rest = text_line(f->template, n), word;
        if (!is_section_line(rest) || !str_next(&rest, ' ', &word) || !str_next(&rest, ' ', &word) ||
            !str_is(str_slice(word, 8, word.n), words[s->direction]))
            continue;
        bool names_one = false, names_it = false;
        for (size_t d = 0; d < DIALECT_COUNT; d++)
            if (rest.p && memmem(rest.p, rest.n, dialect_words[d], strlen(dialect_words[d]))) {
                names_one = true;
                names_it = names_it || s->dialects & DIALECT_BIT(d);
            }
        if (names_it)
            return n;
        found = names_one || found ? found : n;
    }
    return found;
}

static void add_section_line(const struct filling *f, const struct scaffold_section *s)
{
    BUF_AUTO dialects = {0};
    bool all = s->dialects == f->w->stream->dialects;
    for (size_t d = 0; !all && d < DIALECT_COUNT; d++)
        if (s->dialects & DIALECT_BIT(d))
            buf_addf(&dialects, "%s%s", dialects.n ? "," : " ", dialect_words[d]);
    buf_addf(f->out, "-- migrate:%s%s%s%s\n", s->direction == DIRECTION_UP ? "up" : "down",
             dialects.n ? dialects.p : "", s->flags ? " " : "", s->flags ? s->flags : "");
}

static bool has_body_line(const struct filling *f, uint32_t from)
{
    for (uint32_t n = from; n <= f->template->n_lines && !is_section_line(text_line(f->template, n)); n++)
        if (str_is(str_trim(text_line(f->template, n)), "${body}"))
            return true;
    return false;
}

/* The project's own lines of the section stay around the body, or, where it says no place for that, before it. */
static bool add_section(const struct filling *f, const struct scaffold_section *s, struct err *e)
{
    uint32_t at = find_section(f, s);
    bool placed = at && has_body_line(f, at + 1);
    add_section_line(f, s);
    for (uint32_t n = at + 1; at && n <= f->template->n_lines && !is_section_line(text_line(f->template, n)); n++) {
        struct str line = text_line(f->template, n);
        if (placed && str_is(str_trim(line), "${body}"))
            buf_addz(f->out, s->body);
        else if (!is_dropped(f, n) && str_trim(line).n && !add_plain_line(f, n, e))
            return false;
    }
    if (!placed)
        buf_addz(f->out, s->body);
    buf_addc(f->out, '\n');
    return true;
}

/* Where the template has no ${comment}, it stands before the sections. */
static void add_comment(const struct filling *f)
{
    struct str rest = str_from(f->w->what->comment), line;
    for (uint32_t n = 1; n <= f->template->n_lines; n++) {
        line = text_line(f->template, n);
        if (!is_dropped(f, n) && memmem(line.p, line.n, "${comment}", 10))
            return;
    }
    while (rest.n && str_next(&rest, '\n', &line))
        buf_addf(f->out, "-- %.*s\n", STR_ARG(line));
    if (f->w->what->comment)
        buf_addc(f->out, '\n');
}

static bool fill_template(const struct author *w, const struct text_file *template, struct buf *out, struct err *e)
{
    const struct placeholder list[] = {
        {"revision", w->id, false},
        {"down_revision", joined(w->a, &w->parents), false},
        {"message", w->what->message, false},
        {"created", w->what->created ? w->what->created : created_now(w->a), true},
        {"branch_labels", joined(w->a, &w->what->labels), true},
        {"depends_on", joined(w->a, &w->depends), true},
        {"requires", joined(w->a, &w->requires), true},
        {"comment", comment_lines(w), true},
        {"body", "", true},
    };
    const struct filling f = {w, template, list, sizeof list / sizeof *list, out};
    uint32_t n = 1;
    for (; n <= template->n_lines && !is_section_line(text_line(template, n)); n++)
        if (!is_dropped(&f, n) && !add_plain_line(&f, n, e))
            return false;
    add_comment(&f);
    if (!w->what->sections && !add_template_sections(&f, n, e))
        return false;
    for (size_t i = 0; i < w->what->n_sections; i++)
        if (!add_section(&f, &w->what->sections[i], e))
            return false;
    while (out->n > 1 && out->p[out->n - 1] == '\n' && out->p[out->n - 2] == '\n')
        out->n--;
    return true;
}

static const char *file_in(const struct author *w, const char *name)
{
    size_t ini = strlen(w->stream->ini.shown), path = strlen(w->stream->ini.path);
    return arena_printf(w->a, "%.*s%s", (int)(ini - path), w->stream->ini.shown, name);
}

static bool render(const struct author *w, struct buf *out, struct err *e)
{
    struct findings findings = {.arena = w->a};
    struct text_file template;
    const char *shown = file_in(w, "revision.sql.tmpl");
    bool ok = true;
    if (!w->what->as_given && access(shown, F_OK) == 0)
        ok = text_read(&findings, "revision.sql.tmpl", shown, &template);
    else
        text_take(&findings, "revision.sql.tmpl", "the built-in template", arena_strdup(w->a, template_text),
                  sizeof template_text - 1, &template);
    if (!ok) {
        err_move(e, &findings.list.v[0].err);
        e->fault = FAULT_CONFIG;
    }
    findings_free(&findings);
    return ok && fill_template(w, &template, out, e);
}

/* ----------------------------------------------------------------------------------------------------------- checking */

static struct source_stream *find_stream(struct source *s, const char *name)
{
    for (size_t i = 0; i < s->streams.n; i++)
        if (strcmp(s->streams.v[i]->name, name) == 0)
            return s->streams.v[i];
    return NULL;
}

/* Links the folder anew with the text as one file more, and hands back the first thing that is wrong with it. */
static bool check_text(const struct author *w, const char *path, const char *shown, struct str text, struct err *e)
{
    struct source s = {.arena = w->a};
    if (!source_read(&s, w->source->folder, e))
        return false;
    struct source_stream *stream = find_stream(&s, w->stream->name);
    struct source_revision *r = ARENA_NEW(w->a, struct source_revision);
    char *bytes = arena_str(w->a, text);
    if (stream && text_take(&s.findings, path, shown, bytes, text.n, &r->file)) {
        source_parse_revision(&s.findings, w->a, r);
        source_pick_sections(&s.findings, stream, r);
        r->revision.load_order = (uint32_t)stream->revisions.n;
        vec_push(w->a, &stream->revisions, r);
        stream->multiple_heads = true;
        link_streams(&s);
    }
    if (w->what->sections) {
        check_postgresql(&s);
        check_sqlite(&s);
    }
    findings_sort(&s.findings);
    bool ok = true;
    for (size_t i = 0; ok && i < s.findings.list.n; i++) {
        struct finding *found = &s.findings.list.v[i];
        if (found->severity == SEVERITY_ERROR && found->err.path && strcmp(found->err.path, shown) == 0) {
            err_move(e, &found->err);
            err_at(e, NULL, 0, 0, (struct str){0}); /* there is no such file yet */
            e->fault = FAULT_USAGE;
            ok = false;
        }
    }
    findings_free(&s.findings);
    return ok;
}

static bool write_new(const char *path, struct str text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_set(e, FAULT_FAILED, "cannot write \"%s\": %s", path, strerror(errno));
    bool ok = true;
    for (size_t done = 0; ok && done < text.n;) {
        ssize_t n = write(fd, text.p + done, text.n - done);
        ok = n >= 0 || errno == EINTR;
        done += n > 0 ? (size_t)n : 0;
    }
    ok = close(fd) == 0 && ok;
    if (!ok) {
        err_set(e, FAULT_FAILED, "cannot write \"%s\": %s", path, strerror(errno));
        unlink(path);
    }
    return ok;
}

/* -------------------------------------------------------------------------------------------------------------- calls */

static bool check_message(const char *message, struct err *e)
{
    struct str text = str_from(message);
    if (!message || !str_trim(text).n) {
        err_set(e, FAULT_USAGE, "the revision has no message");
        err_hint(e, "-m \"add documents\"");
        return false;
    }
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7F)
            return err_set(e, FAULT_USAGE, "a message is one line, without control characters");
    return str_utf8_error(text) == text.n || err_set(e, FAULT_USAGE, "the message is not valid UTF-8");
}

bool scaffold_write(const struct source *s, const struct source_stream *stream, const struct scaffold *what,
                    const char **path, const char **id, struct err *e)
{
    struct author w = {.source = s, .stream = stream, .what = what, .a = s->arena};
    BUF_AUTO text = {0};
    if (!check_message(what->message, e))
        return false;
    w.g = graph_new(w.a, stream->linked);
    if (what->as_given) {
        w.parents = what->parents;
        w.depends = what->depends;
    } else if (!find_parents(&w, e) || !find_depends(&w, e) || !find_requires(&w, e)) {
        return false;
    }
    w.id = what->id ? what->id : new_id(&w);
    if (id)
        *id = w.id;
    const char *slug = scaffold_slug(w.a, what->message);
    const char *name = arena_printf(w.a, "%s/versions/%s%s%s.sql", stream->name, w.id, *slug ? "_" : "", slug);
    *path = file_in(&w, name);
    if (!render(&w, &text, e) || (!what->as_given && !check_text(&w, name, *path, buf_str(&text), e)))
        return false;
    const char *folder = file_in(&w, arena_printf(w.a, "%s/versions", stream->name));
    if (mkdir(folder, 0777) < 0 && errno != EEXIST)
        return err_set(e, FAULT_FAILED, "cannot make the folder \"%s\": %s", folder, strerror(errno));
    return write_new(*path, buf_str(&text), e);
}

bool scaffold_open(struct source *s, const char *folder, const char *stream, const struct source_stream **out,
                   struct err *e)
{
    if (!source_read(s, folder, e))
        return false;
    struct source_stream *found = find_stream(s, stream);
    if (!found) {
        struct strings names = {0};
        struct finding nearest = {0};
        for (size_t i = 0; i < s->streams.n; i++)
            vec_push(s->arena, &names, s->streams.v[i]->name);
        err_set(&nearest.err, FAULT_USAGE, "there is no stream \"%s\"", stream);
        finding_suggest(&nearest, str_from(stream), &names, NULL);
        err_move(e, &nearest.err);
        if (!e->hint)
            err_hint(e, "streams in %s: %s", folder, joined(s->arena, &names));
        return false;
    }
    found->multiple_heads = true;
    link_streams(s);
    *out = found;
    return found->linked || err_set(e, FAULT_FAILED, "the stream \"%s\" has errors", stream);
}

bool scaffold_find(const struct source *s, const struct source_stream *stream, const char *symbol, const char **path,
                   struct err *e)
{
    struct str text = str_from(symbol);
    const char *id = NULL;
    const struct source_revision *found = NULL;
    size_t n = 0;
    if (stream->linked && !find_one(s->arena, graph_new(s->arena, stream->linked), symbol, &id, e))
        return false;
    for (size_t i = 0; i < stream->revisions.n; i++) {
        const struct source_revision *r = stream->revisions.v[i];
        if (!r->id.text || !(id ? strcmp(r->id.text, id) == 0 : str_starts(str_from(r->id.text), text)))
            continue;
        found = r;
        n++;
    }
    if (n != 1)
        return err_set(e, FAULT_USAGE, n ? "\"%s\" begins several revisions' ids" : "there is no revision \"%s\"",
                       symbol);
    *path = found->file.shown;
    return true;
}
