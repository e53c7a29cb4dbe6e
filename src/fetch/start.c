/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/start.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>

#include "fetch/inflate.h"

int start_libraries(bool network, struct error *err)
{
        inflate_prepare();
        if (OPENSSL_init_crypto(OPENSSL_INIT_ADD_ALL_DIGESTS, NULL) != 1)
                return error_set(err, EIO, "libcrypto cannot be set up");
        if (network && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return error_set(err, EIO, "libcurl cannot be set up");
        return 0;
}
