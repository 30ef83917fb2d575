/*
 * The floor: what libpq costs when a program does nothing else.
 *
 *     bare HOST PORT USER DATABASE          connects, runs one SELECT, closes
 *     bare HOST PORT USER DATABASE FILE…    then sends each file as one message
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        return NULL;
    long n = ftell(f);
    rewind(f);
    char *text = calloc(1, (size_t)n + 1);
    if (text && fread(text, 1, (size_t)n, f) != (size_t)n)
        n = -1;
    fclose(f);
    return n < 0 ? NULL : text;
}

static int send(PGconn *conn, const char *text)
{
    PGresult *r = PQexec(conn, text);
    ExecStatusType status = PQresultStatus(r);
    PQclear(r);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    const char *keys[] = {"host", "port", "user", "dbname", "gssencmode", NULL};
    const char *values[] = {argv[1], argv[2], argv[3], argv[4], "disable", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 0);
    int fine = PQstatus(conn) == CONNECTION_OK;
    if (fine && argc == 5)
        fine = send(conn, "SELECT version_num FROM alembic_version");
    for (int i = 5; fine && i < argc; i++) {
        char *text = read_file(argv[i]);
        fine = text && send(conn, text);
        free(text);
    }
    if (!fine)
        fprintf(stderr, "bare: %s", PQerrorMessage(conn));
    PQfinish(conn);
    return fine ? 0 : 1;
}
