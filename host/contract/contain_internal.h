/* SPDX-License-Identifier: Apache-2.0
 *
 * Containment as emptiness. A ⊆ B holds if nothing satisfies A ∧ ¬B; so both contracts become
 * *terms* of one formula language, and a search looks for a value that satisfies that conjunction.
 * A *lit* is a term or its negation. Equal terms are one (hash-consed), in whichever contract they
 * stood, so that S ∧ ¬S is seen at once. An atom holds only of values of its own kinds; the guards
 * that keywords have ("says nothing of other types") are spelled out as disjunctions.
 *
 * The one rule of soundness: a conjunction is EMPTY only if a subset of its lits has been shown to
 * be contradictory; what is not understood is left out. And FOUND only with a value that holds()
 * has confirmed. All else is UNSURE.
 */
#ifndef CONTRACT_CONTAIN_INTERNAL_H
#define CONTRACT_CONTAIN_INTERNAL_H

#include "contract/contain.h"
#include "contract/program_internal.h"

/* A term's index times two, plus one for its negation. */
typedef uint32_t lit;

enum { LIT_TRUE = 0, LIT_FALSE = 1 };
#define LIT_NONE UINT32_MAX

static inline lit lit_not(lit l)
{
    return l ^ 1u;
}

/* Kinds of values: numbers are told apart by being whole, which types of JSON are not. */
enum value_kind {
    VALUE_NULL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_INTEGER,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_OBJECT,
    VALUE_FRACTION,
    VALUE_KINDS
};
#define KIND_BIT(kind) (1u << (kind))
enum {
    KINDS_NUMBER = KIND_BIT(VALUE_INTEGER) | KIND_BIT(VALUE_FRACTION),
    KINDS_STRING = KIND_BIT(VALUE_STRING),
    KINDS_ARRAY = KIND_BIT(VALUE_ARRAY),
    KINDS_OBJECT = KIND_BIT(VALUE_OBJECT),
    KINDS_ALL = 0xFF,
};

enum term_kind {
    TERM_TRUE,     /* holds of everything                                                    */
    TERM_KINDS,    /* of the kinds in `kinds`                                                */
    TERM_VALUES,   /* of the values of a set                                                 */
    TERM_ABOVE,    /* of numbers ≥ bound, or > where strict                                  */
    TERM_MULTIPLE, /* of multiples of the divisor                                            */
    TERM_LENGTH,   /* of strings of at least n characters                                    */
    TERM_PATTERN,  /* of strings that match                                                  */
    TERM_FORMAT,   /* of strings of that format                                              */
    TERM_UNIQUE,   /* of arrays whose items differ                                           */
    TERM_ITEM,     /* of arrays that have an item at `from`, which satisfies `value`         */
    TERM_COUNT,    /* of arrays in which n items from `from` on satisfy `value`              */
    TERM_PROPERTY, /* of objects that have the property `name`, which satisfies `value`      */
    TERM_KEYS,     /* of objects with n properties: names satisfy `key`, values `value`      */
    TERM_NODE,     /* a subschema that refers to itself: what it means is in `node_meanings` */
    TERM_ALL,      /* all of `list`                                                          */
    TERM_OPAQUE,   /* what nothing here understands: `n` tells one from another              */
};

struct term {
    uint8_t kind;  /* enum term_kind                */
    uint8_t kinds; /* of values of which it may hold */
    bool strict;
    uint8_t side; /* that it was first made for: 0 sub, 1 super */
    uint32_t hash;
    uint32_t node; /* of that side's contract, for messages */
    uint32_t next; /* in its chain of the table             */
    size_t n, from;
    lit key, value;
    union {
        struct number bound;
        struct decimal divisor;
        const struct regex *regex;
        const struct format *format;
        struct slice name;
        const struct value_set *set;
        struct {
            const lit *list;
            size_t count;
        } all;
    } as;
};

enum answer { EMPTY, FOUND, UNSURE };

/* What is known of a conjunction. */
struct memo {
    uint8_t state; /* enum memo_state      */
    uint8_t answer;
    uint32_t depth; /* while open its own; then of the open one that EMPTY leans on */
    json_t *sample; /* of FOUND */
};

/* What ran out, or was not understood: the first such thing becomes the reason. */
struct doubt {
    const char *rule;
    const char *words; /* NULL: none yet */
    lit goal;
};

struct chunk;

struct contain {
    const struct contract *contracts[2];
    struct term *terms;
    size_t term_count, term_room;
    uint32_t *table; /* hash → first term of the chain, or UINT32_MAX */
    size_t table_room;
    lit *node_meanings; /* by the `n` of a TERM_NODE */
    size_t meaning_count, meaning_room;
    struct chunk *chunks; /* of small things that live as long as this */
    json_t *owned;        /* an array of values made here              */

    struct memo *memos; /* by lit */
    size_t memo_room;
    lit *provisional; /* EMPTY as long as what is still open turns out so */
    size_t provisional_count, provisional_room;
    uint32_t depth;  /* of open conjunctions */
    uint32_t frames; /* of the search, in all of them: they lie on the stack */
    uint32_t lowest; /* open conjunction that an answer has leaned on, since last reset */

    uint64_t steps;
    uint32_t pairs, candidates;
    bool exhausted;
    struct doubt doubt;

    uint8_t side; /* being built */
    uint32_t node;
    struct match_room room;
    struct automata *automata;
};

/* ---- contain_terms.c ---- */

void *chunk_alloc(struct contain *c, size_t size);
void chunks_free(struct contain *c);
/* Keeps a value made here, and lends it. */
const json_t *contain_own(struct contain *c, json_t *value);

static inline const struct term *term_of(const struct contain *c, lit l)
{
    return &c->terms[l >> 1];
}

static inline bool is_negative(lit l)
{
    return l & 1;
}

/* Makes the term that LIT_TRUE and LIT_FALSE are of. */
void lit_first(struct contain *c);
lit lit_kinds(struct contain *c, unsigned kinds);
lit lit_value(struct contain *c, const json_t *value);
lit lit_values(struct contain *c, const struct value_set *set);
lit lit_above(struct contain *c, struct number bound, bool strict);
lit lit_multiple(struct contain *c, struct decimal divisor);
lit lit_length(struct contain *c, size_t least);
lit lit_pattern(struct contain *c, const struct regex *regex);
lit lit_format(struct contain *c, const struct format *format);
lit lit_unique(struct contain *c);
lit lit_item(struct contain *c, size_t at, lit value);
lit lit_count(struct contain *c, size_t from, size_t least, lit value);
lit lit_property(struct contain *c, struct slice name, lit value);
lit lit_keys(struct contain *c, size_t least, lit key, lit value);
lit lit_node(struct contain *c);
lit lit_opaque(struct contain *c);
/* The list may be changed. */
lit lit_all(struct contain *c, lit *list, size_t count);
lit lit_any(struct contain *c, lit *list, size_t count);
lit lit_and(struct contain *c, lit a, lit b);
lit lit_or(struct contain *c, lit a, lit b);
/* Of other kinds everything, of these what l says. */
lit lit_guarded(struct contain *c, unsigned kinds, lit l);

/* ---- contain_build.c, contain_unevaluated.c ---- */

/* The meaning of a whole contract; false if it is too large, and then there is a doubt. */
bool contain_build(struct contain *c, unsigned side, lit *ret_lit);

/* Where building stands: a contract, and the resources that were passed on the way, innermost
 * first, of which `$dynamicRef` asks the outermost. NULL where there is no such reference. */
struct passed {
    const struct passed *up;
    const struct passed *others; /* that were made before */
    uint32_t resource;
};

struct build {
    struct contain *c;
    const struct contract *contract;
    struct vertex **vertices; /* by node, a list for each */
    struct vertex *later;     /* found too deep to be built at once */
    const struct passed *passed, *all_passed;
    uint32_t depth;
    bool dynamic, failed;
};

/* A subschema of a keyword of a node, and what a reference means. */
lit build_child(struct build *b, uint32_t from, uint32_t node);
lit build_reference(struct build *b, const struct op *op);
/* Enters the target of an op that refers; gives what b->passed was, to be put back. */
const struct passed *build_enter(struct build *b, uint32_t node);
uint32_t build_target(const struct build *b, const struct op *op);
/* The names that `properties` lists. */
lit build_names(struct contain *c, const struct names *names);
/* The keyword unevaluated…, given that the others of its node hold. */
lit build_unevaluated(struct build *b, uint32_t node, const struct op *op);

/* ---- contain_holds.c ---- */

enum truth { NO, YES, MAYBE };

enum truth holds(struct contain *c, lit l, const json_t *value);
enum value_kind kind_of(const json_t *value);

/* ---- contain_branch.c ---- */

/* A list of lits that all hold of one value of one kind. */
struct lits {
    lit *list;
    size_t count, room;
};

struct branch {
    lit goal; /* what it all began with */
    enum value_kind kind;
    struct lits asserted; /* all of them          */
    struct lits atoms;    /* the atoms among them */
    struct lits clauses;  /* negated TERM_ALLs    */
    uint32_t *slots;      /* asserted, hashed     */
    size_t slot_room;
    size_t checked; /* atoms that the theory has seen and found no fault with */
    json_t *sample; /* found on the way; the answer of the whole goal        */
};

/* How far a branch has come. */
struct mark {
    size_t asserted, atoms, clauses, checked;
};

struct mark branch_mark(const struct branch *b);
void branch_back_to(struct branch *b, struct mark m);
void branch_done(struct branch *b);
/* Adds what holds; false if it contradicts what is there. */
bool branch_assume(struct contain *c, struct branch *b, lit l);
/* What is known of a lit in a branch, by looking a little into it. */
enum truth branch_known(const struct contain *c, const struct branch *b, lit l, int level);
void lits_add(struct lits *lits, lit l);
void lits_done(struct lits *lits);

/* ---- contain_search.c ---- */

/* Whether anything satisfies l. The sample is lent. */
enum answer solve(struct contain *c, lit l, json_t **ret_sample);
/* Counts a step of work; false once the budget is spent. */
bool contain_step(struct contain *c, size_t cost);
/* Notes why something stays undecided, unless something was noted before. */
void contain_doubt(struct contain *c, const char *rule, const char *words, lit goal);
/* If the candidate satisfies the branch's goal, keeps it there; takes the reference. NULL does not.
 */
bool branch_try(struct contain *c, struct branch *b, json_t *candidate, bool *ret_maybe);

/* What each kind's theory says of the atoms of a branch. `final`: there is nothing left to choose,
 * so a sample is to be found if there is one. *ret_split: a disjunction that holds in this branch
 * and is worth choosing from, if the answer is UNSURE. */
enum answer check_values(struct contain *c, struct branch *b, const struct value_set *set,
                         bool final);
enum answer check_number(struct contain *c, struct branch *b, bool final);
enum answer check_string(struct contain *c, struct branch *b, bool final);
enum answer check_array(struct contain *c, struct branch *b, bool final, lit *ret_split);
enum answer check_object(struct contain *c, struct branch *b, bool final, lit *ret_split);

/* ---- contain_pattern.c, contain_automaton.c ---- */

/* A pattern, which is well-formed and lives as long as c, as a machine without memory; NULL if it
 * is not of the common subset. */
const struct machine *machine_of(struct contain *c, struct slice source);

/* Strings that all of `positive` and none of `negative` find a match in, with a length from least
 * to most. Hands each that it finds to `try`, until that says true. EMPTY: there is none, or all
 * there are were tried. */
struct language {
    const struct machine *positive[16], *negative[16];
    size_t positive_count, negative_count;
    size_t least, most;
};
enum answer language_search(struct contain *c, const struct language *language,
                            bool (*try)(void *user, struct slice string), void *user);

#endif
