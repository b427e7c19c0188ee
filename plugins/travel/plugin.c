/* SPDX-License-Identifier: Apache-2.0
 *
 * travel: plans a trip from words, finds offers for a leg, and prices the cheapest combination. It
 * reads its table of places when it is made and touches nothing afterwards; all agents may run at
 * once.
 */
#include "calendar.h"
#include "fares.h"
#include "goal.h"

#include <seam/sdk.h>

static const char DEFAULT_PLACES[] = "/usr/share/zoneinfo/zone1970.tab";

struct travel {
    const seam_host *host;
    struct places *places;
};

static seam_status refuse(const struct travel *t, seam_id call, const char *code, const char *why)
{
    return seam_complete_error(t->host, call, SEAM_E_INPUT, SEAM_EFFECT_NONE, code, why);
}

static seam_status complete_written(const struct travel *t, seam_id call, seam_writer *out)
{
    seam_complete_ok(t->host, call, SEAM_EFFECT_NONE, seam_written(out));
    seam_writer_done(out);
    return SEAM_OK;
}

/* Looks in the goal itself, in the input's "start", and in a person's answer. */
static bool find_start(const seam_call *call, struct goal *goal)
{
    const seam_bytes places[] = {seam_json_at(call->input, "/start"),
                                 seam_json_at(call->feedback, "/start")};
    for (size_t i = 0; i < 2 && !goal->has_start; i++) {
        char *date = seam_json_text(places[i], NULL);
        goal->has_start = date != NULL && date_read(date, &goal->start);
        free(date);
    }
    return goal->has_start;
}

static seam_status ask_for_start(const struct travel *t, seam_id call)
{
    return seam_complete_input_required(
        t->host, call, "On which day does the trip start?",
        seam_text("{\"type\":\"object\",\"properties\":{\"start\":{\"type\":\"string\","
                  "\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}$\"}},\"required\":[\"start\"],"
                  "\"additionalProperties\":false}"));
}

static void write_plan(seam_writer *out, const struct goal *goal)
{
    seam_put_object(out, NULL);
    seam_put_array(out, "legs");
    for (size_t i = 0; i + 1 < goal->stop_count; i++) {
        char date[DATE_SIZE];
        date_write(goal->start + (long)i * goal->nights, date);
        seam_put_object(out, NULL);
        seam_put_text(out, "from", goal->stops[i]->name);
        seam_put_text(out, "to", goal->stops[i + 1]->name);
        seam_put_text(out, "date", date);
        seam_put_end(out);
    }
    seam_put_end(out);
    seam_put_number(out, "confidence", goal_confidence(goal));
    seam_put_array(out, "unclear");
    for (size_t i = 0; i < goal->unclear_count; i++)
        seam_put_text(out, NULL, goal->unclear[i]);
    seam_put_end(out);
    seam_put_end(out);
}

static seam_status plan(const struct travel *t, const seam_call *call)
{
    char why[WHY_SIZE] = "memory is short";
    struct goal goal;
    char *text = seam_json_text(seam_json_at(call->input, "/goal"), NULL);
    bool good = text != NULL && goal_read(t->places, text, &goal, why);
    free(text);
    if (!good)
        return refuse(t, call->id, "travel.goal", why);
    int64_t nights;
    if (seam_json_integer(seam_json_at(call->input, "/nights"), &nights))
        goal.nights = (long)nights;
    if (!find_start(call, &goal))
        return ask_for_start(t, call->id);
    seam_writer out = SEAM_WRITER;
    write_plan(&out, &goal);
    return complete_written(t, call->id, &out);
}

/* A city of the input by its member's name; NULL with the reason. */
static const struct place *city_at(const struct travel *t, const seam_call *call,
                                   const char *pointer, char ret_why[static WHY_SIZE])
{
    char *name = seam_json_text(seam_json_at(call->input, pointer), NULL);
    const struct place *place =
        places_known(t->places, name == NULL ? "" : name, ret_why, WHY_SIZE);
    free(name);
    return place;
}

static seam_status search(const struct travel *t, const seam_call *call)
{
    char why[WHY_SIZE];
    const struct place *from = city_at(t, call, "/from", why);
    const struct place *to = from == NULL ? NULL : city_at(t, call, "/to", why);
    if (to == NULL)
        return refuse(t, call->id, "travel.city", why);
    if (from == to)
        return refuse(t, call->id, "travel.city", "from and to are one city");
    char *date = seam_json_text(seam_json_at(call->input, "/date"), NULL);
    long day;
    bool good = date != NULL && date_read(date, &day);
    free(date);
    if (!good)
        return refuse(t, call->id, "travel.date", "date: expected a day such as 2027-03-01");

    struct fare fares[CARRIER_COUNT];
    fares_quote(from, to, day, fares);
    char text[DATE_SIZE];
    date_write(day, text);
    seam_writer out = SEAM_WRITER;
    seam_put_array(&out, NULL);
    for (size_t i = 0; i < CARRIER_COUNT; i++) {
        seam_put_object(&out, NULL);
        seam_put_text(&out, "offer", fares[i].offer);
        seam_put_text(&out, "carrier", fares[i].carrier);
        seam_put_text(&out, "from", from->name);
        seam_put_text(&out, "to", to->name);
        seam_put_text(&out, "date", text);
        seam_put_integer(&out, "km", fares[i].km);
        seam_put_integer(&out, "price", fares[i].price);
        seam_put_end(&out);
    }
    seam_put_end(&out);
    return complete_written(t, call->id, &out);
}

/* The cheapest offer of a leg; of equal ones the first. Absent if the leg has none. */
static seam_bytes cheapest(seam_bytes leg, int64_t *ret_price)
{
    seam_bytes best = {NULL, 0};
    seam_json_walk offers = seam_json_members(leg);
    while (seam_json_next(&offers)) {
        int64_t price;
        if (seam_json_integer(seam_json_at(offers.value, "/price"), &price) &&
            (best.len == 0 || price < *ret_price)) {
            *ret_price = price;
            best = offers.value;
        }
    }
    return best;
}

static seam_status price(const struct travel *t, const seam_call *call)
{
    char combination[STOPS_MAXIMUM * OFFER_ID_SIZE] = "";
    size_t len = 0;
    int64_t total = 0, passengers = 0;
    seam_json_integer(seam_json_at(call->input, "/passengers"), &passengers);
    seam_json_walk legs = seam_json_members(seam_json_at(call->input, "/offers"));
    while (seam_json_next(&legs)) {
        int64_t fare = 0;
        char *id = seam_json_text(seam_json_at(cheapest(legs.value, &fare), "/offer"), NULL);
        if (id == NULL)
            return seam_complete_error(t->host, call->id, SEAM_E_FAILED, SEAM_EFFECT_NONE,
                                       "travel.no-offer", "a leg of the trip has no offer");
        int written =
            snprintf(combination + len, sizeof(combination) - len, "%s%s", len == 0 ? "" : "+", id);
        free(id);
        len += (size_t)written;
        if (len >= sizeof(combination))
            return refuse(t, call->id, "travel.offers", "the offers' names are too long");
        total += fare;
    }
    seam_writer out = SEAM_WRITER;
    seam_put_object(&out, NULL);
    seam_put_integer(&out, "total", total * passengers);
    seam_put_text(&out, "currency", "EUR");
    seam_put_text(&out, "offer", combination);
    seam_put_end(&out);
    return complete_written(t, call->id, &out);
}

static seam_status start(void *self, const seam_call *call)
{
    static const struct {
        const char *name;
        seam_status (*run)(const struct travel *, const seam_call *);
    } agents[] = {{"plan", plan}, {"search", search}, {"price", price}};
    for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++)
        if (call->agent.len == strlen(agents[i].name) &&
            memcmp(call->agent.ptr, agents[i].name, call->agent.len) == 0)
            return agents[i].run((const struct travel *)self, call);
    return SEAM_E_UNSUPPORTED;
}

static seam_status create(const seam_host *host, seam_bytes config, void **ret_self)
{
    char why[WHY_SIZE] = "memory is short";
    struct travel *t = calloc(1, sizeof(*t));
    char *file = seam_json_text(seam_json_at(config, "/places"), NULL);
    if (t != NULL)
        t->places = places_new(file == NULL ? DEFAULT_PLACES : file, why, sizeof(why));
    free(file);
    if (t == NULL || t->places == NULL) {
        seam_log(host, 0, SEAM_LOG_ERROR, "travel has no places: %s", why);
        free(t);
        return SEAM_E_FAILED;
    }
    t->host = host;
    seam_log(host, 0, SEAM_LOG_DEBUG, "travel knows %zu cities", places_count(t->places));
    *ret_self = t;
    return SEAM_OK;
}

static void destroy(void *self)
{
    struct travel *t = self;
    places_free(t->places);
    free(t);
}

static const seam_agent plan_agent = SEAM_AGENT("plan", SEAM_READ, 0);
static const seam_agent search_agent = SEAM_AGENT("search", SEAM_READ, 0);
static const seam_agent price_agent = SEAM_AGENT("price", SEAM_PURE, 0);
static const seam_agent *const agents[] = {&plan_agent, &search_agent, &price_agent, NULL};

static const seam_plugin table = {
    .size = sizeof(seam_plugin),
    .id = "org.seam.travel",
    .version = "1.0.0",
    .agents = agents,
    .create = create,
    .start = start,
    .destroy = destroy,
};

SEAM_EXPORT const seam_plugin *seam_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return &table;
}
