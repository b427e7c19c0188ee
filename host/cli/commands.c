/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of commands: names, options and the texts that teach them.
 */
#include "cli/cli_internal.h"

#define MANIFEST                                                                                   \
    {                                                                                              \
        "--manifest", "FILE", "the manifest (default: $SEAM_MANIFEST, ./seam.yaml, …)"           \
    }
#define STORE                                                                                      \
    {                                                                                              \
        "--store", "URL", "the journal, instead of the manifest's (sqlite:PATH)"                   \
    }
#define PARTIAL                                                                                    \
    {                                                                                              \
        "--partial", NULL,                                                                         \
            "with --json: also what agents say while they work, a line each, before the result"    \
    }
#define REGISTRY                                                                                   \
    {                                                                                              \
        "--registry", "DIR",                                                                       \
            "schemas that a $ref may find, by $id or by path below DIR; repeatable"                \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }

static const struct option run_options[] = {
    {"--input", "FILE", "the input, JSON or YAML; - is standard input"},
    {"--set", "KEY=VALUE",
     "set a member of the input; VALUE is JSON, or else a string; repeatable"},
    {"--each", "FILE", "one run for each line of a file of JSON lines"},
    {"--id", "ID", "the run's id; the same id with the same input is the same run"},
    MANIFEST,
    STORE,
    {"--memory", NULL, "keep no journal: nothing survives, nothing can be resumed"},
    {"--paranoid", NULL,
     "hold every value to its contract, even where `check` proved that it fits"},
    {"--record", "DIR", "afterwards make fixtures of the run, for seam test, in DIR"},
    {"--replay", "DIR", "run on the fixtures in DIR: nothing is loaded or sent"},
    PARTIAL,
    {"--quiet", NULL, "no progress and no warnings"},
    END};

static const struct option check_options[] = {
    MANIFEST,
    {"--format", "FORMAT", "text (default), json or sarif"},
    {"--target", "PROVIDER", "hold the agents' contracts to openai, anthropic or gemini, too"},
    END};
static const struct option plugins_options[] = {
    MANIFEST,
    STORE,
    {"--static", NULL, "read cards only; start no plugin"},
    {"--listen", "WHERE", "where the server is, of which it is said what it has loaded"},
    {"--token", "FILE", "holds a token for it, with the scope read"},
    {"--level", "N", "verify: only these levels, as 1 or 1,2 (default: all four)"},
    {"--only", "ID", "verify: only checks whose name begins so; repeatable"},
    {"--config", "FILE", "verify: the configuration, JSON (default: one that its schema allows)"},
    {"--agents", "FILE",
     "verify: the agents that stand in that configuration, JSON, as inspect has them"},
    {"--inputs", "N", "verify: inputs of each agent in each mode (default: 1000)"},
    {"--seed", "N", "verify: of what is drawn (default: 1); the same seed, the same inputs"},
    {"--time", "DURATION", "verify: the most that a level may take (default: 60s)"},
    {"--format", "FORMAT", "verify: text (default), json, junit or sarif"},
    {"--all", NULL, "approve: every plugin of the manifest"},
    {"--yes", NULL, "approve: without being asked"},
    {"--who", "NAME", "approve, release: who does it (default: your user name)"},
    {"--key", "FILE", "keygen, sign: the secret key (default: seam.key)"},
    {"--name", "NAME", "trust: whose key it is (default: the file's name)"},
    {"--clear", NULL, "state: it keeps nothing any more; no host may run"},
    END};
static const struct option runs_options[] = {
    {"--status", "S", "only runs that are running, waiting, done, failed or cancelled"},
    MANIFEST,
    STORE,
    END};
static const struct option show_options[] = {
    {"--items", NULL, "list every item, however many"}, MANIFEST, STORE, END};
static const struct option store_options[] = {MANIFEST, STORE, END};
static const struct option answer_options[] = {
    {"--json", "FILE", "the answer, a JSON file; - is standard input"},
    {"--deny", NULL, "say no"},
    {"--revision", "N", "the revision of the question you saw; refused if there is a newer one"},
    {"--who", "NAME", "who answers (default: your user name)"},
    MANIFEST,
    STORE,
    END};
static const struct option cancel_options[] = {
    {"--who", "NAME", "who cancels (default: your user name)"}, MANIFEST, STORE, END};
static const struct option resume_options[] = {
    {"--all", NULL, "every run that is not final"},
    {"--restored", NULL, "the journal came from a backup: it gets a new store id"},
    {"--accept", NULL, "go on with cards whose contracts are not proven to fit; who is recorded"},
    {"--from", "STEP", "a new run: it takes over what is finished before STEP and beside it"},
    {"--flow", "FILE", "with --from: the flow, edited; else that which the run began with"},
    {"--input", "FILE", "with --from: another input"},
    {"--set", "KEY=VALUE", "with --from: set a member of the input; repeatable"},
    {"--id", "ID", "with --from: the new run's id"},
    {"--yes", NULL, "with --from: effects may be passed again; it is recorded who said so"},
    {"--who", "NAME", "who says --yes or --accept (default: your user name)"},
    MANIFEST,
    STORE,
    PARTIAL,
    {"--quiet", NULL, "no progress and no warnings"},
    END};
static const struct option calibrate_options[] = {
    {"--agent", "NAME", "only this agent, as flows name it: travel/plan"},
    {"--since", "TIME", "only answers since then: 7d, 12h, 2026-11-01"},
    {"--target", "RATE", "the error rate that a minimum is to keep (default: 0.05)"},
    MANIFEST,
    STORE,
    END};
static const struct option replay_options[] = {
    {"--all", NULL, "every run of the journal"}, MANIFEST, STORE, END};
static const struct option test_options[] = {
    {"--fixtures", "DIR", "the fixtures, a folder or a file (default: fixtures, beside the flow)"},
    {"--filter", "TEXT", "only cases with this in their name or file"},
    MANIFEST,
    {"--cards", "DIR", "ALIAS.json for plugins whose library is not there (default: DIR/cards)"},
    {"--record", NULL, "make fixtures of RUN, or of the flow's newest run in the journal"},
    STORE,
    {"--update", NULL, "write what came of each case into its `expect`"},
    {"--crash-at-every-write", NULL,
     "kill the host at every edge of each case, and again while it is taken up"},
    {"--crash-at", "N[,M]", "kill it at that edge alone, and at edge M what takes it up"},
    {"--seeds", "N", "each case N times, with orders and faults drawn from seeds 1 to N (or A-B)"},
    {"--seed", "N", "with that seed alone"},
    {"--keep", "DIR", "keep the journals of the cases there"},
    {"--format", "FORMAT", "text (default), json or junit"},
    END};
static const struct option verify_options[] = {
    {"--all", NULL, "every run of the journal (default)"},
    {"--heads", NULL, "print run, number and hash of each run's last record, to be kept elsewhere"},
    {"--against", "FILE", "hold the journal to lines that --heads printed; - is standard input"},
    MANIFEST,
    STORE,
    END};
static const struct option validate_options[] = {
    {"--format-assertion", NULL, "a wrong `format` is an error; by default it only annotates"},
    {"--strict", NULL, "as contracts of agents: formats assert, unknown keywords are refused"},
    REGISTRY,
    {"--output", "FORMAT", "text (default); flag or basic, the specification's formats"},
    {"--bowtie", NULL, "answer Bowtie's requests, JSON lines on standard input"},
    END};

static const struct option contract_options[] = {
    {"--target", "PROVIDER", "openai, anthropic or gemini: whose rules lint and lower keep"},
    REGISTRY,
    {"--format-annotation", NULL, "`format` only annotates, as the specification's default"},
    END};

static const struct option reload_options[] = {
    {"--listen", "WHERE", "where the server is, instead of the manifest's serve.listen"},
    {"--token", "FILE", "holds a token with the scope admin"},
    {"--again", NULL, "what went back on probation is tried once more"},
    MANIFEST,
    STORE,
    END};

static const struct option serve_options[] = {
    {"--listen", "WHERE", "HOST:PORT or unix:PATH, instead of the manifest's serve.listen"},
    {"--drain", "TIME", "for what is under way, once it is told to stop (default: 30s)"},
    {"--restored", NULL, "the journal came from a backup: it gets a new store id"},
    MANIFEST,
    STORE,
    {"--quiet", NULL, "warnings and errors alone"},
    END};

static const struct option new_options[] = {
    {"--lang", "LANGUAGE", "of a plugin: c (default), cpp or rust"},
    {"--kind", "KIND", "of an agent: exec, human, llm, mcp or http"},
    {"--lib", "FILE", "ffi: the library, as libz.so.1 or a path"},
    {"--function", "NAME", "ffi: a function of it; repeatable"},
    {"--header", "FILE", "ffi: the header that declares it, compiled; else debug information"},
    END};

static const struct option dev_options[] = {
    {"--flow", "FILE", "a flow that `run` runs"},
    MANIFEST,
    {"--config", "FILE", "without a manifest: the plugin's configuration, JSON"},
    {"--store", "URL", "keep a journal there (sqlite:PATH); else nothing is left behind"},
    END};

const struct command commands[] = {
    {"run", "FLOW", "run a flow to its end",
     "Checks the flow, starts a run and works until it is done, failed, or waits for a person.\n"
     "Everything is journaled: after Ctrl-C or a crash, `seam resume RUN` goes on where it was.\n"
     "\n"
     "  seam run book-trip.yaml --input trip.json\n"
     "  seam run book-trip.yaml --set city='\"Oslo\"' --id trip-17\n"
     "  seam run book-trip.yaml --each trips.jsonl --id trip      ids trip-1, trip-2, …\n"
     "  seam run book-trip.yaml --input trip.json --record fixtures\n"
     "  seam run book-trip.yaml --replay fixtures\n"
     "\n"
     "Exit: 0 done, 1 failed or cancelled, 2 usage or a bad file, 3 waiting for a person,\n"
     "4 refused by check or policy, 130 and 143 stopped by Ctrl-C or SIGTERM.",
     run_options, 1, 1, command_run},
    {"check", "FLOW…", "say what is wrong with flows, before they run",
     "Reads flows against the manifest's agents; what check refuses, run refuses. Of each handoff "
     "it\n"
     "says `proven` (every value that can come fits), `refuted` (here is one that does not) or\n"
     "`unknown` (and why; the check at run time stands); of each key of the budget, what a run "
     "may\n"
     "come to at worst; of the flow, whether it is valid, granted, bounded and ready to run.\n"
     "\n"
     "  seam check flows/*.yaml\n"
     "  seam check book-trip.yaml --format json\n"
     "  seam check flows/*.yaml --format sarif >seam.sarif\n"
     "  seam check book-trip.yaml --target openai\n"
     "\n"
     "With --target it also says what that provider of models refuses in the contracts of the\n"
     "agents that the flow calls: an output is what a model would answer, an input what a model\n"
     "would fill as the call of a tool. See `seam contract lower`.\n"
     "\n"
     "Exit: 0 nothing wrong, 1 errors, 2 usage, or a file that cannot be opened, 4 policy refuses "
     "a\n"
     "plugin that the manifest requires.",
     check_options, 1, OPERANDS_MAX, command_check},
    {"test", "FLOW [RUN]", "try a flow, with written answers in place of agents, and time skipped",
     "Runs the cases of a folder of fixtures. Agents, people and the world are what the fixtures "
     "say;\n"
     "all else is the host that works: retries, effects, questions, journal. Nothing is loaded or\n"
     "sent, and what waits an hour takes no time. A fixture:\n"
     "\n"
     "  fixture: 1\n"
     "  agents:\n"
     "    travel/search: {output: {offers: []}}\n"
     "  cases:\n"
     "    - case: the airline is slow\n"
     "      input: {from: OSL}\n"
     "      agents:\n"
     "        airline/book: [{fail: unavailable}, {output: {booking: B1}}]\n"
     "      expect: {status: done, effects: {book.book: 1}}\n"
     "\n"
     "  seam test book-trip.yaml --fixtures fixtures\n"
     "  seam test book-trip.yaml --filter slow --keep journals\n"
     "  seam test book-trip.yaml --record trip-17\n"
     "  seam test book-trip.yaml --crash-at-every-write\n"
     "  seam test book-trip.yaml --seeds 1000\n"
     "\n"
     "Exit: 0 all passed, 1 one failed, 2 usage or a bad file.",
     test_options, 1, 2, command_test},
    {"plugins", "[inspect | verify | approve | release | state | keygen | sign | trust] [FILE]",
     "what is loaded, and why not; is a plugin good",
     "Reads the card of every plugin of the manifest, starts it, and says what it is. `inspect`\n"
     "prints the card of one file without running any of it; with --manifest FILE it has the "
     "agents\n"
     "that the plugin's configuration there declares, if that is where they stand: a confined "
     "worker\n"
     "is asked for them. `verify` runs the conformance kit on\n"
     "one file, or with --manifest FILE on one of its aliases, as it is configured there:\n"
     "level 1 looks at the file, 2 calls its agents with many inputs, in a worker and\n"
     "in process, 3 holds what they do to the world against their effect class, 4 does it under\n"
     "valgrind and the sandbox. A check that could not be made is skipped and says why.\n"
     "`approve` shows in plain words what a plugin of the manifest (by its alias, its file, or\n"
     "--all) asks for, what it is granted, what its agents may do, and what of that is new; once\n"
     "approved, its bytes and grants are pinned in seam.lock beside the manifest. While there is "
     "a\n"
     "lock, whatever is not as it says is refused; of agents that stand in a configuration, each\n"
     "by itself is left out, and the others are called. `state` lists what a plugin keeps from "
     "call to\n"
     "call, and forgets it with --clear. `keygen` makes a pair of keys, `sign` signs a library, "
     "in\n"
     "minisign's form, `trust` writes down in seam.keys that a public key's signatures count; a\n"
     "signature that is wrong is refused, `signatures: required` in the manifest wants a good "
     "one.\n"
     "`release` takes a library out of quarantine, by its plugin's alias or its digest, in a host\n"
     "that runs too: see “Plugins that end” in seam(1).\n"
     "\n"
     "  seam plugins\n"
     "  seam plugins inspect ./airline.so\n"
     "  seam plugins verify ./airline.so --format junit\n"
     "  seam plugins approve airline\n"
     "  seam plugins release airline\n"
     "\n"
     "Exit: 0 all are ready or all checks hold, 1 one was refused or does not hold, 2 usage or a\n"
     "bad file.",
     plugins_options, 0, 2, command_plugins},
    {"runs", "", "list runs, newest first",
     "  seam runs\n"
     "  seam runs --status waiting",
     runs_options, 0, 0, command_runs},
    {"show", "RUN", "where a run is: its steps, effects, questions and budget",
     "Also what was spent, and where: of each step, step of a sub-flow and call the tries, calls,\n"
     "tokens, cost, time and recovery, and of each account what is left. Of more than 20 items of\n"
     "one step only those that are not done are listed. Of a hidden run no value is shown whose\n"
     "key the manifest does not name.\n"
     "\n"
     "  seam show trip-17\n"
     "  seam show trip-17 --items\n"
     "  seam show trip-17 --json",
     show_options, 1, 1, command_show},
    {"explain", "RUN [STEP]", "why each thing was done, by which rule",
     "Prints each decision with the rule that made it, what it stood on, what was left of the\n"
     "budget, and what would have changed it: the rules are asked again with one fact of the "
     "card,\n"
     "the flow or the operator otherwise. STEP is a path, and stands for all that is within it.\n"
     "With --json also, among the decisions, each `moved`: a start that a reload sent to another\n"
     "library of its plugin than those before it.\n"
     "\n"
     "  seam explain trip-17\n"
     "  seam explain trip-17 book\n"
     "  seam explain trip-17 pay/charge",
     store_options, 1, 2, command_explain},
    {"answer", "RUN [STEP] [--json FILE | --deny]", "answer the question that a run waits with",
     "`seam show RUN` prints the question and what it accepts. STEP may be left out where a run "
     "asks one\n"
     "thing; `.` is the run itself, which asks whether it may go on with other plugins. On a "
     "terminal the\n"
     "answer is asked for, field by field, if it is not given; Ctrl-C leaves nothing.\n"
     "\n"
     "  seam answer trip-17 book\n"
     "  seam answer trip-17 book --json answer.json\n"
     "  seam answer trip-17 book --deny\n"
     "  seam answer trip-17 . --json approve.json",
     answer_options, 1, 2, command_answer},
    {"cancel", "RUN", "end a run: nothing new begins, doubts are resolved, done steps undone",
     "  seam cancel trip-17", cancel_options, 1, 1, command_cancel},
    {"budgets", "", "what all runs together have used, of what the manifest allows",
     "For each period of the manifest's `budgets`: what is used or set aside, what is allowed, "
     "and\n"
     "until when. Without any, what the journal knows.\n"
     "\n"
     "  seam budgets\n"
     "  seam budgets --json | jq .day.tokens.left",
     store_options, 0, 0, command_budgets},
    {"resume", "RUN | --all", "go on with a run where it was left",
     "Goes on with a run that is not final. With --from it starts a new run instead, from one "
     "that\n"
     "is: finished steps whose agents, contracts and inputs are what they were are taken over; "
     "STEP\n"
     "and what waits for it run again. Before an effect would be passed again it asks: at a "
     "terminal,\n"
     "or by --yes. `seam diff` shows beforehand what would become of each step. STEP is a path: a "
     "step,\n"
     "one of its items (search[3]), a step of its sub-flow (pay/charge, pay[2]/charge).\n"
     "\n"
     "Where a plugin was replaced and its card is not proven to be able to take the old one's "
     "place,\n"
     "the run calls nothing and waits with a question that shows the difference, while others go "
     "on:\n"
     "`seam answer RUN .` approves or denies it, --accept approves beforehand, and a terminal is "
     "asked\n"
     "at once. What does more to the world nobody can approve: that run waits for its own "
     "plugins.\n"
     "\n"
     "  seam resume trip-17\n"
     "  seam resume --all\n"
     "  seam resume trip-17 --from price --flow book-trip.yaml --set max_price=900\n"
     "\n"
     "Exit: as of run, of the runs that were asked for; 4 if nobody allows an effect.",
     resume_options, 0, 1, command_resume},
    {"diff", "RUN [FLOW]", "what would be otherwise with an edited flow, or today's plugins",
     "Holds a run against FLOW (or the flow that it began with) and the plugins that are loaded\n"
     "now: what differs in the flow, in its steps and in the cards of its agents, with the "
     "contract\n"
     "engine's word on each; which finished steps would still be taken over by `seam resume "
     "--from`,\n"
     "and which not and why; which effects would be passed again.\n"
     "\n"
     "  seam diff trip-17\n"
     "  seam diff trip-17 book-trip.yaml --json\n"
     "\n"
     "Exit: 0 nothing is otherwise, 1 something is, 2 usage or a bad file.",
     store_options, 1, 2, command_diff},
    {"replay", "RUN | --all", "decide everything again from the journal, and compare",
     "  seam replay trip-17\n"
     "  seam replay --all\n"
     "\n"
     "Exit: 0 every decision is the same, 1 one differs (it is printed), 2 usage.",
     replay_options, 0, 1, command_replay},
    {"calibrate", "", "reported confidence against what came of it",
     "Follows every answer that came with a confidence to its end: right is what was accepted in "
     "a\n"
     "run that is done, or approved by a person as it was; wrong is what a contract or an assert\n"
     "refused, or a person changed or denied; what nobody knows is counted apart. Prints how "
     "often\n"
     "each agent was right where it said so, with an interval, and what a `confidence.min` would\n"
     "have let through or held up for nothing; and the lowest that keeps the error rate of "
     "--target.\n"
     "\n"
     "  seam calibrate\n"
     "  seam calibrate --agent travel/plan --since 30d --target 0.02",
     calibrate_options, 0, 0, command_calibrate},
    {"verify", "[RUN | --all]", "whether the journal is what was written",
     "Each record has a hash over itself and the one before it. Names of each run the first "
     "record\n"
     "that was changed, is missing or stands in another's place, and texts kept apart from their\n"
     "records that are gone or changed. Who cuts the end off a run together with its head, or "
     "makes\n"
     "all hashes anew, shows only against hashes that were kept elsewhere:\n"
     "\n"
     "  seam verify trip-17\n"
     "  seam verify --heads >heads.txt        keep it where the journal's host cannot write\n"
     "  seam verify --against heads.txt\n"
     "\n"
     "Exit: 0 all is as it was written, 1 something is not (it is named), 2 usage or a bad file.",
     verify_options, 0, 1, command_verify},
    {"validate", "SCHEMA INSTANCE…", "hold JSON or YAML documents to a JSON Schema",
     "Reads 2020-12, 2019-09 and draft-07, as $schema says; nothing is fetched. One of the files "
     "may\n"
     "be -, standard input.\n"
     "\n"
     "  seam validate trip.schema.json trip.json\n"
     "  seam validate --registry schemas --output basic main.yaml - <value.json\n"
     "\n"
     "Exit: 0 all valid, 1 one is not, 2 usage, a bad schema or a file that cannot be read.",
     validate_options, 0, OPERANDS_MAX, command_validate},
    {"contract", "compare|lint|lower FILE…", "compare contracts; what a model's provider takes",
     "compare SUB SUPER: whether every value of one schema is a value of another.\n"
     "Prints PROVEN; REFUTED, with a witness: a value that fits SUB and not SUPER; or UNKNOWN,\n"
     "with the reason. Ask it before a contract is replaced: whoever took the old must take the\n"
     "new. Of two plugins it says whether the second may take the place of the first: it takes\n"
     "every input that the first took, promises no wider outputs, does no more to the world and\n"
     "asks the operator for no more. Nothing of them runs.\n"
     "\n"
     "  seam contract compare new-output.schema.json old-output.schema.json\n"
     "  seam contract compare crm-1.2.so crm-1.3.so\n"
     "\n"
     "lint SCHEMA…: what the provider of a model (--target) refuses in a schema that a model is "
     "to\n"
     "answer by, with the cure, and where and when the rule was read.\n"
     "lower SCHEMA: the nearest schema that the provider takes, on standard output; what it lost,\n"
     "and whether every value of the contract fits it, on standard error. What a keyword said "
     "that\n"
     "the provider refuses stands in the description. Hold the answer to the full contract.\n"
     "\n"
     "  seam contract lint --target anthropic tools/*.json\n"
     "  seam contract lower --target openai answer.schema.json >sent.json\n"
     "\n"
     "Exit: 0 proven, or nothing refused; 1 refuted, or refused; 2 usage or a bad file; 5 unknown.",
     contract_options, 2, OPERANDS_MAX, command_contract},
    {"new", "plugin|flow|agent NAME | ffi", "a plugin, flow or agent to begin with, or signatures",
     "Makes the folder NAME. That of a plugin has an agent, its card and contracts, a manifest, a "
     "flow\n"
     "with fixtures, and a Makefile: it builds, passes its tests and the conformance kit as it "
     "stands.\n"
     "That of a flow calls an agent that comes with Seam. That of an agent declares one in a "
     "manifest: a\n"
     "program, a person, a model, a server. Nothing is written over.\n"
     "`ffi` prints the configuration of the plugin ffi for functions of a C library, pinned by "
     "their\n"
     "prototypes and the library; what it had to guess, it says.\n"
     "\n"
     "  seam new plugin tickets && make -C tickets test verify\n"
     "  seam new plugin tickets --lang rust\n"
     "  seam new flow greeting\n"
     "  seam new agent words --kind exec\n"
     "  seam new ffi --lib libz.so.1 --function crc32 --header zlib.h\n"
     "\n"
     "Exit: 0 made, 2 usage, or the folder is there already or cannot be made.",
     new_options, 1, 2, command_new},
    {"dev", "FILE.so", "reload a plugin whenever it is built, and call its agents by hand",
     "Loads the plugin as `run` would, in its worker and sandbox, and watches the file. After "
     "each\n"
     "build the new library takes the old one's place: what differs in its card is told, and "
     "whether\n"
     "flows that use it would break; level 1 of the conformance kit looks at it; the last call is\n"
     "made again, unless it may change the world. Each call is shown with its input, its output "
     "or\n"
     "complaint, the time it took, and what the agent asked of the host. A plugin that crashes "
     "takes\n"
     "only its worker with it, and stays until it is built anew, whatever `reload` of a manifest "
     "says.\n"
     "\n"
     "The manifest is --manifest, or a seam.yaml that names the file; else the plugin is granted\n"
     "nothing. At the prompt, or on standard input:\n"
     "\n"
     "  call AGENT JSON    call an agent; JSON may be @FILE, and nothing is {}\n"
     "  last               make the last call again\n"
     "  run JSON           run the flow of --flow\n"
     "  agents [AGENT]     what there is to call, with an input for example\n"
     "  cancel             end what is under way; so does Ctrl-C\n"
     "  wait               for scripts: until the library has changed, and is up or refused\n"
     "\n"
     "  seam dev ./tickets.so\n"
     "  seam dev ./tickets.so --flow flow.yaml\n"
     "  echo 'call greet {\"name\": \"Ada\"}' | seam dev ./tickets.so --json\n"
     "\n"
     "Exit: 0; of a script 1 if a call did not end well; 2 usage or a bad file.",
     dev_options, 1, 1, command_dev},
    {"serve", "", "stay, and run the manifest's flows for whoever asks over HTTP",
     "Starts every plugin of the manifest, takes up the runs that were left, and answers HTTP "
     "until\n"
     "SIGTERM or Ctrl-C; then it takes nothing on, finishes what is under way within --drain, and\n"
     "leaves the rest for the next start. GET /openapi.json describes all that it answers. `seam\n"
     "answer`, `cancel`, `show` and the like work beside it, on the same store.\n"
     "\n"
     "Without serve.listen it listens at seam.sock beside the journal, which its owner alone may\n"
     "open. A port of another address than loopback needs serve.tokens.\n"
     "\n"
     "  seam serve --listen 127.0.0.1:7300\n"
     "  curl -sS 127.0.0.1:7300/v1/runs --json '{\"flow\": \"book-trip\", \"input\": {…}}'\n"
     "  curl -sS 127.0.0.1:7300/v1/runs/ID\n"
     "  curl -sSN 127.0.0.1:7300/v1/runs/ID/events -H 'Accept: text/event-stream'\n"
     "\n"
     "Exit: 0 it was told to stop, 1 the journal failed, 2 usage or a bad file, 4 a required "
     "plugin\n"
     "does not come up, or policy refuses to listen there.",
     serve_options, 0, 0, command_serve},
    {"reload", "", "have the server take its manifest as it is now",
     "Plugins that are not what they were are started beside those that run; once all of them are\n"
     "up, calls go to them, and what was sent before ends where it is, within the plugin's "
     "`drain`.\n"
     "It is all or nothing: an error in the manifest, a plugin that does not come up, or a run "
     "that\n"
     "cannot be shown to be served by a new card changes nothing, and is told. SIGHUP, or a "
     "change\n"
     "of the manifest's file, does the same. What has another library or configuration is on\n"
     "probation then; with too many faults it goes back to what it was, by itself.\n"
     "\n"
     "Exit: 0 it was taken, 1 another reload is under way, 2 usage, or no server answers, 4 "
     "refused.",
     reload_options, 0, 0, command_reload},
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);
