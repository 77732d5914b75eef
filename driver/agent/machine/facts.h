/* facts.h - what is known about the machine's kernel; what can't be found out is not guessed. */
#pragma once

#include <windows.h>

/* A number that may be unknown. */
typedef struct FACT {
    BOOL Known;
    UINT64 Value;
} FACT;

typedef struct KERNEL_FACTS {
    FACT CodeIntegrity; /* options of SystemCodeIntegrityInformation */
    FACT TestSigning;
    FACT Hvci; /* memory integrity is enforced now, not only configured */
    FACT SecureBoot;
    FACT Verifier; /* effective Driver Verifier flags, 0 when it verifies nothing */
} KERNEL_FACTS;

void KernelFacts(KERNEL_FACTS *Facts);

/* Wine's version, NULL on Windows. */
const char *WineVersion(void);
