/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a plugin's file. Every offset is a stranger's: the head is checked before libelf sees the
 * bytes, and the card is cut from the bytes here, by offset and size within the file. A refusal
 * says what was found, what a plugin is, and how to get one.
 */
#include "base/limits.h"
#include "loader/elf_internal.h"

#include <gelf.h>
#include <libelf.h>
#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { MACHINE = EM_RISCV };
#elif defined(__powerpc64__)
enum { MACHINE = EM_PPC64 };
#elif defined(__s390x__)
enum { MACHINE = EM_S390 };
#else
#error "tell which ELF machine this is"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { BYTE_ORDER_HERE = ELFDATA2LSB };
#else
enum { BYTE_ORDER_HERE = ELFDATA2MSB };
#endif

enum { SYMBOLS_READ = 1000000, NAMES_SHOWN = 8, NAME_SHOWN = 64 };

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_386:
        return "x86 (32 bit)";
    case EM_X86_64:
        return "x86-64";
    case EM_ARM:
        return "ARM (32 bit)";
    case EM_AARCH64:
        return "ARM64";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "POWER";
    case EM_S390:
        return "s390";
    default:
        return "another machine";
    }
}

/* ---- the head ---- */

/* A stranger's bytes, made fit for a complaint. */
static char shown(char c)
{
    return c >= 0x20 && c < 0x7F ? c : '.';
}

/* The first bytes, so that a text file is known for one. */
static void show_start(struct slice bytes, char ret_text[static 32])
{
    size_t len = bytes.len < 16 ? bytes.len : 16;
    for (size_t i = 0; i < len; i++)
        ret_text[i] = shown(bytes.ptr[i]);
    ret_text[len] = '\0';
}

static enum error_code check_kind(struct slice bytes, const char *path, struct error *reterr)
{
    const unsigned char *ident = (const unsigned char *)bytes.ptr;
    if (bytes.len < EI_NIDENT || memcmp(ident, ELFMAG, SELFMAG) != 0) {
        char start[32];
        show_start(bytes, start);
        return error_set(
            reterr, ERR_INPUT,
            "%s is not a shared object: it begins with \"%s\" (cure: name the .so file "
            "that the plugin's build made)",
            path, start);
    }
    if (ident[EI_CLASS] != ELFCLASS64)
        return error_set(reterr, ERR_INPUT,
                         "%s is a 32-bit file; a plugin is 64-bit (cure: build it for %s)", path,
                         machine_name(MACHINE));
    if (ident[EI_DATA] != BYTE_ORDER_HERE)
        return error_set(reterr, ERR_INPUT,
                         "%s has the other order of bytes (cure: build it for %s)", path,
                         machine_name(MACHINE));
    return ERR_OK;
}

static enum error_code check_head(struct slice bytes, const char *path, struct error *reterr)
{
    enum error_code code = check_kind(bytes, path, reterr);
    if (code != ERR_OK)
        return code;
    Elf64_Ehdr head;
    if (bytes.len < sizeof(head))
        return error_set(reterr, ERR_CORRUPT,
                         "%s is cut off: it has %zu bytes, its head alone has "
                         "%zu (cure: copy it again)",
                         path, bytes.len, sizeof(head));
    memcpy(&head, bytes.ptr, sizeof(head));
    if (head.e_machine != MACHINE)
        return error_set(
            reterr, ERR_INPUT,
            "%s is built for %s (ELF machine %u); this host runs on %s (cure: build it "
            "for %s)",
            path, machine_name(head.e_machine), head.e_machine, machine_name(MACHINE),
            machine_name(MACHINE));
    if (head.e_type != ET_DYN)
        return error_set(reterr, ERR_INPUT,
                         "%s is %s, not a shared object (cure: link it with -shared)", path,
                         head.e_type == ET_REL    ? "an object file"
                         : head.e_type == ET_EXEC ? "a program"
                                                  : "of another type");
    if (head.e_shoff == 0)
        return error_set(reterr, ERR_INPUT,
                         "%s has no sections, so no card (cure: strip it with `strip`, which keeps "
                         "them, not with sstrip)",
                         path);
    if (head.e_shentsize != sizeof(Elf64_Shdr) || head.e_shoff > bytes.len ||
        (uint64_t)head.e_shnum * sizeof(Elf64_Shdr) > bytes.len - head.e_shoff)
        return error_set(reterr, ERR_CORRUPT,
                         "%s is cut off: its table of sections ends at byte %llu, the file has %zu "
                         "(cure: copy it again)",
                         path,
                         (unsigned long long)head.e_shoff +
                             (unsigned long long)head.e_shnum * sizeof(Elf64_Shdr),
                         bytes.len);
    return ERR_OK;
}

/* ---- sections and symbols ---- */

struct findings {
    struct slice card;
    unsigned cards;
    bool card_outside, entry;
    unsigned other_major; /* of an exported seam_plugin_vN, N not ours */
    struct text exports;  /* the first names that it exports */
    unsigned export_count;
};

static void find_symbol(struct findings *f, const char *name)
{
    static const char prefix[] = "seam_plugin_v";
    if (strcmp(name, SEAM_ENTRY_SYMBOL) == 0)
        f->entry = true;
    else if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
        f->other_major = (unsigned)strtoul(name + sizeof(prefix) - 1, NULL, 10);
    if (f->export_count++ >= NAMES_SHOWN)
        return;
    text_adds(&f->exports, f->export_count > 1 ? ", " : "");
    for (size_t i = 0; i < NAME_SHOWN && name[i]; i++)
        text_addc(&f->exports, shown(name[i]));
}

static void read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *head, struct findings *f)
{
    Elf_Data *data = elf_getdata(section, NULL);
    if (!data || head->sh_entsize != sizeof(Elf64_Sym))
        return;
    size_t count = data->d_size / sizeof(Elf64_Sym);
    for (size_t i = 1; i < count && i < SYMBOLS_READ; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, (int)i, &symbol))
            return;
        unsigned bind = GELF_ST_BIND(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF || bind == STB_LOCAL)
            continue;
        const char *name = elf_strptr(elf, head->sh_link, symbol.st_name);
        if (name && name[0] != '\0')
            find_symbol(f, name);
    }
}

static void read_card_section(struct slice bytes, const GElf_Shdr *head, struct findings *f)
{
    f->cards++;
    if (head->sh_type == SHT_NOBITS || head->sh_offset > bytes.len ||
        head->sh_size > bytes.len - head->sh_offset) {
        f->card_outside = true;
        return;
    }
    struct slice card = {bytes.ptr + head->sh_offset, head->sh_size};
    /* Some compilers round a variable's size up with zeros. */
    while (card.len > 0 && card.ptr[card.len - 1] == '\0')
        card.len--;
    f->card = card;
}

static bool read_sections(struct slice bytes, struct findings *f)
{
    elf_version(EV_CURRENT);
    /* libelf takes a char *, and does not write to what it was given so. */
    Elf *elf = elf_memory((char *)(uintptr_t)bytes.ptr, bytes.len);
    size_t names;
    bool read = elf && elf_kind(elf) == ELF_K_ELF && elf_getshdrstrndx(elf, &names) == 0;
    for (Elf_Scn *section = NULL; read && (section = elf_nextscn(elf, section));) {
        GElf_Shdr head;
        const char *name =
            gelf_getshdr(section, &head) ? elf_strptr(elf, names, head.sh_name) : NULL;
        if (!name)
            read = false;
        else if (strcmp(name, SEAM_CARD_SECTION) == 0)
            read_card_section(bytes, &head, f);
        else if (head.sh_type == SHT_DYNSYM)
            read_symbols(elf, section, &head, f);
    }
    elf_end(elf);
    return read;
}

static enum error_code judge(const struct findings *f, const char *path, struct error *reterr)
{
    const char *exports = f->export_count > 0 ? text_str(&f->exports) : "nothing";
    const char *more = f->export_count > NAMES_SHOWN ? ", …" : "";
    if (f->cards == 0)
        return error_set(reterr, ERR_INPUT,
                         "%s has no card (section " SEAM_CARD_SECTION "), so it is no plugin; it "
                         "exports %s%s (cure: build it with seam_add_plugin(… CARD card.json))",
                         path, exports, more);
    if (f->cards > 1)
        return error_set(reterr, ERR_INPUT,
                         "%s has %u sections " SEAM_CARD_SECTION
                         "; a plugin has one card (cure: link one)",
                         path, f->cards);
    if (f->card_outside)
        return error_set(reterr, ERR_CORRUPT,
                         "%s is cut off or damaged: its card lies outside the file (cure: copy it "
                         "again)",
                         path);
    if (f->card.len > LIMIT_FILE)
        return error_set(reterr, ERR_LIMIT, "%s has a card of %zu bytes; the limit is %u", path,
                         f->card.len, LIMIT_FILE);
    if (f->entry)
        return ERR_OK;
    if (f->other_major > 0)
        return error_set(reterr, f->other_major > SEAM_ABI_MAJOR ? ERR_NEWER : ERR_UNSUPPORTED,
                         "%s is built for ABI %u; this host serves ABI %u.0 to %u.%u (cure: %s)",
                         path, f->other_major, SEAM_ABI_MAJOR, SEAM_ABI_MAJOR, SEAM_ABI_MINOR,
                         f->other_major > SEAM_ABI_MAJOR
                             ? "update seam, or build the plugin against this host's plugin.h"
                             : "build the plugin against this host's plugin.h");
    return error_set(reterr, ERR_INPUT,
                     "%s does not export " SEAM_ENTRY_SYMBOL "; it exports %s%s (cure: define it "
                     "with SEAM_EXPORT)",
                     path, exports, more);
}

enum error_code elf_find_card(struct slice bytes, const char *path, struct slice *ret_card,
                              struct error *reterr)
{
    enum error_code code = check_head(bytes, path, reterr);
    if (code != ERR_OK)
        return code;
    struct findings f = {.cards = 0};
    text_init(&f.exports, 1024);
    if (read_sections(bytes, &f))
        code = judge(&f, path, reterr);
    else
        code = error_set(reterr, ERR_CORRUPT,
                         "%s has a damaged table of sections: %s (cure: copy or build it again)",
                         path, elf_errmsg(-1));
    text_done(&f.exports);
    if (code == ERR_OK)
        *ret_card = f.card;
    return code;
}
