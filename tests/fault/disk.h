/* SPDX-License-Identifier: Apache-2.0
 *
 * The log in which disk.so writes what a program did to its files, and from which powercut puts
 * them back as a power cut might have left them. An entry is this struct, then its bytes; paths
 * come as bytes, two of a rename with a NUL behind each.
 */
#ifndef TESTS_FAULT_DISK_H
#define TESTS_FAULT_DISK_H

#include <stdint.h>

enum disk_op {
    DISK_FOUND,       /* a file that was there before: bytes = path, NUL, what it held      */
    DISK_MADE,        /* a file that was made: bytes = path                                 */
    DISK_WRITE,       /* bytes = what was written at `at`                                   */
    DISK_TRUNCATE,    /* to the length `at`                                                 */
    DISK_EXTEND,      /* to at least the length `at`                                        */
    DISK_SYNC,        /* all of the file's writes so far are kept                           */
    DISK_REMOVE,      /* bytes = path                                                       */
    DISK_RENAME,      /* bytes = old path, NUL, new path, NUL                               */
    DISK_SYNC_FOLDER, /* all names so far are kept                                          */
};

struct disk_entry {
    uint32_t op;
    uint32_t unused;
    uint64_t file; /* its inode */
    uint64_t at;
    uint64_t len; /* of the bytes that follow */
};

#endif
