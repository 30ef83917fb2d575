/*
 * The floor: what libpq costs when a program does nothing else.
 *
 *     bare [--threads N] [--message FILE]… HOST PORT USER DATABASE…
 *
 * For every database, by N threads (1): connects, sends each FILE as one message, or without any the SELECT of a version
 * table, reads all that comes back, closes. Something that is no success, or a version table without a row, is an error.
 * The password, where one is asked for, comes from PGPASSWORD.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 64, MOST_MESSAGES = 256 };

struct fleet {
    char **server; /* HOST PORT USER */
    char **databases;
    int n;
    char *messages[MOST_MESSAGES];
    int n_messages;
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

static int read_version(PGconn *conn)
{
    PGresult *r = PQexec(conn, "SELECT version_num FROM alembic_version");
    int fine = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1 && *PQgetvalue(r, 0, 0);
    PQclear(r);
    return fine;
}

static int visit(const struct fleet *fleet, const char *database)
{
    const char *keys[] = {"host", "port", "user", "dbname", "gssencmode", NULL};
    const char *values[] = {fleet->server[0], fleet->server[1], fleet->server[2], database, "disable", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 0);
    int fine = PQstatus(conn) == CONNECTION_OK;
    if (fine && !fleet->n_messages)
        fine = read_version(conn);
    for (int i = 0; fine && i < fleet->n_messages; i++)
        fine = send_text(conn, fleet->messages[i]);
    if (!fine)
        fprintf(stderr, "bare: %s: %s\n", database, PQerrorMessage(conn));
    PQfinish(conn);
    return fine;
}

static void *work(void *given)
{
    struct fleet *fleet = given;
    for (int i; (i = atomic_fetch_add(&fleet->next, 1)) < fleet->n;)
        if (!visit(fleet, fleet->databases[i]))
            fleet->failed = 1;
    return NULL;
}

static int visit_all(struct fleet *fleet, int n_threads)
{
    pthread_t threads[MOST_THREADS];
    if (n_threads == 1) {
        work(fleet);
        return !fleet->failed;
    }
    for (int i = 0; i < n_threads; i++)
        if (pthread_create(&threads[i], NULL, work, fleet) != 0)
            return 0;
    for (int i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    return !fleet->failed;
}

int main(int argc, char **argv)
{
    struct fleet fleet = {0};
    int at = 1, threads = 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        if (strcmp(argv[at], "--threads") == 0) {
            threads = (int)strtol(argv[at + 1], NULL, 10);
        } else if (strcmp(argv[at], "--message") == 0 && fleet.n_messages < MOST_MESSAGES) {
            char *text = read_file(argv[at + 1]);
            if (!text) {
                perror(argv[at + 1]);
                return 2;
            }
            fleet.messages[fleet.n_messages++] = text;
        } else {
            return 2;
        }
    }
    if (argc - at < 4 || threads < 1 || threads > MOST_THREADS)
        return 2;
    fleet.server = argv + at;
    fleet.databases = argv + at + 3;
    fleet.n = argc - at - 3;
    return !visit_all(&fleet, threads);
}
