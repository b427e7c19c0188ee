/* SPDX-License-Identifier: Apache-2.0
 *
 * seam-ffi: signatures for the plugin ffi, from what a compiler says of functions. It reads debug
 * information: the library's own, or, since libraries are mostly stripped, that of a few lines
 * which include the header and are compiled for it, so that the compiler resolves each name and
 * type. What crosses ("abi") and the pins are exact; what a pointer is for, no compiler knows: that
 * is guessed, said on standard error, and for a person to look at. Nothing of the library is run.
 */
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <seam/writer.h>
#include <sodium.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FUNCTIONS = 256, HEADERS = 32, PARAMETERS = 16, ROOM = 65536, PEEL = 64 };

struct asked {
    const char *library, *functions[FUNCTIONS], *headers[HEADERS];
    int function_count, header_count;
};

struct seen { /* a type, without its names and qualifiers */
    char abi[8];
    const char *word; /* of a scalar in the configuration */
    bool is_pointer, is_const;
    Dwarf_Die target; /* of a pointer */
    bool has_target;
};

struct parameter {
    struct seen type, to;                              /* to: what a pointer points to */
    bool to_const, to_function, to_opaque, to_pointer; /* opaque: a struct, or the like */
    bool to_void;
    char name[65];
};

struct prototype {
    char abi[1024];
    struct seen returns;
    bool returns_text, returns_handle;
    struct parameter parameters[PARAMETERS];
    int count;
};

static bool fail(const char *format, const char *a, const char *b)
{
    fprintf(stderr, "seam new ffi: ");
    fprintf(stderr, format, a, b);
    fputc('\n', stderr);
    return false;
}

/* ---- types ---- */

/* What the type is under its names; false: it is void. */
static bool peel(Dwarf_Die *die, bool *ret_const)
{
    Dwarf_Attribute attribute;
    *ret_const = false;
    for (int i = 0; i < PEEL; i++) {
        int tag = dwarf_tag(die);
        if (tag != DW_TAG_typedef && tag != DW_TAG_const_type && tag != DW_TAG_volatile_type &&
            tag != DW_TAG_restrict_type && tag != DW_TAG_atomic_type)
            return true;
        *ret_const |= tag == DW_TAG_const_type;
        if (!dwarf_attr_integrate(die, DW_AT_type, &attribute) ||
            !dwarf_formref_die(&attribute, die))
            return false;
    }
    return false;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
    Dwarf_Attribute attribute;
    return dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
           dwarf_formref_die(&attribute, ret) != NULL;
}

static const char *scalar_word(char code, int size)
{
    static const struct {
        char code;
        int size;
        const char *word;
    } words[] = {{'i', 1, "int8"},  {'u', 1, "uint8"}, {'i', 2, "short"}, {'u', 2, "ushort"},
                 {'i', 4, "int"},   {'u', 4, "uint"},  {'i', 8, "long"},  {'u', 8, "ulong"},
                 {'f', 4, "float"}, {'f', 8, "double"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (words[i].code == code && words[i].size == size)
            return words[i].word;
    return NULL;
}

static char code_of(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    Dwarf_Word encoding = 0;
    Dwarf_Die under;
    bool ignored;
    if (dwarf_tag(die) == DW_TAG_enumeration_type) {
        if (!type_of(die, &under) || !peel(&under, &ignored))
            return 'u';
        return code_of(&under);
    }
    if (dwarf_tag(die) != DW_TAG_base_type || !dwarf_attr(die, DW_AT_encoding, &attribute) ||
        dwarf_formudata(&attribute, &encoding) != 0)
        return 0;
    return encoding == DW_ATE_signed || encoding == DW_ATE_signed_char       ? 'i'
           : encoding == DW_ATE_unsigned || encoding == DW_ATE_unsigned_char ? 'u'
           : encoding == DW_ATE_float                                        ? 'f'
           : encoding == DW_ATE_boolean                                      ? 'b'
                                                                             : 0;
}

/* False: it is none that can be passed. */
static bool see(Dwarf_Die die, struct seen *ret)
{
    *ret = (struct seen){.word = NULL};
    if (!peel(&die, &ret->is_const)) {
        snprintf(ret->abi, sizeof(ret->abi), "void");
        return true;
    }
    if (dwarf_tag(&die) == DW_TAG_pointer_type || dwarf_tag(&die) == DW_TAG_array_type) {
        snprintf(ret->abi, sizeof(ret->abi), "ptr");
        ret->is_pointer = true;
        ret->has_target = type_of(&die, &ret->target);
        return true;
    }
    char code = code_of(&die);
    int size = dwarf_bytesize(&die);
    ret->word = code == 'b' ? "bool" : scalar_word(code, size);
    if (code == 'b')
        snprintf(ret->abi, sizeof(ret->abi), "bool");
    else
        snprintf(ret->abi, sizeof(ret->abi), "%c%d", code ? code : '?',
                 size > 0 && size <= 16 ? size * 8 : 0);
    return ret->word != NULL;
}

/* ---- a function ---- */

static void look_behind(struct parameter *p)
{
    if (!p->type.is_pointer)
        return;
    Dwarf_Die die = p->type.target;
    p->to_void = !p->type.has_target || !peel(&die, &p->to_const);
    if (p->to_void) {
        struct seen named;
        p->to_const = p->type.has_target && see(p->type.target, &named) && named.is_const;
        return;
    }
    int tag = dwarf_tag(&die);
    p->to_function = tag == DW_TAG_subroutine_type;
    p->to_pointer = tag == DW_TAG_pointer_type;
    p->to_opaque = !p->to_function && !p->to_pointer && !see(die, &p->to);
}

static bool add_parameter(struct prototype *ret, Dwarf_Die *die, const char *function)
{
    if (dwarf_tag(die) == DW_TAG_unspecified_parameters)
        return fail("%s takes a variable number of arguments%s; such functions are refused",
                    function, "");
    if (dwarf_tag(die) != DW_TAG_formal_parameter)
        return true;
    if (ret->count == PARAMETERS)
        return fail("%s takes more arguments than the plugin passes%s", function, "");
    struct parameter *p = &ret->parameters[ret->count++];
    Dwarf_Die type;
    const char *name = dwarf_diename(die);
    if (name && *name != '_')
        snprintf(p->name, sizeof(p->name), "%s", name);
    else
        snprintf(p->name, sizeof(p->name), "arg%d", ret->count);
    if (!type_of(die, &type) || !see(type, &p->type))
        return fail(
            "%s takes %s, which cannot be passed (structs by value, long double and complex "
            "numbers are refused)",
            function, p->name);
    look_behind(p);
    return true;
}

static bool read_prototype(Dwarf_Die *die, const char *function, struct prototype *ret)
{
    Dwarf_Die type, child;
    memset(ret, 0, sizeof(*ret));
    snprintf(ret->returns.abi, sizeof(ret->returns.abi), "void");
    if (type_of(die, &type) && !see(type, &ret->returns))
        return fail("%s returns what cannot be passed%s", function, "");
    for (bool more = dwarf_child(die, &child) == 0; more;
         more = dwarf_siblingof(&child, &child) == 0)
        if (!add_parameter(ret, &child, function))
            return false;
    struct parameter result = {.type = ret->returns};
    look_behind(&result);
    ret->returns_text =
        result.type.is_pointer && result.to.word && strcmp(result.to.word, "int8") == 0;
    ret->returns_handle = result.type.is_pointer && !ret->returns_text;
    size_t len = (size_t)snprintf(ret->abi, sizeof(ret->abi), "%s %s(%s", ret->returns.abi,
                                  function, ret->count ? "" : "void");
    for (int i = 0; i < ret->count && len < sizeof(ret->abi); i++)
        len += (size_t)snprintf(ret->abi + len, sizeof(ret->abi) - len, "%s%s", i ? ", " : "",
                                ret->parameters[i].type.abi);
    if (len + 1 >= sizeof(ret->abi))
        return fail("%s: its name is too long%s", function, "");
    snprintf(ret->abi + len, sizeof(ret->abi) - len, ")");
    return true;
}

/* ---- finding it ---- */

struct search {
    const char *function;
    char probe[300];
    struct prototype *ret;
    int found; /* 1: yes, -1: it is no function that can be called */
};

static int look_at(struct search *s, Dwarf_Die *die)
{
    const char *name = dwarf_diename(die);
    Dwarf_Die type;
    bool ignored;
    if (!name)
        return 0;
    if (dwarf_tag(die) == DW_TAG_subprogram && strcmp(name, s->function) == 0 &&
        dwarf_hasattr_integrate(die, DW_AT_prototyped))
        return read_prototype(die, s->function, s->ret) ? 1 : -1;
    if (dwarf_tag(die) != DW_TAG_variable || strcmp(name, s->probe) != 0)
        return 0;
    bool good = type_of(die, &type) && peel(&type, &ignored) && type_of(&type, &type) &&
                peel(&type, &ignored) && dwarf_tag(&type) == DW_TAG_subroutine_type;
    return good && read_prototype(&type, s->function, s->ret) ? 1 : -1;
}

static int search_units(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr start,
                        void *arg)
{
    struct search *s = arg;
    Dwarf_Addr bias;
    (void)user, (void)name, (void)start;
    for (Dwarf_Die *unit = NULL;
         s->found == 0 && (unit = dwfl_module_nextcu(module, unit, &bias));) {
        Dwarf_Die child;
        for (bool more = dwarf_child(unit, &child) == 0; more && s->found == 0;
             more = dwarf_siblingof(&child, &child) == 0)
            s->found = look_at(s, &child);
    }
    return DWARF_CB_OK;
}

/* 1: found, 0: the file does not say, -1: it cannot be called. */
static int find(const char *path, const char *function, struct prototype *ret)
{
    static char *no_path;
    static const Dwfl_Callbacks callbacks = {.find_debuginfo = dwfl_standard_find_debuginfo,
                                             .section_address = dwfl_offline_section_address,
                                             .find_elf = dwfl_build_id_find_elf,
                                             .debuginfo_path = &no_path};
    struct search search = {.function = function, .ret = ret};
    snprintf(search.probe, sizeof(search.probe), "seam_probe_%s", function);
    Dwfl *dwfl = dwfl_begin(&callbacks);
    if (dwfl && dwfl_report_offline(dwfl, path, path, -1)) {
        dwfl_report_end(dwfl, NULL, NULL);
        dwfl_getmodules(dwfl, search_units, &search, 0);
    }
    if (dwfl)
        dwfl_end(dwfl);
    return search.found;
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

/* A guess at what a pointer is for. Returns how many arguments it took. */
static int put_pointer(seam_writer *out, const struct prototype *f, int i, const char *function)
{
    const struct parameter *p = &f->parameters[i], *next = i + 1 < f->count ? p + 1 : NULL;
    bool counted = next && is_bytes(p) && (is_integer(&next->type) || is_told(next));
    const char *guess = p->to_function                                ? "null"
                        : p->to_pointer                               ? "handle"
                        : counted                                     ? "buffer"
                        : p->to_const && strcmp(p->to.abi, "i8") == 0 ? "string"
                        : strcmp(p->to.abi, "i8") == 0                ? "buffer"
                        : p->to_opaque                                ? "handle"
                                                                      : p->to.word;
    bool out_of =
        p->to_pointer || (!p->to_const && !p->to_function && strcmp(guess, "handle") != 0);
    fprintf(stderr, "%s: look at %s: a pointer, taken for %s%s\n", function, p->name,
            out_of ? "an output, " : "", guess);
    seam_put_object(out, NULL);
    seam_put_text(out, "name", p->name);
    seam_put_text(out, "type", guess);
    if (out_of)
        seam_put_text(out, "direction", "out");
    if (out_of && strcmp(guess, "buffer") == 0)
        seam_put_integer(out, "size", ROOM);
    if (!counted && strcmp(guess, "buffer") == 0)
        seam_put_text(out, "encoding", "utf8");
    seam_put_end(out);
    if (!counted)
        return 1;
    seam_put_object(out, NULL);
    seam_put_text(out, "name", next->name);
    seam_put_text(out, "type", next->type.is_pointer ? next->to.word : next->type.word);
    if (next->type.is_pointer)
        seam_put_text(out, "direction", "inout");
    seam_put_text(out, "length_of", p->name);
    seam_put_end(out);
    return 2;
}

static void put_returns(seam_writer *out, const struct prototype *f)
{
    seam_put_object(out, "returns");
    seam_put_text(out, "type",
                  f->returns_text     ? "string"
                  : f->returns_handle ? "handle"
                  : f->returns.word   ? f->returns.word
                                      : "void");
    if (f->returns_handle)
        seam_put_text(out, "name", "handle");
    if (f->returns_text)
        seam_put_boolean(out, "nullable", true);
    seam_put_end(out);
}

static void put_agent(seam_writer *out, const struct prototype *f, const char *function,
                      const char *sha256)
{
    char pin[65], both[1100];
    unsigned char digest[crypto_hash_sha256_BYTES];
    int len = snprintf(both, sizeof(both), "%s\n%s", f->abi, sha256);
    crypto_hash_sha256(digest, (const unsigned char *)both, (unsigned long long)len);
    sodium_bin2hex(pin, sizeof(pin), digest, sizeof(digest));
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
        seam_put_text(out, "type", f->parameters[i].type.word);
        seam_put_end(out);
        i++;
    }
    seam_put_end(out);
    put_returns(out, f);
    seam_put_text(out, "abi", f->abi);
    seam_put_text(out, "pin", pin);
    seam_put_end(out);
    seam_put_end(out);
    seam_put_end(out);
}

static bool make(const struct asked *asked, const char *object, seam_writer *out)
{
    char path[PATH_MAX], sha256[65];
    if (!find_library(asked->library, path) || !hash_file(path, sha256))
        return false;
    seam_put_object(out, NULL);
    seam_put_object(out, "libraries");
    seam_put_object(out, "lib");
    seam_put_text(out, "path", strchr(asked->library, '/') ? path : asked->library);
    seam_put_text(out, "sha256", sha256);
    seam_put_end(out);
    seam_put_end(out);
    seam_put_array(out, "agents");
    for (int i = 0; i < asked->function_count; i++) {
        static struct prototype prototype;
        int found = find(object ? object : path, asked->functions[i], &prototype);
        if (found == 0)
            return fail(
                "%s has no debug information of `%s` (cure: --header FILE.h, or install the "
                "debug information of the library)",
                path, asked->functions[i]);
        if (found < 0)
            return false;
        put_agent(out, &prototype, asked->functions[i], sha256);
    }
    seam_put_end(out);
    seam_put_end(out);
    return true;
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
