/* SPDX-License-Identifier: Apache-2.0
 *
 * Machines: patterns of the common subset (no assertions but ^ and $, no references back) as
 * nondeterministic automata over characters. Strings that some match and others do not are found by
 * running all of them at once.
 */
#ifndef CONTRACT_CONTAIN_AUTOMATON_INTERNAL_H
#define CONTRACT_CONTAIN_AUTOMATON_INTERNAL_H

#include "contract/contain_internal.h"

enum { CHARACTER_MOST = 0x10FFFF, MACHINE_STATES = 1024 };

enum state_kind {
    STATE_SET,   /* takes one character of `set`, goes to `next` */
    STATE_SPLIT, /* goes to `next` and to `other`                */
    STATE_START, /* goes on at the start of the string           */
    STATE_END,   /* goes on at its end                           */
    STATE_MATCH,
};

struct interval {
    uint32_t first, last;
};

/* Sorted, disjoint. */
struct set {
    const struct interval *list;
    size_t count;
};

struct state {
    uint8_t kind;
    uint16_t next, other;
    struct set set;
};

struct machine {
    struct state *states;
    size_t count;
    uint16_t start;
};

static inline bool set_has(struct set set, uint32_t character)
{
    for (size_t i = 0; i < set.count && set.list[i].first <= character; i++)
        if (character <= set.list[i].last)
            return true;
    return false;
}

#endif
