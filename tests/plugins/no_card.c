/* SPDX-License-Identifier: Apache-2.0
 *
 * Built without seam_add_plugin: a shared object, but no plugin.
 */
__attribute__((visibility("default"))) int a_function_of_it(void);

int a_function_of_it(void)
{
    return 0;
}
