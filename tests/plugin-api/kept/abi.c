/* SPDX-License-Identifier: Apache-2.0
 *
 * The ABI as a compiler sees it: a library whose debugging information has every struct of
 * seam/plugin.h, for abidiff to hold against the kept description. What no description has, the
 * values of the constants, is held here. A value may be added, and none may ever change.
 */
#include <seam/plugin.h>

SEAM_EXPORT const seam_describe *seam_describe_v1(void);

const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return (const seam_plugin *)0;
}

const seam_describe *seam_describe_v1(void)
{
    return (const seam_describe *)0;
}

#define KEEP(name, value) SEAM_STATIC_ASSERT(name == (value), #name " changed")
KEEP(SEAM_ABI_MAJOR, 1);
KEEP(SEAM_OK, 0);
KEEP(SEAM_E_INPUT, 1);
KEEP(SEAM_E_FAILED, 2);
KEEP(SEAM_E_UNAVAILABLE, 3);
KEEP(SEAM_E_RATE_LIMITED, 4);
KEEP(SEAM_E_DENIED, 5);
KEEP(SEAM_E_BUDGET, 6);
KEEP(SEAM_E_TIMEOUT, 7);
KEEP(SEAM_E_CANCELLED, 8);
KEEP(SEAM_E_BUSY, 9);
KEEP(SEAM_E_UNSUPPORTED, 10);
KEEP(SEAM_E_INTERNAL, 11);
KEEP(SEAM_E_INPUT_REQUIRED, 12);
KEEP(SEAM_PURE, 0);
KEEP(SEAM_READ, 1);
KEEP(SEAM_WRITE_IDEMPOTENT, 2);
KEEP(SEAM_WRITE, 3);
KEEP(SEAM_DESTRUCTIVE, 1);
KEEP(SEAM_OPEN_WORLD, 2);
KEEP(SEAM_NONBLOCKING, 4);
KEEP(SEAM_EFFECT_NONE, 0);
KEEP(SEAM_EFFECT_DONE, 1);
KEEP(SEAM_EFFECT_UNKNOWN, 2);
KEEP(SEAM_LOG_DEBUG, 0);
KEEP(SEAM_LOG_INFO, 1);
KEEP(SEAM_LOG_WARNING, 2);
KEEP(SEAM_LOG_ERROR, 3);
KEEP(SEAM_CLOCK_MONOTONIC, 0);
KEEP(SEAM_CLOCK_REALTIME, 1);
SEAM_STATIC_ASSERT(sizeof(SEAM_ENTRY_SYMBOL) == sizeof("seam_plugin_v1"), "the door is renamed");
SEAM_STATIC_ASSERT(sizeof(SEAM_CARD_SECTION) == sizeof(".seam.card"), "the section is renamed");
