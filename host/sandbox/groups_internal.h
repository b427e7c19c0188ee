/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of control: where they can be made, and those of the workers.
 */
#ifndef SANDBOX_GROUPS_INTERNAL_H
#define SANDBOX_GROUPS_INTERNAL_H

#include "sandbox/sandbox.h"

#define GROUP_NAME "seam-%ld-%lu" /* the host's pid, and which of its groups */

/* groups.c */
struct groups {
    int version;         /* 0: none can be made, and the note says why */
    char *memory, *pids; /* the folders to make them in; in version 2 they are one. No pids:
                            only memory can be bounded */
    char note[SANDBOX_NOTE];
};

/* Looked for once; it stays. */
const struct groups *groups_here(void);
/* Removes, once, what hosts that are gone have left there. */
void groups_sweep(void);
/* errno says why not. */
bool group_write(const char *folder, const char *file, const char *value);
bool group_has_word(const char *folder, const char *file, const char *word);

/* group.c */
enum { GROUP_DOORS = 2 };

struct sandbox_group {
    char *memory, *pids;
    int folder;             /* version 2: a process is born into it; -1 */
    int doors[GROUP_DOORS]; /* version 1: a process enters by writing to each; -1 */
    int64_t most_bytes;
};

/* How a worker is born: what the host could do about a group for it. */
struct group_birth {
    enum sandbox_state state;
    char note[SANDBOX_NOTE];
};

/* A group with the bounds of the plan, or NULL; the birth says which, and why. */
struct sandbox_group *group_make(const struct sandbox_plan *plan, struct group_birth *ret_birth);

#endif
