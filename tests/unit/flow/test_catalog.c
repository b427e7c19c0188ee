/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents are found by name, whatever the order they came in; words of causes go both ways.
 */
#include "catalog_test.h"

START_TEST(agents_are_found_by_name)
{
    struct catalog catalog;
    catalog_fill(&catalog);
    for (size_t i = 0; i < catalog.count; i++) {
        const char *name = catalog.agents[i]->name;
        ck_assert_ptr_eq(catalog_find(&catalog, slice_of(name)), catalog.agents[i]);
        ck_assert(i == 0 || strcmp(catalog.agents[i - 1]->name, name) < 0);
    }
    ck_assert_ptr_null(catalog_find(&catalog, SLICE("travel/pla")));
    ck_assert_ptr_null(catalog_find(&catalog, SLICE("travel/plane")));
    ck_assert_ptr_null(catalog_find(&catalog, SLICE("")));
    catalog_done(&catalog);
    ck_assert_ptr_null(catalog_find(&catalog, SLICE("travel/plan")));
}
END_TEST

START_TEST(words_go_both_ways)
{
    for (unsigned i = 0; i < CAUSE_COUNT; i++) {
        enum cause cause = CAUSE_COUNT;
        ck_assert(cause_from_word(slice_of(cause_word((enum cause)i)), &cause));
        ck_assert_uint_eq(cause, i);
    }
    enum cause cause;
    ck_assert(!cause_from_word(SLICE("tired"), &cause));
    ck_assert_str_eq(effect_class_word(CLASS_WRITE_IDEMPOTENT), "write_idempotent");
    ck_assert_str_eq(effect_class_word(CLASS_PURE), "pure");
}
END_TEST

UNIT_MAIN(agents_are_found_by_name, words_go_both_ways)
