/*
 * Fuzzes the reader of reports. Whatever the file holds: reading ends; what is accepted names tenants with an id each, and
 * what is refused says where.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tool/report_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO a = {0};
    AUTO_ERR e = {0};
    struct strings ids = {0};
    if (report_parse_failed(&a, (struct str){(const char *)data, size}, "report", "tool", "tenant", &ids, &e)) {
        for (size_t i = 0; i < ids.n; i++)
            must(ids.v[i][0] != '\0');
    } else {
        BUF_AUTO text = {0};
        must(e.fault == FAULT_USAGE && e.message && e.path && e.line > 0 && e.column > 0);
        err_format(&text, &e, NULL);
    }
    return 0;
}
