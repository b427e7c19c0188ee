/* SPDX-License-Identifier: Apache-2.0
 *
 * What the author of a plugin types, or a script says on standard input. At a terminal a line is
 * taken when it comes, also while a call hangs; a script's line waits until the one before has come
 * to its end, and its end is the end. A line is a word and what it is about:
 *
 *     call greet {"name": "Ada"}
 */
#include "cli/dev_internal.h"

#include "base/units.h"
#include "document/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct slice trim(struct slice text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]))
        text.ptr++, text.len--;
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* The first word; rest is what follows it. */
static struct slice word_of(struct slice text, struct slice *rest)
{
    size_t length = 0;
    while (length < text.len && !strchr(" \t", text.ptr[length]))
        length++;
    *rest = trim((struct slice){text.ptr + length, text.len - length});
    return (struct slice){text.ptr, length};
}

/* JSON, or @FILE with it; nothing is {}. */
static json_t *read_input_of(struct dev *dev, struct slice text)
{
    struct error err;
    json_t *value = NULL;
    enum error_code code = ERR_OK;
    if (text.len == 0)
        return json_object();
    if (text.ptr[0] == '@') {
        AUTO(document_freep) struct document *document = NULL;
        AUTO(freep) char *path = xstrndup(text.ptr + 1, text.len - 1);
        code = document_load(path, &document, &err);
        if (code == ERR_OK)
            value = json_incref(document_root(document));
    } else {
        code = json_read(text, LIMIT_PAYLOAD, &value, &err);
    }
    if (code != ERR_OK) {
        dev->failed++;
        dev_note(dev, "complaint", RED, "the input is not JSON: %s (or @FILE)", err.text);
    }
    return value;
}

/* ---- the words ---- */

static void say_call(struct dev *dev, struct slice rest)
{
    struct slice text;
    struct slice name = word_of(rest, &text);
    const struct agent *agent;
    if (name.len == 0) {
        dev->failed++;
        dev_note(dev, "complaint", RED, "call AGENT JSON: which agent? `agents` lists them");
        return;
    }
    agent = dev_agent(dev, name);
    dev->failed += !agent;
    struct dev_request request = {.agent = agent ? xstrdup(agent->name) : NULL};
    request.input = agent ? read_input_of(dev, text) : NULL;
    if (request.input)
        dev_call(dev, &request);
    dev_request_done(&request);
}

static void say_run(struct dev *dev, struct slice rest)
{
    if (!dev->flow) {
        dev->failed++;
        dev_note(dev, "complaint", RED, "there is no flow to run: begin with --flow FILE");
        return;
    }
    struct dev_request request = {.input = read_input_of(dev, rest)};
    if (request.input)
        dev_call(dev, &request);
    dev_request_done(&request);
}

static void say_last(struct dev *dev, struct slice rest)
{
    (void)rest;
    dev_again(dev, true);
}

/* A schema is for reading: what stands in the card. */
static void show_agent(struct dev *dev, const struct card_agent *agent, const json_t *card)
{
    size_t i;
    json_t *entry;
    AUTO(json_decrefp) json_t *example = conformance_example(agent->input);
    AUTO(freep) char *shown = example ? dev_short(example) : xstrdup("JSON");
    json_array_foreach (json_object_get(card, "agents"), i, entry) {
        if (strcmp(text_of(entry, "name"), agent->name) != 0)
            continue;
        AUTO(freep) char *input = json_text(json_object_get(entry, "input"));
        AUTO(freep) char *output = json_text(json_object_get(entry, "output"));
        dev_say(dev, BOLD, "%s", agent->name);
        dev_say(dev, PLAIN, "  %s, %s\n  takes  %s\n  gives  %s\n  call %s %s",
                effect_class_word((enum effect_class)agent->effect),
                agent->summary ? agent->summary : "", input, output, agent->name, shown);
        dev_emit(dev, "agent", json_pack("{s:O, s:O?}", "agent", entry, "example", example));
    }
}

static void say_agents(struct dev *dev, struct slice rest)
{
    const struct card *card = dev_plugin(dev, dev->roster)->card;
    const struct agent *one = rest.len > 0 ? dev_agent(dev, rest) : NULL;
    if (!card && rest.len == 0)
        dev_note(dev, "complaint", RED, "the library was refused: there are no agents");
    for (size_t i = 0; card && i < card->agent_count; i++) {
        const struct card_agent *agent = &card->agents[i];
        if (one && strcmp(strchr(one->name, '/') + 1, agent->name) != 0)
            continue;
        if (rest.len == 0) {
            dev_say(dev, PLAIN, "  %-20s %-16s %s", agent->name,
                    effect_class_word((enum effect_class)agent->effect),
                    agent->summary ? agent->summary : "");
            dev_emit(dev, "agent", json_pack("{s:s}", "name", agent->name));
        } else if (one) {
            show_agent(dev, agent, card->json);
        }
    }
}

static void say_cancel(struct dev *dev, struct slice rest)
{
    (void)rest;
    if (dev->open == 0)
        dev_note(dev, "note", DIM, "nothing is under way");
    dev_cancel_all(dev, "as you say");
}

static void say_wait(struct dev *dev, struct slice rest)
{
    (void)rest;
    dev->waiting = true;
}

static void say_quit(struct dev *dev, struct slice rest)
{
    (void)rest;
    dev->quitting = true;
}

static void say_help(struct dev *dev, struct slice rest);

static const struct {
    const char *word, *form, *help;
    void (*say)(struct dev *dev, struct slice rest);
} words[] = {
    {"call", "call AGENT JSON", "call an agent; JSON may be @FILE, and nothing is {}", say_call},
    {"last", "last", "make the last call again, also one that changes the world", say_last},
    {"run", "run JSON", "run the flow of --flow", say_run},
    {"agents", "agents [AGENT]", "what there is to call; of one: its contracts and an input",
     say_agents},
    {"cancel", "cancel", "end what is under way; so does Ctrl-C", say_cancel},
    {"wait", "wait", "for scripts: until the library has changed, and is up or refused", say_wait},
    {"help", "help", "this", say_help},
    {"quit", "quit", "so does the end of the input", say_quit},
};

static void say_help(struct dev *dev, struct slice rest)
{
    (void)rest;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        dev_say(dev, PLAIN, "  %-18s %s", words[i].form, words[i].help);
    dev_say(dev, DIM,
            "  Whatever is built is loaded at once; the last call is then made again, "
            "unless it may\n  change the world.");
}

static void take_line(struct dev *dev, struct slice line)
{
    const char *names[sizeof(words) / sizeof(words[0])];
    struct slice rest;
    struct slice word = word_of(trim(line), &rest);
    if (word.len == 0 || word.ptr[0] == '#')
        return;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        names[i] = words[i].word;
        if (slice_is(word, words[i].word)) {
            words[i].say(dev, rest);
            return;
        }
    }
    const char *near = suggest(word, names, sizeof(words) / sizeof(words[0]));
    dev->failed++;
    dev_note(dev, "complaint", RED, "`%.*s` is no command%s%s%s; `help` lists them",
             word.len < 64 ? (int)word.len : 64, word.ptr, near ? "; did you mean `" : "",
             near ? near : "", near ? "`?" : "");
}

/* ---- reading ---- */

static bool may_go_on(struct dev *dev)
{
    if (dev->quitting)
        return false;
    if (dev->terminal) {
        dev->waiting = false;
        return true;
    }
    if (dev->waiting && dev->outcomes > dev->waited) {
        dev->waited = dev->outcomes;
        dev->waiting = false;
    }
    return !dev->waiting && dev->open == 0 && !dev->coming && dev->settled_first;
}

void dev_read_on(struct dev *dev)
{
    char *newline;
    while (may_go_on(dev) && dev->typed.len > 0 &&
           (newline = memchr(dev->typed.ptr, '\n', dev->typed.len))) {
        size_t length = (size_t)(newline - dev->typed.ptr);
        AUTO(freep) char *line = xstrndup(dev->typed.ptr, length);
        memmove(dev->typed.ptr, newline + 1, dev->typed.len - length - 1);
        dev->typed.len -= length + 1;
        dev->typed.ptr[dev->typed.len] = '\0';
        dev->prompting = false; /* the terminal has gone to the next line */
        take_line(dev, slice_of(line));
    }
    if (dev->at_end && may_go_on(dev) && dev->typed.len == 0)
        dev->quitting = true;
}

static void end_of_input(struct dev *dev)
{
    dev->at_end = true;
    if (dev->typed.len > 0 && dev->typed.ptr[dev->typed.len - 1] != '\n')
        text_addc(&dev->typed, '\n');
    if (dev->polling)
        uv_poll_stop(&dev->poll);
}

/* False: there is no more for now. */
static bool read_some(struct dev *dev)
{
    char chunk[4096];
    ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    if (got <= 0) {
        end_of_input(dev);
        return false;
    }
    if (text_add(&dev->typed, chunk, (size_t)got))
        return true;
    dev_note(dev, "complaint", RED, "more than %u bytes are typed ahead (LIMIT_PAYLOAD)",
             LIMIT_PAYLOAD);
    end_of_input(dev);
    return false;
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct dev *dev = poll->data;
    (void)events;
    if (status < 0)
        end_of_input(dev);
    else
        (void)read_some(dev);
    dev_soon(dev);
}

/* A file is read at once, for it cannot be waited for. The descriptor is shared with whoever
 * started this: it stays as it is. */
enum error_code dev_listen(struct dev *dev, struct error *reterr)
{
    uv_handle_type type = uv_guess_handle(STDIN_FILENO);
    dev->terminal = type == UV_TTY;
    if (type == UV_FILE || type == UV_UNKNOWN_HANDLE) {
        while (read_some(dev)) {
        }
        return ERR_OK;
    }
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    int failed = uv_poll_init(dev->loop, &dev->poll, STDIN_FILENO);
    if (failed)
        return error_set(reterr, ERR_IO, "standard input cannot be read: %s", uv_strerror(failed));
    (void)fcntl(STDIN_FILENO, F_SETFL, flags);
    dev->poll.data = dev;
    dev->polling = true;
    uv_poll_start(&dev->poll, UV_READABLE, readable);
    return ERR_OK;
}

void dev_deaf(struct dev *dev)
{
    if (dev->polling)
        uv_close((uv_handle_t *)&dev->poll, NULL);
}
