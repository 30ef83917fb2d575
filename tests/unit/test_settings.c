/* The table of settings, values, variables; and where a value comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/config.h"
#include "tool/help.h"

/* -------------------------------------------------------------------------------------------------------- table */

static void every_default_passes_its_own_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_settings; i++) {
        AUTO_ERR e = {0};
        int64_t number;
        assert_non_null(settings[i].key);
        assert_non_null(settings[i].help);
        assert_ptr_equal(setting_find(str_from(settings[i].key)), &settings[i]);
        if (settings[i].fallback && !setting_parse(&settings[i], str_from(settings[i].fallback), &number, &e))
            fail_msg("%s: %s", settings[i].key, e.message);
    }
    assert_null(setting_find(STR("nothing")));
    assert_ptr_equal(setting_nearest(STR("jbos"), SETTING_BOTH), &settings[SET_JOBS]);
    assert_ptr_equal(setting_nearest(STR("jbos"), SETTING_FLEET), &settings[SET_JOBS]);
    assert_null(setting_nearest(STR("jbos"), SETTING_SINGLE));
    assert_ptr_equal(setting_nearest(STR("ulr"), SETTING_SINGLE), &settings[SET_URL]);
    assert_null(setting_nearest(STR("entirely_different"), SETTING_BOTH));
}

static void accepted(enum setting_index index, const char *value, int64_t number)
{
    AUTO_ERR e = {0};
    int64_t got;
    if (!setting_parse(&settings[index], str_from(value), &got, &e))
        fail_msg("%s = %s: %s", settings[index].key, value, e.message);
    assert_int_equal(got, number);
}

static void refused(enum setting_index index, const char *value, const char *message, const char *hint)
{
    AUTO_ERR e = {0};
    int64_t number;
    if (setting_check_embedded(&settings[index], str_from(value), &number, &e))
        fail_msg("%s = %s: was accepted", settings[index].key, value);
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_string_equal(e.message, message);
    assert_string_equal(e.hint ? e.hint : "", hint);
}

static void values_become_numbers(void **state)
{
    (void)state;
    accepted(SET_JOBS, "16", 16);
    accepted(SET_LOCK_TIMEOUT, "5s", 5000);
    accepted(SET_LOCK_TIMEOUT, "0", 0);
    accepted(SET_ON_MISSING, "create", 2);
    accepted(SET_KIND, "fleet", STREAM_FLEET);
    accepted(SET_DIALECTS, "sqlite", DIALECT_BIT(DIALECT_SQLITE));
    accepted(SET_DIALECTS, "sqlite , postgresql", DIALECT_BIT(DIALECT_SQLITE) | DIALECT_BIT(DIALECT_POSTGRESQL));
    accepted(SET_MULTIPLE_HEADS, "yes", 1);
    accepted(SET_MULTIPLE_HEADS, "off", 0);
    accepted(SET_ON_AHEAD, "allow", 1);
    accepted(SET_TENANT_URL_MODE, "template", TENANT_URL_TEMPLATE);
    accepted(SET_NO_TENANTS, "ok", NO_TENANTS_OK);
    accepted(SET_TRANSACTION, "all", TRANSACTION_ALL);
    accepted(SET_TOLERATE, "2%", 0);
    accepted(SET_URL, "${ANY}", 0);
    accepted(SET_PASSWORD, "p@ss/w", 0);
}

static void every_wrong_value_is_refused_with_what_would_be_right(void **state)
{
    (void)state;
    refused(SET_JOBS, "many", "jobs: \"many\" is no number that is accepted here", "from 1 to 1024");
    refused(SET_JOBS, "0", "jobs: \"0\" is no number that is accepted here", "from 1 to 1024");
    refused(SET_JOBS, "1025", "jobs: \"1025\" is no number that is accepted here", "from 1 to 1024");
    refused(SET_JOBS, "-1", "jobs: \"-1\" is no number that is accepted here", "from 1 to 1024");
    refused(SET_LOCK_TIMEOUT, "5", "lock_timeout: \"5\" is no duration",
            "a number with its unit: 250ms, 5s, 10min, 2h, 1d; or 0");
    refused(SET_ON_MISSING, "make", "on_missing: \"make\" is no choice", "one of fail, skip, create");
    refused(SET_DIALECTS, "mysql", "dialects: \"mysql\" is no list that is accepted here",
            "some of, each once, separated by commas: postgresql, sqlite");
    refused(SET_DIALECTS, "sqlite, sqlite", "dialects: \"sqlite, sqlite\" is no list that is accepted here",
            "some of, each once, separated by commas: postgresql, sqlite");
    refused(SET_MULTIPLE_HEADS, "maybe", "multiple_heads: \"maybe\" is no truth value", "true or false");
    refused(SET_VERSION_TABLE, "", "version_table: \"\" is no name (1 to 63 bytes, no control characters)", "");
    refused(SET_VERSION_TABLE, "a\nb", "version_table: \"a\nb\" is no name (1 to 63 bytes, no control characters)", "");
    refused(SET_TOLERATE, "101%", "tolerate: \"101%\" is no number or percentage", "5, or 2%");
    refused(SET_URL, "", "url: the address is empty", "");
    refused(SET_ACTOR, "\xff", "actor: the value is not valid UTF-8 text", "");
    refused(SET_JOBS, "${JOBS}", "jobs: \"${JOBS}\" is no value that is accepted here", "${…} cannot be used in jobs");
    refused(SET_PASSWORD, "hunter2", "password: a literal password has no place in a file that is committed",
            "use ${VAR}: password = ${DATABASE_PASSWORD}");
    refused(SET_PASSWORD, "${A}x", "password: a literal password has no place in a file that is committed",
            "use ${VAR}: password = ${DATABASE_PASSWORD}");
}

static void a_variable_is_made_of_program_stream_and_key(void **state)
{
    BUF_AUTO name = {0};
    (void)state;
    setting_variable(&name, "profile-migrate", "eu-tenant", "lock_timeout");
    assert_string_equal(name.p, "PROFILE_MIGRATE_EU_TENANT_LOCK_TIMEOUT");
}

static bool collide(const char *a, const char *b, struct err *e)
{
    ARENA_AUTO arena = {0};
    struct strings streams = {0};
    vec_push(&arena, &streams, a);
    vec_push(&arena, &streams, b);
    return !settings_check_streams("profile-migrate", &streams, e);
}

static void streams_whose_variables_meet_are_refused(void **state)
{
    AUTO_ERR e = {0};
    (void)state;
    assert_false(collide("shared", "tenant", &e));
    assert_true(collide("a-b", "a_b", &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_string_equal(e.message,
                        "PROFILE_MIGRATE_A_B_KIND would stand for \"kind\" of stream \"a-b\" and for \"kind\" "
                        "of stream \"a_b\"");
    /* a_tenant's password from a file, and a's tenant_password_file. */
    assert_true(collide("a", "a_tenant", &e));
    assert_non_null(strstr(e.message, "A_TENANT_"));
}

static void the_page_of_settings_names_every_key(void **state)
{
    BUF_AUTO page = {0};
    (void)state;
    help_configuration(&page, "profile-migrate");
    for (size_t i = 0; i < n_settings; i++) {
        BUF_AUTO heading = {0};
        buf_addf(&heading, "\n### `%s`\n", settings[i].key);
        assert_non_null(strstr(page.p, heading.p));
    }
    assert_non_null(strstr(page.p, "`PROFILE_MIGRATE_TENANT_JOBS`"));
}

/* --------------------------------------------------------------------------------------------------- resolution */

static const struct stream_setting shared_settings[] = {
    {"kind", "single", 2}, {"url", "postgresql://app:${APP_PASSWORD}@db/shared", 3}, {"lock_timeout", "7s", 4}};
static const struct stream_setting tenant_settings[] = {
    {"kind", "fleet", 2},
    {"registry", "shared", 3},
    {"tenant_url", "postgresql://${APP_USER}@{host}/t_{tenant_id}", 4}};
static const struct stream shared = {.name = "shared",
                                     .kind = STREAM_SINGLE,
                                     .settings = shared_settings,
                                     .n_settings = 3,
                                     .ini_path = "shared/env.ini"};
static const struct stream tenant = {
    .name = "tenant", .kind = STREAM_FLEET, .settings = tenant_settings, .n_settings = 3, .ini_path = "tenant/env.ini"};
static const struct stream *const streams[] = {&shared, &tenant};
static const struct catalogue catalogue = {.program = "unit-migrate", .n_streams = 2, .streams = streams};

static struct arena arena;
static char folder[] = "/tmp/migrate-unit.XXXXXX";

static int set_up(void **state)
{
    (void)state;
    clearenv();
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    BUF_AUTO command = {0};
    (void)state;
    arena_free(&arena);
    buf_addf(&command, "exec rm -rf '%s'", folder);
    return system(command.p);
}

static int forget_environment(void **state)
{
    (void)state;
    clearenv();
    return 0;
}

static const char *write_file(const char *name, const char *text, size_t n)
{
    const char *path = arena_printf(&arena, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void read_config(const struct stream *stream, struct config *c)
{
    AUTO_ERR e = {0};
    if (!config_read(&arena, &catalogue, stream, NULL, c, &e))
        fail_msg("%s", e.message);
}

static void config_refused(const struct stream *stream, const char *message)
{
    struct config c;
    AUTO_ERR e = {0};
    assert_false(config_read(&arena, &catalogue, stream, NULL, &c, &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_string_equal(e.message, message);
}

static void the_environment_beats_what_is_embedded_and_that_the_default(void **state)
{
    struct config c;
    (void)state;
    read_config(&shared, &c);
    assert_int_equal(config_number(&c, SET_LOCK_TIMEOUT), 7000);
    assert_string_equal(c.values[SET_LOCK_TIMEOUT].where, "shared/env.ini:4");
    assert_int_equal(config_number(&c, SET_GRACE), 20000);
    assert_string_equal(c.values[SET_GRACE].where, "default");
    assert_null(config_text(&c, SET_JOBS)); /* no setting of a single stream */
    assert_null(config_text(&c, SET_USER));
    setenv("UNIT_MIGRATE_SHARED_LOCK_TIMEOUT", "9s", 1);
    setenv("UNIT_MIGRATE_SHARED_GRACE", "", 1);
    setenv("UNIT_MIGRATE_SHARED_KIND", "fleet", 1); /* a fact of the build */
    read_config(&shared, &c);
    assert_int_equal(config_number(&c, SET_LOCK_TIMEOUT), 9000);
    assert_string_equal(c.values[SET_LOCK_TIMEOUT].where, "UNIT_MIGRATE_SHARED_LOCK_TIMEOUT");
    assert_int_equal(config_number(&c, SET_GRACE), 20000);
    assert_int_equal(config_number(&c, SET_KIND), STREAM_SINGLE);
}

static void a_wrong_value_names_where_it_came_from(void **state)
{
    (void)state;
    setenv("UNIT_MIGRATE_TENANT_JOBS", "many", 1);
    config_refused(&tenant, "UNIT_MIGRATE_TENANT_JOBS: jobs: \"many\" is no number that is accepted here");
}

static void a_variable_may_name_a_file(void **state)
{
    struct config c;
    (void)state;
    setenv("UNIT_MIGRATE_SHARED_ACTOR_FILE", write_file("actor", "deploy bot\n", 11), 1);
    read_config(&shared, &c);
    assert_string_equal(config_text(&c, SET_ACTOR), "deploy bot");
    assert_string_equal(c.values[SET_ACTOR].where, "UNIT_MIGRATE_SHARED_ACTOR_FILE");
    /* Links are followed: that is how secrets are mounted. One line end is cut, not two. */
    const char *path = arena_printf(&arena, "%s/link", folder);
    assert_int_equal(symlink(write_file("two", "x\r\n\r\n", 5), path), 0);
    setenv("UNIT_MIGRATE_SHARED_ACTOR_FILE", path, 1);
    read_config(&shared, &c);
    assert_string_equal(config_text(&c, SET_ACTOR), "x\r\n");
}

static void a_file_that_cannot_be_a_value_is_refused(void **state)
{
    char *large = mem_alloc(70000);
    (void)state;
    memset(large, 'x', 70000);
    setenv("UNIT_MIGRATE_SHARED_ACTOR_FILE", write_file("exact", large, 65536), 1);
    struct config c;
    read_config(&shared, &c);
    const char *path = write_file("large", large, 65538);
    free(large);
    setenv("UNIT_MIGRATE_SHARED_ACTOR_FILE", path, 1);
    config_refused(&shared,
                   arena_printf(&arena, "UNIT_MIGRATE_SHARED_ACTOR_FILE: \"%s\": holds more than 64 KiB", path));
    path = write_file("nul", "a\0b", 3);
    setenv("UNIT_MIGRATE_SHARED_ACTOR_FILE", path, 1);
    config_refused(&shared, arena_printf(&arena, "UNIT_MIGRATE_SHARED_ACTOR_FILE: \"%s\": holds a NUL byte", path));
    setenv("UNIT_MIGRATE_SHARED_ACTOR_FILE", "/no/such/file", 1);
    config_refused(&shared,
                   "UNIT_MIGRATE_SHARED_ACTOR_FILE: \"/no/such/file\": cannot be opened: No such file or directory");
    setenv("UNIT_MIGRATE_SHARED_ACTOR", "me", 1);
    config_refused(&shared, "UNIT_MIGRATE_SHARED_ACTOR and UNIT_MIGRATE_SHARED_ACTOR_FILE are both set");
}

static void variables_that_mean_nothing_are_named(void **state)
{
    (void)state;
    setenv("UNIT_MIGRATE_SHARED_LOCK_TIMEOUT", "1s", 1);
    setenv("UNIT_MIGRATE_SHARED_LOCK_TIMEOUT_FILE", "x", 1);
    setenv("UNIT_MIGRATE_SHARED_JOBS", "1", 1);
    setenv("UNIT_MIGRATE_TENANT_LOK_TIMEOUT", "1s", 1);
    setenv("UNIT_MIGRATION", "1", 1);
    setenv("UNIT_MIGRATE_SHARDS", "8", 1);
    struct strings unknown = config_unknown_variables(&arena, &catalogue);
    assert_int_equal(unknown.n, 2);
    assert_string_equal(unknown.v[0], "UNIT_MIGRATE_SHARED_JOBS is no setting of this executable and is ignored");
    assert_string_equal(unknown.v[1],
                        "UNIT_MIGRATE_TENANT_LOK_TIMEOUT is no setting of this executable and is ignored");
}

/* ---------------------------------------------------------------------------------------------------- addresses */

static void references_are_expanded_when_an_address_is_asked_for(void **state)
{
    struct config c;
    struct address d = {0};
    AUTO_ERR e = {0};
    (void)state;
    read_config(&shared, &c);
    assert_false(config_address(&c, &arena, &d, &e));
    assert_string_equal(e.message, "stream \"shared\": APP_PASSWORD is not set, and url (shared/env.ini:3) needs it");
    assert_string_equal(e.hint, "set APP_PASSWORD or APP_PASSWORD_FILE");
    setenv("APP_PASSWORD_FILE", write_file("password", "p@ss/w%41\n", 10), 1);
    d = (struct address){0};
    assert_true(config_address(&c, &arena, &d, &e));
    assert_string_equal(address_get(&d, "password"), "p@ss/w%41");
    assert_string_equal(address_get(&d, "user"), "app");
    assert_string_equal(address_get(&d, "host"), "db");
}

static void an_address_may_be_overridden_in_part(void **state)
{
    struct config c;
    struct address d = {0};
    AUTO_ERR e = {0};
    (void)state;
    setenv("APP_PASSWORD", "unused", 1);
    setenv("OWNER", "the owner", 1);
    setenv("UNIT_MIGRATE_SHARED_USER", "${OWNER}", 1);
    setenv("UNIT_MIGRATE_SHARED_PASSWORD", "other$word", 1);
    setenv("UNIT_MIGRATE_SHARED_HOST", "direct.example:6543", 1);
    read_config(&shared, &c);
    assert_true(config_address(&c, &arena, &d, &e));
    assert_string_equal(address_get(&d, "user"), "the owner");
    assert_string_equal(address_get(&d, "password"), "other$word");
    assert_string_equal(address_get(&d, "host"), "direct.example");
    assert_string_equal(address_get(&d, "port"), "6543");
    setenv("UNIT_MIGRATE_SHARED_HOST", "[::1]:5433", 1);
    read_config(&shared, &c);
    d = (struct address){0};
    assert_true(config_address(&c, &arena, &d, &e));
    assert_string_equal(address_get(&d, "host"), "::1");
    assert_string_equal(address_get(&d, "port"), "5433");
    setenv("UNIT_MIGRATE_SHARED_HOST", "fe80::1", 1);
    read_config(&shared, &c);
    d = (struct address){0};
    assert_true(config_address(&c, &arena, &d, &e));
    assert_string_equal(address_get(&d, "host"), "fe80::1");
}

static bool tenant_address(const char *id, const char *host, const char *url, struct address *d, struct err *e)
{
    struct config c;
    static const char *names[] = {"tenant_id", "database_url", "host"};
    const char *values[] = {id, url, host};
    struct strings columns = {.v = names, .n = 3};
    struct config_row row = {.tenant = id, .url = url, .columns = &columns, .values = values};
    *d = (struct address){0};
    read_config(&tenant, &c);
    return config_tenant_address(&c, &arena, &row, d, e);
}

static void a_tenants_address_comes_from_its_row_or_the_template(void **state)
{
    struct address d;
    AUTO_ERR e = {0};
    (void)state;
    setenv("APP_USER", "app", 1);
    assert_true(tenant_address("acme", "eu-1", NULL, &d, &e));
    assert_string_equal(address_get(&d, "host"), "eu-1");
    assert_string_equal(address_get(&d, "dbname"), "t_acme");
    assert_true(tenant_address("acme", "eu-1", "postgresql://u@elsewhere/own", &d, &e));
    assert_string_equal(address_get(&d, "dbname"), "own");
    setenv("UNIT_MIGRATE_TENANT_TENANT_URL_MODE", "template", 1);
    assert_true(tenant_address("acme", "eu-1", "postgresql://u@elsewhere/own", &d, &e));
    assert_string_equal(address_get(&d, "dbname"), "t_acme");
}

static void a_tenant_without_an_address_fails_alone(void **state)
{
    struct address d;
    AUTO_ERR e = {0};
    (void)state;
    assert_false(tenant_address("acme", "eu-1", NULL, &d, &e));
    assert_int_equal(e.fault, FAULT_NO_ADDRESS);
    assert_string_equal(e.message, "no address: APP_USER is not set, and tenant_url (tenant/env.ini:4) needs it");
    setenv("APP_USER", "app", 1);
    assert_false(tenant_address("acme", NULL, NULL, &d, &e));
    assert_int_equal(e.fault, FAULT_NO_ADDRESS);
    assert_string_equal(e.message, "no address: its column \"host\" is null");
    assert_false(tenant_address("acme", "eu-1", "mysql://db/x", &d, &e));
    assert_int_equal(e.fault, FAULT_NO_ADDRESS);
    assert_true(strncmp(e.message, "database_url: ", 14) == 0);
}

static void a_tenants_password_may_lie_in_a_file(void **state)
{
    struct address d;
    AUTO_ERR e = {0};
    (void)state;
    setenv("APP_USER", "app", 1);
    setenv("UNIT_MIGRATE_TENANT_TENANT_PASSWORD_FILE", arena_printf(&arena, "%s/{tenant_id}", folder), 1);
    write_file("acme", "s3cret\n", 7);
    assert_true(tenant_address("acme", "eu-1", "postgresql://u:other@db/x", &d, &e));
    assert_string_equal(address_get(&d, "password"), "s3cret");
    assert_false(tenant_address("globex", "eu-1", NULL, &d, &e));
    assert_int_equal(e.fault, FAULT_NO_ADDRESS);
    assert_string_equal(e.message,
                        arena_printf(&arena,
                                     "tenant_password_file: \"%s/globex\": cannot be opened: No such file or "
                                     "directory",
                                     folder));
    /* An id never climbs out of its folder. */
    static const char *const hostile[] = {"../acme", "..", ".", "a/b"};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        assert_false(tenant_address(hostile[i], "eu-1", "postgresql://u@db/x", &d, &e));
        assert_string_equal(e.message, "tenant_password_file: the tenant's tenant_id is no file name");
    }
}

static void secrets_are_never_shown(void **state)
{
    struct config c;
    BUF_AUTO url = {0}, password = {0}, broken = {0}, reference = {0};
    (void)state;
    setenv("UNIT_MIGRATE_SHARED_URL", "postgresql://app:Sesame77@db/shared", 1);
    setenv("UNIT_MIGRATE_SHARED_PASSWORD", "Sesame77", 1);
    read_config(&shared, &c);
    config_show(&url, &c, SET_URL);
    config_show(&password, &c, SET_PASSWORD);
    assert_string_equal(url.p, "postgresql://app:***@db/shared");
    assert_string_equal(password.p, "***");
    setenv("UNIT_MIGRATE_SHARED_URL", "Sesame77 and nothing that is an address", 1);
    read_config(&shared, &c);
    config_show(&broken, &c, SET_URL);
    assert_null(strstr(broken.p, "Sesame"));
    unsetenv("UNIT_MIGRATE_SHARED_URL");
    read_config(&shared, &c);
    config_show(&reference, &c, SET_URL);
    assert_null(strstr(reference.p, "Sesame"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_passes_its_own_check),
        cmocka_unit_test(values_become_numbers),
        cmocka_unit_test(every_wrong_value_is_refused_with_what_would_be_right),
        cmocka_unit_test(a_variable_is_made_of_program_stream_and_key),
        cmocka_unit_test(streams_whose_variables_meet_are_refused),
        cmocka_unit_test(the_page_of_settings_names_every_key),
        cmocka_unit_test_setup(the_environment_beats_what_is_embedded_and_that_the_default, forget_environment),
        cmocka_unit_test_setup(a_wrong_value_names_where_it_came_from, forget_environment),
        cmocka_unit_test_setup(a_variable_may_name_a_file, forget_environment),
        cmocka_unit_test_setup(a_file_that_cannot_be_a_value_is_refused, forget_environment),
        cmocka_unit_test_setup(variables_that_mean_nothing_are_named, forget_environment),
        cmocka_unit_test_setup(references_are_expanded_when_an_address_is_asked_for, forget_environment),
        cmocka_unit_test_setup(an_address_may_be_overridden_in_part, forget_environment),
        cmocka_unit_test_setup(a_tenants_address_comes_from_its_row_or_the_template, forget_environment),
        cmocka_unit_test_setup(a_tenant_without_an_address_fails_alone, forget_environment),
        cmocka_unit_test_setup(a_tenants_password_may_lie_in_a_file, forget_environment),
        cmocka_unit_test_setup(secrets_are_never_shown, forget_environment),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
