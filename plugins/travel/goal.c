/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar, in clauses between commas: the route first, then any of a start, a length of stay,
 * the number of travellers (which is priced elsewhere) and the way back.
 */
#include "goal.h"

#include "calendar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NIGHTS_MAXIMUM = 60 };

static char *trim(char *text)
{
    text += strspn(text, " \t\r\n.");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n.", text[len - 1]) != NULL)
        text[--len] = '\0';
    return text;
}

/* Behind any of the words (each with its space) that the text begins with, else the text. */
static char *skip_word(char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strncasecmp(text, *words, strlen(*words)) == 0)
            return trim(text + strlen(*words));
    return text;
}

static bool add_stop(const struct place *place, struct goal *g, char ret_why[static WHY_SIZE])
{
    if (g->stop_count == STOPS_MAXIMUM) {
        snprintf(ret_why, WHY_SIZE, "a route has at most %d stops", STOPS_MAXIMUM);
        return false;
    }
    if (g->stop_count > 0 && g->stops[g->stop_count - 1] == place) {
        snprintf(ret_why, WHY_SIZE, "the route goes from %s to %s", place->name, place->name);
        return false;
    }
    g->stops[g->stop_count++] = place;
    return true;
}

static bool read_route(const struct places *places, char *text, struct goal *g,
                       char ret_why[static WHY_SIZE])
{
    static const char *const leads[] = {"from ", "fly from ", "travel from ", NULL};
    text = skip_word(text, leads);
    for (char *next; text != NULL; text = next) {
        next = strcasestr(text, " to ");
        if (next != NULL) {
            *next = '\0';
            next += 4;
        }
        const struct place *place = places_known(places, trim(text), ret_why, WHY_SIZE);
        if (place == NULL || !add_stop(place, g, ret_why))
            return false;
    }
    if (g->stop_count < 2)
        snprintf(ret_why, WHY_SIZE, "expected a route, \"Lisbon to Vienna\"");
    return g->stop_count >= 2;
}

static bool read_start(char *clause, struct goal *g)
{
    static const char *const words[] = {"starting on ", "starting ", "start ",
                                        "on ",          "from ",     NULL};
    g->has_start = g->has_start || date_read(skip_word(clause, words), &g->start);
    long day;
    return date_read(skip_word(clause, words), &day) && day == g->start;
}

/* "2 nights", "2 nights each", "3 passengers" */
static bool read_count(const char *clause, struct goal *g)
{
    static const char *const nights[] = {"night", "nights", "night each", "nights each", NULL};
    static const char *const people[] = {"passenger", "passengers", "traveller", "travellers",
                                         "people",    "person",     NULL};
    char *word;
    long count = strtol(clause, &word, 10);
    if (word == clause || *word != ' ' || count < 1)
        return false;
    for (const char *const *w = nights; *w != NULL; w++) {
        if (strcasecmp(word + 1, *w) == 0 && count <= NIGHTS_MAXIMUM) {
            g->nights = count;
            return true;
        }
    }
    for (const char *const *w = people; *w != NULL; w++)
        if (strcasecmp(word + 1, *w) == 0)
            return true;
    return false;
}

static bool is_way_back(const char *clause)
{
    static const char *const words[] = {"and back", "return", "round trip", NULL};
    for (const char *const *w = words; *w != NULL; w++)
        if (strcasecmp(clause, *w) == 0)
            return true;
    return false;
}

static void keep_unclear(const char *clause, struct goal *g)
{
    size_t len = strlen(clause);
    if (g->unclear_count == CLAUSES_MAXIMUM)
        return; /* the confidence is long zero */
    if (len >= CLAUSE_SIZE)
        len = CLAUSE_SIZE - 1;
    memcpy(g->unclear[g->unclear_count], clause, len);
    g->unclear[g->unclear_count++][len] = '\0';
}

bool goal_read(const struct places *places, const char *text, struct goal *ret_goal,
               char ret_why[static WHY_SIZE])
{
    *ret_goal = (struct goal){.nights = 1};
    char *copy = strdup(text), *rest = NULL;
    if (copy == NULL) {
        snprintf(ret_why, WHY_SIZE, "memory is short");
        return false;
    }
    bool back = false, good = true;
    char *clause = strtok_r(copy, ",;", &rest);
    good = clause != NULL && read_route(places, trim(clause), ret_goal, ret_why);
    if (clause == NULL)
        snprintf(ret_why, WHY_SIZE, "the goal is empty");
    while (good && (clause = strtok_r(NULL, ",;", &rest)) != NULL) {
        clause = trim(clause);
        if (is_way_back(clause))
            back = true;
        else if (*clause != '\0' && !read_start(clause, ret_goal) && !read_count(clause, ret_goal))
            keep_unclear(clause, ret_goal);
    }
    if (good && back)
        good = add_stop(ret_goal->stops[0], ret_goal, ret_why);
    free(copy);
    return good;
}

double goal_confidence(const struct goal *goal)
{
    double confidence = 0.97;
    for (size_t i = 0; i < goal->unclear_count; i++)
        confidence *= 0.75;
    return confidence;
}
