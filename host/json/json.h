/* SPDX-License-Identifier: Apache-2.0
 *
 * jansson, as the host has it: its values are the host's everywhere, and this room owns where they
 * lie. They are read and written by the room document.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <jansson.h>

/* From now on values lie where they cost less; the first thing that a program does, or not at all.
 */
void json_pool_use(void);

#endif
