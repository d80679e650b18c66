// Included by extmod/modos.c. Seeded by the clock alone: good for tests, not for secrets.
#include "py/mphal.h"

static mp_obj_t mp_os_urandom(mp_obj_t num) {
    static uint32_t x;
    vstr_t vstr;
    size_t n = mp_obj_get_int(num);
    vstr_init_len(&vstr, n);
    if (x == 0) {
        x = mp_hal_ticks_cpu() * 2654435761u | 1;
    }
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        vstr.buf[i] = x >> 11;
    }
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
