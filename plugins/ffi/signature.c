/* SPDX-License-Identifier: Apache-2.0
 *
 * From the configuration to what is called. Its shape has been checked against config.schema.json;
 * here is what a schema cannot say: names that must be there, lengths that must belong to
 * something, functions that the library must have. Each complaint names its place.
 */
#include "ffi.h"

#include <dlfcn.h>
#include <stdarg.h>

bool trouble_say(struct trouble *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (t->text[0] == '\0')
        vsnprintf(t->text, sizeof(t->text), format, args);
    va_end(args);
    return false;
}

char *json_word(seam_bytes json, const char *pointer)
{
    return seam_json_text(seam_json_at(json, pointer), NULL);
}

/* What the configuration says of one call, while it is read. */
struct reading {
    struct agent *agent;
    struct call *call;
    const struct library *library;
    struct trouble *trouble;
    char place[128];
};

static int find_handle(struct agent *agent, const char *name, bool add)
{
    for (int i = 0; i < agent->handle_count; i++)
        if (strcmp(agent->handles[i], name) == 0)
            return i;
    if (!add || agent->handle_count == FFI_HANDLES)
        return NOTHING;
    agent->handles[agent->handle_count] = strdup(name);
    return agent->handle_count++;
}

static int find_arg(const struct call *call, const char *name)
{
    for (int i = 0; name && i < call->arg_count; i++)
        if (call->args[i].name && strcmp(call->args[i].name, name) == 0)
            return i;
    return NOTHING;
}

/* A function of the library by the name at the pointer, if there is one. */
static bool find_symbol(const struct reading *r, seam_bytes json, const char *pointer,
                        void **ret_symbol)
{
    char *name = json_word(json, pointer);
    *ret_symbol = name ? dlsym(r->library->loaded, name) : NULL;
    bool good = !name || *ret_symbol ||
                trouble_say(r->trouble, "%s%s: the library `%s` has no function `%s`", r->place,
                            pointer, r->library->name, name);
    free(name);
    return good;
}

/* ---- callbacks ---- */

static bool read_callback_arg(const struct reading *r, struct callback *cb, seam_bytes json)
{
    struct callback_arg *arg = &cb->args[cb->arg_count];
    seam_bytes type = seam_json_at(json, "/type");
    arg->name = json_word(json, "/name");
    arg->scalar = scalar_find(type);
    arg->kind = arg->scalar                     ? KIND_SCALAR
                : seam_json_is(type, "string")  ? KIND_STRING
                : seam_json_is(type, "strings") ? KIND_STRINGS
                                                : KIND_POINTER;
    arg->count = NOTHING;
    char *count = json_word(json, "/count");
    for (int i = 0; count && i < cb->arg_count; i++)
        if (cb->args[i].name && strcmp(cb->args[i].name, count) == 0 && cb->args[i].scalar &&
            cb->args[i].scalar->code != 'f')
            arg->count = i;
    free(count);
    cb->types[cb->arg_count] = arg->scalar ? arg->scalar->type : &ffi_type_pointer;
    cb->arg_count++;
    return arg->kind != KIND_STRINGS || arg->count != NOTHING ||
           trouble_say(r->trouble,
                       "%s/args/%d: `count` names the integer before it that counts the strings",
                       r->place, cb->arg_count - 1);
}

static int32_t read_int32(seam_bytes json, const char *pointer, int32_t otherwise)
{
    int64_t number = otherwise;
    seam_json_integer(seam_json_at(json, pointer), &number);
    return (int32_t)number;
}

static bool read_callback(const struct reading *r, struct arg *arg, seam_bytes json)
{
    struct callback *cb = arg->callback = calloc(1, sizeof(*cb));
    cb->compare = scalar_find(seam_json_at(json, "/compare"));
    cb->descending = seam_json_true(seam_json_at(json, "/descending"));
    cb->returns = read_int32(json, "/returns", 0);
    cb->stop = read_int32(json, "/stop", 1);
    seam_json_walk walk = seam_json_members(seam_json_at(json, "/args"));
    while (!cb->compare && seam_json_next(&walk))
        if (!read_callback_arg(r, cb, walk.value))
            return false;
    if (cb->compare) {
        cb->types[0] = cb->types[1] = &ffi_type_pointer;
        cb->arg_count = 2;
    }
    return ffi_prep_cif(&cb->cif, FFI_DEFAULT_ABI, (unsigned)cb->arg_count, &ffi_type_sint32,
                        cb->types) == FFI_OK ||
           trouble_say(r->trouble, "%s: libffi cannot make such a callback", r->place);
}

/* ---- arguments ---- */

static enum kind kind_of(seam_bytes type)
{
    return seam_json_is(type, "string")     ? KIND_STRING
           : seam_json_is(type, "buffer")   ? KIND_BUFFER
           : seam_json_is(type, "array")    ? KIND_ARRAY
           : seam_json_is(type, "handle")   ? KIND_HANDLE
           : seam_json_is(type, "callback") ? KIND_CALLBACK
           : seam_json_is(type, "enum")     ? KIND_ENUM
           : seam_json_is(type, "struct")   ? KIND_STRUCT
           : seam_json_is(type, "void")     ? KIND_VOID
                                            : KIND_NULL;
}

/* The type that `of` of an enum or a struct names. */
static bool read_shape(const struct reading *r, enum kind kind, seam_bytes json,
                       const struct shape **ret_shape, const struct scalar **ret_scalar)
{
    if (kind != KIND_ENUM && kind != KIND_STRUCT)
        return true;
    seam_bytes of = seam_json_at(json, "/of");
    *ret_shape = shape_find(r->library, of, kind);
    if (!*ret_shape)
        return trouble_say(r->trouble, "%s/of: the types of the library `%s` have no %s %.*s",
                           r->place, r->library->name, kind == KIND_ENUM ? "enum" : "struct",
                           of.len ? (int)(of.len < 80 ? of.len : 80) : 7,
                           of.len ? of.ptr : "(none)");
    *ret_scalar = (*ret_shape)->scalar;
    return true;
}

/* Whether what `by` says can be. */
static bool check_by(const struct reading *r, const struct arg *arg, seam_bytes by)
{
    bool shaped = arg->kind == KIND_SCALAR || arg->kind == KIND_ENUM || arg->kind == KIND_STRUCT;
    if (by.len > 0 && !shaped)
        return trouble_say(r->trouble, "%s: `by` is for a scalar, an enum or a struct", r->place);
    if (arg->out && seam_json_is(by, "value"))
        return trouble_say(r->trouble, "%s: what is written to is passed by pointer", r->place);
    if (arg->kind == KIND_STRUCT && arg->value.len > 0)
        return trouble_say(r->trouble, "%s: a struct has no `value` (cure: its fields have)",
                           r->place);
    if (arg->kind == KIND_STRUCT && arg->nullable && (arg->out || !arg->by_pointer))
        return trouble_say(
            r->trouble, "%s: `nullable` is for a struct that is read through a pointer", r->place);
    return true;
}

static bool check_arg(const struct reading *r, const struct arg *arg)
{
    struct trouble *t = r->trouble;
    bool wide = arg->kind == KIND_BUFFER || arg->kind == KIND_ARRAY;
    if (!arg->name && arg->kind != KIND_NULL && arg->value.len == 0 && arg->kind != KIND_CALLBACK)
        return trouble_say(t, "%s: it wants a `name`", r->place);
    if (arg->kind == KIND_STRING && arg->out)
        return trouble_say(
            t, "%s: a string is never written to (cure: a buffer with encoding: utf8)", r->place);
    if (wide && arg->out && arg->size == 0)
        return trouble_say(t, "%s: what is written to wants a `size`", r->place);
    if (arg->kind == KIND_ARRAY && !arg->scalar)
        return trouble_say(t, "%s: an array wants `of`", r->place);
    if (arg->kind == KIND_HANDLE && arg->handle == NOTHING)
        return trouble_say(t, "%s: no call before this one gives a handle `%s`", r->place,
                           arg->name);
    if (arg->kind == KIND_CALLBACK && !arg->callback->compare && !arg->name)
        return trouble_say(t, "%s: what it is given wants a `name`", r->place);
    return true;
}

static bool read_arg(struct reading *r, struct arg *arg, seam_bytes json)
{
    seam_bytes type = seam_json_at(json, "/type"), direction = seam_json_at(json, "/direction");
    int64_t size = 0;
    arg->name = json_word(json, "/name");
    arg->scalar = scalar_find(type);
    arg->kind = arg->scalar ? KIND_SCALAR : kind_of(type);
    arg->in = !seam_json_is(direction, "out");
    arg->out = seam_json_is(direction, "out") || seam_json_is(direction, "inout");
    arg->nullable = seam_json_true(seam_json_at(json, "/nullable"));
    arg->utf8 = seam_json_is(seam_json_at(json, "/encoding"), "utf8");
    arg->value = seam_json_at(json, "/value");
    arg->length_of = arg->length = arg->handle = NOTHING;
    seam_json_integer(seam_json_at(json, "/size"), &size);
    arg->size = (size_t)size;
    if (arg->kind == KIND_ARRAY)
        arg->scalar = scalar_find(seam_json_at(json, "/of"));
    seam_bytes by = seam_json_at(json, "/by");
    bool shaped = arg->kind == KIND_SCALAR || arg->kind == KIND_ENUM || arg->kind == KIND_STRUCT;
    arg->by_pointer = shaped && (arg->out || seam_json_is(by, "pointer"));
    if (!read_shape(r, arg->kind, json, &arg->shape, &arg->scalar) || !check_by(r, arg, by))
        return false;
    if (arg->kind == KIND_HANDLE && arg->name)
        arg->handle = find_handle(r->agent, arg->name, arg->out);
    if (!find_symbol(r, json, "/destroy", &arg->destroy))
        return false;
    return (arg->kind != KIND_CALLBACK || read_callback(r, arg, json)) && check_arg(r, arg);
}

/* Which arguments are the lengths of which. */
static bool link_lengths(struct reading *r, seam_bytes json)
{
    seam_json_walk walk = seam_json_members(json);
    while (seam_json_next(&walk)) {
        char *name = json_word(walk.value, "/length_of");
        if (!name)
            continue;
        struct arg *arg = &r->call->args[walk.index];
        arg->length_of = find_arg(r->call, name);
        free(name);
        struct arg *of = arg->length_of == NOTHING ? NULL : &r->call->args[arg->length_of];
        if (!of || (of->kind != KIND_BUFFER && of->kind != KIND_ARRAY) ||
            arg->kind != KIND_SCALAR || arg->scalar->code == 'f' || arg->scalar->code == 'b')
            return trouble_say(r->trouble,
                               "%s/args/%zu: `length_of` is for an integer, and names a buffer or "
                               "an array of the same call",
                               r->place, walk.index);
        of->length = (int)walk.index;
    }
    return true;
}

/* ---- what is returned ---- */

static bool read_error(struct reading *r, struct returns *ret, seam_bytes json)
{
    static const char *const words[] = {"", "negative", "zero", "nonzero", "null"};
    for (int i = FAILS_NEGATIVE; i <= FAILS_NULL; i++)
        if (seam_json_is(seam_json_at(json, "/when"), words[i]))
            ret->fails = (enum failure)i;
    ret->with_errno = seam_json_true(seam_json_at(json, "/errno"));
    ret->harmless = seam_json_is(seam_json_at(json, "/effect"), "none");
    char *of = json_word(json, "/message_of");
    ret->message_of = of ? find_handle(r->agent, of, false) : NOTHING;
    bool good = !of || ret->message_of != NOTHING ||
                trouble_say(r->trouble, "%s/returns/error: there is no handle `%s`", r->place, of);
    free(of);
    bool pointer = ret->kind == KIND_STRING || ret->kind == KIND_HANDLE || ret->by_pointer;
    bool integer = ret->scalar && ret->scalar->code != 'f';
    if (good && ret->fails != FAILS_NEVER && (ret->fails == FAILS_NULL ? !pointer : !integer))
        return trouble_say(r->trouble, "%s/returns/error: `when` does not fit what is returned",
                           r->place);
    if (!good || !find_symbol(r, json, "/message", &ret->message))
        return false;
    return !ret->message || ret->message_of != NOTHING || integer ||
           trouble_say(r->trouble,
                       "%s/returns/error: `message` is asked with an integer that was returned, or "
                       "wants `message_of`",
                       r->place);
}

static bool read_returns(struct reading *r, seam_bytes json)
{
    struct returns *ret = &r->call->returns;
    seam_bytes type = seam_json_at(json, "/type"), error = seam_json_at(json, "/error");
    *ret = (struct returns){.length_of = NOTHING, .handle = NOTHING, .message_of = NOTHING};
    if (json.len == 0)
        return true;
    ret->scalar = scalar_find(type);
    ret->kind = ret->scalar ? KIND_SCALAR : kind_of(type);
    ret->nullable = seam_json_true(seam_json_at(json, "/nullable"));
    ret->by_pointer =
        ret->kind == KIND_STRUCT && seam_json_is(seam_json_at(json, "/by"), "pointer");
    ret->name = json_word(json, "/name");
    if (!read_shape(r, ret->kind, json, &ret->shape, &ret->scalar))
        return false;
    char *length_of = json_word(json, "/length_of");
    if (length_of)
        ret->length_of = find_arg(r->call, length_of);
    if (length_of && ret->length_of == NOTHING)
        trouble_say(r->trouble, "%s/returns: there is no argument `%s`", r->place, length_of);
    free(length_of);
    if (!ret->name && ret->kind != KIND_VOID && error.len == 0 && ret->length_of == NOTHING)
        ret->name = strdup("result");
    if (ret->kind == KIND_HANDLE && ret->name)
        ret->handle = find_handle(r->agent, ret->name, true);
    if (ret->kind == KIND_HANDLE && ret->handle == NOTHING)
        return trouble_say(r->trouble, "%s/returns: a handle wants a `name`", r->place);
    return find_symbol(r, json, "/free", &ret->free) &&
           find_symbol(r, json, "/destroy", &ret->destroy) && read_error(r, ret, error) &&
           r->trouble->text[0] == '\0';
}

/* ---- the whole ---- */

/* What crosses. */
static ffi_type *type_of(enum kind kind, const struct scalar *scalar, const struct shape *shape,
                         bool by_pointer)
{
    if (kind == KIND_VOID)
        return &ffi_type_void;
    if (kind == KIND_STRUCT && !by_pointer)
        return (ffi_type *)(uintptr_t)&shape->type;
    bool plain = kind == KIND_SCALAR || kind == KIND_ENUM;
    return plain && !by_pointer ? scalar->type : &ffi_type_pointer;
}

static bool read_call(struct reading *r, seam_bytes json)
{
    struct call *call = r->call;
    char base[sizeof(r->place)];
    memcpy(base, r->place, sizeof(base));
    call->name = json_word(json, "/function");
    if (!find_symbol(r, json, "/function", &call->function))
        return false;
    seam_json_walk walk = seam_json_members(seam_json_at(json, "/args"));
    while (call->arg_count < FFI_ARGS && seam_json_next(&walk)) {
        snprintf(r->place, sizeof(r->place), "%.90s/args/%d", base, call->arg_count);
        struct arg *arg = &call->args[call->arg_count++];
        if (!read_arg(r, arg, walk.value))
            return false;
        call->types[call->arg_count - 1] =
            type_of(arg->kind, arg->scalar, arg->shape, arg->by_pointer);
    }
    memcpy(r->place, base, sizeof(base));
    if (!link_lengths(r, seam_json_at(json, "/args")) ||
        !read_returns(r, seam_json_at(json, "/returns")))
        return false;
    const struct returns *ret = &call->returns;
    ffi_type *type = type_of(ret->kind, ret->scalar, ret->shape, ret->by_pointer);
    if (ffi_prep_cif(&call->cif, FFI_DEFAULT_ABI, (unsigned)call->arg_count, type, call->types) !=
        FFI_OK)
        return trouble_say(r->trouble, "%s: libffi cannot make such a call", r->place);
    return pin_check(call, r->library, json, r->place, r->trouble);
}

static uint32_t effect_of(seam_bytes json)
{
    static const char *const words[] = {"pure", "read", "write_idempotent"};
    for (uint32_t i = 0; i < SEAM_WRITE; i++)
        if (seam_json_is(seam_json_at(json, "/effect"), words[i]))
            return i;
    return SEAM_WRITE;
}

static bool read_agent(struct signatures *s, struct agent *agent, size_t index, seam_bytes json,
                       struct trouble *t)
{
    struct reading r = {.agent = agent, .trouble = t};
    agent->name = json_word(json, "/name");
    agent->summary = json_word(json, "/summary");
    agent->effect = effect_of(json);
    seam_bytes library = seam_json_at(json, "/library");
    for (size_t i = 0; i < s->library_count; i++)
        if (seam_json_is(library, s->libraries[i].name))
            r.library = &s->libraries[i];
    if (!r.library)
        return trouble_say(t, "/agents/%zu/library: /libraries has no %.*s", index,
                           (int)(library.len < 80 ? library.len : 80), library.ptr);
    agent->calls = calloc(FFI_CALLS, sizeof(*agent->calls));
    seam_json_walk walk = seam_json_members(seam_json_at(json, "/calls"));
    while (agent->call_count < FFI_CALLS && seam_json_next(&walk)) {
        snprintf(r.place, sizeof(r.place), "/agents/%zu/calls/%d", index, agent->call_count);
        r.call = &agent->calls[agent->call_count++];
        if (!read_call(&r, walk.value))
            return false;
    }
    return true;
}

static size_t count(seam_bytes json)
{
    seam_json_walk walk = seam_json_members(json);
    size_t n = 0;
    while (seam_json_next(&walk))
        n++;
    return n;
}

bool signatures_read(struct signatures *s, seam_bytes config, struct trouble *t)
{
    seam_bytes libraries = seam_json_at(config, "/libraries"),
               agents = seam_json_at(config, "/agents");
    s->libraries = calloc(count(libraries) + 1, sizeof(*s->libraries));
    s->agents = calloc(count(agents) + 1, sizeof(*s->agents));
    seam_json_walk walk = seam_json_members(libraries);
    while (seam_json_next(&walk)) {
        struct library *library = &s->libraries[s->library_count++];
        library->name = seam_json_text(walk.key, NULL);
        char place[128], *path = json_word(walk.value, "/path");
        char *sha256 = json_word(walk.value, "/sha256");
        snprintf(place, sizeof(place), "/libraries/%.64s", library->name);
        bool good = library_load(library, path ? path : "", sha256 ? sha256 : "", place, t) &&
                    shapes_read(library, seam_json_at(walk.value, "/types"), place, t);
        free(path);
        free(sha256);
        if (!good)
            return false;
    }
    walk = seam_json_members(agents);
    while (seam_json_next(&walk))
        if (!read_agent(s, &s->agents[s->agent_count++], walk.index, walk.value, t))
            return false;
    return true;
}

static void call_done(struct call *call)
{
    for (int i = 0; i < call->arg_count; i++) {
        struct callback *cb = call->args[i].callback;
        for (int k = 0; cb && k < cb->arg_count; k++)
            free(cb->args[k].name);
        free(cb);
        free(call->args[i].name);
    }
    free(call->name);
    free(call->returns.name);
}

void signatures_done(struct signatures *s)
{
    for (size_t i = 0; i < s->agent_count; i++) {
        struct agent *agent = &s->agents[i];
        for (int k = 0; k < agent->call_count; k++)
            call_done(&agent->calls[k]);
        for (int k = 0; k < agent->handle_count; k++)
            free(agent->handles[k]);
        free(agent->calls);
        free(agent->name);
        free(agent->summary);
    }
    for (size_t i = 0; i < s->library_count; i++) {
        shapes_done(&s->libraries[i]);
        free(s->libraries[i].name);
    }
    free(s->agents);
    free(s->libraries);
}
