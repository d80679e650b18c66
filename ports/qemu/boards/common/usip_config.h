// Stands in for mpconfigport.h, through -DMP_CONFIGFILE.
#include "mpconfigport.h"

#undef MICROPY_PY_TIME
#undef MICROPY_PY_SELECT
#undef MICROPY_PY_ASYNCIO
#undef MICROPY_PY_SYS_STDIO_BUFFER
#define MICROPY_PY_TIME                 (1)
#define MICROPY_PY_TIME_TIME_TIME_NS    (1)
#define MICROPY_PY_TIME_INCLUDEFILE     "usip_modtime.c"
#define MICROPY_PY_SELECT               (1)
#define MICROPY_PY_ASYNCIO              (1)
#define MICROPY_PY_SYS_STDIO_BUFFER     (1)
#define MICROPY_PY_OS_URANDOM           (1)
#define MICROPY_PY_OS_INCLUDEFILE       "usip_modos.c"

// hashlib takes md5 and sha1 from a TLS library only. Debian's source has none, so that axTLS' few
// functions for them are ours (lib/axtls/crypto/crypto.h, modules/hal/digests.c). There is no tls.
#define MICROPY_SSL_AXTLS               (1)
#define MICROPY_PY_HASHLIB_MD5          (1)
#define MICROPY_PY_HASHLIB_SHA1         (1)

#define MICROPY_INTERNAL_WFE(TIMEOUT_MS) do { extern void usip_wfe(void); usip_wfe(); } while (0)

// Ctrl-C: without an interrupt of the UART someone has to look.
#define MICROPY_VM_HOOK_COUNT           (256)
#define MICROPY_VM_HOOK_INIT static unsigned int vm_hook_n = MICROPY_VM_HOOK_COUNT;
#define MICROPY_VM_HOOK_LOOP \
    if (--vm_hook_n == 0) { \
        extern void usip_poll_stdin(void); \
        vm_hook_n = MICROPY_VM_HOOK_COUNT; \
        usip_poll_stdin(); \
    }
