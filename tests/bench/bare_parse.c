/*
 * The floor of lint: each statement of a file through libpg_query's parser, to JSON, and thrown away. Nobody who asks
 * PostgreSQL's own grammar can be faster.
 */
#include <pg_query.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_whole(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        return NULL;
    long n = ftell(f);
    char *text = calloc(1, (size_t)n + 1);
    rewind(f);
    if (fread(text, 1, (size_t)n, f) != (size_t)n)
        return NULL;
    fclose(f);
    return text;
}

int main(int argc, char **argv)
{
    char *text = argc > 1 ? read_whole(argv[1]) : NULL;
    if (!text)
        return 2;
    PgQuerySplitResult split = pg_query_split_with_parser(text);
    if (split.error) {
        fprintf(stderr, "%s\n", split.error->message);
        return 1;
    }
    size_t bytes = 0;
    for (int i = 0; i < split.n_stmts; i++) {
        char *one = strndup(text + split.stmts[i]->stmt_location, (size_t)split.stmts[i]->stmt_len);
        PgQueryParseResult r = pg_query_parse(one);
        bytes += r.parse_tree ? strlen(r.parse_tree) : 0;
        pg_query_free_parse_result(r);
        free(one);
    }
    printf("%d statements, %zu bytes of trees\n", split.n_stmts, bytes);
    return 0;
}
