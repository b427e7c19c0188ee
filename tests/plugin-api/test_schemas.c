/* SPDX-License-Identifier: Apache-2.0
 *
 * The schemas of cards and ops, compiled by the host's own contract engine: every file is a schema,
 * the template's card is a card, and each kind of wrong card is none.
 */
#include "base/text.h"
#include "contract/contract.h"
#include "unit.h"

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct contract *compile(const char *path)
{
    json_error_t json_error;
    json_t *schema = json_load_file(path, JSON_REJECT_DUPLICATES, &json_error);
    ck_assert_msg(schema != NULL, "%s: %s", path, json_error.text);
    struct contract *contract;
    struct error err;
    ck_assert_msg(contract_compile(schema, NULL, &contract, &err) == 0, "%s: %s", path, err.text);
    json_decref(schema);
    return contract;
}

START_TEST(every_schema_compiles)
{
    glob_t files;
    ck_assert_int_eq(glob(SOURCE_ROOT "/schemas/ops/*.json", 0, NULL, &files), 0);
    ck_assert_uint_ge(files.gl_pathc, 13);
    for (size_t i = 0; i < files.gl_pathc; i++)
        contract_unref(compile(files.gl_pathv[i]));
    globfree(&files);
    contract_unref(compile(SOURCE_ROOT "/schemas/card.schema.json"));
}
END_TEST

static const char whole[] =
    "{'card':1,'id':'org.example.crm','version':'2.1.0-rc.1','license':'Apache-2.0',"
    "'summary':'Tickets','abi':{'major':1,'minor':0},'isolation':'worker',"
    "'limits':{'max_concurrency':64,'memory_mb':256,'call':'1m30s','drain':'30s'},"
    "'config':{'type':'object'},"
    "'requests':{'http':[{'scheme':'https','host':'api.example.com','port':443,"
    "'methods':['GET','POST'],'reads':['POST /v2/search'],'refusals':[422],'private':false}],"
    "'secrets':['crm_token'],'fs':[{'path':'${state}/cache','mode':'rw'}],"
    "'agents':['org.example.search/lookup'],'exec':['/usr/bin/git'],'net':'none'},"
    "'agents':[{'name':'create_ticket','summary':'Opens a ticket','effect':'write_idempotent',"
    "'destructive':false,'open_world':true,'nonblocking':true,'input':{'type':'object'},"
    "'output':true,'confidence':'/confidence','reconcile':'find_ticket','settle':'30s','ref':'/id',"
    "'key_ttl':'24h','warnings':'/warnings','errors':['crm.rate-limited'],"
    "'cost':{'tokens':0,'cost':'0.01'}}]}";

/* JSON in single quotes, so that it can be read here. */
static json_t *quoted(const char *text)
{
    char copy[4096];
    ck_assert_uint_lt(strlen(text), sizeof(copy));
    strcpy(copy, text);
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_error_t error;
    json_t *json = json_loads(copy, JSON_DECODE_ANY, &error);
    ck_assert_msg(json != NULL, "%s: %s", error.text, copy);
    return json;
}

START_TEST(the_whole_of_a_card_is_accepted)
{
    struct contract *card = compile(SOURCE_ROOT "/schemas/card.schema.json");
    json_t *instance = quoted(whole);
    struct violations violations;
    ck_assert_msg(contract_explain(card, instance, &violations), "%s: %s",
                  violations.list[0].instance, violations.list[0].text);
    violations_done(&violations);
    json_decref(instance);
    instance = json_load_file(SOURCE_ROOT "/plugins/hello/card.json", 0, NULL);
    ck_assert(contract_accepts(card, instance));
    json_decref(instance);
    contract_unref(card);
}
END_TEST

/* Puts `value` (NULL: nothing) at the place that `path` names, "/a/0/b". */
static void put(json_t *root, const char *path, const char *value)
{
    json_t *at = root;
    char copy[256], *state, *last = NULL;
    snprintf(copy, sizeof(copy), "%s", path);
    for (char *token = strtok_r(copy, "/", &state); token; token = strtok_r(NULL, "/", &state)) {
        if (last)
            at = json_is_array(at) ? json_array_get(at, (size_t)atoi(last))
                                   : json_object_get(at, last);
        ck_assert_msg(at != NULL, "%s", path);
        last = token;
    }
    if (!value)
        ck_assert_int_eq(json_object_del(at, last), 0);
    else if (json_is_array(at))
        ck_assert_int_eq(json_array_set_new(at, (size_t)atoi(last), quoted(value)), 0);
    else
        ck_assert_int_eq(json_object_set_new(at, last, quoted(value)), 0);
}

START_TEST(wrong_cards_are_refused)
{
    static const char *const wrongs[][2] = {
        {"/card", "2"},
        {"/card", NULL},
        {"/id", "'crm'"},
        {"/id", "'org/crm'"},
        {"/id", NULL},
        {"/version", "'2.1'"},
        {"/version", "'02.1.0'"},
        {"/summary", "'two\\nlines'"},
        {"/abi", NULL},
        {"/abi/major", "2"},
        {"/abi/minor", "-1"},
        {"/isolation", "'none'"},
        {"/limits/max_concurrency", "0"},
        {"/limits/call", "30"},
        {"/limits/call", "'30 s'"},
        {"/limits/cpus", "1"},
        {"/config", "'config.json'"},
        {"/requests/usb", "[]"},
        {"/requests/net", "'some'"},
        {"/requests/secrets/0", "'a b'"},
        {"/requests/fs/0/mode", "'rwx'"},
        {"/requests/fs/0/path", "'../etc'"},
        {"/requests/fs/0/path", "'${state}x'"},
        {"/requests/exec/0", "'git'"},
        {"/requests/agents/0", "'lookup'"},
        {"/requests/http/0/host", "'API.example.com'"},
        {"/requests/http/0/host", "'https://api.example.com'"},
        {"/requests/http/0/host", NULL},
        {"/requests/http/0/methods", "[]"},
        {"/requests/http/0/methods/0", "'get'"},
        {"/requests/http/0/reads/0", "'/v2/search'"},
        {"/requests/http/0/refusals/0", "200"},
        {"/requests/http/0/port", "0"},
        {"/agents_from", "'program'"},
        {"/agents", NULL},
        {"/agents/0/name", "'crm/create'"},
        {"/agents/0/effect", "'writes'"},
        {"/agents/0/input", NULL},
        {"/agents/0/output", "'any'"},
        {"/agents/0/confidence", "'confidence'"},
        {"/agents/0/ref", "'/a~2'"},
        {"/agents/0/errors/0", "'Rate limited'"},
        {"/agents/0/cost/cost", "0.01"},
        {"/agents/0/retry", "true"},
        {"/licence", "'Apache-2.0'"},
    };
    struct contract *card = compile(SOURCE_ROOT "/schemas/card.schema.json");
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        json_t *instance = quoted(whole);
        put(instance, wrongs[i][0], wrongs[i][1]);
        ck_assert_msg(!contract_accepts(card, instance), "%s: %s", wrongs[i][0],
                      wrongs[i][1] ? wrongs[i][1] : "nothing");
        json_decref(instance);
    }
    contract_unref(card);
}
END_TEST

UNIT_MAIN(every_schema_compiles, the_whole_of_a_card_is_accepted, wrong_cards_are_refused)
