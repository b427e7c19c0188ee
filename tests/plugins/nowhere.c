/* SPDX-License-Identifier: Apache-2.0
 *
 * The library of needs_a_library, which is there when that is linked and not found when it runs.
 */
__attribute__((visibility("default"))) int nowhere(void);
int nowhere(void)
{
    return 1;
}
