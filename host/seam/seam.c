/* SPDX-License-Identifier: Apache-2.0
 *
 * The program `seam`: everything is in the room cli.
 */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
