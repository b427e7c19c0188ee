/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator decided, as files: read with care, written whole or not at all; and copies that
 * are what their names say. The library is a real one.
 */
#include "base/limits.h"
#include "trust/trust.h"
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIBRARY                 BUILD_ROOT "/tests/plugins/so/echo.so"
#define OTHER                   BUILD_ROOT "/tests/plugins/so/sleeps.so"
#define ck_assert_ok(code, err) ck_assert_msg((code) == ERR_OK, "%s", (err).text)

struct place {
    char folder[64], lock[96], library[96];
    struct manifest *manifest;
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void copy_file(const char *from, const char *to)
{
    AUTO(freep) char *command = xasprintf("cp '%s' '%s.new' && mv '%s.new' '%s'", from, to, to, to);
    ck_assert_int_eq(system(command), 0);
}

static int remove_one(const char *path, const struct stat *is, int type, struct FTW *at)
{
    (void)is;
    (void)type;
    (void)at;
    return remove(path);
}

static void place_done(struct place *p)
{
    manifest_free(p->manifest);
    nftw(p->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct place place_new(void)
{
    struct place p = {.folder = "/tmp/seam-trust-XXXXXX"};
    struct error err;
    ck_assert(mkdtemp(p.folder) != NULL);
    AUTO(freep) char *manifest = xasprintf("%s/seam.yaml", p.folder);
    snprintf(p.lock, sizeof(p.lock), "%s/seam.lock", p.folder);
    snprintf(p.library, sizeof(p.library), "%s/echo.so", p.folder);
    write_file(manifest, "manifest: 1\nplugins: {echo: {path: echo.so}}\n");
    copy_file(LIBRARY, p.library);
    ck_assert_ok(manifest_load(manifest, &p.manifest, &err), err);
    return p;
}

static struct card *read_card(const char *path)
{
    struct card *card = NULL;
    struct error err;
    ck_assert_ok(card_read(path, &card, &err), err);
    return card;
}

/* ---- the lock ---- */

START_TEST(what_is_no_lock_is_refused_with_its_place)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "7",
        "null",
        "{}",
        "{\"lock\": 1}",
        "{\"lock\": \"1\", \"plugins\": {}}",
        "{\"lock\": 1, \"plugins\": []}",
        "{\"lock\": 0, \"plugins\": {}}",
        "{\"lock\": 2, \"plugins\": {}}",
        "{\"lock\": 1, \"plugins\": {\"echo\": {}}}",
        "{\"lock\": 1, \"plugins\": {\"echo\": []}}",
        ("{\"lock\": 1, \"plugins\": {\"echo\": {\"card\": \"x\", \"library\": \"y\", \"granted\": "
         "{}}}}"),
        "{\"lock\": 1, \"plugins\": {}} more",
        "{\"lock\": 1, \"lock\": 1, \"plugins\": {}}",
        "\xff\xfe",
    };
    AUTO(place_done) struct place p = place_new();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct lock *lock = NULL;
        struct error err;
        write_file(p.lock, bad[i]);
        ck_assert_msg(lock_load(p.manifest, &lock, &err) != ERR_OK && !lock, "%s", bad[i]);
        ck_assert_msg(strstr(err.text, "seam.lock"), "%s: %s", bad[i], err.text);
    }
}
END_TEST

START_TEST(what_is_nested_without_end_or_is_no_file_is_refused)
{
    AUTO(place_done) struct place p = place_new();
    struct lock *lock = NULL;
    struct error err;
    AUTO(freep) char *deep = xcalloc(1, 200001);
    memset(deep, '[', 200000);
    write_file(p.lock, deep);
    ck_assert_int_ne(lock_load(p.manifest, &lock, &err), ERR_OK);
    ck_assert_int_eq(unlink(p.lock), 0);
    ck_assert_int_eq(mkdir(p.lock, 0700), 0);
    ck_assert_int_eq(lock_load(p.manifest, &lock, &err), ERR_DENIED);
    ck_assert_int_eq(rmdir(p.lock), 0);
    ck_assert_int_eq(mkfifo(p.lock, 0600), 0);
    ck_assert_int_eq(lock_load(p.manifest, &lock, &err), ERR_DENIED); /* and does not hang */
    ck_assert_int_eq(unlink(p.lock), 0);
    ck_assert_int_eq(lock_load(p.manifest, &lock, &err), ERR_OK);
    ck_assert_ptr_null(lock);
}
END_TEST

START_TEST(what_is_approved_is_held_and_any_hand_edit_is_seen)
{
    AUTO(place_done) struct place p = place_new();
    AUTO(card_freep) struct card *card = read_card(p.library);
    const struct manifest_plugin *entry = &p.manifest->plugins[0];
    const struct signer nobody = {.is_signed = false};
    struct lock *lock = NULL;
    struct error err;
    lock_approve(&lock, p.manifest, entry, card, &nobody, "ops", 1700000000000);
    ck_assert_ok(lock_write(lock, p.manifest, &err), err);
    lock_free(lock);
    ck_assert_ok(lock_load(p.manifest, &lock, &err), err);
    ck_assert_ok(lock_check(lock, p.manifest, entry, card, &nobody, &err), err);
    ck_assert_ok(lock_check_agents(lock, p.manifest, entry, card, &err), err);
    json_t *pinned = (json_t *)(uintptr_t)lock_entry(lock, "echo");
    char zeros[DIGEST_HEX_SIZE];
    memset(zeros, '0', sizeof(zeros) - 1);
    zeros[sizeof(zeros) - 1] = '\0';
    static const char *const keys[] = {"library", "card", "granted", "key"};
    for (size_t i = 0; i < 4; i++) {
        json_t *kept = json_incref(json_object_get(pinned, keys[i]));
        json_object_set_new(pinned, keys[i],
                            i == 2 ? json_pack("{s:{}}", "grants") : json_string(zeros));
        ck_assert_int_eq(lock_check(lock, p.manifest, entry, card, &nobody, &err), ERR_DENIED);
        ck_assert_msg(strstr(err.text, "seam plugins approve echo"), "%s", err.text);
        if (kept)
            json_object_set_new(pinned, keys[i], kept);
        else
            json_object_del(pinned, keys[i]);
    }
    ck_assert_ok(lock_check(lock, p.manifest, entry, card, &nobody, &err), err);
    lock_free(lock);
}
END_TEST

static atomic_bool over;

static void *write_again_and_again(void *user)
{
    struct place *p = user;
    struct card *card = read_card(p->library);
    const struct signer nobody = {.is_signed = false};
    struct lock *lock = NULL;
    struct error err;
    for (int i = 0; i < 50; i++) {
        lock_approve(&lock, p->manifest, &p->manifest->plugins[0], card, &nobody, "ops", i * 1000);
        ck_assert_ok(lock_write(lock, p->manifest, &err), err);
    }
    atomic_store(&over, true);
    lock_free(lock);
    card_free(card);
    return NULL;
}

START_TEST(who_reads_while_it_is_written_reads_the_old_or_the_new)
{
    AUTO(place_done) struct place p = place_new();
    pthread_t writer;
    struct error err;
    size_t read = 0;
    atomic_store(&over, false);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_again_and_again, &p), 0);
    while (!atomic_load(&over) || read == 0) {
        struct lock *lock = NULL;
        ck_assert_ok(lock_load(p.manifest, &lock, &err), err);
        ck_assert(!lock || lock_entry(lock, "echo") != NULL);
        read += lock != NULL;
        lock_free(lock);
    }
    pthread_join(writer, NULL);
}
END_TEST

/* ---- libraries ---- */

START_TEST(a_name_that_is_switched_while_it_is_read_gives_one_library_or_the_other)
{
    AUTO(place_done) struct place p = place_new();
    AUTO(card_freep) struct card *first = read_card(LIBRARY), *second = read_card(OTHER);
    AUTO(freep) char *link = xasprintf("%s/link.so", p.folder);
    AUTO(freep) char *next = xasprintf("%s/next.so", p.folder);
    ck_assert_int_eq(symlink(LIBRARY, link), 0);
    pid_t child = fork();
    if (child == 0)
        for (int i = 0;; i++)
            if (symlink(i % 2 ? LIBRARY : OTHER, next) != 0 || rename(next, link) != 0)
                _exit(1);
    size_t copied = 0;
    for (int i = 0; i < 60; i++) {
        AUTO(card_freep) struct card *card = read_card(link);
        AUTO(freep) char *path = NULL;
        struct error err;
        bool is_first = digest_equal(&card->library, &first->library);
        ck_assert(is_first || digest_equal(&card->library, &second->library));
        ck_assert_int_eq(strcmp(card->id, is_first ? first->id : second->id), 0);
        enum error_code code = store_hold(p.folder, card, &path, &err);
        ck_assert_msg(code == ERR_OK || code == ERR_CONFLICT, "%s", err.text);
        if (code != ERR_OK)
            continue;
        AUTO(card_freep) struct card *kept = read_card(path);
        ck_assert(digest_equal(&kept->library, &card->library));
        copied++;
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ck_assert_uint_gt(copied, 0);
}
END_TEST

START_TEST(what_others_may_write_to_is_no_plugin_however_it_is_named)
{
    AUTO(place_done) struct place p = place_new();
    struct card *card = NULL;
    struct error err;
    AUTO(freep) char *name = xasprintf("%s/hard.so", p.folder);
    ck_assert_int_eq(link(p.library, name), 0);
    card_free(read_card(name)); /* another name of the same file is the same file */
    ck_assert_int_eq(chmod(p.library, 0666), 0);
    ck_assert_int_eq(card_read(name, &card, &err), ERR_DENIED);
    ck_assert_int_eq(chmod(p.library, 0600), 0);
    ck_assert_int_eq(chmod(p.folder, 0777), 0);
    ck_assert_int_eq(card_read(name, &card, &err), ERR_DENIED);
    ck_assert_msg(strstr(err.text, "chmod go-w"), "%s", err.text);
    ck_assert_int_eq(chmod(p.folder, 0700), 0);
}
END_TEST

START_TEST(a_copy_that_is_truncated_or_another_is_found_out)
{
    AUTO(place_done) struct place p = place_new();
    AUTO(card_freep) struct card *card = read_card(p.library), *found = NULL;
    AUTO(freep) char *path = NULL, *again = NULL;
    char digest[DIGEST_HEX_SIZE];
    struct error err;
    digest_hex(&card->library, digest);
    ck_assert_ok(store_hold(p.folder, card, &path, &err), err);
    ck_assert_ok(store_find(p.manifest, digest, &found, &err), err);
    card_freep(&found);
    found = NULL;
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(truncate(path, 100), 0);
    ck_assert_int_ne(store_find(p.manifest, digest, &found, &err), ERR_OK);
    ck_assert_ok(store_hold(p.folder, card, &again, &err), err);
    ck_assert_str_eq(path, again);
    ck_assert_ok(store_find(p.manifest, digest, &found, &err), err);
    card_freep(&found);
    found = NULL;
    copy_file(OTHER, path);
    ck_assert_int_eq(store_find(p.manifest, digest, &found, &err), ERR_CORRUPT);
    ck_assert_ok(store_keep(p.manifest, card, &err), err);
    ck_assert_ok(store_find(p.manifest, digest, &found, &err), err);
}
END_TEST

UNIT_MAIN(what_is_no_lock_is_refused_with_its_place,
          what_is_nested_without_end_or_is_no_file_is_refused,
          what_is_approved_is_held_and_any_hand_edit_is_seen,
          who_reads_while_it_is_written_reads_the_old_or_the_new,
          a_name_that_is_switched_while_it_is_read_gives_one_library_or_the_other,
          what_others_may_write_to_is_no_plugin_however_it_is_named,
          a_copy_that_is_truncated_or_another_is_found_out)
