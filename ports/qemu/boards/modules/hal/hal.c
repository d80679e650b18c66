// What MicroPython's qemu port lacks: a clock, stdin that can be polled, Ctrl-C, and waiting
// without spinning; and semihosting for the port's files.
#include "py/runtime.h"
#include "py/mphal.h"
#include "py/stream.h"
#include "shared/runtime/interrupt_char.h"
#include "ports/qemu/uart.h"

#define REG32(a) (*(volatile uint32_t *)(a))
#define REG8(a) (*(volatile uint8_t *)(a))

#if defined(QEMU_SOC_MPS2)

#define HZ 25000000u
#define UART0 0x40004000

// FPGAIO has a counter at 100 Hz and one at 25 MHz, both from reset. The fast one alone wraps after
// three minutes; the slow one says how often it did.
static uint64_t now(void) {
    uint64_t base = (uint64_t)REG32(0x40028014) * (HZ / 100);
    return base + (int32_t)(REG32(0x40028018) - (uint32_t)base);
}

void usip_wfe(void) {
    static bool ready;
    if (!ready) {
        ready = true;
        __asm volatile ("cpsid i");     // nothing traps; a pending interrupt ends WFI all the same
        REG32(0xe000e014) = HZ / 1000 - 1;
        REG32(0xe000e018) = 0;
        REG32(0xe000e010) = 7;          // SysTick: 1 ms, interrupt
        REG32(UART0 + 8) = 3 | 8;       // its receive interrupt
        REG32(0xe000e100) = 1 << 0;
    }
    if (!(REG32(UART0 + 4) & 2)) {
        __asm volatile ("wfi");
    }
    REG32(UART0 + 12) = 2;
    REG32(0xe000e280) = 1 << 0;
    REG32(0xe000ed04) = 1 << 25;        // SysTick no longer pending
}

#elif defined(QEMU_SOC_VIRT)

#define HZ 10000000u
#define MTIME 0x0200bff8
#define MTIMECMP 0x02004000

static uint64_t now(void) {
    uint32_t hi, lo;
    do {
        hi = REG32(MTIME + 4);
        lo = REG32(MTIME);
    } while (hi != REG32(MTIME + 4));
    return (uint64_t)hi << 32 | lo;
}

void usip_wfe(void) {
    static bool ready;
    if (!ready) {
        ready = true;
        // mstatus.MIE stays 0: nothing traps, a pending interrupt ends WFI.
        REG32(0x0c000000 + 4 * 10) = 1;             // UART0 at the interrupt controller
        REG32(0x0c002000) = 1 << 10;
        REG32(0x0c200000) = 0;
        REG8(0x10000001) = 1;
        __asm volatile ("csrs mie, %0" : : "r" (1 << 7 | 1 << 11));
    }
    uint64_t t = now() + HZ / 1000;
    REG32(MTIMECMP + 4) = 0xffffffff;
    REG32(MTIMECMP) = t;
    REG32(MTIMECMP + 4) = t >> 32;
    if (!(REG8(0x10000005) & 1)) {
        __asm volatile ("wfi");
    }
    uint32_t irq;
    while ((irq = REG32(0x0c200004)) != 0) {
        REG32(0x0c200004) = irq;
        if (irq == 10) {
            break;                                  // it stays up until the character is read
        }
    }
}

#endif

// ------------------------------------------------------------------ clock
mp_uint_t mp_hal_ticks_ms(void) {
    return now() / (HZ / 1000);
}
mp_uint_t mp_hal_ticks_us(void) {
    return now() * 2 / (HZ / 500000);
}
mp_uint_t mp_hal_ticks_cpu(void) {
    return now();
}
uint64_t mp_hal_time_ns(void) {
    return now() * (1000000000u / HZ);
}
void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = now() + (uint64_t)ms * (HZ / 1000);
    do {
        mp_event_handle_nowait();
        if ((int64_t)(end - now()) > (int64_t)HZ / 1000) {
            usip_wfe();
        }
    } while (now() < end);
}
void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = now() + (uint64_t)us * (HZ / 100000) / 10;
    while (now() < end) {
    }
}

// ------------------------------------------------------------------ stdin
static int pending = UART_RX_NO_CHAR;

void usip_poll_stdin(void) {
    if (pending < 0) {
        pending = uart_rx_chr();
        if (pending >= 0 && pending == mp_interrupt_char) {
            pending = UART_RX_NO_CHAR;
            mp_sched_keyboard_interrupt();
        }
    }
}
uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    usip_poll_stdin();
    return (flags & MP_STREAM_POLL_WR) | (pending >= 0 ? flags & MP_STREAM_POLL_RD : 0);
}
int mp_hal_stdin_rx_chr(void) {
    for (;;) {
        usip_poll_stdin();
        if (pending >= 0) {
            int c = pending;
            pending = UART_RX_NO_CHAR;
            return c;
        }
        mp_event_wait_indefinite();
    }
}

// ------------------------------------------------------------------ boards with a disk
#if USIP_FLASH
#include "shared/runtime/pyexec.h"

// Called in the place of mp_init(): what other ports' main() does.
void usip_start(void) {
    mp_init();
    pyexec_frozen_module("_boot.py", false);
    if (pyexec_file_if_exists("boot.py") && pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
        pyexec_file_if_exists("main.py");
    }
}

// Called in the place of exit() by machine.reset().
__attribute__((noreturn)) void usip_reset(int code) {
    (void)code;
    // QEMU's RISC-V board does not load .data again: it would come up in the raw REPL it was left in.
    pyexec_mode_kind = PYEXEC_MODE_FRIENDLY_REPL;
    #if defined(QEMU_SOC_MPS2)
    REG32(0xe000ed0c) = 0x05fa0004;     // AIRCR: SYSRESETREQ
    #else
    REG32(0x00100000) = 0x7777;         // the board's test finisher: reset
    #endif
    for (;;) {
    }
}
#endif

// ------------------------------------------------------------------ semihosting
// semihost(operation, arguments: a buffer of words) -> its result, for usip_qemu/files.py
static mp_obj_t hal_semihost(mp_obj_t op_in, mp_obj_t args_in) {
    mp_buffer_info_t args;
    mp_get_buffer_raise(args_in, &args, MP_BUFFER_RW);
    #if defined(QEMU_SOC_MPS2)
    register int result __asm ("r0") = mp_obj_get_int(op_in);
    register void *words __asm ("r1") = args.buf;
    __asm volatile ("bkpt 0xab" : "+r" (result) : "r" (words) : "memory");
    #else
    register int result __asm ("a0") = mp_obj_get_int(op_in);
    register void *words __asm ("a1") = args.buf;
    __asm volatile (
        ".option push\n"
        ".option norvc\n"
        ".balign 16\n"              // QEMU knows these three by being on one page
        "slli zero, zero, 0x1f\n"
        "ebreak\n"
        "srai zero, zero, 7\n"
        ".option pop\n"
        : "+r" (result) : "r" (words) : "memory");
    #endif
    return mp_obj_new_int(result);
}
static MP_DEFINE_CONST_FUN_OBJ_2(hal_semihost_obj, hal_semihost);

static const mp_rom_map_elem_t hal_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_usip_hal) },
    { MP_ROM_QSTR(MP_QSTR_semihost), MP_ROM_PTR(&hal_semihost_obj) },
};
static MP_DEFINE_CONST_DICT(hal_globals, hal_globals_table);
const mp_obj_module_t hal_module = {{&mp_type_module}, (mp_obj_dict_t *)&hal_globals};
MP_REGISTER_MODULE(MP_QSTR_usip_hal, hal_module);
