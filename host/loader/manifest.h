/* SPDX-License-Identifier: Apache-2.0
 *
 * The manifest: what an operator runs. Plugins with their grants, flows, store, limits.
 */
#ifndef LOADER_MANIFEST_H
#define LOADER_MANIFEST_H

#include "base/text.h"
#include "sandbox/sandbox.h"

#include <jansson.h>

struct route { /* "POST /v2/search": a method and a path; a path that ends in
                  "*" stands for all that begin so                          */
    char *method, *path;
};

struct http_grant {
    char *scheme, *host; /* "http" or "https"; lower case                             */
    int port;
    char **methods;
    size_t method_count;
    struct route *reads; /* requests that change nothing, whatever their method       */
    size_t read_count;
    int *refusals; /* statuses that prove that nothing was done                 */
    size_t refusal_count;
    bool private_network; /* may resolve to a private or loopback address              */
};

struct secret_host {
    char *name;
    int port; /* 0 = any */
};

/* A secret that may be sent for a plugin, over the routes that its http grants allow. */
struct secret_grant {
    char *name;
    char *file, *variable; /* where it stands: one of them; file is absolute */
    struct secret_host *hosts;
    size_t host_count; /* 0 = every host of the plugin's http grants */
};
bool secret_grant_allows(const struct secret_grant *grant, const char *host, int port);

/* What one agent may do, over all runs of a host; 0 = no such limit. */
struct manifest_agent {
    char *name;
    int concurrency;
    int rate_calls; /* starts in any rate_ms */
    int64_t rate_ms;
    int breaker_failures; /* within breaker_within_ms; then it is open for breaker_open_ms */
    int64_t breaker_within_ms, breaker_open_ms;
    const json_t *refusals; /* codes of errors that prove that nothing was done; NULL = none */
};

/* How long a plugin that ended is waited for, and when it is waited for no more. */
struct manifest_faults {
    int64_t restart_first_ms, restart_max_ms;
    double restart_coefficient;
    bool restart_jitter;
    int faults;        /* within within_ms, and its library is in quarantine; 0 = never */
    int64_t within_ms; /* … whatever it does                                            */
};

struct manifest_plugin {
    char *alias, *path; /* path absolute                                             */
    bool in_process, required;
    json_t *config; /* NULL = {}                                                 */
    struct http_grant *http;
    size_t http_count;
    char **agents; /* grants.agents: "search/lookup"; a star for the name is all of it   */
    size_t agent_count;
    struct secret_grant *secrets;
    size_t secret_count;
    char *state;                /* its own folder, that "${state}" stands for; absolute */
    struct sandbox_path *paths; /* grants.fs and grants.exec                            */
    size_t path_count;
    bool net, jit;                                            /* granted */
    int64_t state_bytes;                                      /* grants.state; -1 = none */
    uint32_t sandbox_off, sandbox_required, sandbox_given_up; /* as in struct sandbox_plan */
    int max_concurrency; /* 0 = as the card says                                      */
    int64_t memory_bytes, call_ms, drain_ms; /* -1 = as the card says                           */
    int64_t log_rate, log_burst;             /* lines in a second, and at once */
    struct manifest_faults faults;
    struct manifest_agent *settings; /* of single agents */
    size_t setting_count;
    json_t *self_test; /* [{agent, input, output}]; NULL = none */
};

/* The periods of `budgets`, shortest first. */
#define PERIODS(X)                                                                                 \
    X(HOUR, "hour")                                                                                \
    X(DAY, "day")                                                                                  \
    X(WEEK, "week")                                                                                \
    X(MONTH, "month")

enum period {
#define X(name, word) PERIOD_##name,
    PERIODS(X)
#undef X
        PERIOD_COUNT
};
const char *period_word(enum period period);

struct manifest_budget {
    int64_t attempts, calls, tokens, cost; /* -1 = no limit; cost in millionths */
};

/* A secret that a key is made of. */
struct manifest_key {
    char *name;
    char *file, *variable; /* where it stands: one of them; file is absolute */
};

/* Runs whose values the journal keeps encrypted. */
struct manifest_hide {
    struct manifest_key *keys; /* the first seals; the others open what was sealed before */
    size_t key_count;          /* 0 = nothing is hidden */
    char **flows;              /* names */
    size_t flow_count;         /* 0 = all of them */
};

/* What a change by itself makes a server reload. */
enum manifest_watch { WATCH_MANIFEST, WATCH_PLUGINS, WATCH_NONE };

struct manifest {
    unsigned shared; /* by so many more than one: see manifest_ref */
    char *file, *folder;
    char *store;              /* path of the SQLite file, absolute; NULL = in memory       */
    bool lock_required;       /* lock: required */
    bool signatures_required; /* signatures: required */
    bool durable_steps;       /* durability: steps                                         */
    char *currency;
    struct manifest_plugin *plugins;
    size_t plugin_count;
    char **flows; /* absolute paths                                            */
    size_t flow_count;
    json_t *defaults;   /* borrowed from the document; NULL = none                   */
    json_t *escalation; /* names of people; NULL = none                              */
    json_t *serve;      /* as it stands; NULL = none                                 */
    int concurrency, runs;
    int connections, connections_host; /* HTTP, at once */
    char *ca_file;                     /* NULL = the system's authorities */
    bool concurrency_said;             /* then it counts over all runs, too */
    int64_t payload;
    enum manifest_watch watch; /* reload.watch; PLUGINS: the manifest, too */
    int64_t probation_ms;      /* reload.probation; 0 = none */
    int probation_faults;      /* reload.faults */
    int64_t budget_attempts, budget_calls, budget_tokens, budget_cost, budget_time_ms; /* -1 none */
    struct manifest_budget budgets[PERIOD_COUNT];
    bool any_budget; /* of budgets: one says something */
    struct manifest_hide hide;
    bool keep_prompts; /* prompts: text */
    struct document *document;
};

/* The file to use: explicit if not NULL, $SEAM_MANIFEST, ./seam.yaml,
 * $XDG_CONFIG_HOME/seam/seam.yaml (or ~/.config), /etc/seam/seam.yaml. ERR_NOT_FOUND lists where it
 * looked. */
WARN_UNUSED enum error_code manifest_find(const char *explicit_path, char **ret_path,
                                          struct error *reterr);
/* Reads and checks against schemas/manifest.schema.json; complaints are file:line:column. */
WARN_UNUSED enum error_code manifest_load(const char *path, struct manifest **ret_manifest,
                                          struct error *reterr);
/* Do both hide the same runs with the same secrets? */
bool manifest_hides_alike(const struct manifest *a, const struct manifest *b);
/* A path as the manifest means it; the caller frees. */
char *manifest_resolve(const struct manifest *manifest, const char *path);
struct manifest *manifest_ref(struct manifest *manifest);
void manifest_free(struct manifest *manifest); /* one reference */
void manifest_freep(struct manifest **manifest);

#endif
