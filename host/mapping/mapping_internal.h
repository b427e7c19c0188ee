/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree that a template becomes, and who makes it. A template goes through three hands: parse.c
 * knows the grammar alone; resolve.c binds `.input`, `$item` and `.steps.X` to what they name,
 * refuses what has no meaning where it stands, and collects the references; the evaluate_ functions
 * of operations_internal.h compute. The template's own arrays, objects and strings are nodes of the
 * same tree, so there is one evaluator.
 */
#ifndef MAPPING_MAPPING_INTERNAL_H
#define MAPPING_MAPPING_INTERNAL_H

#include "base/limits.h"
#include "mapping/mapping.h"
#include "mapping/operations_internal.h"

/* A name that an expression begins with. */
enum root_name {
    ROOT_NAME_INPUT,
    ROOT_NAME_STEPS,
    ROOT_NAME_ITEM,
    ROOT_NAME_INDEX,
    ROOT_NAME_OUTPUT,
    ROOT_NAME_ERROR,
    ROOT_NAME_RUN,
    ROOT_NAMES,
};

bool root_find(struct slice name, enum root_name *ret_name);

/* One hop of a path: a member if key is not NULL, else an item. */
struct hop {
    char *key;
    size_t length;
    json_int_t item;
};

struct hops {
    struct hop *list;
    size_t count;
};

struct node {
    enum operation_id id;
    unsigned height;     /* of the tree below; a leaf has 1                             */
    struct slice source; /* as it was written, for messages                             */
    struct node **kids;  /* operands in the order they are written; OBJECT: key, value… */
    size_t kid_count;
    struct node *next; /* all nodes of a mapping, for freeing */
    union {
        json_t *literal;     /* LITERAL                                               */
        char *pointer;       /* PLACE: of the string in the template                  */
        enum root_name root; /* ROOT                                                  */
        struct hops hops;    /* PATH, from its one kid                                */
        struct {
            bool from, to; /* SLICE: which bounds are written, in kids 1 and 2 */
        } bounds;
        struct {
            size_t index; /* into names.steps */
            bool status;
        } step; /* STEP */
    } as;
};

struct mapping {
    json_t *source; /* keeps the texts of the nodes alive */
    struct node *root;
    struct node *nodes; /* all of them */
    size_t node_count;
    struct mapping_reference *references;
    size_t reference_count, references_size; /* how many, and the bytes of their paths */
    unsigned reads;
    bool constant;
    bool shares; /* it gives a constant, or a part of the scope, as it is */
};

/* ---- building: node.c ---- */

/* A node of the mapping, which owns it. */
struct node *node_new(struct mapping *mapping, enum operation_id id, struct slice source);
void node_free(struct node *node);
void node_add_kid(struct node *node, struct node *kid);
struct node *literal_new(struct mapping *mapping, json_t *value_taken, struct slice source);
void hops_add_key(struct hops *hops, struct slice key);
void hops_add_item(struct hops *hops, json_int_t item);
void hops_drop(struct hops *hops, size_t count); /* the first ones */

/* ---- one expression: parse.c, resolve.c ---- */

/* Parses the expression that begins at the byte *at of a string of the template, behind its `${`,
 * and sets *at behind its `}`. The error begins with the column. */
WARN_UNUSED enum error_code expression_parse(struct mapping *mapping, struct slice string,
                                             size_t *at, struct node **ret_node,
                                             struct error *reterr);
/* Binds the names in it, which may replace nodes; adds to the mapping's references and reads. */
WARN_UNUSED enum error_code expression_resolve(struct mapping *mapping,
                                               const struct mapping_names *names,
                                               struct slice string, struct node **node,
                                               struct error *reterr);
/* Compiles the mapping's source into its root: template.c. */
WARN_UNUSED enum error_code
template_compile(struct mapping *mapping, const struct mapping_names *names, struct error *reterr);
/* "column 5: ", put before an error about that byte of the string. */
void error_prefix_column(struct error *reterr, struct slice string, size_t at);

/* ---- references: reference.c ---- */

struct reference_path {
    size_t step;
    bool status, guarded;
    bool read; /* all that is there is read */
    bool used; /* it is read, or a path below it was made */
    char *pointer;
    const char *at; /* where in the string it was written */
};

struct reference_paths {
    struct reference_path **list; /* all that one expression speaks of */
    size_t count;
};

struct reference_path *reference_path_new(struct reference_paths *paths, const struct node *step,
                                          bool guarded);
/* The part of a path that the hops reach; of NULL, NULL. */
struct reference_path *reference_path_below(struct reference_paths *paths,
                                            struct reference_path *path, const struct hops *hops);
/* Any item or member of what is at the path; of NULL, NULL. */
struct reference_path *reference_path_item(struct reference_paths *paths,
                                           struct reference_path *path);
/* Marks what is at the path as read as a whole; of NULL, nothing. */
void reference_path_read(struct reference_path *path);
/* Adds those that are read to the mapping, in the order they are written, and frees all. */
WARN_UNUSED enum error_code reference_paths_finish(struct reference_paths *paths,
                                                   struct mapping *mapping, struct error *reterr);

#endif
