/* SPDX-License-Identifier: Apache-2.0
 *
 * The program `seam`: everything is in the room cli.
 */
#include "cli/cli.h"
#include "json/json.h"

int main(int argc, char **argv)
{
    json_pool_use();
    return cli_main(argc, argv);
}
