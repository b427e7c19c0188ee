/* SPDX-License-Identifier: Apache-2.0
 *
 * Seam's side of the benchmark of contracts: a process that stays, told by lines on standard input
 * what to do, with one line of answer for each. The words are separated by tabs.
 *
 *   load SCHEMA DOCUMENTS  DOCUMENTS is a JSON value a line: "loaded N" or "refused WHY"
 *   verdicts               a V or an I for each document
 *   alone LOOPS            each document LOOPS times, then the next: nanoseconds of each
 *   turns LOOPS            all documents, LOOPS times: nanoseconds of one time
 *   parse LOOPS            the same from text: each is read, asked about and freed
 *
 * Formats only annotate, and so do keywords that nobody knows, as for the peers beside it.
 */
#include "contract/contract.h"
#include "document/document.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FILE_MAX = 256 << 20 };

struct side {
    struct contract *contract;
    char *text; /* of the documents; lines point into it */
    struct slice *lines;
    json_t **values;
    size_t count;
};

static void unload(struct side *side)
{
    for (size_t i = 0; i < side->count; i++)
        json_decref(side->values[i]);
    contract_unref(side->contract);
    free(side->text);
    free(side->lines);
    free(side->values);
    *side = (struct side){0};
}

static char *read_whole(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    struct text text;
    text_init(&text, FILE_MAX);
    for (;;) {
        char *room = text_room(&text, 1 << 16);
        size_t got = room ? fread(room, 1, 1 << 16, file) : 0;
        if (got == 0)
            break;
        text.len += got;
    }
    bool bad = ferror(file) || text.overflowed;
    fclose(file);
    if (bad) {
        text_done(&text);
        return NULL;
    }
    *ret_len = text.len;
    return text_take(&text);
}

static enum error_code read_documents(struct side *side, const char *path, struct error *reterr)
{
    size_t len = 0;
    side->text = read_whole(path, &len);
    if (!side->text)
        return error_set(reterr, ERR_IO, "cannot read %s", path);
    size_t room = 0;
    for (char *at = side->text, *end = at + len; at < end;) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        struct slice line = {at, (size_t)(stop - at)};
        at = stop + 1;
        if (line.len == 0)
            continue;
        if (side->count == room) {
            room = room ? room * 2 : 64;
            side->lines = xrealloc(side->lines, room * sizeof(*side->lines));
            side->values = xrealloc(side->values, room * sizeof(json_t *));
        }
        enum error_code code = json_read(line, FILE_MAX, &side->values[side->count], reterr);
        if (code != ERR_OK) {
            error_prefix(reterr, "document %zu: ", side->count + 1);
            return code;
        }
        side->lines[side->count++] = line;
    }
    return ERR_OK;
}

static enum error_code load(struct side *side, const char *schema_path, const char *documents_path,
                            struct error *reterr)
{
    json_t *schema = NULL;
    enum error_code code = json_read_file(schema_path, FILE_MAX, &schema, reterr);
    if (code != ERR_OK)
        return code;
    struct contract_options options = {.annotate_formats = true, .lenient = true};
    code = contract_compile(schema, &options, &side->contract, reterr);
    json_decref(schema);
    return code == ERR_OK ? read_documents(side, documents_path, reterr) : code;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t ask_value(const struct side *side, size_t i)
{
    return contract_accepts(side->contract, side->values[i]);
}

static uint64_t ask_text(const struct side *side, size_t i)
{
    json_t *value = NULL;
    ASSERT(json_read(side->lines[i], FILE_MAX, &value, NULL) == ERR_OK);
    uint64_t fits = contract_accepts(side->contract, value);
    json_decref(value);
    return fits;
}

/* A verdict that changes between two loops would be our bug; and the sum keeps the loops alive. */
static void answer_alone(const struct side *side, uint64_t loops)
{
    for (size_t i = 0; i < side->count; i++) {
        uint64_t fits = 0;
        int64_t start = now_ns();
        for (uint64_t n = 0; n < loops; n++)
            fits += ask_value(side, i);
        int64_t end = now_ns();
        ASSERT(fits == 0 || fits == loops);
        printf("%s%.1f", i ? " " : "", (double)(end - start) / (double)loops);
    }
    putchar('\n');
}

static void answer_turns(const struct side *side, uint64_t loops,
                         uint64_t (*ask)(const struct side *, size_t))
{
    uint64_t fits = 0;
    int64_t start = now_ns();
    for (uint64_t n = 0; n < loops; n++)
        for (size_t i = 0; i < side->count; i++)
            fits += ask(side, i);
    int64_t end = now_ns();
    ASSERT(fits % loops == 0);
    printf("%.1f\n", (double)(end - start) / (double)loops);
}

static uint64_t number(const char *text)
{
    uint64_t loops = strtoull(text, NULL, 10);
    return loops ? loops : 1;
}

static bool answer(struct side *side, char *line)
{
    char *rest = line;
    const char *verb = strsep(&rest, "\t");
    const char *first = rest ? strsep(&rest, "\t") : "";
    const char *second = rest ? rest : "";
    struct error error;
    if (strcmp(verb, "load") == 0) {
        unload(side);
        if (load(side, first, second, &error) == ERR_OK)
            printf("loaded %zu\n", side->count);
        else
            printf("refused %.*s\n", (int)strcspn(error.text, "\n"), error.text);
    } else if (strcmp(verb, "verdicts") == 0) {
        for (size_t i = 0; i < side->count; i++)
            putchar(contract_accepts(side->contract, side->values[i]) ? 'V' : 'I');
        putchar('\n');
    } else if (strcmp(verb, "alone") == 0) {
        answer_alone(side, number(first));
    } else if (strcmp(verb, "turns") == 0) {
        answer_turns(side, number(first), ask_value);
    } else if (strcmp(verb, "parse") == 0) {
        answer_turns(side, number(first), ask_text);
    } else {
        fprintf(stderr, "seam_side: no such word: %s\n", verb);
        return false;
    }
    fflush(stdout);
    return true;
}

int main(void)
{
    struct side side = {0};
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    bool understood = true;
    while (understood && (len = getline(&line, &room, stdin)) > 0) {
        line[strcspn(line, "\n")] = 0;
        understood = answer(&side, line);
    }
    free(line);
    unload(&side);
    return understood ? 0 : 2;
}
