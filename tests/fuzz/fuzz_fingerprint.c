/*
 * Fuzzes the reading of fingerprints. Whatever the bytes: a text that is refused has a reason and a line of it; one that is
 * taken is written as a text that is taken too, says the same, and differs from itself in nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schema/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t count_lines(struct str text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

static void check_again(struct arena *a, const struct fingerprint *f)
{
    struct fingerprint again, third;
    struct fingerprint_flaw flaw;
    struct fingerprint_differences differences = {0};
    BUF_AUTO text = {0};
    BUF_AUTO same = {0};
    fingerprint_write(&text, f);
    must(fingerprint_parse(a, buf_str(&text), &again, &flaw));
    fingerprint_write(&same, &again);
    must(fingerprint_parse(a, buf_str(&same), &third, &flaw));
    must(str_eq(buf_str(&text), buf_str(&same)) && again.n == f->n);
    fingerprint_compare(a, f, &again, false, &differences);
    must(differences.n == 0 && differences.unsure == 0);
    fingerprint_compare(a, f, &third, true, &differences);
    must(differences.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO a = {0};
    struct str text = {(const char *)data, size};
    struct fingerprint f;
    struct fingerprint_flaw flaw;
    if (fingerprint_parse(&a, text, &f, &flaw))
        check_again(&a, &f);
    else
        must(flaw.text && flaw.line <= count_lines(text));
    return 0;
}
