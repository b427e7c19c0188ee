/* SPDX-License-Identifier: Apache-2.0
 *
 * The table itself, the ways into it, and what jq has and this language has not, each with what to
 * write in its place: an author who knows jq must not have to guess.
 */
#include "mapping/operations_internal.h"

#include "base/units.h"

const struct operation operations[] = {
#define X(id, written, form, arity, kids, boolean, nests, family)                                  \
    [OPERATION_##id] = {written, form, arity, kids, boolean, nests, evaluate_##family},
    OPERATIONS(X)
#undef X
};

enum { OPERATION_COUNT = sizeof(operations) / sizeof(operations[0]) };

static const struct {
    const char *name, *instead;
} refused[] = {
    {"now", "an evaluation has no clock, so that a replay is exact: use .run.started"},
    {"env", "the environment is not visible here: pass the value in .input"},
    {"input", "there is one input, and it is .input"},
    {"inputs", "there is one input, and it is .input"},
    {"def", "functions cannot be defined: write the expression out"},
    {"reduce", "loops end here by construction: use add, any, all, join or map"},
    {"foreach", "loops end here by construction: use map, or for_each on the step"},
    {"recurse", "recursion is not bounded: name the path"},
    {"limit", "an expression gives one value: take a slice, as in .[:3]"},
    {"first", "write .[0]"},
    {"last", "write .[-1]"},
    {"nth", "write .[N]"},
    {"range", "an expression gives one value: write the array out"},
    {"empty", "an expression gives one value: to drop items, use map(select(…))"},
    {"error", "an expression gives a value: use `assert` on the step to refuse one"},
    {"sort_by", "there is only `sort`, by the whole value: map(…) what to sort by first"},
    {"min_by", "there is only `min`, of the whole values: map(…) what to compare, then min"},
    {"max_by", "there is only `max`, of the whole values: map(…) what to compare, then max"},
    {"unique_by", "there is only `unique`, of the whole values: map(…) them first"},
    {"group_by", "use map(select(…)) for each group that you need"},
    {"map_values", "use map(…), which makes an array of an object's values too"},
    {"values", "write map(select(. != null))"},
    {"to_entries", "use keys and .[KEY]"},
    {"keys_unsorted", "use keys, which sorts them"},
    {"flatten", "use add, which joins an array of arrays by one level"},
    {"tojson", "use tostring, which gives compact JSON for all but strings"},
    {"ltrimstr", "use startswith and a slice, as in .[3:]"},
    {"rtrimstr", "use endswith and a slice, as in .[:-3]"},
    {"index", "use contains, startswith or split"},
    {"inside", "use contains, the other way round"},
    {"in", "use has, the other way round"},
    {"type", "the contract says what type a value has"},
    {"try", "there are no errors to catch: use // for what may be missing"},
    {"label", "there is nothing to break out of"},
    {"import", "modules cannot be loaded"},
    {"include", "modules cannot be loaded"},
};

bool operation_binary(struct slice written, enum form loosest, enum operation_id *ret_id)
{
    for (unsigned id = 0; id < OPERATION_COUNT; id++) {
        if (operations[id].form >= loosest && slice_is(written, operations[id].written)) {
            *ret_id = (enum operation_id)id;
            return true;
        }
    }
    return false;
}

static enum error_code refuse_unknown(struct slice name, struct error *reterr)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (slice_is(name, refused[i].name))
            return error_set(reterr, ERR_UNSUPPORTED, "`%s` is not in this subset of jq; %s",
                             refused[i].name, refused[i].instead);
    }
    const char *names[OPERATION_COUNT];
    size_t count = 0;
    for (size_t id = 0; id < OPERATION_COUNT; id++) {
        if (operations[id].form == FORM_CALL)
            names[count++] = operations[id].written;
    }
    const char *nearest = suggest(name, names, count);
    if (nearest)
        return error_set(reterr, ERR_INPUT, "no function is named `%.*s`; did you mean `%s`?",
                         (int)name.len, name.ptr, nearest);
    struct text list;
    text_init(&list, 1024);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !slice_is(slice_of(names[i]), names[i - 1]))
            text_addf(&list, "%s%s", i == 0 ? "" : " ", names[i]);
    }
    enum error_code code =
        error_set(reterr, ERR_INPUT, "no function is named `%.*s`; there are: %s", (int)name.len,
                  name.ptr, text_str(&list));
    text_done(&list);
    return code;
}

enum error_code operation_named(struct slice name, struct error *reterr)
{
    for (size_t id = 0; id < OPERATION_COUNT; id++) {
        if (operations[id].form == FORM_CALL && slice_is(name, operations[id].written))
            return ERR_OK;
    }
    return refuse_unknown(name, reterr);
}

enum error_code operation_call(struct slice name, size_t arity, enum operation_id *ret_id,
                               struct error *reterr)
{
    size_t takes = 0;
    for (unsigned id = 0; id < OPERATION_COUNT; id++) {
        if (operations[id].form != FORM_CALL || !slice_is(name, operations[id].written))
            continue;
        if (operations[id].arity == arity) {
            *ret_id = (enum operation_id)id;
            return ERR_OK;
        }
        takes = operations[id].arity;
    }
    return error_set(reterr, ERR_INPUT, "`%.*s` takes %s, found %zu", (int)name.len, name.ptr,
                     takes == 0 ? "no argument" : "one argument, as in f(.x)", arity);
}
