/* SPDX-License-Identifier: Apache-2.0
 *
 * The fast program: the same schema once more, made for yes or no alone. Where the node graph has
 * a node, this has a *gate*: for each type of value, the place of the *steps* that a value of this
 * type must pass, one after the other, up to STEP_DONE. A gate stands for one or several nodes that
 * must all hold. The steps of a type are what is left of those nodes when the type is known:
 * references and allOf are flattened into them, types are decided, branches that cannot hold are
 * gone, bounds are one interval, and all that is said about the properties of an object is one
 * visit. Often nothing is left, and the gate's answer is the value's type.
 *
 * fuse*.c build the program from the nodes, fast*.c run it. What is rare is not copied: a step may
 * ask one op (STEP_ASSERTION), or the walk of a whole node (STEP_WALK). Immutable once built.
 */
#ifndef CONTRACT_FUSED_INTERNAL_H
#define CONTRACT_FUSED_INTERNAL_H

#include "contract/program_internal.h"

/* Places that need no step. */
enum { PLACE_NEVER = 0, PLACE_ALWAYS = 1, PLACE_FIRST = 2 };

enum { GATE_NEVER = 0, GATE_ALWAYS = 1, TYPE_COUNT = 8 };

struct gate {
    uint32_t places[TYPE_COUNT]; /* by json_typeof() */
};

/* In the order in which the steps of one place are asked: cheap ones first. */
enum step_code {
    STEP_INTEGRAL,        /* a real that is an integer                                  */
    STEP_RANGE,           /* an integer within as.range                                 */
    STEP_STRING,          /* the string as.text                                         */
    STEP_STRINGS,         /* a string in as.names                                       */
    STEP_LENGTH,          /* characters within as.size                                  */
    STEP_ITEM_COUNT,      /* items within as.size                                       */
    STEP_SIZE,            /* properties within as.size                                  */
    STEP_RUN,             /* a simple pattern                                           */
    STEP_REQUIRED,        /* as.visit's names that are required are there               */
    STEP_ASSERTION,       /* as.op holds                                                */
    STEP_FORMAT,          /* as.format                                                  */
    STEP_PATTERN,         /* as.regex                                                   */
    STEP_DEPENDENT_NAMES, /* as.dependent: its needs are there if its name is      */
    STEP_SWITCH,          /* the string at the property as.branch->name says which place */
    STEP_VISIT,           /* as.visit: each property fits the gate of its name          */
    STEP_EACH,            /* every item fits the gate                                   */
    STEP_ITEMS,           /* items fit as.items                                         */
    STEP_CONTAINS,        /* as.contains                                                */
    STEP_UNIQUE,          /* no two items are equal                                     */
    STEP_DEPENDENT,       /* if as.name is a property, the steps at the place hold      */
    STEP_NOT,             /* the steps at the place do not hold                         */
    STEP_ANY,             /* the steps at one of as.list's places hold                  */
    STEP_ONE,             /* … of exactly one                                           */
    STEP_UNEVALUATED,     /* properties of which as.leftover does not speak fit the gate */
    STEP_IF,              /* as.branches: by whether the place's steps hold             */
    STEP_WALK,            /* the node fits, as evaluate() sees it                       */
    STEP_DONE,            /* all did hold                                               */
};

/* The names that a visit knows. Names of one length are told apart by their ends, and from 17
 * bytes on by all of them. */
struct known_name {
    uint64_t first, last; /* the first and the last bytes, see name_ends() */
    const char *ptr;
    uint32_t len;
    uint32_t to;       /* a gate, or a place */
    uint32_t required; /* 1 or 0             */
};

struct name_table {
    struct known_name *list;
    uint32_t *slots; /* 1 + index in the list, or 0; open addressing */
    size_t count;
    uint32_t mask; /* of slots */
    unsigned shift;
};

/* What is asked of a property whose name is not known. */
struct stranger_rule {
    const struct stranger_pattern {
        const struct regex *regex;
        uint32_t gate;
    } * patterns;
    size_t pattern_count;
    uint32_t rest; /* gate, if no pattern matches */
};

struct visit {
    struct name_table names;
    struct slice *required_names;
    uint32_t required; /* how many of the names */
    enum { STRANGERS_FREE, STRANGERS_REFUSED, STRANGERS_ALIKE, STRANGERS_RULED } strangers;
    uint32_t stranger_gate; /* if all are treated alike */
    const struct stranger_rule *rules;
    size_t rule_count;
    const uint32_t *name_gates; /* that every name must pass; then strangers are ruled */
    size_t name_gate_count;
};

/* What unevaluatedProperties leaves alone: what a region speaks of that holds. */
struct leftover {
    const struct region {
        enum { REGION_SURE, REGION_IF, REGION_UNLESS, REGION_HAS } kind;
        uint32_t within;   /* the region that must hold, too                   */
        uint32_t place;    /* whose steps must hold, or must not               */
        struct slice name; /* of the property that must be there               */
        const struct object_rule *const *rules;
        size_t rule_count;
        bool all; /* it speaks of all properties */
    } * regions;
    size_t count;
};

struct step {
    uint32_t code;   /* enum step_code */
    uint32_t target; /* a place, a gate or a node, as the code says */
    union {
        struct {
            int64_t least, most;
        } range;
        struct {
            size_t least, most;
        } size;
        struct slice text, name;
        const struct name_table *names;
        const struct regex *regex;
        const struct format *format;
        const struct op *op;
        const struct dependent *dependent;
        const struct visit *visit;
        const struct leftover *leftover;
        struct {
            uint32_t first, count; /* in fused.lists */
        } list;
        struct {
            uint32_t first, count; /* gates of the first items, in fused.lists */
            uint32_t rest;         /* gate of those behind them                */
        } items;
        struct {
            uint32_t min, max;
        } contains;
        struct {
            uint32_t then, otherwise; /* places */
        } branches;
        const struct tell {
            struct slice name;
            struct name_table places;
        } * tell;
    } as;
};

struct fused {
    uint32_t root; /* gate */
    struct gate *gates;
    struct step *steps;
    uint32_t *lists;
    size_t gate_count, step_count, list_count;
};

/* Builds the fast program of a compiled contract; NULL if there is none, for it would be too large
 * or what a $dynamicRef means is known only on the way. Then the walk answers alone. */
struct fused *fuse(struct contract *contract);
void fused_free(struct fused *fused);

/* The names are in table->list, each once; makes the rest. False if too many of them collide. */
bool name_table_build(struct contract *contract, struct name_table *table);

static inline void name_ends(const char *ptr, size_t len, uint64_t *ret_first, uint64_t *ret_last)
{
    uint32_t low, high;
    if (len >= 8) {
        __builtin_memcpy(ret_first, ptr, 8);
        __builtin_memcpy(ret_last, ptr + len - 8, 8);
    } else if (len >= 4) {
        __builtin_memcpy(&low, ptr, 4);
        __builtin_memcpy(&high, ptr + len - 4, 4);
        *ret_first = low;
        *ret_last = high;
    } else {
        const unsigned char *p = (const unsigned char *)ptr;
        *ret_first = len ? (uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 | p[len - 1] : 0;
        *ret_last = 0;
    }
}

enum { ENDS_TELL = 16 }; /* names up to this length differ in length or ends */

static inline uint32_t name_hash(const char *ptr, size_t len, uint64_t first, uint64_t last,
                                 unsigned shift)
{
    uint64_t middle = 0;
    if (len > ENDS_TELL)
        __builtin_memcpy(&middle, ptr + len / 2 - 4, 8);
    uint64_t mixed = (first + len) * 0x9E3779B97F4A7C15u ^ (last + middle) * 0xC2B2AE3D27D4EB4Fu;
    return (uint32_t)((mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93u >> shift);
}

static inline const struct known_name *name_lookup(const struct name_table *table, struct slice s)
{
    uint64_t first, last;
    name_ends(s.ptr, s.len, &first, &last);
    for (uint32_t slot = name_hash(s.ptr, s.len, first, last, table->shift);; slot++) {
        uint32_t at = table->slots[slot & table->mask];
        if (at == 0)
            return NULL;
        const struct known_name *name = &table->list[at - 1];
        if (name->first == first && name->last == last && name->len == s.len &&
            (s.len <= ENDS_TELL || __builtin_memcmp(name->ptr, s.ptr, s.len) == 0))
            return name;
    }
}

#endif
