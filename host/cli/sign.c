/* SPDX-License-Identifier: Apache-2.0
 *
 * seam plugins keygen, sign and trust: an author signs a library, an operator writes down whose
 * signatures count. Nothing of a plugin runs.
 */
#include "cli/cli_internal.h"
#include "trust/trust.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

static const char *key_file(const struct args *args)
{
    const char *said = args_option(args, "--key");
    return said ? said : "seam.key";
}

/* "alice.key" → "alice.pub" */
static char *public_file(const char *secret)
{
    size_t len = strlen(secret), end = len > 4 && strcmp(secret + len - 4, ".key") == 0 ? 4 : 0;
    return xasprintf("%.*s.pub", (int)(len - end), secret);
}

int plugins_keygen(const struct args *args)
{
    const char *secret = key_file(args);
    AUTO(freep) char *public = public_file(secret);
    char id[KEY_ID_SIZE];
    struct error err;
    if (key_make(secret, public, id, &err) != ERR_OK)
        return report_error(args, &err);
    if (args->json)
        print_json(json_pack("{s:s, s:s, s:s}", "key", id, "secret", secret, "public", public));
    else
        printf("key %s: the secret one is %s, keep it so; give %s to those who run your plugins\n",
               id, secret, public);
    return EXIT_DONE;
}

int plugins_sign(const struct args *args, const char *path)
{
    AUTO(card_freep) struct card *card = NULL;
    struct error err;
    enum error_code code = card_read(path, &card, &err);
    if (code == ERR_OK)
        code = signature_make(card, key_file(args), (int64_t)time(NULL) * 1000, &err);
    if (code != ERR_OK)
        return report_error(args, &err);
    AUTO(freep) char *made = xasprintf("%s.minisig", path);
    if (args->json)
        print_json(json_pack("{s:s, s:s}", "library", path, "signature", made));
    else
        printf("%s is signed: %s goes with it\n", path, made);
    return EXIT_DONE;
}

/* The file's name without folder and ending; NULL = it is no name. */
static char *name_of(const char *file)
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    const char *dot = strrchr(name, '.');
    return xstrndup(name, dot && dot != name ? (size_t)(dot - name) : strlen(name));
}

static bool is_name(const char *name)
{
    return isalpha((unsigned char)name[0]) && strlen(name) < KEY_NAME_SIZE &&
           name[strspn(
               name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.@-")] == '\0';
}

int plugins_trust(const struct args *args, const char *file)
{
    AUTO(manifest_freep) struct manifest *manifest = NULL;
    AUTO(freep) char *path = NULL;
    AUTO(freep)
    char *name = args_option(args, "--name") ? xstrdup(args_option(args, "--name")) : name_of(file);
    char id[KEY_ID_SIZE];
    struct error err;
    if (!is_name(name))
        return complain(EXIT_USAGE, "a key's name is a letter, then letters, digits, \"_\", \".\", "
                                    "\"@\" and \"-\", at most 64 of them: say one by --name");
    enum error_code code = manifest_find(args_option(args, "--manifest"), &path, &err);
    if (code == ERR_OK)
        code = manifest_load(path, &manifest, &err);
    if (code == ERR_OK)
        code =
            keys_trust(manifest, file, name, whoever(args), (int64_t)time(NULL) * 1000, id, &err);
    if (code != ERR_OK)
        return report_error(args, &err);
    if (args->json)
        print_json(json_pack("{s:s, s:s}", "key", id, "name", name));
    else
        printf("what key %s signs is from now on signed by %s\n", id, name);
    return EXIT_DONE;
}
