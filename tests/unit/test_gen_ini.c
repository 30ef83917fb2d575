/* env.ini: what it says, and that no password gets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "gen/source.h"

struct parsed {
    struct arena arena;
    struct findings findings;
    struct source_stream stream;
};

static struct parsed *parse(const char *text)
{
    struct parsed *p = mem_alloc(sizeof *p);
    p->findings.arena = &p->arena;
    p->stream.name = "s";
    char *bytes = arena_strdup(&p->arena, text);
    assert_true(text_take(&p->findings, "s/env.ini", "s/env.ini", bytes, strlen(bytes), &p->stream.ini));
    source_parse_ini(&p->findings, &p->arena, &p->stream);
    return p;
}

static void done(struct parsed *p)
{
    findings_free(&p->findings);
    arena_free(&p->arena);
    free(p);
}

static void values_are_kept_as_written(void **state)
{
    (void)state;
    struct parsed *p = parse(
        "# comment\n\n[stream]\n  kind=fleet  \nregistry = shared\ndialects = sqlite , postgresql\n"
        "multiple_heads = yes\n"
        "tenants_query = SELECT tenant_id, 'a\\nb;#' AS x FROM \"t\" WHERE note <> '=' -- all\n"
        "tenant_url = sqlite:///${FOLDER}/{tenant_id}.db\n");
    assert_int_equal(p->findings.list.n, 0);
    assert_int_equal(p->stream.kind, STREAM_FLEET);
    assert_string_equal(p->stream.registry, "shared");
    assert_int_equal(p->stream.dialects, DIALECTS_ALL);
    assert_true(p->stream.multiple_heads);
    assert_int_equal(p->stream.settings.n, 6);
    assert_string_equal(p->stream.settings.v[0].key.text, "kind");
    assert_string_equal(p->stream.settings.v[0].value.text, "fleet");
    assert_string_equal(p->stream.settings.v[4].value.text,
                        "SELECT tenant_id, 'a\\nb;#' AS x FROM \"t\" WHERE note <> '=' -- all");
    struct position at = text_position(&p->stream.ini, p->stream.settings.v[1].value.offset);
    assert_int_equal(at.line, 5);
    assert_int_equal(at.column, 12);
    done(p);
}

static void a_stream_that_says_nothing_is_single_and_has_every_dialect(void **state)
{
    (void)state;
    struct parsed *p = parse("[stream]");
    assert_int_equal(p->findings.list.n, 0);
    assert_int_equal(p->stream.kind, STREAM_SINGLE);
    assert_int_equal(p->stream.dialects, DIALECTS_ALL);
    assert_null(p->stream.registry);
    assert_false(p->stream.multiple_heads);
    done(p);
}

/* The rule of the only finding, "" when there is none. */
static void expect_rule(const char *key, const char *value, const char *rule)
{
    BUF_AUTO text = {0};
    bool fleet = strncmp(key, "tenant", 6) == 0;
    buf_addf(&text, "[stream]\n%s%s = %s\n", fleet ? "kind = fleet\nregistry = r\n" : "", key, value);
    struct parsed *p = parse(text.p);
    const char *got = p->findings.list.n ? p->findings.list.v[0].rule : "";
    if (strcmp(got, rule) != 0 || p->findings.list.n > 1)
        fail_msg("%s = %s gives \"%s\" and not \"%s\"", key, value, got, rule);
    BUF_AUTO shown = {0};
    findings_format(&shown, &p->findings);
    assert_null(shown.p ? strstr(shown.p, "hunter2") : NULL);
    done(p);
}

static void literal_passwords_are_refused_and_never_shown(void **state)
{
    (void)state;
    static const char *const literal[] = {
        "postgresql://app:hunter2@db/x",
        "postgresql+asyncpg://app:hunter2@db:5432/x",
        "postgres://app:hunter2@@db/x",
        "postgresql://app:hunter2/y@db/x",
        "postgresql://app:12345/hunter2@db/x",
        "postgresql://app:hunter2?y@db/x",
        "postgresql://:hunter2@/x",
        "postgresql://${USER}:hunter2@db/x",
        "postgresql://${U}:${P}hunter2@db/x",
        "postgresql://app:hunter2${P}@db/x",
        "postgresql://db/x?password=hunter2",
        "postgresql://db/x?user=a&PASSWORD=hunter2",
        "host=db password=hunter2",
        "host=db password = 'hunter2'",
        "host=db sslpassword=hunter2",
        "postgresql://app:${P}@db/x?sslpassword=hunter2",
    };
    for (size_t i = 0; i < sizeof literal / sizeof *literal; i++) {
        expect_rule("url", literal[i], "literal-password");
        expect_rule("tenant_url", literal[i], "literal-password");
    }
    expect_rule("url", "postgresql://app:{hunter2}@db/x", "literal-password");
    expect_rule("url", "postgresql://app:{hunter2@db/x", "literal-password");
    expect_rule("url", "postgresql://{app:hunter2@db/x", "literal-password");
    expect_rule("password", "hunter2", "literal-password");
    expect_rule("password", "${P}hunter2", "literal-password");
}

static void addresses_without_a_literal_password_pass(void **state)
{
    (void)state;
    static const char *const clean[] = {
        "${DATABASE_URL}",
        "postgresql://db/x",
        "postgresql://db:5432/x",
        "postgresql://app@db:5432/x",
        "postgresql://app:@db/x",
        "postgresql://app:${P}@db:5432/x",
        "postgresql://${U}:${P}@db",
        "postgresql://${U}:${P}@${H}:5432/x?application_name=a@b",
        "postgresql://db:5432/x?options=a@b",
        "sqlite:///shared.db",
        "sqlite:////var/lib/a@b:c/shared.db",
        "host=db dbname=x",
        "host=db password=${P}",
        "host=db password='${P}'",
        "postgresql://[::1]:5432/x",
        "postgresql://[::1]/x?o=a@b",
        "postgresql://app@[::1]/x",
        "postgresql:///x?host=/run/postgresql",
    };
    for (size_t i = 0; i < sizeof clean / sizeof *clean; i++)
        expect_rule("url", clean[i], "");
    expect_rule("tenant_url", "postgresql://app:${P}@{host}:5432/{database}", "");
    expect_rule("tenant_url", "postgresql://app:{password}@db/x", "");
    expect_rule("password", "${P}", "");
}

static void references_have_a_form(void **state)
{
    (void)state;
    expect_rule("host", "${A_1}", "");
    expect_rule("host", "$HOME $ {x}", "");
    expect_rule("host", "${A-B}", "bad-reference");
    expect_rule("host", "${A", "bad-reference");
    expect_rule("host", "${}", "bad-reference");
    expect_rule("host", "${1A}", "bad-reference");
    expect_rule("tenant_url", "sqlite:///{}", "bad-reference");
    expect_rule("tenant_url", "sqlite:///a}", "bad-reference");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_kept_as_written),
        cmocka_unit_test(a_stream_that_says_nothing_is_single_and_has_every_dialect),
        cmocka_unit_test(literal_passwords_are_refused_and_never_shown),
        cmocka_unit_test(addresses_without_a_literal_password_pass),
        cmocka_unit_test(references_have_a_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
