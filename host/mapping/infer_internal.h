/* SPDX-License-Identifier: Apache-2.0
 *
 * What the transfer functions share. Each operator of operations_internal.h has one,
 * infer_<family>, which says of a node what its value can be, given what `.` can be. What is known
 * of a value is a *fact*: a schema in which null stands for what is missing too, and why it may be
 * missing. That is noted only where the value is put to use; on the way to a `//` or a comparison
 * nobody minds.
 *
 * Inside of `if`, `and`, `or` and `select` a condition has been met, and *narrowings* say what of:
 * each is a schema that a root, a step's output or a `.` satisfies there.
 */
#ifndef MAPPING_INFER_INTERNAL_H
#define MAPPING_INFER_INTERNAL_H

#include "mapping/infer.h"
#include "mapping/mapping_internal.h"

enum {
    INFERENCE_NOTES = 64,
    INFERENCE_WORK = 20000, /* nodes that one inference looks at           */
    INFERENCE_VALUES = 64,  /* of a finite set that is computed one by one */
};

#define BIT(type) (1u << (type))
enum {
    BITS_NULL = BIT(JSON_NULL),
    BITS_BOOLEAN = BIT(JSON_TRUE) | BIT(JSON_FALSE),
    BITS_FALSY = BIT(JSON_NULL) | BIT(JSON_FALSE),
    BITS_NUMBER = BIT(JSON_INTEGER) | BIT(JSON_REAL),
    BITS_STRING = BIT(JSON_STRING),
    BITS_ARRAY = BIT(JSON_ARRAY),
    BITS_OBJECT = BIT(JSON_OBJECT),
    BITS_ALL = 0xFF,
};

/* Why a value may be null where its author may not expect it. */
struct lack {
    struct lack *next;          /* all of them, for freeing       */
    const struct lack * or [2]; /* one of two, and nothing else   */
    const struct node *node;    /* the path that may be missing   */
    char *text, *hint;
    bool noted;
};

/* Where a value stands in what was read: ".steps.plan.output" and "/findings/items". */
struct origin {
    const char *root; /* NULL: it is not a part of one thing */
    const char *pointer;
};

struct fact {
    json_t *schema; /* owned; false = there is no such value */
    struct lack *lack;
    struct origin origin;
    bool drops; /* there may be no value at all: `select` */
};

/* What `.` is. */
struct dot {
    struct fact fact;
    size_t id; /* tells it from all others */
};

/* What a narrowing is of. */
struct base {
    enum operation_id id; /* ROOT, STEP or DOT */
    size_t which;         /* the root, the step or the id of the dot */
    bool status;
};

struct narrowing {
    struct base base;
    json_t *schema; /* owned */
};

struct inferring {
    const struct inference_scope *scope;
    struct shapes *shapes;
    struct inference *out;
    const struct node *place; /* of the template that we are in */
    const struct node *path;  /* that begins with the leaf to be asked next, or NULL */
    struct slice leaf;        /* what of its source is that leaf's                   */
    struct narrowing *narrowings;
    size_t narrowing_count, narrowing_room;
    struct lack *lacks;
    json_t *strings; /* texts that live as long as this */
    size_t work, dots;
    unsigned maybe; /* conditions around us, under which alone we are evaluated */
    bool spent;
    bool sole; /* of a pair of kinds being made: no other pair goes on */
};

typedef struct fact infer_fn(struct inferring *f, const struct node *node, const struct dot *dot);

#define X(id, written, form, arity, kids, boolean, nests, family) infer_fn infer_##family;
OPERATIONS(X)
#undef X

/* ---- infer.c ---- */

struct fact infer_node(struct inferring *f, const struct node *node, const struct dot *dot);
/* The same where it is not certain to be evaluated at all. */
struct fact infer_maybe(struct inferring *f, const struct node *node, const struct dot *dot);
void fact_done(struct fact *fact);
struct fact fact_copy(const struct fact *fact);
struct fact fact_of(json_t *schema_taken);
struct fact fact_of_types(unsigned types);
struct fact fact_of_boolean(int known); /* 1, 0 or -1: either */
/* There is no value: it fails, or nothing comes here. */
struct fact fact_nothing(void);
/* Either; takes both. */
struct fact fact_union(struct inferring *f, struct fact a, struct fact b);
/* Only the values of these types stay; those of null take the lack with them. */
struct fact fact_among(struct inferring *f, const struct fact *fact, unsigned types);
/* The fact as a shape, borrowed. */
struct shape fact_shape(const struct fact *fact);
unsigned fact_types(const struct inferring *f, const struct fact *fact);
bool fact_is_nothing(const struct fact *fact);
/* 1 always truthy, 0 never, -1 either. */
int fact_truth(const struct inferring *f, const struct fact *fact);
/* The one value that it can have, borrowed; or NULL. */
const json_t *fact_constant(const struct fact *fact);
/* What `.` is, with what is known by now; a new fact. */
struct fact dot_fact(struct inferring *f, const struct dot *dot);
struct dot dot_of(struct inferring *f, struct fact *fact); /* borrows the fact */

/* ---- infer_note.c ---- */

void note(struct inferring *f, enum inference_kind kind, const char *rule, const struct node *node,
          char *text_taken, char *hint_taken);
/* The value is put to use: what it may lack is noted. */
void settle(struct inferring *f, const struct fact *fact);
/* What an operator needs, which the fact may not give: notes it, in the words "NEEDS, found TYPES",
 * and leaves in the fact what goes on. False if nothing does. */
bool expect(struct inferring *f, const struct node *node, struct fact *fact, unsigned types,
            const char *needs);
struct lack *lack_new(struct inferring *f, const struct node *node, char *text_taken,
                      char *hint_taken);
/* Either of two lacks, of which any may be NULL. */
struct lack *lack_either(struct inferring *f, struct lack *a, struct lack *b);
/* The text of the first lack, to be put behind a complaint about null; or NULL. */
const char *lack_text(const struct lack *lack);
/* "a string, a number or null"; a new string. */
char *types_words(unsigned types);
/* "`source`", shortened; a new string. */
char *source_words(const struct node *node);
/* Keeps a string as long as the inference. */
const char *keep_string(struct inferring *f, char *taken);

/* ---- infer_narrow.c ---- */

/* Adds what is known where the condition is truthy (or is not); false if it cannot be. The caller
 * goes back to where it was with narrow_back. */
bool narrow(struct inferring *f, const struct node *condition, bool truth, const struct dot *dot);
void narrow_back(struct inferring *f, size_t count);
/* The base satisfies this schema too, until narrow_back. */
void narrow_to(struct inferring *f, struct base base, json_t *schema_taken);
/* The schema of a base, with its narrowings; takes and gives a reference. */
json_t *narrowed(struct inferring *f, struct base base, json_t *schema_taken);

/* ---- infer_lists.c ---- */

/* The items of an array, or the values of an object's members. */
struct item_facts {
    struct fact any; /* nothing, if there are none */
    size_t least, most;
};

struct item_facts items_of_fact(struct inferring *f, const struct fact *container);
/* An array of such items. */
struct fact fact_of_array(json_t *items_taken, size_t least, size_t most);

/* ---- infer_arithmetic.c ---- */

struct fact fact_of_numbers(struct shape_numbers numbers);
/* a + b of objects that are objects: b's members over a's, and where both have objects, if deep,
 * their merger. */
json_t *merged_objects(struct inferring *f, const struct shape *a, const struct shape *b,
                       unsigned deep);

/* The schema of an object whose `properties` and `required` were filled, which takes it no further
 * than that if it is closed; a new reference. */
json_t *closed_object(json_t *schema, bool closed);

/* ---- infer_strings.c ---- */

struct fact fact_of_strings(struct shape_sizes sizes);
/* What a and b, written one after the other, come to. */
struct fact fact_of_concatenation(struct inferring *f, const struct fact *a, const struct fact *b);

#endif
