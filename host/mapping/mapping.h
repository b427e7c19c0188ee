/* SPDX-License-Identifier: Apache-2.0
 *
 * Mappings: JSON values whose strings may hold `${ expression }`, in a total, typed subset of jq. A
 * mapping is parsed once to a typed tree and evaluated many times, sharing values by reference
 * (they are immutable once they have crossed a seam). An evaluation gives one value or one error,
 * needs no clock, environment or I/O, and does a bounded amount of work. What it computes is what
 * jq computes, but: ordering values of two types is an error; integers are exact to 64 bits and
 * become a double when they overflow; no result is infinite or -0; nothing gives several values.
 *
 * Outside of `|` and map(…) `.` is the scope: `.input`, `.steps.NAME.output`, `.steps.NAME.status`,
 * `.item`, `.index`, `.output`, `.error`, `.run`. `$input`, `$steps` and so on are the same
 * anywhere.
 *
 * A string that is one `${ }` alone keeps the type of its value; text around `${ }` makes a string.
 * A string without `${` is itself. `$${` is a literal `${`. Keys of objects are never expressions.
 */
#ifndef MAPPING_MAPPING_H
#define MAPPING_MAPPING_H

#include "base/text.h"

#include <jansson.h>

/* The names an expression may begin with; which are allowed depends on where it stands. */
enum mapping_root {
    ROOT_INPUT = 1u << 0,  /* .input                       the flow's input                    */
    ROOT_STEPS = 1u << 1,  /* .steps.X.output .steps.X.status                                  */
    ROOT_ITEM = 1u << 2,   /* .item .index                 in a for_each step                  */
    ROOT_OUTPUT = 1u << 3, /* .output                      in confidence, assert, undo         */
    ROOT_ERROR = 1u << 4,  /* .error                       in on_failure.fallback              */
    ROOT_RUN = 1u << 5,    /* .run.id .run.started                                             */
};

struct mapping_names {
    unsigned roots;           /* the roots allowed here               */
    const char *const *steps; /* the names of the flow's steps        */
    size_t step_count;
};

struct mapping;

/* Parses a template (which it keeps a reference of). The error's text begins with the JSON Pointer
 * of the string inside the template, then column within the string, and suggests the nearest name
 * for an unknown root, step or function. */
WARN_UNUSED enum error_code mapping_parse(json_t *source, const struct mapping_names *names,
                                          struct mapping **ret_mapping, struct error *reterr);
void mapping_free(struct mapping *mapping);
void mapping_freep(struct mapping **mapping);

/* One `.steps.X` that the mapping reads. */
struct mapping_reference {
    size_t step;      /* index into names.steps                                           */
    bool status;      /* `.status`, which every step has; else `.output`                  */
    bool guarded;     /* stands on the left of `//`: may be missing                       */
    const char *path; /* what of the output is read, as a JSON Pointer with * for items,
                         "" for the whole */
};

/* The references, in order of appearance; borrowed. */
const struct mapping_reference *mapping_references(const struct mapping *mapping,
                                                   size_t *ret_count);
/* The template that it was parsed from; borrowed. */
const json_t *mapping_source(const struct mapping *mapping);
/* The roots that the mapping really reads. */
unsigned mapping_reads(const struct mapping *mapping);
/* True if the mapping is one constant without any expression. */
bool mapping_is_constant(const struct mapping *mapping);
/* True if what the mapping gives is provably a boolean, whatever its inputs are (a comparison, and,
 * or, not, has, contains, …, or a boolean literal). */
bool mapping_is_boolean(const struct mapping *mapping);

/* What an evaluation sees. Values are borrowed; NULL = missing, which reads as null, as in jq. */
struct scope {
    const json_t *input, *item, *output, *error, *run;
    /* If not NULL, it is asked for `.input` and `.run` instead. */
    const json_t *(*given)(const void *user, bool run);
    int64_t index;
    /* The output of a step, or its status as a string; NULL = the step has no output. */
    const json_t *(*step)(const void *user, size_t step, bool status);
    const void *user;
};

/* Evaluates; *ret_value is a new reference whose parts may be shared with the scope and must not be
 * changed. The error is bad input of the step: "/passengers: .input.age is a string, `<` needs …".
 */
WARN_UNUSED enum error_code mapping_evaluate(const struct mapping *mapping,
                                             const struct scope *scope, json_t **ret_value,
                                             struct error *reterr);

#endif
