/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands share: options, output, and the way to the roster and the journal.
 */
#ifndef CLI_CLI_INTERNAL_H
#define CLI_CLI_INTERNAL_H

#include "cli/cli.h"
#include "contract/contain.h"
#include "contract/registry.h"
#include "report/report.h"
#include "runtime/runtime.h"

#include <stdio.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_WAITING = 3,
    EXIT_REFUSED = 4,
    EXIT_UNDECIDED = 5,
    EXIT_SIGNAL = 128 /* + the number of the signal that stopped it */
};

/* How much of a value a line shows, where the whole is to be had elsewhere. */
enum { LINE_SHOWN = 400 };

enum { OPTIONS_MAX = 24, REPEATS_MAX = 64, OPERANDS_MAX = 1024 };

/* One option of a command. value NULL = a flag. */
struct option {
    const char *name;  /* "--manifest" */
    const char *value; /* "FILE" */
    const char *help;
};

struct args;

struct command {
    const char *name;
    const char *operands;         /* "FLOW", "RUN [STEP]" */
    const char *summary;          /* a line */
    const char *description;      /* what one should know; ends in examples */
    const struct option *options; /* ended by a name of NULL; --json and --help are everybody's */
    int min_operands, max_operands;
    int (*run)(const struct args *args);
};

struct args {
    const struct command *command;
    const char *operands[OPERANDS_MAX];
    int operand_count;
    struct {
        const char *name, *value;
    } given[REPEATS_MAX];
    int given_count;
    bool json;
};

/* The value of an option, or NULL; flags have the value "". */
const char *args_option(const struct args *args, const char *name);
bool args_flag(const struct args *args, const char *name);

/* ---- output ---- */

/* stderr: "seam: text\n"; returns code, for `return complain(…)`. */
int complain(int code, const char *format, ...) PRINTF_LIKE(2, 3);
/* Text from plugins and files, without what would steer a terminal. */
void print_clean(FILE *stream, struct slice text);
/* The same of words that stand among ours: no line of theirs can be taken for one of ours. */
void print_said(FILE *stream, struct slice text);
/* Prints an error, with --json as {"error": {code, message}} on stdout; returns the exit code of
 * it. */
int report_error(const struct args *args, const struct error *err);
/* The same, with what was found wrong with a flow. */
int report_refusal(const struct args *args, const struct error *err,
                   const struct findings *findings);
/* Prints a value on stdout, indented on a terminal. Takes the reference. */
void print_json(json_t *value);
/* Text for the inside of an element or an attribute of XML. */
void print_xml(const char *text);
/* Compact JSON; the caller frees. */
char *json_text(const json_t *value);
/* Whole characters of the start of a text, at most so many bytes. */
struct slice slice_cut(const char *text, size_t most);
/* A member that is a string; else "". */
const char *text_of(const json_t *object, const char *key);
/* An escape sequence, if the stream is a terminal and NO_COLOR is not set; else "". */
enum colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, CYAN };
const char *paint(FILE *stream, enum colour colour);
/* The colour and the exit code of an answer about contracts. */
enum colour verdict_colour(enum verdict verdict);
int verdict_exit(enum verdict verdict);
/* " --manifest FILE --store URL" as they were given: what a hint must repeat. The caller frees. */
char *same_store(const struct args *args);
/* The sentence that a question asks a person, of what the person is shown. */
const char *question_sentence(const json_t *shown);
/* Who answers, cancels or allows: --who, or the user's name. */
const char *whoever(const struct args *args);
/* At a terminal, a person says; `y` and nothing else is yes. */
bool said_yes(const char *question);
/* "2026-11-22 12:03:04", local time, of Unix milliseconds; a buffer of at least 32. */
const char *clock_text(int64_t ms, char ret_text[static 32]);

/* ---- ways in ---- */

/* A schema's file, read as contracts are; with --format-annotation formats only annotate. Both
 * results may be set though it fails: the caller frees them. */
struct document;
WARN_UNUSED enum error_code open_contract(const struct args *args, const char *path,
                                          struct document **ret_document,
                                          struct contract **ret_contract, struct error *reterr);
/* The manifest of --manifest or where it is looked for, with its roster. A plugin that it requires
 * and that was refused is an error, but not to a survey. */
WARN_UNUSED enum error_code open_roster(const struct args *args, bool survey,
                                        struct roster **ret_roster, struct error *reterr);
/* A reader of --store or the manifest's store; ret_path, if not NULL, gets the path, to be freed.
 */
WARN_UNUSED enum error_code open_reader(const struct args *args, struct journal_reader **ret_reader,
                                        char **ret_path, struct error *reterr);
/* A run as it stands in the journal; ret_path, if not NULL, gets the journal's path, to be freed.
 */
WARN_UNUSED enum error_code open_run(const struct args *args, const char *id, char **ret_path,
                                     struct run **ret_run, struct error *reterr);

/* ---- progress.c: a line a step while runs are under way ---- */

struct progress;
struct progress *progress_new(bool json, bool quiet);
void progress_free(struct progress *progress);
void progress_record(struct progress *progress, const struct run *run, const struct event *event,
                     const struct decisions *decisions);
void progress_settled(struct progress *progress, const struct run *run);
void progress_log(struct progress *progress, const char *plugin, uint32_t level, struct slice text);
/* Is there a picture in which what an agent says has its place? Then it is put there. */
bool progress_hears(const struct progress *progress);
void progress_said(struct progress *progress, const struct run *run, const struct said *said);

/* ---- said.c: what agents say while they work, as lines of JSON ---- */

struct said_lines;
struct said_lines *said_lines_new(void);
void said_lines_free(struct said_lines *lines);
void said_lines_add(struct said_lines *lines, const struct run *run, const struct said *said);

/* ---- drive.c: a host from its opening to its exit code, for run and resume ---- */

struct drive {
    const struct args *args;
    struct roster *roster;
    struct host *host;
    struct progress *progress;
    struct said_lines *said; /* NULL = nobody asked for them */
    json_t *results; /* run → what came of it, of the runs that were asked for, in order */
    json_t *others;  /* the same of runs that a message brought                         */
    struct findings findings; /* of the flow that run was given */
    bool working;             /* all that was asked for has been taken up                        */
    int interrupted;          /* the signal; 0 = none                                            */
};
WARN_UNUSED enum error_code drive_open(struct drive *drive, const struct args *args,
                                       struct error *reterr);
/* For a run of the flow in the file, which comes first: the host opens while its workers start. */
WARN_UNUSED enum error_code drive_open_for(struct drive *drive, const struct args *args,
                                           const char *path, struct flow **ret_flow,
                                           struct error *reterr);
/* Works until all is settled or Ctrl-C; prints what came of it; closes; returns the exit code. */
int drive_finish(struct drive *drive);
/* Closes without working. */
void drive_close(struct drive *drive);
/* The same, after an error that it reports. */
int drive_abort(struct drive *drive, const struct error *err);

/* ---- run.c, renew.c: what a run begins with ---- */

/* The flow, or what is wrong with it on stderr. */
WARN_UNUSED enum error_code compile_flow(struct drive *drive, const char *path,
                                         struct flow **ret_flow, struct error *reterr);
/* --input and --set; without --input they begin with base, or NULL = {}. */
WARN_UNUSED enum error_code read_input(const struct args *args, const json_t *base,
                                       json_t **ret_input, struct error *reterr);
int resume_from(const struct args *args);
/* At a terminal, where a run does not go on by itself with the plugins of today: works until it
 * waits, shows what differs, and takes the answer. Elsewhere the question waits in the run. */
WARN_UNUSED enum error_code ask_at_terminal(struct drive *drive, struct error *reterr);

/* ---- diff.c ---- */

/* What a renewal comes to, for people. */
void print_renewal(FILE *out, const json_t *picture);
void print_agents(FILE *out, const json_t *agents);
void print_effects_again(FILE *out, const json_t *effects);

/* ---- sarif.c: what check finds, as SARIF 2.1.0 ---- */

json_t *sarif_run_new(void);
/* Adds what was found in a flow; unread is why its file could not be read, or NULL. */
void sarif_add(json_t *run, const char *path, const struct findings *findings, const char *unread);
/* Adds one result about a file as a whole. */
void sarif_add_file(json_t *run, const char *rule, const char *level, const char *text,
                    const char *file);
/* The document of a run, which it takes. */
json_t *sarif_document(json_t *run_taken);

/* ---- approve.c ---- */

/* seam plugins approve; what is NULL with --all. */
int plugins_approve(const struct args *args, const char *what);

/* sign.c */
int plugins_keygen(const struct args *args);
int plugins_sign(const struct args *args, const char *path);
int plugins_trust(const struct args *args, const char *file);

/* state.c */
struct state_use {
    uint64_t keys, bytes;
};
/* What the plugin keeps, as the journal says; nothing if there is no journal. */
struct state_use state_use_of(const struct args *args, const struct roster *roster, size_t index);
int plugins_state(const struct args *args, const char *alias);

/* ---- notes.c ---- */

/* Keys of the manifest that nothing acts on, on stderr. */
/* sandbox.c: what really holds a plugin here; held is NULL if nothing does, or it did not come to
 * that. */
json_t *sandbox_json(const struct roster_plugin *plugin, const struct sandbox_report *held);
void sandbox_text(const struct roster_plugin *plugin, const struct sandbox_report *held);

void note_unserved(const struct roster *roster);
/* Plugins that were refused, and why, on stderr. */
void note_refused(const struct roster *roster);

/* ---- conform.c: seam plugins verify ---- */

/* ---- quarantine.c ---- */

int plugins_release(const struct args *args, const char *what);
/* What the journal knows of: a new list, empty if there is no journal. */
json_t *plugins_quarantined(const struct args *args);
/* That of the plugin's library, borrowed; NULL = it is in none. */
const json_t *plugin_quarantine(const json_t *list, const struct roster_plugin *plugin);
void quarantine_text(const json_t *quarantine);

int plugins_verify(const struct args *args, const char *path);
/* What does not hold, for people; and the whole report, a new reference. */
struct conformance;
void print_failed_checks(const struct conformance *report);
json_t *conformance_json(const struct conformance *report, uint64_t seed);
/* A file in the folder of this program; the caller frees. */
char *beside_this_program(const char *name);

/* ---- succession.c: what one card is to another ---- */

struct card;
struct succession;
/* brief: only what differs, and no verdict. */
void print_succession_checks(const struct card *old_card, const struct card *new_card,
                             const struct succession *s, bool brief);
json_t *succession_json(const struct card *old_card, const struct card *new_card,
                        const struct succession *s);

/* ---- what `contract` is made of ---- */

int compare_plugins(const struct args *args); /* succession.c */
int contract_lint(const struct args *args);   /* provider.c */
int contract_lower(const struct args *args);

/* What a provider has against a schema: for machines; and a line for people, after the place where
 * the schema stands. */
struct breach;
struct breaches;
json_t *breaches_json(const struct breaches *breaches);
void print_breach(const char *where, const char *target, const struct breach *breach);
/* The provider of --target; *ret_provider stays NULL without one. 0, or an exit code. */
struct provider;
int find_target(const struct args *args, struct provider **ret_provider);
/* Holds the contracts of all agents that a flow calls to it: an output is what a model would
 * answer, an input what a model would fill as the call of a tool. Prints what it has against them,
 * lists it, and returns how much it is. */
size_t check_target(const struct args *args, const struct provider *provider, const char *path,
                    const struct flow *flow, json_t *ret_list);

/* ---- what `validate` is made of ---- */

/* The schemas in the folders of --registry. */
WARN_UNUSED enum error_code open_registry(const struct args *args, struct registry **ret_registry,
                                          struct error *reterr); /* registry.c */
int validate_bowtie(void);                                       /* bowtie.c */

/* ---- the commands ---- */

int command_run(const struct args *args);
int command_check(const struct args *args);
int command_test(const struct args *args);
int command_plugins(const struct args *args);
int command_runs(const struct args *args);
int command_show(const struct args *args);
int command_explain(const struct args *args);
int command_answer(const struct args *args);
int command_cancel(const struct args *args);
int command_budgets(const struct args *args);
int command_resume(const struct args *args);
int command_calibrate(const struct args *args);
int command_diff(const struct args *args);
int command_replay(const struct args *args);
int command_verify(const struct args *args);
int command_validate(const struct args *args);
int command_contract(const struct args *args);
int command_reload(const struct args *args);

/* ---- client.c: what asks a server ---- */

/* Where the server of that manifest listens: --listen, serve.listen, or beside the store. The
 * caller frees. */
char *client_where(const struct args *args, const struct roster *roster);
struct client_request {
    const char *path, *body; /* body NULL = GET, else it is JSON to be posted */
    int wait_s;              /* for each part of the answer; 0 = for ever */
};
/* ERR_IO, or the error of the connection, if nobody answers there. token_file may be NULL. */
WARN_UNUSED enum error_code client_ask(const char *at, const char *token_file,
                                       const struct client_request *request, unsigned *ret_status,
                                       json_t **ret_body, struct error *reterr);
int command_serve(const struct args *args);
int command_new(const struct args *args);
int command_dev(const struct args *args);

extern const struct command commands[];
extern const size_t command_count;

/* ---- a form on the terminal, see form.c; NULL: it was left ---- */

/* What is asked, for a person. */
void form_head(const struct question_view *view);
/* A value of the schema. */
json_t *form_fill(const json_t *schema);
/* One of the answers that a question accepts, with its gaps filled. */
json_t *form_choose(const json_t *accepts);

#endif
