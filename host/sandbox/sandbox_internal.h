/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the sandbox that the worker applies, each of which reports on itself.
 */
#ifndef SANDBOX_SANDBOX_INTERNAL_H
#define SANDBOX_SANDBOX_INTERNAL_H

#include "sandbox/sandbox.h"

/* Sanitizers reserve terabytes; that of threads reads /proc when it reports, and reports or dies.
 */
#if defined(__has_feature)
#define SANDBOX_HAS(sanitizer) __has_feature(sanitizer)
#else
#define SANDBOX_HAS(sanitizer) 0
#endif
#if defined(__SANITIZE_THREAD__) || SANDBOX_HAS(thread_sanitizer)
#define SANDBOX_READS_PROC 1
#else
#define SANDBOX_READS_PROC 0
#endif
#if defined(__SANITIZE_ADDRESS__) || SANDBOX_HAS(address_sanitizer) || SANDBOX_READS_PROC
#define SANDBOX_SANITIZED 1
#else
#define SANDBOX_SANITIZED 0
#endif

/* Folders whose libraries may be loaded, and files that the loader of libraries reads. */
extern const char *const sandbox_libraries[];
/* What a plugin with sockets of its own needs to find and trust others. */
extern const char *const sandbox_network_files[];
extern const char *const sandbox_devices[];

/* "the kernel has none", "it is forbidden here", … for an errno. */
const char *sandbox_reason(int error);

/* namespaces.c: those that a process can enter by itself. */
void namespaces_enter(const struct sandbox_plan *plan, const char *born,
                      struct sandbox_report *report);
/* The first process of a namespace of processes gets no signal that it has no handler for, not even
 * from itself, and is given every orphan. So it runs no plugin: it goes on in a child, and what
 * stays behind calls `confine`, waits and ends with it. */
bool namespaces_leave_first(void (*confine)(void *user), void *user);

/* root.c: after the mount namespace was entered; library is where it was copied to. */
void root_enter(const struct sandbox_plan *plan, int library_fd, struct sandbox_report *report,
                char ret_library[static 64]);

/* bounds.c */
void bounds_set(const struct sandbox_plan *plan, struct sandbox_report *report);
bool capabilities_drop(struct sandbox_report *report);

/* landlock.c: of the calling thread and those that it will start. */
void landlock_enter(const struct sandbox_plan *plan, struct sandbox_report *report);

/* filter.c; hearer: where the filter's listener is sent to and what is then closed; -1: nobody */
void filter_enter(const struct sandbox_plan *plan, int hearer, struct sandbox_report *report);

/* hearing.c: has the filter installed by `enter`, which returns its listener or -1, and sends that
 * to the hearer. */
typedef int (*hearing_fn)(void *user);
bool hearing_start(int hearer, hearing_fn enter, void *user);

#endif
