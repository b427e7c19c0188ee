/* SPDX-License-Identifier: Apache-2.0
 *
 * Binds what an expression begins with. Outside of `|` and map(…) `.` is the scope, which is not a
 * value: only `.input` and the other roots can be read of it, and of `.steps` only one output or
 * status, written in one piece, since the edges of the flow's graph are made of these. `$input` and
 * the like mean the same roots everywhere.
 *
 * The same walk refuses `select` where an expression could end up without a value, bounds how deep
 * a result can be nested, and notes what is read (reference.c).
 */
#include "mapping/mapping_internal.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>

struct resolver {
    struct mapping *mapping;
    const struct mapping_names *names;
    struct slice string;
    struct reference_paths paths;
    struct error *reterr;
};

/* What stands around a node. */
struct around {
    bool scope;                 /* `.` is the scope                                     */
    bool guarded;               /* on the left of a `//`                                */
    bool droppable;             /* `map` knows what to do if there is no value          */
    struct reference_path *dot; /* what `.` is, if it is certain to be of one output    */
    unsigned levels;            /* of nesting that expressions may have put around `.`  */
};

/* What is known of the value of a node. */
struct value_facts {
    struct reference_path *path;
    unsigned levels;
};

static const struct {
    const char *name;
    enum mapping_root root;
    const char *where; /* it may stand, for messages */
} root_rows[ROOT_NAMES] = {
    [ROOT_NAME_INPUT] = {"input", ROOT_INPUT, "everywhere"},
    [ROOT_NAME_STEPS] = {"steps", ROOT_STEPS, "behind the steps that it names"},
    [ROOT_NAME_ITEM] = {"item", ROOT_ITEM, "in a step with for_each"},
    [ROOT_NAME_INDEX] = {"index", ROOT_ITEM, "in a step with for_each"},
    [ROOT_NAME_OUTPUT] = {"output", ROOT_OUTPUT, "in confidence, assert and undo"},
    [ROOT_NAME_ERROR] = {"error", ROOT_ERROR, "in on_failure.fallback"},
    [ROOT_NAME_RUN] = {"run", ROOT_RUN, "everywhere"},
};

static enum error_code resolve(struct resolver *r, struct node **slot, struct around around,
                               struct value_facts *ret_facts);

bool root_find(struct slice name, enum root_name *ret_name)
{
    for (unsigned i = 0; i < ROOT_NAMES; i++) {
        if (slice_is(name, root_rows[i].name)) {
            *ret_name = (enum root_name)i;
            return true;
        }
    }
    return false;
}

static enum error_code blame(struct resolver *r, const struct node *node, enum error_code code)
{
    error_prefix_column(r->reterr, r->string, (size_t)(node->source.ptr - r->string.ptr));
    return code;
}

/* ".input .run", for messages. */
static const char *allowed_roots(const struct resolver *r, struct text *list)
{
    for (size_t i = 0; i < ROOT_NAMES; i++) {
        if (r->names->roots & root_rows[i].root)
            text_addf(list, "%s.%s", list->len > 0 ? " " : "", root_rows[i].name);
    }
    return list->len > 0 ? text_str(list) : "none";
}

static enum error_code refuse_dot(struct resolver *r, const struct node *node, const char *what)
{
    AUTO(text_done) struct text list;
    text_init(&list, 256);
    return blame(r, node,
                 error_set(r->reterr, ERR_INPUT,
                           "%s needs a value, and `.` is none here: begin with one of: %s", what,
                           allowed_roots(r, &list)));
}

static enum error_code refuse_unknown_root(struct resolver *r, const struct node *node,
                                           struct slice name)
{
    const char *names[ROOT_NAMES];
    for (size_t i = 0; i < ROOT_NAMES; i++)
        names[i] = root_rows[i].name;
    const char *nearest = suggest(name, names, ROOT_NAMES);
    AUTO(text_done) struct text list;
    text_init(&list, 256);
    const char *allowed = allowed_roots(r, &list);
    return blame(r, node,
                 error_set(r->reterr, ERR_INPUT,
                           "nothing is named `.%.*s` here%s%s%s; an expression begins with one of: "
                           "%s",
                           (int)name.len, name.ptr, nearest ? "; did you mean `." : "",
                           nearest ? nearest : "", nearest ? "`?" : "", allowed));
}

/* Makes the node the root, if that may stand here. */
static enum error_code bind_root(struct resolver *r, struct node *node, enum root_name name)
{
    if (!(r->names->roots & root_rows[name].root)) {
        AUTO(text_done) struct text list;
        text_init(&list, 256);
        return blame(r, node,
                     error_set(r->reterr, ERR_INPUT,
                               "`.%s` cannot be used here, only %s; here there are: %s",
                               root_rows[name].name, root_rows[name].where,
                               allowed_roots(r, &list)));
    }
    node->id = OPERATION_ROOT;
    node->as.root = name;
    r->mapping->reads |= root_rows[name].root;
    return ERR_OK;
}

static enum error_code refuse_unknown_step(struct resolver *r, const struct node *node,
                                           struct slice name)
{
    const struct mapping_names *names = r->names;
    for (size_t i = 0; i < names->step_count; i++) {
        struct slice step = slice_of(names->steps[i]);
        if (step.len > name.len && step.ptr[name.len] == '-' &&
            slice_equal((struct slice){step.ptr, name.len}, name))
            return blame(r, node,
                         error_set(r->reterr, ERR_INPUT,
                                   "no step is named `%.*s`; a name with `-` in it stands in "
                                   "quotes: .steps[\"%s\"]",
                                   (int)name.len, name.ptr, names->steps[i]));
    }
    const char *nearest = suggest(name, names->steps, names->step_count);
    return blame(r, node,
                 error_set(r->reterr, ERR_INPUT, "no step is named `%.*s`%s%s%s", (int)name.len,
                           name.ptr, nearest ? "; did you mean `" : "", nearest ? nearest : "",
                           nearest ? "`?" : ""));
}

static bool find_step(const struct mapping_names *names, struct slice name, size_t *ret_index)
{
    for (size_t i = 0; i < names->step_count; i++) {
        if (slice_is(name, names->steps[i])) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static enum error_code refuse_steps(struct resolver *r, const struct node *node)
{
    return blame(r, node,
                 error_set(r->reterr, ERR_INPUT,
                           "`.steps` is only read as .steps.NAME.output or .steps.NAME.status, "
                           "written in one piece"));
}

static struct slice hop_key(const struct hops *hops, size_t index)
{
    if (index >= hops->count || !hops->list[index].key)
        return (struct slice){"", 0};
    return (struct slice){hops->list[index].key, hops->list[index].length};
}

/* A path whose base is the root .steps and whose first two hops name what is read of a step. */
static enum error_code bind_step(struct resolver *r, struct node *path)
{
    struct node *base = path->kids[0];
    struct slice name = hop_key(&path->as.hops, 0), part = hop_key(&path->as.hops, 1);
    size_t step;
    if (name.len == 0)
        return refuse_steps(r, path);
    if (!find_step(r->names, name, &step))
        return refuse_unknown_step(r, path, name);
    if (!slice_is(part, "output") && !slice_is(part, "status"))
        return refuse_steps(r, path);
    base->id = OPERATION_STEP;
    base->as.step.index = step;
    base->as.step.status = slice_is(part, "status");
    hops_drop(&path->as.hops, 2);
    return ERR_OK;
}

/* A path from the scope or a variable: binds its base, and takes off the hops that are spent. */
static enum error_code bind_path(struct resolver *r, struct node *path, bool scope)
{
    struct node *base = path->kids[0];
    enum error_code code = ERR_OK;
    if (base->id == OPERATION_DOT && scope) {
        struct slice name = hop_key(&path->as.hops, 0);
        enum root_name root;
        if (path->as.hops.list[0].key == NULL)
            return refuse_dot(r, path, "an index");
        if (!root_find(name, &root))
            return refuse_unknown_root(r, path, name);
        code = bind_root(r, base, root);
        if (code == ERR_OK)
            hops_drop(&path->as.hops, 1);
    }
    if (code == ERR_OK && base->id == OPERATION_ROOT && base->as.root == ROOT_NAME_STEPS)
        code = bind_step(r, path);
    return code;
}

static enum error_code resolve_path(struct resolver *r, struct node **slot, struct around around,
                                    struct value_facts *ret_facts)
{
    struct node *path = *slot;
    enum error_code code = bind_path(r, path, around.scope);
    struct value_facts base = {NULL, 0};
    if (code == ERR_OK)
        code = resolve(r, &path->kids[0], around, &base);
    if (code != ERR_OK)
        return code;
    *ret_facts = (struct value_facts){reference_path_below(&r->paths, base.path, &path->as.hops),
                                      base.levels};
    if (path->as.hops.count == 0) {
        path->kids[0]->source = path->source;
        *slot = path->kids[0];
    }
    return ERR_OK;
}

static enum error_code resolve_leaf(struct resolver *r, struct node *node, struct around around,
                                    struct value_facts *ret_facts)
{
    if (node->id == OPERATION_DOT) {
        if (around.scope)
            return refuse_dot(r, node, "`.`");
        *ret_facts = (struct value_facts){around.dot, around.levels};
    } else if (node->id == OPERATION_STEP) {
        ret_facts->path = reference_path_new(&r->paths, node, around.guarded);
    } else if (node->id == OPERATION_ROOT) {
        if (node->as.root == ROOT_NAME_STEPS)
            return refuse_steps(r, node);
        return bind_root(r, node, node->as.root);
    }
    return ERR_OK;
}

/* Left, then right with the left one's value as `.`. */
static enum error_code resolve_pipe(struct resolver *r, struct node *node, struct around around,
                                    struct value_facts *ret_facts)
{
    struct value_facts left = {NULL, 0};
    enum error_code code = resolve(r, &node->kids[0], around, &left);
    if (code != ERR_OK)
        return code;
    around.scope = false;
    around.dot = left.path;
    around.levels = left.levels;
    code = resolve(r, &node->kids[1], around, ret_facts);
    if (left.path && !left.path->used && ret_facts->path != left.path)
        reference_path_read(left.path);
    return code;
}

/* map(f), any(f), all(f): f, with each item as `.`. */
static enum error_code resolve_items(struct resolver *r, struct node *node, struct around around,
                                     struct value_facts *ret_facts)
{
    struct value_facts body = {NULL, 0};
    struct reference_path *item = reference_path_item(&r->paths, around.dot);
    around.dot = item;
    around.droppable = node->id == OPERATION_MAP;
    enum error_code code = resolve(r, &node->kids[0], around, &body);
    if (code != ERR_OK)
        return code;
    reference_path_read(body.path);
    if (item && !item->used)
        reference_path_read(item);
    ret_facts->levels = body.levels;
    return ERR_OK;
}

static enum error_code resolve_select(struct resolver *r, struct node *node, struct around around,
                                      struct value_facts *ret_facts)
{
    if (!around.droppable)
        return blame(r, node,
                     error_set(r->reterr, ERR_INPUT,
                               "`select` may leave no value, so it stands only in map: "
                               "map(select(…)), or between `|` inside of map(…)"));
    struct value_facts condition = {NULL, 0};
    *ret_facts = (struct value_facts){around.dot, around.levels};
    around.droppable = false;
    enum error_code code = resolve(r, &node->kids[0], around, &condition);
    if (code == ERR_OK)
        reference_path_read(condition.path);
    return code;
}

/* Operators that see the same `.` in all their parts. */
static enum error_code resolve_parts(struct resolver *r, struct node *node, struct around around,
                                     struct value_facts *ret_facts)
{
    bool droppable = around.droppable, guarded = around.guarded;
    for (size_t i = 0; i < node->kid_count; i++) {
        struct value_facts part = {NULL, 0};
        bool branch = node->id == OPERATION_IF && (i % 2 == 1 || i + 1 == node->kid_count);
        around.droppable = droppable && branch;
        around.guarded = guarded || (node->id == OPERATION_ALTERNATIVE && i == 0);
        enum error_code code = resolve(r, &node->kids[i], around, &part);
        if (code != ERR_OK)
            return code;
        if (node->id == OPERATION_INDEX && i == 0)
            part.path = reference_path_item(&r->paths, part.path);
        reference_path_read(part.path);
        if (part.levels > ret_facts->levels)
            ret_facts->levels = part.levels;
    }
    if (operations[node->id].form == FORM_CALL) {
        reference_path_read(around.dot);
        if (around.levels > ret_facts->levels)
            ret_facts->levels = around.levels;
    }
    return ERR_OK;
}

static enum error_code resolve_one(struct resolver *r, struct node **slot, struct around around,
                                   struct value_facts *ret_facts)
{
    struct node *node = *slot;
    const struct operation *operation = &operations[node->id];
    if (operation->form == FORM_CALL && around.scope) {
        char what[64];
        snprintf(what, sizeof(what), "`%s`", operation->written);
        return refuse_dot(r, node, what);
    }
    if (node->id == OPERATION_PATH)
        return resolve_path(r, slot, around, ret_facts);
    if (operation->kids == KIDS_LEFT)
        return resolve_pipe(r, node, around, ret_facts);
    if (operation->kids == KIDS_ITEM)
        return resolve_items(r, node, around, ret_facts);
    if (node->id == OPERATION_SELECT)
        return resolve_select(r, node, around, ret_facts);
    if (node->kid_count == 0 && operation->form == FORM_SYNTAX)
        return resolve_leaf(r, node, around, ret_facts);
    return resolve_parts(r, node, around, ret_facts);
}

static enum error_code resolve(struct resolver *r, struct node **slot, struct around around,
                               struct value_facts *ret_facts)
{
    struct node *node = *slot;
    enum error_code code = resolve_one(r, slot, around, ret_facts);
    if (code != ERR_OK)
        return code;
    ret_facts->levels += operations[node->id].nests;
    if (ret_facts->levels > LIMIT_EXPRESSION_DEPTH)
        return blame(r, node,
                     error_set(r->reterr, ERR_LIMIT,
                               "the result may be nested over %d levels deep "
                               "(LIMIT_EXPRESSION_DEPTH)",
                               LIMIT_EXPRESSION_DEPTH));
    return ERR_OK;
}

enum error_code expression_resolve(struct mapping *mapping, const struct mapping_names *names,
                                   struct slice string, struct node **node, struct error *reterr)
{
    struct resolver r = {.mapping = mapping, .names = names, .string = string, .reterr = reterr};
    struct around around = {.scope = true};
    struct value_facts facts = {NULL, 0};
    enum error_code code = resolve(&r, node, around, &facts);
    if (code == ERR_OK)
        reference_path_read(facts.path);
    enum error_code finished =
        reference_paths_finish(&r.paths, mapping, code == ERR_OK ? reterr : NULL);
    return code == ERR_OK ? finished : code;
}
