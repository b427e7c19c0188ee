/* SPDX-License-Identifier: Apache-2.0
 *
 * Every limit of the host that is not the operator's to set, by name. An input that meets one gets
 * an error that names it; nothing grows without one.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define LIMIT_DEPTH             128          /* nesting of any JSON or YAML from outside        */
#define LIMIT_FILE              (16u << 20)  /* a flow, manifest, card or schema file, bytes    */
#define LIMIT_JSON_VALUES       (2u << 20)   /* its values: an object counts 4, an array 2      */
#define LIMIT_PAYLOAD           (8u << 20)   /* an input, output or HTTP body, bytes (default)  */
#define LIMIT_PAYLOAD_MAX       (256u << 20) /* … and the most that an operator may make it    */
#define LIMIT_YAML_NODES        1000000u     /* nodes of a document after aliases are expanded  */
#define LIMIT_YAML_ANCHORS      1000         /* anchors of a document                           */
#define LIMIT_STEPS             2000u        /* steps of a flow                                 */
#define LIMIT_FLOW_FILES        256          /* other flows that one is made of                 */
#define LIMIT_FLOW_DEPTH        8            /* … one within the other, and plans in plans      */
#define LIMIT_PLAN              (1u << 20)   /* a plan that an agent made, bytes                */
#define LIMIT_PLAN_DEPTH        64           /* … and its nesting                               */
#define LIMIT_FINDINGS          1000u        /* findings of one flow that are kept              */
#define LIMIT_SCHEMA_FILES      64           /* files that the schemas of a flow may be made of */
#define LIMIT_ITEMS             100000u      /* items of a for_each                             */
#define LIMIT_EXPRESSION        (64u << 10)  /* bytes of one ${ } expression                    */
#define LIMIT_EXPRESSION_DEPTH  100          /* nesting of one expression                       */
#define LIMIT_EXPRESSION_HEIGHT 1000         /* of its tree: operators in one row count too     */
#define LIMIT_MAPPING_NODES     200000u      /* parts of all the expressions of one mapping     */
#define LIMIT_REFERENCE_PATH    1024u        /* bytes of a path that a reference reports        */
#define LIMIT_EXPRESSION_WORK   10000000u    /* values that one evaluation may touch            */
#define LIMIT_TEXT_RESULT       (8u << 20)   /* a string that an expression makes, bytes        */
#define LIMIT_SCHEMA_NODES      100000u      /* subschemas of one contract                      */
#define LIMIT_REGISTRY_SCHEMAS  10000u       /* documents that schemas may refer to             */
#define LIMIT_REGISTRY_BYTES    (256u << 20) /* … and the files they are read from, together    */
#define LIMIT_SCHEMA_CHAIN      200          /* subschemas that one value passes, one by one    */
#define LIMIT_DYNAMIC_TARGETS   256          /* places that a $dynamicRef may lead to           */
#define LIMIT_PATTERN           (64u << 10)  /* bytes of a regular expression                   */
#define LIMIT_PATTERN_STEPS     2000000u     /* of matching one string                          */
#define LIMIT_PATTERN_HEAP      (16u << 20)  /* bytes that matching one string may take         */
#define LIMIT_CONTRACT_WORK     20000000u    /* subschemas asked about one value and its parts  */
#define LIMIT_CONTRACT_DEPTH    1000         /* … one inside the other                          */
#define LIMIT_VIOLATIONS        32u          /* violations that are reported of one value       */
#define LIMIT_EFFECTS           1000u        /* effects of one attempt                          */
#define LIMIT_NESTED            1000u        /* calls that one task may ask for                 */
#define LIMIT_NESTED_DEPTH      8            /* … one within the other                          */
#define LIMIT_DEFERRALS         50u          /* waits of one task that cost no try              */
#define LIMIT_LOOK_AHEAD        64u          /* who may pass those that wait for budget         */
#define LIMIT_DEFERRAL_MS       86400000     /* the longest that somebody else may make it wait */
#define LIMIT_SPENT             (1ll << 40)  /* tokens, and millionths, of one attempt          */
#define LIMIT_NAME              128u         /* bytes of a name: step, agent, effect, run       */
#define LIMIT_QUESTION          (1u << 20)   /* bytes of what a person is shown                 */
#define LIMIT_LOG_LINE          4096u        /* bytes of one line that a plugin logs            */
#define LIMIT_INLINE            4096u        /* a value in a record; a larger one is kept once  */
#define LIMIT_HELD              (64u << 20)  /* bytes of kept values that a host has at hand    */
#define LIMIT_HELD_IDLE         (256u << 10) /* … when no run has them                          */
#define LIMIT_JOURNAL_WAIT      (64u << 20)  /* bytes of records that wait for the disk         */
#define LIMIT_INBOX             10000u       /* messages that wait for a host to take them      */
#define LIMIT_REQUESTS          16384u       /* HTTP requests under way at once                 */
#define LIMIT_CONNECTIONS       1024         /* HTTP connections at once (default)              */
#define LIMIT_CONNECTIONS_HOST  256          /* … to one host and port (default)                */
#define LIMIT_CONNECTIONS_MAX   65536        /* … and the most that an operator may make them   */
#define LIMIT_CONNECT_MS        30000        /* to resolve a name, connect and greet by TLS     */
#define LIMIT_STREAM_WINDOW     (256u << 10) /* bytes of an answer read as it comes, unread     */
#define LIMIT_STREAM_BYTES      (1ull << 30) /* … and of all of it                              */
#define LIMIT_CALL_STREAMS      16u          /* answers that one call reads as they come        */
#define LIMIT_URL               8192u        /* bytes of a URL                                  */
#define LIMIT_HEADERS           256u         /* headers of one request or answer                */
#define LIMIT_HEADER_BYTES      (64u << 10)  /* bytes of all headers of one request or answer   */

/* Of whoever comes to the server. */
#define LIMIT_CLIENTS          512         /* connections at once                             */
#define LIMIT_CLIENTS_ADDRESS  256         /* … from one address                              */
#define LIMIT_CLIENT_REQUESTS  10000u      /* requests of one connection, then it is closed   */
#define LIMIT_STREAMS          256u        /* connections that follow events                  */
#define LIMIT_CLIENT_HEAD      (32u << 10) /* bytes of a request's head                      */
#define LIMIT_CLIENT_URI       4096u       /* … and of its target                             */
#define LIMIT_CLIENT_BODIES    (64u << 20) /* bytes of bodies that are held, of all together */
#define LIMIT_CLIENT_HEAD_MS   10000       /* from connecting to the end of the head          */
#define LIMIT_CLIENT_IDLE_MS   60000       /* from an answer to the end of the next head      */
#define LIMIT_CLIENT_BODY_MS   60000       /* for a body                                      */
#define LIMIT_CLIENT_ANSWER_MS 120000      /* for taking an answer                            */
#define LIMIT_CLIENT_SILENT_S  60u         /* seconds in which a reader takes nothing         */
#define LIMIT_STREAM_ALIVE_MS  15000       /* between two signs of life of a stream           */
#define LIMIT_STREAM_SAID      (16u << 10) /* bytes of what agents say that wait for a reader */
#define LIMIT_EVENT            (1u << 20)  /* bytes of one event; a larger one is named alone */
#define LIMIT_EVENTS_PAGE      1000        /* events of one page                              */
#define LIMIT_EVENTS_BYTES     (8u << 20)  /* … and their bytes                               */
#define LIMIT_TASKS_PAGE       1000        /* tasks of a run that are shown at once           */
#define LIMIT_EXPLAINED        10000u      /* decisions that are explained at once            */
#define LIMIT_RUNS_PAGE        1000        /* runs of one page                                */
#define LIMIT_TOKENS           100         /* bearer tokens                                   */
#define LIMIT_TOKEN            4096u       /* bytes of one                                    */

#define LIMIT_SECRET            (16u << 10) /* bytes of a secret                               */
#define LIMIT_SECRET_LEAST      4u          /* … and the fewest                                */
#define LIMIT_CALL_SECRETS      100u        /* placeholders of one call                        */
#define LIMIT_SEAL_SECRET_LEAST 32u         /* bytes of one that a key is made of              */

#define LIMIT_STATE_KEY   256u         /* bytes of a key of a plugin's state            */
#define LIMIT_STATE_VALUE (256u << 10) /* … and of a value, as JSON                       */

/* Of a plugin. */
#define LIMIT_LIBRARY            (256u << 20) /* its file, bytes                                 */
#define LIMIT_AGENTS             10000u       /* its agents                                      */
#define LIMIT_CALLS              65536u       /* its calls, under way and in line; a power of 2  */
#define LIMIT_LINE_BYTES         (256u << 20) /* what its calls in line hold                     */
#define LIMIT_READ_AHEAD         64u    /* PURE and READ calls that wait in it, not in the host */
#define LIMIT_PLUGIN_REQUESTS    65536u /* its requests for services under way             */
#define LIMIT_THREADS            256    /* its threads for agents that block               */
#define LIMIT_POOL_STACK         (1u << 20) /* bytes of stack of each                          */
#define LIMIT_LOOP_MS            100        /* a start() on its loop that takes longer blocks  */
#define LIMIT_LINGER_MS          500        /* a start() that goes on after its call has ended */
#define LIMIT_PLUGIN_MEMORY      (2ll << 30) /* its memory, bytes, if neither card nor manifest say */
#define LIMIT_PLUGIN_KERNEL      (16u << 20) /* of its group, for the kernel, bytes            */
#define LIMIT_PLUGIN_TMP         (64u << 20) /* its /tmp, bytes                                */
#define LIMIT_PLUGIN_ROOT        (1u << 20)  /* of its root, bytes, beside its library          */
#define LIMIT_PLUGIN_FILE        (1ll << 30) /* one file that it writes, bytes                 */
#define LIMIT_PLUGIN_PATHS       100         /* paths of files and programs that it is granted  */
#define LIMIT_PLUGIN_DESCRIPTORS 1024        /* its files and sockets                           */
#define LIMIT_PLUGIN_PROCESSES   256         /* its programs and threads of its own             */
#define LIMIT_LOAD_MS            10000       /* from its start to being ready (default)         */
#define LIMIT_DESCRIBE_MS        60000       /* to name the agents of its configuration        */
#define LIMIT_LOG_LINES          1000u       /* lines that it logs in a second                  */
#define LIMIT_LOG_LAST           10          /* … of them, the last are kept for reports        */
#define LIMIT_LOG_LAST_BYTES     256         /* … so much of each                               */
#define LIMIT_LOG_TOLD_MS        5000        /* between two words of what was dropped           */
#define LIMIT_SAID               4096u       /* bytes that a call said and nobody was told yet  */
#define LIMIT_SAID_ALL           (16u << 20) /* … and all calls                                 */
#define LIMIT_SAID_AT_ONCE       (256u << 10) /* … of which so many are told at a time           */
#define LIMIT_OUTPUT             (1u << 20) /* bytes that it prints in LIMIT_OUTPUT_MS, then … */
#define LIMIT_OUTPUT_MS          100        /* … it waits until that is over                   */
#define LIMIT_EMIT_BACKLOG                                                                         \
    (1u << 20)                            /* bytes not yet read, past which chunks and lines       \
                                             are dropped                                     */
#define LIMIT_REQUEST_BACKLOG (64u << 20) /* … and past which requests are refused           */
#define LIMIT_SEND_BACKLOG    (16u << 20) /* bytes it has not read, past which calls wait    */

/* ---- a case of `seam test` that is killed at every edge ---- */
#define LIMIT_SECOND_KILLS 120u /* of hosts that take it up, tried of all that there are */

#endif
