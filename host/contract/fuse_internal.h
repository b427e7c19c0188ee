/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of building one fast program: the gates by the nodes they stand for, and the strand of
 * steps in hand. Building gives up (`failed`) when it has spent its budget, so that no schema can
 * make it long or large.
 */
#ifndef CONTRACT_FUSE_INTERNAL_H
#define CONTRACT_FUSE_INTERNAL_H

#include "contract/fused_internal.h"

enum { CONJUNCTION = 64 }; /* most nodes of one gate */

/* Nodes that must all hold. */
struct conjunction {
    uint32_t nodes[CONJUNCTION];
    size_t count;
    bool never;
};

struct fuser {
    struct contract *contract;
    struct fused *fused;
    size_t gate_room, step_room, list_room;
    struct members {
        uint32_t first, count; /* of a gate's nodes, in member_list */
        bool whole;            /* wanted for values of any type     */
    } * members;
    uint32_t *member_list;
    size_t member_room, member_count, member_list_room;
    uint32_t *wanted; /* gates that parts of a value go to, in the order they were met */
    size_t wanted_count, wanted_room;
    uint32_t *slots; /* of gates, by their nodes; 1 + gate, or 0 */
    size_t slot_count;
    uint64_t budget;
    bool failed;
};

/* Object rules under which one question stands: what no rule asks about must fit `rest`. */
struct view {
    const struct object_rule *const *rules;
    size_t count;
    uint32_t rest; /* node, or NO_NODE */
    bool asks;     /* the rules themselves must hold, too */
};

/* The steps for one type, in the making. */
struct strand {
    struct fuser *f;
    json_type type;
    bool never;
    int64_t least, most;      /* of an integer              */
    size_t shortest, longest; /* of what the type can count */
    struct step *steps;
    size_t step_count, step_room;
    struct view *views;
    size_t view_count, view_room;
    uint32_t *met; /* nodes that are in already */
    size_t met_count, met_room;
};

/* fuse.c */
void *fuse_grown(void *list, size_t count, size_t *room, size_t size);
/* False, and the fuser has failed, when the budget is spent. */
bool fuse_spend(struct fuser *f, uint64_t amount);
void conjunction_add(struct fuser *f, struct conjunction *all, uint32_t node);
uint32_t gate_of(struct fuser *f, const struct conjunction *all, bool whole);
uint32_t gate_of_node(struct fuser *f, uint32_t node);
/* The place of a gate for one type, made now if it is not yet. */
uint32_t place_of_gate(struct fuser *f, uint32_t gate, json_type type);
/* The place of the steps that a node asks of a value of the strand's type. */
uint32_t place_of_node(struct strand *b, uint32_t node);
/* All that the node asks becomes part of the strand. */
void strand_add_node(struct strand *b, uint32_t node);
struct step *strand_add(struct strand *b, enum step_code code);
uint32_t fuse_list(struct fuser *f, const uint32_t *list, size_t count);
/* The only node that a $dynamicRef can mean; NO_NODE if there are several. */
uint32_t dynamic_only_target(const struct contract *contract, const struct dynamic_ref *ref);

/* fuse_ops.c, fuse_branch.c, fuse_object.c, fuse_unevaluated.c */
void fuse_op(struct strand *b, const struct op *op);
void fuse_any(struct strand *b, const struct op *op);
void fuse_one(struct strand *b, const struct op *op);
void fuse_if(struct strand *b, const struct op *op);
void fuse_not(struct strand *b, const struct op *op);
void fuse_dependent(struct strand *b, const struct op *op);
/* Adds a view; the rules must live as long as the contract. */
void view_add(struct strand *b, const struct object_rule *const *rules, size_t count, uint32_t rest,
              bool asks);
void fuse_views(struct strand *b);
/* What a node with unevaluated… asks by that; false if only the walk can tell. */
bool fuse_unevaluated(struct strand *b, uint32_t node);

#endif
