/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin ffi on zlib, libm, sqlite3, libcrypt and libc. Each answer is held against the library
 * called directly, ten thousand times, many calls under way at once; and what must be refused, is.
 */
#include "drive.h"

#include "base/digest.h"
#include "document/document.h"

#include <crypt.h>
#include <dlfcn.h>
#include <link.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>

enum { CALLS = SANITIZED ? 1000 : 10000, AT_ONCE = 200 };

/* ---- the configuration, with the digests of the libraries that are here ---- */

static void pin_library(json_t *library)
{
    struct link_map *map;
    char hex[DIGEST_HEX_SIZE];
    AUTO(text_done) struct text bytes;
    text_init(&bytes, LIMIT_FILE);
    void *loaded = dlopen(json_string_value(json_object_get(library, "path")), RTLD_LAZY);
    ck_assert_ptr_nonnull(loaded);
    ck_assert_int_eq(dlinfo(loaded, RTLD_DI_LINKMAP, &map), 0);
    FILE *file = fopen(map->l_name, "rb");
    ck_assert_ptr_nonnull(file);
    char piece[65536];
    for (size_t got; (got = fread(piece, 1, sizeof(piece), file)) > 0;)
        ck_assert(text_add(&bytes, piece, got));
    fclose(file);
    struct digest digest = digest_of(text_slice(&bytes));
    digest_hex(&digest, hex);
    json_object_set_new(library, "sha256", json_string(hex));
}

static void pin_call(json_t *call, const json_t *library)
{
    char hex[DIGEST_HEX_SIZE];
    AUTO(freep)
    char *both = xasprintf("%s\n%s", json_string_value(json_object_get(call, "abi")),
                           json_string_value(json_object_get(library, "sha256")));
    struct digest digest = digest_of(slice_of(both));
    digest_hex(&digest, hex);
    json_object_set_new(call, "pin", json_string(hex));
}

static json_t *configuration(void)
{
    json_t *config = NULL, *value, *agent, *call, *shape;
    struct error err = {.text = ""};
    ck_assert_msg(json_read_file(SIGNATURES, LIMIT_FILE, &config, &err) == ERR_OK, "%s", err.text);
    json_t *libraries = json_object_get(config, "libraries");
    const char *name, *type;
    size_t i, k;
    json_object_foreach (libraries, name, value) {
        pin_library(value);
        json_object_foreach (json_object_get(value, "types"), type, shape)
            pin_call(shape, value);
    }
    json_array_foreach (json_object_get(config, "agents"), i, agent)
        json_array_foreach (json_object_get(agent, "calls"), k, call)
            pin_call(call, json_object_get(libraries,
                                           json_string_value(json_object_get(agent, "library"))));
    return config;
}

/* ---- driving it ---- */

struct bench {
    struct plugin *plugin;
    struct error refusal;
    bool ready, down;
    uint64_t first; /* call of index 0 */
    uint64_t ids[CALLS];
    char *bodies[CALLS];
    int32_t statuses[CALLS];
    uint32_t effects[CALLS];
    size_t sent, ended;
    char agent[64]; /* of the last call */
    struct timespec began;
};

static void bench_ready(void *user, const struct error *err)
{
    struct bench *b = user;
    b->ready = true;
    if (err)
        b->refusal = *err;
}

static void bench_completed(void *user, const struct call_result *r)
{
    struct bench *b = user;
    for (size_t i = b->sent; i-- > 0;) {
        if (b->ids[i] != r->call)
            continue;
        b->bodies[i] = xstrndup(r->body.ptr ? r->body.ptr : "", r->body.len);
        b->statuses[i] = r->end == CALL_COMPLETED ? r->status : -1;
        b->effects[i] = r->effect;
        b->ended++;
        return;
    }
}

static void bench_requested(void *user, uint64_t call, uint64_t request, struct slice op,
                            struct slice body)
{
    (void)call, (void)op, (void)body;
    plugin_answer(((struct bench *)user)->plugin, request,
                  &(struct plugin_answer){.status = SEAM_E_UNSUPPORTED});
}

static void bench_emitted(void *user, uint64_t call, struct slice chunk)
{
    (void)user, (void)call, (void)chunk;
}

static void bench_logged(void *user, uint64_t call, uint32_t level, struct slice text)
{
    (void)user, (void)call, (void)level;
    fprintf(stderr, "%.*s\n", (int)text.len, text.ptr);
}

static void bench_down(void *user, const char *reason)
{
    (void)reason;
    ((struct bench *)user)->down = true;
}

static const struct plugin_handlers bench_handlers = {
    .ready = bench_ready,
    .completed = bench_completed,
    .requested = bench_requested,
    .emitted = bench_emitted,
    .logged = bench_logged,
    .down = bench_down,
};

static void turn(struct bench *b)
{
    struct pollfd fd = {.fd = plugin_fd(b->plugin), .events = POLLIN};
    poll(&fd, 1, 1000);
    plugin_dispatch(b->plugin);
}

static struct bench *start_with(struct card *card, const json_t *config)
{
    AUTO(text_done) struct text text;
    text_init(&text, LIMIT_FILE);
    json_write(config, &text);
    struct sandbox_plan plan;
    sandbox_plan_init(&plan);
    plan.jit = true;
    struct plugin_options options = drive_options(card, IN_WORKER);
    options.config = text_slice(&text);
    options.sandbox = &plan;
    struct bench *b = xcalloc(1, sizeof(*b));
    struct error err = {.text = ""};
    ck_assert_msg(plugin_start(card, &options, &bench_handlers, b, &b->plugin, &err) == ERR_OK,
                  "%s", err.text);
    while (!b->ready)
        turn(b);
    sandbox_plan_done(&plan);
    return b;
}

/* Figures for people: nothing is claimed of them. */
static void tell(const struct bench *b)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double took =
        (double)(now.tv_sec - b->began.tv_sec) + (double)(now.tv_nsec - b->began.tv_nsec) / 1e9;
    if (b->sent > 1 && getenv("FIGURES"))
        printf("%-12s %6zu calls, %6zu answered, %6.2f s, %7.0f a second\n", b->agent, b->sent,
               b->ended, took, (double)b->sent / took);
}

static void stop(struct bench *b)
{
    tell(b);
    plugin_free(b->plugin);
    for (size_t i = 0; i < b->sent; i++)
        free(b->bodies[i]);
    free(b);
}

/* A plugin whose agents are described and part of its card, as the host does it. */
static struct bench *start(struct card **ret_card)
{
    struct error err = {.text = ""};
    struct card *card = drive_card(PLUGIN);
    AUTO(json_decrefp) json_t *config = configuration();
    ck_assert(contract_accepts(card->config, config));
    struct bench *b = start_with(card, config);
    ck_assert_msg(b->refusal.code == ERR_OK, "%s", b->refusal.text);
    ck_assert_msg(card_describe(card, plugin_described(b->plugin), &err) == ERR_OK, "%s", err.text);
    stop(b);
    b = start_with(card, config);
    ck_assert_msg(b->refusal.code == ERR_OK, "%s", b->refusal.text);
    *ret_card = card;
    return b;
}

static void send(struct bench *b, const char *agent, const char *input)
{
    struct plugin_call call = {
        .agent = agent, .attempt = 1, .deadline_ms = -1, .input = slice_of(input)};
    ck_assert_uint_lt(b->sent, CALLS);
    if (b->sent == 0)
        clock_gettime(CLOCK_MONOTONIC, &b->began);
    snprintf(b->agent, sizeof(b->agent), "%s", agent);
    b->ids[b->sent] = plugin_call(b->plugin, &call);
    ck_assert_uint_ne(b->ids[b->sent], 0);
    b->sent++;
    while (b->sent - b->ended >= AT_ONCE)
        turn(b);
}

static json_t *answer(struct bench *b, size_t index)
{
    json_t *json = NULL;
    while (b->ended < b->sent)
        turn(b);
    ck_assert_msg(b->statuses[index] == SEAM_OK, "%s", b->bodies[index]);
    ck_assert_int_eq(json_read(slice_of(b->bodies[index]), LIMIT_FILE, &json, NULL), ERR_OK);
    return json;
}

/* Every output is in its contract, too. */
static json_t *checked(struct bench *b, const struct card *card, const char *agent, size_t index)
{
    json_t *json = answer(b, index);
    for (size_t i = 0; i < card->agent_count; i++)
        if (strcmp(card->agents[i].name, agent) == 0)
            ck_assert_msg(contract_accepts(card->agents[i].output, json), "%s", b->bodies[index]);
    return json;
}

/* ---- the libraries ---- */

START_TEST(libm_answers_as_it_does_when_called_directly)
{
    static const char *const agents[] = {"cos", "frexp"};
    for (int a = 0; a < 2; a++) {
        AUTO(card_freep) struct card *card = NULL;
        struct bench *b = start(&card);
        for (int i = 0; i < CALLS; i++) {
            char input[64];
            snprintf(input, sizeof(input), "{\"x\":%.17g}", (i - 5000) * 1.37);
            send(b, agents[a], input);
        }
        for (int i = 0; i < CALLS; i++) {
            int exponent;
            double x = (i - 5000) * 1.37;
            AUTO(json_decrefp) json_t *got = checked(b, card, agents[a], (size_t)i);
            if (a == 0) {
                double is = json_number_value(json_object_get(got, "result"));
                ck_assert_msg(is == cos(x), "cos(%.17g) is %.17g", x, is);
                continue;
            }
            double fraction = frexp(x, &exponent);
            ck_assert(json_number_value(json_object_get(got, "fraction")) == fraction);
            ck_assert_int_eq(json_integer_value(json_object_get(got, "exponent")), exponent);
        }
        stop(b);
    }
}
END_TEST

START_TEST(zlib_answers_as_it_does_when_called_directly)
{
    AUTO(card_freep) struct card *card = NULL;
    struct bench *b = start(&card);
    for (int i = 0; i < CALLS; i++) {
        char input[128];
        snprintf(input, sizeof(input), "{\"crc\":%d,\"data\":\"AAEC%04d\"}", i, i % 10000);
        send(b, "crc32", input);
    }
    for (int i = 0; i < CALLS; i++) {
        AUTO(json_decrefp) json_t *got = checked(b, card, "crc32", (size_t)i);
        unsigned char bytes[6] = {0, 1, 2};
        char digits[8];
        snprintf(digits, sizeof(digits), "%04d", i % 10000);
        unsigned bits = 0; /* a digit's place in base64 is 52 and the digit */
        for (int k = 0; k < 4; k++)
            bits = bits << 6 | (unsigned)(digits[k] - '0' + 52);
        for (int k = 0; k < 3; k++)
            bytes[3 + k] = (unsigned char)(bits >> (16 - 8 * k));
        ck_assert_uint_eq((uLong)json_integer_value(json_object_get(got, "crc32")),
                          crc32((uLong)i, bytes, 6));
    }
    stop(b);
}
END_TEST

START_TEST(what_zlib_compressed_it_gives_back)
{
    AUTO(card_freep) struct card *card = NULL;
    AUTO(card_freep) struct card *same = NULL;
    struct bench *b = start(&card), *back = start(&same);
    for (int i = 0; i < CALLS; i++) {
        char input[160];
        snprintf(input, sizeof(input), "{\"data\":\"%d grün and %d grün again\",\"level\":6}", i,
                 i);
        send(b, "compress", input);
    }
    for (int i = 0; i < CALLS; i++) {
        AUTO(json_decrefp) json_t *got = checked(b, card, "compress", (size_t)i);
        AUTO(freep)
        char *input = xasprintf("{\"compressed\":\"%s\"}",
                                json_string_value(json_object_get(got, "compressed")));
        send(back, "uncompress", input);
    }
    for (int i = 0; i < CALLS; i++) {
        char text[160];
        AUTO(json_decrefp) json_t *got = checked(back, card, "uncompress", (size_t)i);
        snprintf(text, sizeof(text), "%d grün and %d grün again", i, i);
        ck_assert_str_eq(json_string_value(json_object_get(got, "data")), text);
    }
    stop(b);
    stop(back);
}
END_TEST

START_TEST(sqlite_collects_rows_in_a_script_of_calls)
{
    AUTO(card_freep) struct card *card = NULL;
    struct bench *b = start(&card);
    for (int i = 0; i < CALLS; i++) {
        char input[160];
        snprintf(input, sizeof(input),
                 "{\"sql\":\"SELECT %d AS n, NULL AS none UNION SELECT %d, 'x' ORDER BY 1\"}", i,
                 i + 1);
        send(b, "query", input);
    }
    for (int i = 0; i < CALLS; i++) {
        AUTO(json_decrefp) json_t *got = checked(b, card, "query", (size_t)i);
        AUTO(json_decrefp)
        json_t *expected =
            json_pack("{s:[{s:i,s:[o,n],s:[s,s]},{s:i,s:[o,s],s:[s,s]}]}", "rows", "count", 2,
                      "values", json_sprintf("%d", i), "columns", "n", "none", "count", 2, "values",
                      json_sprintf("%d", i + 1), "x", "columns", "n", "none");
        ck_assert_msg(json_equal(got, expected), "%s", b->bodies[i]);
    }
    stop(b);
}
END_TEST

START_TEST(libcrypt_answers_as_it_does_when_called_directly)
{
    AUTO(card_freep) struct card *card = NULL;
    struct bench *b = start(&card);
    /* the oldest of its methods: it takes a moment less than the others, ten thousand times */
    for (int i = 0; i < CALLS; i++) {
        char input[96];
        snprintf(input, sizeof(input), "{\"phrase\":\"phrase %d\",\"setting\":\"ab\"}", i);
        send(b, "crypt", input);
    }
    for (int i = 0; i < CALLS; i++) {
        char phrase[32];
        AUTO(json_decrefp) json_t *got = checked(b, card, "crypt", (size_t)i);
        snprintf(phrase, sizeof(phrase), "phrase %d", i);
        ck_assert_str_eq(json_string_value(json_object_get(got, "hash")), crypt(phrase, "ab"));
    }
    stop(b);
}
END_TEST

START_TEST(structs_pass_by_value_and_by_pointer_as_they_do_when_called_directly)
{
    AUTO(card_freep) struct card *card = NULL;
    AUTO(card_freep) struct card *same = NULL;
    struct bench *b = start(&card), *back = start(&same);
    for (int i = 0; i < CALLS; i++) {
        char input[96];
        long n = (i - CALLS / 2) * 1234567L;
        if (i % 2 == 0)
            snprintf(input, sizeof(input), "{\"numerator\":%ld,\"denominator\":%d}", n, i + 1);
        else
            snprintf(input, sizeof(input), "{\"seconds\":%ld}", n);
        send(b, i % 2 == 0 ? "ldiv" : "calendar", input);
    }
    for (int i = 0; i < CALLS; i++) {
        long n = (i - CALLS / 2) * 1234567L;
        struct tm tm;
        AUTO(json_decrefp)
        json_t *got = checked(b, card, i % 2 == 0 ? "ldiv" : "calendar", (size_t)i);
        if (i % 2 == 0) {
            ldiv_t is = ldiv(n, i + 1);
            AUTO(json_decrefp)
            json_t *expected = json_pack("{s:{s:I,s:I}}", "result", "quot", (json_int_t)is.quot,
                                         "rem", (json_int_t)is.rem);
            ck_assert_msg(json_equal(got, expected), "%s", b->bodies[i]);
            continue;
        }
        gmtime_r(&n, &tm);
        json_t *it = json_object_get(got, "tm");
        ck_assert_int_eq(json_integer_value(json_object_get(it, "tm_yday")), tm.tm_yday);
        ck_assert_int_eq(json_integer_value(json_object_get(it, "tm_year")), tm.tm_year);
        ck_assert_str_eq(json_string_value(json_object_get(it, "tm_zone")), tm.tm_zone);
        send(back, "seconds", b->bodies[i]);
    }
    for (int i = 0; i < CALLS / 2; i++) {
        AUTO(json_decrefp) json_t *got = checked(back, card, "seconds", (size_t)i);
        ck_assert_int_eq(json_integer_value(json_object_get(got, "seconds")),
                         (2 * i + 1 - CALLS / 2) * 1234567L);
    }
    stop(b);
    stop(back);
}
END_TEST

/* ---- odd inputs, failures, refusals ---- */

static void expect(const char *agent, const char *input, int32_t status, uint32_t effect,
                   const char *words)
{
    AUTO(card_freep) struct card *card = NULL;
    struct bench *b = start(&card);
    send(b, agent, input);
    while (b->ended < b->sent)
        turn(b);
    ck_assert_msg(b->statuses[0] == status && b->effects[0] == effect &&
                      strstr(b->bodies[0], words) != NULL,
                  "%s %s: %d %u %s", agent, input, b->statuses[0], b->effects[0], b->bodies[0]);
    stop(b);
}

START_TEST(numbers_are_exact_or_refused)
{
    expect("labs", "{\"n\":-9007199254740991}", SEAM_OK, 0, "{\"result\":9007199254740991}");
    expect("labs", "{\"n\":\"-9223372036854775807\"}", SEAM_OK, 0,
           "{\"result\":\"9223372036854775807\"}");
    expect("labs", "{\"n\":\"9223372036854775808\"}", SEAM_E_INPUT, 0, "/n: expected longlong");
    expect("raise", "{\"signal\":2147483648}", SEAM_E_INPUT, 0,
           "/signal: expected int, an integer");
    expect("cos", "{\"x\":\"Infinity\"}", SEAM_OK, 0, "{\"result\":\"NaN\"}");
    expect("strdup", "{\"text\":\"a\\u0000b\"}", SEAM_E_INPUT, 0, "has one inside");
    if (!SANITIZED) /* a sanitizer's malloc is not the one of libc's own free */
        expect("strdup", "{\"text\":\"\"}", SEAM_OK, 0, "{\"result\":\"\"}");
    expect("getenv", "{\"name\":\"NOBODY_HAS_THIS\"}", SEAM_OK, 0, "{\"value\":null}");
    expect("crc32", "{\"crc\":0,\"data\":\"\"}", SEAM_OK, 0, "{\"crc32\":0}");
    expect("crc32", "{\"crc\":0,\"data\":\"?\"}", SEAM_E_INPUT, 0, "/data: expected base64");
    expect("sort", "{\"numbers\":[3,-1,2,2]}", SEAM_OK, 0, "{\"numbers\":[-1,2,2,3]}");
    expect("sort", "{\"numbers\":[]}", SEAM_OK, 0, "{\"numbers\":[]}");
}
END_TEST

START_TEST(enums_are_names_and_structs_are_read_in_full)
{
    expect("timer", "{\"which\":\"ITIMER_REAL\"}", SEAM_OK, 0,
           "{\"timer\":{\"it_interval\":{\"tv_sec\":0,\"tv_usec\":0},\"it_value\":{\"tv_sec\":0,"
           "\"tv_usec\":0}}}");
    expect("timer", "{\"which\":\"ITIMER_UNREAL\"}", SEAM_E_INPUT, 0,
           "/which: expected one of the 3 names of `which`, such as \\\"ITIMER_REAL\\\"");
    expect("timer", "{\"which\":0}", SEAM_E_INPUT, 0, "/which: expected one of");
    expect("timer", "{}", SEAM_E_INPUT, 0, "found nothing");
    expect("seconds", "{\"tm\":{\"tm_sec\":0}}", SEAM_E_INPUT, 0, "/tm/tm_min: expected int");
    expect("seconds", "{\"tm\":null}", SEAM_E_INPUT, 0, "/tm: expected an object, the struct `tm`");
    expect("calendar", "{\"seconds\":\"9223372036854775807\"}", SEAM_E_FAILED, 0, "EOVERFLOW");
}
END_TEST

START_TEST(failures_are_told_in_the_words_of_the_library)
{
    expect("uncompress", "{\"compressed\":\"AAAA\"}", SEAM_E_FAILED, SEAM_EFFECT_NONE,
           "uncompress returned -3: data error");
    expect("query", "{\"sql\":\"SELEC 1\"}", SEAM_E_FAILED, SEAM_EFFECT_NONE, "syntax error");
    expect("chdir", "{\"path\":\"/nowhere/at/all\"}", SEAM_E_FAILED, SEAM_EFFECT_NONE,
           "(errno 2, ENOENT)\",\"errno\":2}");
}
END_TEST

START_TEST(a_function_that_crashes_ends_its_worker_alone)
{
    expect("raise", "{\"signal\":11}", -1, SEAM_EFFECT_UNKNOWN, "");
    expect("overrun", "{\"count\":17}", -1, SEAM_EFFECT_UNKNOWN, "");
    expect("overrun", "{\"count\":16}", SEAM_OK, SEAM_EFFECT_DONE, "QUFBQUFBQUFBQUFBQUFBQQ==");
}
END_TEST

static void expect_refusal(json_t *config, const char *words)
{
    AUTO(card_freep) struct card *card = drive_card(PLUGIN);
    struct bench *b = start_with(card, config);
    ck_assert_msg(strstr(b->refusal.text, words) != NULL, "%s", b->refusal.text);
    stop(b);
    json_decref(config);
}

static json_t *first_call(json_t *config)
{
    return json_array_get(
        json_object_get(json_array_get(json_object_get(config, "agents"), 0), "calls"), 0);
}

START_TEST(a_wrong_signature_or_library_is_refused_with_the_difference)
{
    json_t *config = configuration();
    json_t *args = json_object_get(first_call(config), "args");
    json_object_set_new(json_array_get(args, 0), "type", json_string("uint"));
    expect_refusal(config,
                   "/agents/0/calls/0: the signature is not the prototype: the prototype is "
                   "`u64 crc32(u64, ptr, u32)` and args and returns say `u64 crc32(u32, "
                   "ptr, u32)`");

    config = configuration();
    args = json_object_get(first_call(config), "args");
    json_object_set_new(json_array_get(args, 0), "type", json_string("uint"));
    json_object_set_new(first_call(config), "abi", json_string("u64 crc32(u32, ptr, u32)"));
    expect_refusal(config, "`u64 crc32(u32, ptr, u32)` of this library was not pinned");

    config = configuration();
    json_object_set_new(
        json_object_get(json_object_get(config, "libraries"), "z"), "sha256",
        json_string("0000000000000000000000000000000000000000000000000000000000000000"));
    expect_refusal(config, "libz.so.1 is not the library that was pinned: sha256 was 0000");

    config = configuration();
    json_object_del(first_call(config), "pin");
    expect_refusal(config, "it is not pinned (cure: ");

    config = configuration();
    json_object_set_new(first_call(config), "function", json_string("crc33"));
    expect_refusal(config, "/agents/0/calls/0/function: the library `z` has no function `crc33`");
}
END_TEST

static json_t *fields_of(json_t *config, const char *type)
{
    json_t *library = json_object_get(json_object_get(config, "libraries"), "c");
    return json_object_get(json_object_get(json_object_get(library, "types"), type), "struct");
}

START_TEST(a_wrong_layout_is_refused_with_the_difference)
{
    json_t *config = configuration(), *fields = fields_of(config, "tm");
    json_array_remove(fields, 8);
    expect_refusal(
        config,
        "/libraries/c/types/tm: the type is not the library's: its layout is `struct 56/8 {");

    config = configuration();
    fields = fields_of(config, "ldiv_t");
    json_object_set_new(json_array_get(fields, 0), "type", json_string("int"));
    expect_refusal(config,
                   "its layout is `struct 16/8 {quot i64@0, rem i64@8}` and what is written "
                   "here has `struct 16/8 {quot i32@0, rem i64@8}`");

    config = configuration();
    fields = fields_of(config, "timeval");
    json_object_set_new(json_array_get(fields, 0), "type", json_string("struct"));
    json_object_set_new(json_array_get(fields, 0), "of", json_string("itimerval"));
    expect_refusal(config, "it is within itself");

    config = configuration();
    fields = fields_of(config, "timeval");
    json_object_set_new(json_array_get(fields, 0), "type", json_string("struct"));
    expect_refusal(config, "field `tv_sec`: `of` names no struct among the types of this library");
}
END_TEST

UNIT_MAIN(libm_answers_as_it_does_when_called_directly,
          zlib_answers_as_it_does_when_called_directly, what_zlib_compressed_it_gives_back,
          sqlite_collects_rows_in_a_script_of_calls,
          libcrypt_answers_as_it_does_when_called_directly,
          structs_pass_by_value_and_by_pointer_as_they_do_when_called_directly,
          enums_are_names_and_structs_are_read_in_full,
          a_wrong_layout_is_refused_with_the_difference, numbers_are_exact_or_refused,
          failures_are_told_in_the_words_of_the_library,
          a_function_that_crashes_ends_its_worker_alone,
          a_wrong_signature_or_library_is_refused_with_the_difference)
