/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told of runs, decisions and plugins, as JSON: the one form of it, whichever door asks,
 * the command line or the server. Nothing here changes anything; what a run was is read from the
 * journal.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "runtime/runtime.h"

/* {run, flow, status, created_ms, updated_ms, records}: a line of a list of runs. */
json_t *report_run(const struct journal_run *run);

/* A run, its steps, tasks, effects, questions and accounts, and what was spent where (`spent_by`,
 * see report_spent); of a hidden one whose key the reader has not, its outline. A new reference. */
WARN_UNUSED enum error_code report_show(struct journal_reader *reader, struct shelf *shelf,
                                        const char *id, json_t **ret_picture, struct error *reterr);

/* What can be told of a hidden run without its key, and why no more: {run, flow, status,
 * started_ms, hidden: {secret, why}, input, output, error, tasks: [{path, status, attempts,
 * rule}]}, with words in the place of values. ERR_NOT_FOUND: it is not hidden. */
WARN_UNUSED enum error_code report_outline(struct journal_reader *reader, const char *id,
                                           const char *why, json_t **ret_picture,
                                           struct error *reterr);

/* The same in pieces, for whoever has other things to do, and of its tasks only `most`, from the
 * one at `from` on; `spent_by` is of all. */
struct showing;
WARN_UNUSED enum error_code showing_begin(struct journal_reader *reader, struct shelf *shelf,
                                          const char *id, size_t from, size_t most,
                                          struct showing **ret_showing, struct error *reterr);
/* So many records, or tasks, more. *ret_more = false: it is whole. */
WARN_UNUSED enum error_code showing_some(struct showing *showing, size_t count, bool *ret_more,
                                         struct error *reterr);
/* Of a whole one: the picture, a new reference; and how many tasks the run has. */
json_t *showing_picture(const struct showing *showing);
size_t showing_tasks(const struct showing *showing);
void showing_free(struct showing *showing);

/* "search[17]/lookup#2" → "search[*]/lookup#*": what stands for all of them. The caller frees. */
char *report_path_of_all(const char *path);

/* The hash of what a person was shown with a question, recorded with the answer. The caller frees.
 */
char *report_shown_digest(const json_t *shown);

/* Does what has this path concern the step, which stands for all that is within it? NULL = any. */
bool report_concerns(const char *path, const char *step);
/* What ends a run concerns the step that it ends with. */
bool report_decision_concerns(const json_t *decision, const char *step);
/* A decision with what is known of it: {record, event, at_ms, decision, meaning, alternative}, and
 * what `why` says, which may be NULL. A new reference. */
json_t *report_decision(uint64_t seq, const json_t *event, const json_t *decision, json_t *why);
/* A start that went to another library than those before it, which nobody decided; NULL if the
 * event is none. */
json_t *report_moved(uint64_t seq, const json_t *event);
/* Every decision of the run that concerns the step, in order, each given to the callback, which
 * takes it; false stops. *ret_untold, if the flow of the run cannot be had: why; then decisions
 * come as they were recorded. */
typedef bool (*report_each)(void *user, json_t *decision_taken);
WARN_UNUSED enum error_code report_explain(struct journal_reader *reader, struct shelf *shelf,
                                           const char *id, const char *step, report_each each,
                                           void *user, struct error *ret_untold,
                                           struct error *reterr);

/* A piece of what an agent says while it works: {run, step, attempt, text, lost, durable: false}. A
 * new reference. */
json_t *report_said(const struct run *run, const struct said *said);

/* A plugin of the roster; status "ready", "refused", …; why it was refused, if err says so. */
json_t *report_plugin(const struct roster *roster, size_t index, const char *status,
                      const struct error *err);

#endif
