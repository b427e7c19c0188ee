/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a library that is being built is there as a whole. Linkers write a file in pieces, some
 * of them at its place: who watches it sees a beginning first. It is whole when nobody has it open
 * for writing any more, and every section that its table names lies within it. That the kernel is
 * asked for a lease is the way to learn of writers: it is refused while there is one.
 */
#include "loader/card.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only a refusal for being busy counts: other owners, and file systems without leases, tell
 * nothing. The signal that breaks a lease is one that nobody minds. */
static bool is_written(int fd)
{
    (void)fcntl(fd, F_SETSIG, SIGURG);
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        return errno == EAGAIN;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

static bool within(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

static bool has_sections(int fd, const Elf64_Ehdr *head, uint64_t size)
{
    uint64_t table = (uint64_t)head->e_shnum * sizeof(Elf64_Shdr);
    if (!within(head->e_shoff, table, size))
        return false;
    AUTO(freep) Elf64_Shdr *sections = xcalloc((size_t)head->e_shnum + 1, sizeof(*sections));
    if (pread(fd, sections, table, (off_t)head->e_shoff) != (ssize_t)table)
        return false;
    for (size_t i = 0; i < head->e_shnum; i++)
        if (sections[i].sh_type != SHT_NOBITS &&
            !within(sections[i].sh_offset, sections[i].sh_size, size))
            return false;
    return true;
}

/* What does not begin as a library begins will not become one by waiting. */
static bool is_other(const Elf64_Ehdr *head, ssize_t got)
{
    size_t known = got > SELFMAG ? SELFMAG : (size_t)got;
    bool begun = memcmp(head->e_ident, ELFMAG, known) == 0;
    bool empty = known == 0 || head->e_ident[0] == '\0'; /* some linkers write the head last */
    bool strange = got > EI_CLASS && head->e_ident[EI_CLASS] != ELFCLASS64;
    return !empty && (!begun || strange);
}

bool library_is_whole(const char *path)
{
    struct stat about;
    Elf64_Ehdr head = {0};
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool quiet = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && !is_written(fd);
    ssize_t got = quiet ? pread(fd, &head, sizeof(head), 0) : -1;
    bool whole =
        got >= 0 && (is_other(&head, got) || (got == (ssize_t)sizeof(head) && head.e_shoff > 0 &&
                                              has_sections(fd, &head, (uint64_t)about.st_size)));
    close(fd);
    return whole;
}
