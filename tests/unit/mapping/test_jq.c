/* SPDX-License-Identifier: Apache-2.0
 *
 * The oracle: each row of jq-table.txt is computed here and by the `jq` of this machine, and the
 * values must be equal as text, to the last digit and the order of keys; or both refuse. Where this
 * language differs on purpose, the row is in jq-differs.txt with the reason, and must differ as it
 * says there.
 */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

enum { ROWS_MAX = 1000, ROWS_WANTED = 250, LINE_SIZE = 4096, PART = 50 };

struct row {
    char *input, *expression;
    char *expected; /* of jq-differs.txt: what this language gives, or "error" */
    char *jq;       /* what jq printed                                         */
};

struct table {
    struct row rows[ROWS_MAX];
    size_t count;
};

/* Columns are parted by tabs; a line that is empty or begins with # is none. */
static struct table *table_load(const char *path)
{
    struct table *table = xcalloc(1, sizeof(*table));
    char line[LINE_SIZE];
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        char *rest = line;
        struct row *row = &table->rows[table->count++];
        ck_assert_uint_lt(table->count, ROWS_MAX);
        row->input = xstrdup(strsep(&rest, "\t"));
        ck_assert_msg(rest != NULL, "no tab in: %s", line);
        row->expression = xstrdup(strsep(&rest, "\t"));
        row->expected = rest ? xstrdup(strsep(&rest, "\t")) : NULL;
    }
    fclose(file);
    return table;
}

static void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->rows[i].input);
        free(table->rows[i].expression);
        free(table->rows[i].expected);
        free(table->rows[i].jq);
    }
    free(table);
}

/* One program that prints, for each row, [value] or "error". Each row is a function, because jq
 * limits the size of one. */
static char *program_write(const struct table *table, size_t from, size_t end)
{
    char path[] = "/tmp/seam-jq-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "w");
    fputs("def scope: {input: ., item: ., output: ., index: 3, error: null, run: null,\n"
          "steps: {search: {output: ., status: \"done\"},\n"
          "\"book-trip\": {output: null, status: \"done\"}, empty: {status: \"done\"}}};\n",
          file);
    for (size_t i = from; i < end; i++)
        fprintf(file,
                "def row%zu: %s | scope | .input as $input | .item as $item\n"
                "| .output as $output | .index as $index | .steps as $steps\n"
                "| .error as $error | .run as $run | try [%s\n] catch \"error\";\n",
                i, table->rows[i].input, table->rows[i].expression);
    for (size_t i = from; i < end; i++)
        fprintf(file, "%srow%zu", i == from ? "" : ", ", i);
    fclose(file);
    return xstrdup(path);
}

static void ask_jq_part(struct table *table, size_t from, size_t end)
{
    char *path = program_write(table, from, end);
    char *command = xasprintf("jq -nc -f %s", path);
    FILE *answers = popen(command, "re");
    ck_assert_ptr_nonnull(answers);
    char line[LINE_SIZE];
    size_t at = from;
    for (; fgets(line, sizeof(line), answers); at++) {
        line[strcspn(line, "\n")] = '\0';
        ck_assert_uint_lt(at, end);
        table->rows[at].jq = xstrdup(line);
    }
    ck_assert_msg(pclose(answers) == 0, "`jq` failed, or is not installed; it is the oracle here");
    ck_assert_uint_eq(at, end);
    unlink(path);
    free(command);
    free(path);
}

/* In parts, since the time of jq's compiler grows with the square of a program. */
static void table_ask_jq(struct table *table)
{
    for (size_t from = 0; from < table->count; from += PART)
        ask_jq_part(table, from, from + PART < table->count ? from + PART : table->count);
}

/* What this language gives, in jq's spelling; for an error, its text is set too. */
static char *compute(const struct row *row, struct error *ret_error)
{
    struct fixture f;
    json_t *value = NULL;
    char *found = NULL;
    fixture_init(&f, row->input);
    ret_error->text[0] = '\0';
    if (fixture_run(fixture_expression(row->expression), &f.scope, &value, ret_error) == ERR_OK) {
        struct scope scope = {.input = value};
        struct error error;
        json_t *text = NULL;
        ck_assert_int_eq(
            fixture_run(fixture_expression("[.input] | tostring"), &scope, &text, &error), ERR_OK);
        found = xstrdup(json_string_value(text));
        json_decref(text);
    } else {
        found = xstrdup("\"error\"");
    }
    json_decref(value);
    fixture_done(&f);
    return found;
}

/* Tells of a row that is not as it should be, and lets the others be seen too. */
static bool row_is_right(const struct row *row)
{
    struct error error;
    char *found = compute(row, &error);
    const char *expected = row->expected ? row->expected : row->jq;
    bool right = strcmp(found, expected) == 0;
    if (!right)
        fprintf(stderr, "%s over %s: expected %s, found %s %s\n", row->expression, row->input,
                expected, found, error.text);
    if (row->expected && strcmp(found, row->jq) == 0) {
        fprintf(stderr, "%s over %s: does not differ from jq\n", row->expression, row->input);
        right = false;
    }
    free(found);
    return right;
}

static void table_check(const char *path, size_t wanted)
{
    size_t wrong = 0;
    struct table *table = table_load(path);
    ck_assert_uint_ge(table->count, wanted);
    table_ask_jq(table);
    for (size_t i = 0; i < table->count; i++)
        wrong += !row_is_right(&table->rows[i]);
    ck_assert_msg(wrong == 0, "%zu of %zu rows of %s are wrong", wrong, table->count, path);
    table_free(table);
}

START_TEST(every_row_equals_what_jq_computes)
{
    table_check(TEST_DATA "/jq-table.txt", ROWS_WANTED);
}
END_TEST

START_TEST(rows_that_differ_on_purpose_differ_as_they_say)
{
    table_check(TEST_DATA "/jq-differs.txt", 1);
}
END_TEST

UNIT_MAIN(every_row_equals_what_jq_computes, rows_that_differ_on_purpose_differ_as_they_say)
