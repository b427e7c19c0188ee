/* SPDX-License-Identifier: Apache-2.0
 *
 * What the harnesses that read JSON share.
 */
#ifndef TESTS_FUZZ_BYTES_JSON_H
#define TESTS_FUZZ_BYTES_JSON_H

#include "bytes.h"
#include "contract/contract.h"

/* The value of the bytes, or NULL if they are no JSON; then the error was looked at. */
json_t *bytes_json(const uint8_t *data, size_t size);
/* NULL if it is no schema; then the error was looked at. */
struct contract *bytes_contract(json_t *schema, const struct contract_options *options);

/* accepts and explain agree, and what is explained can be shown. Returns what they agree on. */
bool claim_judgement(const struct contract *contract, const json_t *value);
/* Whether one of the violations is that a limit was met. */
bool gave_up(const struct contract *contract, const json_t *value);

#endif
