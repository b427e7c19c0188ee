/* SPDX-License-Identifier: Apache-2.0
 *
 * mail's agent against the world: sent is sent, refused is not sent, and all else is in doubt.
 */
#include "tiny_host.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define MAIL "{\"to\": \"ann@example.org\", \"subject\": \"T-1\", \"body\": \"Booked: B-000001\"}"

static const struct step SEND = {.agent = "send", .key = "0d"};

static struct outcome send_in(struct world *w, const char *const *knobs, const char *mail)
{
    world_start(w, knobs);
    char config[128];
    snprintf(config, sizeof(config), "{\"url\": \"%s\"}", w->url);
    struct tiny_host *h = tiny_host_new("mail", config, w);
    struct step step = SEND;
    step.outside = strchr(mail, '@') == NULL; /* so that the service's own refusal is seen */
    struct outcome o = tiny_host_call(h, &step, mail);
    tiny_host_free(h);
    return o;
}

START_TEST(a_mail_is_sent_once_and_named)
{
    struct world w;
    struct outcome o = send_in(&w, NULL, MAIL);
    ck_assert_int_eq(o.status, SEAM_OK);
    ck_assert_uint_eq(o.effect, SEAM_EFFECT_DONE);
    ck_assert_str_eq(json_string_value(json_object_get(o.body, "id")), "M-000001");
    outcome_done(&o);
    ck_assert_int_eq(world_stat(&w, "mails.rows"), 1);
    world_done(&w);
}
END_TEST

START_TEST(a_refused_mail_changed_nothing)
{
    struct world w;
    struct outcome o = send_in(&w, NULL, "{\"to\": \"ann\", \"subject\": \"s\", \"body\": \"\"}");
    ck_assert_int_eq(o.status, SEAM_E_FAILED);
    ck_assert_uint_eq(o.effect, SEAM_EFFECT_NONE);
    ck_assert_str_eq(o.code, "mail.refused");
    outcome_done(&o);
    world_done(&w);
}
END_TEST

START_TEST(every_other_answer_is_in_doubt)
{
    static const char *const knobs[] = {"--fail-before", "--commit-then-503", "--commit-then-drop",
                                        "--garbage"};
    for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
        struct world w;
        struct outcome o = send_in(&w, WORLD_KNOBS(knobs[i], "1"), MAIL);
        ck_assert_msg(o.status == SEAM_E_UNAVAILABLE, "%s: %d", knobs[i], o.status);
        ck_assert_uint_eq(o.effect, SEAM_EFFECT_UNKNOWN);
        outcome_done(&o);
        world_done(&w);
    }
}
END_TEST

START_TEST(a_configuration_without_url_is_refused)
{
    ck_assert(tiny_host_accepts("mail", "{\"url\": \"http://127.0.0.1:1\"}"));
    ck_assert(!tiny_host_accepts("mail", "{}"));
}
END_TEST

UNIT_MAIN(a_mail_is_sent_once_and_named, a_refused_mail_changed_nothing,
          every_other_answer_is_in_doubt, a_configuration_without_url_is_refused)
