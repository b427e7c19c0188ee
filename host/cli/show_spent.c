/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run spent, and where, for people: one row for each step, step of a sub-flow, and call; and
 * the accounts.
 */
#include "cli/show_internal.h"

#include "base/units.h"

#include <string.h>

static int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_row(const char *path, const json_t *row)
{
    char time[32];
    printf("  %-28s %8lld %8lld %10lld %10s %10s %8lld\n", path,
           (long long)number_of(row, "attempts"), (long long)number_of(row, "calls"),
           (long long)number_of(row, "tokens"), text_of(row, "cost"),
           duration_text(number_of(row, "time_ms"), time), (long long)number_of(row, "recovery"));
}

static void print_account(const char *whose, const json_t *spent, const json_t *left)
{
    char time[32];
    const char *name, *separator = "; left: ";
    json_t *value;
    printf("%s: %lld attempts, %lld calls, %lld tokens, cost %s, %s", whose,
           (long long)number_of(spent, "attempts"), (long long)number_of(spent, "calls"),
           (long long)number_of(spent, "tokens"), text_of(spent, "cost"),
           duration_text(number_of(spent, "time_ms"), time));
    if (number_of(spent, "recovery_calls"))
        printf(", %lld of recovery", (long long)number_of(spent, "recovery_calls"));
    json_object_foreach ((json_t *)(uintptr_t)left, name, value) {
        fputs(separator, stdout);
        separator = ", ";
        if (strcmp(name, "time_ms") == 0)
            fputs(duration_text(json_integer_value(value), time), stdout);
        else if (json_is_string(value))
            printf("%s %s", name, json_string_value(value));
        else
            printf("%lld %s", (long long)json_integer_value(value), name);
    }
    putchar('\n');
}

void print_spent(const json_t *picture, const json_t *rows)
{
    size_t i;
    json_t *row, *account;
    printf("spent:\n  %-28s %8s %8s %10s %10s %10s %8s\n", "WHERE", "TRIES", "CALLS", "TOKENS",
           "COST", "TIME", "RECOVERY");
    json_array_foreach (rows, i, row) {
        const char *path = text_of(row, "path");
        AUTO(freep)
        char *label = json_is_true(json_object_get(row, "within"))
                          ? xasprintf("%s (all of it)", path)
                          : xstrdup(path);
        print_row(label, row);
    }
    print_account("spent in all", json_object_get(picture, "spent"),
                  json_object_get(picture, "budget_left"));
    json_array_foreach (json_object_get(picture, "accounts"), i, account) {
        AUTO(freep) char *whose = xasprintf("  within %s", text_of(account, "path"));
        print_account(whose, json_object_get(account, "spent"),
                      json_object_get(account, "budget_left"));
    }
}
