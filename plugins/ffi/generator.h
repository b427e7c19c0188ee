/* SPDX-License-Identifier: Apache-2.0
 *
 * seam-ffi: signatures for the plugin ffi, from what a compiler says of functions (prototypes.c)
 * and of the structs and enums that they take (layouts.c). What crosses ("abi") and the pins are
 * exact; what a pointer is for, no compiler knows: that is guessed, said on standard error, and for
 * a person to look at (generator.c). Nothing of the library is run.
 */
#ifndef GENERATOR_H
#define GENERATOR_H

#include <elfutils/libdwfl.h>
#include <seam/sdk.h>

enum {
    FUNCTIONS = 256,
    HEADERS = 32,
    PARAMETERS = 16,
    FIELDS = 256,
    ELEMENTS = 16384,
    WORDS = 4096,
    DEPTH = 8
};

bool fail(const char *format, const char *a, const char *b);

/* ---- layouts.c ---- */

struct layout { /* a struct or an enum that the plugin can pass; lives as long as the program */
    char name[65];
    char *abi, *fields; /* fields: the part of it within the braces */
    char *body;         /* JSON: the members of the type in the configuration */
    int size, alignment;
    bool is_enum, has_pointers; /* to other things than strings */
    bool is_used;
    struct layout **nested;
    int nested_count;
    struct layout *next;
};
/* Of a type without its names and qualifiers. NULL, and why: it cannot be passed. */
struct layout *layout_of(Dwarf_Die type, const char *otherwise, char why[static 200]);
void layout_use(struct layout *layout);
/* Those that were used. False: there are none. */
bool layouts_put(seam_writer *out, const char *key, const char *sha256);

/* ---- prototypes.c ---- */

struct seen { /* a type, without its names and qualifiers */
    char abi[8];
    const char *word; /* of a scalar in the configuration */
    struct layout *layout;
    bool is_pointer, is_const;
    Dwarf_Die target; /* of a pointer */
    bool has_target;
    char why[200]; /* it cannot be passed */
};

struct parameter {
    struct seen type, to;                              /* to: what a pointer points to */
    bool to_const, to_function, to_opaque, to_pointer; /* opaque: no layout is known */
    bool to_void;
    char name[65];
};

struct prototype {
    struct parameter returns, parameters[PARAMETERS];
    bool returns_text;
    int count;
};

/* What the type is under its names; false: it is void. */
bool peel(Dwarf_Die *die, bool *ret_const);
bool type_of(Dwarf_Die *die, Dwarf_Die *ret);
/* i, u, f, b, and in the configuration; 0: it is no scalar. */
char code_of(Dwarf_Die *die);
const char *scalar_word(char code, int size);
const char *seen_abi(const struct seen *seen);
/* 1: found, 0: the file does not say, -1: it cannot be called, and that has been said. */
int find(const char *path, const char *function, struct prototype *ret);

/* ---- generator.c ---- */

/* The digest of what crosses and of the library. */
void put_pin(seam_writer *out, const char *abi, const char *sha256);

#endif
