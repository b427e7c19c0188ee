/* SPDX-License-Identifier: Apache-2.0
 *
 * Cards: files that are damaged, made or borrowed by the test, and what is said of each. A copy of
 * a good plugin in a private folder is the raw material; nothing of it ever runs here.
 */
#include "loader/card.h"
#include "unit.h"

#include <elf.h>
#include <seam/plugin.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLUGIN_FILE(name) BUILD_ROOT "/tests/plugins/so/" name ".so"

struct file { /* a copy of a plugin, in memory and at path */
    char folder[32], *path, *bytes;
    size_t len;
};

static void file_init(struct file *f, const char *from)
{
    *f = (struct file){.folder = "/tmp/seam-card-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    f->path = xasprintf("%s/plugin.so", f->folder);
    FILE *in = fopen(from, "r");
    ck_assert_ptr_nonnull(in);
    fseek(in, 0, SEEK_END);
    f->len = (size_t)ftell(in);
    rewind(in);
    f->bytes = malloc(f->len);
    ck_assert_uint_eq(fread(f->bytes, 1, f->len, in), f->len);
    fclose(in);
}

static void file_write(const struct file *f, size_t len)
{
    FILE *out = fopen(f->path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(f->bytes, 1, len, out), len);
    fclose(out);
    ck_assert_int_eq(chmod(f->path, 0644), 0);
}

static void file_done(struct file *f)
{
    unlink(f->path);
    rmdir(f->folder);
    free(f->path);
    free(f->bytes);
}

/* Replaces the text, everywhere or in the card alone, by one of the same length. */
static void replace(struct file *f, const char *from, const char *to)
{
    size_t len = strlen(from), count = 0;
    ck_assert_uint_eq(len, strlen(to));
    for (char *at = f->bytes; (at = memmem(at, f->len - (size_t)(at - f->bytes), from, len));
         count++)
        memcpy(at, to, len);
    ck_assert_msg(count > 0, "there is no %s", from);
}

static Elf64_Shdr *card_section(const struct file *f)
{
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)(const void *)f->bytes;
    Elf64_Shdr *sections = (Elf64_Shdr *)(void *)(f->bytes + head->e_shoff);
    const char *names = f->bytes + sections[head->e_shstrndx].sh_offset;
    for (unsigned i = 0; i < head->e_shnum; i++)
        if (strcmp(names + sections[i].sh_name, SEAM_CARD_SECTION) == 0)
            return &sections[i];
    ck_abort_msg("there is no card");
    return NULL;
}

/* Writes a file whose card is another text: it stands behind everything else. */
static void write_card(struct file *f, const char *text)
{
    size_t len = strlen(text), before = f->len;
    f->bytes = realloc(f->bytes, before + len);
    memcpy(f->bytes + before, text, len);
    Elf64_Shdr *section = card_section(f);
    section->sh_offset = before;
    section->sh_size = len;
    file_write(f, before + len);
}

#define HEAD                                                                                       \
    "{\"card\":1,\"id\":\"a.b\",\"version\":\"1.2.3\",\"summary\":\"s\","                          \
    "\"abi\":{\"major\":1,\"minor\":0}"
#define AGENT(name, more)                                                                          \
    "{\"name\":\"" name "\",\"summary\":\"s\",\"input\":true,\"output\":true" more "}"
#define CARD(more, agents) HEAD more ",\"agents\":[" agents "]}"

static struct card *read_card(const char *text)
{
    struct file f;
    struct card *card = NULL;
    struct error err = {.text = ""};
    file_init(&f, PLUGIN_FILE("echo"));
    write_card(&f, text);
    ck_assert_msg(card_read(f.path, &card, &err) == ERR_OK, "%s", err.text);
    file_done(&f);
    return card;
}

static void expect_refusal(const char *path, enum error_code code, const char *words)
{
    struct card *card = NULL;
    struct error err = {.text = ""};
    enum error_code found = card_read(path, &card, &err);
    ck_assert_msg(found != ERR_OK, "accepted: %s", path);
    ck_assert_msg(strstr(err.text, words) != NULL, "expected \"%s\", found: %s", words, err.text);
    ck_assert_msg(found == code, "expected %s, found %s: %s", error_code_text(code),
                  error_code_text(found), err.text);
}

static void expect_cure(const char *path, enum error_code code, const char *words)
{
    expect_refusal(path, code, words);
    expect_refusal(path, code, "(cure: ");
}

START_TEST(a_good_card_is_read)
{
    AUTO(card_freep) struct card *card = NULL;
    struct error err = {.text = ""};
    ck_assert_msg(card_read(PLUGIN_FILE("asks"), &card, &err) == ERR_OK, "%s", err.text);
    ck_assert_str_eq(card->id, "org.seam.test");
    ck_assert_str_eq(card->version, "1.0.0");
    ck_assert_uint_eq(card->abi_major, 1);
    ck_assert_int_eq(card->max_concurrency, 64);
    ck_assert_int_eq(card->memory_bytes, -1);
    ck_assert_uint_eq(card->agent_count, 1);
    ck_assert_str_eq(card->agents[0].name, "act");
    ck_assert_uint_eq(card->agents[0].effect, SEAM_READ);
    ck_assert_uint_eq(card->agents[0].flags, SEAM_NONBLOCKING);
    ck_assert_int_eq(card->agents[0].settle_ms, -1);
    ck_assert(card->brokered);
    ck_assert_str_eq(json_string_value(json_object_get(card->json, "id")), "org.seam.test");
}
END_TEST

START_TEST(digests_are_those_of_the_file_and_the_card)
{
    static const char text[] = CARD("", AGENT("a", ""));
    struct file f;
    file_init(&f, PLUGIN_FILE("echo"));
    write_card(&f, text);
    AUTO(card_freep) struct card *card = NULL;
    ck_assert_int_eq(card_read(f.path, &card, NULL), ERR_OK);
    struct digest digest = digest_of(slice_of(text));
    struct digest library = digest_of((struct slice){f.bytes, f.len + sizeof(text) - 1});
    ck_assert(digest_equal(&card->digest, &digest));
    ck_assert(digest_equal(&card->library, &library));
    file_done(&f);
}
END_TEST

START_TEST(all_that_a_card_says_is_read)
{
    AUTO(card_freep)
    struct card *card = read_card(
        CARD(",\"isolation\":\"worker\",\"limits\":{\"max_concurrency\":7,\"memory_mb\":2,"
             "\"call\":\"1m\",\"drain\":\"30s\"},\"config\":{\"required\":[\"url\"]}",
             AGENT("find", ",\"effect\":\"read\"") "," AGENT(
                 "make",
                 ",\"effect\":\"write_idempotent\",\"destructive\":true,"
                 "\"open_world\":true,\"nonblocking\":true,\"confidence\":\"/c\","
                 "\"reconcile\":\"find\",\"settle\":\"30s\",\"ref\":\"/id\","
                 "\"key_ttl\":\"24h\",\"cost\":{\"tokens\":5,\"cost\":\"0.25\"}") "," AGENT("bare",
                                                                                            "")));
    ck_assert(card->isolation_worker);
    ck_assert_int_eq(card->max_concurrency, 7);
    ck_assert_int_eq(card->memory_bytes, 2 << 20);
    ck_assert_int_eq(card->call_ms, 60000);
    ck_assert_int_eq(card->drain_ms, 30000);
    AUTO(json_decrefp) json_t *nothing = json_object();
    ck_assert(!contract_accepts(card->config, nothing));
    const struct card_agent *make = &card->agents[1], *bare = &card->agents[2];
    ck_assert_uint_eq(make->effect, SEAM_WRITE_IDEMPOTENT);
    ck_assert_uint_eq(make->flags, SEAM_DESTRUCTIVE | SEAM_OPEN_WORLD | SEAM_NONBLOCKING);
    ck_assert_str_eq(make->confidence, "/c");
    ck_assert_str_eq(make->reconcile, "find");
    ck_assert_str_eq(make->ref, "/id");
    ck_assert_int_eq(make->settle_ms, 30000);
    ck_assert_int_eq(make->key_ttl_ms, 86400000);
    ck_assert_int_eq(make->tokens, 5);
    ck_assert_int_eq(make->cost, 250000);
    ck_assert_uint_eq(bare->effect, SEAM_WRITE); /* what declares nothing is the worst */
    ck_assert(!bare->confidence && !bare->reconcile && !bare->ref);
    ck_assert_int_eq(bare->key_ttl_ms, -1);
}
END_TEST

START_TEST(without_a_config_schema_it_takes_none)
{
    AUTO(card_freep) struct card *card = read_card(CARD("", AGENT("a", "")));
    AUTO(json_decrefp) json_t *empty = json_object(), *some = json_pack("{s:i}", "a", 1);
    ck_assert(contract_accepts(card->config, empty));
    ck_assert(!contract_accepts(card->config, some));
    ck_assert_int_eq(card->max_concurrency, 1);
}
END_TEST

START_TEST(brokered_is_who_has_no_other_way_into_the_world)
{
#define HTTP "\"http\":[{\"host\":\"h\",\"methods\":[\"POST\"]}]"
    static const struct {
        const char *text;
        bool brokered;
    } cases[] = {
        {CARD("", AGENT("a", ",\"effect\":\"pure\"")), true},
        {CARD("", AGENT("a", ",\"effect\":\"write\"")), false}, /* by what, if not past the host? */
        {CARD(",\"requests\":{" HTTP "}", AGENT("a", "")), true},
        {CARD(",\"requests\":{" HTTP ",\"net\":\"none\"}", AGENT("a", "")), true},
        {CARD(",\"requests\":{" HTTP ",\"net\":\"any\"}", AGENT("a", "")), false},
        {CARD(",\"requests\":{" HTTP ",\"exec\":[\"/bin/x\"]}", AGENT("a", "")), false},
        {CARD(",\"requests\":{" HTTP ",\"fs\":[{\"path\":\"/x\",\"mode\":\"r\"}]}", AGENT("a", "")),
         false},
        {CARD(",\"requests\":{\"net\":\"any\"}", AGENT("a", ",\"effect\":\"read\"")), false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(card_freep) struct card *card = read_card(cases[i].text);
        ck_assert_msg(card->brokered == cases[i].brokered, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(what_is_no_shared_object_is_told_what_it_is)
{
    struct file f;
    file_init(&f, PLUGIN_FILE("echo"));
    Elf64_Ehdr *head = (Elf64_Ehdr *)(void *)f.bytes, good = *head;

    expect_refusal("/nowhere/x.so", ERR_NOT_FOUND, "there is no file /nowhere/x.so");
    expect_refusal(f.folder, ERR_INPUT, "is not a file but a folder");
    file_write(&f, 0);
    expect_refusal(f.path, ERR_INPUT, "is empty");
    memcpy(f.bytes, "#!/bin/sh\necho hello\n", 21);
    file_write(&f, 21);
    expect_cure(f.path, ERR_INPUT, "it begins with \"#!/bin/sh.echo h\"");

    *head = good;
    head->e_ident[EI_CLASS] = ELFCLASS32;
    file_write(&f, f.len);
    expect_cure(f.path, ERR_INPUT, "is a 32-bit file");
    *head = good;
    head->e_ident[EI_DATA] = head->e_ident[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
    file_write(&f, f.len);
    expect_cure(f.path, ERR_INPUT, "the other order of bytes");
    *head = good;
    head->e_machine = EM_S390;
    file_write(&f, f.len);
    expect_cure(f.path, ERR_INPUT, "is built for s390");
    *head = good;
    head->e_type = ET_REL;
    file_write(&f, f.len);
    expect_cure(f.path, ERR_INPUT, "is an object file, not a shared object");
    *head = good;
    head->e_shoff = 0;
    file_write(&f, f.len);
    expect_cure(f.path, ERR_INPUT, "has no sections");
    file_done(&f);
}
END_TEST

START_TEST(a_file_cut_off_anywhere_is_refused)
{
    struct file f;
    file_init(&f, PLUGIN_FILE("echo"));
    file_write(&f, 40);
    expect_cure(f.path, ERR_CORRUPT, "is cut off: it has 40 bytes");
    file_write(&f, f.len - 1);
    expect_cure(f.path, ERR_CORRUPT, "is cut off: its table of sections ends at byte");
    for (size_t len = 1; len < f.len; len += f.len / 97) {
        struct card *card = NULL;
        file_write(&f, len);
        ck_assert_int_ne(card_read(f.path, &card, NULL), ERR_OK);
    }
    file_done(&f);
}
END_TEST

START_TEST(a_file_damaged_anywhere_harms_nobody)
{
    struct file f;
    file_init(&f, PLUGIN_FILE("echo"));
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)(const void *)f.bytes;
    size_t table = head->e_shoff, count = (f.len - table) + sizeof(*head);
    for (size_t i = 0; i < count; i += 3) {
        size_t at = i < sizeof(*head) ? i : table + i - sizeof(*head);
        char kept = f.bytes[at];
        for (int bits = 0xFF; bits > 0; bits -= 0x7F) {
            struct card *card = NULL;
            f.bytes[at] = (char)(kept ^ bits);
            file_write(&f, f.len);
            if (card_read(f.path, &card, NULL) == ERR_OK)
                card_free(card);
        }
        f.bytes[at] = kept;
    }
    file_done(&f);
}
END_TEST

START_TEST(a_card_outside_the_file_is_refused)
{
    struct file f;
    file_init(&f, PLUGIN_FILE("echo"));
    Elf64_Shdr *card = card_section(&f);
    Elf64_Shdr good = *card;
    card->sh_size = UINT64_MAX - 4;
    file_write(&f, f.len);
    expect_cure(f.path, ERR_CORRUPT, "its card lies outside the file");
    *card = good;
    card->sh_type = SHT_NOBITS;
    file_write(&f, f.len);
    expect_cure(f.path, ERR_CORRUPT, "its card lies outside the file");
    file_done(&f);
}
END_TEST

START_TEST(what_has_no_card_is_no_plugin)
{
    expect_cure(PLUGIN_FILE("no_card"), ERR_INPUT, "has no card (section .seam.card)");
    expect_refusal(PLUGIN_FILE("no_card"), ERR_INPUT, "it exports a_function_of_it");
}
END_TEST

START_TEST(another_abi_is_refused_with_both_versions)
{
    expect_cure(PLUGIN_FILE("wrong_abi"), ERR_NEWER,
                "the plugin needs ABI 1.7; this host serves 1.0 to 1.0");
    struct file f;
    file_init(&f, PLUGIN_FILE("echo"));
    replace(&f, "seam_plugin_v1", "seam_plugin_v2");
    file_write(&f, f.len);
    expect_cure(f.path, ERR_NEWER, "is built for ABI 2; this host serves ABI 1.0 to 1.0");
    replace(&f, "seam_plugin_v2", "seam_plugin_xx");
    file_write(&f, f.len);
    expect_cure(f.path, ERR_INPUT, "does not export seam_plugin_v1; it exports seam_plugin_xx");
    file_done(&f);
}
END_TEST

START_TEST(a_card_that_is_wrong_is_told_where)
{
    static const struct {
        const char *text, *words;
        enum error_code code;
    } cases[] = {
        {"{\"card\":1", "card: ", ERR_INPUT},
        {"", "card: ", ERR_INPUT},
        {"[]", "expected object", ERR_INPUT},
        {"{\"card\":2}", "format 2; this host reads format 1", ERR_NEWER},
        {"{\"card\":1,\"abi\":{\"major\":2,\"minor\":3}}", "needs ABI 2.3; this host serves 1.0",
         ERR_NEWER},
        {"{\"card\":1,\"abi\":{\"major\":0,\"minor\":3}}", "needs ABI 0.3; this host serves 1.0",
         ERR_UNSUPPORTED},
        {HEAD "}", "agents", ERR_INPUT},
        {CARD("", ""), "it has no agents", ERR_INPUT},
        {CARD(",\"agents_from\":\"config\"", AGENT("a", "")), "must be empty", ERR_INPUT},
        {CARD(",\"sumary\":\"x\"", AGENT("a", "")), "did you mean \"summary\"?", ERR_INPUT},
        {CARD(",\"requests\":{\"gpu\":1}", AGENT("a", "")),
         "/requests/gpu: the plugin asks for a capability \"gpu\"", ERR_UNSUPPORTED},
        {CARD(",\"requests\":{\"secrts\":[]}", AGENT("a", "")), "cure: write \"secrets\"",
         ERR_UNSUPPORTED},
        {CARD("", AGENT("a/b", "")), "/agents/0/name: ", ERR_INPUT},
        {CARD("", AGENT("a", "") "," AGENT("a", "")), "two agents \"a\"", ERR_CONFLICT},
        {CARD("", AGENT("a", ",\"effect\":\"puer\"")), "did you mean \"pure\"?", ERR_INPUT},
        {CARD("", AGENT("a", ",\"reconcile\":\"lok\"") "," AGENT("look", ",\"effect\":\"read\"")),
         "agent \"a\": its reconcile is \"lok\", which is no agent of this card (did you mean "
         "\"look\"?)",
         ERR_INPUT},
        {CARD("", AGENT("a", ",\"reconcile\":\"b\"") "," AGENT("b", "")), "may change the world",
         ERR_INPUT},
        {CARD("", AGENT("a", ",\"settle\":\"99999d\"")), "agent \"a\": settle: ", ERR_INPUT},
        {CARD(",\"config\":{\"typ\":1}", AGENT("a", "")), "config: ", ERR_UNSUPPORTED},
        {CARD("", "{\"name\":\"a\",\"summary\":\"s\",\"input\":{\"type\":\"strin\"},"
                  "\"output\":true}"),
         "agent \"a\": input: ", ERR_INPUT},
        {CARD("", "{\"name\":\"a\",\"summary\":\"s\",\"output\":{\"minimum\":\"x\"},"
                  "\"input\":true}"),
         "agent \"a\": output: ", ERR_INPUT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct file f;
        file_init(&f, PLUGIN_FILE("echo"));
        write_card(&f, cases[i].text);
        expect_refusal(f.path, cases[i].code, cases[i].words);
        expect_refusal(f.path, cases[i].code, f.path);
        file_done(&f);
    }
}
END_TEST

START_TEST(who_else_may_write_a_file_may_not_have_it_run)
{
    struct file f;
    struct card *card = NULL;
    file_init(&f, PLUGIN_FILE("echo"));
    file_write(&f, f.len);
    static const mode_t modes[] = {0664, 0646, 0666};
    for (size_t i = 0; i < 3; i++) {
        chmod(f.path, modes[i]);
        expect_cure(f.path, ERR_DENIED, "others than its owner may write to it");
    }
    chmod(f.path, 0444);
    ck_assert_int_eq(card_read(f.path, &card, NULL), ERR_OK);
    card_freep(&card);
    chmod(f.folder, 0770);
    expect_cure(f.path, ERR_DENIED, "folder ");
    expect_refusal(f.path, ERR_DENIED, "has mode 0770");
    chmod(f.folder, 01777); /* as /tmp: nobody can replace what is another's */
    ck_assert_int_eq(card_read(f.path, &card, NULL), ERR_OK);
    card_freep(&card);
    chmod(f.folder, 0700);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(f.path, 65534, 65534), 0);
        expect_cure(f.path, ERR_DENIED, "belongs to user 65534");
        ck_assert_int_eq(chown(f.path, 0, 0), 0);
        ck_assert_int_eq(chown(f.folder, 65534, 65534), 0);
        expect_cure(f.path, ERR_DENIED, "belongs to user 65534");
    }
    file_done(&f);
}
END_TEST

START_TEST(a_link_is_followed_to_where_it_is_looked_at_too)
{
    struct file f, other;
    struct card *card = NULL;
    file_init(&f, PLUGIN_FILE("echo"));
    file_init(&other, PLUGIN_FILE("echo"));
    file_write(&other, other.len);
    ck_assert_int_eq(symlink(other.path, f.path), 0);
    ck_assert_int_eq(card_read(f.path, &card, NULL), ERR_OK);
    card_freep(&card);
    chmod(other.folder, 0777);
    expect_cure(f.path, ERR_DENIED, other.folder);
    chmod(other.folder, 0700);
    chmod(f.folder, 0777);
    expect_cure(f.path, ERR_DENIED, f.folder);
    file_done(&f);
    file_done(&other);
}
END_TEST

START_TEST(a_library_is_whole_when_it_is_written)
{
    struct file f;
    file_init(&f, PLUGIN_FILE("echo"));
    ck_assert(!library_is_whole(f.path));
    for (size_t len = 0; len < f.len; len += f.len / 40 + 1) {
        file_write(&f, len);
        ck_assert_msg(!library_is_whole(f.path), "%zu of %zu bytes are whole", len, f.len);
    }
    file_write(&f, f.len);
    ck_assert(library_is_whole(f.path));
    FILE *writer = fopen(f.path, "r+");
    ck_assert_ptr_nonnull(writer);
    ck_assert(!library_is_whole(f.path));
    fclose(writer);
    ck_assert(library_is_whole(f.path));
    memcpy(f.bytes, "text", 4); /* to be refused, not waited for */
    file_write(&f, 4);
    ck_assert(library_is_whole(f.path));
    file_done(&f);
}
END_TEST

UNIT_MAIN(a_good_card_is_read, a_library_is_whole_when_it_is_written,
          digests_are_those_of_the_file_and_the_card, all_that_a_card_says_is_read,
          without_a_config_schema_it_takes_none, brokered_is_who_has_no_other_way_into_the_world,
          what_is_no_shared_object_is_told_what_it_is, a_file_cut_off_anywhere_is_refused,
          a_file_damaged_anywhere_harms_nobody, a_card_outside_the_file_is_refused,
          what_has_no_card_is_no_plugin, another_abi_is_refused_with_both_versions,
          a_card_that_is_wrong_is_told_where, who_else_may_write_a_file_may_not_have_it_run,
          a_link_is_followed_to_where_it_is_looked_at_too)
