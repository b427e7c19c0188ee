/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiling and matching with PCRE2. A compiled pattern is shared by threads, and immutable from
 * its first match on, for which it becomes machine code: most patterns of a short run are never
 * matched. All that changes while matching lives in the caller's match_room, whose memory PCRE2 is
 * handed through its allocator. JIT code needs nothing more; the interpreter, which takes over
 * where there is no JIT or its stack is too small, allocates frames up to LIMIT_PATTERN_HEAP.
 */
#include "contract/regex_internal.h"

#include "base/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum machine_code { UNTRIED, INTERPRETED, COMPILED };

struct regex {
    struct slice source; /* borrowed from the schema */
    struct simple simple;
    pcre2_code *code;    /* NULL if the pattern is simple */
    atomic_int *machine; /* enum machine_code; it may be of a const regex */
};

/* One after the other: whoever is the second to match a pattern waits until it is compiled. */
static pthread_mutex_t compiling = PTHREAD_MUTEX_INITIALIZER;

/* A character of the source becomes at most a class of this many bytes. */
enum { GROWTH = 200 };

static enum error_code compile(const struct text *translated, struct regex *regex,
                               struct error *reterr)
{
    int problem;
    PCRE2_SIZE at;
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF |
                       PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP | PCRE2_DUPNAMES;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text_str(translated), translated->len, options,
                                     &problem, &at, NULL);
    if (!code) {
        unsigned char words[160];
        pcre2_get_error_message(problem, words, sizeof(words));
        return error_set(reterr, ERR_INPUT, "%s", (const char *)words);
    }
    regex->code = code;
    regex->machine = xcalloc(1, sizeof(*regex->machine));
    return ERR_OK;
}

enum error_code regex_new(struct slice source, struct regex **ret_regex, struct error *reterr)
{
    AUTO(text_done) struct text translated;
    struct regex regex = {.source = source};
    text_init(&translated, source.len * GROWTH + GROWTH);
    enum error_code code = ecma_translate(source, &translated, reterr);
    if (!code && !simple_of(source, &regex.simple))
        code = compile(&translated, &regex, reterr);
    if (code)
        return code;
    *ret_regex = xmalloc(sizeof(regex));
    **ret_regex = regex;
    return ERR_OK;
}

void regex_free(struct regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    free(regex->machine);
    free(regex->simple.literal);
    free(regex);
}

struct slice regex_source(const struct regex *regex)
{
    return regex->source;
}

bool regex_is_simple(const struct regex *regex)
{
    return regex->code == NULL;
}

bool regex_always(const struct regex *regex)
{
    const struct simple *simple = &regex->simple;
    return !regex->code && simple->kind == SIMPLE_LITERAL && simple->length == 0 &&
           !(simple->starts && simple->ends);
}

static void *room_malloc(size_t size, void *user)
{
    struct match_room *room = user;
    size_t aligned = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    if (aligned < size || aligned > sizeof(room->memory) - room->used)
        return malloc(size);
    void *memory = room->memory + room->used;
    room->used += aligned;
    return memory;
}

static void room_free(void *memory, void *user)
{
    const struct match_room *room = user;
    uintptr_t at = (uintptr_t)memory, start = (uintptr_t)room->memory;
    if (at < start || at >= start + sizeof(room->memory))
        free(memory);
}

static void room_init(struct match_room *room)
{
    pcre2_general_context *general = pcre2_general_context_create(room_malloc, room_free, room);
    room->data = pcre2_match_data_create(1, general);
    room->context = pcre2_match_context_create(general);
    ASSERT(general && room->data && room->context); /* they fit into the room's memory */
    uint32_t steps = room->steps ? room->steps : LIMIT_PATTERN_STEPS;
    pcre2_set_match_limit(room->context, steps);
    pcre2_set_heap_limit(room->context, LIMIT_PATTERN_HEAP / 1024);
    pcre2_set_depth_limit(room->context, steps);
    pcre2_general_context_free(general);
}

void match_room_done(struct match_room *room)
{
    if (!room->data)
        return;
    pcre2_match_data_free(room->data);
    pcre2_match_context_free(room->context);
}

static bool is_machine_code(const struct regex *regex)
{
    int machine = atomic_load_explicit(regex->machine, memory_order_acquire);
    if (machine != UNTRIED)
        return machine == COMPILED;
    pthread_mutex_lock(&compiling);
    machine = atomic_load_explicit(regex->machine, memory_order_relaxed);
    if (machine == UNTRIED) {
        bool made = pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE) == 0;
        machine = made ? COMPILED : INTERPRETED;
        atomic_store_explicit(regex->machine, machine, memory_order_release);
    }
    pthread_mutex_unlock(&compiling);
    return machine == COMPILED;
}

static bool all_ascii(struct slice s)
{
    uint64_t high = 0, word;
    size_t i = 0;
    for (; i + sizeof(word) <= s.len; i += sizeof(word)) {
        memcpy(&word, s.ptr + i, sizeof(word));
        high |= word;
    }
    for (; i < s.len; i++)
        high |= (unsigned char)s.ptr[i];
    return (high & 0x8080808080808080u) == 0;
}

/* The compiled code is called without PCRE2's own checks, which take longer than most matches. They
 * are for UTF-8, and ASCII is that. */
static int match_code(const struct regex *regex, struct slice string, struct match_room *room)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)string.ptr;
    int answer = PCRE2_ERROR_JIT_BADOPTION;
    bool machine_code = is_machine_code(regex);
    if (machine_code && all_ascii(string))
        answer = pcre2_jit_match(regex->code, subject, string.len, 0, 0, room->data, room->context);
    else if (machine_code)
        answer = pcre2_match(regex->code, subject, string.len, 0, 0, room->data, room->context);
    if (answer == PCRE2_ERROR_JIT_STACKLIMIT || answer == PCRE2_ERROR_JIT_BADOPTION)
        answer = pcre2_match(regex->code, subject, string.len, 0, PCRE2_NO_JIT, room->data,
                             room->context);
    return answer;
}

enum match regex_match(const struct regex *regex, struct slice string, struct match_room *room)
{
    if (!regex->code)
        return simple_matches(&regex->simple, string) ? MATCH_YES : MATCH_NO;
    if (!room->data)
        room_init(room);
    int answer = match_code(regex, string, room);
    if (answer >= 0)
        return MATCH_YES;
    return answer == PCRE2_ERROR_NOMATCH ? MATCH_NO : MATCH_GAVE_UP;
}
