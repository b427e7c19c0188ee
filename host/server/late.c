/* SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd, when a server wants it: it brings GnuTLS and a dozen other libraries along, and no
 * other command should wait for them to be loaded. So it is not linked: the functions that this
 * room calls stand here under their own names, checked by its own header, and pass on to the
 * library. One of them is for the library itself: see MHD_queue_response.
 */
#include "server/server_internal.h"

#include "base/late.h"

#include <stdarg.h>

#define FUNCTIONS(X)                                                                               \
    X(MHD_add_connection)                                                                          \
    X(MHD_add_response_header)                                                                     \
    X(MHD_create_response_from_buffer)                                                             \
    X(MHD_create_response_from_callback)                                                           \
    X(MHD_destroy_response)                                                                        \
    X(MHD_get_connection_info)                                                                     \
    X(MHD_get_connection_values_n)                                                                 \
    X(MHD_get_daemon_info)                                                                         \
    X(MHD_get_timeout)                                                                             \
    X(MHD_queue_response)                                                                          \
    X(MHD_resume_connection)                                                                       \
    X(MHD_run)                                                                                     \
    X(MHD_start_daemon)                                                                            \
    X(MHD_stop_daemon)                                                                             \
    X(MHD_suspend_connection)

static struct {
#define X(name) __typeof__(name) *name;
    FUNCTIONS(X)
#undef X
    bool loaded;
} late;

enum error_code http_late_load(struct error *reterr)
{
    static const struct late_library library = {"libmicrohttpd.so.12", "serve needs libmicrohttpd",
                                                "0.9.75"};
    const struct late_function all[] = {
#define X(name) {#name, &late.name},
        FUNCTIONS(X)
#undef X
    };
    if (late.loaded)
        return ERR_OK;
    enum error_code code = late_open(&library, all, sizeof(all) / sizeof(all[0]), reterr);
    late.loaded = code == ERR_OK;
    return code;
}

/* ---- more arguments ---- */

/* Of its options, one: an array that holds the others. */
struct MHD_Daemon *MHD_start_daemon(unsigned int flags, uint16_t port, MHD_AcceptPolicyCallback apc,
                                    void *apc_cls, MHD_AccessHandlerCallback dh, void *dh_cls, ...)
{
    va_list options;
    va_start(options, dh_cls);
    enum MHD_OPTION option = va_arg(options, enum MHD_OPTION);
    struct MHD_OptionItem *items = va_arg(options, struct MHD_OptionItem *);
    va_end(options);
    ASSERT(option == MHD_OPTION_ARRAY);
    return late.MHD_start_daemon(flags, port, apc, apc_cls, dh, dh_cls, option, items,
                                 MHD_OPTION_END);
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
                                                        enum MHD_ConnectionInfoType info_type, ...)
{
    return late.MHD_get_connection_info(connection, info_type);
}

const union MHD_DaemonInfo *MHD_get_daemon_info(struct MHD_Daemon *daemon,
                                                enum MHD_DaemonInfoType info_type, ...)
{
    return late.MHD_get_daemon_info(daemon, info_type);
}

/* ---- the others ---- */

enum MHD_Result MHD_add_connection(struct MHD_Daemon *daemon, MHD_socket client_socket,
                                   const struct sockaddr *addr, socklen_t addrlen)
{
    return late.MHD_add_connection(daemon, client_socket, addr, addrlen);
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *response, const char *header,
                                        const char *content)
{
    return late.MHD_add_response_header(response, header, content);
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer,
                                                     enum MHD_ResponseMemoryMode mode)
{
    return late.MHD_create_response_from_buffer(size, buffer, mode);
}

struct MHD_Response *MHD_create_response_from_callback(uint64_t size, size_t block_size,
                                                       MHD_ContentReaderCallback crc, void *crc_cls,
                                                       MHD_ContentReaderFreeCallback crfc)
{
    return late.MHD_create_response_from_callback(size, block_size, crc, crc_cls, crfc);
}

void MHD_destroy_response(struct MHD_Response *response)
{
    late.MHD_destroy_response(response);
}

int MHD_get_connection_values_n(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                MHD_KeyValueIteratorN iterator, void *iterator_cls)
{
    return late.MHD_get_connection_values_n(connection, kind, iterator, iterator_cls);
}

enum MHD_Result MHD_get_timeout(struct MHD_Daemon *daemon, MHD_UNSIGNED_LONG_LONG *timeout)
{
    return late.MHD_get_timeout(daemon, timeout);
}

enum MHD_Result http_queue(struct MHD_Connection *connection, unsigned status,
                           struct MHD_Response *response)
{
    return late.MHD_queue_response(connection, status, response);
}

/* Nobody here calls it: libmicrohttpd itself does, for the program exports this name, and is asked
 * before it. What it says of requests that it does not take is HTML, and of some of them it says
 * the head twice; so it is said here as all is, and libmicrohttpd closes the connection. */
__attribute__((visibility("default"))) enum MHD_Result
MHD_queue_response(struct MHD_Connection *connection, unsigned int status_code,
                   struct MHD_Response *response)
{
    if (http_refuse(connection, status_code))
        return MHD_NO;
    return late.MHD_queue_response(connection, status_code, response);
}

void MHD_resume_connection(struct MHD_Connection *connection)
{
    late.MHD_resume_connection(connection);
}

enum MHD_Result MHD_run(struct MHD_Daemon *daemon)
{
    return late.MHD_run(daemon);
}

void MHD_stop_daemon(struct MHD_Daemon *daemon)
{
    late.MHD_stop_daemon(daemon);
}

void MHD_suspend_connection(struct MHD_Connection *connection)
{
    late.MHD_suspend_connection(connection);
}
