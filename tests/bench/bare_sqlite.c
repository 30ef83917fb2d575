/*
 * The floor for files: what SQLite costs when a program does nothing else.
 *
 *     bare_sqlite THREADS LIST [SQL-FILE]
 *
 * For every path in the file LIST, by THREADS threads: opens the file, runs the SQL, or without any the SELECT of a version
 * table, closes. A file that is not there, an error or a version table without a row is an error.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 64 };

struct fleet {
    char **paths;
    int n;
    char *sql; /* NULL: read the version */
    atomic_int next, failed;
};

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        return NULL;
    long n = ftell(f);
    rewind(f);
    char *text = calloc(1, (size_t)n + 1);
    if (text && fread(text, 1, (size_t)n, f) != (size_t)n) {
        free(text);
        text = NULL;
    }
    fclose(f);
    return text;
}

static int read_version(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int fine = sqlite3_prepare_v2(db, "SELECT version_num FROM alembic_version", -1, &statement, NULL) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_bytes(statement, 0) > 0 &&
               sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_finalize(statement) == SQLITE_OK && fine;
}

static int visit(const struct fleet *fleet, const char *path)
{
    sqlite3 *db = NULL;
    int fine = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
               (fleet->sql ? sqlite3_exec(db, fleet->sql, NULL, NULL, NULL) == SQLITE_OK : read_version(db));
    if (!fine)
        fprintf(stderr, "bare_sqlite: %s: %s\n", path, sqlite3_errmsg(db));
    sqlite3_close(db);
    return fine;
}

static void *work(void *given)
{
    struct fleet *fleet = given;
    for (int i; (i = atomic_fetch_add(&fleet->next, 1)) < fleet->n;)
        if (!visit(fleet, fleet->paths[i]))
            fleet->failed = 1;
    return NULL;
}

/* Cuts the list into its lines. */
static int take_paths(struct fleet *fleet, char *list)
{
    int room = 0;
    for (char *rest = list, *line; (line = strtok_r(rest, "\n", &rest));) {
        if (fleet->n == room) {
            room = room ? 2 * room : 1024;
            fleet->paths = realloc(fleet->paths, (size_t)room * sizeof *fleet->paths);
            if (!fleet->paths)
                return 0;
        }
        fleet->paths[fleet->n++] = line;
    }
    return fleet->n > 0;
}

int main(int argc, char **argv)
{
    struct fleet fleet = {0};
    pthread_t threads[MOST_THREADS];
    int n = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
    char *list = argc > 2 ? read_file(argv[2]) : NULL;
    if (argc > 3 && !(fleet.sql = read_file(argv[3])))
        return 2;
    if (n < 1 || n > MOST_THREADS || !list || !take_paths(&fleet, list))
        return 2;
    for (int i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, work, &fleet) != 0)
            return 1;
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return fleet.failed;
}
