/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of its own for each test, and flows compiled out of it.
 */
#ifndef TESTS_FLOW_FOLDER_H
#define TESTS_FLOW_FOLDER_H

#include "catalog_test.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64];
    struct catalog catalog;
    struct flow_options options;
    struct findings findings;
    struct error error;
    struct flow *flow;
};

static inline void folder_init(struct folder *f)
{
    *f = (struct folder){.path = "/tmp/seam-flow-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(f->path));
    catalog_fill(&f->catalog);
    f->options = (struct flow_options){.catalog = &f->catalog};
    findings_init(&f->findings);
}

static inline void folder_write(const struct folder *f, const char *name, struct slice text)
{
    AUTO(freep) char *path = xasprintf("%s/%s", f->path, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text.ptr, 1, text.len, file), text.len);
    ck_assert_int_eq(fclose(file), 0);
}

/* Compiles a file again, forgetting what was found before. */
static inline enum error_code folder_compile(struct folder *f, const char *name)
{
    AUTO(freep) char *path = xasprintf("%s/%s", f->path, name);
    findings_done(&f->findings);
    flow_unref(f->flow);
    f->flow = NULL;
    return flow_compile(path, &f->options, &f->flow, &f->findings, &f->error);
}

/* Compiles a text that must be right. */
static inline void folder_accept(struct folder *f, const char *text)
{
    AUTO(text_done) struct text said;
    text_init(&said, 1 << 20);
    folder_write(f, "f.yaml", slice_of(text));
    enum error_code e = folder_compile(f, "f.yaml");
    findings_text(&f->findings, &said);
    ck_assert_msg(e == ERR_OK, "%s%s", text_str(&said), f->error.text);
}

/* Compiles a text that must be wrong, by this rule first. */
static inline void folder_refuse(struct folder *f, const char *text, const char *rule)
{
    AUTO(text_done) struct text said;
    text_init(&said, 1 << 20);
    folder_write(f, "f.yaml", slice_of(text));
    enum error_code e = folder_compile(f, "f.yaml");
    findings_text(&f->findings, &said);
    ck_assert_msg(e == ERR_INPUT && f->findings.errors > 0, "%s%s", text_str(&said), f->error.text);
    ck_assert_msg(strcmp(f->findings.list[0].rule, rule) == 0, "%s", text_str(&said));
    ck_assert_ptr_null(f->flow);
}

static inline int folder_remove(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

static inline void folder_done(struct folder *f)
{
    flow_unref(f->flow);
    findings_done(&f->findings);
    catalog_done(&f->catalog);
    nftw(f->path, folder_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#define BUDGET "budget: {attempts: 20, calls: 60, time: 10m}\n"

#endif
