/* SPDX-License-Identifier: Apache-2.0
 *
 * Which agents may call which: what a card asks for by id and the manifest grants by alias, no more
 * and no less, told to people, and kept with a run.
 */
#include "stage.h"

static const struct agent *agent_named(const struct stage *s, const char *name)
{
    const struct agent *agent = catalog_find(&s->roster->catalog, slice_of(name));
    ck_assert_msg(agent != NULL, "no agent %s", name);
    return agent;
}

static bool calls(const struct agent *agent, const char *name)
{
    for (size_t i = 0; i < agent->call_count; i++)
        if (strcmp(agent->calls[i]->name, name) == 0)
            return true;
    return false;
}

/* Loads another manifest: that of the stage, where each text is replaced by the next. */
static void reload(struct stage *s, const char *const changes[])
{
    AUTO(freep) char *path = xasprintf("%s/seam.yaml", s->folder);
    char text[8192] = "", *at_change;
    FILE *file = fopen(path, "re");
    ck_assert(file && fread(text, 1, sizeof(text) - 1, file) > 0 && fclose(file) == 0);
    for (; changes[0]; changes += 2) {
        ck_assert_msg((at_change = strstr(text, changes[0])) != NULL, "%s", changes[0]);
        AUTO(freep) char *rest = xstrdup(at_change + strlen(changes[0]));
        snprintf(at_change, (size_t)(text + sizeof(text) - at_change), "%s%s", changes[1], rest);
    }
    stage_write(s, "seam.yaml", text);
    roster_free(s->roster);
    struct error err;
    enum error_code code = roster_load(path, &s->roster, &err);
    ck_assert_ok(code, err);
}

START_TEST(what_is_asked_for_and_granted_may_be_called)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    const struct agent *boss = agent_named(&s, "boss/look");
    ck_assert(calls(boss, "hand/look") && calls(boss, "hand/mail") && calls(boss, "boss/pure"));
    /* granted by the star, but the card does not ask for it */
    ck_assert(!calls(boss, "hand/find"));
    ck_assert_uint_eq(boss->call_count, 12);
    ck_assert_uint_eq(agent_named(&s, "foreman/mail")->call_count, 6);
    ck_assert_uint_eq(agent_named(&s, "actor/look")->call_count, 0);
    s.keep_open = true; /* nothing was run */
    stage_done(&s);
}
END_TEST

START_TEST(a_grant_of_one_agent_is_of_that_alone)
{
    static const char *const changes[] = {"agents: [hand/*, boss/*]", "agents: [hand/look]", NULL};
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    reload(&s, changes);
    const struct agent *boss = agent_named(&s, "boss/put");
    ck_assert_uint_eq(boss->call_count, 1);
    ck_assert_str_eq(boss->calls[0]->name, "hand/look");
    ck_assert(!boss->ungranted);
    s.keep_open = true; /* nothing was run */
    stage_done(&s);
}
END_TEST

START_TEST(a_card_that_asks_and_is_granted_nothing_is_said_so)
{
    static const char *const changes[] = {"agents: [hand/*, boss/*]", "agents: []", NULL};
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    reload(&s, changes);
    ck_assert_uint_eq(agent_named(&s, "boss/look")->call_count, 0);
    ck_assert_str_eq(agent_named(&s, "boss/look")->ungranted, "agents");
    s.keep_open = true; /* nothing was run */
    stage_done(&s);
}
END_TEST

START_TEST(a_grant_to_a_plugin_that_is_not_there_is_an_error)
{
    struct stage s;
    struct roster *roster = NULL;
    struct error err;
    stage_set(&s, _i, NULL, "", "");
    stage_write(&s, "wrong.yaml",
                "manifest: 1\nplugins:\n  boss: {path: b.so, grants: {agents: [hnd/look]}}\n"
                "  hand: {path: h.so}\n");
    AUTO(freep) char *path = xasprintf("%s/wrong.yaml", s.folder);
    ck_assert_int_eq(roster_load(path, &roster, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "wrong.yaml:3:"));
    ck_assert_ptr_nonnull(strstr(err.text, "did you mean \"hand\"?"));
    s.keep_open = true; /* nothing was run */
    stage_done(&s);
}
END_TEST

/* The status that people are told of the agent or request. */
static const char *status_of(const json_t *told, const char *name)
{
    size_t i;
    const json_t *call;
    json_array_foreach (told, i, call) {
        if (strcmp(word_at(call, "agent"), name) == 0 ||
            (!at(call, "agent") && strcmp(word_at(call, "request"), name) == 0))
            return word_at(call, "status");
    }
    return "(not told)";
}

START_TEST(people_are_told_what_may_be_called_and_what_not_and_why)
{
    static const char *const changes[] = {"agents: [hand/*, boss/*]",
                                          "agents: [hand/look, hand/find, actor/*]", NULL};
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    reload(&s, changes);
    json_t *told = roster_calls(s.roster, 2);
    ck_assert_str_eq(status_of(told, "hand/look"), "callable");
    ck_assert_str_eq(status_of(told, "hand/mail"), "not-granted");
    ck_assert_str_eq(status_of(told, "boss/pure"), "not-granted");
    ck_assert_str_eq(status_of(told, "hand/find"), "not-asked");
    ck_assert_str_eq(status_of(told, "actor/*"), "not-asked");
    ck_assert_str_eq(status_of(told, "org.seam.test.nobody/look"), "absent");
    json_decref(told);
    s.keep_open = true; /* nothing was run */
    stage_done(&s);
}
END_TEST

START_TEST(who_asks_for_any_may_call_what_is_granted_and_not_its_own)
{
    struct stage s;
    stage_set(&s, _i, NULL, "", "");
    const struct agent *chief = agent_named(&s, "chief/look");
    ck_assert_uint_eq(chief->call_count, 1);
    ck_assert(calls(chief, "hand/find"));
    json_t *told = roster_calls(s.roster, 5);
    ck_assert_str_eq(status_of(told, "hand/find"), "callable");
    ck_assert_str_eq(status_of(told, "chief/*"), "not-asked");
    ck_assert_uint_eq(json_array_size(told), 2);
    json_decref(told);
    s.keep_open = true; /* nothing was run */
    stage_done(&s);
}
END_TEST

START_TEST(a_run_keeps_whom_its_agents_may_call)
{
    static const char *const changes[] = {"agents: [hand/*, boss/*]", "agents: [hand/look]", NULL};
    struct stage s;
    struct error err;
    stage_set(&s, _i, NULL, "", "");
    stage_one_step(&s, "boss/look", "");
    ck_assert_int_eq(stage_run(&s, "r", "{'do': []}"), RUN_DONE);
    stage_close(&s);
    reload(&s, changes);
    struct journal_reader *reader = stage_reader(&s);
    struct shelf *shelf = shelf_new();
    AUTO(flow_unrefp) struct flow *flow = NULL;
    enum error_code code = fold_flow(reader, shelf, "r", &flow, &err);
    ck_assert_ok(code, err);
    const struct agent *boss = flow->steps[0].call.agent;
    ck_assert_uint_eq(boss->call_count, 12);
    ck_assert(calls(boss, "hand/mail") && calls(boss, "boss/put"));
    ck_assert_uint_eq(boss->calls[0]->call_count, 12);
    shelf_free(shelf);
    journal_reader_close(reader);
    stage_done(&s);
}
END_TEST

int main(void)
{
    const TTest *const everywhere[] = {
        a_run_keeps_whom_its_agents_may_call,
        who_asks_for_any_may_call_what_is_granted_and_not_its_own,
        NULL,
    };
    const TTest *const in_workers[] = {
        what_is_asked_for_and_granted_may_be_called,
        a_grant_of_one_agent_is_of_that_alone,
        a_card_that_asks_and_is_granted_nothing_is_said_so,
        a_grant_to_a_plugin_that_is_not_there_is_an_error,
        people_are_told_what_may_be_called_and_what_not_and_why,
        NULL,
    };
    return stage_main(__FILE__, everywhere, in_workers);
}
