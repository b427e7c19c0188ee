/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a shared object for the kit. The loader reads plugins, too, but for another question:
 * whether to run them; here it is what they are made of, and the libraries that they need are read
 * as well. A file that libelf cannot follow has no such facts, and the card's reader refuses it.
 */
#include "conformance/image_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <seam/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SYMBOLS_MAX = 1000000 };

static Elf_Scn *find_section(const struct image *image, GElf_Word type, GElf_Shdr *ret_head)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(image->elf, section)) != NULL)
        if (gelf_getshdr(section, ret_head) && ret_head->sh_type == type)
            return section;
    return NULL;
}

static bool has_card(const struct image *image)
{
    GElf_Shdr head;
    Elf_Scn *section = NULL;
    size_t names;
    if (elf_getshdrstrndx(image->elf, &names) != 0)
        return false;
    while ((section = elf_nextscn(image->elf, section)) != NULL) {
        const char *name =
            gelf_getshdr(section, &head) ? elf_strptr(image->elf, names, head.sh_name) : NULL;
        if (name && strcmp(name, SEAM_CARD_SECTION) == 0)
            return true;
    }
    return false;
}

/* Where no segment speaks of the stack, the kernel takes an executable one. */
static bool wants_executable_stack(const struct image *image)
{
    size_t count = 0;
    GElf_Phdr segment;
    elf_getphdrnum(image->elf, &count);
    for (size_t i = 0; i < count; i++)
        if (gelf_getphdr(image->elf, (int)i, &segment) && segment.p_type == PT_GNU_STACK)
            return (segment.p_flags & PF_X) != 0;
    return true;
}

static void add_name(const char **names, size_t *count, const char *name)
{
    if (name && *count < IMAGE_NAMES_MAX)
        names[(*count)++] = name;
}

static void read_dynamic(struct image *image)
{
    GElf_Shdr head;
    Elf_Scn *section = find_section(image, SHT_DYNAMIC, &head);
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    GElf_Dyn entry;
    for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
        if (entry.d_tag == DT_TEXTREL ||
            (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL)))
            image->text_relocations = true;
        else if (entry.d_tag == DT_NEEDED)
            add_name(image->needed, &image->needed_count,
                     elf_strptr(image->elf, head.sh_link, entry.d_un.d_val));
        else if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH)
            add_name(image->search, &image->search_count,
                     elf_strptr(image->elf, head.sh_link, entry.d_un.d_val));
    }
}

enum error_code image_open(const char *path, struct image *ret_image, struct error *reterr)
{
    elf_version(EV_CURRENT);
    struct image image = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (image.fd < 0)
        return error_set_errno(reterr, errno, "cannot open %s", path);
    GElf_Ehdr head;
    image.elf = elf_begin(image.fd, ELF_C_READ, NULL);
    if (!image.elf || elf_kind(image.elf) != ELF_K_ELF || gelf_getclass(image.elf) != ELFCLASS64 ||
        !gelf_getehdr(image.elf, &head) || head.e_type != ET_DYN) {
        elf_end(image.elf);
        close(image.fd);
        return error_set(reterr, ERR_INPUT,
                         "%s is not a shared object of 64 bits (cure: name the .so file that the "
                         "plugin's build made)",
                         path);
    }
    image.path = xstrdup(path);
    image.has_card = has_card(&image);
    image.executable_stack = wants_executable_stack(&image);
    read_dynamic(&image);
    *ret_image = image;
    return ERR_OK;
}

void image_done(struct image *image)
{
    elf_end(image->elf);
    if (image->fd >= 0)
        close(image->fd);
    free(image->path);
    *image = (struct image){.fd = -1};
}

void image_symbols(const struct image *image, symbol_fn symbol, void *user)
{
    GElf_Shdr head;
    Elf_Scn *section = find_section(image, SHT_DYNSYM, &head);
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    GElf_Sym s;
    for (int i = 1; data && i < SYMBOLS_MAX && gelf_getsym(data, i, &s); i++) {
        const char *name = elf_strptr(image->elf, head.sh_link, s.st_name);
        int binding = GELF_ST_BIND(s.st_info), visibility = GELF_ST_VISIBILITY(s.st_other);
        bool hidden = visibility == STV_HIDDEN || visibility == STV_INTERNAL;
        if (!name || !*name || binding == STB_LOCAL || hidden || s.st_shndx == SHN_ABS)
            continue;
        symbol(user, name, s.st_shndx != SHN_UNDEF, binding == STB_WEAK);
    }
}
