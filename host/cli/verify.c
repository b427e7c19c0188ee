/* SPDX-License-Identifier: Apache-2.0
 *
 * seam verify: whether the journal is what was written. Names of each run the first record that was
 * changed, is missing or stands in another's place. --heads prints what to keep elsewhere, and
 * --against holds the journal to it: without that, a tail that was cut off with its head, or a
 * chain that was made anew, looks whole.
 */
#include "cli/cli_internal.h"

#include "base/limits.h"
#include "document/document.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct verify {
    const struct args *args;
    struct journal_reader *reader;
    struct verifying *verifying;
    json_t *anchors; /* run → {seq: hash}, of --against; or NULL */
    bool heads;
    size_t runs, whole, records;
    char **ids;
    size_t id_count;
};

/* ---- anchors ---- */

/* "RUN SEQ HASH" */
static bool read_anchor(json_t *anchors, char *line)
{
    char *rest = NULL, *end = NULL;
    struct digest digest;
    const char *run = strtok_r(line, " \t\r", &rest), *seq = strtok_r(NULL, " \t\r", &rest);
    const char *hash = strtok_r(NULL, " \t\r", &rest);
    if (!run)
        return true; /* an empty line */
    if (!seq || !hash || strtok_r(NULL, " \t\r", &rest) ||
        !digest_from_hex(slice_of(hash), &digest))
        return false;
    if (strtoull(seq, &end, 10) == 0 || *end || *seq == '0' || *seq == '-' || *seq == '+')
        return false;
    json_t *of_run = json_object_get(anchors, run);
    if (!of_run) {
        of_run = json_object();
        if (json_object_set_new(anchors, run, of_run) != 0)
            return false;
    }
    const char *known = json_string_value(json_object_get(of_run, seq));
    if (known && strcmp(known, hash) != 0)
        return false;
    return json_object_set_new(of_run, seq, json_string(hash)) == 0;
}

static enum error_code read_anchors(const char *path, json_t **ret_anchors, struct error *reterr)
{
    AUTO(json_decrefp) json_t *anchors = json_object();
    bool own = strcmp(path, "-") != 0;
    FILE *file = own ? fopen(path, "re") : stdin;
    if (!file)
        return error_set_errno(reterr, errno, "%s: cannot open it", path);
    char line[LIMIT_NAME + DIGEST_HEX_SIZE + 64];
    enum error_code code = ERR_OK;
    for (int number = 1; code == ERR_OK && fgets(line, sizeof(line), file); number++) {
        size_t len = strcspn(line, "\n");
        bool whole = line[len] == '\n' || feof(file);
        line[len] = '\0';
        if (!whole || !read_anchor(anchors, line))
            code = error_set(reterr, ERR_INPUT,
                             "%s:%d: expected a run, a number and a hash, as `seam verify --heads` "
                             "prints them, each pair of run and number with one hash",
                             path, number);
    }
    if (code == ERR_OK && ferror(file))
        code = error_set(reterr, ERR_IO, "%s: cannot be read", path);
    if (own)
        fclose(file);
    if (code == ERR_OK)
        *ret_anchors = TAKE(anchors);
    return code;
}

/* ---- telling ---- */

static json_t *flaw_json(const struct verified *one)
{
    if (one->flaw.kind == FLAW_NONE)
        return NULL;
    return json_pack("{s:s, s:I, s:s}", "kind", flaw_word(one->flaw.kind), "record",
                     (json_int_t)one->flaw.seq, "text", one->error.text);
}

static void print_run(const struct verify *v, const char *id, const struct verified *one)
{
    char hex[DIGEST_HEX_SIZE];
    bool whole = one->flaw.kind == FLAW_NONE;
    digest_hex(&one->head, hex);
    if (v->args->json)
        print_json(json_pack("{s:s, s:b, s:I, s:s*, s:o*}", "run", id, "whole", whole, "records",
                             (json_int_t)one->records, "head", whole ? hex : NULL, "flaw",
                             flaw_json(one)));
    else if (!whole)
        printf("%s%s: %s at record %" PRIu64 "%s: %s\n", paint(stdout, RED), id,
               flaw_word(one->flaw.kind), one->flaw.seq, paint(stdout, PLAIN), one->error.text);
    else if (v->heads)
        printf("%s %" PRIu64 " %s\n", id, one->last_seq, hex);
}

static void tell(struct verify *v, const char *id, const struct verified *one)
{
    v->runs++;
    v->whole += one->flaw.kind == FLAW_NONE;
    v->records += one->records;
    print_run(v, id, one);
}

/* ---- looking ---- */

static void keep_id(void *user, const struct journal_run *run)
{
    struct verify *v = user;
    v->ids = xrealloc(v->ids, (v->id_count + 1) * sizeof(*v->ids));
    v->ids[v->id_count++] = xstrdup(run->id);
}

static void tell_orphan(void *user, const char *run)
{
    struct verified one = {.flaw = {FLAW_ORPHAN, 1}};
    error_set(&one.error, ERR_CORRUPT,
              "it has records, and is not in the list of runs: somebody took it out of it");
    tell(user, run, &one);
}

static void tell_gone(struct verify *v, const char *run)
{
    struct verified one = {.flaw = {FLAW_CUT, 1}};
    error_set(&one.error, ERR_CORRUPT,
              "there is no such run in the journal, and there was when its hash was kept");
    tell(v, run, &one);
}

static enum error_code verify_ids(struct verify *v, struct error *reterr)
{
    enum error_code code = ERR_OK;
    for (size_t i = 0; i < v->id_count && code == ERR_OK; i++) {
        struct verified one;
        code = verify_run(v->verifying, v->ids[i], json_object_get(v->anchors, v->ids[i]), &one,
                          reterr);
        if (code == ERR_OK)
            tell(v, v->ids[i], &one);
        json_object_del(v->anchors, v->ids[i]);
    }
    return code;
}

/* All runs, those that only the table of records knows, and those that only an anchor does. */
static enum error_code verify_all(struct verify *v, struct error *reterr)
{
    const char *run;
    json_t *anchors;
    enum error_code code = journal_runs(v->reader, NULL, keep_id, v, reterr);
    if (code == ERR_OK)
        code = verify_ids(v, reterr);
    if (code == ERR_OK)
        code = journal_orphans(v->reader, tell_orphan, v, reterr);
    json_object_foreach (v->anchors, run, anchors) {
        if (code == ERR_OK)
            tell_gone(v, run);
    }
    return code;
}

static enum error_code verify_one(struct verify *v, const char *id, struct error *reterr)
{
    struct journal_run known;
    enum error_code code = journal_find(v->reader, id, &known, reterr);
    if (code == ERR_NOT_FOUND && json_object_get(v->anchors, id)) {
        tell_gone(v, id);
        return ERR_OK;
    }
    if (code == ERR_OK)
        keep_id(v, &known);
    return code == ERR_OK ? verify_ids(v, reterr) : code;
}

static void print_sum(const struct verify *v)
{
    fprintf(v->heads ? stderr : stdout,
            "%zu of %zu runs are as they were written: %zu records, %zu kept texts\n", v->whole,
            v->runs, v->records, verifying_texts(v->verifying));
}

int command_verify(const struct args *args)
{
    AUTO(journal_reader_closep) struct journal_reader *reader = NULL;
    AUTO(verifying_freep) struct verifying *verifying = NULL;
    AUTO(json_decrefp) json_t *anchors = NULL;
    struct error err;
    const char *against = args_option(args, "--against");
    if (args_flag(args, "--all") && args->operand_count == 1)
        return complain(EXIT_USAGE, "verify: name one RUN, or give --all, not both");
    enum error_code code = against ? read_anchors(against, &anchors, &err) : ERR_OK;
    if (code == ERR_OK)
        code = open_reader(args, &reader, NULL, &err);
    if (code == ERR_OK)
        verifying = verifying_new(reader);
    struct verify v = {.args = args,
                       .reader = reader,
                       .verifying = verifying,
                       .anchors = anchors,
                       .heads = args_flag(args, "--heads")};
    if (code == ERR_OK)
        code = args->operand_count == 1 ? verify_one(&v, args->operands[0], &err)
                                        : verify_all(&v, &err);
    for (size_t i = 0; i < v.id_count; i++)
        free(v.ids[i]);
    free(v.ids);
    if (code != ERR_OK)
        return report_error(args, &err);
    if (!args->json)
        print_sum(&v);
    return v.whole == v.runs ? EXIT_DONE : EXIT_FAILED;
}
