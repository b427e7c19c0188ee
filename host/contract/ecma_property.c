/* SPDX-License-Identifier: Apache-2.0
 *
 * The Unicode properties of `\p{…}`. ECMA-262 knows general categories by short and long names, and
 * PCRE2 by short ones alone; scripts and binary properties have the same names in both.
 */
#include "contract/regex_internal.h"

static const struct {
    const char *name;
    const char *pcre2;
} categories[] = {
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"LC", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
};

static struct slice without_prefix(struct slice name)
{
    static const struct slice prefixes[] = {{"General_Category=", 17}, {"gc=", 3}};
    for (size_t i = 0; i < 2; i++)
        if (slice_starts(name, prefixes[i].ptr))
            return (struct slice){name.ptr + prefixes[i].len, name.len - prefixes[i].len};
    return name;
}

static bool spelled_like_one(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && c != '_' && c != '=')
            return false;
    }
    return name.len > 0;
}

bool ecma_property(struct slice name, struct text *out)
{
    name = without_prefix(name);
    if (!spelled_like_one(name))
        return false;
    for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
        if (slice_is(name, categories[i].name))
            name = slice_of(categories[i].pcre2);
    if (out)
        text_add(out, name.ptr, name.len);
    return true;
}
