/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin's file and its card: bytes that begin like an object are a card, others a library in
 * which one is looked for. What is found lies inside the file; what is read of it is whole.
 */
#include "bytes.h"

#include "loader/card.h"
#include "loader/elf_internal.h"

#include <stdlib.h>
#include <string.h>

static void claim_card(const struct card *card)
{
    CLAIM(card->id && card->version && card->config, "a card without id, version or config");
    CLAIM(card->max_concurrency >= 1, "%d calls at once", card->max_concurrency);
    for (size_t i = 0; i < card->agent_count; i++) {
        const struct card_agent *a = &card->agents[i];
        CLAIM(a->name && a->input && a->output, "agent %zu has no name, input or output", i);
        CLAIM(a->effect <= 3 && a->tokens >= 0 && a->cost >= 0, "agent %s", a->name);
        CLAIM(a->settle_ms >= -1 && a->key_ttl_ms >= -1, "agent %s", a->name);
        for (size_t j = 0; j < i; j++)
            CLAIM(strcmp(a->name, card->agents[j].name) != 0, "two agents %s", a->name);
    }
}

static void read_card(struct slice text)
{
    AUTO(card_freep) struct card *card = NULL;
    struct error err = {.code = ERR_OK, .text = ""};
    enum error_code code = card_parse(text, &card, &err);
    if (code == ERR_OK)
        claim_card(card);
    else
        claim_error(code, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data, size}, text = {NULL, 0};
    struct error err = {.code = ERR_OK, .text = ""};
    if (size > 0 && data[0] == '{') {
        read_card(bytes);
        return 0;
    }
    enum error_code code = elf_find_card(bytes, "input.so", &text, &err);
    if (code != ERR_OK) {
        claim_error(code, &err);
        return 0;
    }
    CLAIM(text.len == 0 || (text.ptr >= bytes.ptr && text.len <= size &&
                            (size_t)(text.ptr - bytes.ptr) <= size - text.len),
          "the card lies outside");
    read_card(text);
    return 0;
}
