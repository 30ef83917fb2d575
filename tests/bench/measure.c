/*
 * Runs several commands in turn, round after round, and prints a line for each: its label, the medians of its wall and
 * CPU time in ms, its peak memory in KiB, and the first command's time over its own, wall and CPU; separated by tabs.
 *
 *     measure ROUNDS [--before SHELL-COMMAND] LABEL COMMAND… [-- LABEL COMMAND…]…
 *
 * Commands alternate within a round, so that a busy minute of the machine hits all of them; only their ratios mean
 * something, and they are medians over the rounds of the ratio within a round. What the commands print is thrown away,
 * but for the errors of one that fails. --before runs unmeasured before every command, with $LABEL in its
 * environment. A command that fails ends the measurement: the time of a failure is no result. CPU is user plus system of the command and its children.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_COMMANDS = 16, MOST_ROUNDS = 1000 };

struct command {
    const char *label;
    char **argv;
    double wall[MOST_ROUNDS], cpu[MOST_ROUNDS];
    long peak;
};

static struct command commands[MOST_COMMANDS];

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double timeval_ms(struct timeval t)
{
    return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static void show(int fd)
{
    char bytes[4096];
    lseek(fd, 0, SEEK_SET);
    for (ssize_t n; (n = read(fd, bytes, sizeof bytes)) > 0;)
        if (write(2, bytes, (size_t)n) != n)
            return;
}

static void run_once(struct command *c, int round)
{
    int errors = memfd_create("errors", MFD_CLOEXEC);
    double start = now_ms();
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, 0);
        dup2(null, 1);
        dup2(errors, 2);
        execvp(c->argv[0], c->argv);
        _exit(127);
    }
    int status;
    struct rusage used;
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid || status != 0) {
        show(errors);
        fprintf(stderr, "measure: %s failed\n", c->label);
        exit(1);
    }
    c->wall[round] = now_ms() - start;
    c->cpu[round] = timeval_ms(used.ru_utime) + timeval_ms(used.ru_stime);
    if (used.ru_maxrss > c->peak)
        c->peak = used.ru_maxrss;
    close(errors);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *v, int n)
{
    double sorted[MOST_ROUNDS];
    memcpy(sorted, v, (size_t)n * sizeof *v);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static double ratio(const double *first, const double *v, int n)
{
    double ratios[MOST_ROUNDS];
    for (int i = 0; i < n; i++)
        ratios[i] = v[i] > 0 ? first[i] / v[i] : 0;
    return median(ratios, n);
}

int main(int argc, char **argv)
{
    int at = 1, n = 0;
    int rounds = argc > at ? (int)strtol(argv[at++], NULL, 10) : 0;
    const char *before = NULL;
    if (argc > at + 1 && strcmp(argv[at], "--before") == 0) {
        before = argv[at + 1];
        at += 2;
    }
    while (at + 1 < argc && n < MOST_COMMANDS) {
        commands[n].label = argv[at];
        commands[n++].argv = &argv[at + 1];
        while (at < argc && strcmp(argv[at], "--") != 0)
            at++;
        if (at < argc)
            argv[at++] = NULL;
    }
    if (rounds < 1 || rounds > MOST_ROUNDS || n == 0) {
        fputs("usage: measure ROUNDS [--before SHELL-COMMAND] LABEL COMMAND… [-- LABEL COMMAND…]…\n", stderr);
        return 2;
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < n; i++) {
            setenv("LABEL", commands[i].label, 1);
            if (before && system(before) != 0)
                return 1;
            run_once(&commands[i], round);
        }
    for (struct command *c = commands; c < commands + n; c++)
        printf("%s\t%.1f\t%.1f\t%ld\t%.2f\t%.2f\n", c->label, median(c->wall, rounds), median(c->cpu, rounds), c->peak,
               ratio(commands->wall, c->wall, rounds), ratio(commands->cpu, c->cpu, rounds));
    return 0;
}
