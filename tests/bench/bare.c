/*
 * The floor: what libpq costs when a program does nothing else.
 *
 *     bare HOST PORT USER DATABASE                    connects, runs one SELECT, closes
 *     bare HOST PORT USER DATABASE FILE…              connects, sends each file as one message, closes
 *     bare --threads N HOST PORT USER DATABASE…       the first, for every database, by N threads
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 64 };

struct fleet {
    char **server;    /* HOST PORT USER */
    char **databases; /* ends with NULL */
    int n;
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

static int send_text(PGconn *conn, const char *text)
{
    PGresult *r = PQexec(conn, text);
    ExecStatusType status = PQresultStatus(r);
    PQclear(r);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static int send_files(PGconn *conn, char **files)
{
    int fine = 1;
    for (; fine && *files; files++) {
        char *text = read_file(*files);
        fine = text && send_text(conn, text);
        free(text);
    }
    return fine;
}

static int visit(char **server, const char *database, char **files)
{
    const char *keys[] = {"host", "port", "user", "dbname", "gssencmode", NULL};
    const char *values[] = {server[0], server[1], server[2], database, "disable", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 0);
    int fine = PQstatus(conn) == CONNECTION_OK &&
               (*files ? send_files(conn, files) : send_text(conn, "SELECT version_num FROM alembic_version"));
    if (!fine)
        fprintf(stderr, "bare: %s: %s", database, PQerrorMessage(conn));
    PQfinish(conn);
    return fine;
}

static void *work(void *given)
{
    struct fleet *fleet = given;
    char *none = NULL;
    for (int i; (i = atomic_fetch_add(&fleet->next, 1)) < fleet->n;)
        if (!visit(fleet->server, fleet->databases[i], &none))
            fleet->failed = 1;
    return NULL;
}

static int visit_all(int n_threads, char **server, char **databases, int n)
{
    struct fleet fleet = {.server = server, .databases = databases, .n = n};
    pthread_t threads[MOST_THREADS];
    for (int i = 0; i < n_threads; i++)
        if (pthread_create(&threads[i], NULL, work, &fleet) != 0)
            return 0;
    for (int i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    return !fleet.failed;
}

int main(int argc, char **argv)
{
    if (argc > 6 && strcmp(argv[1], "--threads") == 0) {
        int n = (int)strtol(argv[2], NULL, 10);
        return n < 1 || n > MOST_THREADS ? 2 : !visit_all(n, argv + 3, argv + 6, argc - 6);
    }
    return argc < 5 ? 2 : !visit(argv + 1, argv[4], argv + 5);
}
