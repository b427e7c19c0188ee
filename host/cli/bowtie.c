/* SPDX-License-Identifier: Apache-2.0
 *
 * seam validate --bowtie: the harness's side of Bowtie's protocol, version 1, by which validators
 * of JSON Schema are compared. One request a line on standard input, one answer a line on standard
 * output, in order; `stop`, which gets no answer, or the end of the input ends it.
 *
 *   start → dialect → run, run, … → dialect → run … → stop
 *
 * Whatever the line, the answer is a line: what cannot be done is `errored`, with the reason.
 * Schemas are read as the specification does: formats and unknown keywords annotate.
 */
#include "cli/cli_internal.h"

#include "contract/registry.h"
#include "document/document.h"

#include <stdlib.h>
#include <string.h>

enum { PROTOCOL = 1 };

#define HOME "https://seam.example"

static const char *const dialects[] = {"https://json-schema.org/draft/2020-12/schema",
                                       "https://json-schema.org/draft/2019-09/schema",
                                       "http://json-schema.org/draft-07/schema#"};

struct session {
    bool started, stopped;
    const char *dialect; /* of schemas that name none */
};

/* A message may end within a character, where it was cut. */
static json_t *message_json(const char *message)
{
    json_t *text = json_string(message);
    if (text)
        return text;
    AUTO(freep) char *plain = xstrdup(message);
    for (char *c = plain; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return json_string(plain);
}

/* To the request with that seq, which may be NULL. */
static json_t *errored(const json_t *seq, const char *message)
{
    return json_pack("{s:O*, s:b, s:{s:o}}", "seq", seq, "errored", 1, "context", "message",
                     message_json(message));
}

static json_t *start(struct session *session, const json_t *request)
{
    const json_t *version = json_object_get(request, "version");
    if (!json_is_integer(version) || json_integer_value(version) != PROTOCOL)
        return errored(NULL, "start: expected version 1 of the protocol");
    session->started = true;
    json_t *known = json_array();
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        json_array_append_new(known, json_string(dialects[i]));
    return json_pack("{s:i, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:o}}", "version", PROTOCOL,
                     "implementation", "language", "c", "name", "seam", "version", SEAM_VERSION,
                     "homepage", HOME, "issues", HOME "/issues", "source", HOME "/source",
                     "dialects", known);
}

static json_t *set_dialect(struct session *session, const json_t *request)
{
    const char *uri = json_string_value(json_object_get(request, "dialect"));
    bool known = false;
    for (size_t i = 0; uri && i < sizeof(dialects) / sizeof(dialects[0]); i++) {
        if (strcmp(uri, dialects[i]) != 0)
            continue;
        session->dialect = dialects[i];
        known = true;
    }
    return uri ? json_pack("{s:b}", "ok", known)
               : errored(NULL, "dialect: expected a `dialect`, a URI");
}

static enum error_code fill_registry(struct registry *registry, json_t *documents,
                                     struct error *reterr)
{
    const char *uri;
    json_t *document;
    enum error_code code = ERR_OK;
    json_object_foreach (documents, uri, document) {
        code = registry_add(registry, uri, document, reterr);
        if (code != ERR_OK) {
            error_prefix(reterr, "registry: %s: ", uri);
            break;
        }
    }
    return code;
}

static json_t *results_json(const struct contract *contract, const json_t *tests)
{
    json_t *results = json_array();
    for (size_t i = 0; i < json_array_size(tests); i++) {
        const json_t *instance = json_object_get(json_array_get(tests, i), "instance");
        json_array_append_new(
            results, instance ? json_pack("{s:b}", "valid", contract_accepts(contract, instance))
                              : errored(NULL, "a test without an `instance`"));
    }
    return results;
}

static json_t *run_case(const struct session *session, const json_t *seq, const json_t *run)
{
    AUTO(registry_freep) struct registry *registry = registry_new();
    AUTO(contract_unrefp) struct contract *contract = NULL;
    struct error err;
    json_t *schema = json_object_get(run, "schema"), *tests = json_object_get(run, "tests");
    struct contract_options options = {.annotate_formats = true,
                                       .lenient = true,
                                       .dialect = session->dialect,
                                       .registry = registry};
    if (!schema || !json_is_array(tests))
        return errored(seq, "run: expected a `case` with a `schema` and a list of `tests`");
    enum error_code code = fill_registry(registry, json_object_get(run, "registry"), &err);
    if (code == ERR_OK)
        code = contract_compile(schema, &options, &contract, &err);
    if (code != ERR_OK)
        return errored(seq, err.text);
    return json_pack("{s:O, s:o}", "seq", seq, "results", results_json(contract, tests));
}

static json_t *run(const struct session *session, const json_t *request)
{
    const json_t *seq = json_object_get(request, "seq");
    const char *output = json_string_value(json_object_get(request, "output"));
    if (!seq)
        return errored(NULL, "run: expected a `seq`");
    if (output && strcmp(output, "flag") != 0)
        return json_pack("{s:O, s:b, s:s}", "seq", seq, "skipped", 1, "message",
                         "valid or not is all that is answered; annotations are not collected");
    return run_case(session, seq, json_object_get(request, "case"));
}

/* NULL: no answer is wanted. */
static json_t *answer(struct session *session, const json_t *request)
{
    const char *command = json_string_value(json_object_get(request, "cmd"));
    if (!command)
        return errored(json_object_get(request, "seq"),
                       "expected an object with a `cmd`: start, dialect, run or stop");
    if (strcmp(command, "start") == 0)
        return start(session, request);
    if (strcmp(command, "stop") == 0) {
        session->stopped = true;
        return NULL;
    }
    if (!session->started)
        return errored(json_object_get(request, "seq"), "expected `start` first");
    if (strcmp(command, "dialect") == 0)
        return set_dialect(session, request);
    if (strcmp(command, "run") == 0)
        return run(session, request);
    return errored(json_object_get(request, "seq"),
                   "unknown `cmd`: expected start, dialect, run or stop");
}

/* Integers beyond 64 bits, which the host refuses, are numbers to the specification: here all of
 * such a request become the nearest double, but for its seq. */
static enum error_code read_request(struct slice line, json_t **ret_request, struct error *reterr)
{
    const size_t flags =
        JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
    enum error_code code = json_read(line, LIMIT_FILE, ret_request, reterr);
    if (code == ERR_OK)
        return code;
    json_t *request = json_loadb(line.ptr, line.len, flags, NULL);
    if (!request)
        return code;
    const json_t *seq = json_object_get(request, "seq");
    if (json_is_real(seq) && json_real_value(seq) >= 0 && json_real_value(seq) <= 0x1p53)
        json_object_set_new(request, "seq", json_integer((json_int_t)json_real_value(seq)));
    *ret_request = request;
    return ERR_OK;
}

/* One line into `line`, without its end; false at the end of the input. What is longer than the
 * text may be is read to its end, and ret_whole is false. */
static bool read_line(struct text *line, bool *ret_whole)
{
    int c = getc(stdin);
    text_clear(line);
    *ret_whole = true;
    if (c == EOF)
        return false;
    for (; c != EOF && c != '\n'; c = getc(stdin)) {
        if (line->len < LIMIT_FILE)
            text_addc(line, (char)c);
        else
            *ret_whole = false;
    }
    return true;
}

static json_t *answer_line(struct session *session, const struct text *line, bool whole)
{
    json_t *request = NULL;
    struct error err;
    if (!whole)
        return errored(NULL, "a request of more than 16 MiB");
    if (read_request(text_slice(line), &request, &err) != ERR_OK)
        return errored(NULL, err.text);
    json_t *said = answer(session, request);
    json_decref(request);
    return said;
}

int validate_bowtie(void)
{
    struct session session = {.dialect = dialects[0]};
    AUTO(text_done) struct text line;
    bool whole;
    text_init(&line, LIMIT_FILE + 1);
    while (!session.stopped && read_line(&line, &whole)) {
        json_t *said = answer_line(&session, &line, whole);
        if (!said)
            continue;
        AUTO(freep) char *text = json_text(said);
        json_decref(said);
        puts(text);
        fflush(stdout);
    }
    return EXIT_DONE;
}
