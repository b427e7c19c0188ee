/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of keywords and dialects, and finding things in it.
 */
#include "contract/keywords_internal.h"

#include "base/units.h"

#include <string.h>

const struct keyword_row keyword_rows[KW_COUNT] = {
#define X(id, spelling, dialects, holds, annotates)                                                \
    [KW_##id] = {spelling, sizeof(spelling) - 1, DIALECTS_##dialects, HOLDS_##holds, annotates},
    KEYWORDS(X)
#undef X
};

enum keyword keyword_find(struct slice spelling)
{
    for (enum keyword k = 0; k < KW_COUNT; k++)
        if (keyword_rows[k].length == spelling.len &&
            memcmp(keyword_rows[k].spelling, spelling.ptr, spelling.len) == 0)
            return k;
    return KW_COUNT;
}

const char *keyword_suggest(struct slice spelling, enum dialect dialect)
{
    const char *candidates[KW_COUNT];
    size_t count = 0;
    for (enum keyword k = 0; k < KW_COUNT; k++)
        if (keyword_rows[k].dialects & dialect)
            candidates[count++] = keyword_rows[k].spelling;
    return suggest(spelling, candidates, count);
}

static const struct {
    const char *host_and_path; /* of its URI, without the scheme and an empty fragment */
    const char *name;
    enum dialect dialect;
} dialects[] = {
    {"json-schema.org/draft/2020-12/schema", "2020-12", DIALECT_2020_12},
    {"json-schema.org/draft/2019-09/schema", "2019-09", DIALECT_2019_09},
    {"json-schema.org/draft-07/schema", "draft-07", DIALECT_DRAFT_07},
};

const char *dialect_name(enum dialect dialect)
{
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (dialects[i].dialect == dialect)
            return dialects[i].name;
    assert_failed("a dialect has a name", __FILE__, __LINE__);
}

bool dialect_find(struct slice uri, enum dialect *ret_dialect)
{
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < 2; i++) {
        if (!slice_starts(uri, schemes[i]))
            continue;
        size_t skip = strlen(schemes[i]);
        struct slice rest = {uri.ptr + skip, uri.len - skip};
        if (rest.len && rest.ptr[rest.len - 1] == '#')
            rest.len--;
        for (size_t d = 0; d < sizeof(dialects) / sizeof(dialects[0]); d++) {
            if (slice_is(rest, dialects[d].host_and_path)) {
                *ret_dialect = dialects[d].dialect;
                return true;
            }
        }
    }
    return false;
}
