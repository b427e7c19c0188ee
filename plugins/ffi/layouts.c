/* SPDX-License-Identifier: Apache-2.0
 *
 * Structs and enums, as a compiler laid them out. The plugin lets libffi lay a struct out from its
 * fields alone, so one that is packed, aligned by hand, or has bit-fields or unions within, is none
 * that it can pass: that is found here, field by field, and said.
 *
 * Two types of one name that differ, as a struct and a typedef may, get a number.
 */
#include "generator.h"

#include <dwarf.h>
#include <inttypes.h>

static struct layout *known;

struct member {
    char name[65];
    const char *type; /* in the configuration */
    struct layout *layout;
    char abi[32];
    int size, alignment; /* of one element */
    uint64_t count;      /* 0: it is no array */
    bool is_text;        /* an array of char */
};

static struct layout *no(char why[static 200], const char *name, const char *what)
{
    snprintf(why, 200, "%.64s %s", name, what);
    return NULL;
}

/* The type's own name, or that of its typedef. */
static void name_of(Dwarf_Die type, const char *otherwise, char ret[static 65])
{
    Dwarf_Die under = type;
    bool ignored;
    const char *name = NULL;
    for (int i = 0; i < 64 && !name; i++) {
        if (dwarf_tag(&type) == DW_TAG_typedef)
            name = dwarf_diename(&type);
        if (!type_of(&type, &type))
            break;
    }
    if (peel(&under, &ignored) && dwarf_diename(&under))
        name = dwarf_diename(&under);
    snprintf(ret, 65, "%.64s", name ? name : otherwise);
}

/* The one that is known already, or this one from now on. */
static struct layout *learn(struct layout *made)
{
    char plain[65];
    memcpy(plain, made->name, sizeof(plain));
    for (int again = 2;; again++) {
        struct layout *other = known;
        while (other && strcmp(other->name, made->name) != 0)
            other = other->next;
        if (other && strcmp(other->abi, made->abi) == 0) {
            free(made->abi);
            free(made->fields);
            free(made->body);
            free(made->nested);
            free(made);
            return other;
        }
        if (!other)
            break;
        snprintf(made->name, sizeof(made->name), "%.50s_%d", plain, again);
    }
    made->next = known;
    return known = made;
}

static char *text_of(seam_writer *out)
{
    seam_bytes written = seam_written(out);
    char *text = strndup(written.ptr, written.len);
    seam_writer_done(out);
    return text;
}

/* ---- enums ---- */

struct word {
    const char *name;
    int64_t value;
};

static int by_value(const void *a, const void *b)
{
    const struct word *left = a, *right = b;
    int order = (left->value > right->value) - (left->value < right->value);
    return order ? order : strcmp(left->name, right->name);
}

/* Compilers write what is negative as signed, and the rest as it comes. */
static int64_t value_of(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    Dwarf_Sword value = 0;
    Dwarf_Word size = 0;
    if (!dwarf_attr(die, DW_AT_const_value, &attribute))
        return 0;
    unsigned form = dwarf_whatform(&attribute);
    if (form == DW_FORM_sdata || form == DW_FORM_implicit_const)
        dwarf_formsdata(&attribute, &value);
    else if (dwarf_formudata(&attribute, &size) == 0)
        value = (int64_t)size;
    return value;
}

static struct layout *enum_of(Dwarf_Die *die, struct layout *made, char why[static 200])
{
    static struct word words[WORDS];
    int count = 0, size = dwarf_bytesize(die);
    char code = code_of(die);
    Dwarf_Die child;
    for (bool more = dwarf_child(die, &child) == 0; more;
         more = dwarf_siblingof(&child, &child) == 0)
        if (dwarf_tag(&child) == DW_TAG_enumerator && dwarf_diename(&child) && count < WORDS)
            words[count++] = (struct word){dwarf_diename(&child), value_of(&child)};
    const char *type = scalar_word(code, size);
    if (count == 0 || count == WORDS || !type)
        return no(why, made->name, "is an enum without values, or with too many");
    qsort(words, (size_t)count, sizeof(words[0]), by_value);
    size_t len;
    FILE *text = open_memstream(&made->abi, &len);
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_object(&out, "enum");
    fprintf(text, "enum %c%d {", code, size * 8);
    for (int i = 0; i < count; i++) {
        fprintf(text, "%s%s=%" PRId64, i ? ", " : "", words[i].name, words[i].value);
        seam_put_integer(&out, words[i].name, words[i].value);
    }
    fputc('}', text);
    fclose(text);
    seam_put_end(&out);
    seam_put_text(&out, "type", type);
    seam_put_end(&out);
    made->body = text_of(&out);
    made->is_enum = true;
    return made;
}

/* ---- structs ---- */

static struct layout *layout_in(Dwarf_Die type, const char *otherwise, int depth,
                                char why[static 200]);

/* Every dimension, as one. 0: not all are known. */
static uint64_t elements_of(Dwarf_Die *array)
{
    Dwarf_Die child;
    uint64_t all = 1;
    for (bool more = dwarf_child(array, &child) == 0; more;
         more = dwarf_siblingof(&child, &child) == 0) {
        Dwarf_Attribute attribute;
        Dwarf_Word value = 0;
        if (dwarf_tag(&child) != DW_TAG_subrange_type)
            continue;
        if (dwarf_attr(&child, DW_AT_count, &attribute) && dwarf_formudata(&attribute, &value) == 0)
            all *= value;
        else if (dwarf_attr(&child, DW_AT_upper_bound, &attribute) &&
                 dwarf_formudata(&attribute, &value) == 0)
            all *= value + 1;
        else
            return 0;
        if (all == 0 || all > ELEMENTS)
            return 0;
    }
    return all;
}

static bool is_char(Dwarf_Die *die)
{
    const char *name = dwarf_diename(die);
    return name && strcmp(name, "char") == 0;
}

static void see_pointer(Dwarf_Die *pointer, struct member *m, struct layout *made)
{
    Dwarf_Die target;
    bool ignored;
    bool text = type_of(pointer, &target) && peel(&target, &ignored) && is_char(&target);
    m->type = text && m->count == 0 ? "string" : "pointer";
    m->size = m->alignment = (int)sizeof(void *);
    snprintf(m->abi, sizeof(m->abi), "ptr");
    made->has_pointers |= m->type[0] == 'p';
}

static bool see_member(Dwarf_Die type, struct member *m, struct layout *made, int depth,
                       char why[static 200])
{
    Dwarf_Die under = type;
    bool ignored;
    char hint[140];
    if (!peel(&under, &ignored))
        return no(why, m->name, "has no type") != NULL;
    if (dwarf_tag(&under) == DW_TAG_array_type && m->count == 0) {
        m->count = elements_of(&under);
        if (m->count == 0)
            return no(why, m->name, "is an array of no known length, or too long") != NULL;
        return type_of(&under, &type) && see_member(type, m, made, depth, why);
    }
    m->size = m->alignment = dwarf_bytesize(&under);
    char code = code_of(&under);
    switch (dwarf_tag(&under)) {
    case DW_TAG_pointer_type:
        see_pointer(&under, m, made);
        return true;
    case DW_TAG_structure_type:
    case DW_TAG_enumeration_type:
        snprintf(hint, sizeof(hint), "%s_%s", made->name, m->name);
        m->layout = layout_in(type, hint, depth + 1, why);
        if (!m->layout)
            return false;
        m->type = m->layout->is_enum ? "enum" : "struct";
        if (m->layout->is_enum)
            break;
        m->alignment = m->layout->alignment;
        made->has_pointers |= m->layout->has_pointers;
        return true;
    default:
        m->type = code == 'b' ? "bool" : scalar_word(code, m->size);
    }
    m->is_text = m->count > 0 && is_char(&under);
    if (code == 'b')
        snprintf(m->abi, sizeof(m->abi), "bool");
    else
        snprintf(m->abi, sizeof(m->abi), "%c%d", code, m->size * 8);
    return m->type || no(why, m->name,
                         "is of a type that the plugin does not know, such as a union or a long "
                         "double");
}

static void put_member(seam_writer *out, const struct member *m)
{
    seam_put_object(out, NULL);
    seam_put_text(out, "name", m->name);
    seam_put_text(out, "type", m->type);
    if (m->layout)
        seam_put_text(out, "of", m->layout->name);
    if (m->count > 0)
        seam_put_integer(out, "count", (int64_t)m->count);
    if (m->is_text)
        seam_put_text(out, "encoding", "utf8");
    else if (m->count > 0 && strcmp(m->type, "uint8") == 0)
        seam_put_text(out, "encoding", "base64");
    seam_put_end(out);
}

static void tell_member(FILE *text, const struct member *m, int offset)
{
    bool is_struct = m->layout && !m->layout->is_enum;
    fprintf(text, "%s %s", m->name, is_struct ? m->layout->fields : m->abi);
    if (m->count > 0)
        fprintf(text, "[%" PRIu64 "]", m->count);
    fprintf(text, "@%d", offset);
}

struct laying {
    struct layout *made;
    seam_writer out;
    FILE *text;
    int end, depth, count;
};

static bool lay(struct laying *l, Dwarf_Die *die, char why[static 200])
{
    struct member m = {.name = ""};
    Dwarf_Die type;
    Dwarf_Attribute attribute;
    Dwarf_Word offset = 0;
    const char *name = dwarf_diename(die);
    if (!name || l->count++ == FIELDS)
        return no(why, l->made->name, "has a part without a name, or too many fields") != NULL;
    snprintf(m.name, sizeof(m.name), "%.64s", name);
    if (dwarf_attr(die, DW_AT_bit_size, &attribute))
        return no(why, m.name, "is a bit-field") != NULL;
    if (!type_of(die, &type) || !see_member(type, &m, l->made, l->depth, why))
        return false;
    if (!dwarf_attr(die, DW_AT_data_member_location, &attribute) ||
        dwarf_formudata(&attribute, &offset) != 0)
        return no(why, m.name, "has no known place") != NULL;
    int natural = m.alignment > 0 ? (l->end + m.alignment - 1) / m.alignment * m.alignment : -1;
    if ((Dwarf_Word)natural != offset)
        return no(why, m.name, "is not where its type puts it: the struct is packed or aligned") !=
               NULL;
    l->end = natural + m.size * (int)(m.count ? m.count : 1);
    if (m.alignment > l->made->alignment)
        l->made->alignment = m.alignment;
    if (m.layout)
        l->made->nested[l->made->nested_count++] = m.layout;
    fputs(l->count > 1 ? ", " : "{", l->text);
    tell_member(l->text, &m, natural);
    put_member(&l->out, &m);
    return true;
}

static struct layout *struct_of(Dwarf_Die *die, struct layout *made, int depth,
                                char why[static 200])
{
    Dwarf_Die child;
    size_t len;
    struct laying l = {.made = made, .out = SEAM_WRITER, .depth = depth};
    made->size = dwarf_bytesize(die);
    made->nested = calloc(FIELDS + 1, sizeof(*made->nested));
    l.text = open_memstream(&made->fields, &len);
    seam_put_object(&l.out, NULL);
    seam_put_array(&l.out, "struct");
    bool good = true;
    for (bool more = dwarf_child(die, &child) == 0; more && good;
         more = dwarf_siblingof(&child, &child) == 0)
        if (dwarf_tag(&child) == DW_TAG_member)
            good = lay(&l, &child, why);
    seam_put_end(&l.out);
    seam_put_end(&l.out);
    made->body = text_of(&l.out);
    fputc('}', l.text);
    fclose(l.text);
    if (!good)
        return NULL;
    int natural = l.count ? (l.end + made->alignment - 1) / made->alignment * made->alignment : -1;
    if (natural != made->size)
        return no(why, made->name,
                  l.count ? "is aligned by hand" : "is not told: its fields are the library's own");
    len = strlen(made->fields) + 64;
    made->abi = malloc(len);
    snprintf(made->abi, len, "struct %d/%d %s", made->size, made->alignment, made->fields);
    return made;
}

/* ---- the whole ---- */

static struct layout *layout_in(Dwarf_Die type, const char *otherwise, int depth,
                                char why[static 200])
{
    Dwarf_Die under = type;
    bool ignored;
    struct layout *made = calloc(1, sizeof(*made));
    name_of(type, otherwise, made->name);
    struct layout *good =
        depth > DEPTH || !peel(&under, &ignored)       ? no(why, made->name, "is too deep")
        : dwarf_tag(&under) == DW_TAG_enumeration_type ? enum_of(&under, made, why)
                                                       : struct_of(&under, made, depth, why);
    if (good)
        return learn(made);
    free(made->fields);
    free(made->body);
    free(made->nested);
    free(made);
    return NULL;
}

struct layout *layout_of(Dwarf_Die type, const char *otherwise, char why[static 200])
{
    return layout_in(type, otherwise, 0, why);
}

void layout_use(struct layout *layout)
{
    layout->is_used = true;
    for (int i = 0; i < layout->nested_count; i++)
        layout_use(layout->nested[i]);
}

bool layouts_put(seam_writer *out, const char *key, const char *sha256)
{
    bool any = false;
    for (const struct layout *l = known; l; l = l->next) {
        if (!l->is_used)
            continue;
        if (!any)
            seam_put_object(out, key);
        any = true;
        seam_put_object(out, l->name);
        seam_json_walk walk = seam_json_members(seam_text(l->body));
        while (seam_json_next(&walk)) {
            char *name = seam_json_text(walk.key, NULL);
            seam_put_json(out, name, walk.value);
            free(name);
        }
        put_pin(out, l->abi, sha256);
        seam_put_end(out);
    }
    if (any)
        seam_put_end(out);
    return any;
}
