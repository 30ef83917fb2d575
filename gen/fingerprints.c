/*
 * Fingerprints at build time: whether each one belongs to the revisions beside it. That is asked of texts alone, so a build
 * needs no database to refuse a stale one; making it anew is `migrate-gen STREAM fingerprint`'s work (fingerprint.c).
 */
#include <string.h>

#include "gen/fingerprint.h"
#include "gen/lint/rules.h"
#include "gen/source.h"

const char *fingerprint_path(struct arena *a, const char *stream, enum dialect dialect)
{
    return arena_printf(a, "%s/fingerprint.%s", stream, dialect_words[dialect]);
}

static void take_list(struct arena *a, const struct source_stream *stream, const char *key, struct strings *out)
{
    struct str word;
    for (size_t i = 0; i < stream->settings.n; i++) {
        if (strcmp(stream->settings.v[i].key.text, key) != 0)
            continue;
        for (struct str rest = str_from(stream->settings.v[i].value.text); str_next(&rest, ',', &word);)
            if (str_trim(word).n)
                vec_push(a, out, arena_str(a, str_trim(word)));
    }
}

void fingerprint_settings(struct arena *a, const struct source_stream *stream, struct policy *policy,
                          struct strings *ignored)
{
    *policy = (struct policy){0};
    *ignored = (struct strings){0};
    take_list(a, stream, "autogenerate_grants", &policy->grant_roles);
    take_list(a, stream, "autogenerate_ignore", ignored);
    if (strings_has(&policy->grant_roles, "*"))
        policy->grant_roles = (struct strings){0};
    policy->grants = policy->grant_roles.n > 0;
}

/* Typed as it stands, it mends what was found. */
static void hint_command(const struct source *s, const struct source_stream *stream, struct finding *found)
{
    bool usual = strcmp(s->folder, "migrations") == 0;
    err_hint(&found->err, "`%s %s%s%s%s fingerprint` writes it anew; its diff shows what the revisions change",
             source_tool(s), usual ? "" : "--migrations ", usual ? "" : s->folder, usual ? "" : " ", stream->name);
}

static void refuse_flaw(struct source *s, const struct source_stream *stream, const struct text_file *f,
                        const struct fingerprint_flaw *flaw)
{
    const char *rule = flaw->other_version ? "stale-fingerprint" : "bad-fingerprint";
    hint_command(s, stream, finding_at_line(&s->findings, rule, f, flaw->line ? flaw->line : 1, "%s", flaw->text));
}

/* Where the line of a key begins; what was parsed has it. */
static size_t offset_of(const struct text_file *f, const char *key)
{
    struct str line;
    for (struct str rest = f->bytes; str_next(&rest, '\n', &line);)
        if (str_starts(line, str_from(key)))
            return (size_t)(line.p - f->bytes.p);
    return SIZE_MAX;
}

static void refuse_other_heads(struct source *s, const struct source_stream *stream, const struct text_file *f,
                               const struct strings *wrong, const struct strings *heads)
{
    BUF_AUTO theirs = {0};
    BUF_AUTO ours = {0};
    strings_join(&theirs, wrong, ", ");
    strings_join(&ours, heads, ", ");
    hint_command(s, stream,
                 finding_add(&s->findings, "stale-fingerprint", f, offset_of(f, "heads:"),
                             "the fingerprint was made at %s, and the stream \"%s\" is at %s",
                             theirs.n ? theirs.p : "<base>", stream->name, ours.n ? ours.p : "<base>"));
}

static void check_made_from(struct source *s, const struct source_stream *stream, const struct text_file *f,
                            const struct fingerprint *made)
{
    char revisions[SHA256_HEX];
    struct strings heads = {0};
    fingerprint_revisions(s->arena, stream->linked, made->dialect, revisions, &heads);
    if (!strings_equal(&heads, &made->heads))
        refuse_other_heads(s, stream, f, &made->heads, &heads);
    else if (strcmp(revisions, made->revisions) != 0)
        hint_command(s, stream,
                     finding_add(&s->findings, "stale-fingerprint", f, offset_of(f, "revisions:"),
                                 "the fingerprint was made from other revisions: the text or the place of one of "
                                 "them has changed since"));
}

static void check_settings(struct source *s, const struct source_stream *stream, const struct text_file *f,
                           const struct fingerprint *made)
{
    struct policy policy;
    struct strings ignored;
    fingerprint_settings(s->arena, stream, &policy, &ignored);
    if (!strings_equal(&policy.grant_roles, &made->policy.grant_roles))
        hint_command(s, stream,
                     finding_add(&s->findings, "stale-fingerprint", f, offset_of(f, "grants:"),
                                 "the fingerprint counts other grants than autogenerate_grants says"));
    if (!strings_equal(&ignored, &made->ignored))
        hint_command(s, stream,
                     finding_add(&s->findings, "stale-fingerprint", f, offset_of(f, "ignores:"),
                                 "the fingerprint ignores other relations than autogenerate_ignore says"));
}

static void check_one(struct source *s, const struct source_stream *stream, enum dialect dialect)
{
    const struct text_file *f = &stream->fingerprints[dialect];
    struct fingerprint made;
    struct fingerprint_flaw flaw;
    if (!fingerprint_parse(s->arena, f->bytes, &made, &flaw))
        refuse_flaw(s, stream, f, &flaw);
    else if (made.dialect != dialect)
        hint_command(s, stream,
                     finding_add(&s->findings, "bad-fingerprint", f, offset_of(f, "dialect:"),
                                 "the fingerprint is of another dialect than its name says"));
    else {
        check_made_from(s, stream, f, &made);
        check_settings(s, stream, f, &made);
    }
}

/* A dialect that the stream had once. */
static void leave_out(struct source *s, struct source_stream *stream, enum dialect dialect)
{
    enum severity severity = lint_severity_of(stream, "unused-fingerprint");
    if (severity != SEVERITY_OFF) {
        struct finding *found = finding_add(&s->findings, "unused-fingerprint", &stream->fingerprints[dialect],
                                            SIZE_MAX, "not embedded: the stream \"%s\" is not written for %s",
                                            stream->name, dialect_words[dialect]);
        err_hint(&found->err, "remove the file, or name the dialect in %s", stream->ini.shown);
        finding_severity(&s->findings, found, severity);
    }
    stream->fingerprints[dialect] = (struct text_file){0};
}

void check_fingerprints(struct source *s)
{
    for (size_t i = 0; i < s->streams.n; i++) {
        struct source_stream *stream = s->streams.v[i];
        for (int d = 0; d < DIALECT_COUNT && stream->linked; d++) {
            if (!stream->fingerprints[d].path)
                continue;
            if (stream->dialects & DIALECT_BIT(d))
                check_one(s, stream, (enum dialect)d);
            else
                leave_out(s, stream, (enum dialect)d);
        }
    }
}
