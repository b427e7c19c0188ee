/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that a library calls back. There are two: one keeps what it is given, a row each time,
 * and asks to be stopped when it is too much; the other compares two elements of an array. They are
 * made while the plugin runs, so the operator must grant it code of that kind: `jit`.
 */
#include "ffi.h"

static int64_t integer_of(const struct collector *c, int index, void **values)
{
    return scalar_integer(c->callback->args[index].scalar, values[index]);
}

static void keep_strings(struct collector *c, const struct callback_arg *arg, char **strings,
                         int64_t count)
{
    seam_put_array(&c->rows, arg->name);
    for (int64_t i = 0; strings && i < count && !c->overflowed; i++) {
        c->bytes += strings[i] ? strlen(strings[i]) : 4;
        c->overflowed = c->bytes > FFI_BYTES;
        if (!c->overflowed)
            put_string(&c->rows, NULL, strings[i]);
    }
    seam_put_end(&c->rows);
}

static void keep(struct collector *c, void **values)
{
    seam_put_object(&c->rows, NULL);
    for (int i = 0; i < c->callback->arg_count; i++) {
        const struct callback_arg *arg = &c->callback->args[i];
        if (!arg->name)
            continue;
        if (arg->kind == KIND_SCALAR)
            scalar_write(arg->scalar, values[i], &c->rows, arg->name);
        else if (arg->kind == KIND_STRINGS)
            keep_strings(c, arg, *(char ***)values[i], integer_of(c, arg->count, values));
        else if (arg->kind == KIND_STRING)
            put_string(&c->rows, arg->name, *(char **)values[i]);
    }
    seam_put_end(&c->rows);
}

static void collect(ffi_cif *cif, void *ret, void **values, void *user)
{
    struct collector *c = user;
    (void)cif;
    c->overflowed = c->overflowed || c->count == FFI_ROWS || c->bytes > FFI_BYTES;
    if (!c->overflowed) {
        c->count++;
        c->bytes += 16;
        keep(c, values);
    }
    int32_t answer = c->overflowed ? c->callback->stop : c->callback->returns;
    *(ffi_arg *)ret = (ffi_arg)(ffi_sarg)answer;
}

static void compare(ffi_cif *cif, void *ret, void **values, void *user)
{
    struct collector *c = user;
    (void)cif;
    int order = scalar_compare(c->callback->compare, *(void **)values[0], *(void **)values[1]);
    *(ffi_arg *)ret = (ffi_arg)(ffi_sarg)(c->callback->descending ? -order : order);
}

bool collector_open(struct collector *c, const struct callback *callback, struct trouble *t)
{
    static const seam_writer empty = SEAM_WRITER;
    *c = (struct collector){.callback = callback, .rows = empty};
    c->closure = ffi_closure_alloc(sizeof(*c->closure), &c->code);
    ffi_cif *cif = (ffi_cif *)(uintptr_t)&callback->cif;
    if (!c->closure || ffi_prep_closure_loc(c->closure, cif, callback->compare ? compare : collect,
                                            c, c->code) != FFI_OK)
        return trouble_say(t,
                           "a callback cannot be made here (cure: grant the plugin `jit: true`)");
    seam_put_array(&c->rows, NULL);
    return true;
}

void collector_done(struct collector *c)
{
    if (c->closure)
        ffi_closure_free(c->closure);
    seam_writer_done(&c->rows);
    c->closure = NULL;
}
