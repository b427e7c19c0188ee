/* SPDX-License-Identifier: Apache-2.0
 *
 * Every limit of the host that is not the operator's to set, by name. An input that meets one gets
 * an error that names it; nothing grows without one.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define LIMIT_DEPTH            128         /* nesting of any JSON or YAML from outside        */
#define LIMIT_FILE             (16u << 20) /* a flow, manifest, card or schema file, bytes    */
#define LIMIT_PAYLOAD          (8u << 20)  /* an input, output or HTTP body, bytes (default)  */
#define LIMIT_YAML_NODES       1000000u    /* nodes of a document after aliases are expanded  */
#define LIMIT_YAML_ANCHORS     1000        /* anchors of a document                           */
#define LIMIT_STEPS            2000u       /* steps of a flow                                 */
#define LIMIT_ITEMS            100000u     /* items of a for_each                             */
#define LIMIT_EXPRESSION       (64u << 10) /* bytes of one ${ } expression                    */
#define LIMIT_EXPRESSION_DEPTH 100         /* nesting of one expression                       */
#define LIMIT_EXPRESSION_WORK  10000000u   /* values that one evaluation may touch            */
#define LIMIT_TEXT_RESULT      (8u << 20)  /* a string that an expression makes, bytes        */
#define LIMIT_SCHEMA_NODES     100000u     /* subschemas of one contract                      */
#define LIMIT_VIOLATIONS       32u         /* violations that are reported of one value       */
#define LIMIT_EFFECTS          1000u       /* effects of one attempt                          */
#define LIMIT_NAME             128u        /* bytes of a name: step, agent, effect, run       */
#define LIMIT_QUESTION         (1u << 20)  /* bytes of what a person is shown                 */
#define LIMIT_LOG_LINE         4096u       /* bytes of one line that a plugin logs            */
#define LIMIT_REQUESTS         4096u       /* HTTP requests under way at once                 */
#define LIMIT_CONNECTIONS      128         /* HTTP connections at once                        */
#define LIMIT_CONNECTIONS_HOST 32          /* HTTP connections to one host and port           */
#define LIMIT_CONNECT_MS       30000       /* to resolve a name, connect and greet by TLS     */
#define LIMIT_URL              8192u       /* bytes of a URL                                  */
#define LIMIT_HEADERS          256u        /* headers of one request or answer                */
#define LIMIT_HEADER_BYTES     (64u << 10) /* bytes of all headers of one request or answer   */

#endif
