/* SPDX-License-Identifier: Apache-2.0
 *
 * What all plugins of these tests share, so that each file is its sin alone: SIN(effect, flags)
 * makes the table of a plugin with one agent "act", whose start() is act().
 */
#ifndef TESTS_PLUGINS_SIN_H
#define TESTS_PLUGINS_SIN_H

#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const seam_host *host;

static inline seam_bytes bytes_of(const char *string)
{
    return (seam_bytes){string, strlen(string)};
}

static inline void answer(seam_id call, seam_status status, seam_bytes body)
{
    seam_reply reply = {.size = sizeof(reply),
                        .status = status,
                        .effect = status == SEAM_OK ? SEAM_EFFECT_DONE : SEAM_EFFECT_NONE,
                        .body = body};
    host->complete(host, call, &reply);
}

static inline void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Through a volatile pointer, or the compiler sees what is coming and leaves it out. */
static inline void write_to_nowhere(void)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

static inline seam_status keep_host(const seam_host *given, seam_bytes config, void **ret_self)
{
    (void)config;
    host = given;
    *ret_self = NULL;
    return SEAM_OK;
}

#define SIN_WITH(effect_, flags_, create_, cancel_)                                                \
    static const seam_agent the_agent = {sizeof(the_agent), effect_, flags_, "act"};               \
    static const seam_agent *const the_agents[] = {&the_agent, NULL};                              \
    static const seam_plugin the_table = {.size = sizeof(the_table),                               \
                                          .id = "org.seam.test",                                   \
                                          .version = "1.0.0",                                      \
                                          .agents = the_agents,                                    \
                                          .create = create_,                                       \
                                          .start = act,                                            \
                                          .cancel = cancel_};                                      \
    const seam_plugin *seam_plugin_v1(uint32_t host_minor)                                         \
    {                                                                                              \
        (void)host_minor;                                                                          \
        return &the_table;                                                                         \
    }

#define SIN(effect, flags) SIN_WITH(effect, flags, keep_host, NULL)

#endif
