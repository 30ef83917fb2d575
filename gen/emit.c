/*
 * Stage emit: from the linked model to constant C.
 *
 * A revision's own file holds what only its own text decides: the bytes, the sections, the statements. Everything that
 * depends on its neighbours (indices of parents, load order) stands in its stream's table, so that adding a revision in
 * the middle compiles two files and not all of those behind it.
 *
 * The bytes go in through `xxd -i` and the statements as initializers; for a large file the assembler does both (.incbin,
 * .include), where gcc would need gigabytes: 150 bytes for each byte of an array, 900 for each statement. A file is written
 * only when its bytes differ, under another name that is then renamed, so that make sees no half of a file and no change
 * that is none. What the last run wrote is known from its sources.mk; nothing else in the folder is ever removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "gen/files.h"
#include "gen/source.h"

#define INCBIN_ABOVE ((size_t)64 * 1024)
#define XXD_BYTES_A_LINE 12

struct emitter {
    const struct source *source;
    const struct emit_options *options;
    struct arena *a;
    struct strings written; /* every .c, relative to the output folder */
    struct err *e;
};

/* ------------------------------------------------------------------------------------------------------------- names */

/* Letters and digits stay, everything else is _HH; what would be too long for a file name ends in _x and a checksum. */
static const char *escape(struct arena *a, const char *name)
{
    enum { LONGEST = 100, KEPT = 60 };
    BUF_AUTO out = {0};
    for (const char *p = name; *p; p++) {
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9'))
            buf_addc(&out, *p);
        else
            buf_addf(&out, "_%02x", (unsigned)(unsigned char)*p);
    }
    if (out.n > LONGEST) {
        uint8_t sum[SHA256_BYTES];
        char hex[SHA256_HEX];
        hash_once(name, strlen(name), sum);
        hash_hex(sum, hex);
        return arena_printf(a, "%.*s_x%.16s", KEPT, out.p, hex);
    }
    return arena_str(a, buf_str(&out));
}

/* A stream's folder and table stand beside files of ours and of the build rules. */
static const char *escape_stream(struct arena *a, const char *name)
{
    static const char *const taken[] = {"catalogue", "inputs", "generated", "flags", "objects"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(name, taken[i]) == 0)
            return arena_printf(a, "_%02x%s", (unsigned)(unsigned char)*name, name + 1);
    return escape(a, name);
}

/* stream__id: an escape is never followed by another '_', so two names never make one. */
static const char *symbol(struct arena *a, const struct source_stream *s, const struct source_revision *r)
{
    return arena_printf(a, "%s__%s", escape_stream(a, s->name), escape(a, r->id.text));
}

/* ----------------------------------------------------------------------------------------------------------- C texts */

static void add_string(struct buf *out, const char *z)
{
    if (!z) {
        buf_addc(out, '0');
        return;
    }
    buf_addc(out, '"');
    for (; *z; z++) {
        unsigned char c = (unsigned char)*z;
        if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\' || c == '?')
            buf_addf(out, "\\%03o", (unsigned)c);
        else
            buf_addc(out, *z);
    }
    buf_addc(out, '"');
}

static void add_sum(struct buf *out, const uint8_t sum[SHA256_BYTES])
{
    char hex[SHA256_HEX];
    hash_hex(sum, hex);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        buf_addz(out, i ? ",0x" : "{0x");
        buf_add(out, hex + 2 * i, 2);
    }
    buf_addc(out, '}');
}

static void add_preamble(struct buf *out)
{
    buf_addf(out,
             "/* Made by migrate-gen: do not edit. */\n"
             "#include \"model/revision.h\"\n"
             "\n"
             "_Static_assert(REVISION_FORMAT == %d, \"made for another format of revisions: run migrate-gen again\");\n"
             "\n",
             REVISION_FORMAT);
}

/* A number of `name` and a pointer to the array `array`, or none. */
static void add_list(struct buf *out, const char *name, size_t n, const char *array, size_t index)
{
    if (n)
        buf_addf(out, "    .n_%s = %zu,\n    .%s = %s_%zu,\n", name, n, name, array, index);
}

/* ------------------------------------------------------------------------------------------------------------- files */

static bool fail(struct emitter *em, const char *what, const char *path)
{
    return err_set(em->e, FAULT_FAILED, "%s \"%s\": %s", what, path, strerror(errno));
}

static char *output_path(struct emitter *em, const char *name)
{
    return arena_printf(em->a, "%s/%s", em->options->output, name);
}

static bool make_folders(struct emitter *em, const char *path)
{
    char *copy = arena_strdup(em->a, path);
    for (char *p = copy + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char end = *p;
        *p = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            return fail(em, "cannot make the folder", copy);
        *p = end;
        if (!end)
            return true;
    }
}

/* The bytes of a file that is there, mapped; p is NULL when there is none. */
static struct str map_file(const char *path)
{
    struct str none = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return none;
    void *p = MAP_FAILED;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return p == MAP_FAILED ? none : (struct str){p, (size_t)st.st_size};
}

static void unmap(struct str *mapped)
{
    if (mapped->p)
        munmap((void *)(uintptr_t)mapped->p, mapped->n);
}
#define AUTO_MAPPED __attribute__((cleanup(unmap))) struct str

static bool write_file(struct emitter *em, const char *name, struct str bytes)
{
    const char *path = output_path(em, name);
    AUTO_MAPPED old = map_file(path);
    return (old.p && str_eq(old, bytes)) || file_replace(path, bytes, em->e);
}

static bool remove_file(struct emitter *em, const char *name)
{
    char *path = output_path(em, name);
    return unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR || fail(em, "cannot remove", path);
}

/* --------------------------------------------------------------------------------------------------------------- xxd */

static size_t xxd_size(size_t n)
{
    size_t lines = (n + XXD_BYTES_A_LINE - 1) / XXD_BYTES_A_LINE;
    return n ? 6 * n + 2 * (lines - 1) + 1 : 0;
}

static int memory_file(struct str text)
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    if (fd >= 0 && (!file_write_all(fd, text) || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool read_to_end(int fd, struct buf *out)
{
    char bytes[16384];
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        buf_add(out, bytes, (size_t)n);
    }
}

static int start_xxd(int in, int out, pid_t *pid)
{
    static const char *const argv[] = {"xxd", "-i", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    int failed = posix_spawnp(pid, "xxd", &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* Runs `xxd -i` on the text; it prints the bytes alone, since its input has no name. */
static bool add_xxd(struct emitter *em, struct buf *out, struct str text)
{
    int ends[2], status = 0;
    pid_t pid = 0;
    size_t before = out->n;
    int in = memory_file(text);
    if (in < 0 || pipe2(ends, O_CLOEXEC) < 0) {
        if (in >= 0)
            close(in);
        return err_set(em->e, FAULT_FAILED, "cannot run xxd: %s", strerror(errno));
    }
    int failed = start_xxd(in, ends[1], &pid);
    close(in);
    close(ends[1]);
    bool ok = !failed && read_to_end(ends[0], out);
    close(ends[0]);
    while (!failed && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (ok && status == 0 && out->n - before == xxd_size(text.n))
        return true;
    err_set(em->e, FAULT_FAILED, failed ? "cannot run xxd: %s" : "xxd failed%.0s", strerror(failed));
    err_hint(em->e, "Debian's package is called xxd");
    return false;
}

/* Writes head, the bytes of `text` as array elements, tail; xxd is left alone when that is what the file says already. */
static bool write_array(struct emitter *em, const char *name, struct buf *head, struct str text, const struct buf *tail)
{
    AUTO_MAPPED old = map_file(output_path(em, name));
    size_t array = xxd_size(text.n);
    if (old.n == head->n + array + tail->n && memcmp(old.p, head->p, head->n) == 0 &&
        memcmp(old.p + head->n + array, tail->p, tail->n) == 0)
        return true;
    if (text.n && !add_xxd(em, head, text))
        return false;
    buf_adds(head, buf_str(tail));
    return write_file(em, name, buf_str(head));
}

/* --------------------------------------------------------------------------------------------------------- a revision */

static void add_statements(struct buf *out, const struct revision_section *s, size_t index)
{
    if (!s->n_statements)
        return;
    buf_addf(out, "static const struct revision_statement statements_%zu[] = {\n", index);
    for (uint32_t i = 0; i < s->n_statements; i++) {
        const struct revision_statement *st = &s->statements[i];
        buf_addf(out, "    {%u,%u,%u,%u,", st->offset, st->length, st->line, st->flags);
        add_string(out, st->kind);
        buf_addc(out, ',');
        add_string(out, st->schema);
        buf_addc(out, ',');
        add_string(out, st->object);
        buf_addc(out, ',');
        add_string(out, st->table);
        buf_addz(out, "},\n");
    }
    buf_addz(out, "};\n\n");
}

/* The label of a text, written to `texts` unless it is the one of the statement before; 0: NULL. */
struct label {
    const char *text;
    uint32_t number;
};

static uint32_t assemble_text(struct buf *texts, struct label *last, uint32_t *count, const char *text)
{
    if (!text)
        return 0;
    if (!last->text || strcmp(last->text, text) != 0) {
        *last = (struct label){.text = text, .number = ++*count};
        buf_addf(texts, ".Ltext%u: .asciz ", last->number);
        add_string(texts, text);
        buf_addc(texts, '\n');
    }
    return last->number;
}

static void assemble_pointer(struct buf *out, uint32_t label, char end)
{
    if (label)
        buf_addf(out, ".Ltext%u%c", label, end);
    else
        buf_addf(out, "0%c", end);
}

/* The same tables as directives of the assembler: struct revision_statement is four .long and four .quad. */
static void assemble_statements(struct buf *out, const struct source_revision *r, const char *name)
{
    BUF_AUTO texts = {0};
    uint32_t count = 0;
    struct label kind = {0}, schema = {0}, object = {0}, table = {0};
    buf_addz(out, ".pushsection .data.rel.ro.migrate_statements,\"aw\",%progbits\n.balign 8\n");
    for (size_t i = 0; i < r->sections.n; i++) {
        const struct revision_section *s = &r->sections.v[i];
        buf_addf(out, "migrate_statements_%s_%zu:\n", name, i);
        for (uint32_t k = 0; k < s->n_statements; k++) {
            const struct revision_statement *st = &s->statements[k];
            buf_addf(out, ".long %u,%u,%u,%u\n.quad ", st->offset, st->length, st->line, st->flags);
            assemble_pointer(out, assemble_text(&texts, &kind, &count, st->kind), ',');
            assemble_pointer(out, assemble_text(&texts, &schema, &count, st->schema), ',');
            assemble_pointer(out, assemble_text(&texts, &object, &count, st->object), ',');
            assemble_pointer(out, assemble_text(&texts, &table, &count, st->table), '\n');
        }
    }
    buf_addz(out, ".popsection\n.pushsection .rodata.migrate_texts,\"a\",%progbits\n");
    buf_adds(out, buf_str(&texts));
    buf_addz(out, ".popsection\n");
}

static void add_section(struct buf *out, const struct revision_section *s, const char *statements, size_t index)
{
    buf_addf(out,
             "    {\n"
             "        .direction = %s,\n"
             "        .dialects = %u,\n"
             "        .flags = %u,\n"
             "        .line = %u,\n"
             "        .offset = %u,\n"
             "        .length = %u,\n"
             "        .lock_timeout_ms = %lld,\n"
             "        .statement_timeout_ms = %lld,\n"
             "        .batch_pause_ms = %lld,\n",
             s->direction == DIRECTION_UP ? "DIRECTION_UP" : "DIRECTION_DOWN", s->dialects, s->flags, s->line,
             s->offset, s->length, (long long)s->lock_timeout_ms, (long long)s->statement_timeout_ms,
             (long long)s->batch_pause_ms);
    if (s->n_statements)
        buf_addf(out, "        .n_statements = %u,\n        .statements = %s_%zu,\n", s->n_statements, statements,
                 index);
    buf_addz(out, "        .sha256 = ");
    add_sum(out, s->sha256);
    buf_addz(out, ",\n        .tokens_sha256 = ");
    add_sum(out, s->tokens_sha256);
    buf_addz(out, ",\n    },\n");
}

static void add_sections(struct buf *out, const struct source_revision *r, const char *name, const char *statements)
{
    buf_addf(out, "const struct revision_section migrate_sections_%s[] = {\n", name);
    for (size_t i = 0; i < r->sections.n; i++)
        add_section(out, &r->sections.v[i], statements, i);
    buf_addz(out, "};\n");
}

/* The assembler finds the files through its -I; a NUL follows the bytes, as it does in the array. */
static void add_incbin(struct buf *out, const char *name, const char *sql, const char *inc)
{
    buf_addf(out,
             "_Static_assert(sizeof(struct revision_statement) == 48, \"four .long and four .quad\");\n"
             "__asm__(\".pushsection .rodata.migrate_text_%s,\\\"a\\\",%%progbits\\n\"\n"
             "        \".globl migrate_text_%s\\n\"\n"
             "        \".type migrate_text_%s, %%object\\n\"\n"
             "        \"migrate_text_%s:\\n\"\n"
             "        \".incbin \\\"%s\\\"\\n\"\n"
             "        \".byte 0\\n\"\n"
             "        \".size migrate_text_%s, . - migrate_text_%s\\n\"\n"
             "        \".popsection\\n\"\n"
             "        \".include \\\"%s\\\"\\n\");\n"
             "\n",
             name, name, name, name, sql, name, name, inc);
}

static void add_sum_comment(struct buf *out, const char *what, struct str bytes)
{
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    hash_once(bytes.p, bytes.n, sum);
    hash_hex(sum, hex);
    buf_addf(out, "/* %s: sha256 %s */\n", what, hex);
}

/* The names of a revision's files and what its symbols end in. */
struct revision_names {
    const char *symbol, *c, *sql, *inc;
};

static bool emit_large(struct emitter *em, const struct revision_names *names, const struct source_revision *r)
{
    BUF_AUTO out = {0};
    BUF_AUTO inc = {0};
    const char *statements = arena_printf(em->a, "migrate_statements_%s", names->symbol);
    assemble_statements(&inc, r, names->symbol);
    add_preamble(&out);
    /* make looks at this file alone: it changes when one of the two does. */
    add_sum_comment(&out, "text", r->file.bytes);
    add_sum_comment(&out, "statements", buf_str(&inc));
    add_incbin(&out, names->symbol, names->sql, names->inc);
    for (size_t i = 0; i < r->sections.n; i++)
        buf_addf(&out, "extern const struct revision_statement %s_%zu[];\n", statements, i);
    add_sections(&out, r, names->symbol, statements);
    return write_file(em, names->sql, r->file.bytes) && write_file(em, names->inc, buf_str(&inc)) &&
           write_file(em, names->c, buf_str(&out));
}

static bool emit_small(struct emitter *em, const struct revision_names *names, const struct source_revision *r)
{
    BUF_AUTO head = {0};
    BUF_AUTO tail = {0};
    add_preamble(&head);
    add_sum_comment(&head, "text", r->file.bytes);
    buf_addf(&head, "const unsigned char migrate_text_%s[] = {\n", names->symbol);
    buf_addz(&tail, r->file.bytes.n ? ", 0x00\n};\n\n" : "  0x00\n};\n\n");
    for (size_t i = 0; i < r->sections.n; i++)
        add_statements(&tail, &r->sections.v[i], i);
    add_sections(&tail, r, names->symbol, "statements");
    return remove_file(em, names->sql) && remove_file(em, names->inc) &&
           write_array(em, names->c, &head, r->file.bytes, &tail);
}

static bool emit_revision(struct emitter *em, const struct source_stream *s, const struct source_revision *r)
{
    const char *stem = arena_printf(em->a, "%s/%s", escape_stream(em->a, s->name), escape(em->a, r->id.text));
    size_t limit = em->options->incbin_above ? em->options->incbin_above : INCBIN_ABOVE;
    struct revision_names names = {
        .symbol = symbol(em->a, s, r),
        .c = arena_printf(em->a, "%s.c", stem),
        .sql = arena_printf(em->a, "%s.sql", stem),
        .inc = arena_printf(em->a, "%s.inc", stem),
    };
    vec_push(em->a, &em->written, names.c);
    return r->file.bytes.n > limit ? emit_large(em, &names, r) : emit_small(em, &names, r);
}

/* ------------------------------------------------------------------------------------------------------- fingerprints */

static const char *fingerprint_symbol(struct arena *a, const struct source_stream *s, enum dialect dialect)
{
    return arena_printf(a, "migrate_fingerprint_%s_%s", escape_stream(a, s->name), dialect_words[dialect]);
}

static bool emit_large_bytes(struct emitter *em, const char *name, const char *c, const char *file, struct str bytes)
{
    BUF_AUTO out = {0};
    add_preamble(&out);
    add_sum_comment(&out, "text", bytes);
    buf_addf(&out,
             "__asm__(\".pushsection .rodata.%s,\\\"a\\\",%%progbits\\n\"\n"
             "        \".globl %s\\n\"\n"
             "        \".type %s, %%object\\n\"\n"
             "        \"%s:\\n\"\n"
             "        \".incbin \\\"%s\\\"\\n\"\n"
             "        \".byte 0\\n\"\n"
             "        \".size %s, . - %s\\n\"\n"
             "        \".popsection\\n\");\n",
             name, name, name, name, file, name, name);
    return write_file(em, file, bytes) && write_file(em, c, buf_str(&out));
}

static bool emit_small_bytes(struct emitter *em, const char *name, const char *c, const char *file, struct str bytes)
{
    BUF_AUTO head = {0};
    BUF_AUTO tail = {0};
    add_preamble(&head);
    add_sum_comment(&head, "text", bytes);
    buf_addf(&head, "const unsigned char %s[] = {\n", name);
    buf_addz(&tail, bytes.n ? ", 0x00\n};\n" : "  0x00\n};\n");
    return remove_file(em, file) && write_array(em, c, &head, bytes, &tail);
}

/* An escaped id has no "_" before "p" or "s", so no revision's file has this name. */
static bool emit_fingerprint(struct emitter *em, const struct source_stream *s, enum dialect dialect)
{
    const char *stem = arena_printf(em->a, "%s/fingerprint_%s", escape_stream(em->a, s->name), dialect_words[dialect]);
    const char *c = arena_printf(em->a, "%s.c", stem), *file = arena_printf(em->a, "%s.txt", stem);
    size_t limit = em->options->incbin_above ? em->options->incbin_above : INCBIN_ABOVE;
    struct str bytes = s->fingerprints[dialect].bytes;
    vec_push(em->a, &em->written, c);
    return (bytes.n > limit ? emit_large_bytes : emit_small_bytes)(em, fingerprint_symbol(em->a, s, dialect), c, file,
                                                                   bytes);
}

static bool emit_fingerprints(struct emitter *em, const struct source_stream *s)
{
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++)
        if (s->fingerprints[dialect].path && !emit_fingerprint(em, s, (enum dialect)dialect))
            return false;
    return true;
}

/* ----------------------------------------------------------------------------------------------------------- a stream */

static void add_indices(struct buf *out, const char *name, size_t index, const uint32_t *v, uint32_t n)
{
    if (!n)
        return;
    buf_addf(out, "static const uint32_t %s_%zu[] = {", name, index);
    for (uint32_t i = 0; i < n; i++)
        buf_addf(out, "%s%u", i ? ", " : "", v[i]);
    buf_addz(out, "};\n");
}

static void add_labels(struct buf *out, const struct revision *r, size_t index)
{
    if (!r->n_labels)
        return;
    buf_addf(out, "static const char *const labels_%zu[] = {", index);
    for (uint32_t i = 0; i < r->n_labels; i++) {
        buf_addz(out, i ? ", " : "");
        add_string(out, r->labels[i]);
    }
    buf_addz(out, "};\n");
}

static void add_requires(struct buf *out, const struct revision *r, size_t index)
{
    if (!r->n_requires)
        return;
    buf_addf(out, "static const struct revision_requirement requires_%zu[] = {", index);
    for (uint32_t i = 0; i < r->n_requires; i++) {
        buf_addz(out, i ? ", {" : "{");
        add_string(out, r->requires[i].stream);
        buf_addz(out, ", ");
        add_string(out, r->requires[i].revision);
        buf_addc(out, '}');
    }
    buf_addz(out, "};\n");
}

static void add_text_field(struct buf *out, const char *name, const char *value)
{
    buf_addf(out, "    .%s = ", name);
    add_string(out, value);
    buf_addz(out, ",\n");
}

static void add_revision(struct emitter *em, struct buf *out, const struct source_stream *s, size_t index)
{
    const struct source_revision *source = s->revisions.v[index];
    const struct revision *r = &source->revision;
    const char *name = symbol(em->a, s, source);
    buf_addf(out,
             "extern const unsigned char migrate_text_%s[];\n"
             "extern const struct revision_section migrate_sections_%s[];\n",
             name, name);
    add_indices(out, "down", index, r->down, r->n_down);
    add_indices(out, "depends", index, r->depends, r->n_depends);
    add_labels(out, r, index);
    add_requires(out, r, index);
    buf_addf(out, "static const struct revision revision_%zu = {\n", index);
    add_text_field(out, "id", r->id);
    add_text_field(out, "message", r->message);
    add_text_field(out, "created", r->created);
    add_text_field(out, "path", r->path);
    buf_addf(out, "    .text = migrate_text_%s,\n    .length = %u,\n    .load_order = %u,\n", name, r->length,
             r->load_order);
    add_list(out, "down", r->n_down, "down", index);
    add_list(out, "depends", r->n_depends, "depends", index);
    add_list(out, "labels", r->n_labels, "labels", index);
    add_list(out, "requires", r->n_requires, "requires", index);
    buf_addf(out, "    .n_sections = %u,\n    .sections = migrate_sections_%s,\n    .pick = {", r->n_sections, name);
    for (size_t direction = 0; direction < DIRECTION_COUNT; direction++) {
        buf_addz(out, direction ? ", {" : "{");
        for (size_t dialect = 0; dialect < DIALECT_COUNT; dialect++)
            buf_addf(out, "%s%d", dialect ? ", " : "", r->pick[direction][dialect]);
        buf_addc(out, '}');
    }
    buf_addz(out, "},\n    .sha256 = ");
    add_sum(out, r->sha256);
    buf_addz(out, ",\n};\n\n");
}

static void add_settings(struct buf *out, const struct stream *s)
{
    if (!s->n_settings)
        return;
    buf_addz(out, "static const struct stream_setting settings_0[] = {\n");
    for (uint32_t i = 0; i < s->n_settings; i++) {
        buf_addz(out, "    {");
        add_string(out, s->settings[i].key);
        buf_addz(out, ", ");
        add_string(out, s->settings[i].value);
        buf_addf(out, ", %u},\n", s->settings[i].line);
    }
    buf_addz(out, "};\n\n");
}

static void declare_fingerprints(struct emitter *em, struct buf *out, const struct source_stream *s)
{
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++)
        if (s->fingerprints[dialect].path)
            buf_addf(out, "extern const unsigned char %s[];\n", fingerprint_symbol(em->a, s, (enum dialect)dialect));
}

static void add_fingerprints(struct emitter *em, struct buf *out, const struct source_stream *s)
{
    const char *separator = "    .fingerprints = {";
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++)
        if (s->fingerprints[dialect].path) {
            buf_addf(out, "%s[%d] = {%s, %zu}", separator, dialect, fingerprint_symbol(em->a, s, (enum dialect)dialect),
                     s->fingerprints[dialect].bytes.n);
            separator = ", ";
        }
    buf_addz(out, separator[0] == ',' ? "},\n" : "");
}

/* What was measured of a section's statements. */
static void add_section_locks(struct buf *out, const struct source_stream *s, uint32_t index)
{
    const struct section_locks *section = &s->locks.sections[index];
    uint32_t n = s->linked->revisions[section->revision]->sections[section->section].n_statements;
    buf_addf(out, "static const struct statement_locks locks_%u[] = {\n", index);
    for (uint32_t i = 0; i < n; i++) {
        buf_addf(out, "    {%u, %u, ", section->statements[i].strongest, section->statements[i].flags);
        add_string(out, section->statements[i].relations);
        buf_addz(out, "},\n");
    }
    buf_addz(out, "};\n");
}

static void add_locks(struct buf *out, const struct source_stream *s)
{
    if (!s->locks.n_sections)
        return;
    for (uint32_t i = 0; i < s->locks.n_sections; i++)
        add_section_locks(out, s, i);
    buf_addz(out, "static const struct section_locks section_locks_0[] = {\n");
    for (uint32_t i = 0; i < s->locks.n_sections; i++)
        buf_addf(out, "    {%u, %u, locks_%u},\n", s->locks.sections[i].revision, s->locks.sections[i].section, i);
    buf_addz(out, "};\n\n");
}

static void add_report(struct buf *out, const struct source_stream *s)
{
    if (!s->locks.server_major)
        return;
    buf_addf(out, "    .locks = {.server_major = %u, .n_sections = %u", s->locks.server_major, s->locks.n_sections);
    buf_addz(out, s->locks.n_sections ? ", .sections = section_locks_0},\n" : "},\n");
}

static void add_stream(struct emitter *em, struct buf *out, const struct source_stream *s)
{
    const struct stream *linked = s->linked;
    declare_fingerprints(em, out, s);
    if (linked->n_revisions) {
        buf_addz(out, "static const struct revision *const revisions_0[] = {\n");
        for (uint32_t i = 0; i < linked->n_revisions; i++)
            buf_addf(out, "    &revision_%u,\n", i);
        buf_addz(out, "};\n\n");
    }
    add_settings(out, linked);
    add_locks(out, s);
    buf_addf(out, "const struct stream migrate_stream_%s = {\n", escape_stream(em->a, s->name));
    add_text_field(out, "name", linked->name);
    buf_addf(out, "    .kind = %s,\n    .dialects = %u,\n",
             linked->kind == STREAM_FLEET ? "STREAM_FLEET" : "STREAM_SINGLE", linked->dialects);
    add_list(out, "settings", linked->n_settings, "settings", 0);
    add_text_field(out, "ini_path", linked->ini_path);
    buf_addf(out, "    .ini_text = ini_text,\n    .ini_length = %u,\n", linked->ini_length);
    add_list(out, "revisions", linked->n_revisions, "revisions", 0);
    add_fingerprints(em, out, s);
    add_report(out, s);
    buf_addz(out, "    .sha256 = ");
    add_sum(out, s->sha256);
    buf_addz(out, ",\n};\n");
}

static bool emit_stream(struct emitter *em, const struct source_stream *s)
{
    const char *stem = escape_stream(em->a, s->name);
    const char *c = arena_printf(em->a, "%s.c", stem);
    if (!make_folders(em, output_path(em, stem)))
        return false;
    for (size_t i = 0; i < s->revisions.n; i++)
        if (!emit_revision(em, s, s->revisions.v[i]))
            return false;
    if (!emit_fingerprints(em, s))
        return false;
    vec_push(em->a, &em->written, c);
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    BUF_AUTO head = {0};
    BUF_AUTO tail = {0};
    hash_once(s->ini.bytes.p, s->ini.bytes.n, sum);
    hash_hex(sum, hex);
    add_preamble(&head);
    buf_addf(&head, "/* sha256 %s */\nstatic const unsigned char ini_text[] = {\n", hex);
    buf_addz(&tail, s->ini.bytes.n ? ", 0x00\n};\n\n" : "  0x00\n};\n\n");
    for (size_t i = 0; i < s->revisions.n; i++)
        add_revision(em, &tail, s, i);
    add_stream(em, &tail, s);
    return write_array(em, c, &head, s->ini.bytes, &tail);
}

/* --------------------------------------------------------------------------------------------------------- catalogue */

/* What is embedded of it: a comment in the file makes no other executable. */
static void hash_locks(struct hash *h, const struct source_stream *s)
{
    BUF_AUTO text = {0};
    add_locks(&text, s);
    add_report(&text, s);
    if (text.n)
        hash_add_piece(h, text.p, text.n);
}

/*
 * 16 hex digits over what makes two executables differ: the product, every stream, its env.ini, fingerprints and lock
 * report.
 */
static void build_id(const struct emitter *em, char hex[SHA256_HEX])
{
    uint8_t sum[SHA256_BYTES];
    struct hash *h = hash_new();
    hash_add_piece(h, em->options->version, strlen(em->options->version));
    for (size_t i = 0; i < em->source->streams.n; i++) {
        const struct source_stream *s = em->source->streams.v[i];
        hash_add_piece(h, s->name, strlen(s->name));
        hash_add(h, s->sha256, sizeof s->sha256);
        hash_add_piece(h, s->ini.bytes.p, s->ini.bytes.n);
        for (int d = 0; d < DIALECT_COUNT; d++)
            if (s->fingerprints[d].path)
                hash_add_piece(h, s->fingerprints[d].bytes.p, s->fingerprints[d].bytes.n);
        hash_locks(h, s);
    }
    hash_finish(h, sum);
    hash_hex(sum, hex);
    hex[16] = '\0';
}

static bool emit_catalogue(struct emitter *em)
{
    const struct source *source = em->source;
    char hex[SHA256_HEX];
    BUF_AUTO out = {0};
    build_id(em, hex);
    add_preamble(&out);
    for (size_t i = 0; i < source->streams.n; i++)
        buf_addf(&out, "extern const struct stream migrate_stream_%s;\n",
                 escape_stream(em->a, source->streams.v[i]->name));
    buf_addz(&out, "\nstatic const struct stream *const streams_0[] = {\n");
    for (size_t i = 0; i < source->streams.n; i++)
        buf_addf(&out, "    &migrate_stream_%s,\n", escape_stream(em->a, source->streams.v[i]->name));
    buf_addz(&out, "};\n\nconst struct catalogue migrate_catalogue = {\n    .format = REVISION_FORMAT,\n");
    add_text_field(&out, "program", em->options->program);
    add_text_field(&out, "build_id", hex);
    add_list(&out, "streams", source->streams.n, "streams", 0);
    buf_addz(&out, "};\n");
    vec_push(em->a, &em->written, "catalogue.c");
    return write_file(em, "catalogue.c", buf_str(&out));
}

/* --------------------------------------------------------------------------------------------------------- sources.mk */

static const char sources_head[] = "# Made by migrate-gen: do not edit.\nGEN_SOURCES :=";

/* Only what our own names can look like is believed: a list from elsewhere must not make us remove anything. */
static bool is_own_name(struct str name)
{
    if (!str_ends(name, STR(".c")))
        return false;
    size_t slashes = 0;
    for (size_t i = 0; i < name.n - 2; i++) {
        char c = name.p[i];
        slashes += c == '/';
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_' && c != '/')
            return false;
    }
    return name.p[0] != '/' && slashes <= 1;
}

static bool remove_stale(struct emitter *em, const char *c)
{
    static const char *const endings[] = {".c", ".sql", ".inc", ".txt", ".o"};
    struct str stem = str_slice(str_from(c), 0, strlen(c) - 2);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (!remove_file(em, arena_printf(em->a, "%.*s%s", STR_ARG(stem), endings[i])))
            return false;
    size_t slash = str_find(stem, '/');
    if (slash < stem.n)
        rmdir(output_path(em, arena_str(em->a, str_slice(stem, 0, slash)))); /* when it was the last */
    return true;
}

static int compare_text(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

/* `written` is sorted. */
static bool remove_all_stale(struct emitter *em)
{
    AUTO_MAPPED old = map_file(output_path(em, "sources.mk"));
    struct str rest = old, line;
    if (!old.p || !str_starts(old, STR("# Made by migrate-gen")))
        return true;
    while (str_next(&rest, '\n', &line)) {
        struct str name = str_trim(line);
        if (str_ends(name, STR("\\")))
            name = str_trim(str_slice(name, 0, name.n - 1));
        if (!is_own_name(name))
            continue;
        const char *c = arena_str(em->a, name);
        if (!bsearch(c, em->written.v, em->written.n, sizeof *em->written.v, compare_text) && !remove_stale(em, c))
            return false;
    }
    return true;
}

static bool emit_list(struct emitter *em)
{
    BUF_AUTO out = {0};
    strings_sort(&em->written);
    buf_addz(&out, sources_head);
    for (size_t i = 0; i < em->written.n; i++)
        buf_addf(&out, " \\\n\t%s", em->written.v[i]);
    buf_addc(&out, '\n');
    return remove_all_stale(em) && write_file(em, "sources.mk", buf_str(&out));
}

bool emit_sources(const struct source *s, const struct emit_options *options, struct err *e)
{
    ARENA_AUTO arena = {0};
    struct emitter em = {.source = s, .options = options, .a = &arena, .e = e};
    if (!make_folders(&em, options->output))
        return false;
    for (size_t i = 0; i < s->streams.n; i++)
        if (!emit_stream(&em, s->streams.v[i]))
            return false;
    return emit_catalogue(&em) && emit_list(&em);
}
