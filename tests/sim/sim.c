/* SPDX-License-Identifier: Apache-2.0
 *
 * sim --seeds FROM-TO | --seed N [--crash-at K] [--verbose]: histories by number, with crashes
 * where the seed wants them, or at the Kth write of the journal alone (0 = nowhere). sim --sweep
 * FROM-TO: each history once for each of its writes, with a crash at that one. The first that
 * breaks what must hold is printed with its last records and the command that shows it again.
 * Nothing here waits and nothing touches a disk but the flows, which are read once.
 */
#include "sim.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORDS_SHOWN = 14 };

/* ---- chance ---- */

/* splitmix64 (Steele, Lea, Flood 2014) */
uint64_t sim_random(struct sim *sim)
{
    uint64_t x = sim->random += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t sim_below(struct sim *sim, uint64_t bound)
{
    return bound ? sim_random(sim) % bound : 0;
}

bool sim_chance(struct sim *sim, unsigned permille)
{
    return sim_below(sim, 1000) < permille;
}

bool sim_bad_luck(struct sim *sim, unsigned permille)
{
    return sim_chance(sim, permille * sim->storm);
}

void sim_later(struct sim *sim, int64_t wait_ms, enum item_kind kind, void *what, uint64_t number)
{
    queue_push(&sim->queue, (struct item){.at = sim->now + wait_ms,
                                          .epoch = sim->epoch,
                                          .kind = kind,
                                          .what = what,
                                          .number = number});
}

/* ---- telling ---- */

/* How to see the history at hand again. */
static char last_words[128];

void sim_say(const struct sim *sim, const char *format, ...)
{
    va_list args;
    if (!sim->verbose)
        return;
    printf("%10lld  ", (long long)sim->now);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void violate(struct sim *sim, const char *format, ...)
{
    va_list args;
    size_t from = sim->record_count > RECORDS_SHOWN ? sim->record_count - RECORDS_SHOWN : 0;
    for (size_t i = from; i < sim->record_count; i++) {
        char *text = json_dumps(sim->records[i], JSON_COMPACT);
        fprintf(stderr, "%s%zu %.900s\n", i < sim->durable ? "" : "(not on disk) ", i, text);
        free(text);
    }
    fprintf(stderr, "\nseed %llu, flow %s, at %lld: ", (unsigned long long)sim->seed,
            sim->scene->name, (long long)sim->now);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs(last_words, stderr);
    exit(1);
}

/* An assertion of the orchestrator, or worse: the seed is told all the same. */
static void dies(int signal_number)
{
    ssize_t ignored = write(STDERR_FILENO, last_words, strlen(last_words));
    (void)ignored;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* ---- one history ---- */

static void cancel(struct sim *sim)
{
    struct event event = {.kind = EVENT_CANCEL_ASKED, .who = "somebody"};
    if (sim->dead)
        sim_later(sim, 5000, ITEM_CANCEL, NULL, 0);
    else
        host_happen(sim, &event, NULL);
}

static bool of_the_host(enum item_kind kind)
{
    return kind >= ITEM_BARRIER;
}

static void step(struct sim *sim, struct item *item)
{
    if (of_the_host(item->kind) && item->epoch != sim->epoch) {
        item_done(item);
        return;
    }
    if (of_the_host(item->kind) && item->at < sim->pause_until) {
        item->at = sim->pause_until;
        queue_back(&sim->queue, *item);
        return;
    }
    if (item->at > sim->now)
        sim->now = item->at;
    switch (item->kind) {
    case ITEM_COMMIT:
    case ITEM_STRIKE:
        world_item(sim, item);
        break;
    case ITEM_PERSON:
        people_item(sim, item);
        break;
    case ITEM_LETTER:
        if (sim->dead) { /* it waits for the next host */
            item->at += 5000;
            queue_back(&sim->queue, *item);
            return;
        }
        people_letter(sim, item->what);
        break;
    case ITEM_CANCEL:
        cancel(sim);
        break;
    case ITEM_PAUSE:
        sim->pause_until = sim->now + (int64_t)item->number;
        sim->paused_ms += (int64_t)item->number;
        break;
    case ITEM_RESUME:
        host_resume(sim);
        break;
    case ITEM_BARRIER:
    case ITEM_ALARM:
    case ITEM_CALL:
    case ITEM_TIMEOUT:
    case ITEM_ANSWER:
    case ITEM_COMPLETE:
        host_item(sim, item);
        break;
    }
    item_done(item);
}

static void play(struct sim *sim)
{
    struct item item;
    host_begin(sim);
    for (;;) {
        if (queue_pop(&sim->queue, &item)) {
            step(sim, &item);
        } else if (run_status_is_final(run_status(sim->run))) {
            break;
        } else if (!people_help(sim)) {
            violate(sim, "the run is %s, and nothing will ever happen to it",
                    run_status_word(run_status(sim->run)));
        }
    }
    if (!sim->told)
        violate(sim, "the run is final, and nobody was told");
    check_final(sim);
}

static void prepare(struct sim *sim, uint64_t seed, long crash_at, bool verbose)
{
    *sim = (struct sim){.seed = seed, .random = seed * 0x9E3779B97F4A7C15u, .verbose = verbose};
    sim->now = 1000000;
    sim->scene = cast_scene(sim_below(sim, cast_scenes()));
    sim->thorough = sim_chance(sim, 60);
    sim->storm = (unsigned)sim_below(sim, 4);
    sim->crashes = (unsigned)sim_below(sim, 5);
    sim->crash_at = sim->crashes ? 1 + sim_below(sim, 40) : 0;
    if (sim_chance(sim, 200))
        sim_later(sim, (int64_t)sim_below(sim, 5000), ITEM_CANCEL, NULL, 0);
    if (sim_chance(sim, 150))
        sim_later(sim, (int64_t)sim_below(sim, 5000), ITEM_PAUSE, NULL,
                  1 + sim_below(sim, sim_chance(sim, 500) ? 3000 : 3600000));
    if (crash_at >= 0) {
        sim->crashes = crash_at > 0;
        sim->crash_at = (size_t)crash_at;
    }
    char where[32] = "";
    if (crash_at >= 0)
        snprintf(where, sizeof(where), " --crash-at %ld", crash_at);
    snprintf(last_words, sizeof(last_words),
             "\nto see it again: ./dev sim --seed %llu%s --verbose\n", (unsigned long long)seed,
             where);
}

static void clean_up(struct sim *sim)
{
    calls_free(sim);
    world_free(sim);
    host_free(sim);
    for (size_t i = 0; i < sim->record_count; i++)
        json_decref(sim->records[i]);
    free(sim->records);
    free(sim->queue.heap);
}

struct tally {
    uint64_t runs, events, crashes, done, failed, cancelled;
};

/* Returns how often the journal was written. */
static size_t simulate(uint64_t seed, long crash_at, bool verbose, struct tally *tally)
{
    struct sim sim;
    prepare(&sim, seed, crash_at, verbose);
    sim_say(&sim, "seed %llu: flow %s, storm %u, crashes %u", (unsigned long long)seed,
            sim.scene->name, sim.storm, sim.crashes);
    play(&sim);
    tally->runs++;
    tally->events += sim.events;
    tally->crashes += sim.epoch;
    tally->done += sim.run->frames[0]->status == RUN_DONE;
    tally->failed += sim.run->frames[0]->status == RUN_FAILED;
    tally->cancelled += sim.run->frames[0]->status == RUN_CANCELLED;
    sim_say(&sim, "%s", run_status_word(run_status(sim.run)));
    clean_up(&sim);
    return sim.writes;
}

static void sweep(uint64_t seed, struct tally *tally)
{
    size_t writes = simulate(seed, 0, false, tally);
    for (size_t i = 1; i <= writes; i++)
        simulate(seed, (long)i, false, tally);
}

static int usage(void)
{
    fputs("usage: sim --seeds FROM-TO | --sweep FROM-TO | --seed N [--crash-at K] [--verbose]\n",
          stderr);
    return 2;
}

struct wish {
    unsigned long long from, to;
    long crash_at; /* -1 = where the seed wants it                                 */
    bool sweep, verbose;
};

static bool read_arguments(int argc, char **argv, struct wish *ret)
{
    *ret = (struct wish){.crash_at = -1};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--verbose") == 0) {
            ret->verbose = true;
            continue;
        }
        i++;
        ret->sweep |= strcmp(argv[i - 1], "--sweep") == 0;
        if ((strcmp(argv[i - 1], "--seeds") == 0 || strcmp(argv[i - 1], "--sweep") == 0) &&
            sscanf(value, "%llu-%llu", &ret->from, &ret->to) == 2)
            continue;
        if (strcmp(argv[i - 1], "--crash-at") == 0 && sscanf(value, "%ld", &ret->crash_at) == 1)
            continue;
        if (strcmp(argv[i - 1], "--seed") != 0 || sscanf(value, "%llu", &ret->from) != 1)
            return false;
        ret->to = ret->from;
    }
    return ret->from > 0 && ret->to >= ret->from;
}

int main(int argc, char **argv)
{
    struct wish wish;
    struct tally tally = {0};
    if (!read_arguments(argc, argv, &wish))
        return usage();
    signal(SIGABRT, dies);
    signal(SIGSEGV, dies);
    cast_open();
    for (unsigned long long seed = wish.from; seed <= wish.to; seed++) {
        if (wish.sweep)
            sweep(seed, &tally);
        else
            simulate(seed, wish.crash_at, wish.verbose, &tally);
    }
    cast_close();
    printf("%llu histories, %llu events, %llu crashes: %llu done, %llu failed, %llu cancelled\n",
           (unsigned long long)tally.runs, (unsigned long long)tally.events,
           (unsigned long long)tally.crashes, (unsigned long long)tally.done,
           (unsigned long long)tally.failed, (unsigned long long)tally.cancelled);
    return 0;
}
