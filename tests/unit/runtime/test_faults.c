/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults of plugins, counted: how long a restart is waited for, when a library is in quarantine and
 * how it comes out, and when a generation on probation is condemned. The time is set by hand.
 */
#include "unit.h"

#include "runtime/faults_internal.h"
#include "runtime/reload_internal.h"
#include "runtime/stage.h"

static struct stage s;
static struct slot *slot;

static void open_host(void)
{
    stage_set(&s, IN_PROCESS, NULL, "", "");
    s.in_memory = true;
    stage_open(&s);
    s.host->options.stand_ins = (const struct stand_ins *)(uintptr_t)&s; /* for its clock alone */
    slot = s.host->slots[0];
    struct manifest_faults *says =
        (struct manifest_faults *)(uintptr_t)&slot->roster->entry->faults;
    says->faults = 3;
    says->within_ms = 60000;
}

static void close_host(void)
{
    s.host->options.stand_ins = NULL;
    stage_done(&s);
}

static void fault_at(int64_t now_ms, enum plugin_fault fault, bool quarantined)
{
    s.host->timers.now_ms = now_ms;
    slot_fault(slot, fault, "it fell over");
    ck_assert_msg((slot_quarantine(slot) != NULL) == quarantined, "at %lld", (long long)now_ms);
}

/* ---- how long a restart is waited for ---- */

static const struct digest one = {.bytes = {1}}, other = {.bytes = {2}};

START_TEST(waits_double_up_to_the_most)
{
    const struct manifest_faults says = {
        .restart_first_ms = 100, .restart_max_ms = 1000, .restart_coefficient = 2};
    static const int64_t waits[] = {100, 100, 200, 400, 800, 1000, 1000};
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        ck_assert_int_eq(restart_wait_ms(&says, "store", &one, i), waits[i] + 1);
    ck_assert_int_eq(restart_wait_ms(&says, "store", &one, UINT64_MAX), 1001);
}
END_TEST

START_TEST(jitter_is_within_the_wait_and_the_same_for_whoever_looks_again)
{
    const struct manifest_faults says = {.restart_first_ms = 100000,
                                         .restart_max_ms = 1000000,
                                         .restart_coefficient = 2,
                                         .restart_jitter = true};
    int same = 0;
    for (uint64_t i = 1; i <= 100; i++) {
        int64_t wait = restart_wait_ms(&says, "store", &one, i);
        ck_assert_int_eq(wait, restart_wait_ms(&says, "store", &one, i));
        ck_assert_int_ge(wait, 1);
        ck_assert_int_le(wait, 1000001);
        same += wait == restart_wait_ms(&says, "store", &other, i);
        same += wait == restart_wait_ms(&says, "elsewhere", &one, i);
        same += wait == restart_wait_ms(&says, "store", &one, i + 1);
    }
    ck_assert_int_eq(same, 0);
}
END_TEST

/* ---- quarantine ---- */

START_TEST(one_too_many_within_the_time_is_quarantine)
{
    open_host();
    fault_at(1000, PLUGIN_CRASHED, false);
    fault_at(31000, PLUGIN_HUNG, false);
    fault_at(61000, PLUGIN_CRASHED, true);
    const json_t *quarantine = slot_quarantine(slot);
    ck_assert_str_eq(word_at(quarantine, "reason"), "3 faults within 1m, the last: it fell over");
    ck_assert_str_eq(word_at(quarantine, "plugin"), "actor");
    ck_assert_str_eq(word_at(quarantine, "release"), "seam plugins release actor");
    close_host();
}
END_TEST

START_TEST(what_is_longer_ago_does_not_count)
{
    open_host();
    fault_at(1000, PLUGIN_CRASHED, false);
    fault_at(50000, PLUGIN_CRASHED, false);
    fault_at(61001, PLUGIN_CRASHED, false);
    fault_at(110001, PLUGIN_CRASHED, false);
    fault_at(121001, PLUGIN_CRASHED, true);
    close_host();
}
END_TEST

START_TEST(a_breach_is_one_too_many_and_a_plain_failure_is_none)
{
    open_host();
    for (int i = 0; i < 10; i++)
        fault_at(1000 + i, PLUGIN_SOUND, false);
    fault_at(2000, PLUGIN_BREACH, true);
    ck_assert_str_eq(word_at(slot_quarantine(slot), "reason"), "it fell over");
    close_host();
}
END_TEST

START_TEST(quarantine_is_of_the_library_and_of_no_other)
{
    open_host();
    fault_at(1000, PLUGIN_BREACH, true);
    for (size_t i = 1; i < s.host->slot_count; i++) {
        const struct slot *each = s.host->slots[i];
        bool same = digest_equal(&each->roster->card->library, &slot->roster->card->library);
        ck_assert((slot_quarantine(each) != NULL) == same);
    }
    close_host();
}
END_TEST

START_TEST(who_is_released_begins_to_count_anew)
{
    open_host();
    char hex[DIGEST_HEX_SIZE];
    fault_at(1000, PLUGIN_CRASHED, false);
    fault_at(1001, PLUGIN_CRASHED, false);
    fault_at(1002, PLUGIN_CRASHED, true);
    digest_hex(&slot->roster->card->library, hex);
    AUTO(json_decrefp) json_t *message = inbox_release(hex, "tester");
    faults_told(s.host, message);
    ck_assert_ptr_null(slot_quarantine(slot));
    fault_at(1003, PLUGIN_CRASHED, false);
    fault_at(1004, PLUGIN_CRASHED, false);
    fault_at(1005, PLUGIN_CRASHED, true);
    close_host();
}
END_TEST

/* ---- probation ---- */

static void on_probation(int faults)
{
    open_host();
    ((struct manifest *)(uintptr_t)s.host->manifest)->probation_faults = faults;
    s.host->options.stand_ins = NULL; /* it looks soon, by a clock that goes */
    slot->before = s.host->slots[1];
    slot->probation_until_ms = 100000;
}

START_TEST(probation_condemns_before_quarantine_would)
{
    on_probation(2);
    for (int i = 1; i <= 2; i++) {
        ck_assert_ptr_null(slot->condemned);
        probation_fault(slot, "it fell over");
        fault_at(1000 + i, PLUGIN_CRASHED, false);
    }
    ck_assert_ptr_nonnull(strstr(slot->condemned, "had 2 faults on probation"));
    ck_assert_ptr_nonnull(strstr(slot->condemned, "the last: it fell over"));
    probation_end(slot);
    close_host();
}
END_TEST

START_TEST(an_answer_out_of_contract_now_and_then_condemns_nobody)
{
    on_probation(2);
    for (int i = 1; i <= 200; i++)
        probation_answer(slot, i % 20 == 0 ? "no number" : NULL);
    ck_assert_ptr_null(slot->condemned);
    for (int i = 0; i < 30 && !slot->condemned; i++)
        probation_answer(slot, "no number");
    ck_assert_ptr_nonnull(slot->condemned);
    ck_assert_uint_le(slot->broken, 22);
    probation_end(slot);
    close_host();
}
END_TEST

START_TEST(who_is_on_no_probation_is_not_watched)
{
    open_host();
    for (int i = 0; i < 100; i++)
        probation_fault(slot, "it fell over");
    ck_assert_uint_eq(slot->faults, 0);
    ck_assert_ptr_null(slot->condemned);
    close_host();
}
END_TEST

UNIT_MAIN(waits_double_up_to_the_most,
          jitter_is_within_the_wait_and_the_same_for_whoever_looks_again,
          one_too_many_within_the_time_is_quarantine, what_is_longer_ago_does_not_count,
          a_breach_is_one_too_many_and_a_plain_failure_is_none,
          quarantine_is_of_the_library_and_of_no_other, who_is_released_begins_to_count_anew,
          probation_condemns_before_quarantine_would,
          an_answer_out_of_contract_now_and_then_condemns_nobody,
          who_is_on_no_probation_is_not_watched)
