/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker gives up, in the only order that works: what needs privilege first, then the
 * privileges, then what needs none, and last the right to ask the kernel for more. What cannot be
 * had is reported, not failed; without a few things no plugin may run at all.
 */
#include "sandbox/sandbox_internal.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SET_MDWE = 65, REFUSE_EXEC_GAIN = 1 };

static bool close_rest(const struct sandbox_site *site, struct sandbox_report *report)
{
    if (close_range((unsigned)site->keep, ~0u, 0) != 0)
        return false;
    sandbox_report_set(report, PROTECTION_DESCRIPTORS, SANDBOX_ENFORCED, "%s", "");
    return true;
}

static void refuse_new_code(const struct sandbox_plan *plan, struct sandbox_report *report)
{
    if (sandbox_leaves_out(plan, PROTECTION_W_XOR_X))
        sandbox_report_set(report, PROTECTION_W_XOR_X, SANDBOX_LEFT_OUT, "by the manifest");
    else if (plan->jit)
        sandbox_report_set(report, PROTECTION_W_XOR_X, SANDBOX_NEEDLESS,
                           "code made while it runs is granted (grants.jit)");
    else if (prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0)
        sandbox_report_set(report, PROTECTION_W_XOR_X, SANDBOX_ENFORCED, "%s", "");
    else
        sandbox_report_set(report, PROTECTION_W_XOR_X, SANDBOX_MISSING,
                           "it needs a kernel of 6.3 or later");
}

static void hide_memory(const struct sandbox_plan *plan, struct sandbox_report *report)
{
    if (sandbox_leaves_out(plan, PROTECTION_NOT_DUMPABLE))
        sandbox_report_set(report, PROTECTION_NOT_DUMPABLE, SANDBOX_LEFT_OUT, "by the manifest");
    else if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
        sandbox_report_set(report, PROTECTION_NOT_DUMPABLE, SANDBOX_ENFORCED, "%s", "");
    else
        sandbox_report_set(report, PROTECTION_NOT_DUMPABLE, SANDBOX_MISSING, "%s",
                           sandbox_reason(errno));
}

static bool give_up_privileges(const struct sandbox_plan *plan, struct sandbox_report *report,
                               const char **ret_what)
{
    *ret_what = "give up new privileges";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return false;
    sandbox_report_set(report, PROTECTION_NO_NEW_PRIVILEGES, SANDBOX_ENFORCED, "%s", "");
    *ret_what = "drop its capabilities";
    if (sandbox_leaves_out(plan, PROTECTION_CAPABILITIES)) {
        sandbox_report_set(report, PROTECTION_CAPABILITIES, SANDBOX_LEFT_OUT, "by the manifest");
        return true;
    }
    return capabilities_drop(report);
}

struct last_step {
    const struct sandbox_plan *plan;
    struct sandbox_report *report;
    int hearer;
};

static void take_last_step(void *user)
{
    struct last_step *step = user;
    filter_enter(step->plan, step->hearer, step->report);
}

bool sandbox_apply(const struct sandbox_plan *plan, const struct sandbox_site *site,
                   struct sandbox_report *ret_report, char ret_library[static 64],
                   const char **ret_what)
{
    *ret_report = (struct sandbox_report){0};
    *ret_what = "close the host's descriptors";
    if (!close_rest(site, ret_report))
        return false;
    umask(077);
    namespaces_enter(plan, site->born, ret_report);
    root_enter(plan, site->library, ret_report, ret_library);
    *ret_what = "leave the host's folder";
    if (chdir("/") != 0)
        return false;
    bounds_set(plan, ret_report);
    if (!give_up_privileges(plan, ret_report, ret_what))
        return false;
    hide_memory(plan, ret_report);
    refuse_new_code(plan, ret_report);
    landlock_enter(plan, ret_report);
    struct last_step step = {plan, ret_report, -1};
    *ret_what = "start a process";
    if (!namespaces_leave_first(take_last_step, &step))
        return false;
    step.hearer = plan->hearer ? site->hearer : -1;
    take_last_step(&step);
    return true;
}
