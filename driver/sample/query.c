/*
 * query.c - the one call of WSK that a kernel which is not Windows may lack.
 *
 * An import that Wine has not implemented is there and raises an exception when it is called. On the
 * thread that sent an IOCTL that ends the request, on any other one it ends the whole "machine". A
 * missing function is a fact about the guest that a case should report and survive, so the exception
 * is caught here, and only here: nothing else in this driver needs it, nor should a driver.
 */
#include "query.h"

#if defined(_MSC_VER)

NTSTATUS QueryCharacteristics(PWSK_REGISTRATION Registration, PWSK_PROVIDER_CHARACTERISTICS Range)
{
    __try {
        return WskQueryProviderCharacteristics(Registration, Range);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
}

#else

/*
 * GCC has no __try. This is what it stands for: a function with a scope table of one entry, which
 * sends every exception raised by the call to the label after it, with its code in eax.
 */
__asm__(".text\n"
        ".def QueryCharacteristics; .scl 2; .type 32; .endef\n"
        ".globl QueryCharacteristics\n"
        ".seh_proc QueryCharacteristics\n"
        "QueryCharacteristics:\n"
        "    subq $40, %rsp\n"
        "    .seh_stackalloc 40\n"
        "    .seh_endprologue\n"
        "    .seh_handler __C_specific_handler, @except\n"
        "    .seh_handlerdata\n"
        "    .long 1\n"                       /* entries */
        "    .rva 1f, 2f\n"                   /* the range that is guarded */
        "    .long 1\n"                       /* filter: EXCEPTION_EXECUTE_HANDLER, always */
        "    .rva 2f\n"                       /* where to go on */
        "    .text\n"
        "1:  call *__imp_WskQueryProviderCharacteristics(%rip)\n"
        "    nop\n" /* so that the return address is within the range */
        "2:  addq $40, %rsp\n"
        "    ret\n"
        "    .seh_endproc\n");

#endif
