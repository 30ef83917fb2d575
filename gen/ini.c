/*
 * env.ini: a group [stream] with keys from the table of settings, a group [lint] with the severities of rules, comments on
 * lines of their own.
 *
 * GLib reads the values; a scan of our own knows where each key and value stands, and refuses what GKeyFile would let
 * pass: unknown keys, a key or group that is there twice, other groups, comments with ';'. Values are kept as written;
 * ${VAR} is looked at for its form and expanded by nobody here.
 */
#include <glib.h>
#include <string.h>

#include "gen/lint/rules.h"
#include "gen/source.h"
#include "tool/settings.h"

struct ini {
    struct findings *out;
    struct arena *a;
    struct source_stream *s;
    GKeyFile *keys;
    char *accepted;      /* the file with refused lines made comments: what GLib gets to read */
    uint32_t group_line; /* of [stream], 0: not there yet */
    bool elsewhere;      /* below a group that is not ours */
    uint32_t lint_line;  /* of [lint], 0: not there */
    bool in_lint;
    VEC(struct str) unknown; /* keys that no setting has */
};

static size_t offset_in(const struct ini *ini, struct str part)
{
    return (size_t)(part.p - ini->s->ini.bytes.p);
}

static struct finding *refuse_at(const struct ini *ini, const char *rule, struct str part, const char *message)
{
    return finding_add(ini->out, rule, &ini->s->ini, offset_in(ini, part), "%s", message);
}

/* --------------------------------------------------------------------------------------------- references, passwords */

static bool is_variable_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c != '_' && !g_ascii_isalpha(c) && !(i && g_ascii_isdigit(c)))
            return false;
    }
    return name.n > 0;
}

/* ${NAME}, each closed and with a name that an environment can hold. */
static bool check_references(const struct ini *ini, struct str value)
{
    for (size_t i = 0; i + 1 < value.n; i++) {
        if (value.p[i] != '$' || value.p[i + 1] != '{')
            continue;
        struct str rest = str_slice(value, i + 2, value.n);
        struct str name = str_slice(rest, 0, str_find(rest, '}'));
        if (name.n == rest.n || !is_variable_name(name)) {
            struct finding *found = refuse_at(ini, "bad-reference", str_slice(value, i, value.n),
                                              name.n == rest.n ? "the reference is not closed"
                                                               : "the reference holds no variable's name");
            err_hint(&found->err, "${NAME}: letters, digits and _, not beginning with a digit");
            return false;
        }
        i += 2 + name.n;
    }
    return true;
}

/* {name}, each closed; "${" has been seen to already. */
static bool check_columns(const struct ini *ini, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '}')
            return refuse_at(ini, "bad-reference", str_slice(value, i, value.n), "\"}\" closes nothing") && false;
        if (value.p[i] != '{')
            continue;
        struct str rest = str_slice(value, i + 1, value.n);
        struct str name = str_slice(rest, 0, str_find(rest, '}'));
        if ((i == 0 || value.p[i - 1] != '$') && (name.n == rest.n || !is_variable_name(name))) {
            struct finding *found = refuse_at(ini, "bad-reference", str_slice(value, i, value.n),
                                              name.n == rest.n ? "the column is not closed" : "this names no column");
            err_hint(&found->err, "{tenant_id}, or another column of tenants_query");
            return false;
        }
        i += 1 + name.n;
    }
    return true;
}

/* The byte behind position `i`; a reference that is closed counts as one. */
static size_t next_byte(struct str s, size_t i, bool columns)
{
    bool variable = s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{';
    if (!variable && !(columns && s.p[i] == '{'))
        return i + 1;
    size_t end = i + str_find(str_slice(s, i, s.n), '}');
    return end < s.n ? end + 1 : i + 1;
}

/* Where one of `stops` stands outside of references, or s.n. */
static size_t find_any(struct str s, size_t from, const char *stops, bool columns)
{
    while (from < s.n && !strchr(stops, s.p[from]))
        from = next_byte(s, from, columns);
    return from < s.n ? from : s.n;
}

static bool is_only_references(struct str text, bool columns)
{
    for (size_t i = 0, next; i < text.n; i = next) {
        next = next_byte(text, i, columns);
        if (next == i + 1)
            return false;
    }
    return true;
}

/*
 * The password of scheme://user:PASSWORD@host, which ends at the last '@' of the authority; one that is not encoded may
 * hold a '/' or '?' and end the authority too early, so a later '@' counts too. Behind a port it does not in a query.
 */
static struct str url_password(struct str value, bool columns)
{
    const char *scheme = memmem(value.p, value.n, "://", 3);
    if (!scheme)
        return (struct str){0};
    struct str rest = str_slice(value, (size_t)(scheme + 3 - value.p), value.n);
    size_t colon = find_any(rest, 0, ":/@", columns);
    if (colon == rest.n || rest.p[colon] != ':' || rest.p[0] == '[')
        return (struct str){0};
    rest = str_slice(rest, colon + 1, rest.n);
    size_t end = find_any(rest, 0, "/?", columns);
    size_t at = str_find_last(str_slice(rest, 0, end), '@');
    if (at == end) {
        bool port = strspn(rest.p, "0123456789") >= end;
        at = find_any(rest, end, "@", columns);
        if (port && at > find_any(rest, end, "?", columns))
            return (struct str){0};
    }
    return at < rest.n ? str_slice(rest, 0, at) : (struct str){0};
}

/* A literal value of password= or sslpassword= in a query or a keyword string, up to its end. */
static struct str keyword_password(struct str value, bool columns)
{
    static const struct str word = {"password", 8};
    for (size_t i = 0; i + word.n < value.n; i++) {
        if (g_ascii_strncasecmp(value.p + i, word.p, word.n) != 0)
            continue;
        struct str rest = str_slice(value, i + word.n, value.n);
        size_t n = strspn(rest.p, " ");
        if (n >= rest.n || rest.p[n] != '=')
            continue;
        n += 1 + strspn(rest.p + n + 1, " '");
        rest = str_slice(rest, n, rest.n);
        struct str password = str_slice(rest, 0, find_any(rest, 0, " &'", columns));
        if (!is_only_references(password, columns))
            return password;
    }
    return (struct str){0};
}

static void refuse_literal_password(const struct ini *ini, const struct setting *row, struct str value)
{
    bool columns = row->flags & SETTING_COLUMNS;
    struct str password = url_password(value, columns);
    if (is_only_references(password, columns))
        password = keyword_password(value, columns);
    if (!password.n)
        return;
    struct finding *found = refuse_at(ini, "literal-password", password,
                                      "a literal password has no place in a file that is committed");
    err_hint(&found->err, "use ${VAR}: %s = ${DATABASE_URL}, or ${DATABASE_PASSWORD} in its place", row->key);
}

static bool mentions(struct str line, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= line.n; i++)
        if (g_ascii_strncasecmp(line.p + i, word, n) == 0)
            return true;
    return false;
}

/* A source line that may show a password is left out of the findings from `first` on: builds keep their logs. */
static void hide_lines(struct findings *out, size_t first)
{
    for (size_t i = first; i < out->list.n; i++) {
        struct err *e = &out->list.v[i].err;
        struct str line = str_from(e->source);
        if (mentions(line, "@") || mentions(line, "pass")) {
            const char *path = e->path;
            err_at(e, path, e->line, e->column, (struct str){0});
        }
    }
}

/* ------------------------------------------------------------------------------------------------------------- values */

static void apply(struct ini *ini, const struct setting *row, struct str value, int64_t number)
{
    struct source_stream *s = ini->s;
    if (row == &settings[SET_KIND])
        s->kind = (enum stream_kind)number;
    else if (row == &settings[SET_DIALECTS])
        s->dialects = (uint32_t)number;
    else if (row == &settings[SET_MULTIPLE_HEADS])
        s->multiple_heads = number != 0;
    else if (row == &settings[SET_REGISTRY])
        s->registry = arena_str(ini->a, value);
}

static void check_value(struct ini *ini, const struct setting *row, struct str value)
{
    AUTO_ERR e = {0};
    int64_t number = 0;
    if (!check_references(ini, value) || ((row->flags & SETTING_COLUMNS) && !check_columns(ini, value)))
        return;
    if (setting_check_embedded(row, value, &number, &e)) {
        apply(ini, row, value, number);
        if (row->type == SETTING_ADDRESS)
            refuse_literal_password(ini, row, value);
        return;
    }
    if (row == &settings[SET_DIALECTS])
        ini->s->dialects = 0; /* unknown: sections are not compared with them */
    bool secret = row->flags & SETTING_SECRET;
    struct finding *found = refuse_at(ini, secret ? "literal-password" : "bad-value", value, e.message);
    err_hint(&found->err, "%s%s%s", e.hint ? "" : row->key, e.hint ? "" : ": ", e.hint ? e.hint : row->help);
    if (!secret && (memmem(value.p, value.n, " #", 2) || memmem(value.p, value.n, " ;", 2)))
        err_hint(&found->err, "a comment stands on a line of its own");
}

/* -------------------------------------------------------------------------------------------------------------- lines */

static const struct source_setting *find_setting(const struct source_stream *s, const char *key)
{
    for (size_t i = 0; i < s->settings.n; i++)
        if (strcmp(s->settings.v[i].key.text, key) == 0)
            return &s->settings.v[i];
    return NULL;
}

/* GLib does not see the line, so that one bad line does not cost the findings of all others. */
static void leave_out(struct ini *ini, struct str line)
{
    ini->accepted[offset_in(ini, line)] = '#';
}

static void parse_group(struct ini *ini, struct str line)
{
    const struct text_file *f = &ini->s->ini;
    ini->in_lint = str_is(line, "[lint]");
    uint32_t *first = ini->in_lint ? &ini->lint_line : &ini->group_line;
    ini->elsewhere = !ini->in_lint && !str_is(line, "[stream]");
    if (ini->elsewhere) {
        struct finding *found = finding_add(ini->out, "unknown-group", f, offset_in(ini, line),
                                            "unknown group \"%.*s\"", STR_ARG(line));
        err_hint(&found->err, "there are [stream] and [lint]");
        leave_out(ini, line);
    } else if (*first) {
        finding_add(ini->out, "duplicate-group", f, offset_in(ini, line),
                    "%.*s is there a second time; the first is line %u", STR_ARG(line), *first);
    } else {
        *first = text_position(f, offset_in(ini, line)).line;
    }
}

/* Suggests keys that this kind of stream may have, so it waits until the kind is known. */
static void refuse_unknown_key(const struct ini *ini, struct str key)
{
    struct finding *found = finding_add(ini->out, "unknown-key", &ini->s->ini, offset_in(ini, key),
                                        "unknown key \"%.*s\"", STR_ARG(key));
    const struct setting *near = setting_nearest(key, SETTING_FOR(ini->s->kind));
    if (near)
        err_hint(&found->err, "did you mean \"%s\"?", near->key);
    else
        err_hint(&found->err, "`migrate-gen help --configuration` lists every key");
}

static bool has_control_character(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7F)
            return true;
    return false;
}

/* What can be said of a line before its key is looked up. */
static bool is_key_line(struct ini *ini, struct str line, struct str key, bool has_value)
{
    if (!has_value || !key.n) {
        struct finding *found = refuse_at(ini, "bad-line", line, "neither \"key = value\" nor a group nor a comment");
        if (line.p[0] == ';')
            err_hint(&found->err, "a comment begins with #");
        return false;
    }
    if (has_control_character(line)) {
        refuse_at(ini, "bad-line", line, "the line holds a control character");
        return false;
    }
    if (!ini->group_line && !ini->in_lint && !ini->elsewhere) {
        struct finding *found = refuse_at(ini, "bad-line", line, "a key outside of a group");
        err_hint(&found->err, "put [stream] on a line above it");
        ini->elsewhere = true;
    }
    return !ini->elsewhere;
}

/* The line of [lint] that has the key already; NULL: none. */
static const struct source_setting *find_lint(const struct ini *ini, struct str key)
{
    for (size_t i = 0; i < ini->s->lint.n; i++)
        if (str_is(key, ini->s->lint.v[i].key.text))
            return &ini->s->lint.v[i];
    return NULL;
}

static void refuse_twice(const struct ini *ini, struct str key, const struct source_setting *before)
{
    const struct text_file *f = &ini->s->ini;
    finding_add(ini->out, "duplicate-key", f, offset_in(ini, key),
                "\"%.*s\" is there a second time; the first is line %u", STR_ARG(key),
                text_position(f, before->key.offset).line);
}

static void refuse_no_rule(const struct ini *ini, struct str key)
{
    struct strings ids = {0};
    lint_rule_ids(ini->a, &ids);
    struct finding *found = finding_add(ini->out, "unknown-key", &ini->s->ini, offset_in(ini, key),
                                        "there is no rule \"%.*s\"", STR_ARG(key));
    finding_suggest(found, key, &ids, "`migrate-gen lint --explain` lists every rule; `since` is a revision");
}

static void refuse_fixed(const struct ini *ini, struct str key, const struct lint_rule *rule)
{
    struct finding *found = finding_add(ini->out, "bad-value", &ini->s->ini, offset_in(ini, key), "\"%s\" is always %s",
                                        rule->id, rule->severity == SEVERITY_ERROR ? "an error" : "a warning");
    err_hint(&found->err, "leave it out%s",
             rule->severity == SEVERITY_ERROR ? ": what it finds cannot be built or run" : "");
}

static bool is_severity(struct str value)
{
    for (int severity = SEVERITY_ERROR; severity <= SEVERITY_OFF; severity++)
        if (str_is(value, severity_words[severity]))
            return true;
    return false;
}

static void refuse_lint_value(const struct ini *ini, struct str key, struct str value, bool since)
{
    const struct text_file *f = &ini->s->ini;
    struct finding *found = value.n ? finding_add(ini->out, "bad-value", f, offset_in(ini, value),
                                                  "\"%.*s\" is no severity", STR_ARG(value))
                                    : finding_add(ini->out, "bad-value", f, offset_in(ini, key), "%.*s has no value",
                                                  STR_ARG(key));
    err_hint(&found->err,
             since ? "nothing is said of it and of those that it builds on" : "error, warning, note or off");
}

/* A rule and its severity; how far back lint looks. */
static void parse_lint(struct ini *ini, struct str key, struct str value)
{
    const struct lint_rule *rule = lint_rule_find(key);
    const struct source_setting *before = find_lint(ini, key);
    bool since = str_is(key, "since");
    struct source_setting setting = {.key = {arena_str(ini->a, key), (uint32_t)offset_in(ini, key)}};
    if (before) {
        refuse_twice(ini, key, before);
    } else if (!rule && !since) {
        refuse_no_rule(ini, key);
    } else if (rule && rule->flags & RULE_ALWAYS) {
        refuse_fixed(ini, key, rule);
    } else if (since ? !value.n : !is_severity(value)) {
        refuse_lint_value(ini, key, value, since);
    } else {
        setting.value = (struct word){arena_str(ini->a, value), (uint32_t)offset_in(ini, value)};
        vec_push(ini->a, &ini->s->lint, setting);
    }
}

/* "key = value". Values are taken from GLib by name afterwards; false when the line is none of ours. */
static bool parse_key(struct ini *ini, struct str line)
{
    const struct text_file *f = &ini->s->ini;
    size_t equals = str_find(line, '=');
    struct str key = str_trim(str_slice(line, 0, equals));
    if (!is_key_line(ini, line, key, equals < line.n))
        return false;
    if (ini->in_lint) {
        parse_lint(ini, key, str_trim(str_slice(line, equals + 1, line.n)));
        return true;
    }
    const struct setting *row = setting_find(key);
    if (!row) {
        vec_push(ini->a, &ini->unknown, key);
        return false;
    }
    const struct source_setting *before = find_setting(ini->s, row->key);
    if (before) {
        finding_add(ini->out, "duplicate-key", f, offset_in(ini, key),
                    "\"%s\" is there a second time; the first is line %u", row->key,
                    text_position(f, before->key.offset).line);
        return false;
    }
    struct str value = str_trim(str_slice(line, equals + 1, line.n));
    struct source_setting setting = {.key = {row->key, (uint32_t)offset_in(ini, key)}};
    setting.value.offset = (uint32_t)(value.n ? offset_in(ini, value) : offset_in(ini, line) + equals);
    vec_push(ini->a, &ini->s->settings, setting);
    return true;
}

static void scan_lines(struct ini *ini)
{
    for (uint32_t n = 1; n <= ini->s->ini.n_lines; n++) {
        struct str line = str_trim(text_line(&ini->s->ini, n));
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (line.p[0] == '[')
            parse_group(ini, line);
        else if (!parse_key(ini, line))
            leave_out(ini, line);
    }
}

/* ------------------------------------------------------------------------------------------------------------- values */

static void read_values(struct ini *ini)
{
    const struct text_file *f = &ini->s->ini;
    for (size_t i = 0; i < ini->s->settings.n; i++) {
        struct source_setting *setting = &ini->s->settings.v[i];
        g_autofree char *text = g_key_file_get_value(ini->keys, "stream", setting->key.text, NULL);
        struct str value = str_trim(str_from(text));
        setting->value.text = arena_str(ini->a, value);
        /* The same bytes, where they stand in the file: findings point there. */
        struct str there = str_slice(f->bytes, setting->value.offset, setting->value.offset + value.n);
        if (str_eq(there, value))
            check_value(ini, setting_find(str_from(setting->key.text)), there);
        else
            finding_add(ini->out, "bad-line", f, setting->value.offset, "GLib reads another value here");
    }
}

static void check_kind(struct ini *ini)
{
    const struct source_stream *s = ini->s;
    for (size_t i = 0; i < s->settings.n; i++) {
        const struct setting *row = setting_find(str_from(s->settings.v[i].key.text));
        if (row->kinds & SETTING_FOR(s->kind))
            continue;
        struct finding *found = finding_add(ini->out, "wrong-kind", &s->ini, s->settings.v[i].key.offset,
                                            "\"%s\" is for %s", row->key, setting_kinds(row));
        err_hint(&found->err, "%s",
                 s->kind == STREAM_SINGLE ? "a fleet says kind = fleet" : "the kind of this stream is fleet");
    }
    for (size_t i = 0; i < n_settings; i++)
        if ((settings[i].flags & SETTING_REQUIRED) && (settings[i].kinds & SETTING_FOR(s->kind)) &&
            !find_setting(s, settings[i].key)) {
            struct finding *found = finding_at_line(ini->out, "missing-key", &s->ini, ini->group_line, "%s is missing",
                                                    settings[i].key);
            err_hint(&found->err, "%s = …: %s", settings[i].key, settings[i].help);
        }
}

static void parse(struct ini *ini)
{
    size_t before = ini->out->n_errors;
    const struct text_file *f = &ini->s->ini;
    scan_lines(ini);
    if (!ini->group_line) {
        if (ini->out->n_errors == before) {
            struct finding *found = finding_add(ini->out, "missing-group", f, 0, "there is no group [stream]");
            err_hint(&found->err, "the file begins with a line [stream]");
        }
        return;
    }
    ini->keys = g_key_file_new();
    if (g_key_file_load_from_data(ini->keys, ini->accepted, f->bytes.n, G_KEY_FILE_NONE, NULL)) {
        read_values(ini);
        check_kind(ini);
    } else {
        finding_add(ini->out, "bad-line", f, SIZE_MAX, "GLib does not take it for a key file");
    }
    g_key_file_free(ini->keys);
    for (size_t i = 0; i < ini->unknown.n; i++)
        refuse_unknown_key(ini, ini->unknown.v[i]);
}

void source_parse_ini(struct findings *out, struct arena *a, struct source_stream *s)
{
    struct ini ini = {.out = out, .a = a, .s = s};
    size_t first = out->list.n;
    s->dialects = DIALECTS_ALL;
    ini.accepted = arena_str(a, s->ini.bytes);
    parse(&ini);
    hide_lines(out, first);
}
