#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Models as agents, against a server that says what it is told: what each provider is sent, what
# each fault becomes, what is counted, and what a refused answer is told.

# shellcheck source=SCRIPTDIR/stage.sh
source "$(dirname "$0")/stage.sh"
command -v node >/dev/null || { echo "skipped: there is no node for the scripted model"; exit 77; }

exec {model}< <(exec setpriv --pdeathsig KILL node "$SOURCE/tests/system/model.mjs")
read -r _ PORT <&"$model" || die "the scripted model did not start"
URL=http://127.0.0.1:$PORT
echo 'sesame-4711' >key
chmod 600 key

# declare JSON: the models of models.json, with what is the same in all tests.
declare_agents() {
    jq -n --arg url "$URL/v1" "{
        defaults: {provider: \"openai-compatible\", base_url: \$url, api_key: \"key\", model: \"small\"},
        agents: $1}" >models.json
    cat >seam.yaml <<YAML
manifest: 1
store: {url: "sqlite:journal.db"}
currency: EUR
secrets: {key: {file: key}}
plugins:
  p:
    path: "$PLUGINS/llm.so"
    config_file: models.json
    grants:
      http: [{scheme: http, host: 127.0.0.1, port: $PORT, methods: [POST], reads: ["POST /v1/*"], private: true}]
      secrets: [key]
      agents: [q/act]
  q: {path: "$SINS/echo.so"}
YAML
}

# says_next JSON: the answers to come, a list.
says_next() { jq -nc "$1" | curl -sS -o /dev/null -X POST "$URL/_script" -d @-; }

# ask EXIT [INPUT]: one run of agent `judge`, from nothing.
ask() {
    local expected=$1
    one_step judge
    sed -i 's/retry: .*/retry: {max_attempts: 2, initial_interval: 10ms, retry_on: [unavailable, rate_limited, timeout, contract]}/' one.yaml
    [ -z "${RETRY:-}" ] || sed -i "s/retry: .*/retry: $RETRY/" one.yaml
    sed -i "s/start_to_close: 1s/start_to_close: ${TIMEOUT:-5s}/" one.yaml
    jq -nc "${2:-{question: \"how\"\}}" >input.json
    rm -f journal.db*
    try "$expected" seam run one.yaml --input input.json --id r
    cp out answer
    curl -sS "$URL/_seen" >seen
}
saw() { jq -e "$1" seen >/dev/null || die "the model did not see: $1: $(head -c 1500 seen)"; }

# chat TEXT [REASON]: an answer of chat completions.
CHAT='def chat(t; r): {json: {choices: [{message: {role: "assistant", content: t}, finish_reason: r}],
    usage: {prompt_tokens: 11, completion_tokens: 7}}}; def chat(t): chat(t; "stop");'
VERDICT='{type: "object", properties: {label: {enum: ["bug", "wish"]}, note: {type: "string"}},
    required: ["label"], additionalProperties: false}'
JUDGE="{name: \"judge\", summary: \"Judges\", system: \"You judge.\", output: $VERDICT,
    prompt: \"Of \${ .input.question } and \${ .input.list.1 }: \$\${ .input } \${ .input.none }.\",
    cost: {input: \"10\", output: \"20\"}, parameters: {max_tokens: 50, temperature: 0.5, seed: 7, stop: [\"END\"]}}"

claim "a declaration is an agent, with its contract, and pinned"
declare_agents "[$JUDGE]"
try 0 seam plugins
says out 'p/judge' 'read' 'ready'
try 0 seam plugins inspect p --manifest seam.yaml
holds '.agents[0].output.properties.label.enum == ["bug", "wish"] and .agents[0].effect == "read"'

claim "the model is asked as it was declared, and its answer is the output"
says_next "$CHAT [chat(\"{\\\"label\\\": \\\"bug\\\"}\")]"
ask 0 '{question: "a \"b\"", list: [1, {c: 2}]}'
jq -e '. == {label: "bug"}' answer >/dev/null || die "the output"
saw '.[0].path == "/v1/chat/completions" and .[0].headers.authorization == "Bearer sesame-4711"'
saw '.[0].body | .model == "small" and .max_tokens == 50 and .temperature == 0.5 and .seed == 7 and .stop == ["END"]'
saw '.[0].body.messages == [{role: "system", content: "You judge."},
    {role: "user", content: "Of a \"b\" and {\"c\":2}: ${ .input } ."}]'

claim "the journal has a keyed hash of what the model was told, and the text only where that is wanted"
prompt() { sqlite3 journal.db "SELECT body FROM events WHERE kind='reserve-asked' AND run='$1'" | jq -c .event.prompt; }
again() {
    says_next "$CHAT [chat(\"{\\\"label\\\": \\\"bug\\\"}\")]"
    try 0 seam run one.yaml --input input.json --id "$1"
}
first=$(prompt r)
again r2
[ "$(prompt r2)" = "$first" ] || die "the same prompt has another hash"
try 0 seam explain r --json
holds "[.. | objects | .prompt? // empty] == [$first]"
[ "$(stat -c %a journal.db.prompts)" = 600 ] || die "others may read the key"
rm journal.db.prompts
echo 'prompts: text' >>seam.yaml
again r3
prompt r3 | jq -e --argjson first "$first" \
    '(.text | fromjson.messages[0].content == "You judge.") and .bytes == $first.bytes and .hash != $first.hash' >/dev/null ||
    die "the text: $(prompt r3)"
lacks journal.db sesame
try 0 seam replay r3
saw '.[0].body.response_format.json_schema | .strict and .schema.properties.label.enum == ["bug", "wish"]'
sqlite3 journal.db .dump >dump
lacks dump sesame-4711
try 0 seam show r --json
jq -e '[.. | objects | select(.tokens? == 18)] | length > 0' out >/dev/null || die "the tokens: $(cat out)"
jq -e '[.. | objects | select(.cost? == "0.00025")] | length > 0' out >/dev/null || die "the cost: $(cat out)"

claim "an answer that breaks the contract is told to the model, which may mend it"
says_next "$CHAT [chat(\"{\\\"label\\\": \\\"fish\\\"}\"), chat(\"{\\\"label\\\": \\\"wish\\\"}\")]"
ask 0
jq -e '.label == "wish"' answer >/dev/null || die "the output"
saw '.[1].body.messages | length == 4 and .[2].role == "assistant" and .[2].content == "{\"label\":\"fish\"}"
    and (.[3].content | contains("refused") and contains("label"))'

claim "words and fences around the JSON are no harm, and what is no JSON is refused in words"
says_next "$CHAT [chat(\"Sure!\\n\`\`\`json\\n{\\\"label\\\": \\\"bug\\\"}\\n\`\`\`\")]"
ask 0
says_next "$CHAT [chat(\"I cannot say\"), chat(\"{\\\"label\\\": \\\"bug\\\"}\")]"
ask 0
saw '.[1].body.messages[2].content == "\"I cannot say\""'

# fault CODE SCRIPT: the run ends with this code; it is one that another try could not mend.
fault() {
    says_next "$CHAT $2"
    RETRY='{max_attempts: 1}' ask 1
    try 0 seam show r --json
    grep -qF "\"$1\"" out || die "the code is not $1: $(cat out answer)"
}

claim "each fault has its code"
fault llm.rate-limited '[{status: 429, headers: {"retry-after": "1"}, json: {error: {message: "slow down"}}}]'
says out 'slow down'
fault llm.quota '[{status: 429, json: {error: {message: "pay", code: "insufficient_quota"}}}]'
fault llm.unavailable '[{status: 503, text: "<html>"}]'
fault llm.denied '[{status: 401, json: {error: {message: "who are you"}}}]'
fault llm.too-long '[{status: 400, json: {error: {message: "too many", code: "context_length_exceeded"}}}]'
fault llm.refused '[{status: 404, json: {error: "model \"small\" not found"}}]'
fault llm.cut-off '[{text: "{\"choices\": [", cut: true}]'
fault llm.malformed '[{text: "{\"choices\": [{\"mess"}]'
fault llm.malformed '[{json: {choices: []}}]'
fault llm.empty '[chat("")]'
fault llm.max-tokens '[chat("{\"lab"; "length")]'
fault llm.filtered '[chat(""; "content_filter")]'
fault llm.refusal '[{json: {choices: [{message: {content: null, refusal: "I will not"}, finish_reason: "stop"}]}}]'
says out 'I will not'
TIMEOUT=300ms fault timeout '[{stall: true}]'

claim "what may pass is tried again, no sooner than was asked for"
says_next "$CHAT [{status: 429, headers: {\"retry-after\": \"1\"}, json: {}}, chat(\"{\\\"label\\\": \\\"bug\\\"}\")]"
ask 0
saw 'length == 2'
try 0 seam explain r --json
holds '[.[] | select(.decision.rule == "rate-limited-wait") | .decision.due_ms - .at_ms >= 1000] == [true]'

# ---- the other providers, streams, tools, samples ----

# judge MORE: the agent with these members besides.
judge() { declare_agents "[$JUDGE + $1]"; }
BUG='"{\"label\": \"bug\"}"'

claim "a schema is lowered to what its provider takes, and what that added is taken out again"
judge '{provider: "openai"}'
says_next "$CHAT [chat(\"{\\\"label\\\": \\\"bug\\\", \\\"note\\\": null}\")]"
ask 0
jq -e '. == {label: "bug"}' answer >/dev/null || die "the null is still there: $(cat answer)"
saw '.[0].body | .max_completion_tokens == 50 and .response_format.json_schema.schema.required == ["label", "note"]'

claim "without the provider's help the model is told the schema"
judge '{structured: "instruct"}'
says_next "$CHAT [chat($BUG)]"
ask 0
saw '.[0].body | .response_format == null and (.messages[0].content | contains("\"enum\""))'

claim "OpenAI Responses"
judge '{provider: "openai-responses"}'
RESPONSE="{status: \"completed\", output: [{type: \"reasoning\"}, {type: \"message\", content: [{type: \"output_text\", text: $BUG}]}],
    usage: {input_tokens: 11, output_tokens: 7}}"
says_next "[{json: $RESPONSE}]"
ask 0
saw '.[0] | .path == "/v1/responses" and .body.instructions == "You judge." and .body.max_output_tokens == 50
    and .body.store == false and .body.text.format.type == "json_schema" and .body.input[0].role == "user"'
fault llm.max-tokens '[{json: {status: "incomplete", incomplete_details: {reason: "max_output_tokens"}, output: []}}]'
fault llm.filtered '[{json: {status: "incomplete", incomplete_details: {reason: "content_filter"}, output: []}}]'
fault llm.refusal '[{json: {status: "completed", output: [{type: "message", content: [{type: "refusal", refusal: "no"}]}]}}]'
fault llm.unavailable '[{json: {status: "failed", error: {message: "broken"}}}]'
judge '{provider: "openai-responses", stream: true}'
says_next "[{events: [{type: \"response.output_text.delta\", delta: \"{\"}, {type: \"response.completed\", response: $RESPONSE}]}]"
ask 0
fault llm.cut-off '[{events: [{type: "response.output_text.delta", delta: "{"}]}]'

claim "Anthropic Messages"
judge '{provider: "anthropic"}'
says_next "[{json: {content: [{type: \"text\", text: $BUG}], stop_reason: \"end_turn\", usage: {input_tokens: 4, cache_read_input_tokens: 7, output_tokens: 7}}}]"
ask 0
saw '.[0] | .path == "/v1/messages" and .headers["x-api-key"] == "sesame-4711" and .headers["anthropic-version"] == "2023-06-01"
    and .body.system == "You judge." and .body.output_config.format.type == "json_schema" and .body.stop_sequences == ["END"]'
try 0 seam show r --json
jq -e '[.. | objects | select(.tokens? == 18)] | length > 0' out >/dev/null || die "the tokens of a cache count"
fault llm.max-tokens '[{json: {content: [], stop_reason: "max_tokens"}}]'
fault llm.refusal '[{json: {content: [], stop_reason: "refusal"}}]'
fault llm.too-long '[{json: {content: [], stop_reason: "model_context_window_exceeded"}}]'
fault llm.unavailable '[{status: 529, json: {type: "error", error: {type: "overloaded_error", message: "busy"}}}]'
judge '{provider: "anthropic", stream: true}'
STREAM='{type: "message_start", message: {usage: {input_tokens: 11, output_tokens: 1}}},
    {type: "content_block_start", index: 0, content_block: {type: "text", text: ""}},
    {type: "content_block_delta", index: 0, delta: {type: "text_delta", text: "{\"label\": "}},
    {type: "content_block_delta", index: 0, delta: {type: "text_delta", text: "\"bug\"}"}}'
says_next "[{events: [$STREAM, {type: \"message_delta\", delta: {stop_reason: \"end_turn\"}, usage: {output_tokens: 7}}, {type: \"message_stop\"}]}]"
ask 0
fault llm.cut-off "[{events: [$STREAM]}]"
fault llm.unavailable "[{events: [$STREAM, {type: \"error\", error: {type: \"overloaded_error\", message: \"busy\"}}]}]"

claim "a stream is read as it comes; one that ends before its end is no answer"
judge '{stream: true}'
PIECE='def piece(t): {choices: [{index: 0, delta: {content: t}}]}; def last(r): {choices: [{index: 0, delta: {}, finish_reason: r}]};'
USAGE='{choices: [], usage: {prompt_tokens: 11, completion_tokens: 7}}'
says_next "$PIECE [{events: [piece(\"{\\\"label\\\"\"), piece(\": \\\"bug\\\"}\"), last(\"stop\"), $USAGE, \"[DONE]\"]}]"
ask 0
jq -e '.label == "bug"' answer >/dev/null || die "the output"
saw '.[0].body.stream and .[0].body.stream_options.include_usage'
try 0 seam show r --json
jq -e '[.. | objects | select(.tokens? == 18)] | length > 0' out >/dev/null || die "the tokens of the stream"
fault llm.cut-off "$PIECE [{events: [piece(\"{\"), \"[DONE]\"]}]"
fault llm.cut-off "$PIECE [{events: [piece(\"{\")], cut: true}]"
fault llm.max-tokens "$PIECE [{events: [piece(\"{\"), last(\"length\"), \"[DONE]\"]}]"
fault llm.unavailable "$PIECE [{events: [piece(\"{\"), {error: {message: \"gone\"}}]}]"
fault llm.rate-limited '[{status: 429, json: {error: {message: "slow down"}}}]'
says out 'slow down'
fault llm.cut-off '[{text: "not a stream"}]'

claim "bytes that are no text, answers without measure and events that are no JSON end the call, and only it"
fault llm.malformed "[{base64: \"$(printf 'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n' | base64 -w0)\"}]"
fault llm.malformed '[{events: ["{\"choices\": [", "[DONE]"]}]'
fault llm.too-much "$PIECE [{events: [piece(\"x\" * 65536), \"[DONE]\"], repeat: 80}]"
judge '{}'
fault llm.malformed "[{base64: \"$(printf '{"choices":[{"message":{"content":"\xff"}}]}' | base64 -w0)\"}]"
fault contract "$CHAT [chat(\"[\" * 500)]"
fault contract "$CHAT [chat(\"{\\\"label\\\": \\\"bug\\\", \\\"label\\\": \\\"wish\\\"}\")]"
says_next "$CHAT [chat($BUG)]"
ask 0

claim "answers that are whole are taken as servers give them: in parts, with thoughts, without a reason, unstreamed"
PARTS="[{type: \"thinking\", thinking: [{text: \"{}\"}]}, {type: \"text\", text: \"<think>{bug}?</think> \"}, {type: \"text\", text: $BUG}]"
judge '{stream: true, cost: {input: 10, output: 20.5}}'
says_next "[{json: {choices: [{message: {content: $PARTS}}], usage: {prompt_tokens: 11, completion_tokens: 7}}}]"
ask 0
try 0 seam show r --json
jq -e '[.. | objects | select(.cost? == "0.000254")] | length > 0' out >/dev/null || die "the cost: $(cat out)"
fault llm.unavailable '[{json: {error: {message: "it is loading"}}}]'
says out 'it is loading'
judge '{}'

claim "the model may ask agents that were declared and granted, and no others, in so many rounds"
TOOLS='tools: [{agent: "q/act", name: "echo", description: "Says it again", input: {type: "object"}},
    {agent: "q/other", name: "other", description: "Not granted", input: {type: "object"}}]'
judge "{rounds: 2, $TOOLS}"
ASKS='def asks(n; a): {json: {choices: [{message: {content: null, tool_calls: [{id: "c1", type: "function", function: {name: n, arguments: a}}]}, finish_reason: "tool_calls"}], usage: {prompt_tokens: 11, completion_tokens: 7}}};'
says_next "$CHAT $ASKS [asks(\"echo\"; \"{\\\"a\\\": 1}\"), chat($BUG)]"
ask 0
saw '.[0].body.tools[0].function | .name == "echo" and .description == "Says it again"'
saw '.[1].body.messages | .[2].tool_calls[0].id == "c1" and .[3].role == "tool" and .[3].tool_call_id == "c1"
    and (.[3].content | fromjson) == {a: 1}'
for asked in 'asks("rm"; "{}")' 'asks("echo\u0000"; "{}")' 'asks("echo\n"; "{}")' 'asks("other"; "{}")' 'asks("echo"; "{")'; do
    says_next "$CHAT $ASKS [$asked, chat($BUG)]"
    ask 0
    saw '.[1].body.messages[3].content | contains("no such tool") or contains("failed")'
done
fault llm.rounds "$ASKS [asks(\"echo\"; \"{}\")]"
saw 'length == 3'
judge "{rounds: 2, stream: true, $TOOLS}"
CALL='def call(i; a): {choices: [{delta: {tool_calls: [{id: i, function: {name: "echo", arguments: a}}]}}]};'
says_next "$PIECE $CALL [{events: [call(\"c1\"; {a: 1}), call(\"c2\"; \"{}\"), last(\"tool_calls\")]},
    {events: [piece($BUG), last(\"stop\")]}]"
ask 0
saw '.[1].body.messages | (.[2].tool_calls | map(.id)) == ["c1", "c2"] and (.[3].content | fromjson) == {a: 1}'
judge "{provider: \"anthropic\", $TOOLS}"
says_next "[{json: {content: [{type: \"text\", text: \"Let me see\"}, {type: \"tool_use\", id: \"t1\", name: \"echo\", input: {a: 1}}], stop_reason: \"tool_use\"}},
    {json: {content: [{type: \"text\", text: $BUG}], stop_reason: \"end_turn\"}}]"
ask 0
saw '.[1].body.messages | .[1].content[1].input == {a: 1} and .[2].role == "user" and .[2].content[0].tool_use_id == "t1"'
judge "{provider: \"openai-responses\", $TOOLS}"
says_next "[{json: {status: \"completed\", output: [{type: \"function_call\", call_id: \"f1\", name: \"echo\", arguments: \"{}\"}]}}, {json: $RESPONSE}]"
ask 0
saw '.[1].body.input | .[1].type == "function_call" and .[2] == {type: "function_call_output", call_id: "f1", output: "{}"}'

claim "the confidence is the share of the samples that agree"
SURE="{type: \"object\", properties: {label: {type: \"string\"}, sure: {type: \"number\", minimum: 0, maximum: 1}}, required: [\"label\", \"sure\"], additionalProperties: false}"
judge "{output: $SURE, confidence: \"/sure\", samples: 4}"
says_next "$CHAT [chat(\"{\\\"label\\\": \\\"b\\\", \\\"sure\\\": 1}\"), chat(\"{\\\"label\\\": \\\"a\\\", \\\"sure\\\": 0.9}\"), chat(\"{\\\"sure\\\": 0.2, \\\"label\\\": \\\"a\\\"}\")]"
ask 0
jq -e '. == {label: "a", sure: 0.75}' answer >/dev/null || die "the agreement: $(cat answer)"
saw 'length == 4'

claim "a question that is longer than is kept of it is not asked"
judge '{}'
says_next "$CHAT [chat($BUG)]"
ask 1 '{question: ("x" * 4400000)}'
says err 'longer than is kept of it'
saw 'length == 0'

claim "what is not in the budget is not asked"
says_next "$CHAT [chat($BUG)]"
one_step judge
echo '{"question": "how"}' >input.json
sed -i 's/time: 1m/time: 1m, tokens: 60/' one.yaml
rm -f journal.db*
try 1 seam run one.yaml --input input.json --id r
curl -sS "$URL/_seen" >seen
saw 'length == 0'

claim "a declaration that cannot be is refused with its name"
judge '{prompt: "Of ${ .steps.x }"}'
try 1 seam plugins
says out 'agent `judge`' '.input.a.b'
judge '{samples: 3}'
try 1 seam plugins
says out 'wants `confidence`'
