/* SPDX-License-Identifier: Apache-2.0
 *
 * What a compiler says of functions. It reads debug information: the library's own, or, since
 * libraries are mostly stripped, that of a few lines which include the header and are compiled for
 * it, so that the compiler resolves each name and type.
 */
#include "generator.h"

#include <dwarf.h>
#include <string.h>

enum { PEEL = 64 };

/* ---- types ---- */

bool peel(Dwarf_Die *die, bool *ret_const)
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

bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
    Dwarf_Attribute attribute;
    return dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
           dwarf_formref_die(&attribute, ret) != NULL;
}

const char *scalar_word(char code, int size)
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

char code_of(Dwarf_Die *die)
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

const char *seen_abi(const struct seen *seen)
{
    return seen->layout && !seen->layout->is_enum ? seen->layout->abi : seen->abi;
}

/* False, and why: it is none that can be passed. */
static bool see(Dwarf_Die die, const char *otherwise, struct seen *ret)
{
    Dwarf_Die named = die;
    *ret = (struct seen){.word = NULL};
    if (!peel(&die, &ret->is_const)) {
        snprintf(ret->abi, sizeof(ret->abi), "void");
        return true;
    }
    int tag = dwarf_tag(&die), size = dwarf_bytesize(&die);
    if (tag == DW_TAG_pointer_type || tag == DW_TAG_array_type) {
        snprintf(ret->abi, sizeof(ret->abi), "ptr");
        ret->is_pointer = true;
        ret->has_target = type_of(&die, &ret->target);
        return true;
    }
    if (tag == DW_TAG_structure_type || tag == DW_TAG_enumeration_type)
        ret->layout = layout_of(named, otherwise, ret->why);
    if (tag == DW_TAG_structure_type)
        return ret->layout != NULL;
    char code = code_of(&die);
    ret->word = code == 'b' ? "bool" : scalar_word(code, size);
    if (!ret->word)
        snprintf(ret->why, sizeof(ret->why), "it is %s",
                 tag == DW_TAG_union_type ? "a union"
                                          : "of a type that the plugin does not know, such as long "
                                            "double or a complex number");
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
        p->to_const = p->type.has_target && see(p->type.target, p->name, &named) && named.is_const;
        return;
    }
    int tag = dwarf_tag(&die);
    p->to_function = tag == DW_TAG_subroutine_type;
    p->to_pointer = tag == DW_TAG_pointer_type;
    p->to_opaque = !p->to_function && !p->to_pointer && !see(p->type.target, p->name, &p->to);
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
        snprintf(p->name, sizeof(p->name), "%.64s", name);
    else
        snprintf(p->name, sizeof(p->name), "arg%d", ret->count);
    if (!type_of(die, &type))
        return fail("%s: the debug information lacks the type of %s", function, p->name);
    if (!see(type, p->name, &p->type)) {
        char what[300];
        snprintf(what, sizeof(what), "%s, which cannot be passed: %s", p->name, p->type.why);
        return fail("%s takes %s", function, what);
    }
    look_behind(p);
    return true;
}

static bool read_prototype(Dwarf_Die *die, const char *function, struct prototype *ret)
{
    Dwarf_Die type, child;
    memset(ret, 0, sizeof(*ret));
    struct parameter *returns = &ret->returns;
    snprintf(returns->name, sizeof(returns->name), "%.57s_result", function);
    snprintf(returns->type.abi, sizeof(returns->type.abi), "void");
    if (type_of(die, &type) && !see(type, returns->name, &returns->type))
        return fail("%s returns what cannot be passed: %s", function, returns->type.why);
    for (bool more = dwarf_child(die, &child) == 0; more;
         more = dwarf_siblingof(&child, &child) == 0)
        if (!add_parameter(ret, &child, function))
            return false;
    look_behind(returns);
    ret->returns_text =
        returns->type.is_pointer && returns->to.word && strcmp(returns->to.word, "int8") == 0;
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

int find(const char *path, const char *function, struct prototype *ret)
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
