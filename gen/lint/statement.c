/* One statement under the rules: what rules say is kept as hits of the section; texts for the safe form are cut here. */
#include "gen/lint/statement.h"

#include <assert.h>
#include <string.h>

#include "gen/statements.h"
#include "schema/tokens.h"

static const struct lint_group *const groups[GROUP_COUNT] = {
    [GROUP_LOCKS] = &lint_locks, [GROUP_CHANGES] = &lint_changes};

/* ---- findings ---- */

static const char *format_text(struct arena *a, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));

static const char *format_text(struct arena *a, const char *format, va_list ap)
{
    BUF_AUTO text = {0};
    buf_vaddf(&text, format, ap);
    return arena_str(a, buf_str(&text));
}

void lint_found(struct lint_statement *s, const char *rule, size_t at, const char *format, ...)
{
    struct lint_section *section = s->section;
    const struct lint_rule *row = lint_rule_find(str_from(rule));
    va_list ap;
    assert(row);
    va_start(ap, format);
    struct lint_hit hit = {.rule = row,
                           .statement = s->index,
                           .offset = s->offset + (s->fixed ? 0 : at),
                           .message = format_text(section->run, format, ap)};
    va_end(ap);
    vec_push(section->arena, &section->hits, hit);
}

void lint_why(struct lint_statement *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    s->section->hits.v[s->section->hits.n - 1].why = format_text(s->section->run, format, ap);
    va_end(ap);
}

void lint_safe(struct lint_statement *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    s->section->hits.v[s->section->hits.n - 1].safe = format_text(s->section->run, format, ap);
    va_end(ap);
}

struct lint_statement lint_earlier(struct lint_section *section, uint32_t statement)
{
    const struct revision_statement *st = &section->section->statements[statement];
    return (struct lint_statement){
        .section = section,
        .index = statement,
        .offset = st->offset,
        .text = str_slice(section->revision->file.bytes, st->offset, (size_t)st->offset + st->length),
        .kind = st->kind,
    };
}

/* ---- texts ---- */

const char *lint_text(const struct lint_statement *s, size_t from, size_t to)
{
    return arena_str(s->section->arena, str_slice(s->text, from, to));
}

const char *lint_insert_after(const struct lint_statement *s, const char *after, const char *insert)
{
    return statement_insert_after(s->section->arena, s->text, after, insert);
}

const char *lint_without_if_not_exists(const struct lint_statement *s)
{
    struct lexer l = {.text = s->text, .dialect = DIALECT_POSTGRESQL};
    struct token before[2] = {0}, t;
    for (; token_next(&l, &t); before[0] = before[1], before[1] = t) {
        size_t end = t.offset + t.length;
        if (token_is_word(s->text, &t, "EXISTS") && token_is_word(s->text, &before[1], "NOT") &&
            token_is_word(s->text, &before[0], "IF"))
            return arena_printf(s->section->arena, "%.*s%.*s", STR_ARG(str_slice(s->text, 0, before[0].offset)),
                                STR_ARG(str_trim(str_slice(s->text, end, s->text.n))));
    }
    return arena_str(s->section->arena, s->text);
}

/* ---- asking ---- */

bool lint_in_use(const struct lint_statement *s, const json_t *range_var)
{
    const char *name = chain_name_of(s->section->arena, range_var);
    return !strings_has(&s->section->made, name);
}

bool lint_in_transaction(const struct lint_statement *s)
{
    return !(s->section->section->flags & SECTION_NO_TRANSACTION);
}

/* ---- the rules over it ---- */

static void run_handlers(struct lint_statement *s, const struct lint_group *group)
{
    for (size_t i = 0; s->node && i < group->n_handlers; i++)
        if (strcmp(group->handlers[i].node, s->node_name) == 0)
            group->handlers[i].check(s);
    if (group->every)
        group->every(s);
}

void lint_statement_run(struct lint_statement *s)
{
    struct chain *chain = s->section->chain;
    json_t *tree = s->tree;
    void *only = json_object_iter(tree);
    s->node_name = only ? json_object_iter_key(only) : "";
    s->node = only ? json_object_iter_value(only) : NULL;
    for (size_t i = 0; i < GROUP_COUNT; i++)
        run_handlers(s, groups[i]);
    lint_bodies(s);
    if (!tree || s->nest == NEST_ROUTINE)
        return;
    chain_made(tree, &s->section->made, s->section->arena);
    if (s->section->section->direction == DIRECTION_UP)
        chain_apply(chain, tree);
}

void lint_section_end(struct lint_section *section)
{
    for (size_t i = 0; i < GROUP_COUNT; i++)
        if (groups[i]->end)
            groups[i]->end(section);
}
