/* SPDX-License-Identifier: Apache-2.0
 *
 * After a power cut: puts files back as the disk may hold them. Reads the log that disk.so wrote up
 * to the cut; what was synced is kept, and of what was not
 *
 *   powercut LOG --keep none                 nothing is
 *   powercut LOG --keep some --seed S        sectors of 512 bytes are or are not, each by chance;
 *                                            of the names, the first so many changes are
 *   powercut LOG --keep all                  all is, as after a kill
 *
 * Files are changed in place, for a journal knows its own inode; a file whose name was lost is
 * removed. What is shared by memory alone, the -shm beside a journal, is gone in any case.
 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 256, SECTOR = 512 };
enum keep { KEEP_NONE, KEEP_SOME, KEEP_ALL };

struct bytes {
    char *ptr;
    size_t len, room;
};

struct file {
    uint64_t id;
    struct bytes kept;      /* what the disk holds for sure             */
    struct bytes written;   /* what the program has seen of it          */
    size_t *pending, count; /* entries since its last sync              */
};

/* A name in the folder; file NULL = none. */
struct name {
    char path[4096];
    struct file *file;
};
struct names {
    struct name list[FILES];
    size_t count;
};

static struct file files[FILES];
static size_t file_count;
static struct names kept_names, now_names;
static size_t pending_names[1 << 16], pending_name_count;
static char *log_bytes;
static size_t *entries, entry_count;

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "powercut: %s: %s\n", what, why);
    exit(125);
}

static void *must(void *memory)
{
    if (!memory)
        give_up("memory", "there is none");
    return memory;
}

static struct disk_entry entry_at(size_t i)
{
    struct disk_entry entry;
    memcpy(&entry, log_bytes + entries[i], sizeof(entry));
    return entry;
}

static const char *bytes_at(size_t i)
{
    return log_bytes + entries[i] + sizeof(struct disk_entry);
}

static void read_log(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat is;
    if (fd < 0 || fstat(fd, &is) != 0)
        give_up(path, strerror(errno));
    size_t size = (size_t)is.st_size;
    log_bytes = must(malloc(size + 1));
    for (size_t got = 0; got < size;) {
        ssize_t n = read(fd, log_bytes + got, size - got);
        if (n <= 0)
            give_up(path, "cannot be read");
        got += (size_t)n;
    }
    close(fd);
    entries = must(malloc((size / sizeof(struct disk_entry) + 1) * sizeof(*entries)));
    for (size_t at = 0; at + sizeof(struct disk_entry) <= size; entry_count++) {
        struct disk_entry entry;
        memcpy(&entry, log_bytes + at, sizeof(entry));
        if (entry.len > size - at - sizeof(entry))
            break; /* the log's own end was cut */
        entries[entry_count] = at;
        at += sizeof(entry) + entry.len;
    }
}

/* ---- bytes ---- */

static void resize(struct bytes *b, size_t len)
{
    if (len > b->room) {
        b->ptr = must(realloc(b->ptr, len));
        b->room = len;
    }
    if (len > b->len)
        memset(b->ptr + b->len, 0, len - b->len);
    b->len = len;
}

static void put(struct bytes *b, size_t at, const char *from, size_t len)
{
    if (at + len > b->len)
        resize(b, at + len);
    if (len > 0)
        memcpy(b->ptr + at, from, len);
}

static bool chance(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 63;
}

/* A write, of which each sector that it touches may or may not have come to the disk. */
static void put_some(struct bytes *b, size_t at, const char *from, size_t len, uint64_t *state)
{
    for (size_t done = 0; done < len;) {
        size_t part = SECTOR - (at + done) % SECTOR;
        part = part < len - done ? part : len - done;
        if (chance(state))
            put(b, at + done, from + done, part);
        done += part;
    }
}

static void apply(struct bytes *b, size_t i, bool some, uint64_t *state)
{
    const struct disk_entry entry = entry_at(i);
    if (entry.op == DISK_WRITE && some)
        put_some(b, entry.at, bytes_at(i), entry.len, state);
    else if (entry.op == DISK_WRITE)
        put(b, entry.at, bytes_at(i), entry.len);
    else if (some && !chance(state))
        return;
    else if (entry.op == DISK_TRUNCATE || entry.at > b->len)
        resize(b, entry.at);
}

/* ---- names ---- */

static struct name *name_of(struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->list[i].path, path) == 0)
            return &names->list[i];
    if (names->count == FILES)
        give_up(path, "too many files");
    struct name *name = &names->list[names->count++];
    snprintf(name->path, sizeof(name->path), "%s", path);
    return name;
}

static void path_of(size_t i, char ret_path[4096])
{
    snprintf(ret_path, 4096, "%.*s", (int)entry_at(i).len, bytes_at(i));
}

static struct file *file_of(uint64_t id);

static void apply_name(struct names *names, size_t i)
{
    const struct disk_entry entry = entry_at(i);
    char path[4096];
    path_of(i, path); /* up to the NUL between two */
    if (entry.op == DISK_MADE) {
        name_of(names, path)->file = file_of(entry.file);
    } else if (entry.op == DISK_REMOVE) {
        name_of(names, path)->file = NULL;
    } else {
        struct name *from = name_of(names, path);
        if (bytes_at(i)[entry.len - 1] != '\0')
            give_up(path, "its new name has no end");
        name_of(names, bytes_at(i) + strlen(path) + 1)->file = from->file;
        from->file = NULL;
    }
}

/* ---- the log, from its beginning ---- */

static struct file *file_of(uint64_t id)
{
    for (size_t i = 0; i < file_count; i++)
        if (files[i].id == id)
            return &files[i];
    if (file_count == FILES)
        give_up("files", "too many");
    files[file_count] = (struct file){.id = id};
    files[file_count].pending = must(malloc(entry_count * sizeof(size_t)));
    return &files[file_count++];
}

/* An inode that is used again is another file; what the disk holds of the old one may come back
 * under its old name. */
static void retire(uint64_t id)
{
    for (size_t i = 0; i < file_count; i++)
        if (files[i].id == id)
            files[i].id = 0;
}

static void keep_all_of(struct file *file)
{
    resize(&file->kept, 0);
    put(&file->kept, 0, file->written.ptr, file->written.len);
    file->count = 0;
}

static void follow(size_t i)
{
    const struct disk_entry entry = entry_at(i);
    if (entry.op == DISK_MADE)
        retire(entry.file);
    struct file *file = entry.file ? file_of(entry.file) : NULL;
    char path[4096];
    uint64_t none = 0;
    switch ((enum disk_op)entry.op) {
    case DISK_FOUND: {
        size_t name = strlen(bytes_at(i)) + 1;
        put(&file->written, 0, bytes_at(i) + name, entry.len - name);
        keep_all_of(file);
        path_of(i, path);
        name_of(&kept_names, path)->file = name_of(&now_names, path)->file = file;
        break;
    }
    case DISK_MADE:
        apply_name(&now_names, i);
        pending_names[pending_name_count++] = i;
        break;
    case DISK_REMOVE:
    case DISK_RENAME:
        apply_name(&now_names, i);
        pending_names[pending_name_count++] = i;
        break;
    case DISK_WRITE:
    case DISK_TRUNCATE:
    case DISK_EXTEND:
        apply(&file->written, i, false, &none);
        file->pending[file->count++] = i;
        break;
    case DISK_SYNC:
        keep_all_of(file);
        break;
    case DISK_SYNC_FOLDER:
        kept_names = now_names;
        pending_name_count = 0;
        break;
    }
    if (pending_name_count == sizeof(pending_names) / sizeof(pending_names[0]))
        give_up("names", "too many changes without a sync");
}

static void cut(enum keep keep, uint64_t seed)
{
    uint64_t state = seed * 2 + 1;
    for (size_t i = 0; i < file_count; i++)
        for (size_t p = 0; p < files[i].count && keep != KEEP_NONE; p++)
            apply(&files[i].kept, files[i].pending[p], keep == KEEP_SOME, &state);
    if (keep == KEEP_ALL)
        kept_names = now_names;
    for (size_t p = 0; keep == KEEP_SOME && p < pending_name_count && chance(&state); p++)
        apply_name(&kept_names, pending_names[p]);
}

/* ---- onto the disk ---- */

static void write_file(const char *path, const struct bytes *b)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, 0) != 0)
        give_up(path, strerror(errno));
    for (size_t done = 0; done < b->len;) {
        ssize_t n = pwrite(fd, b->ptr + done, b->len - done, (off_t)done);
        if (n <= 0)
            give_up(path, strerror(errno));
        done += (size_t)n;
    }
    close(fd);
}

static bool ends(const char *path, const char *with)
{
    size_t len = strlen(path), tail = strlen(with);
    return len >= tail && strcmp(path + len - tail, with) == 0;
}

/* The file that has this inode now, wherever its name was moved to; renames it back if need be. */
static void bring_back(const struct name *wanted)
{
    struct stat is;
    if (stat(wanted->path, &is) == 0 && (uint64_t)is.st_ino == wanted->file->id)
        return;
    for (size_t i = 0; i < now_names.count; i++)
        if (stat(now_names.list[i].path, &is) == 0 && (uint64_t)is.st_ino == wanted->file->id)
            (void)!rename(now_names.list[i].path, wanted->path);
}

static void restore(void)
{
    for (size_t i = 0; i < kept_names.count; i++)
        if (kept_names.list[i].file)
            bring_back(&kept_names.list[i]);
    for (size_t i = 0; i < now_names.count; i++)
        if (!name_of(&kept_names, now_names.list[i].path)->file)
            unlink(now_names.list[i].path);
    for (size_t i = 0; i < kept_names.count; i++) {
        const struct name *name = &kept_names.list[i];
        if (ends(name->path, "-shm"))
            unlink(name->path);
        else if (name->file)
            write_file(name->path, &name->file->kept);
    }
}

int main(int argc, char **argv)
{
    enum keep keep = KEEP_NONE;
    uint64_t seed = 1;
    if (argc < 2)
        give_up("usage", "powercut LOG [--keep none|some|all] [--seed N]");
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--keep") == 0)
            keep = strcmp(argv[i + 1], "some") == 0  ? KEEP_SOME
                   : strcmp(argv[i + 1], "all") == 0 ? KEEP_ALL
                                                     : KEEP_NONE;
        else
            give_up(argv[i], "unknown option");
    }
    read_log(argv[1]);
    for (size_t i = 0; i < entry_count; i++)
        follow(i);
    cut(keep, seed);
    restore();
    return 0;
}
