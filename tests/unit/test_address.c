/* Addresses: every form, every reference, and passwords that mean to be seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "db/address.h"

/* ---- helpers ---- */

static struct arena arena;
static struct address address;
static struct err error;

static int set_up(void **state)
{
    (void)state;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    err_free(&error);
    arena_free(&arena);
    return 0;
}

/* References: NAME=VALUE pairs; a column's name is written in braces. */
static bool look_up(void *context, bool column, struct str name, const char **value, struct err *e)
{
    for (const char *const *pair = context; *pair; pair += 2) {
        struct str key = str_from(pair[0]);
        bool is_column = pair[0][0] == '{';
        if (is_column)
            key = str_slice(key, 1, key.n - 1);
        if (is_column == column && str_eq(key, name)) {
            *value = pair[1];
            return true;
        }
    }
    return err_set(e, FAULT_CONFIG, "%s \"%.*s\" has no value", column ? "column" : "variable", STR_ARG(name));
}

static bool parse_with(const char *text, const char *const *values)
{
    struct address_source source = {look_up, (void *)(uintptr_t)values};
    err_free(&error);
    return address_parse(&arena, str_from(text), values ? &source : NULL, &address, &error);
}

static void parse(const char *text)
{
    if (!parse_with(text, NULL))
        fail_msg("%s: %s", text, error.message);
}

static void expand(const char *text, const char *const *values)
{
    if (!parse_with(text, values))
        fail_msg("%s: %s", text, error.message);
}

/* "host=h port=1 …", in alphabetical order, so that a test reads at a glance. */
static char *keywords(void)
{
    static char out[4096];
    struct strings list = {0};
    BUF_AUTO b = {0};
    for (size_t i = 0; i < address.n_keywords; i++)
        vec_push(&arena, &list, arena_printf(&arena, "%s=%s", address.keywords[i].key, address.keywords[i].value));
    strings_sort(&list);
    strings_join(&b, &list, " ");
    snprintf(out, sizeof out, "%s", b.p ? b.p : "");
    return out;
}

static void is_postgresql(const char *text, const char *expected)
{
    parse(text);
    assert_int_equal(address.dialect, DIALECT_POSTGRESQL);
    assert_string_equal(keywords(), expected);
}

static void is_sqlite(const char *text, const char *path)
{
    parse(text);
    assert_int_equal(address.dialect, DIALECT_SQLITE);
    assert_string_equal(address.path, path);
    assert_int_equal(address.n_keywords, 0);
}

static void shows(const char *text)
{
    static char out[4096];
    BUF_AUTO b = {0};
    address_show(&b, &address);
    snprintf(out, sizeof out, "%s", b.p);
    assert_string_equal(out, text);
}

static void is_refused(const char *text, const char *const *values, const char *message)
{
    if (parse_with(text, values))
        fail_msg("%s was accepted", text);
    assert_string_equal(error.message, message);
    assert_int_equal(error.fault, FAULT_CONFIG);
}

static void notes(const char *text)
{
    BUF_AUTO b = {0};
    strings_join(&b, &address.notes, "; ");
    assert_string_equal(b.p ? b.p : "", text);
}

/* ---- PostgreSQL ---- */

static void drivers_are_dropped(void **state)
{
    (void)state;
    static const char *const schemes[] = {"postgresql",         "postgresql+psycopg2", "postgresql+asyncpg",
                                          "postgresql+psycopg", "postgresql+pg8000",   "postgres",
                                          "postgres+asyncpg",   "PostgreSQL"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        BUF_AUTO url = {0};
        buf_addf(&url, "%s://u:p@h/d", schemes[i]);
        is_postgresql(url.p, "dbname=d host=h password=p user=u");
    }
}

static void parts_of_a_url(void **state)
{
    (void)state;
    is_postgresql("postgresql://", "");
    is_postgresql("postgresql:///d", "dbname=d");
    is_postgresql("postgresql://h", "host=h");
    is_postgresql("postgresql://h:5433", "host=h port=5433");
    is_postgresql("postgresql://u@h:5433/d", "dbname=d host=h port=5433 user=u");
    is_postgresql("postgresql://u:p@h:5433/d?sslmode=require",
                  "dbname=d host=h password=p port=5433 sslmode=require user=u");
    is_postgresql("postgresql://u:@h/d", "dbname=d host=h user=u");
    is_postgresql("postgresql://u:p@/d", "dbname=d password=p user=u");
    is_postgresql("postgresql://u:p@h:/d", "dbname=d host=h password=p user=u");
    is_postgresql("  postgresql://h/d\n", "dbname=d host=h");
    is_postgresql("postgresql://u%40corp@h/d", "dbname=d host=h user=u@corp");
    is_postgresql("postgresql://u@server:p@h/d", "dbname=d host=h password=p user=u@server");
}

static void passwords_are_whatever_stands_before_the_last_at(void **state)
{
    (void)state;
    is_postgresql("postgresql://u:p/w@h/d", "dbname=d host=h password=p/w user=u");
    is_postgresql("postgresql://u:p@w@h/d", "dbname=d host=h password=p@w user=u");
    is_postgresql("postgresql://u:p@ss/w@h/d", "dbname=d host=h password=p@ss/w user=u");
    is_postgresql("postgresql://u:p:w@h/d", "dbname=d host=h password=p:w user=u");
    is_postgresql("postgresql://u:p#x@h/d", "dbname=d host=h password=p#x user=u");
    is_postgresql("postgresql://u:p?x@h/d", "dbname=d host=h password=p?x user=u");
    is_postgresql("postgresql://u:p?x=y@h/d", "dbname=d host=h password=p?x=y user=u");
    is_postgresql("postgresql://u:p w\"'\\@h/d", "dbname=d host=h password=p w\"'\\ user=u");
    is_postgresql("postgresql://u:p{a}w@h/d", "dbname=d host=h password=p{a}w user=u");
    is_postgresql("postgresql://u:5432/d@h/d", "dbname=d host=h password=5432/d user=u");
    is_postgresql("postgresql://u:m\xE1\xBA\xADt@h/d", "dbname=d host=h password=m\xE1\xBA\xADt user=u");
}

static void percent_encoding(void **state)
{
    (void)state;
    is_postgresql("postgresql://u:%40%2F%3a%25@h/d", "dbname=d host=h password=@/:% user=u");
    is_postgresql("postgresql://u:a+b@h/d", "dbname=d host=h password=a+b user=u");
    is_postgresql("postgresql://u:p%zz@h/d", "dbname=d host=h password=p%zz user=u");
    is_postgresql("postgresql://u:p%4@h/d", "dbname=d host=h password=p%4 user=u");
    is_postgresql("postgresql://h/db%2Fx", "dbname=db%2Fx host=h");
    is_postgresql("postgresql://h/d?application_name=a+b%2Bc", "application_name=a b+c dbname=d host=h");
    is_postgresql("postgresql://%2Fvar%2Frun%2Fpostgresql/d", "dbname=d host=/var/run/postgresql");
}

static void an_at_in_the_query_is_no_password(void **state)
{
    (void)state;
    is_postgresql("postgresql://u:p@h/d?application_name=a@b",
                  "application_name=a@b dbname=d host=h password=p user=u");
    is_postgresql("postgresql://h:5432/d?user=me@corp", "dbname=d host=h port=5432 user=me@corp");
    is_postgresql("postgresql:///d?host=h&user=me@corp", "dbname=d host=h user=me@corp");
    is_postgresql("postgresql://u@h:5432/d?application_name=a@b",
                  "application_name=a@b dbname=d host=h port=5432 user=u");
}

static void hosts(void **state)
{
    (void)state;
    is_postgresql("postgresql://[::1]/d", "dbname=d host=::1");
    is_postgresql("postgresql://u:p@[fe80::1]:5433/d", "dbname=d host=fe80::1 password=p port=5433 user=u");
    is_postgresql("postgresql://h1:5432,h2/d", "dbname=d host=h1,h2 port=5432,");
    is_postgresql("postgresql:///d?host=/var/run/postgresql&port=5433", "dbname=d host=/var/run/postgresql port=5433");
    is_postgresql("postgresql:///d?host=h1:5432&host=h2", "dbname=d host=h1,h2 port=5432,");
    is_postgresql("postgresql:///d?host=h1:1&host=[::1]:2", "dbname=d host=h1,::1 port=1,2");
    is_postgresql("postgresql:///d?host=h1&host=h2&port=1&port=2", "dbname=d host=h1,h2 port=1,2");
    is_postgresql("postgresql://h/d?host=other", "dbname=d host=other");
    is_postgresql("postgresql://[::1]:5432/", "host=::1 port=5432");
}

static void keys_of_the_query(void **state)
{
    (void)state;
    is_postgresql(
        "postgresql://h/d?sslmode=verify-full&connect_timeout=3&options=-c%20a%3Db&target_session_attrs=read-write",
        "connect_timeout=3 dbname=d host=h options=-c a=b sslmode=verify-full target_session_attrs=read-write");
    notes("");
    is_postgresql("postgresql://h/d?sslmode=disable&sslmode=require", "dbname=d host=h sslmode=require");
    is_postgresql("postgresql://h/d?user=u&password=p%26w&dbname=e", "dbname=e host=h password=p&w user=u");
    is_postgresql("postgresql://h/d?sslmode=&&application_name", "dbname=d host=h");
}

static void keys_of_asyncpg(void **state)
{
    (void)state;
    is_postgresql("postgresql+asyncpg://h/d?ssl=require", "dbname=d host=h sslmode=require");
    notes("ssl was read as libpq's sslmode");
    is_postgresql("postgresql+asyncpg://h/d?ssl=true", "dbname=d host=h sslmode=require");
    is_postgresql("postgresql+asyncpg://h/d?ssl=verify-full", "dbname=d host=h sslmode=verify-full");
    is_postgresql("postgresql+asyncpg://h/d?ssl=disable", "dbname=d host=h sslmode=disable");
    is_postgresql("postgresql+asyncpg://h/d?prepared_statement_cache_size=0&command_timeout=60", "dbname=d host=h");
    notes("prepared_statement_cache_size was left out: libpq has nothing like it; "
          "command_timeout was left out: libpq has nothing like it");
    is_postgresql("postgresql+asyncpg://h/d?timeout=2.5", "connect_timeout=3 dbname=d host=h");
    is_postgresql("postgresql+asyncpg://h/d?server_settings.search_path=a%20b&server_settings.jit=off",
                  "dbname=d host=h options=-c search_path=a\\ b -c jit=off");
    is_postgresql("postgresql+asyncpg://h/d?database=e", "dbname=e host=h");
    is_refused("postgresql://h/d?ssl=maybe", NULL, "the value of ssl is not known");
}

static void unknown_keys(void **state)
{
    (void)state;
    is_postgresql("postgresql://h/d?sslmod=require", "dbname=d host=h");
    notes("sslmod was left out: it is no keyword of libpq");
    is_postgresql("postgresql://h/d?se-cret=1", "dbname=d host=h");
    notes("a key of the query was left out: it is no keyword of libpq");
    is_refused("postgresql://h/d?require_auth=scram-sha-256", NULL,
               "this executable's libpq does not know require_auth");
}

static void keyword_strings(void **state)
{
    (void)state;
    is_postgresql("host=h dbname=d", "dbname=d host=h");
    is_postgresql("host = h  port=5433\tdbname='my db' password='p\\'w\\\\x'",
                  "dbname=my db host=h password=p'w\\x port=5433");
    is_postgresql("host=h password=a\\ b", "host=h password=a b");
    is_postgresql("host=h password=''", "host=h");
    is_postgresql("password=p@w://x host=h", "host=h password=p@w://x");
    is_refused("host=h password=a b=c", NULL, "keyword 3 of the connection string is none that libpq knows");
    is_refused("host=h password=a b", NULL, "keyword 3 of the connection string has no \"=\"");
    is_refused("host=h password='a b", NULL, "keyword 2 of the connection string has a quote that is not closed");
}

static void ports(void **state)
{
    (void)state;
    static const char message[] = "the port is not a number from 1 to 65535";
    is_refused("postgresql://h:abc/d", NULL, message);
    is_refused("postgresql://h:0/d", NULL, message);
    is_refused("postgresql://h:65536/d", NULL, message);
    is_refused("postgresql://h/d?port=x", NULL, message);
    is_refused("port=x", NULL, message);
    is_refused("postgresql://::1/d", NULL, message);
    is_refused("postgresql://h:/d", NULL, message);
    is_refused("postgresql://user:secret", NULL, message);
    assert_string_equal(error.hint,
                        "a password is followed by \"@\" and the host: postgresql://USER:PASSWORD@HOST/DATABASE");
    is_refused("postgresql://u:p@[::1/d", NULL, "a \"[\" in the host of the address is not closed");
}

static void neither(void **state)
{
    (void)state;
    is_refused("", NULL, "the address is empty");
    is_refused("   ", NULL, "the address is empty");
    is_refused("mysql://u:secret@h/d", NULL, "no database is reached by an address that begins with mysql://");
    is_refused("app.db", NULL, "the address is no URL of a database");
    is_refused("u:secret=1@h", NULL, "the address is no URL of a database");
    assert_string_equal(error.hint, "postgresql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite:///FILE");
}

static void nul_bytes(void **state)
{
    (void)state;
    is_refused("postgresql://u:p%00w@h/d", NULL, "the address holds a NUL byte");
    assert_false(address_parse(&arena, (struct str){"postgresql://a\0b/", 17}, NULL, &address, &error));
    assert_string_equal(error.message, "the address holds a NUL byte");
}

/* ---- SQLite ---- */

static void files(void **state)
{
    (void)state;
    is_sqlite("sqlite:///rel.db", "rel.db");
    is_sqlite("sqlite+aiosqlite:///rel.db", "rel.db");
    is_sqlite("sqlite:///./rel.db", "./rel.db");
    is_sqlite("sqlite:///../rel.db", "../rel.db");
    is_sqlite("sqlite:////abs/x.db", "/abs/x.db");
    is_sqlite("sqlite+pysqlite:////abs/x.db", "/abs/x.db");
    is_sqlite("sqlite://", ":memory:");
    is_sqlite("sqlite:///", ":memory:");
    is_sqlite("sqlite:///:memory:", ":memory:");
    is_sqlite("sqlite:///a%20b.db", "a%20b.db");
    is_sqlite("sqlite:///a#b+c d.db", "a#b+c d.db");
    is_sqlite("sqlite:///file:x.db", "file:x.db");
}

static void sqlite_queries(void **state)
{
    (void)state;
    is_sqlite("sqlite:///x.db?timeout=5", "x.db");
    assert_int_equal(address.busy_timeout_ms, 5000);
    is_sqlite("sqlite:///x.db?timeout=0.25", "x.db");
    assert_int_equal(address.busy_timeout_ms, 250);
    is_sqlite("sqlite:///x.db", "x.db");
    assert_int_equal(address.busy_timeout_ms, TIMEOUT_UNSET);
    assert_false(address.read_only);
    is_sqlite("sqlite:///x.db?mode=ro", "x.db");
    assert_true(address.read_only);
    is_sqlite("sqlite:///file:x%20y.db?mode=ro&uri=true", "x y.db");
    assert_true(address.read_only);
    is_sqlite("sqlite:///file:/abs/x.db?uri=true", "/abs/x.db");
    is_sqlite("sqlite:///file:///abs/x.db?uri=true", "/abs/x.db");
    is_sqlite("sqlite:///file:x?mode=memory&uri=true", ":memory:");
    is_sqlite("sqlite:///x.db?check_same_thread=false", "x.db");
    notes("check_same_thread was left out: it has no meaning here");
    is_refused("sqlite:///x.db?timeout=soon", NULL, "the timeout of a SQLite address is a number of seconds");
    is_refused("sqlite:///x.db?mode=wo", NULL, "the mode of a SQLite address is ro, rw, rwc or memory");
    is_refused("sqlite:///file://host/x.db?uri=true", NULL, "a SQLite address names no host");
    is_refused("sqlite://host/x.db", NULL, "a SQLite address names no host");
    assert_string_equal(error.hint,
                        "sqlite:///FILE is relative to the current folder, sqlite:////FOLDER/FILE is absolute");
}

/* ---- references ---- */

static void values_go_in_raw(void **state)
{
    (void)state;
    static const char *const values[] = {"USER",       "u@corp",  "PASSWORD", "p@ss/w:#?%40+ '\"\\", "{host}", "db1",
                                         "{database}", "a/b?c=d", NULL};
    expand("postgresql://${USER}:${PASSWORD}@{host}/{database}", values);
    assert_string_equal(address_get(&address, "user"), "u@corp");
    assert_string_equal(address_get(&address, "password"), "p@ss/w:#?%40+ '\"\\");
    assert_string_equal(address_get(&address, "host"), "db1");
    assert_string_equal(address_get(&address, "dbname"), "a/b?c=d");
    assert_null(address_get(&address, "c"));
    expand("host={host} password='${PASSWORD}' dbname={database}", values);
    assert_string_equal(address_get(&address, "password"), "p@ss/w:#?%40+ '\"\\");
    assert_string_equal(address_get(&address, "dbname"), "a/b?c=d");
}

static void values_beside_text(void **state)
{
    (void)state;
    static const char *const values[] = {"PORT", "6432", "{tenant_id}", "acme", "{path}", "a b\\", NULL};
    expand("postgresql://h:${PORT}/tenant_{tenant_id}_x?options=-c%20search_path={path}", values);
    assert_string_equal(keywords(), "dbname=tenant_acme_x host=h options=-c search_path=a\\ b\\\\ port=6432");
    is_refused("postgresql://h:{tenant_id}/d", values, "the port is not a number from 1 to 65535");
    is_refused("postgresql://h/{nobody}", values, "column \"nobody\" has no value");
    is_refused("postgresql://u:${SECRET}@h/d", values, "variable \"SECRET\" has no value");
}

static void what_is_no_reference(void **state)
{
    (void)state;
    static const char *const values[] = {NULL};
    expand("postgresql://h/a{b-c}{}$X${1}", values);
    assert_string_equal(keywords(), "dbname=a{b-c}{}$X${1} host=h");
}

static void a_variable_that_is_the_whole_address(void **state)
{
    (void)state;
    static const char *const values[] = {"URL",         "postgresql://u:p@ss/w@h/{database}\n",
                                         "{database}",  "d",
                                         "SQLITE",      "sqlite:////data/{tenant_id}.db",
                                         "{tenant_id}", "acme",
                                         "BRACES",      "postgresql://u:a{b}c@h/d",
                                         "LOOP",        "${LOOP}",
                                         "EMPTY",       "",
                                         "TYPO",        "postgresql://u:p@h/{databse}",
                                         "UNSET",       "postgresql://u:${NOWHERE}@h/d",
                                         NULL};
    expand("${URL}", values);
    assert_string_equal(keywords(), "dbname=d host=h password=p@ss/w user=u");
    expand(" ${SQLITE} ", values);
    assert_string_equal(address.path, "/data/acme.db");
    expand("${BRACES}", values);
    assert_string_equal(keywords(), "dbname=d host=h password=a{b}c user=u");
    is_refused("${LOOP}", values, "the variable that holds the address names another variable");
    is_refused("${EMPTY}", values, "the address is empty");
    is_refused("${NOBODY}", values, "variable \"NOBODY\" has no value");
    is_refused("${TYPO}", values, "column \"databse\" has no value");
    is_refused("${UNSET}", values, "the address holds a reference that has no value");
}

static void references_without_a_source(void **state)
{
    (void)state;
    static const char message[] = "this address may not hold references such as ${NAME} or {column}";
    is_refused("postgresql://h/{database}", NULL, message);
    is_refused("postgresql://u:${PASSWORD}@h/d", NULL, message);
    is_refused("sqlite:///{tenant_id}.db", NULL, message);
    is_refused("${DATABASE_URL}", NULL, "the address is no URL of a database");
}

static void tenants_stay_in_their_folder(void **state)
{
    (void)state;
    static const char template[] = "sqlite:////data/{tenant_id}.db";
    static const struct {
        const char *id;
        const char *message;
    } bad[] = {
        {"../x", "the value of {tenant_id} cannot be part of a file name: it holds \"/\""},
        {"a/b", "the value of {tenant_id} cannot be part of a file name: it holds \"/\""},
        {"/etc/passwd", "the value of {tenant_id} cannot be part of a file name: it holds \"/\""},
        {"..", "the value of {tenant_id} cannot be part of a file name: it names a folder"},
        {".", "the value of {tenant_id} cannot be part of a file name: it names a folder"},
        {"", "the value of {tenant_id} cannot be part of a file name: it is empty"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const values[] = {"{tenant_id}", bad[i].id, NULL};
        is_refused(template, values, bad[i].message);
    }
    static const char *const good[] = {"acme",           "...", "a b",    "a?b=c",   "%2e%2e",
                                       "m\xE1\xBA\xADt", "-x",  "file:x", "a\\..\\b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *const values[] = {"{tenant_id}", good[i], NULL};
        expand(template, values);
        assert_string_equal(address.path, arena_printf(&arena, "/data/%s.db", good[i]));
    }
}

static void values_that_meet(void **state)
{
    (void)state;
    static const char *const values[] = {"{a}", ".x", "{b}", "y-journal", "DIR", "../data", NULL};
    expand("sqlite:///${DIR}/{a}{b}/{a}.db", values);
    assert_string_equal(address.path, "../data/.xy-journal/.x.db");
    is_refused("sqlite:///${DIR}/{b}", values, "the file name ends like one of SQLite's own (-journal, -wal, -shm)");
    static const char *const dots[] = {"{a}", "...", "EMPTY", "", NULL};
    expand("sqlite:///{a}", dots);
    is_refused("sqlite:///${EMPTY}", dots, "the file name of the SQLite address is empty");
}

/* ---- for people ---- */

static void shown(void **state)
{
    (void)state;
    parse("postgresql+asyncpg://app:p@ss/w@db:5432/tenant_acme?sslmode=require");
    shows("postgresql://app:***@db:5432/tenant_acme");
    parse("postgresql://app@db/d");
    shows("postgresql://app@db/d");
    parse("postgresql://");
    shows("postgresql://");
    parse("postgresql://u%40c:p@[::1]:1,h2:2/d");
    shows("postgresql://u%40c:***@[::1]:1,h2:2/d");
    parse("postgresql:///d?host=/run/pg&port=5433&user=u");
    shows("postgresql://u@/d?host=/run/pg&port=5433");
    parse("password=secret");
    shows("postgresql://:***@");
    parse("postgresql://h/a%0Ab\nc");
    shows("postgresql://h/a%0Ab%0Ac");
    parse("sqlite:///shared.db");
    shows("sqlite:///shared.db");
    parse("sqlite:////data/a b.db");
    shows("sqlite:////data/a%20b.db");
    parse("sqlite://");
    shows("sqlite://");
}

static void keywords_can_be_set(void **state)
{
    (void)state;
    parse("postgresql://u:p@h/d");
    address_set(&arena, &address, "user", "other");
    address_set(&arena, &address, "sslmode", "require");
    assert_string_equal(keywords(), "dbname=d host=h password=p sslmode=require user=other");
    assert_null(address_get(&address, "port"));
}

/* ---- masking ---- */

static void with_password(const char *password)
{
    address = (struct address){0};
    address_set(&arena, &address, "password", password);
}

static void masks(const char *text, const char *expected)
{
    BUF_AUTO b = {0};
    buf_addz(&b, text);
    address_mask(&b, &address);
    assert_string_equal(b.p, expected);
}

static void masked(void **state)
{
    (void)state;
    with_password("s3cret");
    masks("connection to \"postgresql://u:s3cret@h\" failed: s3cret",
          "connection to \"postgresql://u:***@h\" failed: ***");
    masks("nothing here", "nothing here");
    with_password("p@ss/w:#?%+ '\"\\");
    masks("a p@ss/w:#?%+ '\"\\ b", "a *** b");
    masks("a p%40ss%2Fw%3A%23%3F%25%2B%20%27%22%5C b", "a *** b");
    masks("a p%40ss%2fw%3a%23%3f%25%2b+%27%22%5c b", "a *** b");
    masks("a p%40ss/w:%23%3F%25%2B%20'%22%5C b", "a *** b");
    masks("password='p@ss/w:#?%+ \\'\"\\\\'", "password='***'");
    with_password("m\xE1\xBA\xADt kh\xE1\xBA\xA9u");
    masks("m\xE1\xBA\xADt kh\xE1\xBA\xA9u m%E1%BA%ADt%20kh%E1%BA%A9u", "*** ***");
    with_password("ab***");
    masks("ab"
          "ab***",
          "***");
}

static void masked_when_short(void **state)
{
    (void)state;
    with_password("p");
    masks("could not parse \"p\" in postgresql://u:p@h: port", "could not parse \"***\" in postgresql://u:***@h: port");
    masks("password=p host=h pp", "password=*** host=h pp");
    with_password("");
    masks("text", "text");
    address = (struct address){0};
    masks("text", "text");
}

static void the_key_of_the_key_is_masked(void **state)
{
    (void)state;
    parse("postgresql://h/d?sslpassword=k3ystore");
    masks("bad decrypt: k3ystore", "bad decrypt: ***");
}

/* Whatever a password holds: parsed, it is whole; nothing that is made of the address shows it. */
static void hostile_passwords(void **state)
{
    (void)state;
    static const char *const passwords[] = {
        "Zq7@x", "Zq7/x",   "Zq7:x",   "Zq7#x",         "Zq7?x",    "Zq7%x",   "Zq7+x",
        "Zq7'x", "Zq7\"x",  "Zq7\\x",  "Zq7 x",         "Zq7@ss/w", "Zq7%40x", "Zq7m\xE1\xBA\xADt",
        "@Zq7@", "//Zq7//", "Zq7?a=b", "Zq7&host=evil", "[Zq7]",    "Zq7{x}",  "Zq7$x",
        "Zq7,x", "Zq7;x",   "x"};
    for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
        const char *const values[] = {"PASSWORD", passwords[i], NULL};
        expand("postgresql://u:${PASSWORD}@h/d", values);
        assert_string_equal(address_get(&address, "password"), passwords[i]);
        shows("postgresql://u:***@h/d");
        BUF_AUTO encoded = {0};
        for (const unsigned char *p = (const unsigned char *)passwords[i]; *p; p++)
            buf_addf(&encoded, "%%%02X", *p);
        parse(arena_printf(&arena, "postgresql://u:%s@h/d", encoded.p));
        assert_string_equal(address_get(&address, "password"), passwords[i]);
        /* Raw, and in every broken text: never shown. */
        static const char *const shapes[] = {
            "postgresql://u:%s@h/d", "postgresql://u:%s", "postgres://u:%s@h:x/d", "u:%s@h",      "host=h password=%s",
            "mysql://u:%s@h",        "sqlite://u:%s@h/x", "postgresql://u:%s@[h",  "password='%s"};
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
            BUF_AUTO text = {0}, seen = {0};
            struct str shape = str_from(shapes[k]);
            size_t hole = str_find(shape, '%');
            buf_adds(&text, str_slice(shape, 0, hole));
            buf_addz(&text, passwords[i]);
            buf_adds(&text, str_slice(shape, hole + 2, shape.n));
            if (parse_with(text.p, NULL))
                address_show(&seen, &address);
            else
                err_format(&seen, &error, NULL);
            strings_join(&seen, &address.notes, "\n");
            assert_null(strstr(seen.p, "Zq7"));
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(drivers_are_dropped),
        TEST(parts_of_a_url),
        TEST(passwords_are_whatever_stands_before_the_last_at),
        TEST(percent_encoding),
        TEST(an_at_in_the_query_is_no_password),
        TEST(hosts),
        TEST(keys_of_the_query),
        TEST(keys_of_asyncpg),
        TEST(unknown_keys),
        TEST(keyword_strings),
        TEST(ports),
        TEST(neither),
        TEST(nul_bytes),
        TEST(files),
        TEST(sqlite_queries),
        TEST(values_go_in_raw),
        TEST(values_beside_text),
        TEST(what_is_no_reference),
        TEST(a_variable_that_is_the_whole_address),
        TEST(references_without_a_source),
        TEST(tenants_stay_in_their_folder),
        TEST(values_that_meet),
        TEST(shown),
        TEST(keywords_can_be_set),
        TEST(masked),
        TEST(masked_when_short),
        TEST(the_key_of_the_key_is_masked),
        TEST(hostile_passwords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
