/* SPDX-License-Identifier: Apache-2.0
 *
 * Returns no table.
 */
#include "sin.h"

const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    (void)keep_host;
    return NULL;
}
