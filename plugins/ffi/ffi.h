/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of C libraries as agents. The configuration says what the functions look like; from it
 * come the schemas of the agents (schema.c), and the calls (call.c). What it says is held against a
 * digest of what the header or the debug information said, and of the library (pin.c).
 *
 * An agent is a sequence of calls. What they take is found by name in its input, what they give is
 * found by name in its output, and handles pass between them by name and are destroyed at the end.
 */
#ifndef FFI_H
#define FFI_H

#include <ffi.h>
#include <seam/sdk.h>

enum {
    FFI_ARGS = 16,
    FFI_CALLS = 32,
    FFI_HANDLES = 16,
    FFI_ROWS = 100000,
    FFI_FIELDS = 256,     /* of a struct */
    FFI_ELEMENTS = 16384, /* of an array in a struct */
    FFI_DEPTH = 8,        /* of structs in structs */
    FFI_BYTES = 8 << 20,
    NOTHING = -1
};

/* The first thing that is wrong, with its place in the configuration or the input. */
struct trouble {
    char text[700];
};
bool trouble_say(struct trouble *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- types.c ---- */

struct scalar {
    const char *name;
    char code; /* i, u, f: signed, unsigned, floating; b: bool */
    uint8_t size;
    ffi_type *type;
};
union cell {
    int8_t i8;
    uint8_t u8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f;
    double d;
    void *p;
    ffi_arg arg;
};
const struct scalar *scalar_find(seam_bytes name); /* of a JSON string; NULL: it is none */
/* Reads JSON into the scalar's own bytes; false, and why, if it does not hold it. */
bool scalar_read(const struct scalar *s, seam_bytes json, void *ret, char why[static 160]);
void scalar_write(const struct scalar *s, const void *from, seam_writer *out, const char *key);
void scalar_schema(const struct scalar *s, seam_writer *out, const char *key);
int64_t scalar_integer(const struct scalar *s, const void *from);
bool scalar_store(const struct scalar *s, uint64_t value, void *ret); /* false: it does not fit */
int scalar_compare(const struct scalar *s, const void *a, const void *b);

/* ---- shapes.c: the types that a library names ---- */

enum kind {
    KIND_VOID,
    KIND_SCALAR,
    KIND_STRING,
    KIND_BUFFER,
    KIND_ARRAY,
    KIND_HANDLE,
    KIND_CALLBACK,
    KIND_NULL,
    KIND_STRINGS,
    KIND_POINTER,
    KIND_ENUM,
    KIND_STRUCT
};

struct shape;
struct field {
    char *name;
    enum kind kind; /* scalar, string, pointer, enum, struct */
    const struct scalar *scalar;
    const struct shape *shape;  /* of an enum or a struct */
    size_t count;               /* of an array; 0: it is none */
    bool utf8, base64;          /* what an array of bytes is in JSON; else numbers */
    size_t size, offset;        /* size: of one element */
    seam_bytes value;           /* the constant; absent: there is none */
    ffi_type array, **elements; /* of an array, which libffi knows as a struct of its elements */
};
struct word {
    char *name;
    int64_t value;
};
struct shape {
    char *name;
    enum kind kind; /* enum, struct */
    seam_bytes json;
    const struct scalar *scalar; /* of an enum */
    struct word *words;
    size_t word_count;
    struct field *fields;
    size_t field_count;
    size_t *offsets;
    ffi_type type, **elements;
    bool is_read, is_being_read;
};
struct library {
    char *name;
    void *loaded;
    char sha256[65];
    struct shape *shapes;
    size_t shape_count;
};
/* Reads the library's `types`; their layout is libffi's, and must be the one that was pinned. */
bool shapes_read(struct library *library, seam_bytes types, const char *place, struct trouble *t);
void shapes_done(struct library *library);
const struct shape *shape_find(const struct library *library, seam_bytes name, enum kind kind);
/* What it is in an `abi`: each field with its offset. The caller frees. */
char *shape_abi(const struct shape *shape);

/* ---- records.c: JSON for them ---- */

/* What the strings of a struct point to while its call is made. */
struct kept {
    char **texts;
    size_t count;
};
void kept_done(struct kept *kept);
bool record_read(const struct shape *shape, seam_bytes json, char *ret, struct kept *kept,
                 const char *place, struct trouble *t);
void record_write(const struct shape *shape, const char *from, seam_writer *out, const char *key);
void record_schema(const struct shape *shape, seam_writer *out, const char *key, bool input);
bool word_read(const struct shape *shape, seam_bytes json, void *ret, const char *place,
               struct trouble *t);
void word_write(const struct shape *shape, const void *from, seam_writer *out, const char *key);
void word_schema(const struct shape *shape, seam_writer *out, const char *key, bool input);

/* ---- signature.c ---- */

struct callback_arg {
    char *name; /* NULL: it is not kept */
    enum kind kind;
    const struct scalar *scalar;
    int count; /* which argument counts these strings */
};
struct callback {
    struct callback_arg args[FFI_ARGS];
    int arg_count;
    const struct scalar *compare; /* NULL: it collects what it is given */
    bool descending;
    int32_t returns, stop;
    ffi_cif cif;
    ffi_type *types[FFI_ARGS];
};
struct arg {
    char *name;
    enum kind kind;
    const struct scalar *scalar; /* of a scalar, an enum, or the elements of an array */
    const struct shape *shape;   /* of an enum or a struct */
    bool in, out, nullable, utf8;
    bool by_pointer;  /* a scalar, an enum, a struct: what is passed points to it */
    seam_bytes value; /* the constant; absent: there is none */
    int length_of;    /* the argument whose length it is */
    int length;       /* the argument that is its length */
    size_t size;      /* room of what is written to */
    int handle;       /* which of the agent's */
    void *destroy;
    struct callback *callback;
};
enum failure { FAILS_NEVER, FAILS_NEGATIVE, FAILS_ZERO, FAILS_NONZERO, FAILS_NULL };
struct returns {
    char *name; /* NULL: it is no output */
    enum kind kind;
    const struct scalar *scalar; /* of a scalar or an enum */
    const struct shape *shape;
    bool by_pointer; /* a struct that the library keeps */
    bool nullable;
    int length_of, handle;
    void *free, *destroy;
    enum failure fails;
    bool with_errno, harmless; /* harmless: a failure changed nothing */
    void *message;
    int message_of; /* a handle; NOTHING: what was returned */
};
struct call {
    char *name;
    void *function;
    struct arg args[FFI_ARGS];
    int arg_count;
    struct returns returns;
    ffi_cif cif;
    ffi_type *types[FFI_ARGS];
};
struct agent {
    char *name, *summary;
    uint32_t effect;
    struct call *calls;
    int call_count;
    char *handles[FFI_HANDLES];
    int handle_count;
};
struct signatures {
    struct library *libraries;
    size_t library_count;
    struct agent *agents;
    size_t agent_count;
};
/* Reads a configuration, loads its libraries and holds them against their digests. */
bool signatures_read(struct signatures *s, seam_bytes config, struct trouble *t);
void signatures_done(struct signatures *s);
char *json_word(seam_bytes json, const char *pointer); /* the caller frees; NULL: it is not there */

/* ---- pin.c ---- */

/* Whether `abi` and `pin` in the JSON are what was said of the library. */
bool pinned(seam_bytes json, const char *said, const char *what, const struct library *library,
            const char *place, struct trouble *t);
bool library_load(struct library *library, const char *path, const char *sha256, const char *place,
                  struct trouble *t);
/* Whether the call is what was pinned: its `abi` and `pin` in the configuration. */
bool pin_check(const struct call *call, const struct library *library, seam_bytes json,
               const char *place, struct trouble *t);

/* ---- schema.c ---- */

/* {"agents": […]} as seam.describe/1 wants it. False: two things of one name differ. */
bool schema_write(const struct signatures *s, seam_writer *out, struct trouble *t);

/* Of what put_string() writes. */
void put_string_schema(seam_writer *out, const char *key);

/* ---- values.c: what an argument is while its call is made ---- */

struct live {
    union cell cell;  /* what is passed */
    union cell inner; /* what it points to, for a scalar that is passed by pointer */
    char *bytes;      /* owned */
    size_t len, room; /* of bytes, in use and in all */
    struct kept kept;
};
enum { CANARY = 16 };
bool live_take(struct live *live, const struct arg *arg, seam_bytes input, struct trouble *t);
/* Whether nothing was written behind its room. */
bool live_intact(const struct live *live);
bool live_give(const struct live *live, const struct arg *arg, seam_writer *out, struct trouble *t);
/* A string of C's as JSON: text, or {"base64": …} if it is not UTF-8. */
void put_string(seam_writer *out, const char *key, const char *text);

/* ---- callback.c ---- */

struct collector {
    const struct callback *callback;
    ffi_closure *closure;
    void *code;
    seam_writer rows;
    size_t count, bytes;
    bool overflowed;
};
bool collector_open(struct collector *c, const struct callback *callback, struct trouble *t);
void collector_done(struct collector *c);

/* ---- call.c ---- */

/* Makes the agent's calls, and completes the host's call with how they went. */
seam_status agent_run(const struct agent *agent, const seam_host *host, const seam_call *call);

#endif
