// SPDX-License-Identifier: Apache-2.0
//
// The agents of this plugin. Input has been checked against its schema when start() sees it, and
// output is checked against its own afterwards; seam/sdk.h has the helpers. No exception may leave
// start(): the host is not C++.
#include <seam/sdk.h>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

// The string at a place of a JSON value.
std::string text_at(seam_bytes json, const char *pointer)
{
    std::size_t length = 0;
    std::unique_ptr<char, decltype(&std::free)> text(
        seam_json_text(seam_json_at(json, pointer), &length), &std::free);
    if (!text)
        throw std::runtime_error(std::string("there is no text at ") + pointer);
    return std::string(text.get(), length);
}

// JSON that is written, and freed when it goes out of scope.
class Output {
public:
    Output() { seam_put_object(&writer_, nullptr); }
    ~Output() { seam_writer_done(&writer_); }
    Output(const Output &) = delete;
    Output &operator=(const Output &) = delete;

    void text(const char *key, const std::string &value)
    {
        seam_put_string(&writer_, key, seam_bytes{value.data(), value.size()});
    }
    seam_bytes finish()
    {
        seam_put_end(&writer_);
        return seam_written(&writer_);
    }

private:
    seam_writer writer_ = SEAM_WRITER;
};

void greet(const seam_host *host, const seam_call *call)
{
    Output output;
    output.text("greeting", "Hello, " + text_at(call->input, "/name") + "!");
    seam_complete_ok(host, call->id, SEAM_EFFECT_NONE, output.finish());
}

seam_status start(void *self, const seam_call *call)
{
    auto host = static_cast<const seam_host *>(self);
    try {
        greet(host, call);
    } catch (const std::exception &e) {
        return seam_complete_error(host, call->id, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "", e.what());
    } catch (...) {
        return seam_complete_error(host, call->id, SEAM_E_INTERNAL, SEAM_EFFECT_NONE, "",
                                   "an exception that says nothing");
    }
    return SEAM_OK;
}

const seam_agent greet_agent = SEAM_AGENT("greet", SEAM_PURE, 0);
const seam_agent *const agents[] = {&greet_agent, nullptr};

} // namespace

SEAM_PLUGIN("org.example.@NAME@", "0.1.0", agents, start)
