/* SQLite's side of the bench (bench.h), which is the only one to include this. */
#ifndef GEN_BENCH_SQLITE_H
#define GEN_BENCH_SQLITE_H

#include "gen/bench.h"

struct bench_sqlite;

bool bench_sqlite_open(struct bench_sqlite **out, const struct bench_options *options, struct err *e);
void bench_sqlite_close(struct bench_sqlite *b); /* NULL is fine */
bool bench_sqlite_clear(struct bench_sqlite *b, struct err *e);
bool bench_sqlite_load(struct bench_sqlite *b, struct findings *out, const struct text_file *file);
bool bench_sqlite_run(struct bench_sqlite *b, const struct strings *sql, struct err *e);
bool bench_sqlite_run_section(struct bench_sqlite *b, const struct revision *revision,
                              const struct revision_section *section, struct err *e);
struct catalog_source bench_sqlite_source(struct bench_sqlite *b);
bool bench_sqlite_seed(struct bench_sqlite *b, unsigned rows, struct err *e);
int64_t bench_sqlite_count(struct bench_sqlite *b, const char *table);

#endif
