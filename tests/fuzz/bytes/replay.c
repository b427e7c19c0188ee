/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a harness over inputs that are kept, and over inputs made of them by chance, where there is
 * no libFuzzer:
 *
 *     fuzz-NAME [--seconds N] [--seed S] [--dict FILE] SEED…      files, or folders of them
 *
 * Without --seconds the seeds alone. An input that crashes, breaks a claim or does not end is
 * written to crash-NAME in the current folder, with the command that runs it again; without a word
 * of it nothing was found.
 */
#include "bytes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HANG_S = 120, SEED_MAX = 1 << 20, WORD_MAX = 64, OPERATIONS = 7 };

struct input {
    char *name;
    uint8_t *bytes;
    size_t size;
};

struct inputs {
    struct input *list;
    size_t count;
};

/* What is being tried, for whoever has to tell of it. */
static const uint8_t *trying;
static size_t trying_size;
static char crash_file[128];

/* ---- the end ---- */

static void say(const char *words)
{
    (void)!write(STDERR_FILENO, words, strlen(words));
}

static void keep_crash(void)
{
    int fd = open(crash_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || !trying)
        return;
    (void)!write(fd, trying, trying_size);
    close(fd);
    say("\nagain: ");
    say(program_invocation_name);
    say(" ");
    say(crash_file);
    say("\n");
    trying = NULL;
}

static void on_signal(int number)
{
    if (number == SIGALRM)
        say("\nan input does not end\n");
    keep_crash();
    signal(number, SIG_DFL);
    raise(number);
    _exit(EXIT_FAILURE);
}

/* Of the sanitizers, if there is one. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch_for_the_end(void)
{
    snprintf(crash_file, sizeof(crash_file), "crash-%.100s", program_invocation_short_name);
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(keep_crash);
    else
        signal(SIGSEGV, on_signal);
}

static void try(const uint8_t *bytes, size_t size)
{
    /* Exactly as long as it is, so that a sanitizer sees what is read beyond. */
    uint8_t *copy = xmalloc(size > 0 ? size : 1);
    memcpy(copy, bytes, size);
    trying = copy;
    trying_size = size;
    alarm(HANG_S);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    trying = NULL;
    free(copy);
}

/* ---- seeds ---- */

static void add(struct inputs *inputs, const char *name, uint8_t *bytes, size_t size)
{
    inputs->list = xrealloc(inputs->list, (inputs->count + 1) * sizeof(*inputs->list));
    inputs->list[inputs->count++] = (struct input){xstrdup(name), bytes, size};
}

static void add_file(struct inputs *inputs, const char *path)
{
    FILE *file = fopen(path, "r");
    uint8_t *bytes = xmalloc(SEED_MAX);
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(EXIT_FAILURE);
    }
    size_t size = fread(bytes, 1, SEED_MAX, file);
    fclose(file);
    add(inputs, path, xrealloc(bytes, size + 1), size);
}

static int by_name(const void *a, const void *b)
{
    const struct input *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static void add_path(struct inputs *inputs, const char *path)
{
    struct stat st;
    DIR *folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    if (!folder) {
        add_file(inputs, path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        AUTO(freep) char *file = xasprintf("%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            add_file(inputs, file);
    }
    closedir(folder);
    qsort(inputs->list, inputs->count, sizeof(*inputs->list), by_name);
}

/* "word" or name="word", as libFuzzer reads it: \\, \" and \xAB are escapes. */
static void add_words(struct inputs *words, const char *path)
{
    char line[4 * WORD_MAX + 64];
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        uint8_t *word = xmalloc(WORD_MAX);
        size_t size = 0;
        const char *at = line[0] == '#' ? NULL : strchr(line, '"');
        for (at = at ? at + 1 : ""; *at && *at != '"' && size < WORD_MAX; at++) {
            char hex[3] = {0};
            if (at[0] == '\\' && at[1] == 'x' && at[2] && at[3]) {
                memcpy(hex, at + 2, 2);
                word[size++] = (uint8_t)strtoul(hex, NULL, 16);
                at += 3;
                continue;
            }
            at += at[0] == '\\' && at[1];
            word[size++] = (uint8_t)*at;
        }
        if (size > 0)
            add(words, "", word, size);
        else
            free(word);
    }
    if (file)
        fclose(file);
}

static void done(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        free(inputs->list[i].name);
        free(inputs->list[i].bytes);
    }
    free(inputs->list);
}

/* ---- chance ---- */

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t limit)
{
    return (size_t)(draw(state) % (limit > 0 ? limit : 1));
}

/* Replaces `cut` bytes at a place by others. */
static void replace(struct text *t, size_t at, size_t cut, const void *bytes, size_t size)
{
    if (at > t->len || cut > t->len - at || !text_room(t, size))
        return;
    memmove(t->ptr + at + size, t->ptr + at + cut, t->len - at - cut);
    memcpy(t->ptr + at, bytes, size);
    t->len += size - cut;
}

static void change(struct text *t, const struct inputs *seeds, const struct inputs *words,
                   uint64_t *state)
{
    size_t at = below(state, t->len + 1), length = below(state, 1 + below(state, 32));
    const struct input *other = &seeds->list[below(state, seeds->count)];
    const struct input *word = words->count > 0 ? &words->list[below(state, words->count)] : other;
    AUTO(freep) char *part = NULL;
    uint8_t byte = (uint8_t)draw(state);
    switch (below(state, OPERATIONS)) {
    case 0:
        if (at < t->len)
            t->ptr[at] = (char)(t->ptr[at] ^ (1 << below(state, 8)));
        return;
    case 1:
        replace(t, at, at < t->len, &byte, 1);
        return;
    case 2:
        replace(t, at, length, "", 0);
        return;
    case 3:
        if (length > t->len - at)
            return;
        part = xstrndup(t->ptr + at, length);
        replace(t, below(state, t->len + 1), 0, part, length);
        return;
    case 4:
        at = below(state, other->size + 1);
        length = below(state, other->size - at + 1);
        replace(t, below(state, t->len + 1), 0, other->bytes + at, length);
        return;
    default:
        replace(t, at, below(state, 2) ? 0 : word->size, word->bytes, word->size);
        return;
    }
}

static unsigned long try_chances(const struct inputs *seeds, const struct inputs *words,
                                 unsigned long seconds, uint64_t seed)
{
    time_t end = time(NULL) + (time_t)seconds;
    unsigned long tried = 0;
    AUTO(text_done) struct text t;
    text_init(&t, SEED_MAX);
    for (; seeds->count > 0 && time(NULL) < end; tried++) {
        const struct input *from = &seeds->list[below(&seed, seeds->count)];
        text_clear(&t);
        text_add(&t, (const char *)from->bytes, from->size);
        for (size_t i = 0, count = 1 + below(&seed, 4); i < count; i++)
            change(&t, seeds, words, &seed);
        try((const uint8_t *)text_str(&t), t.len);
    }
    return tried;
}

int main(int argc, char **argv)
{
    struct inputs seeds = {0}, words = {0};
    unsigned long seconds = 0, seed = 1;
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && strcmp(argv[i], "--seconds") == 0)
            seconds = strtoul(argv[++i], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            seed = strtoul(argv[++i], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--dict") == 0)
            add_words(&words, argv[++i]);
        else
            add_path(&seeds, argv[i]);
    }
    watch_for_the_end();
    for (size_t i = 0; i < seeds.count; i++) {
        if (seconds == 0)
            fprintf(stderr, "%s\n", seeds.list[i].name);
        try(seeds.list[i].bytes, seeds.list[i].size);
    }
    unsigned long tried = try_chances(&seeds, &words, seconds, seed);
    printf("%zu seeds, and %lu inputs made of them\n", seeds.count, tried);
    size_t count = seeds.count;
    done(&seeds);
    done(&words);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
