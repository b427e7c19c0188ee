/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of system calls, each ended by -1.
 */
#ifndef SANDBOX_FILTER_INTERNAL_H
#define SANDBOX_FILTER_INTERNAL_H

#include "sandbox/sandbox_internal.h"

extern const int filter_always[];
extern const int filter_writing[];    /* files and folders: of who has a place to write to */
extern const int filter_attributes[]; /* by path, which Landlock does not look at         */
extern const int filter_network[];    /* of who was granted sockets                        */
extern const int filter_programs[];   /* of who was granted programs                       */
extern const int filter_code[];       /* of who makes code while it runs                   */
extern const int filter_deadly[];     /* kill who asks                                     */

#endif
