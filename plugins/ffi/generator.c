/* SPDX-License-Identifier: Apache-2.0
 *
 * The program seam-ffi: what was asked for, the library, and the configuration that comes of it.
 * The guesses at what pointers are for are made here, and told.
 */
#include "generator.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <sodium.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOM = 65536 };

struct asked {
    const char *library, *functions[FUNCTIONS], *headers[HEADERS];
    int function_count, header_count;
};

bool fail(const char *format, const char *a, const char *b)
{
    fprintf(stderr, "seam new ffi: ");
    fprintf(stderr, format, a, b);
    fputc('\n', stderr);
    return false;
}

/* Compiles what includes the headers and names the functions. */
static bool compile(const struct asked *asked, const char *folder, const char *object)
{
    char source[PATH_MAX];
    snprintf(source, sizeof(source), "%s/probe.c", folder);
    FILE *file = fopen(source, "we");
    if (!file)
        return fail("%s: %s", source, strerror(errno));
    for (int i = 0; i < asked->header_count; i++)
        fprintf(file, asked->headers[i][0] == '/' ? "#include \"%s\"\n" : "#include <%s>\n",
                asked->headers[i]);
    for (int i = 0; i < asked->function_count; i++)
        fprintf(file, "__typeof__(&%s) seam_probe_%s;\n", asked->functions[i], asked->functions[i]);
    fclose(file);
    char *arguments[] = {"cc",   "-g", "-c", "-D_GNU_SOURCE", "-o", (char *)(uintptr_t)object,
                         source, NULL};
    pid_t child;
    int status = -1;
    if (posix_spawnp(&child, "cc", NULL, NULL, arguments, environ) != 0)
        status = fail("%s: %s", "cc", strerror(errno));
    else
        waitpid(child, &status, 0);
    unlink(source);
    return status == 0 ||
           fail("the compiler does not take %s with these functions%s", asked->headers[0], "");
}

/* ---- the library ---- */

static bool find_library(const char *name, char ret[static PATH_MAX])
{
    static const char *const folders[] = {
        "/usr/local/lib", "/lib/*-linux-gnu*", "/usr/lib/*-linux-gnu*", "/lib64", "/usr/lib64",
        "/lib",           "/usr/lib"};
    if (strchr(name, '/'))
        return realpath(name, ret) || fail("%s: %s", name, strerror(errno));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char pattern[PATH_MAX];
        glob_t found;
        snprintf(pattern, sizeof(pattern), "%s/%s", folders[i], name);
        bool good = glob(pattern, 0, NULL, &found) == 0 && realpath(found.gl_pathv[0], ret);
        globfree(&found);
        if (good)
            return true;
    }
    return fail("%s is in none of the system's folders%s (cure: give its path)", name, "");
}

static bool hash_file(const char *path, char ret[static 65])
{
    unsigned char bytes[ROOM], digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail("%s: %s", path, strerror(errno));
    while ((got = read(fd, bytes, sizeof(bytes))) > 0)
        crypto_hash_sha256_update(&state, bytes, (unsigned long long)got);
    close(fd);
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(ret, 65, digest, sizeof(digest));
    return got == 0;
}

/* ---- writing it ---- */

static bool is_integer(const struct seen *s)
{
    return s->word && (s->abi[0] == 'i' || s->abi[0] == 'u');
}

static bool is_bytes(const struct parameter *p)
{
    return p->type.is_pointer && !p->to_function && !p->to_pointer &&
           (p->to_void || strcmp(p->to.abi, "u8") == 0 || strcmp(p->to.abi, "i8") == 0);
}

/* A length that the function changes. */
static bool is_told(const struct parameter *p)
{
    return p->type.is_pointer && is_integer(&p->to) && !p->to_const && p->to.abi[1] != '8';
}

/* What is asked of each other field of a type: its word, or its name among the library's types. */
static void put_type(seam_writer *out, const struct seen *type)
{
    if (!type->layout) {
        seam_put_text(out, "type", type->word);
        return;
    }
    seam_put_text(out, "type", type->layout->is_enum ? "enum" : "struct");
    seam_put_text(out, "of", type->layout->name);
    layout_use(type->layout);
}

/* A struct that holds pointers is mostly an object of the library, which nobody else fills. */
static bool is_record(const struct seen *type)
{
    return type->layout && !type->layout->is_enum && !type->layout->has_pointers;
}

static const char *guess_of(const struct parameter *p, bool counted)
{
    bool chars = p->to.word && !p->to.layout && strcmp(p->to.abi, "i8") == 0;
    return p->to_function                                      ? "null"
           : p->to_pointer                                     ? "handle"
           : counted                                           ? "buffer"
           : p->to_const && chars                              ? "string"
           : chars                                             ? "buffer"
           : p->to_opaque || p->to_void                        ? "handle"
           : p->to.layout && !p->to.word && !is_record(&p->to) ? "handle"
           : p->to.layout                                      ? p->to.layout->name
                                                               : p->to.word;
}

static void put_length(seam_writer *out, const struct parameter *length, const char *of)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "name", length->name);
    seam_put_text(out, "type", length->type.is_pointer ? length->to.word : length->type.word);
    if (length->type.is_pointer)
        seam_put_text(out, "direction", "inout");
    seam_put_text(out, "length_of", of);
    seam_put_end(out);
}

/* A guess at what a pointer is for. Returns how many arguments it took. */
static int put_pointer(seam_writer *out, const struct prototype *f, int i, const char *function)
{
    const struct parameter *p = &f->parameters[i], *next = i + 1 < f->count ? p + 1 : NULL;
    bool counted = next && is_bytes(p) && (is_integer(&next->type) || is_told(next));
    const char *guess = guess_of(p, counted);
    bool plain = guess == p->to.word || (p->to.layout && guess == p->to.layout->name);
    bool out_of =
        p->to_pointer || (!p->to_const && !p->to_function && strcmp(guess, "handle") != 0);
    fprintf(stderr, "%s: look at %s: a pointer, taken for %s%s%s%s\n", function, p->name,
            out_of ? "an output, " : "", guess, p->to.why[0] ? ": " : "", p->to.why);
    seam_put_object(out, NULL);
    seam_put_text(out, "name", p->name);
    if (plain)
        put_type(out, &p->to);
    else
        seam_put_text(out, "type", guess);
    if (out_of)
        seam_put_text(out, "direction", "out");
    else if (plain)
        seam_put_text(out, "by", "pointer");
    if (out_of && strcmp(guess, "buffer") == 0)
        seam_put_integer(out, "size", ROOM);
    if (!counted && strcmp(guess, "buffer") == 0)
        seam_put_text(out, "encoding", "utf8");
    seam_put_end(out);
    if (counted)
        put_length(out, next, p->name);
    return counted ? 2 : 1;
}

/* Whether what is returned is where an argument pointed to, as with gmtime_r. */
static bool is_given_back(const struct prototype *f)
{
    for (int i = 0; i < f->count; i++)
        if (f->parameters[i].type.is_pointer && !f->parameters[i].to_const &&
            f->parameters[i].to.layout == f->returns.to.layout)
            return true;
    return false;
}

static void put_returns(seam_writer *out, const struct prototype *f)
{
    const struct parameter *p = &f->returns;
    bool record = p->type.is_pointer && is_record(&p->to), again = record && is_given_back(f);
    seam_put_object(out, "returns");
    if (f->returns_text) {
        seam_put_text(out, "type", "string");
        seam_put_boolean(out, "nullable", true);
    } else if (record && !again) {
        put_type(out, &p->to);
        seam_put_text(out, "by", "pointer");
        seam_put_boolean(out, "nullable", true);
    } else if (p->type.is_pointer) {
        seam_put_text(out, "type", "handle");
        seam_put_text(out, "name", again ? "returned" : "handle");
    } else if (p->type.word || p->type.layout) {
        put_type(out, &p->type);
    } else {
        seam_put_text(out, "type", "void");
    }
    seam_put_end(out);
}

void put_pin(seam_writer *out, const char *abi, const char *sha256)
{
    char pin[65];
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const unsigned char *)abi, strlen(abi));
    crypto_hash_sha256_update(&state, (const unsigned char *)"\n", 1);
    crypto_hash_sha256_update(&state, (const unsigned char *)sha256, strlen(sha256));
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(pin, sizeof(pin), digest, sizeof(digest));
    seam_put_text(out, "abi", abi);
    seam_put_text(out, "pin", pin);
}

/* What crosses. */
static char *abi_of(const struct prototype *f, const char *function)
{
    char *abi = NULL;
    size_t len;
    FILE *text = open_memstream(&abi, &len);
    fprintf(text, "%s %s(%s", seen_abi(&f->returns.type), function, f->count ? "" : "void");
    for (int i = 0; i < f->count; i++)
        fprintf(text, "%s%s", i ? ", " : "", seen_abi(&f->parameters[i].type));
    fputc(')', text);
    fclose(text);
    return abi;
}

static void put_agent(seam_writer *out, const struct prototype *f, const char *function,
                      const char *sha256)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "name", function);
    seam_put_text(out, "library", "lib");
    seam_put_array(out, "calls");
    seam_put_object(out, NULL);
    seam_put_text(out, "function", function);
    seam_put_array(out, "args");
    for (int i = 0; i < f->count;) {
        if (f->parameters[i].type.is_pointer) {
            i += put_pointer(out, f, i, function);
            continue;
        }
        seam_put_object(out, NULL);
        seam_put_text(out, "name", f->parameters[i].name);
        put_type(out, &f->parameters[i].type);
        seam_put_end(out);
        i++;
    }
    seam_put_end(out);
    put_returns(out, f);
    char *abi = abi_of(f, function);
    put_pin(out, abi, sha256);
    free(abi);
    seam_put_end(out);
    seam_put_end(out);
    seam_put_end(out);
}

static bool put_agents(const struct asked *asked, const char *path, const char *sha256,
                       seam_writer *out)
{
    for (int i = 0; i < asked->function_count; i++) {
        static struct prototype prototype;
        int found = find(path, asked->functions[i], &prototype);
        if (found == 0)
            return fail(
                "%s has no debug information of `%s` (cure: --header FILE.h, or install the "
                "debug information of the library)",
                path, asked->functions[i]);
        if (found < 0)
            return false;
        put_agent(out, &prototype, asked->functions[i], sha256);
    }
    return true;
}

static bool make(const struct asked *asked, const char *object, seam_writer *out)
{
    char path[PATH_MAX], sha256[65];
    seam_writer agents = SEAM_WRITER;
    if (!find_library(asked->library, path) || !hash_file(path, sha256))
        return false;
    seam_put_array(&agents, NULL);
    bool good = put_agents(asked, object ? object : path, sha256, &agents);
    seam_put_end(&agents);
    seam_put_object(out, NULL);
    seam_put_object(out, "libraries");
    seam_put_object(out, "lib");
    seam_put_text(out, "path", strchr(asked->library, '/') ? path : asked->library);
    seam_put_text(out, "sha256", sha256);
    layouts_put(out, "types", sha256);
    seam_put_end(out);
    seam_put_end(out);
    seam_put_json(out, "agents", seam_written(&agents));
    seam_put_end(out);
    seam_writer_done(&agents);
    return good;
}

static bool is_symbol(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return len > 0 && len <= 256 && text[len] == '\0' && (text[0] < '0' || text[0] > '9');
}

static bool read_arguments(struct asked *asked, int count, char **words)
{
    for (int i = 1; i + 1 < count; i += 2) {
        const char *value = words[i + 1];
        if (strcmp(words[i], "--lib") == 0)
            asked->library = value;
        else if (strcmp(words[i], "--function") == 0 && asked->function_count < FUNCTIONS &&
                 is_symbol(value))
            asked->functions[asked->function_count++] = value;
        else if (strcmp(words[i], "--header") == 0 && asked->header_count < HEADERS &&
                 !strpbrk(value, "<>\"\\\n"))
            asked->headers[asked->header_count++] = value;
        else
            return false;
    }
    return count % 2 == 1 && asked->library && asked->function_count > 0;
}

int main(int count, char **words)
{
    struct asked asked = {.library = NULL};
    if (!read_arguments(&asked, count, words)) {
        fputs("usage: seam new ffi --lib libNAME.so.N --function NAME… [--header NAME.h…]\n",
              stderr);
        return 2;
    }
    char folder[] = "/tmp/seam-ffi.XXXXXX", object[64];
    bool by_header = asked.header_count > 0, good = true;
    if (by_header && !mkdtemp(folder)) {
        fail("%s: %s", folder, strerror(errno));
        return 1;
    }
    snprintf(object, sizeof(object), "%s/probe.o", folder);
    seam_writer out = SEAM_WRITER;
    good = !by_header || compile(&asked, folder, object);
    good = good && make(&asked, by_header ? object : NULL, &out);
    seam_bytes written = seam_written(&out);
    if (good)
        good = printf("%.*s\n", (int)written.len, written.ptr) > 0 && fflush(stdout) == 0;
    seam_writer_done(&out);
    if (by_header) {
        unlink(object);
        rmdir(folder);
    }
    return good ? 0 : 1;
}
