/* SPDX-License-Identifier: Apache-2.0
 *
 * A form on the terminal, from a JSON Schema: field by field, each answer looked at before the next
 * question, and what holds others before what follows it. References to definitions are followed;
 * what has no form of its own (a union but of constants) is asked for as JSON. Nothing is anywhere
 * until the whole form is filled: Ctrl-C and Ctrl-D leave nothing behind.
 *
 * A schema comes from an agent; its words are cleaned before a terminal sees them, and what it
 * nests is asked to a depth, then as JSON.
 */
#include "cli/cli_internal.h"

#include "contract/contract.h"
#include "document/document.h"

#include <stdlib.h>
#include <string.h>

enum { FORM_DEPTH = 8, FORM_ITEMS = 1000, FORM_REFERENCES = 8, SHOWN_MAX = 400 };

enum filled { FILLED, LEFT_OUT, ENDED };

struct field {
    const char *name; /* "items/2"; "" = all of it */
    const json_t *schema;
    const json_t *whole; /* whose definitions it may refer to; NULL = it refers to none */
    bool required;
    int depth;
};

static enum filled fill(const struct field *field, json_t **ret_value);

/* ---- words ---- */

/* In one line, whatever is in it. */
static void say(const char *text)
{
    char line[SHOWN_MAX];
    size_t all = strlen(text), len = all < SHOWN_MAX ? all : SHOWN_MAX;
    while (len > 0 && len < all && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--;
    for (size_t i = 0; i < len; i++)
        line[i] = text[i] == '\n' ? ' ' : text[i];
    print_clean(stderr, (struct slice){line, len});
}

static void say_json(const json_t *value)
{
    AUTO(text_done) struct text text;
    text_init(&text, SIZE_MAX / 2);
    json_write(value, &text);
    say(text_str(&text));
}

static const char *word_of(const json_t *schema, const char *key)
{
    return json_string_value(json_object_get(schema, key));
}

/* The next line without its end; NULL at the end of all. */
static char *next_line(void)
{
    char *line = NULL;
    size_t room = 0;
    fflush(stderr);
    ssize_t len = getline(&line, &room, stdin);
    if (len < 0) {
        free(line);
        return NULL;
    }
    if (len > 0 && line[len - 1] == '\n')
        line[len - 1] = '\0';
    return line;
}

/* ---- choices ---- */

/* The union that is one of constants; NULL: it is none. */
static const json_t *constants_of(const json_t *schema)
{
    const json_t *either = json_object_get(schema, "oneOf");
    size_t i;
    const json_t *item;
    if (!either)
        either = json_object_get(schema, "anyOf");
    json_array_foreach (either, i, item)
        if (!json_object_get(item, "const"))
            return NULL;
    return json_array_size(either) > 0 ? either : NULL;
}

/* The values that may be chosen from; the caller drops them. NULL: there is no such list. */
static json_t *choices_of(const json_t *schema)
{
    const json_t *constants = constants_of(schema), *item;
    json_t *list = json_object_get(schema, "enum");
    size_t i;
    if (list || !constants)
        return json_incref(list);
    list = json_array();
    json_array_foreach (constants, i, item)
        json_array_append(list, json_object_get(item, "const"));
    return list;
}

/* What one of them is called; NULL: as it is. */
static const char *title_of_choice(const json_t *schema, size_t at)
{
    if (json_object_get(schema, "enum")) /* the names that MCP gave them before it had titles */
        return json_string_value(json_array_get(json_object_get(schema, "enumNames"), at));
    return word_of(json_array_get(constants_of(schema), at), "title");
}

static void say_choices(const json_t *schema, const json_t *choices)
{
    size_t i;
    const json_t *choice;
    json_array_foreach (choices, i, choice) {
        const char *title = title_of_choice(schema, i);
        fprintf(stderr, "  %zu  ", i + 1);
        say_json(choice);
        if (title) {
            fputs("  ", stderr);
            say(title);
        }
        fputc('\n', stderr);
    }
}

static void say_field(const struct field *field)
{
    const char *title = word_of(field->schema, "title"),
               *about = word_of(field->schema, "description"),
               *type = word_of(field->schema, "type"), *format = word_of(field->schema, "format");
    const json_t *otherwise = json_object_get(field->schema, "default");
    AUTO(json_decrefp) json_t *choices = choices_of(field->schema);
    say(*field->name ? field->name : title ? title : "answer");
    if (about || (title && *field->name)) {
        fputs(" - ", stderr);
        say(about ? about : title);
    }
    fputs(" (", stderr);
    say(choices ? "one of these" : type ? type : "JSON");
    if (format && !choices) {
        fputs(", ", stderr);
        say(format);
    }
    fputs(field->required ? "" : ", may be left out", stderr);
    if (otherwise) {
        fputs(", else ", stderr);
        say_json(otherwise);
    }
    fputs(")\n", stderr);
    say_choices(field->schema, choices);
}

/* ---- one value ---- */

static json_t *read_choice(const json_t *choices, const char *line)
{
    char *end;
    unsigned long number = strtoul(line, &end, 10);
    if (end != line && *end == '\0' && number > 0 && number <= json_array_size(choices))
        return json_incref(json_array_get(choices, number - 1));
    size_t i;
    json_t *choice;
    json_array_foreach (choices, i, choice)
        if (json_is_string(choice) && strcmp(json_string_value(choice), line) == 0)
            return json_incref(choice);
    return NULL;
}

static json_t *read_boolean(const char *line)
{
    if (strcmp(line, "y") == 0 || strcmp(line, "yes") == 0 || strcmp(line, "true") == 0)
        return json_true();
    if (strcmp(line, "n") == 0 || strcmp(line, "no") == 0 || strcmp(line, "false") == 0)
        return json_false();
    return NULL;
}

/* NULL with the reason in reterr. */
static json_t *read_value(const json_t *schema, const char *line, struct error *reterr)
{
    AUTO(json_decrefp) json_t *choices = choices_of(schema);
    const char *type = word_of(schema, "type");
    json_t *value = NULL;
    if (choices) {
        value = read_choice(choices, line);
        error_set(reterr, ERR_INPUT, "expected a number from 1 to %zu", json_array_size(choices));
    } else if (type && strcmp(type, "boolean") == 0) {
        value = read_boolean(line);
        error_set(reterr, ERR_INPUT, "expected yes or no");
    } else if (type && strcmp(type, "string") == 0) {
        value = json_string(line);
        error_set(reterr, ERR_INPUT, "expected text in UTF-8");
    } else if (json_read(slice_of(line), LIMIT_PAYLOAD, &value, reterr) != ERR_OK) {
        return NULL;
    }
    return value;
}

static const char *const definitions[] = {"$defs", "definitions"};

/* What the field's schema says against it; one that does not stand alone, with the definitions of
 * the whole, says nothing here. */
static char *breach_of(const struct field *field, const json_t *value)
{
    AUTO(contract_unrefp) struct contract *contract = NULL;
    AUTO(json_decrefp) json_t *schema = json_copy((json_t *)(uintptr_t)field->schema);
    for (size_t i = 0; i < 2; i++) {
        json_t *defined = json_object_get(field->whole, definitions[i]);
        if (defined && !json_object_get(schema, definitions[i]))
            json_object_set(schema, definitions[i], defined);
    }
    if (!schema || contract_compile(schema, NULL, &contract, NULL) != ERR_OK ||
        contract_accepts(contract, value))
        return NULL;
    struct violations violations;
    struct text text;
    text_init(&text, LIMIT_QUESTION);
    contract_explain(contract, value, &violations);
    violations_text(&violations, &text);
    violations_done(&violations);
    return text_take(&text);
}

/* An empty line is the default, or nothing where nothing need be said. */
static enum filled fill_plain(const struct field *field, json_t **ret_value)
{
    const json_t *otherwise = json_object_get(field->schema, "default");
    say_field(field);
    for (;;) {
        struct error err;
        fputs("> ", stderr);
        AUTO(freep) char *line = next_line();
        if (!line)
            return ENDED;
        if (*line == '\0' && otherwise) {
            *ret_value = json_deep_copy(otherwise);
            return FILLED;
        }
        if (*line == '\0' && !field->required)
            return LEFT_OUT;
        AUTO(json_decrefp) json_t *value = read_value(field->schema, line, &err);
        AUTO(freep) char *breach = value ? breach_of(field, value) : NULL;
        if (value && !breach) {
            *ret_value = json_incref(value);
            return FILLED;
        }
        fputs("  ", stderr);
        say(value ? breach : err.text);
        fputc('\n', stderr);
    }
}

/* ---- what holds others ---- */

static bool is_required(const json_t *schema, const char *key)
{
    size_t i;
    const json_t *name;
    json_array_foreach (json_object_get(schema, "required"), i, name)
        if (json_is_string(name) && strcmp(json_string_value(name), key) == 0)
            return true;
    return false;
}

/* An object that need not be there is there if anything in it is. */
static enum filled fill_object(const struct field *field, json_t **ret_value)
{
    AUTO(json_decrefp) json_t *object = json_object();
    const char *key;
    json_t *schema;
    json_object_foreach (json_object_get(field->schema, "properties"), key, schema) {
        AUTO(freep) char *name = *field->name ? xasprintf("%s/%s", field->name, key) : xstrdup(key);
        json_t *value = NULL;
        enum filled filled =
            fill(&(struct field){.name = name,
                                 .schema = schema,
                                 .whole = field->whole,
                                 .required = field->required && is_required(field->schema, key),
                                 .depth = field->depth + 1},
                 &value);
        if (filled == ENDED)
            return ENDED;
        if (filled == FILLED)
            json_object_set_new(object, key, value);
    }
    if (!field->required && json_object_size(object) == 0)
        return LEFT_OUT;
    *ret_value = json_incref(object);
    return FILLED;
}

/* Until an item is left out. */
static enum filled fill_array(const struct field *field, json_t **ret_value)
{
    AUTO(json_decrefp) json_t *array = json_array();
    const json_t *items = json_object_get(field->schema, "items");
    json_int_t most = json_integer_value(json_object_get(field->schema, "maxItems"));
    json_int_t least = json_integer_value(json_object_get(field->schema, "minItems"));
    for (size_t i = 0; i < FORM_ITEMS && (most <= 0 || i < (size_t)most); i++) {
        AUTO(freep) char *name = xasprintf("%s/%zu", field->name, i + 1);
        json_t *value = NULL;
        enum filled filled =
            fill(&(struct field){.name = name,
                                 .schema = items,
                                 .whole = field->whole,
                                 .required = field->required && (json_int_t)i < least,
                                 .depth = field->depth + 1},
                 &value);
        if (filled == ENDED)
            return ENDED;
        if (filled == LEFT_OUT)
            break;
        json_array_append_new(array, value);
    }
    if (!field->required && json_array_size(array) == 0)
        return LEFT_OUT;
    *ret_value = json_incref(array);
    return FILLED;
}

/* What a reference leads to; NULL: it is none, or leads elsewhere. */
static json_t *referred(const json_t *whole, const json_t *schema)
{
    const char *ref = word_of(schema, "$ref");
    json_t *all = json_object_get(schema, "allOf");
    for (size_t i = 0; ref && i < 2; i++) {
        size_t len = strlen(definitions[i]);
        if (strncmp(ref, "#/", 2) == 0 && strncmp(ref + 2, definitions[i], len) == 0 &&
            ref[2 + len] == '/')
            return json_object_get(json_object_get(whole, definitions[i]), ref + len + 3);
    }
    return json_array_size(all) == 1 ? json_array_get(all, 0) : NULL;
}

/* The schema with what it refers to in its place; the caller drops it. */
static json_t *followed(const struct field *field)
{
    json_t *schema = json_incref((json_t *)(uintptr_t)field->schema);
    for (int i = 0; i < FORM_REFERENCES; i++) {
        json_t *to = referred(field->whole, schema);
        if (!json_is_object(to))
            break;
        json_t *both = json_copy(to);
        const char *key;
        json_t *value;
        json_object_foreach (schema, key, value)
            if (strcmp(key, "$ref") != 0 && strcmp(key, "allOf") != 0)
                json_object_set(both, key, value); /* its own words count */
        json_decref(schema);
        schema = both;
    }
    return schema;
}

static enum filled fill_one(const struct field *field, json_t **ret_value)
{
    const char *type = word_of(field->schema, "type");
    const json_t *constant = json_object_get(field->schema, "const");
    AUTO(json_decrefp) json_t *choices = choices_of(field->schema);
    bool plain = !type || field->depth >= FORM_DEPTH || choices;
    if (constant && field->required) {
        *ret_value = json_deep_copy(constant);
        return FILLED;
    }
    if (!plain && strcmp(type, "object") == 0 &&
        json_object_size(json_object_get(field->schema, "properties")) > 0)
        return fill_object(field, ret_value);
    if (!plain && strcmp(type, "array") == 0 &&
        json_is_object(json_object_get(field->schema, "items")))
        return fill_array(field, ret_value);
    return fill_plain(field, ret_value);
}

/* Until it fits: what holds others is asked for again, and only that. */
static enum filled fill(const struct field *field, json_t **ret_value)
{
    AUTO(json_decrefp) json_t *schema = followed(field);
    struct field own = *field;
    own.schema = schema;
    for (;;) {
        json_t *value = NULL;
        enum filled filled = fill_one(&own, &value);
        AUTO(freep) char *breach = filled == FILLED ? breach_of(&own, value) : NULL;
        if (!breach) {
            *ret_value = value;
            return filled;
        }
        json_decref(value);
        fputs("  ", stderr);
        say(breach);
        fprintf(stderr, "\n%s%sonce more:\n", field->name, *field->name ? " " : "");
    }
}

json_t *form_fill(const json_t *schema)
{
    json_t *value = NULL;
    struct field whole = {.name = "", .schema = schema, .whole = schema, .required = true};
    return fill(&whole, &value) == FILLED ? value : NULL;
}

json_t *form_choose(const json_t *accepts)
{
    AUTO(json_decrefp) json_t *which = json_pack("{s:O}", "enum", accepts);
    json_t *chosen = NULL;
    if (json_array_size(accepts) == 0 ||
        fill_plain(&(struct field){.name = "answer", .schema = which, .required = true}, &chosen) !=
            FILLED)
        return NULL;
    json_t *answer = json_copy(chosen);
    json_decref(chosen);
    const char *key;
    json_t *value;
    void *safe;
    json_object_foreach_safe (answer, safe, key, value) {
        json_t *said = NULL;
        const char *text = json_string_value(value);
        if (!text || *text != '(')
            continue;
        struct field field = {.name = key, .schema = NULL, .required = true};
        if (fill_plain(&field, &said) != FILLED) {
            json_decref(answer);
            return NULL;
        }
        json_object_set_new(answer, key, said);
    }
    return answer;
}

void form_head(const struct question_view *view)
{
    const json_t *asked = json_object_get(view->shown, "asked");
    const char *question = word_of(asked, "question");
    say(question ? question : word_of(view->shown, "text"));
    fputc('\n', stderr);
    if (!question)
        for (const char *const *key = (const char *const[]){"error", "effect", "output", NULL};
             *key; key++) {
            const json_t *value = json_object_get(view->shown, *key);
            if (!value)
                continue;
            fprintf(stderr, "  %s: ", *key);
            say_json(value);
            fputc('\n', stderr);
        }
}
