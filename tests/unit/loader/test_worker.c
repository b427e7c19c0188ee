/* SPDX-License-Identifier: Apache-2.0
 *
 * What only a worker survives: crashes, exits, hangs that must be killed, rubbish on descriptors.
 * In this process each of these takes the host with it, or its thread for ever, which is why a
 * worker is the default; hangs of the last kind are tried there too.
 */
#include "base/limits.h"
#include "drive.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sanitizer reports a fault and exits instead of dying of it. */
#define FAULT (SANITIZED ? "its worker exited with status" : "its worker was killed by SIGSEGV")

static void expect_crash(const char *file, const char *reason)
{
    struct drive d;
    drive_start_good(&d, file, IN_WORKER);
    uint64_t id = drive_call(&d, "1", -1);
    drive_until(&d, d.down == 1);
    const struct drive_result *r = drive_result(&d, id);
    ck_assert_int_eq(r->end, CALL_CRASHED);
    ck_assert(r->begun && r->reaped);
    ck_assert_uint_eq(r->effect, SEAM_EFFECT_UNKNOWN);
    ck_assert_msg(strstr(r->reason, reason) != NULL, "%s", r->reason);
    ck_assert_str_eq(r->reason, d.death);
    ck_assert_uint_eq(plugin_counts(d.plugin).crashes, 1);
    ck_assert_int_eq(plugin_counts(d.plugin).pid, 0);
    drive_done(&d);
}

START_TEST(a_crash_ends_its_calls_and_not_the_host)
{
    expect_crash(PLUGIN_FILE("crashes"), FAULT);
}
END_TEST

START_TEST(an_abort_is_named)
{
    expect_crash(PLUGIN_FILE("aborts"), "killed by SIGABRT");
}
END_TEST

START_TEST(an_exit_is_a_crash_with_its_status)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("exits"), IN_WORKER);
    uint64_t id = drive_call(&d, "{}", -1);
    drive_until(&d, d.down == 1);
    ck_assert_str_eq(drive_result(&d, id)->reason, "its worker exited with status 3");
    drive_done(&d);
}
END_TEST

START_TEST(an_answer_before_the_crash_counts)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("exits"), IN_WORKER);
    uint64_t id = drive_call(&d, "1", -1);
    drive_until(&d, d.down == 1);
    ck_assert_int_eq(drive_result(&d, id)->end, CALL_COMPLETED);
    ck_assert_str_eq(drive_result(&d, id)->body, "1");
    drive_done(&d);
}
END_TEST

START_TEST(a_crash_ends_every_call_once_and_tells_which_had_not_begun)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("crashes"), IN_WORKER); /* four at once, writes */
    uint64_t calls[8];
    for (int i = 0; i < 3; i++)
        calls[i] = drive_call(&d, "0", -1);
    drive_until(&d, d.chunks == 3);
    for (int i = 3; i < 8; i++)
        calls[i] = drive_call(&d, "1", -1);
    drive_until(&d, d.down == 1);
    ck_assert_uint_eq(d.count, 8);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(drive_result(&d, calls[i])->end, CALL_CRASHED);
        ck_assert_int_eq(drive_result(&d, calls[i])->begun, i < 4);
        ck_assert_uint_eq(drive_result(&d, calls[i])->effect,
                          i < 4 ? SEAM_EFFECT_UNKNOWN : SEAM_EFFECT_NONE);
    }
    drive_done(&d);
}
END_TEST

START_TEST(a_crash_in_a_constructor_is_a_refusal)
{
    struct drive d;
    drive_start(&d, PLUGIN_FILE("crashes_in_constructor"), IN_WORKER);
    ck_assert_msg(strstr(d.refusal.text, "while the plugin was loaded") != NULL, "%s",
                  d.refusal.text);
    ck_assert_ptr_nonnull(strstr(d.refusal.text, SANITIZED ? "exited" : "killed by SIGSEGV"));
    drive_until(&d, d.down == 1);
    ck_assert_uint_eq(d.ready, 1);
    drive_done(&d);
}
END_TEST

START_TEST(a_hang_in_a_constructor_is_killed)
{
    AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("hangs_in_constructor"));
    struct plugin_options options = drive_options(card, IN_WORKER);
    options.load_ms = 50;
    struct drive d;
    drive_start_card(&d, card, IN_WORKER, &options);
    drive_until(&d, d.down == 1);
    ck_assert_int_eq(d.refusal.code, ERR_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(d.refusal.text, "a constructor"));
    drive_done(&d);
}
END_TEST

START_TEST(a_hang_is_killed_at_its_deadline_and_takes_the_others_with_it)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("hangs"), IN_WORKER);
    uint64_t other = drive_call(&d, "1", -1);
    /* long enough for its thread to begin: one that has not is only taken out of the line */
    uint64_t hung = drive_call(&d, "1", 300);
    drive_until(&d, d.down == 1);
    ck_assert_int_eq(drive_result(&d, hung)->end, CALL_TIMED_OUT);
    ck_assert(drive_result(&d, hung)->reaped);
    ck_assert_int_eq(drive_result(&d, other)->end, CALL_CRASHED);
    ck_assert_ptr_nonnull(strstr(drive_result(&d, other)->reason,
                                 "its worker was killed because a call of agent \"act\" hung"));
    ck_assert_uint_eq(plugin_counts(d.plugin).crashes, 0);
    drive_done(&d);
}
END_TEST

START_TEST(a_hang_in_this_process_is_abandoned)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("hangs"), IN_PROCESS);
    uint64_t hung = drive_call(&d, "1", 30);
    drive_until(&d, d.count == 1);
    ck_assert_int_eq(drive_result(&d, hung)->end, CALL_TIMED_OUT);
    ck_assert(!drive_result(&d, hung)->reaped);
    ck_assert_uint_eq(plugin_counts(d.plugin).abandoned, 1);
    uint64_t next = drive_call(&d, "\"answer\"", 10000);
    drive_until(&d, d.count == 2);
    ck_assert_int_eq(drive_result(&d, next)->end, CALL_COMPLETED);
    drive_done(&d);
}
END_TEST

START_TEST(a_call_that_is_never_answered_is_killed_at_its_deadline)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("answers_never"), IN_WORKER);
    uint64_t id = drive_call(&d, "1", 50);
    drive_until(&d, d.down == 1);
    ck_assert_int_eq(drive_result(&d, id)->end, CALL_TIMED_OUT);
    ck_assert(drive_result(&d, id)->reaped);
    drive_done(&d);
}
END_TEST

START_TEST(a_cancelled_call_that_does_not_stop_is_killed)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("hangs"), IN_WORKER);
    uint64_t id = drive_call(&d, "1", -1);
    drive_until(&d, d.chunks == 1);
    plugin_cancel(d.plugin, id);
    drive_until(&d, d.down == 1);
    ck_assert_int_eq(drive_result(&d, id)->end, CALL_TIMED_OUT);
    ck_assert(drive_result(&d, id)->begun);
    drive_done(&d);
}
END_TEST

START_TEST(threads_that_never_come_back_are_noticed)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("lingers"), IN_WORKER); /* two threads */
    uint64_t calls[3];
    for (int i = 0; i < 2; i++)
        calls[i] = drive_call(&d, "1", -1);
    drive_until(&d, d.count == 2);
    calls[2] = drive_call(&d, "1", 2 * LIMIT_LINGER_MS);
    drive_until(&d, d.down == 1);
    ck_assert_int_eq(drive_result(&d, calls[1])->end, CALL_COMPLETED);
    ck_assert_int_eq(drive_result(&d, calls[2])->end, CALL_TIMED_OUT);
    ck_assert(!drive_result(&d, calls[2])->begun);
    ck_assert_ptr_nonnull(strstr(d.death, "start() must return"));
    drive_done(&d);
}
END_TEST

START_TEST(a_request_of_a_dead_plugin_may_still_be_answered)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("asks_and_dies"), IN_WORKER);
    uint64_t id = drive_call(&d, "1", -1);
    drive_until(&d, d.down == 1);
    ck_assert_int_eq(drive_result(&d, id)->end, CALL_CRASHED);
    ck_assert_uint_eq(d.request_count, 1); /* it went out before the crash */
    plugin_answer(d.plugin, d.requests[0].request, &(struct plugin_answer){.status = SEAM_OK});
    plugin_dispatch(d.plugin);
    drive_done(&d);
}
END_TEST

START_TEST(rubbish_from_a_worker_kills_it)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("sends_rubbish"), IN_WORKER);
    uint64_t id = drive_call(&d, "1", -1);
    drive_until(&d, d.down == 1);
    ck_assert_int_eq(drive_result(&d, id)->end, CALL_BROKE_ABI);
    ck_assert_ptr_nonnull(strstr(d.death, "bytes that are no frame"));
    drive_done(&d);
}
END_TEST

START_TEST(a_worker_that_closes_its_connection_is_killed)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("closes_everything"), IN_WORKER);
    uint64_t id = drive_call(&d, "1", -1);
    drive_until(&d, d.down == 1);
    ck_assert_int_eq(drive_result(&d, id)->end, CALL_CRASHED);
    ck_assert_ptr_nonnull(strstr(d.death, "closed its connection to the host"));
    drive_done(&d);
}
END_TEST

START_TEST(a_worker_killed_from_outside_is_a_crash)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("writes"), IN_WORKER);
    uint64_t id = drive_call(&d, "1", -1);
    drive_until(&d, d.request_count == 1);
    ck_assert_int_eq(kill((pid_t)plugin_counts(d.plugin).pid, SIGKILL), 0);
    drive_until(&d, d.down == 1);
    ck_assert_str_eq(drive_result(&d, id)->reason, "its worker was killed by SIGKILL");
    drive_done(&d);
}
END_TEST

START_TEST(what_a_worker_started_dies_with_it)
{
    AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("leaves_children"));
    struct plugin_options options = drive_options(card, IN_WORKER);
    struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    /* so that it can start one, and this process see it */
    plan.off = 1u << PROTECTION_SECCOMP | 1u << PROTECTION_PID_NS;
    plan.given_up = 1u << PROMISE_PROCESSES;
    options.sandbox = &plan;
    struct drive d;
    drive_start_card(&d, card, IN_WORKER, &options);
    drive_call(&d, "{}", -1);
    drive_until(&d, d.count == 1);
    pid_t child = (pid_t)atol(d.results[0].body);
    ck_assert_int_gt(child, 1);
    ck_assert_int_eq(kill(child, 0), 0);
    drive_call(&d, "1", -1);
    drive_until(&d, d.down == 1);
    drive_done(&d);
    /* Gone, or a zombie that waits for init. */
    char path[64], line[512] = "";
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)child);
    for (int64_t end = drive_now_ms() + DRIVE_BOUND_MS; drive_now_ms() < end;) {
        FILE *f = fopen(path, "r");
        bool read = f && fgets(line, sizeof(line), f);
        if (f)
            fclose(f);
        if (!read || strstr(line, ") Z ") || strstr(line, ") X "))
            return;
    }
    ck_abort_msg("the child of a dead worker lives: %s", line);
}
END_TEST

START_TEST(printed_lines_are_logged_and_floods_are_cut)
{
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("floods_output"), IN_WORKER);
    drive_call(&d, "1", -1);
    drive_until(&d, strstr(d.logged, "a printed line"));
    uint64_t flood = drive_call(&d, "{}", -1);
    drive_until(&d, d.lines > 500);
    drive_call(&d, "1", 20000);
    drive_until(&d, d.count == 2);
    plugin_cancel(d.plugin, flood);
    drive_until(&d, d.count == 3);
    ck_assert_int_eq(drive_result(&d, flood)->status, SEAM_E_CANCELLED);
    ck_assert_ptr_nonnull(strstr(d.logged, "and half of onewhat a long line"));
    drive_done(&d);
}
END_TEST

START_TEST(memory_of_a_worker_is_limited)
{
    if (SANITIZED)
        return; /* its shadow is larger than any limit */
    AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("eats_memory"));
    struct plugin_options options = drive_options(card, IN_WORKER);
    struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    plan.memory_bytes = 64 << 20;
    options.sandbox = &plan;
    struct drive d;
    drive_start_card(&d, card, IN_WORKER, &options);
    drive_call(&d, "1", -1);
    drive_until(&d, d.count == 1);
    ck_assert_int_eq(d.results[0].end, CALL_COMPLETED);
    ck_assert_int_gt(atoi(d.results[0].body), 16);
    ck_assert_int_lt(atoi(d.results[0].body), 64);
    drive_done(&d);
}
END_TEST

START_TEST(a_worker_dies_with_its_host)
{
    int pipe_fds[2];
    ck_assert_int_eq(pipe(pipe_fds), 0);
    pid_t host = fork();
    if (host == 0) {
        struct drive d;
        drive_start_good(&d, PLUGIN_FILE("hangs"), IN_WORKER);
        long pid = plugin_counts(d.plugin).pid;
        if (write(pipe_fds[1], &pid, sizeof(pid)) != sizeof(pid))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    long worker = 0;
    ck_assert_int_eq(read(pipe_fds[0], &worker, sizeof(worker)), sizeof(worker));
    ck_assert_int_eq(waitpid(host, NULL, 0), host);
    /* Its end of the pipe of standard output goes with it; here its entry in /proc. */
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/fd/%d", worker, 3);
    for (int64_t end = drive_now_ms() + DRIVE_BOUND_MS; drive_now_ms() < end;)
        if (access(path, F_OK) != 0)
            return;
    ck_abort_msg("the worker %ld outlived its host", worker);
}
END_TEST

START_TEST(a_worker_has_none_of_the_hosts_things)
{
    setenv("SECRET_OF_THE_HOST", "1", 1);
    struct drive d;
    drive_start_good(&d, PLUGIN_FILE("echo"), IN_WORKER);
    char path[64], bytes[4096];
    long pid = plugin_counts(d.plugin).pid;
    snprintf(path, sizeof(path), "/proc/%ld/environ", pid);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    size_t len = fread(bytes, 1, sizeof(bytes) - 1, f);
    fclose(f);
    for (size_t i = 0; i < len; i++)
        bytes[i] = bytes[i] ? bytes[i] : ' ';
    bytes[len] = '\0';
    ck_assert_str_eq(bytes, "LC_ALL=C.UTF-8 PATH=/usr/bin:/bin ");
    ck_assert_int_eq(getsid((pid_t)pid), (pid_t)pid);
    snprintf(path, sizeof(path), "/proc/%ld/status", pid);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    bool confined = false;
    while (fgets(bytes, sizeof(bytes), f))
        confined = confined || strcmp(bytes, "NoNewPrivs:\t1\n") == 0;
    fclose(f);
    ck_assert(confined);
    drive_done(&d);
}
END_TEST

START_TEST(a_missing_worker_program_is_named)
{
    AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("echo"));
    struct plugin_options options = drive_options(card, IN_WORKER);
    options.worker = "/nowhere/seam-worker";
    struct drive d = {.mode = IN_WORKER};
    struct error err;
    ck_assert_int_ne(plugin_start(card, &options, &drive_handlers, &d, &d.plugin, &err), ERR_OK);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/seam-worker"));
}
END_TEST

START_TEST(a_file_that_changed_since_its_card_was_read_is_refused)
{
    AUTO(card_freep) struct card *card = drive_card(PLUGIN_FILE("echo"));
    card->library.bytes[0] ^= 1;
    struct plugin_options options = drive_options(card, IN_WORKER);
    struct drive d = {.mode = IN_WORKER};
    struct error err;
    ck_assert_int_eq(plugin_start(card, &options, &drive_handlers, &d, &d.plugin, &err),
                     ERR_CONFLICT);
}
END_TEST

UNIT_MAIN(a_crash_ends_its_calls_and_not_the_host, an_abort_is_named,
          an_exit_is_a_crash_with_its_status, an_answer_before_the_crash_counts,
          a_crash_ends_every_call_once_and_tells_which_had_not_begun,
          a_crash_in_a_constructor_is_a_refusal, a_hang_in_a_constructor_is_killed,
          a_hang_is_killed_at_its_deadline_and_takes_the_others_with_it,
          a_hang_in_this_process_is_abandoned,
          a_call_that_is_never_answered_is_killed_at_its_deadline,
          a_cancelled_call_that_does_not_stop_is_killed, threads_that_never_come_back_are_noticed,
          a_request_of_a_dead_plugin_may_still_be_answered, rubbish_from_a_worker_kills_it,
          a_worker_that_closes_its_connection_is_killed, a_worker_killed_from_outside_is_a_crash,
          what_a_worker_started_dies_with_it, printed_lines_are_logged_and_floods_are_cut,
          memory_of_a_worker_is_limited, a_worker_dies_with_its_host,
          a_worker_has_none_of_the_hosts_things, a_missing_worker_program_is_named,
          a_file_that_changed_since_its_card_was_read_is_refused)
