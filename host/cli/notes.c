/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator should not find out at night: plugins that were refused while flows need them.
 */
#include "cli/cli_internal.h"

void note_refused(const struct roster *roster)
{
    for (size_t i = 0; i < roster->plugin_count; i++)
        if (!roster->plugins[i].card)
            complain(0, "plugin `%s` was refused: %s", roster->plugins[i].entry->alias,
                     roster->plugins[i].error.text);
}
