/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast JSON is read: by jansson's reader and by ours, and freed again. The documents are whole
 * files, or the lines of a .jsonl; they are sorted by size, for that is what decides. Each row is
 * the best of its rounds, a round being at least four million bytes; node.mjs does the same.
 *
 *     bench-json [--quick] FILE…
 */
#include "document/document.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLASSES = 6, ROUND = 4000000 };

static const size_t below[CLASSES] = {256, 1024, 4096, 16384, 65536, SIZE_MAX};

struct class
{
    struct slice *list;
    size_t count, room, bytes;
};

static json_t *by_jansson(struct slice text)
{
    return json_loadb(text.ptr, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                      NULL);
}

static json_t *by_us(struct slice text)
{
    json_t *value = NULL;
    return json_read(text, text.len, &value, NULL) ? NULL : value;
}

/* Of processor time: a busy machine makes waits, but no work. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Bytes a second of one round. */
static double measure(const struct class *class, json_t *(*read)(struct slice), size_t least)
{
    size_t passes = least / class->bytes + 1;
    double start = now();
    for (size_t pass = 0; pass < passes; pass++)
        for (size_t i = 0; i < class->count; i++)
            json_decref(read(class->list[i]));
    return (double)(passes * class->bytes) / (now() - start);
}

static void add(struct class *classes, struct slice text)
{
    json_t *value = by_us(text);
    if (!value)
        return;
    json_decref(value);
    struct class *class = classes;
    while (text.len >= below[class - classes])
        class ++;
    if (class->count == class->room) {
        class->room = class->room ? class->room * 2 : 64;
        class->list = xrealloc(class->list, class->room * sizeof(*class->list));
    }
    class->list[class->count++] = text;
    class->bytes += text.len;
}

/* Returns the bytes of the file, in which its documents lie. */
static char *add_file(struct class *classes, const char *name)
{
    FILE *file = fopen(name, "re");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        fprintf(stderr, "bench-json: cannot read %s\n", name);
        exit(EXIT_FAILURE);
    }
    size_t len = (size_t)ftell(file), length = strlen(name);
    char *bytes = xmalloc(len);
    rewind(file);
    len = fread(bytes, 1, len, file);
    fclose(file);
    if (length < 6 || strcmp(name + length - 6, ".jsonl") != 0) {
        add(classes, (struct slice){bytes, len});
        return bytes;
    }
    for (char *at = bytes, *end; at < bytes + len; at = end + 1) {
        end = memchr(at, '\n', (size_t)(bytes + len - at));
        if (!end)
            end = bytes + len;
        add(classes, (struct slice){at, (size_t)(end - at)});
    }
    return bytes;
}

static void print_row(const struct class *class, bool quick)
{
    if (class->count == 0) {
        printf("%10s %10s %12s %10s\n", "-", "0", "-", "-");
        return;
    }
    double jansson = 0, ours = 0, end = now() + (quick ? 0 : 2);
    size_t least = quick ? 1 : ROUND;
    do {
        jansson = fmax(jansson, measure(class, by_jansson, least));
        ours = fmax(ours, measure(class, by_us, least));
    } while (now() < end);
    printf("%10zu %10zu %12.1f %10.1f\n", class->bytes / class->count, class->count, jansson / 1e6,
           ours / 1e6);
}

int main(int argc, char **argv)
{
    struct class classes[CLASSES] = {0};
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    char **files = xcalloc((size_t)argc, sizeof(*files));
    for (int i = 1 + quick; i < argc; i++)
        files[i] = add_file(classes, argv[i]);
    printf("%10s %10s %12s %10s\n", "bytes", "documents", "jansson", "ours");
    for (int i = 0; i < CLASSES; i++) {
        print_row(&classes[i], quick);
        free(classes[i].list);
    }
    for (int i = 0; i < argc; i++)
        free(files[i]);
    free((void *)files);
    return EXIT_SUCCESS;
}
