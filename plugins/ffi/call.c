/* SPDX-License-Identifier: Apache-2.0
 *
 * An agent's calls, one after the other. What they need is made ready before any of them begins
 * wherever it can be, so that a wrong input is found while nothing has been done; handles that were
 * made are destroyed at the end, the last first, however it ended.
 */
#include "ffi.h"

#include <errno.h>

struct run {
    const struct agent *agent;
    seam_bytes input;
    seam_writer out;
    struct trouble trouble;
    void *handles[FFI_HANDLES], *destroy[FFI_HANDLES];
    bool began, harmless;
    int number; /* errno; 0: it was not asked for */
};

struct going { /* one call of it */
    const struct call *call;
    struct live live[FFI_ARGS];
    struct collector collectors[FFI_ARGS];
    union cell result; /* of a struct: a pointer to it */
    char *room;        /* of a struct that is returned by value */
};

/* A pointer to a function that was found by its name. */
typedef void *(*of_pointer)(void *);
typedef char *(*of_number)(int);

static void *call_with(void *function, void *pointer)
{
    of_pointer known;
    memcpy(&known, &function, sizeof(known));
    return known(pointer);
}

/* ---- before ---- */

static bool set_length(struct going *g, int index, struct trouble *t)
{
    const struct arg *arg = &g->call->args[index], *of = &g->call->args[arg->length_of];
    struct live *live = &g->live[index], *whose = &g->live[arg->length_of];
    size_t bytes = of->out ? whose->room : whose->len;
    size_t length = of->kind == KIND_ARRAY ? bytes / of->scalar->size : bytes;
    if (of->kind == KIND_ARRAY && of->in)
        length = whose->len / of->scalar->size;
    return scalar_store(arg->scalar, length,
                        arg->by_pointer ? (void *)&live->inner : &live->cell) ||
           trouble_say(t, "/%s: a length of %zu is more than %s holds",
                       of->name ? of->name : "value", length, arg->scalar->name);
}

static bool prepare(struct run *run, struct going *g)
{
    const struct call *call = g->call;
    for (int i = 0; i < call->arg_count; i++) {
        const struct arg *arg = &call->args[i];
        if (!live_take(&g->live[i], arg, run->input, &run->trouble))
            return false;
        if (arg->kind != KIND_CALLBACK)
            continue;
        if (!collector_open(&g->collectors[i], arg->callback, &run->trouble))
            return false;
        g->live[i].cell.p = g->collectors[i].code;
    }
    const struct returns *ret = &call->returns;
    if (ret->kind == KIND_STRUCT && !ret->by_pointer) { /* libffi writes a register at least */
        g->room = calloc(1, ret->shape->type.size + sizeof(ffi_arg));
        if (!g->room)
            return trouble_say(&run->trouble, "%s: memory is short", call->name);
    }
    for (int i = 0; i < call->arg_count; i++)
        if (call->args[i].length_of != NOTHING && !set_length(g, i, &run->trouble))
            return false;
    return true;
}

/* Handles are known only when their turn has come. */
static bool pass_handles(struct run *run, struct going *g)
{
    for (int i = 0; i < g->call->arg_count; i++) {
        const struct arg *arg = &g->call->args[i];
        if (arg->kind != KIND_HANDLE)
            continue;
        void *handle = run->handles[arg->handle];
        if (!handle && !arg->out && !arg->nullable)
            return trouble_say(&run->trouble, "%s: the handle `%s` is NULL", g->call->name,
                               arg->name);
        if (arg->out)
            g->live[i].inner.p = handle;
        else
            g->live[i].cell.p = handle;
    }
    return true;
}

/* ---- after ---- */

static void keep_handles(struct run *run, const struct going *g)
{
    for (int i = 0; i < g->call->arg_count; i++) {
        const struct arg *arg = &g->call->args[i];
        if (arg->kind != KIND_HANDLE || !arg->out)
            continue;
        run->handles[arg->handle] = g->live[i].inner.p;
        run->destroy[arg->handle] = arg->destroy;
    }
    const struct returns *ret = &g->call->returns;
    if (ret->kind == KIND_HANDLE) {
        run->handles[ret->handle] = g->result.p;
        run->destroy[ret->handle] = ret->destroy;
    }
}

/* libffi widens integers that are smaller than a register. */
static void narrow(const struct returns *ret, union cell *result)
{
    if (ret->scalar && ret->scalar->code != 'f' && ret->scalar->size < sizeof(ffi_arg)) {
        uint64_t bits = (uint64_t)result->arg;
        if (ret->scalar->size == 1)
            result->u8 = (uint8_t)bits;
        else if (ret->scalar->size == 2)
            result->u16 = (uint16_t)bits;
        else
            result->u32 = (uint32_t)bits;
    }
}

static bool has_failed(const struct returns *ret, const union cell *result)
{
    int64_t value = ret->scalar ? scalar_integer(ret->scalar, result) : 0;
    switch (ret->fails) {
    case FAILS_NEVER:
        return ret->kind == KIND_HANDLE && !ret->nullable && !result->p;
    case FAILS_NEGATIVE:
        return value < 0;
    case FAILS_ZERO:
        return value == 0;
    case FAILS_NONZERO:
        return value != 0;
    case FAILS_NULL:
        break;
    }
    return !result->p;
}

static bool say_failure(struct run *run, const struct going *g, int number)
{
    const struct returns *ret = &g->call->returns;
    char returned[64] = "NULL", text[400] = "", words[64] = "";
    if (ret->scalar)
        snprintf(returned, sizeof(returned), "%lld",
                 (long long)scalar_integer(ret->scalar, &g->result));
    if (ret->message) {
        of_number of_code;
        memcpy(&of_code, &ret->message, sizeof(of_code));
        const char *said = ret->message_of != NOTHING
                               ? call_with(ret->message, run->handles[ret->message_of])
                               : of_code((int)scalar_integer(ret->scalar, &g->result));
        bool good = said && seam_is_utf8(seam_text(said));
        snprintf(text, sizeof(text), ": %.300s", good ? said : "(no message in UTF-8)");
    }
    if (ret->with_errno) {
        run->number = number;
        snprintf(words, sizeof(words), " (errno %d, %s)", number,
                 strerrorname_np(number) ? strerrorname_np(number) : "unknown");
    }
    run->harmless = ret->harmless;
    size_t len = strlen(text);
    while (len > 0 && !seam_is_utf8((seam_bytes){text, len}))
        text[--len] = '\0'; /* a character that was cut */
    return trouble_say(&run->trouble, "%s returned %s%s%s", g->call->name, returned, text, words);
}

/* The lengths that the function told of what it wrote. */
static bool learn_lengths(struct run *run, struct going *g)
{
    for (int i = 0; i < g->call->arg_count; i++) {
        const struct arg *arg = &g->call->args[i];
        struct live *live = &g->live[i];
        if (!arg->out || (arg->kind != KIND_BUFFER && arg->kind != KIND_ARRAY))
            continue;
        const struct returns *ret = &g->call->returns;
        size_t unit = arg->kind == KIND_ARRAY ? arg->scalar->size : 1;
        uint64_t length;
        if (arg->length != NOTHING && g->call->args[arg->length].out)
            length = (uint64_t)scalar_integer(g->call->args[arg->length].scalar,
                                              &g->live[arg->length].inner);
        else if (ret->length_of == i)
            length = (uint64_t)scalar_integer(ret->scalar, &g->result);
        else if (arg->utf8)
            length = strnlen(live->bytes, live->room);
        else
            length = arg->in ? live->len / unit : live->room / unit;
        if (length > live->room / unit)
            return trouble_say(
                &run->trouble, "%s says that `%s` has %llu, and there is room for %zu",
                g->call->name, arg->name, (unsigned long long)length, live->room / unit);
        live->len = (size_t)length * unit;
    }
    return true;
}

static bool give_result(struct run *run, const struct going *g)
{
    const struct returns *ret = &g->call->returns;
    if (!ret->name || ret->kind == KIND_HANDLE)
        return true;
    if (ret->kind == KIND_SCALAR || ret->kind == KIND_ENUM) {
        if (ret->kind == KIND_SCALAR)
            scalar_write(ret->scalar, &g->result, &run->out, ret->name);
        else
            word_write(ret->shape, &g->result, &run->out, ret->name);
        return true;
    }
    if (!g->result.p && !ret->nullable)
        return trouble_say(&run->trouble, "%s returned NULL", g->call->name);
    if (ret->kind == KIND_STRUCT && g->result.p) {
        record_write(ret->shape, g->result.p, &run->out, ret->name);
        return true;
    }
    if (g->result.p && strnlen(g->result.p, FFI_BYTES + 1) > FFI_BYTES)
        return trouble_say(&run->trouble, "%s returned more than %d bytes", g->call->name,
                           FFI_BYTES);
    put_string(&run->out, ret->name, g->result.p);
    return true;
}

static bool give(struct run *run, struct going *g)
{
    for (int i = 0; i < g->call->arg_count; i++) {
        const struct arg *arg = &g->call->args[i];
        struct collector *c = &g->collectors[i];
        if (c->closure && c->overflowed)
            return trouble_say(&run->trouble, "%s gave more than %d rows or %d bytes to `%s`",
                               g->call->name, FFI_ROWS, FFI_BYTES, arg->name);
        if (c->closure && !arg->callback->compare) {
            seam_put_end(&c->rows);
            seam_put_json(&run->out, arg->name, seam_written(&c->rows));
        } else if (arg->out && arg->kind != KIND_HANDLE && arg->length_of == NOTHING &&
                   !live_give(&g->live[i], arg, &run->out, &run->trouble)) {
            return false;
        }
    }
    return give_result(run, g);
}

static bool go(struct run *run, struct going *g)
{
    void *values[FFI_ARGS], (*function)(void);
    for (int i = 0; i < g->call->arg_count; i++) {
        const struct arg *arg = &g->call->args[i];
        bool whole = arg->kind == KIND_STRUCT && !arg->by_pointer;
        values[i] = whole ? (void *)g->live[i].bytes : &g->live[i].cell;
    }
    memcpy(&function, &g->call->function, sizeof(function));
    run->began = true;
    errno = 0;
    ffi_call((ffi_cif *)(uintptr_t)&g->call->cif, function, g->room ? (void *)g->room : &g->result,
             values);
    int number = errno;
    if (g->room)
        g->result.p = g->room;
    for (int i = 0; i < g->call->arg_count; i++)
        if (!live_intact(&g->live[i])) {
            fprintf(stderr, "%s wrote behind the room of `%s`\n", g->call->name,
                    g->call->args[i].name);
            abort(); /* its memory, and so ours, is not to be trusted any more */
        }
    narrow(&g->call->returns, &g->result);
    keep_handles(run, g);
    bool good = has_failed(&g->call->returns, &g->result) ? say_failure(run, g, number)
                                                          : learn_lengths(run, g) && give(run, g);
    if (g->call->returns.free && g->result.p)
        call_with(g->call->returns.free, g->result.p);
    return good;
}

/* ---- the whole ---- */

static void complete(struct run *run, const seam_host *host, seam_id call, bool good)
{
    bool changes = run->agent->effect >= SEAM_WRITE_IDEMPOTENT;
    if (good) {
        seam_complete_ok(host, call, changes ? SEAM_EFFECT_DONE : SEAM_EFFECT_NONE,
                         seam_written(&run->out));
        return;
    }
    seam_writer body = SEAM_WRITER;
    seam_put_object(&body, NULL);
    seam_put_text(&body, "message", run->trouble.text);
    if (run->number)
        seam_put_integer(&body, "errno", run->number);
    seam_put_end(&body);
    bool nothing = !run->began || !changes || run->harmless;
    seam_complete_(host, call, run->began ? SEAM_E_FAILED : SEAM_E_INPUT,
                   nothing ? SEAM_EFFECT_NONE : SEAM_EFFECT_UNKNOWN, seam_written(&body), "");
    seam_writer_done(&body);
}

seam_status agent_run(const struct agent *agent, const seam_host *host, const seam_call *call)
{
    static const seam_writer empty = SEAM_WRITER;
    struct run run = {.agent = agent, .input = call->input, .out = empty};
    struct going *all = calloc((size_t)agent->call_count, sizeof(*all));
    bool good = all != NULL;
    seam_put_object(&run.out, NULL);
    for (int i = 0; good && i < agent->call_count; i++) {
        all[i].call = &agent->calls[i];
        good = prepare(&run, &all[i]);
    }
    for (int i = 0; good && i < agent->call_count; i++)
        good = pass_handles(&run, &all[i]) && go(&run, &all[i]);
    seam_put_end(&run.out);
    for (int i = agent->handle_count; i-- > 0;)
        if (run.handles[i] && run.destroy[i])
            call_with(run.destroy[i], run.handles[i]);
    complete(&run, host, call->id, good);
    for (int i = 0; all && i < agent->call_count; i++) {
        free(all[i].room);
        for (int k = 0; k < FFI_ARGS; k++) {
            collector_done(&all[i].collectors[k]);
            free(all[i].live[k].bytes);
            kept_done(&all[i].live[k].kept);
        }
    }
    free(all);
    seam_writer_done(&run.out);
    return SEAM_OK;
}
