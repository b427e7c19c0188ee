/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of containment share: a question in one line. A REFUTED answer is believed only
 * with a witness that both contracts confirm.
 */
#ifndef TESTS_CONTAIN_TEST_H
#define TESTS_CONTAIN_TEST_H

#include "contract_test.h"

#include "contract/contain.h"

static inline struct comparison compared(const char *sub_text, const char *super_text)
{
    struct contract *sub = contract_of(sub_text), *super = contract_of(super_text);
    struct comparison answer;
    struct error err;
    ck_assert_int_eq(contract_compare(sub, super, NULL, &answer, &err), ERR_OK);
    ck_assert_int_eq(answer.verdict == REFUTED, answer.witness != NULL);
    ck_assert(answer.rule && answer.reason && answer.sub && answer.super);
    if (answer.witness)
        ck_assert(accepts_json(sub, answer.witness) && !accepts_json(super, answer.witness));
    contract_unref(sub);
    contract_unref(super);
    return answer;
}

#define assert_verdict(sub_text, super_text, expected)                                             \
    do {                                                                                           \
        struct comparison answer_ = compared(sub_text, super_text);                                \
        ck_assert_msg(answer_.verdict == (expected), "%s in %s: %s by %s: %s", sub_text,           \
                      super_text, verdict_name(answer_.verdict), answer_.rule, answer_.reason);    \
        comparison_done(&answer_);                                                                 \
    } while (0)

#define assert_proven(sub, super)  assert_verdict(sub, super, PROVEN)
#define assert_refuted(sub, super) assert_verdict(sub, super, REFUTED)
#define assert_unknown(sub, super) assert_verdict(sub, super, UNKNOWN)

/* The first is a part of the second, and not the other way around. */
#define assert_narrower(sub, super)                                                                \
    do {                                                                                           \
        assert_proven(sub, super);                                                                 \
        assert_refuted(super, sub);                                                                \
    } while (0)
/* The same values. */
#define assert_same(a, b)                                                                          \
    do {                                                                                           \
        assert_proven(a, b);                                                                       \
        assert_proven(b, a);                                                                       \
    } while (0)

#endif
